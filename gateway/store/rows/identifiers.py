"""Values of name, "char" and oid, PostgreSQL's types for what its catalogue names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported, NumericValueOutOfRange
from gateway.store.definitions.definitions import Column

# NAMEDATALEN less its end.
_NAME_BYTES = 63
# A byte of a "char" as charin reads it.
_OCTAL = r"^\\[0-3][0-7]{2}$"


def fitting(texts: pa.Array, column: Column) -> pa.Array:
    """Of each text the 63 bytes that a name keeps (namein), or the one of a "char" (charin).

    Raises:
        FeatureNotSupported: 0A000, a "char" that is a part of a character, or octal digits.
    """
    most = 1 if column.type.name == "char" else _NAME_BYTES
    if most == 1 and pc.any(pc.match_substring_regex(texts, _OCTAL), min_count=0).as_py():
        raise FeatureNotSupported('a "char" of octal digits is not supported', hint="Use chr().")
    if not pc.any(pc.greater(pc.binary_length(texts), most), min_count=0).as_py():
        return texts
    if most == 1 and not pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        raise FeatureNotSupported('a "char" beyond ASCII is not supported', hint="Use text.")
    return pa.array([_cut(text, most) for text in texts.to_pylist()], pa.string())


def _cut(text: str | None, most: int) -> str | None:
    """The whole characters in the first bytes of a text."""
    return None if text is None else text.encode()[:most].decode(errors="ignore")


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
