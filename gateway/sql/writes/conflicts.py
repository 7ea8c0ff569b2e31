"""ON CONFLICT as what it asks to be computed: an UPDATE of the rows that are in the way.

``DO UPDATE SET a = e WHERE c`` becomes ``SELECT t.ctid, e FROM t JOIN excluded ON ... WHERE c``,
where `excluded` holds the rows that could not be inserted, each beside the row in its way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    InvalidColumnReference,
    SyntaxFault,
    UndefinedColumn,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.volatile import call_name, volatile_call
from gateway.sql.names.scope import column_node, position_of, table_node
from gateway.sql.names.updatable import IDENTIFIED, UNFILTERED
from gateway.sql.text.dialect import parse_value
from gateway.sql.text.trees import nodes_of
from gateway.types import Type

# Where the rows proposed for insertion are found; no user's schema has this name.
EXCLUDED = TableName("gradwire", "excluded")
# The same as a view shows them that is written through.
SHOWN_EXCLUDED = TableName("gradwire", "excluded as shown")


@dataclass(frozen=True, slots=True)
class Arbiter:
    """Which key is not to come twice; with nothing in it any.

    Args:
        columns: Columns in ON CONFLICT (...).
        expressions: Expressions there, as `spelt` writes them.
        predicate: The WHERE after it, as text.
        constraint: The name after ON CONSTRAINT.
    """

    columns: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    predicate: tuple[str, ...] = ()
    constraint: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """What to do with rows that are there already.

    Args:
        arbiter: The key that is not to come twice.
        columns: What DO UPDATE sets; `update` gives the row's `ctid` before them.
        update: What to compute for it; None for DO NOTHING.
        parameters: Types of `$n` that are assigned to a column as they are.
    """

    arbiter: Arbiter = Arbiter()
    columns: tuple[str, ...] = ()
    update: exp.Select | None = None
    parameters: Mapping[int, Type] = field(default_factory=dict)


def arbiter(clause: exp.OnConflict, known: Collection[str]) -> Arbiter:
    """Which key is meant.

    Args:
        clause: ON CONFLICT.
        known: The names of the table's columns.

    Raises:
        SyntaxFault: 42601, DO UPDATE without any.
        UndefinedColumn: 42703, it names what is no column.
    """
    _refuse_unknown(clause, known)
    names, expressions = [], []
    for key in clause.args.get("conflict_keys") or ():
        item = key.this if isinstance(key, exp.Ordered) else key
        if isinstance(item, exp.Column | exp.Identifier):
            names.append(item.name)
        else:
            expressions.append(spelt(item))
    constraint = clause.args.get("constraint")
    named = constraint.name if constraint is not None else ""
    if not (names or expressions or named) and does_update(clause):
        raise SyntaxFault(
            "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            hint="For example, ON CONFLICT (column_name).",
        )
    predicate = clause.args.get("index_predicate")
    said = (predicate.this.sql(),) if predicate is not None else ()
    return Arbiter(tuple(names), tuple(expressions), said, named)


def _refuse_unknown(clause: exp.OnConflict, known: Collection[str]) -> None:
    keys = list(clause.args.get("conflict_keys") or ())
    for part in filter(None, [*keys, clause.args.get("index_predicate")]):
        key = part.this if isinstance(part, exp.Ordered) else part
        bare = isinstance(key, exp.Column | exp.Identifier)
        # Of a column by itself PostgreSQL points at the bracket before the first one.
        place = position_of(keys[0]) - 1 if bare else 0
        for each in [key] if bare else nodes_of(key, exp.Column):
            if each.name not in known:
                raise UndefinedColumn(
                    f'column "{each.name}" does not exist', position=place or position_of(each)
                )


def spelt(written: str | exp.Expr) -> str:
    """An expression over one table's columns in one spelling, whatever its parentheses.

    >>> spelt("LOWER(t.a)") == spelt('(lower("a"))')
    True
    """
    tree = _tree(written)
    for node in list(tree.walk()):
        if isinstance(node, exp.Column):
            node.replace(exp.column(node.name, quoted=True))
        elif isinstance(node, exp.Paren):
            node.replace(node.this)
    spelling: str = tree.this.sql()
    return spelling


def conjuncts(written: str | exp.Expr) -> frozenset[str]:
    """The conditions that stand between the ANDs of one, each as `spelt` writes it."""
    tree = _tree(written).this.unnest()
    parts = tree.flatten() if isinstance(tree, exp.And) else [tree]
    return frozenset(spelt(part) for part in parts)


def through_view(conflict: Conflict, columns: Mapping[str, str | None]) -> Conflict:
    """What a conflict asks for of a view's rows, of the rows of its table.

    The view's own WHERE says nothing of what is in the way; who does it asks for that.

    Args:
        conflict: It, under the view's names.
        columns: The view's columns -> the table's; None: computed.
    """
    written = conflict.arbiter
    meant = replace(
        written,
        columns=tuple(_under(name, columns) for name in written.columns),
        expressions=tuple(_under_names(text, columns) for text in written.expressions),
        predicate=tuple(_under_names(text, columns) for text in written.predicate),
    )
    update = None if conflict.update is None else conflict.update.copy()
    if update is not None:
        mine, excluded = update.args["from_"].this, update.args["joins"][0].this
        identifier = update.expressions[0].name
        for table in (mine, excluded):
            table.meta.update({IDENTIFIED: identifier, UNFILTERED: True})
        excluded.set("this", exp.to_identifier(SHOWN_EXCLUDED.name, quoted=True))
    names = tuple(columns.get(name) or name for name in conflict.columns)
    return replace(conflict, arbiter=meant, columns=names, update=update)


def _under_names(written: str, columns: Mapping[str, str | None]) -> str:
    """An expression over a view's columns, over those of its table."""
    tree = _tree(written)
    for node in tree.find_all(exp.Column):
        node.set("this", exp.to_identifier(_under(node.name, columns), quoted=True))
    return spelt(tree.this)


