"""What a session's TimeZone keeps a client from writing without a cast."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gateway.errors import FeatureNotSupported
from gateway.sql.names.relation import Constants, zone_of
from gateway.store.definitions.definitions import TableDefinition
from gateway.types import TIMESTAMPTZ


def check_moments(
    constants: Constants,
    names: Sequence[str],
    given: Sequence[pa.DataType],
    target: TableDefinition,
) -> None:
    """Refuse what the store would read or write in UTC while the session's clocks differ.

    Raises:
        FeatureNotSupported: 0A000, naming the column.
    """
    zone = zone_of(constants)
    if zone == "UTC":
        return
    for name, kind in zip(names, given, strict=False):
        wanted = next(c.type for c in target.columns if c.name == name)
        moment = pa.types.is_timestamp(kind) and kind.tz is not None
        timed = moment or pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        timed = timed or pa.types.is_string(kind)
        if timed and moment != (wanted == TIMESTAMPTZ) and (moment or wanted == TIMESTAMPTZ):
            raise FeatureNotSupported(
                f'column "{name}" needs a cast while TimeZone is {zone}',
                hint=f"Write expression::{wanted.name}.",
            )
