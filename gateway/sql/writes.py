"""INSERT, UPDATE and DELETE as a query plus a change: the engine computes, the store applies.

=======================================  ====================================================
``INSERT INTO t (a) SELECT ...``         the SELECT; its columns, by position, into ``a``
``UPDATE t SET a = e FROM u WHERE c``    ``SELECT t.ctid, e FROM t, u WHERE c``
``DELETE FROM t USING u WHERE c``        ``SELECT t.ctid FROM t, u WHERE c``
``... RETURNING e``                      ``SELECT e FROM t`` over the rows that were changed
=======================================  ====================================================

So subqueries, joins and derivatives work in them as in any query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    GeneratedAlways,
    GroupingError,
    SyntaxFault,
    UndefinedColumn,
    WindowingError,
)
from gateway.sql.conflicts import Conflict, arbiter, does_update, update_query
from gateway.sql.dialect import parse
from gateway.sql.parameters import number
from gateway.sql.scope import column_node, is_aggregate, position_of
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column of the table that is written: its type, and its default as SQL text.

    `identity` is "always" or "by default" for an identity column, whose default is its sequence's
    next value. A `generated` one takes no value at all.
    """

    type: Type
    default: str | None = None
    identity: str = ""
    generated: bool = False


Target = Mapping[str, TargetColumn]


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
    """

    command: str
    columns: tuple[str, ...]
    query: exp.Expr
    returning: exp.Select | None
    parameters: Mapping[int, Type] = field(default_factory=dict)
    named: bool = False  # INSERT's own list of columns: the query must give exactly those
    conflict: Conflict | None = None


def target_of(tree: exp.Expr) -> exp.Table:
    """The table that a write writes."""
    this = tree.this
    table = this.this if isinstance(this, exp.Schema) else this
    if not isinstance(table, exp.Table):
        raise SyntaxFault("a write needs the name of a table", position=position_of(tree))
    return table


def as_write(tree: exp.Expr, target: Target, row_identifier: str) -> Write:
    """The query and the change that `tree` asks for; `tree` is left as it was.

    Args:
        tree: An exp.Insert, exp.Update or exp.Delete.
        target: The columns of its table, in order.
        row_identifier: The name under which the store shows which row is which.

    Raises:
        UndefinedColumn: 42703. DuplicateColumn: 42701. FeatureNotSupported: 0A000.
    """
    tree = tree.copy()
    if isinstance(tree, exp.Insert):
        return _insert(tree, target, row_identifier)
    if isinstance(tree, exp.Update):
        return _update(tree, target, row_identifier)
    return _delete(tree, row_identifier)


def _insert(tree: exp.Insert, target: Target, row_identifier: str) -> Write:
    query = tree.args.get("expression")
    named = tree.this.expressions if isinstance(tree.this, exp.Schema) else None
    columns = tuple(target) if named is None else _columns(named, target, target_of(tree))
    overriding = str(tree.meta.get("overriding", ""))
    if query is None:
        columns = tuple(name for name, column in target.items() if not column.generated)
        query = exp.Select(expressions=[_default(target[name]) for name in columns])
    elif isinstance(query, exp.Values):
        columns = _settle_values(query, columns, target, overriding)
    else:
        width = len(query.expressions) if isinstance(query, exp.Select) else len(columns)
        for name in columns[:width]:
            _refuse_value(name, target[name], overriding)
    parameters: dict[int, Type] = {}
    if isinstance(query, exp.Values):
        columns = _values(query, columns, named is not None, target, parameters)
    elif isinstance(query, exp.Select):
        _declare(parameters, query.expressions, columns, target)
    _move_with(tree, query)
    conflict = _conflict(tree, target, row_identifier)
    returning = _returning(tree)
    return Write("INSERT", columns, query, returning, parameters, named is not None, conflict)


def _conflict(tree: exp.Insert, target: Target, row_identifier: str) -> Conflict | None:
    clause = tree.args.get("conflict")
    if clause is None:
        return None
    key, constraint = arbiter(clause)
    if not does_update(clause):
        return Conflict(key, constraint)
    table = target_of(tree)
    columns, values, parameters = _assigned(clause.expressions, target, table)
    query = update_query(table, clause, columns, values, row_identifier)
    return Conflict(key, constraint, columns, query, parameters)


def _settle_values(
    query: exp.Values, columns: tuple[str, ...], target: Target, overriding: str
) -> tuple[str, ...]:
    """Take out columns that compute their own values; the columns that are left.

    Raises:
        GeneratedAlways: 428C9, one is given a value.
    """
    for row in query.expressions:
        for value, name in zip(row.expressions, columns, strict=False):
            if not _is_default(value):
                _refuse_value(name, target[name], overriding)
            if overriding == "USER" and target[name].identity:
                value.replace(_default(target[name]))
    own = [number for number, name in enumerate(columns) if target[name].generated]
    if not own:
        return columns
    for row in query.expressions:
        kept = [value for n, value in enumerate(row.expressions) if n not in own]
        if not kept:  # nothing but DEFAULT of those: a row of defaults
            kept = [_default(column) for column in target.values() if not column.generated]
        row.set("expressions", kept)
    left = tuple(name for n, name in enumerate(columns) if n not in own)
    return left or tuple(name for name, column in target.items() if not column.generated)


def _refuse_value(name: str, column: TargetColumn, overriding: str = "") -> None:
    """Refuse a value of the user's for a column that computes its own.

    Raises:
        GeneratedAlways: 428C9.
    """
    if column.generated or (column.identity == "always" and not overriding):
        raise GeneratedAlways(
            f'cannot insert a non-DEFAULT value into column "{name}"',
            detail=_why(name, column),
            hint="" if column.generated else "Use OVERRIDING SYSTEM VALUE to override.",
        )


def _why(name: str, column: TargetColumn) -> str:
    if column.generated:
        return f'Column "{name}" is a generated column.'
    return f'Column "{name}" is an identity column defined as GENERATED ALWAYS.'


def _values(
    query: exp.Values,
    columns: tuple[str, ...],
    named: bool,
    target: Target,
    parameters: dict[int, Type],
) -> tuple[str, ...]:
    """Put defaults where DEFAULT stands; the columns that the rows give."""
    widths = {len(row.expressions) for row in query.expressions}
    if len(widths) > 1:
        raise SyntaxFault("VALUES lists must all be the same length", position=position_of(query))
    width = widths.pop()
    check_width(width, columns, named)
    for row in query.expressions:
        for value, column in zip(list(row.expressions), columns, strict=False):
            if _is_default(value):
                value.replace(_default(target[column]))
        _declare(parameters, row.expressions, columns, target)
    return columns[:width]


def check_width(width: int, columns: tuple[str, ...], named: bool) -> None:
    """Refuse a query that gives more columns than the table takes, or fewer than were named.

    Raises:
        SyntaxFault: 42601, in PostgreSQL's words.
    """
    if width > len(columns):
        raise SyntaxFault("INSERT has more expressions than target columns")
    if named and width < len(columns):
        raise SyntaxFault("INSERT has more target columns than expressions")


def _assigned(
    expressions: list[exp.Expr], target: Target, table: exp.Table
) -> tuple[tuple[str, ...], list[exp.Expr], dict[int, Type]]:
    """What SET assigns: the columns, the values, the types of bare parameters among them.

    Raises:
        GeneratedAlways: 428C9, a value for a column that computes its own.
    """
    pairs = [pair for each in expressions for pair in _assignments(each)]
    columns = _columns([column.this for column, _ in pairs], target, table)
    values = []
    for name, (_, value) in zip(columns, pairs, strict=True):
        column = target[name]
        if not _is_default(value) and (column.generated or column.identity == "always"):
            raise GeneratedAlways(
                f'column "{name}" can only be updated to DEFAULT', detail=_why(name, column)
            )
        if not column.generated:
            values.append(_default(column) if _is_default(value) else value)
    columns = tuple(name for name in columns if not target[name].generated)
    parameters: dict[int, Type] = {}
    _declare(parameters, values, columns, target)
    return columns, values, parameters


def _update(tree: exp.Update, target: Target, row_identifier: str) -> Write:
    columns, values, parameters = _assigned(tree.expressions, target, target_of(tree))
    items = [
        exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))
        for name, value in zip(columns, values, strict=True)
    ]
    others = tree.args.get("from_")
    query = _rows(tree, row_identifier, [others.this] if others is not None else [])
    for item in items:
        query.append("expressions", item)
    return Write("UPDATE", columns, query, _returning(tree), parameters)


def _delete(tree: exp.Expr, row_identifier: str) -> Write:
    query = _rows(tree, row_identifier, tree.args.get("using") or [])
    return Write("DELETE", (), query, _returning(tree))


def _rows(tree: exp.Expr, row_identifier: str, others: list[exp.Expr]) -> exp.Select:
    """SELECT ctid FROM target, others WHERE ...; a row that matches twice is there once."""
    table = target_of(tree)
    this = column_node(table.alias_or_name, row_identifier)
    query = exp.Select(expressions=[this], from_=exp.From(this=table.copy()))
    for other in others:
        query.append("joins", exp.Join(this=other))
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


def _assignments(tree: exp.Expr) -> list[tuple[exp.Column, exp.Expr]]:
    """(column, value) of `a = e`, or of each part of `(a, b) = (e, g)`."""
    if not isinstance(tree, exp.EQ):
        raise SyntaxFault("SET needs column = value", position=position_of(tree))
    columns = tree.this.expressions if isinstance(tree.this, exp.Tuple) else [tree.this]
    values = [tree.expression]
    if isinstance(tree.this, exp.Tuple):
        if not isinstance(tree.expression, exp.Tuple):
            raise FeatureNotSupported(
                "SET (columns) = (subquery) is not supported",
                hint="Join the subquery in FROM.",
                position=position_of(tree),
            )
        values = tree.expression.expressions
    if len(columns) != len(values):
        message = "number of columns does not match number of values"
        raise SyntaxFault(message, position=position_of(tree))
    return list(zip(columns, values, strict=True))


def _columns(named: list[exp.Expr], target: Target, table: exp.Table) -> tuple[str, ...]:
    names = tuple(column.name for column in named)
    for name, column in zip(names, named, strict=True):
        if name not in target:
            raise UndefinedColumn(
                f'column "{name}" of relation "{table.name}" does not exist',
                position=position_of(column),
            )
        if names.count(name) > 1:
            message = f'column "{name}" specified more than once'
            raise DuplicateColumn(message, position=position_of(column))
    return names


def _is_default(value: exp.Expr) -> bool:
    """True of the word DEFAULT, which PostgreSQL reserves: no column is called so unquoted."""
    if isinstance(value, exp.Column):
        return value.name == "default" and not value.this.quoted and not value.table
    return isinstance(value, exp.Var) and value.name.upper() == "DEFAULT"


def _default(column: TargetColumn) -> exp.Expr:
    if column.default is None:
        return exp.Null()
    tree: exp.Expr = parse(f"SELECT {column.default}")[0].expressions[0]
    return tree


def _declare(
    parameters: dict[int, Type],
    values: list[exp.Expr],
    columns: tuple[str, ...],
    target: Target,
) -> None:
    """A bare `$n` that is assigned to a column has the column's type."""
    for value, column in zip(values, columns, strict=False):
        if isinstance(value, exp.Parameter):
            parameters.setdefault(number(value), target[column].type)


