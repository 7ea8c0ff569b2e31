"""Calls that make much of little, each with a check around one of its arguments.

The checks are the engine's (`engine.functions.result_sizes`); a row tells which argument is checked
by which one, and what else the check must know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.errors import InvalidParameterValue
from gateway.sql.meaning.volatile import each_row


@dataclass(frozen=True, slots=True)
class Room:
    """A check: its name, the argument that it gives back, and those that it sees before."""

    check: str
    argument: int
    seen: tuple[int, ...] = ()


_SERIES = Room("room_for_series", 1, (0, 2))

#   function           the check of one of its arguments
ROOMS: Mapping[str, Room] = {
    "repeat":          Room("room_to_repeat", 1, (0,)),
    "lpad":            Room("room_to_pad", 1),
    "rpad":            Room("room_to_pad", 1),
    "replace":         Room("room_to_replace", 0, (1, 2)),
    "regexp_replace":  Room("room_to_match", 0, (2,)),
    "array_repeat":    Room("room_for_array", 1),
    "list_repeat":     Room("room_for_array", 1),
    "array_resize":    Room("room_for_array", 1),
    "list_resize":     Room("room_for_array", 1),
    "range":           _SERIES,
    "generate_series": _SERIES,
}  # fmt: skip


def checked(name: str, arguments: Sequence[exp.Expr]) -> list[exp.Expr]:
    """The arguments of a call, one of them under its check where the function has one.

    >>> [a.sql() for a in checked("repeat", [exp.column("a"), exp.Literal.number(3)])]
    ['a', 'ROOM_TO_REPEAT(a, 3)']
    >>> [a.sql() for a in checked("lpad", map(exp.Literal.number, (1, 10_000_000)))]
    ['1', 'ROOM_TO_PAD(AT_RUN_TIME(10000000))']
    """
    room = ROOMS.get(name)
    found = list(arguments)
    if name in _JOINING:
        return _with_room_for_all(found)
    if room is None or room.argument >= len(found) or _is_series_of_others(room, found):
        return found
    given = [found[n].copy() if n < len(found) else exp.Literal.number(1) for n in room.seen]
    inside = _items(found[0]) if name == "array_repeat" else []
    given += [_product(inside)] if inside else []
    given.append(_at_run_time(room, found))
    if _is_in_each_row(room, found):
        given[-1] = in_each_row(given[-1])
    check = "room_for_arrays" if inside else room.check
    found[room.argument] = exp.Anonymous(this=check, expressions=given)
    return found


def _product(factors: Sequence[exp.Expr]) -> exp.Expr:
    whole = factors[0]
    for each in factors[1:]:
        whole = exp.Mul(this=whole, expression=each)
    return exp.Cast(this=whole, to=exp.DataType.build("bigint"))


def _items(array: exp.Expr) -> list[exp.Expr]:
    """How many items an array that array_repeat makes has, and each of these, and so on."""
    found: list[exp.Expr] = []
    while isinstance(array, exp.Anonymous) and array.name == "array_repeat":
        count = array.expressions[1]
        checks = isinstance(count, exp.Anonymous) and count.name.startswith("room_for_array")
        found.append((count.expressions[-1] if checks else count).copy())
        array = array.expressions[0]
    return found


# What a constant may come to that is put beside each of a batch's 8,192 rows.
_BESIDE_ROWS = 2_000


# What gives little of much: the engine computes it of a constant once.
_MEASURING = frozenset(
    ["length", "char_length", "character_length", "octet_length", "bit_length", "md5", "sha256",
     "cardinality", "array_length", "array_upper", "strpos", "position", "left", "right", "substr",
     "substring", "split_part", "starts_with", "ascii"]
)  # fmt: skip


def _is_in_each_row(room: Room, arguments: Sequence[exp.Expr]) -> bool:
    """Whether what the check sees is constant, and what the call gives is there for each row.

    The engine computes what is constant once, so that the check would see it once.
    """
    seen = [arguments[n] for n in (*room.seen, room.argument) if n < len(arguments)]
    if any(each.find(exp.Column) for each in seen):
        return False
    if any(each.find(exp.Column) for each in arguments):
        return not all(map(_is_tiny, seen))
    call = arguments[0].parent
    return call is not None and is_in_column(call) and not all(map(_is_tiny, arguments))


def is_in_column(value: exp.Expr) -> bool:
    """Whether a value, or what an aggregate gets of it, is a column beside those of a FROM."""
    held = value.parent
    while isinstance(held, exp.Alias | exp.Paren | exp.Cast | exp.Anonymous | exp.AggFunc):
        if isinstance(held, exp.Anonymous) and held.name.lower() in _MEASURING:
            return False
        held = held.parent
    return isinstance(held, exp.Select) and held.args.get("from_") is not None


def in_each_row(value: exp.Expr) -> exp.Expr:
    """A value that the engine computes for each row anew."""
    always = exp.GTE(this=each_row(), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=always, true=value)])


def _is_tiny(constant: exp.Expr) -> bool:
    """Whether a constant is a literal that makes little of another."""
    name = next((each.name for each in constant.find_all(exp.Literal)), "")
    return _is_small(constant) and len(name) < 100 and not _tells_more(name)


def _tells_more(name: str) -> bool:
    return name.isdecimal() and int(name) > _BESIDE_ROWS


# Subquery in subquery they double a column; one expression joins no more than its text names.
_JOINING = frozenset({"array_cat", "array_concat", "list_cat", "list_concat"})


def _with_room_for_all(arguments: list[exp.Expr]) -> list[exp.Expr]:
    """The arguments, the last one under a check of the columns' items where there are several."""
    columns = [each for each in arguments if isinstance(each, exp.Column)]
    if len(columns) < 2:
        return arguments
    total: exp.Expr = exp.Literal.number(0)
    for column in columns:
        items = exp.Anonymous(this="cardinality", expressions=[column.copy()])
        counted = exp.Cast(this=items, to=exp.DataType.build("bigint"))
        known = exp.Coalesce(this=counted, expressions=[exp.Literal.number(0)])
        total = exp.Add(this=total, expression=known)
    room = exp.Anonymous(this="room_to_join", expressions=[total])
    fits = exp.GTE(this=room, expression=exp.Literal.number(0))
    last = exp.Case(ifs=[exp.If(this=fits, true=arguments[-1].copy())])
    return [*arguments[:-1], last]


