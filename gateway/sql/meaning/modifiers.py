"""What is in brackets after a type: the length of a varchar, the digits of a numeric."""

from __future__ import annotations

from sqlglot import exp


def type_modifier(kind: exp.DataType) -> int:
    """The length or the digits of a type as PostgreSQL packs them; -1: none.

    >>> type_modifier(exp.DataType.build("varchar(3)", dialect="postgres"))
    7
    """
    numbers = [int(part.name) for part in kind.expressions if part.name.isdigit()]
    if kind.this in (exp.DType.VARCHAR, exp.DType.BPCHAR, exp.DType.CHAR):
        return numbers[0] + 4 if numbers else 5 if kind.this == exp.DType.CHAR else -1
    if kind.this == exp.DType.DECIMAL and numbers:
        precision, scale = (*numbers, 0)[:2]
        return (precision << 16 | scale) + 4
    return -1
