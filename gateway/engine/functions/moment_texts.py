"""Texts read as dates, times and timestamps: what a cast of a text that is no literal does.

Whole columns of ISO 8601 are read by Arrow, anything else value by value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.inputs import moment_values
from gateway.sql.inputs.notation import from_text

Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]

_DAY = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d:\d\d(?:\.\d{1,6})?"


def _read(
    read: Callable[[str, str, str], int],
    plain: str,
    kind: pa.DataType,
    texts: pa.Array,
    notation: pa.Array,
) -> pa.Array:
    """The moments; NULL of NULL.

    Raises:
        GatewayError: 22007, 22008: the first text that is none.
    """
    if plain and pc.all(pc.match_substring_regex(texts, f"^(?:{plain})$"), min_count=0).as_py():
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            pass  # a day that no calendar has: said of it below
    by = from_text(notation[0].as_py()) if len(notation) else from_text("UTC|ISO|MDY|postgres")
    known: dict[str | None, int | None] = {None: None}
    for text in texts.to_pylist():
        if text not in known:
            known[text] = read(text, by.zone, by.order)
    numbers = [known[text] for text in texts.to_pylist()]
    return pa.array(numbers, pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)


_ROWS = (
    ("date", moment_values.date, _DAY, pa.date32()),
    ("time", moment_values.time, _CLOCK, pa.time64("us")),
    ("timestamp", moment_values.timestamp, f"{_DAY}(?:[ T]{_CLOCK})", pa.timestamp("us")),
    ("timestamptz", moment_values.timestamptz, f"{_DAY}[ T]{_CLOCK}(?:Z|[+-]\\d\\d:\\d\\d)",
     pa.timestamp("us", "UTC")),
)  # fmt: skip

MOMENT_TEXTS: tuple[Columnar, ...] = tuple(
    (f"{name}_of_text", [pa.string(), pa.string()], kind, partial(_read, read, plain, kind))
    for name, read, plain, kind in _ROWS
)
