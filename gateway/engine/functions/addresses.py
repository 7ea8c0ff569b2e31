"""Functions and operators of addresses (inet), which are their texts here: a row each."""

from __future__ import annotations

import pyarrow as pa

from gateway.engine.functions.rows import Row
from gateway.sql.inputs import networks

_TEXT, _INTEGER, _BIGINT, _BOOL = pa.string(), pa.int32(), pa.int64(), pa.bool_()
_TEXTS = pa.list_(_TEXT)


def _texts(items: list[str | None]) -> list[str | None]:
    """Each as a cast to text gives it."""
    return [None if item is None else networks.with_bits(item) for item in items]


ADDRESSES: list[Row] = [
    ("inet_key", networks.key, [_TEXT], _TEXT),
    ("inet_of_key", networks.of_key, [_TEXT], _TEXT),
    ("inet_text", networks.with_bits, [_TEXT], _TEXT),
    ("inet_abbrev", networks.canonical, [_TEXT], _TEXT),
    ("inet_texts", _texts, [_TEXTS], _TEXTS),
    ("inet_host", networks.host, [_TEXT], _TEXT),
    ("inet_family", networks.family, [_TEXT], _INTEGER),
    ("inet_masklen", networks.masklen, [_TEXT], _INTEGER),
    ("inet_with_masklen", networks.set_masklen, [_TEXT, _BIGINT], _TEXT),
    ("inet_broadcast", networks.broadcast, [_TEXT], _TEXT),
    ("inet_netmask", networks.netmask, [_TEXT], _TEXT),
    ("inet_hostmask", networks.hostmask, [_TEXT], _TEXT),
    ("inet_alike", networks.same_family, [_TEXT, _TEXT], _BOOL),
    ("inet_within", networks.is_within, [_TEXT, _TEXT], _BOOL),
    ("inet_within_or_same", networks.is_within_or_same, [_TEXT, _TEXT], _BOOL),
    ("inet_overlaps", networks.overlaps, [_TEXT, _TEXT], _BOOL),
    ("inet_inverted", networks.inverted, [_TEXT], _TEXT),
    ("inet_both", networks.both, [_TEXT, _TEXT], _TEXT),
    ("inet_either", networks.either, [_TEXT, _TEXT], _TEXT),
    ("inet_moved", networks.moved, [_TEXT, _BIGINT], _TEXT),
    ("inet_moved_back", networks.moved_back, [_TEXT, _BIGINT], _TEXT),
    ("inet_distance", networks.distance, [_TEXT, _TEXT], _BIGINT),
]
