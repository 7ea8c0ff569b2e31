"""Texts read as integers and booleans: what a cast of a text that is no literal does.

The engine would read a fraction and round it; PostgreSQL takes digits alone (manual, 8.1.1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.inputs import number_input

Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]

_PLAIN = r"^[+-]?[0-9]{1,9}$"


def _read(read: Callable[[str], object], kind: pa.DataType, texts: pa.Array) -> pa.Array:
    """The values; NULL of NULL.

    Raises:
        GatewayError: 22P02, 22003: the first text that is none.
    """
    plain = (
        pa.types.is_integer(kind)
        and pc.all(pc.match_substring_regex(texts, _PLAIN), min_count=0).as_py()
    )
    if plain:
        try:
            return pc.utf8_ltrim(texts, "+").cast(kind)
        except pa.ArrowInvalid:
            pass  # a number too large for the type: said of it below
    known: dict[str | None, object] = {None: None}
    for text in texts.to_pylist():
        if text not in known:
            known[text] = read(text)
    return pa.array([known[text] for text in texts.to_pylist()], kind)


NUMBER_TEXTS: tuple[Columnar, ...] = tuple(
    (f"{name}_of_text", [pa.string()], kind, partial(_read, read, kind))
    for name, read, kind in (
        ("int2", number_input.read_int2, pa.int16()),
        ("int4", number_input.read_int4, pa.int32()),
        ("int8", number_input.read_int8, pa.int64()),
        ("bool", number_input.read_bool, pa.bool_()),
    )
)
