"""Queries of the few rows that a key names: `SELECT a FROM t WHERE id = $1`.

A table that was just changed is not in memory. Where a query names its rows by a key they are
looked up instead of reading the table, and where it gives their columns as they are no engine is
asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.rewrite import Rewritten
from gateway.session.result import Field, Result
from gateway.sources.table import Table, TableName
from gateway.sql.writes.narrowing import Narrowing, Value, is_named_once, narrowing_of
from gateway.sql.writes.writes import parts_of
from gateway.store.rows.snapshots import Snapshot

# What else may stand in a query that gives columns as they are.
_PLAIN = frozenset({"expressions", "from_", "where"})
# What gives a query other rows beside those of its table.
_AROUND = frozenset({"with_", "joins", "laterals"})


@dataclass(frozen=True, slots=True)
class Look:
    """How a query names rows of its one table.

    Args:
        name: The table.
        narrowing: Which rows.
        picked: The columns that it gives; None where it computes something.
    """

    name: TableName
    narrowing: Narrowing
    picked: tuple[str, ...] | None

    def rows(self, registry: Registry, bound: Sequence[pa.Scalar]) -> Few | None:
        """The rows; None where the table is in memory, or the values name none by a key."""
        wanted = self.narrowing.values(bound)
        found = registry.store.few(self.name, wanted) if wanted else None
        return None if found is None else Few(self, wanted, found)


@dataclass(frozen=True, slots=True)
class Few:
    """Rows that were looked up.

    Args:
        look: How the query names them.
        wanted: Of which values they are.
        rows: They.
    """

    look: Look
    wanted: Mapping[str, list[Value]]
    rows: Snapshot

    @property
    def tables(self) -> dict[TableName, Table]:
        """All that the query reads."""
        return {self.look.name: self.rows}

    def result(self, known: tuple[pa.Schema, tuple[Field, ...]] | None) -> Result | None:
        """What the query gives, if it gives columns of these very rows.

        Args:
            known: The engine's schema, and the columns, as they came out before.
        """
        picked = self.look.picked
        if picked is None or known is None or not self.look.narrowing.tells_all(self.wanted):
            return None
        held = self.rows.rows.select(list(picked))
        try:
            columns = [c.cast(t) for c, t in zip(held.columns, known[0].types, strict=True)]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # the engine has another way
            return None
        batches = pa.Table.from_arrays(columns, schema=known[0]).to_batches()
        return Result("SELECT", known[1], iter(batches))


def look_of(tree: exp.Expr, rewritten: Rewritten, registry: Registry) -> Look | None:
    """How a query names rows of its one table by a key; None where it does not.

    Args:
        tree: As it was written.
        rewritten: What came of it.
        registry: What names mean.
    """
    if not isinstance(tree, exp.Select) or not _AROUND.isdisjoint(_said(tree)):
        return None
    source = tree.args["from_"].this if tree.args.get("from_") else None
    if not isinstance(source, exp.Table) or not _names_a_table(source):
        return None
    if len(rewritten.tables) != 1 or rewritten.layers or rewritten.derived:
        return None
    (name,) = rewritten.tables
    definition = registry.store.table(name)
    if definition is None or definition.query is not None or not definition.keys:
        return None
    relation = registry.relation(*registry.named(parts_of(source)))
    if relation.name != name or not is_named_once(rewritten.tree, name):
        return None
    narrowing = narrowing_of(tree, source.alias_or_name, registry.target_columns(definition))
    keys = definition.key_names()
    if narrowing is None or not any(narrowing.wanted.keys() >= set(key) for key in keys):
        return None
    return Look(name, narrowing, _picked(rewritten.tree, {c.name for c in definition.columns}))


def _said(tree: exp.Expr) -> set[str]:
    """The clauses that stand in it."""
    return {name for name, value in tree.args.items() if value}


def _names_a_table(source: exp.Table) -> bool:
    """Whether it is the name of a table, under another one perhaps, and nothing more."""
    alias = source.args.get("alias")
    renamed = alias is not None and alias.args.get("columns")
    said = _said(source) <= {"this", "db", "catalog", "alias"}
    return said and not renamed and isinstance(source.this, exp.Identifier)


def _picked(tree: exp.Expr, columns: set[str]) -> tuple[str, ...] | None:
    """The columns of its table that a query gives, where it does nothing else."""
    if not isinstance(tree, exp.Select) or not _said(tree) <= _PLAIN:
        return None
    items = [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    names = [item.name for item in items if isinstance(item, exp.Column)]
    return tuple(names) if len(names) == len(items) and columns.issuperset(names) else None
