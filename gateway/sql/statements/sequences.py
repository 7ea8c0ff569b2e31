"""CREATE SEQUENCE, ALTER SEQUENCE and the options of an identity column, read from their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import InvalidParameterValue, SyntaxFault
from gateway.sql.statements.commands import Name, Reader
from gateway.types import INT8, Type, by_name


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """What was written; None where nothing was. NO MINVALUE and NO MAXVALUE are "none".

    `restart` is the value of RESTART WITH, "start" for RESTART alone. `owner` is (table..., column)
    of OWNED BY, empty for OWNED BY NONE.
    """

    type: Type | None = None
    start: int | None = None
    increment: int | None = None
    minimum: int | str | None = None
    maximum: int | str | None = None
    cycle: bool | None = None
    cache: int | None = None
    restart: int | str | None = None
    owner: Name | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers of a sequence, settled."""

    start: int
    increment: int
    minimum: int
    maximum: int
    cycle: bool
    cache: int


@dataclass(frozen=True, slots=True)
class CreateSequence:
    """CREATE SEQUENCE."""

    name: Name
    options: SequenceOptions
    if_not_exists: bool = False
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class AlterSequence:
    """ALTER SEQUENCE; `rename` is the name of RENAME TO, `schema` that of SET SCHEMA."""

    name: Name
    options: SequenceOptions
    if_exists: bool = False
    rename: str = ""
    schema: str = ""


def read_create_sequence(reader: Reader, temporary: bool = False) -> CreateSequence:
    """CREATE SEQUENCE [IF NOT EXISTS] name [options]."""
    exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.qualified()
    return CreateSequence(name, read_options(reader), exists, temporary)


def read_alter_sequence(reader: Reader) -> AlterSequence:
    """ALTER SEQUENCE [IF EXISTS] name options, or RENAME TO name."""
    exists = reader.accept("IF", "EXISTS")
    name = reader.qualified()
    if reader.accept("RENAME", "TO"):
        return AlterSequence(name, SequenceOptions(), exists, reader.name())
    if reader.accept("SET", "SCHEMA"):
        return AlterSequence(name, SequenceOptions(), exists, schema=reader.name())
    options = read_options(reader)
    if options == SequenceOptions():
        reader.fail()
    return AlterSequence(name, options, exists)


def read_options(reader: Reader, end: str = "") -> SequenceOptions:
    """The options, each once, up to `end`, which is passed, or the end of the statement."""
    found = []
    while reader.ahead != end:
        found.append(read_option(reader))
    if end:
        reader.need(end)
    return gathered(found)


def gathered(options: Sequence[tuple[str, object]]) -> SequenceOptions:
    """Options, each of which may be there once.

    Raises:
        SyntaxFault: 42601.
    """
    if len({key for key, _ in options}) < len(options):
        raise SyntaxFault("conflicting or redundant options")
    return SequenceOptions(**dict(options))  # type: ignore[arg-type]


def read_option(reader: Reader) -> tuple[str, object]:
    """One option: its name among those of SequenceOptions, and its value."""
    word = reader.need(
        "AS", "START WITH", "START", "INCREMENT BY", "INCREMENT", "MINVALUE", "MAXVALUE",
        "NO MINVALUE", "NO MAXVALUE", "NO CYCLE", "CYCLE", "CACHE", "RESTART", "OWNED BY",
        "SEQUENCE NAME",
    )  # fmt: skip
    match word.split()[0]:
        case "AS":
            return "type", by_name(reader.name())
        case "START" | "INCREMENT" | "CACHE":
            return word.split()[0].lower(), reader.number()
        case "MINVALUE" | "MAXVALUE":
            return {"MINVALUE": "minimum", "MAXVALUE": "maximum"}[word], reader.number()
        case "RESTART":
            reader.accept("WITH")
            ahead = reader.ahead
            return "restart", reader.number() if ahead == "-" or ahead.isdigit() else "start"
        case "OWNED":
            owner = reader.qualified()
            return "owner", () if owner == ("none",) else owner
        case "SEQUENCE":
            return "name", reader.qualified()[-1]
        case "CYCLE":
            return "cycle", True
    words = {"NO MINVALUE": "minimum", "NO MAXVALUE": "maximum"}
    return (words[word], "none") if word in words else ("cycle", False)


_BITS = {"int2": 16, "int4": 32, "int8": 64}


def _edges(type: Type) -> dict[str, int]:
    most = int(2 ** (_BITS[type.name] - 1))
    return {"minimum": -most, "maximum": most - 1}


def _bound(
    name: str,
    options: SequenceOptions,
    old: Bounds | None,
    default: int,
    edges: dict[str, int],
    moved: dict[str, int],
) -> int:
    """MINVALUE or MAXVALUE; `moved` are the older type's edges, where the type changes."""
    value = getattr(options, name)
    if isinstance(value, int):
        return value
    if moved and getattr(old, name) == moved[name]:
        return edges[name]
    return default if value == "none" else int(getattr(old, name, default))


def bounds_of(
    options: SequenceOptions,
    type: Type = INT8,
    old: Bounds | None = None,
    old_type: Type = INT8,
) -> Bounds:
    """The numbers that options ask for, over those of an older sequence.

    Of another type the bounds follow it, where they were those of the older one (sequence.c).

    Raises:
        InvalidParameterValue: 22023, they contradict each other or the type.
    """
    if type.name not in _BITS:
        raise InvalidParameterValue("sequence type must be smallint, integer, or bigint")
    most = 2 ** (_BITS[type.name] - 1)

    def given(name: str, default: int) -> int:
        value = getattr(options, name)
        return int(value if value is not None else getattr(old, name, default))

    increment = given("increment", 1)
    if increment == 0:
        raise InvalidParameterValue("INCREMENT must not be zero")
    up = increment > 0
    edges = _edges(type)
    moved = (old is not None and old_type != type and _edges(old_type)) or {}
    minimum = _bound("minimum", options, old, 1 if up else -most, edges, moved)
    maximum = _bound("maximum", options, old, most - 1 if up else -1, edges, moved)
    if not -most <= minimum < most or not -most <= maximum < most:
        name, value = ("MAXVALUE", maximum) if maximum >= most else ("MINVALUE", minimum)
        raise InvalidParameterValue(
            f"{name} ({value}) is out of range for sequence data type {type.sql}"
        )
    if minimum >= maximum:
        raise InvalidParameterValue(f"MINVALUE ({minimum}) must be less than MAXVALUE ({maximum})")
    start = given("start", minimum if up else maximum)
    if start < minimum:
        raise InvalidParameterValue(
            f"START value ({start}) cannot be less than MINVALUE ({minimum})"
        )
    if start > maximum:
        raise InvalidParameterValue(
            f"START value ({start}) cannot be greater than MAXVALUE ({maximum})"
        )
    cache = given("cache", 1)
    if cache < 1:
        raise InvalidParameterValue(f"CACHE ({cache}) must be greater than zero")
    cycle = options.cycle if options.cycle is not None else bool(old and old.cycle)
    return Bounds(start, increment, minimum, maximum, cycle, cache)
