"""regexp_matches, regexp_split_to_array and regexp_like: what `regexps` finds, taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from gateway.engine.functions.regexps import Match, found_in, groups_in, groups_of, refuse_global
from gateway.engine.functions.result_sizes import MOST_ELEMENTS, admit


def split(text: str, pattern: str, flags: str) -> list[str]:
    """regexp_split_to_array.

    Raises:
        OutOfMemory: 53200, it may have too many parts.
    """
    refuse_global("regexp_split_to_array", flags)
    if not pattern:
        return list(text) or [""]
    # To count what a pattern matches takes as long as to split by it, so a long text is refused.
    parts = text.count(pattern) if re.escape(pattern) == pattern else len(text)
    admit(parts, MOST_ELEMENTS, "splitting a text, in parts,")
    return list(_between(text, found_in(text, pattern, flags)))


def _between(text: str, found: list[Match]) -> Iterator[str]:
    """What stands between the matches.

    A match of nothing does not part the text at its start, at its end, or right after another.
    """
    begin = last = 0
    for match in found:
        nothing = match.start == match.end
        if nothing and match.start in (0, last, len(text)):
            continue
        yield text[begin : match.start]
        begin = last = match.end
    yield text[begin:]


def matches(text: str, pattern: str, flags: str) -> list[list[str | None]]:
    """regexp_matches: of the first match its groups, or the whole of it; with g of every one."""
    asked = flags.replace("g", "")
    most = None if "g" in flags else 1
    if groups_in(pattern, asked):
        return groups_of(text, pattern, asked)[:most]
    return [[text[each.start : each.end]] for each in found_in(text, pattern, asked)[:most]]


def like(text: str, pattern: str, flags: str) -> bool:
    """regexp_like."""
    refuse_global("regexp_like", flags)
    return bool(found_in(text, pattern, flags))


_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
ROWS: tuple[tuple[str, Callable[..., Any], list[pa.DataType], pa.DataType], ...] = (
    ("regexp_parts", split, [_TEXT] * 3, _TEXTS),
    ("all_matches", matches, [_TEXT] * 3, pa.list_(_TEXTS)),
    ("is_matched", like, [_TEXT] * 3, pa.bool_()),
)
