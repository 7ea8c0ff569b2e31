"""What running a statement is about, as plain data: its values, its query, its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.rewrite import Rewritten
from gateway.session.queries.key_lookups import Look
from gateway.session.result import Field
from gateway.session.writes.returning import Beneath, Returned
from gateway.session.writes.updatable_views import Through
from gateway.session.writes.upserts import Upsert
from gateway.sources.grid.grid import with_calls
from gateway.sources.table import Table, TableName
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.text.trees import nodes_of
from gateway.sql.writes.given import Given
from gateway.sql.writes.narrowing import Value, is_named_once
from gateway.sql.writes.writes import Write
from gateway.store.definitions.definitions import TableDefinition
from gateway.types import FLOAT8, INTEGER, NUMERIC, UNPADDED, Type, from_arrow

# Types whose values are compared with each other's, and assigned, as they are.
_FAMILIES = (INTEGER, UNPADDED)


@dataclass(frozen=True, slots=True)
class Bound:
    """The values of `$1`, `$2`, ... and their types; both empty when there are none.

    Of a write that is executed several times at once `columns` has the values instead, an array
    for each parameter; see `batches`.
    """

    values: Sequence[pa.Scalar] = ()
    types: Sequence[Type] = ()
    columns: Sequence[pa.Array] = ()

    @property
    def by_number(self) -> dict[int, Type]:
        return dict(enumerate(self.types, 1))


@dataclass(frozen=True, slots=True)
class Described:
    """What Describe tells: the parameters' types in order, and the columns (None: no rows)."""

    parameters: tuple[Type, ...] = ()
    fields: tuple[Field, ...] | None = None


@dataclass(frozen=True, slots=True)
class Computation:
    """The query inside a statement, and the write it is for, if it is for one.

    Several clients may share one: nothing in it is changed, but that `fields` keeps the columns
    that came out under some types of parameters.
    """

    rewritten: Rewritten
    write: Write | None = None
    target: TableDefinition | None = None
    upsert: Upsert | None = None
    fields: dict[tuple[Type, ...], tuple[pa.Schema, tuple[Field, ...]]] = field(
        default_factory=dict
    )

    returned: Returned | None = None  # a write's RETURNING, where it stands on the target alone
    through: Through | None = None  # the view that is written through
    look: Look | None = None  # how a query names rows of its one table by a key
    lookup: Beneath | None = None  # what names mean in it, where that is not what the session knows

    @property
    def rowid_of(self) -> TableName | None:
        """The table whose rows must carry their identifier."""
        if self.write is None or self.target is None or self.write.command == "INSERT":
            return None
        return self.target.name

    @property
    def reads_once(self) -> bool:
        """Whether it is an INSERT that reads no tables but those of its query."""
        plain = self.upsert is None and self.through is None and self.lookup is None
        write = self.write
        return plain and write is not None and write.command == "INSERT" and not write.returning

    @property
    def known_types(self) -> dict[int, Type]:
        """Types of `$n` that the text tells."""
        assigned = self.write.parameters if self.write is not None else {}
        later = self.upsert.known_types if self.upsert is not None else {}
        return {**later, **self.rewritten.parameters, **assigned}

    @property
    def given(self) -> Given | None:
        """The rows of an INSERT for which no engine is asked; None where one is."""
        write = self.write
        return write.given if write is not None and write.command == "INSERT" else None

    def wanted(self, bound: Bound) -> dict[str, list[Value]] | None:
        """Of which values of which columns the rows are that a write touches; None: of any."""
        narrowing = self.write.narrowing if self.write is not None else None
        if narrowing is None or self.target is None:
            return None
        once = is_named_once(self.rewritten.tree, self.target.name)
        return narrowing.values(bound.values) if once else None

    def is_told_by(self, known: Mapping[int, Type]) -> bool:
        """Whether these types of `$n` are all there are, so that no plan has to be asked."""
        all_told = known.keys() == set(range(1, len(known) + 1))
        if not all_told or self.upsert is not None or self.returns_parameters:
            return False
        if self.given is not None:
            return self.given.parameters <= known.keys()
        if not known and (self.rewritten.layers or nodes_of(self.rewritten.tree, exp.Parameter)):
            return False
        beside = self._beside()
        return (
            beside is not None
            and {n for n, _ in beside} == known.keys()
            and all(
                known[n] is kind or any({known[n].name, kind.name} <= each for each in _FAMILIES)
                for n, kind in beside
            )
        )

    def _beside(self) -> list[tuple[int, Type]] | None:
        """The parameters of an UPDATE or DELETE of rows that are named by values, to given ones.

        Each with the type of the column that it is compared with or assigned to; None: it is none
        such, and what its names mean is not known before it is planned.
        """
        write, target = self.write, self.target
        if write is None or target is None or write.narrowing is None or self.through is not None:
            return None
        if not write.narrowing.is_whole or (write.command == "UPDATE" and write.given is None):
            return None
        cells = [(name, cell) for name, each in write.narrowing.wanted.items() for cell in each]
        cells += [(name, step.operand) for name, step in write.steps.items()]
        found = [(name, cell.parameter) for name, cell in cells if cell.parameter]
        if write.given is not None:
            left = [name for name in write.columns if name not in write.steps]
            for name, column in zip(left, write.given.columns, strict=True):
                found += [(name, n) for n in column if n] if isinstance(column, tuple) else []
        return [(n, target.column(name).type) for name, n in found]

    @property
    def returns_parameters(self) -> bool:
        """Whether a `$n` stands in a write's RETURNING."""
        returning = self.write.returning if self.write is not None else None
        return returning is not None and bool(nodes_of(returning, exp.Parameter))

    @property
    def reading(self) -> frozenset[TableName]:
        """The tables that the computation reads."""
        later = self.upsert.rewritten if self.upsert is not None else None
        return frozenset(self.rewritten.tables | (later.tables if later is not None else set()))

    @property
    def locks_for(self) -> str:
        """The command for which the target's locks are taken."""
        assert self.write is not None
        updates = self.upsert is not None and self.upsert.rewritten is not None
        return "UPDATE" if updates else self.write.command


