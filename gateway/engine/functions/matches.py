"""Regular expressions that DataFusion has no function for, by Arrow's own (RE2, linear in time).

PostgreSQL manual, 9.7.3. Python's `re` may take exponential time and holds every client's thread
meanwhile, so it is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.rooms import MOST_ELEMENTS, admit
from gateway.errors import FeatureNotSupported

_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)")


def _refuse_anchors(pattern: str) -> None:
    """What follows a match is looked at by itself, where it would begin a text."""
    if re.search(r"(?<!\\)(?<!\[)\^|\\[bBAmMyY]", pattern):
        raise FeatureNotSupported(
            "an anchor in a pattern that is looked for again is not supported"
        )


def split(text: str, pattern: str) -> list[str]:
    """regexp_split_to_array.

    Raises:
        OutOfMemory: 53200, it may have too many parts.
    """
    if not pattern:
        return list(text)
    _refuse_anchors(pattern)
    # To count what a pattern matches takes as long as to split by it, so a long text is refused.
    parts = text.count(pattern) if re.escape(pattern) == pattern else len(text)
    admit(parts, MOST_ELEMENTS, "splitting a text, in parts,")
    return list(_between(_marked(text, pattern)))


def _between(pieces: list[str]) -> Iterator[str]:
    """What stands between the matches, of texts and matches in turn.

    A match of nothing does not part the text at its start, at its end, or right after another
    match. (Arrow's own split never ends where a pattern matches nothing.)
    """
    texts, matches = pieces[::2], pieces[1::2]
    last = max((n for n, each in enumerate(texts) if each), default=0)
    part = texts[0]
    for number, match in enumerate(matches):
        beside = not texts[number] and (number > 0 or not part)
        if match or not (beside or number >= last):
            yield part
            part = ""
        part += texts[number + 1]
    yield part


def all_matches(text: str, pattern: str) -> list[list[str | None]]:
    """regexp_matches with the flag g: for each match its groups, or the whole of it.

    Raises:
        FeatureNotSupported: 0A000, what a pattern matches depends on what stands before it.
    """
    _refuse_anchors(pattern)
    found = _matched(text, pattern)
    named, count = _named(pattern)
    if not count or not found:
        return [[each] for each in found]
    parts = pc.extract_regex(pa.array(found), f"(?s)^(?:{named})$")
    columns = [parts.field(number).to_pylist() for number in range(count)]
    return [list(groups) for groups in zip(*columns, strict=True)]


def _matched(text: str, pattern: str) -> list[str]:
    """Every part of the text that the pattern matches, found in one go: no text holds a NUL."""
    return _marked(text, pattern)[1::2]


def _marked(text: str, pattern: str) -> list[str]:
    """A text and a match in turn, a text at either end."""
    marked = pc.replace_substring_regex(pa.array([text]), f"(?s){pattern}", "\x00\\0\x00")
    pieces: list[str] = marked[0].as_py().split("\x00")
    return pieces


def _named(pattern: str) -> tuple[str, int]:
    """The pattern with a name for each group, as Arrow wants them; and how many there are."""
    count = 0

    def name(match: re.Match[str]) -> str:
        nonlocal count
        if match[0] != "(":
            return match[0]
        count += 1
        return f"(?P<g{count - 1}>"

    return _GROUP.sub(name, pattern), count
