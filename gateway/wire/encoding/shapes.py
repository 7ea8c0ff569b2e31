"""What results of the same columns share, made once: RowDescription, and the way to DataRow.

A query that runs again gives the very same columns, so they are known by who they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from gateway.errors import InvalidParameterValue, ProtocolViolation
from gateway.session.result import Field
from gateway.sql.inputs.encodings import UTF8
from gateway.sql.inputs.notation import Notation
from gateway.wire.encoding.values import TEXT_FORMAT, Bytes, RowEncoder
from gateway.wire.protocol import replies

# How many a client's conversation keeps.
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a result in their formats.

    Args:
        fields: The columns; while they are held no others can have their `id`.
        description: RowDescription.
        encode: A batch as DataRow messages.
    """

    fields: Sequence[Field]
    description: bytes
    encode: Callable[[pa.RecordBatch], Bytes]


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of one client's results."""

    _kept: dict[tuple[int, tuple[int, ...], Notation], Shape] = field(default_factory=dict)

    def of(self, fields: Sequence[Field], formats: tuple[int, ...], notation: Notation) -> Shape:
        """The shape of columns in the formats that Bind asked for, in the session's notation.

        Raises:
            ProtocolViolation: 08P01, formats for other columns than these.
            InvalidParameterValue: 22023, a format that is none.
            UntranslatableCharacter: 22P05, a name that the client's encoding cannot spell.
        """
        key = id(fields), formats, notation
        found = self._kept.get(key)
        if found is None:
            each = result_formats(formats, fields)
            encode = RowEncoder(fields, each, notation).encode
            description = replies.row_description(fields, each, notation.foreign or UTF8)
            found = Shape(fields, description, encode)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found


def result_formats(formats: tuple[int, ...], fields: Sequence[Field]) -> tuple[int, ...]:
    """One format for each column.

    Raises:
        ProtocolViolation: 08P01, formats for other columns than these.
        InvalidParameterValue: 22023, a format that is none.
    """
    if len(formats) > 1 and len(formats) != len(fields):
        raise ProtocolViolation(
            f"bind message has {len(formats)} result formats but query has {len(fields)} columns"
        )
    return spread(formats, len(fields))


def spread(formats: tuple[int, ...], count: int) -> tuple[int, ...]:
    """One format for each field: none given means text, one given is for all.

    Raises:
        InvalidParameterValue: 22023, a format that is none.
    """
    if not formats:
        return (TEXT_FORMAT,) * count
    each = formats * count if len(formats) == 1 else formats
    for form in each:
        if form not in (0, 1):
            raise InvalidParameterValue(f"unsupported format code: {form}")
    return each
