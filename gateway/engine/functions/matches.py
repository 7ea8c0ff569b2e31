"""regexp_matches, regexp_split_to_array and regexp_like: what `regexps` finds, taken apart.

And LIKE with ANY and ALL of arrays that a row or a parameter gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.regexps import Match, found_in, groups_in, groups_of, refuse_global
from gateway.engine.functions.result_sizes import MOST_ELEMENTS, admit
from gateway.engine.functions.rows import Row


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


def like_each(texts: pa.Array, arrays: pa.ListArray, words: pa.Array) -> pa.Array:
    """Whether each text is like one of the patterns, or like all, in time linear in the text.

    Args:
        texts: NULL is like nothing that is known.
        arrays: The patterns for each; a NULL among them is not known, a NULL array gives NULL.
        words: "ANY" or "ALL", with "I" behind it for ILIKE and "!" for NOT; the same for all.
    """
    word = words[0].as_py() if len(words) else "ANY"
    rows: dict[tuple[str | None, ...] | None, list[int]] = {}
    for row, patterns in enumerate(arrays.to_pylist()):
        rows.setdefault(None if patterns is None else tuple(patterns), []).append(row)
    found = [_like_these(texts.take(pa.array(at)), of, word) for of, at in rows.items()]
    order = pa.array([row for at in rows.values() for row in at], pa.int64())
    return pa.concat_arrays([pa.array([], pa.bool_()), *found]).take(pc.sort_indices(order))


def _like_these(texts: pa.Array, patterns: tuple[str | None, ...] | None, word: str) -> pa.Array:
    unknown = pa.nulls(len(texts), pa.bool_())
    if patterns is None:
        return unknown
    whole = word.startswith("ALL")
    made = pa.repeat(pa.scalar(whole), len(texts))
    for pattern in patterns:
        each = unknown
        if pattern is not None:
            each = pc.match_like(texts, pattern, ignore_case="I" in word)
        each = pc.invert(each) if "!" in word else each
        made = pc.and_kleene(made, each) if whole else pc.or_kleene(made, each)
    return made


_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
ROWS: tuple[Row, ...] = (
    ("regexp_parts", split, [_TEXT] * 3, _TEXTS),
    ("all_matches", matches, [_TEXT] * 3, pa.list_(_TEXTS)),
    ("is_matched", like, [_TEXT] * 3, pa.bool_()),
)
LIKES = (("like_each", [_TEXT, _TEXTS, _TEXT], pa.bool_(), like_each),)
