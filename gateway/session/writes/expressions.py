"""What tables are declared with, computed by the engine: the store's `Expressions`.

CHECK, generated columns and defaults mean what a SELECT of theirs would give: PostgreSQL's
semantics as far as this server has them, derivatives included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from gateway.errors import CheckViolation, DatatypeMismatch
from gateway.session.queries.sequences import SequenceCalls
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.names.scope import table_node
from gateway.sql.text.dialect import parse_value
from gateway.sql.text.quoting import identifier
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.store.definitions.domains import Domain
from gateway.store.disk.faults import cut, shown_value
from gateway.store.rows.assignment import assign
from gateway.store.rows.defaults import constant_default
from gateway.store.rows.snapshots import Snapshot
from gateway.types import INT4, Type, from_arrow

# A default that serial made; there is no need to plan it.
_NEXTVAL = re.compile(r"nextval\('((?:[^']|'')+)'(?:::regclass)?\)", re.IGNORECASE)
# What looks at the value that the row itself was given.
_LATEST = re.compile(r"\b(currval|lastval)\b", re.IGNORECASE)
_MOMENTS = frozenset({"date", "time", "timestamp", "timestamptz"})
# Shown in messages as Python shows them.
_PLAIN = frozenset(
    {"int2", "int4", "int8", "oid", "bool", "text", "varchar", "bpchar", "name", "bytea", "uuid",
     "inet", "json", "jsonb"}
)  # fmt: skip
# For expressions over no columns: as many rows as values are wanted.
_ROWS = TableName("gradwire", "rows")
_VALUES = TableName("gradwire", "values")  # of a domain


class EngineExpressions:
    """Computes over rows that are about to be written.

    Args:
        executor: Plans and runs.
        sequences: Gives the values of identity columns.
    """

    def __init__(self, executor: Executor, sequences: SequenceCalls) -> None:
        self._executor = executor
        self._sequences = sequences

    def defaults(
        self, definition: TableDefinition, columns: Sequence[Column], count: int
    ) -> list[pa.Array]:
        """`count` values of each column's default or identity, in the types of the columns."""
        if count > 1 and any(_LATEST.search(column.default_value or "") for column in columns):
            rows = [self.defaults(definition, columns, 1) for _ in range(count)]
            return [pa.concat_arrays(values) for values in zip(*rows, strict=True)]
        return [assign(self._default(definition, column, count), column) for column in columns]

    def _default(self, definition: TableDefinition, column: Column, count: int) -> pa.Array:
        store = self._executor.registry.store
        if column.identity:
            oid = store.oid(definition.name)
            name = store.owned_sequence(oid, column.number) if oid is not None else None
            if name is not None:
                return pa.array(self._sequences.next(name, count), pa.int64())
        text = column.default_value or "NULL"
        if found := _NEXTVAL.fullmatch(text):
            name = self._sequences.named(found[1].replace("''", "'"))
            return pa.array(self._sequences.next(name, count), pa.int64())
        row = pa.record_batch({"row": pa.array(np.zeros(count, np.int32))})
        relation = Relation(_ROWS, {"row": ColumnInfo(INT4)})
        if column.type.name in _MOMENTS:  # a moment of another type is one by the session's clocks
            text = f"CAST(({text}) AS {column.type.sql})"
        return self._over(relation, (text,), row)[0]

    def generated(self, definition: TableDefinition, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with their generated columns computed from the others."""
        columns = [c for c in definition.columns if c.generated is not None]
        texts = tuple(str(column.generated) for column in columns)
        for column, values in zip(columns, self._over(_seen(definition), texts, rows), strict=True):
            place = rows.schema.get_field_index(column.name)
            rows = rows.set_column(place, rows.schema.field(place), assign(values, column))
        return rows

    def compute(self, definition: TableDefinition, text: str, rows: pa.RecordBatch) -> pa.Array:
        """The value of an expression over each row."""
        return self._over(_seen(definition), (text,), rows)[0]

    def shown(self, definition: TableDefinition, row: pa.RecordBatch) -> list[str]:
        """What messages show of the values of one row: PostgreSQL's texts, 64 bytes of each."""
        columns = {column.name: column for column in definition.columns}
        computed = [
            name
            for name in row.schema.names
            if name in columns
            and columns[name].type.name not in _PLAIN
            and row.column(name)[0].is_valid
        ]
        texts = tuple(f"CAST({identifier(name)} AS text)" for name in computed)
        found = self._over(_seen(definition), texts, row.select(computed)) if computed else []
        written = {name: str(text[0]) for name, text in zip(computed, found, strict=True)}
        return [
            cut(written[name]) if name in written else _shown(columns.get(name), values[0].as_py())
            for name, values in zip(row.schema.names, row.columns, strict=True)
        ]

    def check(self, definition: TableDefinition, rows: pa.RecordBatch) -> None:
        """Refuse rows for which a CHECK is false; NULL passes.

        Raises:
            CheckViolation: 23514, naming the first constraint by name that the first such row
                breaks.
        """
        checks = sorted(definition.checks, key=lambda check: check.name)
        found = self._over(_seen(definition), tuple(c.expression for c in checks), rows)
        broken = _first_broken(found)
        if broken is None:
            return
        row, number = broken
        table, told = definition.name, ", ".join(self.shown(definition, rows.slice(row, 1)))
        raise CheckViolation(
            f'new row for relation "{table.name}" violates check constraint'
            f' "{checks[number].name}"',
            detail=f"Failing row contains ({told}).",
            table=(table.schema, table.name),
            constraint=checks[number].name,
            row=row,
        )

    def broken_rule(self, domain: Domain, values: pa.Array) -> str | None:
        """The CHECK of a domain that is false for the first value for which any is, if any is."""
        relation, rows = _of_values(domain, values)
        found = self._over(relation, tuple(rule.expression for rule in domain.rules), rows)
        broken = _first_broken(found)
        return None if broken is None else domain.rules[broken[1]].name

    def refuse_wrong_domain(self, domain: Domain) -> None:
        """Plan what a domain declares, as PostgreSQL does when it is made.

        Raises:
            DatatypeMismatch: 42804, a CHECK that is not boolean, a default of another type.
            GatewayError: an expression that does not plan.
        """
        column = Column(domain.name.name, domain.base, domain.typmod, default=domain.default)
        relation, rows = _of_values(domain, pa.array([], column.arrow))
        for rule in domain.checks:
            found = self._over(relation, (rule.expression,), rows)[0]
            _refuse_no_boolean(rule.expression, from_arrow(found.type))
        if domain.default is not None and constant_default(column) is None:
            self._assignable(TableDefinition(_ROWS, ()), column, domain.default)

    def type_of(self, definition: TableDefinition, text: str) -> Type:
        """The type of an expression over a table's columns.

        Raises:
            GatewayError: it does not plan.
        """
        return from_arrow(self.compute(definition, text, _no_rows(definition)).type)

    def refuse_wrong(self, definition: TableDefinition) -> None:
        """Plan everything that a definition declares, as PostgreSQL does when it is made.

        Raises:
            DatatypeMismatch: 42804, a CHECK that is not boolean, a default of another type.
            GatewayError: an expression that does not plan.
        """
        for check in definition.checks:
            _refuse_no_boolean(check.expression, self.type_of(definition, check.expression))
        for column in definition.columns:
            if column.generated is not None:
                self._assignable(definition, column, column.generated)
            elif column.default is not None and not _NEXTVAL.fullmatch(column.default):
                self._assignable(TableDefinition(_ROWS, ()), column, column.default)

    def _assignable(self, definition: TableDefinition, column: Column, text: str) -> None:
        what = "default" if definition.name == _ROWS else "generation"
        if definition.name == _ROWS:
            relation = Relation(_ROWS, {"row": ColumnInfo(INT4)})
            row = pa.record_batch({"row": pa.array([], pa.int32())})
            values = self._over(relation, (text,), row)[0]
        else:
            values = self.compute(definition, text, _no_rows(definition))
        try:
            assign(values, column)
        except DatatypeMismatch as error:
            raise DatatypeMismatch(
                f'column "{column.name}" is of type {column.type.sql} but {what} expression is of'
                f" type {from_arrow(values.type).sql}",
                hint="You will need to rewrite or cast the expression.",
            ) from error

    def _over(
        self, relation: Relation, texts: tuple[str, ...], rows: pa.RecordBatch
    ) -> list[pa.Array]:
        """The values of expressions over rows, in order."""
        name = relation.name

        def lookup(schema: str, table: str) -> Relation:
            if (schema, table) == (name.schema, name.name):
                return relation
            return self._executor.registry.relation(schema, table)

        query = _query(name, texts)
        rewritten = self._executor.rewrite(query, lookup, kept=True)
        snapshot = Snapshot(pa.Table.from_batches([rows]))
        plan = self._executor.plan_over(rewritten, {name: snapshot})
        # A kept plan may say otherwise than its batches what can be NULL.
        batches = [pa.RecordBatch.from_arrays(b.columns, schema=plan.schema) for b in plan.stream()]
        table = pa.Table.from_batches(batches, plan.schema).combine_chunks()
        return [column.combine_chunks() for column in table.columns]


def _first_broken(conditions: Sequence[pa.Array]) -> tuple[int, int] | None:
    """The first row for which any is false, and the number of that condition."""
    broken = [pc.fill_null(pc.invert(each), False) for each in conditions]
    places = (
        (each.index(True).as_py(), number) for number, each in enumerate(broken) if each.true_count
    )
    return min(places, default=None)


@lru_cache(maxsize=256)
def _query(name: TableName, texts: tuple[str, ...]) -> exp.Select:
    """SELECT the expressions FROM the table; to be left as it is."""
    items = []
    for number, text in enumerate(texts):
        tree = parse_value(text)
        for node in tree.walk():
            node.meta.pop("start", None)
        items.append(exp.alias_(tree, f"e{number}", quoted=True))
    return exp.Select(expressions=items, from_=exp.From(this=table_node(name)))


def _shown(column: Column | None, value: object) -> str:
    """A value that needs no engine; one of char(n) has its blanks."""
    if column is not None and column.type.name == "bpchar" and isinstance(value, str):
        return cut(value.ljust(column.typmod - 4))
    return shown_value(value)


def _refuse_no_boolean(check: str, kind: Type) -> None:
    if kind.name != "bool" and check.upper() != "NULL":
        raise DatatypeMismatch(f"argument of CHECK must be type boolean, not type {kind.sql}")


def _of_values(domain: Domain, values: pa.Array) -> tuple[Relation, pa.RecordBatch]:
    """VALUE as the one column of a relation."""
    relation = Relation(_VALUES, {"value": ColumnInfo(domain.base)})
    return relation, pa.record_batch({"value": values})


def _seen(definition: TableDefinition) -> Relation:
    columns = {c.name: ColumnInfo(c.type, not c.not_null, c.typmod) for c in definition.columns}
    return Relation(definition.name, columns)


def _no_rows(definition: TableDefinition) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], definition.schema)