def fields_of(
    rewritten: Rewritten, schema: pa.Schema, types: Mapping[int, Type] | None = None
) -> tuple[Field, ...]:
    """The result's columns: PostgreSQL's names and types where they are known, else the engine's.

    Args:
        rewritten: The query.
        schema: What the engine gives.
        types: Those of `$n`.
    """
    names = rewritten.names or schema.names
    known = rewritten.columns_under(types or {})
    if len(known) != len(schema):
        known = (ColumnInfo(),) * len(schema)
    return tuple(
        _field(name, column.type, info)
        for name, column, info in zip(names, schema, known, strict=True)
    )


def _field(name: str, arrow: pa.DataType, known: ColumnInfo) -> Field:
    """A column of the type that PostgreSQL gives it, where the engine computes the like of it."""
    kind = known.type
    if known.shown is not None and arrow == FLOAT8.arrow:
        return Field(name, NUMERIC, shown=known.shown)
    if kind is None or (kind.arrow != arrow and not _alike(kind, from_arrow(arrow))):
        return Field(name, from_arrow(arrow))
    domain = known.domain.oid if known.domain is not None else 0
    return Field(name, kind, known.typmod, known.origin, domain=domain)


def _alike(known: Type, found: Type) -> bool:
    """Whether the engine's values can be sent as the known type; a value may still not fit it."""
    if known.element is not None and found.element is not None:
        return _alike(known.element, found.element)
    if known.name in INTEGER:
        return found.name in INTEGER
    texts = known.arrow == found.arrow == pa.string()
    return texts or (known.arrow, known.name) == (found.arrow, found.name)


def as_it_stands(query: exp.Expr) -> Rewritten:
    """A query in which there is nothing to rewrite."""
    return Rewritten(query, frozenset(), None, {})


def as_before(
    rewritten: Rewritten,
    schema: pa.Schema,
    fields: tuple[Field, ...],
    batches: Iterator[pa.RecordBatch],
    types: Mapping[int, Type],
) -> Iterator[pa.RecordBatch]:
    """The batches, which must have the columns that came out under the same types before.

    Raises:
        FeatureNotSupported: 0A000.
    """
    checked = False
    for batch in batches:
        batch = _as_typed(batch, schema)
        changed = not checked and batch.schema != schema
        if changed and fields_of(rewritten, batch.schema, types) != fields:
            raise FeatureNotSupported("cached plan must not change result type")
        checked = True
        yield batch


def _as_typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch, with the types of before for columns of a NULL that has none.

    The engine is given the NULL of an array so (`engine.embedded`).
    """
    if len(schema) != batch.num_columns or pa.null() not in batch.schema.types:
        return batch
    columns = [
        pa.nulls(len(batch), kind) if column.type == pa.null() else column
        for column, kind in zip(batch.columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def with_derived(
    rewritten: Rewritten, tables: Mapping[TableName, Table]
) -> Mapping[TableName, Table]:
    """The tables, and those that differentiate and integrate made of them."""
    derived = rewritten.derived.items()
    made = {name: with_calls(each.base, tables[each.base], each.calls) for name, each in derived}
    return {**tables, **made} if made else tables
