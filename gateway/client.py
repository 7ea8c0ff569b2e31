"""For clients: the rows of a query as an xarray Dataset.

It asks nothing of the server but SQL: any connection of Python's database interface will do,
psycopg's and ADBC's among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray

from gateway.sources.reading.stored import Origin
from gateway.sources.writing.gridding import MOST_EXACT, gridded, lengths, numbers
from gateway.sources.writing.restoring import Known, restored

Values = npt.NDArray[Any]

# PostgreSQL's oid of a type -> numpy's, where no value is missing. Others stay objects.
_TYPES = {
    16: "?", 20: "i8", 21: "i2", 23: "i4", 700: "f4", 701: "f8",
    1082: "M8[s]", 1114: "M8[us]", 1184: "M8[us]", 1186: "m8[us]",
}  # fmt: skip
_NUMERIC = 1700
_ATTRIBUTES = (
    "SELECT table_schema, table_name, column_name, attribute, json FROM gradwire.attributes"
)
_VARIABLES = (
    "SELECT table_schema, table_name, column_name, role, dimensions, dtype, calendar, ordering, "
    "encoding FROM gradwire.variables"
)


def to_dataset(
    connection: Any,
    sql: str,
    dims: Sequence[str],
    parameters: Sequence[Any] | None = None,
    *,
    table: str | None = None,
) -> xarray.Dataset:
    """The rows of a query as a Dataset, as the variables are that they come from.

    A column named in `dims` becomes a dimension, in the order of its values as they come where
    that rises or falls, else ascending; every other column a variable on all of them. Where a
    combination has no row, or a value is NULL, there is NaN, NaT or None.

    A column that has the name of a variable gets that variable's attributes, and where no value is
    lost by it, its dimensions, its type and its encoding; is a coordinate if that is one; a
    dimension without a coordinate has none again, and one that falls falls again. All this is
    looked up in `gradwire.attributes` and `gradwire.variables`, for the one table that is named in
    the query; a server without these tables gives none.

    Args:
        connection: An open connection: psycopg's, ADBC's, or another's.
        sql: One query.
        dims: Columns that together tell the rows apart.
        parameters: Values for the query's placeholders.
        table: The table whose attributes are meant, such as "ncep.winds", where the query names
            several.

    Raises:
        ValueError: A dimension is no column, or NULL in some row; or two rows have the same
            place.
    """
    columns = _columns(connection, sql, parameters)
    known = _known(connection, table if table is not None else sql)
    return restored(gridded(columns, dims, known.origins), known)


def _columns(connection: Any, sql: str, parameters: Sequence[Any] | None) -> dict[str, Values]:
    with connection.cursor() as cursor:
        cursor.execute(sql, *([] if parameters is None else [parameters]))
        names = [column[0] for column in cursor.description]
        if len(set(names)) < len(names):
            raise ValueError(f"the query has two columns of one name: {', '.join(names)}")
        if hasattr(cursor, "fetch_arrow_table"):
            return _of_arrow(cursor.fetch_arrow_table())
        kinds = [column[1] for column in cursor.description]
        found = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
    columns = zip(names, found, kinds, strict=True)
    return {name: _array(values, kind) for name, values, kind in columns}


def _of_arrow(table: Any) -> dict[str, Values]:
    """ADBC's driver of PostgreSQL gives numerics as their text."""
    found = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if (field.metadata or {}).get(b"ADBC:postgresql:typname") == b"numeric":
            found[field.name] = numbers(column.to_pylist())
        elif str(field.type) == "month_day_nano_interval":
            found[field.name] = lengths(column.to_pylist())
        else:
            found[field.name] = column.to_pandas().to_numpy()
    return found


def _array(values: Sequence[Any], oid: int) -> Values:
    if oid == _NUMERIC:
        return numbers(values)
    kind = _TYPES.get(oid, "O")
    if kind == "O":
        return np.array([*values, None], object)[:-1]
    if np.dtype(kind).kind in "mM":
        naive = [_in_utc(value) for value in values]
        return np.array(naive, kind) if naive else np.array([], kind)
    if None not in values:
        return np.array(values, kind)
    if kind == "?":
        return np.array(values, object)
    if kind == "i8" and any(value is not None and abs(value) > MOST_EXACT for value in values):
        return np.array(values, object)
    gaps = [np.nan if value is None else value for value in values]
    return np.array(gaps, kind if kind[0] == "f" else "f8")


def _in_utc(value: Any) -> Any:
    """A moment without its zone."""
    if getattr(value, "tzinfo", None) is None or not isinstance(value, datetime):
        return value
    return value.astimezone(UTC).replace(tzinfo=None)


def _known(connection: Any, text: str) -> Known:
    """What the server tells of the variables of the one table that `text` names."""
    attributes: dict[str, dict[str, Any]] = {}
    for column, attribute, value in _told(connection, "attributes", _ATTRIBUTES, text):
        attributes.setdefault(column or "", {})[attribute] = json.loads(value)
    origins = {}
    for column, role, dims, dtype, calendar, order, encoding in _told(
        connection, "variables", _VARIABLES, text
    ):
        stored = json.loads(encoding)
        origins[column] = Origin(role, tuple(dims), dtype, calendar or "", order or "", stored)
    return Known(attributes, origins)


def _told(connection: Any, table: str, sql: str, text: str) -> list[tuple[Any, ...]]:
    """What one of the server's tables tells of the one table that `text` names; else nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM information_schema.tables "
                       f"WHERE table_schema = 'gradwire' AND table_name = '{table}'")  # fmt: skip
        if not cursor.fetchall():
            return []
        cursor.execute(sql)
        rows = cursor.fetchall()
    tables = {(row[0], row[1]) for row in rows}
    named = [each for each in tables if _is_named(each, text)]
    return [tuple(row[2:]) for row in rows if named == [(row[0], row[1])]]


def _is_named(table: tuple[str, str], text: str) -> bool:
    schema, name = table
    dotted = rf'"?{re.escape(schema)}"?\."?{re.escape(name)}"?'
    pattern = rf'(?<![\w."]){dotted}(?!\w)'
    if schema == "public":
        pattern += rf'|(?<![\w."])"?{re.escape(name)}"?(?![\w.])'
    return re.search(pattern, text) is not None