def _under(name: str, columns: Mapping[str, str | None]) -> str:
    """A view's column as the table calls it; a computed one is no column of any key."""
    if name not in columns:
        raise UndefinedColumn(f'column "{name}" does not exist')
    under = columns[name]
    if under is None:
        raise no_such_key()
    return under


def no_such_key() -> InvalidColumnReference:
    """What ON CONFLICT is told that names no key."""
    return InvalidColumnReference(
        "there is no unique or exclusion constraint matching the ON CONFLICT specification"
    )


def _tree(written: str | exp.Expr) -> exp.Expr:
    """An expression of its own, below a node that it can be replaced in."""
    tree = parse_value(written) if isinstance(written, str) else written
    return exp.Paren(this=tree.unalias().copy())


def does_update(clause: exp.OnConflict) -> bool:
    """Whether it is DO UPDATE, and not DO NOTHING."""
    action = clause.args.get("action")
    return action is not None and action.name.upper() == "DO UPDATE"


def update_query(
    table: exp.Table,
    clause: exp.OnConflict,
    columns: tuple[str, ...],
    values: list[exp.Expr],
    row_identifier: str,
) -> exp.Select:
    """SELECT ctid, values FROM table JOIN excluded ..."""
    mine = column_node(table.alias_or_name, row_identifier)
    items: list[exp.Expr] = [mine]
    for name, value in zip(columns, values, strict=True):
        items.append(exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True)))
    excluded = table_node(EXCLUDED, "excluded")
    same = exp.EQ(this=mine.copy(), expression=column_node("excluded", row_identifier))
    query = exp.Select(expressions=items, from_=exp.From(this=table.copy()))
    query.append("joins", exp.Join(this=excluded, on=same))
    where = clause.args.get("where")
    if where is not None:
        query.set("where", where.copy())
    return query


def share_with(tree: exp.Insert, update: exp.Select) -> None:
    """Let DO UPDATE name the queries of the INSERT's WITH.

    Raises:
        FeatureNotSupported: 0A000, one draws: it would be run for both.
    """
    clause = tree.args.get("with_")
    if not isinstance(clause, exp.With):
        return
    names = {cte.alias for cte in clause.expressions}
    if not any(table.name in names and not table.db for table in update.find_all(exp.Table)):
        return
    call = volatile_call(clause)
    if call is not None:
        raise FeatureNotSupported(
            f"a WITH query that calls {call_name(call)}() cannot be read by ON CONFLICT DO UPDATE",
            position=position_of(call),
        )
    update.set("with_", clause.copy())
