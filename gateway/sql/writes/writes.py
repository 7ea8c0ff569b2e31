"""INSERT, UPDATE and DELETE as a query plus a change: the engine computes, the store applies.

=======================================  ====================================================
``INSERT INTO t (a) SELECT ...``         the SELECT; its columns, by position, into ``a``
``UPDATE t SET a = e FROM u WHERE c``    ``SELECT t.ctid, e FROM t, u WHERE c``
``DELETE FROM t USING u WHERE c``        ``SELECT t.ctid FROM t, u WHERE c``
``... RETURNING e``                      ``SELECT e FROM t`` over the rows that were changed
``... FROM u RETURNING t.a, u.b``        the query gives ``u.*``, too; it is joined to these rows
=======================================  ====================================================

So subqueries, joins and derivatives work in them as in any query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.errors import (
    GroupingError,
    SyntaxFault,
    WindowingError,
)
from gateway.sql.names.row_functions import refuse_sets
from gateway.sql.names.scope import column_node, is_aggregate, position_of
from gateway.sql.names.updatable import IDENTIFIED, UNFILTERED
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.parameters import number, postgres_type
from gateway.sql.writes.assignments import (
    assigned_columns,
    declare_parameters,
    default_of,
    is_default,
    refuse_value,
    type_mixed,
    written_columns,
)
from gateway.sql.writes.conflicts import (
    Conflict,
    arbiter,
    does_update,
    share_with,
    update_query,
)
from gateway.sql.writes.given import Given, as_given, uncast
from gateway.sql.writes.items import with_items_inserted
from gateway.sql.writes.narrowing import Narrowing, narrowing_of
from gateway.sql.writes.steps import Step, step_of
from gateway.sql.writes.targets import Target, no_columns, refuse_foreign, refuse_identifiers
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class Write:
    """What a write needs computed.

    Args:
        command: INSERT, UPDATE or DELETE.
        columns: The target's columns that the query gives values for; UPDATE's query and
            DELETE's give the row's `ctid` before them.
        query: What to compute; INSERT ... DEFAULT VALUES computes the defaults.
        returning: A query over the target alone, to run over the changed rows.
        parameters: Types of `$n` that are assigned to a column as they are.
        beside: Aliases in FROM or USING whose columns RETURNING may name, in order; the query gives
            all columns of each after its own.
    """

    command: str
    columns: tuple[str, ...]
    query: exp.Expr
    returning: exp.Select | None
    parameters: Mapping[int, Type] = field(default_factory=dict)
    named: bool = False  # INSERT's own list of columns: the query must give exactly those
    conflict: Conflict | None = None
    beside: tuple[str, ...] = ()
    given: Given | None = None  # what is assigned, where nothing has to be computed for it
    steps: Mapping[str, Step] = field(default_factory=dict)  # of columns that `given` leaves out
    narrowing: Narrowing | None = None
    shown: tuple[str, ...] = ()  # the columns of the view that is written through

    def of_beside(self, alias: str) -> exp.Select:
        """A query for the columns of one of `beside` alone."""
        assert isinstance(self.query, exp.Select)
        query = self.query.copy()
        query.set("distinct", None)
        query.set("expressions", [_all_of(alias)])
        return query


def modifying_parts(tree: object) -> list[exp.CTE]:
    """The INSERTs, UPDATEs and DELETEs in a statement's own WITH, in order."""
    clause = tree.args.get("with_") if isinstance(tree, exp.Expr) else None
    return [cte for cte in clause.expressions if isinstance(cte.this, exp.DML)] if clause else []


def target_of(tree: exp.Expr) -> exp.Table:
    """The table that a write writes."""
    this = tree.this
    table = this.this if isinstance(this, exp.Schema) else this
    if not isinstance(table, exp.Table):
        raise SyntaxFault("a write needs the name of a table", position=position_of(tree))
    return table


def parts_of(table: exp.Table) -> tuple[str, ...]:
    """A table's name as it is written: its database and its schema, where they are given, and it.

    >>> parts_of(exp.to_table("a.b"))
    ('a', 'b')
    """
    return tuple(part.name for part in table.parts)


def as_write(tree: exp.Expr, target: Target, row_identifier: str) -> Write:
    """The query and the change that `tree` asks for; `tree` is left as it was.

    Args:
        tree: An exp.Insert, exp.Update or exp.Delete.
        target: The columns of its table, in order.
        row_identifier: The name under which the store shows which row is which.

    Raises:
        SyntaxFault: 42601. UndefinedColumn: 42703. DuplicateColumn: 42701.
        FeatureNotSupported: 0A000.
    """
    refuse_foreign(tree)
    refuse_identifiers(tree, row_identifier)
    tree = tree.copy()
    if isinstance(tree, exp.Insert):
        return _insert(tree, target, row_identifier)
    if isinstance(tree, exp.Update):
        return _update(tree, target, row_identifier)
    return _delete(tree, target, row_identifier)


