"""What stands under a name, as the language and the engine see it: grids, tables, sequences."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

import pyarrow as pa

from gateway.catalog.renaming import columns_in
from gateway.sources.grid.grid import GridTable
from gateway.sources.listing import Listing
from gateway.sources.table import Table, TableName
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.text.datatypes import DomainName
from gateway.sql.text.habits import hint_at_file
from gateway.sql.text.quoting import seen
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.store.tables import StoreSession
from gateway.types import from_arrow

# A hint at the tables of a schema names so many.
_MOST_NAMED = 5

# The one row of a sequence (PostgreSQL manual, CREATE SEQUENCE, notes).
_SEQUENCE = pa.schema(
    [
        pa.field("last_value", pa.int64(), nullable=False),
        pa.field("log_cnt", pa.int64(), nullable=False),
        pa.field("is_called", pa.bool_(), nullable=False),
    ]
)


def grid_relation(name: TableName, table: Table, oid: int) -> Relation:
    """A table of a dataset."""
    columns = {
        f.name: ColumnInfo(
            from_arrow(f.type), f.nullable, origin=(oid, n), nan=False, dims=_dims(table, f.name)
        )
        for n, f in enumerate(table.schema, 1)
    }
    return Relation(name, columns)


def _dims(table: Table, column: str) -> tuple[str, ...]:
    if not isinstance(table, GridTable):
        return ()
    dim = table.dimension_of(column)
    return table.dims if dim is None else (dim,)


def table_relation(definition: TableDefinition, oid: int) -> Relation:
    """A user's table."""
    columns = {
        c.name: ColumnInfo(
            c.type, not c.not_null, c.typmod, (oid, c.number or n),
            domain=DomainName(c.domain.name.name, c.domain.oid) if c.domain is not None else None,
            made_of=_made_of(c, definition),
        )
        for n, c in enumerate(definition.columns, 1)
    }  # fmt: skip
    primary = (key for key in definition.keys if key.primary and not key.deferrable)
    key = next((key.columns for key in primary), ())
    return Relation(definition.name, columns, key=key)


def _made_of(column: Column, definition: TableDefinition) -> frozenset[int]:
    """The numbers of the columns that a generated one is computed from."""
    if column.generated is None:
        return frozenset()
    read = columns_in(column.generated)
    return frozenset(c.number or n for n, c in enumerate(definition.columns, 1) if c.name in read)


def sequence_relation(name: TableName, oid: int) -> Relation:
    """A sequence, which can be read like a table of one row."""
    columns = {
        f.name: ColumnInfo(from_arrow(f.type), f.nullable, origin=(oid, n))
        for n, f in enumerate(_SEQUENCE, 1)
    }
    return Relation(name, columns)


def sequence_row(store: StoreSession, name: TableName) -> Listing:
    """Where it stands when it is read."""
    return Listing(_SEQUENCE, lambda: [store.stand(name)])


def closest(written: str, names: Collection[TableName]) -> str:
    """A hint at those of `names` that may have been meant; "" when none is close."""
    shown = {
        key: str(name)
        for name in names
        for key in ((name.name, str(name)) if name.schema == "public" else (str(name),))
    }
    shown |= {name.name: str(name) for name in names if name.name == written}
    if hint := hint_at_file(written):
        return hint
    schema, _, rest = written.partition(".")
    inside = [seen(name.schema, name.name) for name in names if name.schema == schema]
    if inside and not rest:
        return f'"{schema}" is a schema: it has {_first_of(inside)}.'
    close = difflib.get_close_matches(written, shown, n=3)
    meant = dict.fromkeys(shown[match] for match in close)
    if inside and not meant:
        return f'Schema "{schema}" has {_first_of(inside)}.'
    return f"Perhaps you meant {' or '.join(meant)}." if meant else ""


def _first_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
