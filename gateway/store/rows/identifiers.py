"""Values of name, "char" and oid, PostgreSQL's types for what its catalogue names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import NumericValueOutOfRange
from gateway.sql.inputs.value_input import NAME_BYTES, read_letter, read_name
from gateway.store.definitions.definitions import Column


def fitting(texts: pa.Array, column: Column) -> pa.Array:
    """Of each text the 63 bytes that a name keeps (namein), or the one of a "char" (charin).

    Raises:
        FeatureNotSupported: 0A000, a "char" that is a part of a character.
    """
    one = column.type.name == "char"
    most, read = (1, read_letter) if one else (NAME_BYTES, read_name)
    if not pc.any(pc.greater(pc.binary_length(texts), most), min_count=0).as_py():
        return texts
    fitted = [None if text is None else read(text) for text in texts.to_pylist()]
    return pa.array(fitted, pa.string())


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