def _insert(tree: exp.Insert, target: Target, row_identifier: str) -> Write:
    if not target:
        raise no_columns()
    with_items_inserted(tree, target)
    query = tree.args.get("expression")
    named = tree.this.expressions if isinstance(tree.this, exp.Schema) else None
    columns = tuple(target) if named is None else written_columns(named, target, target_of(tree))
    overriding = str(tree.meta.get("overriding", ""))
    if query is None:
        columns = tuple(name for name, column in target.items() if not column.generated)
        query = exp.Select(expressions=[default_of(target[name]) for name in columns])
    elif isinstance(query, exp.Values):
        columns = _settle_values(query, columns, target, overriding)
    else:
        width = len(query.expressions) if isinstance(query, exp.Select) else len(columns)
        for name in columns[:width]:
            refuse_value(name, target[name], overriding)
    parameters: dict[int, Type] = {}
    given = None
    if isinstance(query, exp.Values):
        columns = _values(query, columns, named is not None, target)
        given = None if tree.args.get("with_") else as_given(query.expressions, columns, target)
        _type_values(query, columns, target, parameters)
    elif isinstance(query, exp.Select):
        declare_parameters(parameters, query.expressions, columns, target)
    _move_with(tree, query)
    conflict = _conflict(tree, target, row_identifier)
    returning, named_all = _returning(tree), named is not None
    return Write("INSERT", columns, query, returning, parameters, named_all, conflict, given=given)


def _conflict(tree: exp.Insert, target: Target, row_identifier: str) -> Conflict | None:
    clause = tree.args.get("conflict")
    if clause is None:
        return None
    key = arbiter(clause, target)
    if not does_update(clause):
        return Conflict(key)
    table = target_of(tree)
    columns, values, parameters = assigned_columns(clause.expressions, target, table)
    query = update_query(table, clause, columns, values, row_identifier)
    share_with(tree, query)
    return Conflict(key, columns, query, parameters)


def _settle_values(
    query: exp.Values, columns: tuple[str, ...], target: Target, overriding: str
) -> tuple[str, ...]:
    """Take out columns that compute their own values; the columns that are left.

    Raises:
        GeneratedAlways: 428C9, one is given a value. SyntaxFault: 42601, rows of several lengths.
    """
    _width(query)
    for row in query.expressions:
        for value, name in zip(row.expressions, columns, strict=False):
            if not is_default(value):
                refuse_value(name, target[name], overriding)
            if overriding == "USER" and target[name].identity:
                value.replace(default_of(target[name]))
    own = [number for number, name in enumerate(columns) if target[name].generated]
    if not own:
        return columns
    for row in query.expressions:
        kept = [value for n, value in enumerate(row.expressions) if n not in own]
        if not kept:  # nothing but DEFAULT of those: a row of defaults
            kept = [default_of(column) for column in target.values() if not column.generated]
        row.set("expressions", kept)
    left = tuple(name for n, name in enumerate(columns) if n not in own)
    return left or tuple(name for name, column in target.items() if not column.generated)


def _width(query: exp.Values) -> int:
    """How many values each row has."""
    widths = {len(row.expressions) for row in query.expressions}
    if len(widths) > 1:
        raise SyntaxFault("VALUES lists must all be the same length", position=position_of(query))
    return widths.pop()


def _values(
    query: exp.Values,
    columns: tuple[str, ...],
    named: bool,
    target: Target,
) -> tuple[str, ...]:
    """Put defaults where DEFAULT stands; the columns that the rows give."""
    width = _width(query)
    check_width(width, columns, named)
    for row in query.expressions:
        for value, column in zip(list(row.expressions), columns, strict=False):
            if is_default(value):
                value.replace(default_of(target[column]))
    return columns[:width]


def _type_values(
    query: exp.Values, columns: tuple[str, ...], target: Target, parameters: dict[int, Type]
) -> None:
    """Type parameters and literals as the columns that they are given to."""
    for row in query.expressions:
        for cell, name in zip(row.expressions, columns, strict=False):
            if (bare := uncast(cell, target[name].type)) is not cell:
                parameters.setdefault(number(bare), postgres_type(cell.args["to"]))
        declare_parameters(parameters, row.expressions, columns, target)
    for place, column in enumerate(columns):
        type_mixed([row.expressions[place] for row in query.expressions], target[column].type)


def check_width(width: int, columns: tuple[str, ...], named: bool) -> None:
    """Refuse a query that gives more columns than the table takes, or fewer than were named.

    Raises:
        SyntaxFault: 42601, in PostgreSQL's words.
    """
    if width > len(columns):
        raise SyntaxFault("INSERT has more expressions than target columns")
    if named and width < len(columns):
        raise SyntaxFault("INSERT has more target columns than expressions")


