"""Which function or operator a call means, and what it gives: PostgreSQL's rules (manual, 10).

Types are oids. An untyped literal or NULL has type `UNKNOWN`; domains count as their base types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from gateway.catalog.system.static import Routine, static

BOOL, CHAR, NAME, INT8, INT2, INT4, TEXT, OID = 16, 18, 19, 20, 21, 23, 25, 26
JSON_TYPES = frozenset({114, 3802})
UNKNOWN, VARCHAR, BPCHAR, NUMERIC, FLOAT8, RECORD = 705, 1043, 1042, 1700, 701, 2249
BYTEA, INET = 17, 869
_RECORDS = 2287  # an array that pg_type counts among the pseudo-types
ANY, ANYARRAY, ANYELEMENT, ANYNONARRAY, ANYENUM = 2276, 2277, 2283, 2776, 3500
ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYCOMPATIBLENONARRAY = 5077, 5078, 5079
_ELEMENTS = frozenset({ANYELEMENT, ANYNONARRAY, ANYENUM, ANYCOMPATIBLE, ANYCOMPATIBLENONARRAY})
_ARRAYS = frozenset({ANYARRAY, ANYCOMPATIBLEARRAY})
POLYMORPHIC = _ELEMENTS | _ARRAYS | {ANY, 3831, 4537, 5080, 4538}
_VECTORS = {22: 1005, 30: 1028}  # int2vector and oidvector go where arrays go
# Meanings of calls: a client may write `oid = 16` six hundred times in one statement.
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Resolved:
    """The routine that a call means: the types its arguments become, and the one it gives."""

    routine: Routine
    arguments: tuple[int, ...]
    result: int


def element_of(oid: int) -> int:
    """The type of an array's elements; 0 when it is no array."""
    found = static().types.get(oid)
    is_array = found is not None and (found.category == "A" or oid == _RECORDS)
    return found.element if found is not None and is_array else 0


def array_of(oid: int) -> int:
    """The array type over `oid`; 0 when there is none."""
    found = static().types.get(oid)
    return found.array if found is not None else 0


def category(oid: int) -> str:
    """pg_type.typcategory; "X" of an unknown type."""
    found = static().types.get(oid)
    return found.category if found is not None else "X"


def is_preferred(oid: int) -> bool:
    """pg_type.typispreferred."""
    found = static().types.get(oid)
    return found is not None and found.preferred


def can_coerce(given: int, wanted: int) -> bool:
    """Whether a value of type `given` becomes one of `wanted` by itself."""
    if given in (wanted, UNKNOWN) or wanted == ANY:
        return True
    if wanted in _ARRAYS:
        return bool(element_of(given)) or given in _VECTORS
    if wanted == ANYENUM:
        return category(given) == "E"
    if wanted in _ELEMENTS:
        return wanted != ANYNONARRAY or not element_of(given)
    if wanted in POLYMORPHIC:
        return category(given) == "R"
    if wanted == RECORD:
        return category(given) == "C"
    if wanted in (1028, 1005) and _VECTORS.get(given) == wanted:
        return True
    outer = 0 if wanted in _VECTORS else element_of(wanted)  # a vector is no true array
    if (inner := element_of(given)) and outer and inner != outer:
        return can_coerce(inner, outer)
    return static().casts.get((given, wanted)) == "i"


@lru_cache(_KEPT)
def function_meant(name: str, given: tuple[int, ...]) -> Resolved | None:
    """The function of PostgreSQL's own that a call means; as `resolve`."""
    return resolve(static().functions.get(name, ()), given)


@lru_cache(_KEPT)
def operator_meant(symbol: str, given: tuple[int, ...]) -> Resolved | None:
    """The operator that is meant; as `resolve`.

    An unknown operand is first taken to be of the other one's type, two of them to be text.
    """
    candidates = static().operators.get(symbol, ())
    types = [static().base(oid) for oid in given]
    if len(types) == 2 and types.count(UNKNOWN) == 1:
        other = types[0] if types[1] == UNKNOWN else types[1]
        for candidate in candidates:
            if candidate.arguments == (other, other):
                return _settled(candidate, types)
    found = resolve(candidates, types)
    if found is None and all(kind == UNKNOWN for kind in types):
        return resolve(candidates, [TEXT] * len(types))
    return found


def resolve(candidates: Sequence[Routine], given: Sequence[int]) -> Resolved | None:
    """The routine that a call with arguments of these types means.

    None when none fits, or several fit equally well.
    """
    types = [static().base(oid) for oid in given]
    fitting = [fit for c in candidates if (fit := _fitted(c, types)) is not None]
    exact = [c for c in fitting if tuple(types) == c.arguments]
    best = exact[:1] or _narrowed([c for c in fitting if _accepts(c, types)], types)
    if len(best) != 1:
        return None
    return _settled(best[0], types)


