"""The engine's plan as EXPLAIN (FORMAT JSON) gives it: nodes in nodes, by PostgreSQL's names.

Of PostgreSQL's keys there are `Plan`, `Node Type`, `Plans` and, where the engine tells a whole
number, `Actual Rows`; what else it tells of a node is in `Details` and `Metrics`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

# `FilterExec: uwnd@1 > 0, metrics=[output_rows=3, elapsed_compute=1.2ms]`, two blanks a level.
_NODE = re.compile(r"( *)(\w+)(?::|,(?= metrics=))? ?(.*?)(?:,? ?metrics=\[(.*)\])?")
_METRIC = re.compile(r"(\w+)=((?:[^,(]|\([^)]*\))+)")


def plan_tree(plan: Iterable[str], told: Sequence[str] = ()) -> str:
    """A document of one plan.

    Args:
        plan: Its lines, each node under the one that reads it.
        told: What else there is to tell, as how many chunks were read.

    >>> print(plan_tree(["FilterExec: a > 1", "  EmptyExec"]))
    [
      {
        "Plan": {
          "Node Type": "FilterExec",
          "Details": "a > 1",
          "Plans": [
            {
              "Node Type": "EmptyExec"
            }
          ]
        }
      }
    ]
    """
    found: dict[str, Any] = {}
    around: list[tuple[int, dict[str, Any]]] = [(-1, found)]
    for line in plan:
        depth, node = _node(line)
        while around[-1][0] >= depth:
            around.pop()
        around[-1][1].setdefault("Plans", []).append(node)
        around.append((depth, node))
    document: dict[str, Any] = {"Plan": found["Plans"][0]} if found else {}
    if told:
        document["Reads"] = list(told)
    return json.dumps([document], indent=2, ensure_ascii=False)


def _node(line: str) -> tuple[int, dict[str, Any]]:
    """How far in it stands, and what it says but for the nodes beneath."""
    match = _NODE.fullmatch(line)
    if match is None:
        return len(line) - len(line.lstrip()), {"Node Type": line.strip()}
    blanks, name, details, metrics = match.groups()
    node: dict[str, Any] = {"Node Type": name}
    if details:
        node["Details"] = details
    measured = dict(_METRIC.findall(metrics or ""))
    if measured.get("output_rows", "").isdigit():
        node["Actual Rows"] = int(measured["output_rows"])
    if measured:
        node["Metrics"] = measured
    return len(blanks), node
