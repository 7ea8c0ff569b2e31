"""Values of name, "char" and oid, PostgreSQL's types for what its catalogue names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported, NumericValueOutOfRange
from gateway.sql.inputs.literals import char
from gateway.store.definitions.definitions import Column

# NAMEDATALEN less its end.
_NAME_BYTES = 63


def fitting(texts: pa.Array, column: Column) -> pa.Array:
    """Of each text the 63 bytes that a name keeps (namein), or the one of a "char" (charin).

    Raises:
        FeatureNotSupported: 0A000, a "char" that is a part of a character.
    """
    one = column.type.name == "char"
    most = 1 if one else _NAME_BYTES
    if not pc.any(pc.greater(pc.binary_length(texts), most), min_count=0).as_py():
        return texts
    fit = char if one else _cut
    fitted = [None if text is None else fit(text) for text in texts.to_pylist()]
    found = pa.array(fitted, pa.string())
    if one and not pc.all(pc.string_is_ascii(found), min_count=0).as_py():
        raise FeatureNotSupported('a "char" beyond ASCII is not supported', hint="Use text.")
    return found


def _cut(text: str) -> str:
    """The whole characters in the first bytes of a text."""
    return text.encode()[:_NAME_BYTES].decode(errors="ignore")


def to_oid(values: pa.Array, column: Column) -> pa.Array:
    """A smallint and an integer are taken as unsigned, a bigint must be an oid (pg_cast).

    Raises:
        NumericValueOutOfRange: 22003.
    """
    if pa.types.is_signed_integer(values.type) and values.type.bit_width < 64:
        return values.cast(pa.int32()).view(column.arrow)
    try:
        return values.cast(column.arrow)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("OID out of range") from error
