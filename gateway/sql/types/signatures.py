"""Which of PostgreSQL's functions a call means, by the types of its arguments (manual, 10.3).

`gateway/data/signatures.txt` has a line per name: the types of the arguments and of the result of
each function of that name, as pg_proc of PostgreSQL 15 lists them. A name without a line: its
functions take any type, a varying number of arguments, or are not PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gateway.types import NUMBERS, STRINGS

UNKNOWN = "unknown"
# What each type becomes by itself (pg_cast, castcontext i).
_IMPLICIT: dict[str, frozenset[str]] = {
    name: frozenset(targets.split())
    for name, targets in {
        "int2":      "int4 int8 float4 float8 numeric oid",
        "int4":      "int8 float4 float8 numeric oid",
        "int8":      "float4 float8 numeric oid",
        "float4":    "float8",
        "numeric":   "float4 float8",
        "date":      "timestamp timestamptz",
        "timestamp": "timestamptz",
        "time":      "interval timetz",
        "text":      "varchar bpchar name",
        "varchar":   "text bpchar name",
        "bpchar":    "text varchar name",
        "name":      "text",
        "char":      "text",
    }.items()
}  # fmt: skip
_PREFERRED = frozenset({"float8", "oid", "text", "bool", "timestamptz", "interval"})
_CATEGORIES: dict[str, str] = {
    **dict.fromkeys((*NUMBERS, "oid"), "N"),
    **dict.fromkeys(STRINGS - {"char"}, "S"),
    **dict.fromkeys(("date", "time", "timetz", "timestamp", "timestamptz"), "D"),
    "interval": "T",
    "bool": "B",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """One function: the names of the types that it takes, and of the one that it gives."""

    takes: tuple[str, ...]
    gives: str


@cache
def signatures() -> dict[str, tuple[Signature, ...]]:
    """By name.

    >>> [each.gives for each in signatures()["ceil"]]
    ['float8', 'numeric']
    """
    text = (files("gateway") / "data" / "signatures.txt").read_text()
    lines = (line.split(": ", 1) for line in text.splitlines())
    return {name: tuple(map(_signature, rest.split(", "))) for name, rest in lines}


def _signature(text: str) -> Signature:
    takes, _, gives = text.partition("-> ")
    return Signature(tuple(takes.split()), gives)


def meant(name: str, given: Sequence[str]) -> list[Signature]:
    """The function that a call means; none where none takes such arguments, several if it is open.

    Args:
        name: One of `signatures`.
        given: The arguments' types by name; `unknown` for a quoted literal or NULL.

    >>> meant("round", ["int4", "int4"])[0].gives, meant("round", ["float8", "int4"])
    ('numeric', [])
    >>> len(meant("trunc", ["unknown"]))
    4
    """
    fitting = [each for each in signatures()[name] if _takes(each, given)]
    exact = [each for each in fitting if each.takes == tuple(given)]
    if exact or len(fitting) < 2:
        return exact or fitting
    fitting = _most(fitting, lambda each, place: each.takes[place] == given[place], given)
    fitting = _most(fitting, lambda each, place: _prefers(each.takes[place], given[place]), given)
    if len(fitting) > 1 and UNKNOWN in given:
        fitting = _by_category(fitting, given)
        told = {kind for kind in given if kind != UNKNOWN}
        if len(fitting) > 1 and len(told) == 1:
            alike = [*told] * len(given)
            same = [each for each in fitting if _takes(each, alike)]
            fitting = same if len(same) == 1 else fitting
    return fitting


def _takes(one: Signature, given: Sequence[str]) -> bool:
    return len(one.takes) == len(given) and all(
        kind in (UNKNOWN, taken) or taken in _IMPLICIT.get(kind, ())
        for taken, kind in zip(one.takes, given, strict=True)
    )


def _prefers(taken: str, kind: str) -> bool:
    alike = kind != UNKNOWN and _CATEGORIES.get(taken) == _CATEGORIES.get(kind)
    return taken == kind or (alike and taken in _PREFERRED)


def _most(
    fitting: list[Signature], counts: Callable[[Signature, int], bool], given: Sequence[str]
) -> list[Signature]:
    """Those that it counts for at the most arguments whose type is told."""
    told = [place for place, kind in enumerate(given) if kind != UNKNOWN]
    scores = [sum(counts(each, place) for place in told) for each in fitting]
    return [each for each, score in zip(fitting, scores, strict=True) if score == max(scores)]


def _by_category(fitting: list[Signature], given: Sequence[str]) -> list[Signature]:
    """Unknown arguments are texts if any function takes one there, else of the one category."""
    kept = fitting
    for place, kind in enumerate(given):
        if kind != UNKNOWN:
            continue
        taken = [each.takes[place] for each in fitting]
        found = {_CATEGORIES.get(each, each) for each in taken}
        if "S" not in found and len(found) > 1:
            return fitting
        category = "S" if "S" in found else found.pop()
        kept = [each for each in kept if _CATEGORIES.get(each.takes[place]) == category]
        preferred = [each for each in kept if each.takes[place] in _PREFERRED]
        kept = preferred or kept
    return kept or fitting