def _fitted(candidate: Routine, types: Sequence[int]) -> Routine | None:
    """The candidate with as many arguments as were given; None when it cannot have that many."""
    wanted = candidate.arguments
    if candidate.variadic and len(types) >= len(wanted):
        last = wanted[-1]
        element = ANY if last == ANY else element_of(last) or _element_of_any(last)
        more = (element,) * (len(types) - len(wanted) + 1)
        return replace(candidate, arguments=wanted[:-1] + more)
    if len(wanted) - candidate.defaults <= len(types) <= len(wanted):
        return replace(candidate, arguments=wanted[: len(types)])
    return None


def _element_of_any(array: int) -> int:
    return {ANYARRAY: ANYELEMENT, ANYCOMPATIBLEARRAY: ANYCOMPATIBLE}.get(array, ANY)


def _accepts(candidate: Routine, types: Sequence[int]) -> bool:
    pairs = list(zip(types, candidate.arguments, strict=True))
    return all(can_coerce(given, wanted) for given, wanted in pairs) and _agree(pairs)


def _agree(pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether the arguments of polymorphic types mean one element type."""
    known = [(given, wanted) for given, wanted in pairs if given != UNKNOWN]
    elements = [element_of(given) for given, wanted in known if wanted in _ARRAYS]
    elements += [given for given, wanted in known if wanted in _ELEMENTS]
    first = elements[0] if elements else 0
    return all(can_coerce(kind, first) or can_coerce(first, kind) for kind in elements)


def _narrowed(candidates: list[Routine], types: Sequence[int]) -> list[Routine]:
    """func_select_candidate: most exact matches, then preferred types, then unknown arguments."""
    known = [n for n, kind in enumerate(types) if kind != UNKNOWN]
    rounds: tuple[Callable[[Routine], int], ...] = (
        lambda c: sum(c.arguments[n] == types[n] for n in known),
        lambda c: sum(
            c.arguments[n] == types[n]
            or (is_preferred(c.arguments[n]) and category(c.arguments[n]) == category(types[n]))
            for n in known
        ),
    )
    for score in rounds:
        if len(candidates) < 2:
            return candidates
        most = max(map(score, candidates))
        candidates = [c for c in candidates if score(c) == most]
    for n, kind in enumerate(types):
        if kind == UNKNOWN and len(candidates) > 1:
            candidates = _by_category(candidates, n)
    if len(candidates) > 1 and known and len({types[n] for n in known}) == 1:
        same = types[known[0]]
        alike = [c for c in candidates if all(can_coerce(same, arg) for arg in c.arguments)]
        exact = [c for c in alike if all(arg == same for arg in c.arguments)]
        candidates = exact or alike or candidates
    return candidates


def _by_category(candidates: list[Routine], n: int) -> list[Routine]:
    kinds = {category(c.arguments[n]) for c in candidates}
    kind = "S" if "S" in kinds else (next(iter(kinds)) if len(kinds) == 1 else "")
    chosen = [c for c in candidates if category(c.arguments[n]) == kind]
    preferred = [c for c in chosen if is_preferred(c.arguments[n])]
    return preferred or chosen or candidates


def _settled(candidate: Routine, types: Sequence[int]) -> Resolved:
    """Polymorphic arguments and result as what they stand for here."""
    element = _element(candidate.arguments, types)

    def concrete(kind: int) -> int:
        if kind in _ELEMENTS:
            return element
        if kind in _ARRAYS:
            return array_of(element) or kind
        return kind

    arguments = tuple(
        given
        if wanted == ANY and given != UNKNOWN
        else (TEXT if wanted == ANY else concrete(wanted))
        for given, wanted in zip(types, candidate.arguments, strict=True)
    )
    return Resolved(candidate, arguments, concrete(candidate.result))


def _element(wanted: Sequence[int], types: Sequence[int]) -> int:
    for kind, given in zip(wanted, types, strict=True):
        if kind in _ARRAYS and given != UNKNOWN:
            return element_of(_VECTORS.get(given, given)) or TEXT
    for kind, given in zip(wanted, types, strict=True):
        if kind in _ELEMENTS and given != UNKNOWN:
            return given
    return TEXT


def common_type(types: Sequence[int]) -> int:
    """The type that values of several types take together (UNION, CASE); manual, 10.5."""
    known = [static().base(oid) for oid in types if oid != UNKNOWN]
    if not known:
        return TEXT
    if len(set(types)) == 1:
        return types[0]
    chosen = known[0]
    for kind in known[1:]:
        if kind == chosen or is_preferred(chosen):
            continue
        if can_coerce(chosen, kind) and not can_coerce(kind, chosen):
            chosen = kind
    return chosen
