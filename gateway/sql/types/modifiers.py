"""What is in brackets after a type: the length of a varchar, the digits of a numeric."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.inputs.precision import MOST_DIGITS, interval_modifier

# On a type whose digits nobody wrote: they are those of a literal.
UNTOLD = "untold"
# PostgreSQL's VARHDRSZ, added to what a type modifier tells.
_HEADER = 4
_MOMENTS = (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIME)


def type_modifier(kind: exp.DataType) -> int:
    """The length or the digits of a type as PostgreSQL packs them; -1: none.

    >>> type_modifier(exp.DataType.build("varchar(3)", dialect="postgres"))
    7
    """
    if kind.meta_get(UNTOLD):
        return -1
    if kind.this == exp.DType.ARRAY and kind.expressions:  # that of its items
        return type_modifier(kind.expressions[0])
    numbers = [int(part.name) for part in kind.expressions if part.name.isdigit()]
    if kind.this in (exp.DType.VARCHAR, exp.DType.BPCHAR, exp.DType.CHAR):
        return numbers[0] + 4 if numbers else 5 if kind.this == exp.DType.CHAR else -1
    if kind.this == exp.DType.DECIMAL and numbers:
        return numeric_modifier(*(*numbers, 0)[:2])
    if kind.this in _MOMENTS and numbers:
        return min(numbers[0], MOST_DIGITS)
    return interval_modifier(*fields_of(kind)) if kind.this == exp.DType.INTERVAL else -1


def cast_modifier(tree: exp.Expr) -> int:
    """That of the type which a cast names; -1 of anything else."""
    return type_modifier(tree.args["to"]) if isinstance(tree, exp.Cast) else -1


def numeric_modifier(precision: int, scale: int) -> int:
    """The digits of a numeric, and those after its point, as PostgreSQL packs them."""
    return (precision << 16 | scale & 0x7FF) + _HEADER


def modifier_digits(typmod: int) -> tuple[int, int]:
    """How many digits such a modifier tells of, and how many of them after the point.

    >>> modifier_digits(numeric_modifier(10, -2))
    (10, -2)
    """
    bits = typmod - _HEADER
    return (bits >> 16) & 0xFFFF, ((bits & 0x7FF) ^ 1024) - 1024


def fields_of(kind: exp.DataType) -> tuple[str, int | None]:
    """The fields and the digits in an interval's type.

    >>> from gateway.sql.text.dialect import parse
    >>> fields_of(parse("SELECT x::interval day to second(2)")[0].expressions[0].args["to"])
    ('day to second', 2)
    """
    names = [part.name for part in kind.expressions]
    fields = " ".join(name for name in names if not name.isdigit())
    digits = next((min(int(name), MOST_DIGITS) for name in names if name.isdigit()), None)
    return fields, digits
