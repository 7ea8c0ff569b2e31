"""EXPLAIN: what would run, or what ran.

FORMAT JSON gives the engine's plan as nodes in nodes, by PostgreSQL's names: of its keys there are
`Plan`, `Node Type`, `Plans` and, where the engine tells a whole number, `Actual Rows`; what else it
tells of a node is in `Details` and `Metrics`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gateway.session.computation import Bound
from gateway.session.result import Field, Result, lines, plan_lines, read_lines
from gateway.sql.statements.explaining import explain_options
from gateway.sql.statements.statement import Explain, Statement
from gateway.types import BY_NAME

if TYPE_CHECKING:
    from gateway.session.queries.querying import Queries

# Of what the engine measured of a step, the times.
_TIMES = re.compile(r"(?<=[\[ ])\w+=[0-9.]+(?:ns|µs|ms|s)(?:, |(?=\]))")


def explained(queries: Queries, statement: Statement, bound: Bound) -> Result:
    """The plan, or with the option `rewrite` the engine's SQL: a line a row, or a document."""
    explain = statement.tree
    assert isinstance(explain, Explain)
    asked = explain_options(explain)
    if queries.catalogue.answers(explain.statement.text, explain.statement.tree):
        plan = ["Catalogue query: rows in memory, no table is read"]
        return document(plan_tree(plan)) if "json" in asked else lines("EXPLAIN", plan)
    query = queries.required(statement)
    queries.allow(query.rewritten, query.rowid_of)
    if "rewrite" in asked:
        if "json" in asked:
            return document(json.dumps([{"Rewrite": query.rewritten.text}], indent=2))
        return lines("EXPLAIN", query.rewritten.text.splitlines())
    words = ["EXPLAIN", *(w.upper() for w in ("analyze", "verbose") if w in asked), ""]
    tables = queries.tables(query)
    planned = queries.plan_with(query.rewritten, tables, bound, " ".join(words))
    told = list(plan_lines(planned.stream()))
    if "untimed" in asked:
        told = [_TIMES.sub("", line).replace(", ]", "]") for line in told]
    read = read_lines(tables, queries.engine.reads) if "analyze" in asked else []
    if "json" in asked:  # of the last plan, which is the physical one
        last = next(n for n, line in enumerate(reversed(told)) if not line.startswith(" "))
        return document(plan_tree(told[len(told) - last :], read))
    return lines("EXPLAIN", told + read)


def document(text: str) -> Result:
    """A result of one JSON document."""
    batch = pa.record_batch({"QUERY PLAN": pa.array([text], pa.string())})
    return Result("EXPLAIN", (Field("QUERY PLAN", BY_NAME["json"]),), iter([batch]))


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