def may_grow(side: exp.Expr, reads_query: bool) -> bool:
    """Whether a text may be large that no table keeps: of a query that is read, or of a call.

    >>> may_grow(exp.column("t"), True), may_grow(exp.column("t"), False)
    (True, False)
    """
    if reads_query and side.find(exp.Column) is not None:
        return True
    return any(call.name in ROOMS for call in side.find_all(exp.Anonymous))


def repeated(call: exp.Expr) -> exp.Expr | None:
    """repeat of what other calls make as one function; None where its check may stand in it.

    That would name the text twice: nested n deep, 2^n times.
    """
    arguments = call.expressions
    if len(arguments) != 2 or arguments[0].find(exp.Anonymous) is None:
        return None
    room = ROOMS["repeat"]
    count = _at_run_time(room, arguments)
    if _is_in_each_row(room, arguments):
        count = in_each_row(count)
    return exp.Anonymous(this="text_repeated", expressions=[arguments[0], count])


# Texts and counts below make nothing that the planner would feel.
_SMALL = 1_000_000


def _at_run_time(room: Room, arguments: Sequence[exp.Expr]) -> exp.Expr:
    """The checked argument; under `at_run_time` where the planner might make much of it.

    It computes what is constant, and writes the value again and again: 2.4 s for 100 MB, which
    nothing can interrupt.
    """
    argument = arguments[room.argument]
    constant = not any(each.find(exp.Column) for each in arguments)
    if room is _SERIES or not constant or all(map(_is_small, arguments)):
        return argument
    name = "text_at_run_time" if room.argument == 0 else "at_run_time"
    return exp.Anonymous(this=name, expressions=[argument])


def _is_small(constant: exp.Expr) -> bool:
    """Whether a constant is a literal, and no large one."""
    while isinstance(constant, exp.Cast | exp.Paren | exp.Neg):
        constant = constant.this
    if not isinstance(constant, exp.Literal):
        return isinstance(constant, exp.Null)
    if constant.is_string:
        return len(constant.name) < _SMALL
    return constant.is_int and int(constant.name) < _SMALL


def _is_series_of_others(room: Room, arguments: Sequence[exp.Expr]) -> bool:
    """Whether it is a series of moments, which `overloads` has typed."""
    kinds = (exp.Interval, exp.Cast)
    return room is _SERIES and any(isinstance(each, kinds) for each in arguments)


_SIZED = (exp.DType.CHAR, exp.DType.BPCHAR, exp.DType.NCHAR, exp.DType.VARCHAR)
_MOST_CHARACTERS = 10_485_760  # MaxAttrSize of PostgreSQL


def refuse_long(kind: exp.DataType) -> None:
    """Refuse a character type of more characters than PostgreSQL lets one have.

    Raises:
        InvalidParameterValue: 22023.
    """
    long = kind.expressions[0].name if kind.this in _SIZED and kind.expressions else ""
    if long == "0":
        what = "varchar" if kind.this == exp.DType.VARCHAR else "char"
        raise InvalidParameterValue(f"length for type {what} must be at least 1")
    if long.isdigit() and int(long) > _MOST_CHARACTERS:
        what = "varchar" if kind.this == exp.DType.VARCHAR else "char"
        raise InvalidParameterValue(f"length for type {what} cannot exceed {_MOST_CHARACTERS}")