def _returning(tree: exp.Expr) -> exp.Select | None:
    clause = tree.args.get("returning")
    if clause is None:
        return None
    _check_returning(clause, target_of(tree))
    return exp.Select(expressions=clause.expressions, from_=exp.From(this=target_of(tree).copy()))


def _check_returning(clause: exp.Expr, target: exp.Table) -> None:
    """Refuse what would be computed over the changed rows where PostgreSQL does otherwise.

    Raises:
        GroupingError: 42803, an aggregate: it has no rows but each one by itself.
        WindowingError: 42P20, a window function.
        FeatureNotSupported: 0A000, a subquery over the table: it would see the changed rows alone.
    """
    for node in clause.walk():
        if isinstance(node, exp.Table) and node.name == target.name:
            raise FeatureNotSupported(
                f'a subquery over "{target.name}" in RETURNING is not supported',
                hint="Ask for it in a statement of its own.",
                position=position_of(node),
            )
        if isinstance(node, exp.Window):
            message = "window functions are not allowed in RETURNING"
            raise WindowingError(message, position=position_of(node))
        if is_aggregate(node) and node.find_ancestor(exp.Query, exp.Returning) is clause:
            message = "aggregate functions are not allowed in RETURNING"
            raise GroupingError(message, position=position_of(node))
