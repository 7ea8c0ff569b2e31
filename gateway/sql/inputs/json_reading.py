"""JSON text as Python's values, no deeper than every thread has stack for.

Python's reader recurses in C with no look at the stack, and what walks its values recurses too. The
engine's threads have 2 MiB: 20,000 levels ended the process there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from gateway.errors import StatementTooComplex

# PostgreSQL, with the same stack, ends at some 7,000.
MOST_LEVELS = 1000

# A string, to the end of the text where it is not closed, or a bracket.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def loads(
    text: str,
    *,
    parse_float: Callable[[str], Any] | None = None,
    parse_int: Callable[[str], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:
    """What `json.loads` gives.

    Raises:
        StatementTooComplex: 54001, it is nested too deeply.
        ValueError: It is no JSON.
    """
    refuse_depth(text)
    return json.loads(
        text, parse_float=parse_float, parse_int=parse_int, parse_constant=parse_constant
    )


def refuse_depth(text: str) -> None:
    """Refuse JSON of more than `MOST_LEVELS` levels; what is no JSON may pass.

    >>> refuse_depth('{"a": ["[["]}')

    Raises:
        StatementTooComplex: 54001.
    """
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += _STEPS.get(token[0], 0)
        if depth > MOST_LEVELS:
            raise StatementTooComplex(
                "stack depth limit exceeded",
                detail=f"JSON of more than {MOST_LEVELS} levels is not read.",
            )