def _update(tree: exp.Update, target: Target, row_identifier: str) -> Write:
    table = target_of(tree)
    columns, values, parameters = assigned_columns(tree.expressions, target, table)
    for value in values:
        aggregate = next((node for node in own_nodes(value) if is_aggregate(node)), None)
        if aggregate is not None:
            raise GroupingError(
                "aggregate functions are not allowed in UPDATE", position=position_of(aggregate)
            )
        refuse_sets(value, "UPDATE")
    others = _others(tree)
    beside = _named_beside(tree, target, others)
    query = _rows(tree, row_identifier, others)
    for place, (name, value) in enumerate(zip(columns, values, strict=True)):
        # Beside `u.a` the engine takes no other column called `a`.
        alias = f"new {place}" if beside else name
        item = exp.Alias(this=value, alias=exp.to_identifier(alias, quoted=True))
        query.append("expressions", item)
    for alias in beside:
        query.append("expressions", _all_of(alias))
    narrowing, given = narrowing_of(query, table.alias_or_name, target), None
    steps: dict[str, Step] = {}
    if narrowing is not None and narrowing.is_whole:
        pairs = list(zip(columns, values, strict=True))
        found = {n: step_of(value, n, target[n], table.alias_or_name) for n, value in pairs}
        steps = {name: step for name, step in found.items() if step is not None}
        left = [(name, value.copy()) for name, value in pairs if name not in steps]
        row = exp.Tuple(expressions=[value for _, value in left])
        given = as_given([row], [name for name, _ in left], target)
    return Write(
        "UPDATE",
        columns,
        query,
        _returning(tree),
        parameters,
        beside=beside,
        given=given,
        steps=steps,
        narrowing=narrowing,
    )


def _delete(tree: exp.Expr, target: Target, row_identifier: str) -> Write:
    others = _others(tree)
    beside = _named_beside(tree, target, others)
    query = _rows(tree, row_identifier, others)
    for alias in beside:
        query.append("expressions", _all_of(alias))
    narrowing = narrowing_of(query, target_of(tree).alias_or_name, target)
    return Write("DELETE", (), query, _returning(tree), beside=beside, narrowing=narrowing)


def _others(tree: exp.Expr) -> list[exp.Expr]:
    """What stands after FROM or USING."""
    clause = tree.args.get("from_")
    return [clause.this] if clause is not None else list(tree.args.get("using") or [])


def _all_of(alias: str) -> exp.Column:
    return exp.Column(this=exp.Star(), table=exp.to_identifier(alias, quoted=True))


def _aliases(relations: list[exp.Expr]) -> list[str]:
    found = []
    for relation in relations:
        is_join = isinstance(relation, exp.Subquery) and not relation.alias
        found += _aliases([relation.this]) if is_join else [relation.alias_or_name]
        found += _aliases([join.this for join in relation.args.get("joins") or ()])
    return found


def _named_beside(tree: exp.Expr, target: Target, others: list[exp.Expr]) -> tuple[str, ...]:
    """The relations beside the target, if RETURNING names anything of theirs."""
    clause, aliases = tree.args.get("returning"), _aliases(others)
    if clause is None or not aliases:
        return ()
    mine = target_of(tree).alias_or_name
    for item in clause.expressions:
        for node in item.walk():
            theirs = isinstance(node, exp.Column) and (
                node.table != mine if node.table else node.name not in target
            )
            if theirs or (isinstance(node, exp.Star) and not isinstance(node.parent, exp.Column)):
                return tuple(aliases)
    return ()


def _rows(tree: exp.Expr, row_identifier: str, others: list[exp.Expr]) -> exp.Select:
    """SELECT ctid FROM target, others WHERE ...; a row that matches twice is there once."""
    table = target_of(tree)
    this = column_node(table.alias_or_name, row_identifier)
    from_ = table.copy()
    from_.meta[IDENTIFIED] = row_identifier
    query = exp.Select(expressions=[this], from_=exp.From(this=from_))
    for other in others:
        joins = other.args.get("joins") or []
        other.set("joins", None)
        for join in (exp.Join(this=other), *joins):  # in one row, as those of a SELECT stand
            query.append("joins", join)
    if others:
        query.set("distinct", exp.Distinct(on=exp.Tuple(expressions=[this.copy()])))
    query.set("where", tree.args.get("where"))
    _move_with(tree, query)
    return query


def _move_with(tree: exp.Expr, query: exp.Expr) -> None:
    clause = tree.args.get("with_")
    if clause is None:
        return
    own = query.args.get("with_")
    if own is not None:
        clause.set("expressions", clause.expressions + own.expressions)
        clause.set("recursive", clause.args.get("recursive") or own.args.get("recursive"))
    query.set("with_", clause)


def _returning(tree: exp.Expr) -> exp.Select | None:
    clause = tree.args.get("returning")
    if clause is None:
        return None
    _check_returning(clause)
    refuse_sets(clause, "RETURNING")
    table = target_of(tree).copy()
    table.meta[UNFILTERED] = True
    return exp.Select(expressions=clause.expressions, from_=exp.From(this=table))


def _check_returning(clause: exp.Expr) -> None:
    """Refuse what has no rows but each one by itself.

    Raises:
        GroupingError: 42803, an aggregate. WindowingError: 42P20, a window function.
    """
    for node in clause.walk():
        if isinstance(node, exp.Window):
            message = "window functions are not allowed in RETURNING"
            raise WindowingError(message, position=position_of(node))
        if is_aggregate(node) and node.find_ancestor(exp.Query, exp.Returning) is clause:
            message = "aggregate functions are not allowed in RETURNING"
            raise GroupingError(message, position=position_of(node))
