"""`x = ANY ($1)` of many values: a join with a table of them.

The engine makes a list of an array's values and looks at each of them while it plans, 11 us for
one, which nothing interrupts: 12 s for a million. Of a table it looks at none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import EngineSession, Plan
from gateway.errors import GatewayError, QueryCanceled
from gateway.rewrite import Rewritten
from gateway.session.computation import with_derived
from gateway.session.queries.cancellable_joins import with_watched_joins
from gateway.session.queries.cardinality import known_of
from gateway.session.queries.far_rows import counted, far_counts, without_counts
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.printing import to_engine
from gateway.sql.names.scope import table_node
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.parameters import number
from gateway.store.rows.snapshots import Snapshot
from gateway.types import Type

# From so many on; fewer are planned sooner than a join is.
_MANY = 1000
# No schema of a user's has such a name.
_SCHEMA, _COLUMN = "$lists", "value"
# Types whose values are equal to the engine's join where they are to its operator -> the elements
# of a cast that leaves them as they are.
_PLAIN: dict[pa.DataType, tuple[str, ...]] = {
    pa.int16(): ("SMALLINT", "INT", "BIGINT"),
    pa.int32(): ("INT", "BIGINT"),
    pa.int64(): ("BIGINT",),
    pa.string(): ("TEXT", "VARCHAR"),
    pa.date32(): ("DATE",),
}


Tables = Mapping[TableName, Table]


def plan_held(
    engine: EngineSession,
    rewritten: Rewritten,
    types: Mapping[int, Type],
    sql: str,
    tables: Tables,
    values: Sequence[pa.Scalar] | None,
    prefix: str,
) -> Plan:
    """Plan a query over rows that are in memory.

    Args:
        engine: Plans it.
        rewritten: The query.
        types: Those of its parameters.
        sql: The engine's SQL of it under these.
        tables: Its tables.
        values: Of its parameters; None: it is to be described.
        prefix: What stands before the query.
    """
    found = with_tables(rewritten, tables, values) if values else None
    if found is not None:
        query, more, others = found
        try:
            return engine.plan(prefix + query.sql_under(types), with_derived(query, more), others)
        except QueryCanceled:
            raise
        except GatewayError:  # where the engine has no join for it the list will do
            pass
    far = None if values is None else far_counts(rewritten.tree, values, engine.memory_bytes)
    if far is not None:
        whole = without_counts(rewritten.typed(types).tree)
        sql = to_engine(with_watched_joins(whole, known_of(tables)))
    plan = engine.plan(prefix + sql, with_derived(rewritten, tables), values)
    return plan if prefix else counted(plan, far)


def with_tables(
    rewritten: Rewritten, tables: Tables, values: Sequence[pa.Scalar]
) -> tuple[Rewritten, Tables, Sequence[pa.Scalar]] | None:
    """The query over its tables and those of its long lists; None: it has none.

    Args:
        rewritten: The query.
        tables: Its tables.
        values: Those of its parameters; of those that it names no more NULL is left.
    """
    long = {n: _values(value) for n, value in enumerate(values, 1) if _is_long(value)}
    if not long:
        return None
    tree, made = copied(rewritten.tree), dict(tables)
    for node in list(nodes_of(tree, exp.EQ)):
        found = _list_of(node, long)
        if found is not None and _is_conjunct(node):
            name = TableName(_SCHEMA, str(len(made)))
            made[name] = Snapshot(pa.table({_COLUMN: found}))
            query = exp.select(exp.column(_COLUMN, quoted=True)).from_(table_node(name))
            node.replace(exp.In(this=node.this, query=query.subquery(copy=False)))
    if len(made) == len(tables):
        return None
    named = {number(node) for node in nodes_of(tree, exp.Parameter)}
    others = [v if n in named else pa.scalar(None, v.type) for n, v in enumerate(values, 1)]
    return replace(rewritten, tree=tree, _texts={}), made, others


def _is_long(value: pa.Scalar) -> bool:
    is_list = isinstance(value, pa.ListScalar) and value.is_valid
    return is_list and len(value) >= _MANY and value.type.value_type in _PLAIN


def _values(value: pa.Scalar) -> pa.Array:
    """The values of a list without NULL, which none is equal to."""
    return value.values.drop_null()


def _list_of(node: exp.Expr, long: Mapping[int, pa.Array]) -> pa.Array | None:
    """The values that it asks one to be among, if they are one of the long lists."""
    side = node.expression
    if not isinstance(side, exp.Anonymous) or side.name.lower() != "any":
        return None
    (given,) = side.expressions
    cast = given.to if isinstance(given, exp.Cast) else None
    given = given if cast is None else given.this
    found = long.get(number(given)) if isinstance(given, exp.Parameter) else None
    if found is None or cast is None:
        return found
    elements = [each.sql() for each in cast.expressions]
    return found if elements and elements[0] in _PLAIN[found.type] else None


def _is_conjunct(node: exp.Expr) -> bool:
    """Whether rows for which it is not true are left out, whatever else is asked."""
    parent = node.parent
    while isinstance(parent, exp.And | exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Where)
