"""Values of the catalogue as others take them: the wire, which shows names, and the engine.

A reg value is the number of an object; the wire sends the object's name beside it.
"""

from __future__ import annotations

import pyarrow as pa

from gateway.catalog.system.names import Moment
from gateway.catalog.system.static import static
from gateway.catalog.translation.coercing import REGISTERED
from gateway.catalog.translation.resolution import TEXT, element_of
from gateway.catalog.translation.terms import Output
from gateway.types import BY_OID, Type, by_oid

# Columns of this type are many, and what clients compare them with are names.
_REGPROC = 24


def type_of(oid: int) -> Type:
    """The type in which values are sent; a row, or one without a row of its own, is its text."""
    base = static().base(oid)
    return by_oid(base) if base in BY_OID else by_oid(TEXT)


def column_type(oid: int, *, numbers: bool = False) -> Type:
    """The type of a column of the catalogue where the engine has it; `numbers`: regproc too."""
    base = static().base(oid)
    if not numbers and _REGPROC in (base, element_of(base)):
        return by_oid(TEXT if base == _REGPROC else 1009)
    return type_of(oid)


def held(kind: Type) -> pa.DataType:
    """How the engine holds values of a type: reg values are numbers."""
    if kind.oid in REGISTERED:
        return pa.uint32()
    if kind.element is not None and kind.element.oid in REGISTERED:
        return pa.list_(pa.uint32())
    return kind.arrow


def engine_values(moment: Moment, values: pa.Array, oid: int, *, numbers: bool = False) -> pa.Array:
    """A column of the catalogue as the engine has it."""
    kind = column_type(oid, numbers=numbers)
    base = static().base(oid)
    if base == _REGPROC and not numbers:
        texts = moment.texts("regproc")
        names = [None if n is None else texts.get(n, "-" if not n else str(n))
                 for n in values.to_pylist()]  # fmt: skip
        return pa.array(names, pa.string())
    wanted = held(kind)
    return values if values.type == wanted else values.cast(wanted, safe=False)


def shown(moment: Moment, values: pa.Array, output: Output) -> pa.Array:
    """A column as the wire takes it: numbers of objects with the names that they are shown by."""
    kind = type_of(output.type)
    base = static().base(output.type)
    if base in REGISTERED:
        return registered_values(moment, values, base, kind.arrow)
    if element_of(base) in REGISTERED:
        inner = registered_values(moment, values.values, element_of(base), kind.arrow.value_type)
        return pa.ListArray.from_arrays(values.offsets, inner, mask=values.is_null())
    if (
        values.type != kind.arrow
        and pa.types.is_string(kind.arrow)
        and not pa.types.is_string(values.type)
    ):
        return values.cast(pa.string())
    return values


def registered_values(moment: Moment, values: pa.Array, base: int, arrow: pa.DataType) -> pa.Array:
    texts = moment.texts(REGISTERED[base])
    oids = values.to_pylist()
    rows = [
        None
        if oid is None
        else {"oid": oid, "text": texts.get(oid) or ("-" if not oid else str(oid))}
        for oid in oids
    ]
    return pa.array(rows, arrow)
