"""Where the rows of an INSERT begin and end in its text, as far as that shows without a tree.

They stand after VALUES, or are selected from it in the order of a counter, as SQLAlchemy writes
rows whose keys it wants back in order; that says the same:

    INSERT INTO t (a, b) SELECT p0::INTEGER, p1::VARCHAR
    FROM (VALUES ($1, $2, 0), ($3, $4, 1)) AS v (p0, p1, n) ORDER BY n RETURNING t.id
    INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) RETURNING t.id
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from gateway.types import ALIASES, BY_NAME, UNPADDED, Type

_WORD = r'(?:[^\W\d]\w*|"[^"]+")'
_INTO = rf"\s*INSERT\s+INTO\s+{_WORD}(?:\.{_WORD})?\s*"
_COLUMNS = rf"\(\s*{_WORD}(?:\s*,\s*{_WORD})*\s*\)\s*"
_VALUES = re.compile(rf"{_INTO}(?:{_COLUMNS})?\bVALUES\s*(?=\()", re.IGNORECASE)
CAST = r"::\s*+([A-Za-z]\w*+(?: \w++){0,3})"
_ITEM = rf"\s*(\w+)(?:{CAST})?\s*"
_SELECTED = re.compile(
    rf"(?P<into>{_INTO}{_COLUMNS})SELECT\s(?P<items>{_ITEM}(?:,{_ITEM})*)"
    r"\bFROM\s*\(\s*VALUES\s*(?=\()",
    re.IGNORECASE,
)
_RETURNING = r"\s*+(?P<returning>\bRETURNING\b[^$;]*+)?;?\s*+\Z"
_END = re.compile(_RETURNING, re.IGNORECASE)
_ORDERED = re.compile(
    r"\s*\)\s*AS\s+\w+\s*\((?P<names>\s*\w+(?:\s*,\s*\w+)*\s*)\)\s*"
    r"ORDER\s+BY\s+(?P<by>\w+)" + _RETURNING,
    re.IGNORECASE,
)

# A cast to one of these cuts a text, or takes what is no text for one.
_CUTTING = frozenset({"char", "bpchar", "name", "unknown"})


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the rows.

    Args:
        head: What an INSERT of the same begins with, up to VALUES and behind it.
        start: Where the rows begin.
        names: Those that are selected, in order; empty where the rows stand after VALUES.
        casts: What each of them is cast to, as it is written; "": it is not.
    """

    head: str
    start: int
    names: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()

    @property
    def extra(self) -> int:
        """How many columns the rows have beside those that are inserted: a counter, or none."""
        return bool(self.names)

    def tail(self, text: str, end: int) -> str | None:
        """RETURNING, if it stands behind the rows, which end there; None: something else does."""
        found = (_ORDERED if self.names else _END).match(text, end)
        if found is None:
            return None
        if self.names:
            *names, counter = (name.strip() for name in found["names"].split(","))
            if tuple(names) != self.names or found["by"] != counter or counter in names:
                return None
        return (found["returning"] or "").rstrip()


def frame_of(text: str) -> Frame | None:
    """What stands around the rows of an INSERT; None: it is something else.

    >>> frame_of("INSERT INTO t VALUES (1)")
    Frame(head='INSERT INTO t VALUES ', start=21, names=(), casts=())
    """
    head = _VALUES.match(text)
    if head is not None:
        return Frame(head[0], head.end())
    head = _SELECTED.match(text)
    if head is None:
        return None
    items = re.findall(_ITEM + "(?:,|$)", head["items"])
    names, casts = zip(*items, strict=True)
    return Frame(f"{head['into']}VALUES ", head.end(), names, casts)


def counts(cells: Sequence[str]) -> bool:
    """Whether these are the numbers of rows in order, from 0."""
    return all(cell == str(number) for cell, number in zip(cells, count(), strict=False))


def kind_kept(cast: str, column: Type) -> Type | None:
    """What a cast is to, where it leaves values for a column as they are; None: it may not."""
    spelt = " ".join(cast.lower().split())
    kind = BY_NAME.get(ALIASES.get(spelt, spelt))
    changes = kind is None or kind.name in _CUTTING or not alike(kind, column)
    return None if changes else kind


def alike(kind: Type, other: Type, names: frozenset[str] = UNPADDED) -> bool:
    """Whether two types are one, or both among some names."""
    return kind is other or {kind.name, other.name} <= names
