"""INSERT, UPDATE and DELETE through a view that shows rows of one table as they are.

The view's query stands where the table would: it gives the identifiers of rows of the table, and
what is written goes there under the names that the table's columns have. RETURNING and WITH CHECK
OPTION look at the changed rows through the view without its WHERE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from gateway.catalog.authority import Authority
from gateway.catalog.registry import Registry
from gateway.errors import (
    FeatureNotSupported,
    ObjectNotInPrerequisiteState,
    SyntaxFault,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.names.relation import Relation
from gateway.sql.names.scope import column_node, position_of
from gateway.sql.names.updatable import IDENTIFIED, UNFILTERED, SimpleView, simple_view, why_not
from gateway.sql.text.dialect import parse, parse_value
from gateway.sql.writes.assignments import is_default
from gateway.sql.writes.conflicts import through_view
from gateway.sql.writes.targets import Target, TargetColumn
from gateway.sql.writes.writes import Write, parts_of, target_of
from gateway.store.ddl.owning import relation_key
from gateway.store.definitions.definitions import ROWID, TableDefinition, View
from gateway.types import TEXT

_DEEDS = {
    "INSERT": ("insert into", "a", "inserting into"),
    "UPDATE": ("update", "w", "updating"),
    "DELETE": ("delete from", "d", "deleting from"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """Rows of the table that is written which a view does not show.

    WITH CHECK OPTION must not leave them behind, ON CONFLICT DO UPDATE must not meet them.
    """

    view: str
    refused: exp.Select


@dataclass(frozen=True, slots=True)
class Through:
    """A view that is written through.

    Args:
        views: Its name, and those of the views between it and the table.
        base: The table.
        columns: The view's columns -> the table's; None: computed.
        checks: What changed rows are held to, the view on the table first.
        hidden: What each view does not show, the view on the table first.
        defaults: The view's columns -> their defaults, its own or those of a view beneath.
    """

    views: tuple[TableName, ...]
    base: TableDefinition
    columns: Mapping[str, str | None]
    checks: tuple[Check, ...] = ()
    hidden: tuple[Check, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> TableName:
        """The view that the statement names."""
        return self.views[0]

    def target(self, base: Target, command: str = "") -> Target:
        """The view's columns as those of a table; a computed one takes nothing.

        UPDATE ... SET a = DEFAULT gives NULL where the view has no default for it.
        """
        computed = TargetColumn(TEXT, generated=True)
        kept = {n: replace(c, default=None) if command == "UPDATE" else c for n, c in base.items()}
        return {
            name: computed
            if column is None
            else replace(kept[column], default=self.defaults.get(name, kept[column].default))
            for name, column in self.columns.items()
        }

    def require(self, authority: Authority, registry: Registry, command: str) -> None:
        """Let the owner of each view do to what is under it what the client does to the view.

        Raises:
            InsufficientPrivilege: 42501.
        """
        if not authority.asks:
            return
        under = (*self.views[1:], self.base.name)
        for view, name in zip(self.views, under, strict=True):
            oid = registry.store.oid(view)
            owner = registry.store.rights(relation_key(oid or 0)).owner
            if owner:  # else an administrator's
                authority.require(_DEEDS[command][1], name, owner)


def through(registry: Registry, tree: exp.Expr) -> Through | None:
    """The view that a write names; None where it names something else.

    Raises:
        ObjectNotInPrerequisiteState: 55000, it cannot be written through.
        ReadOnlyTable: 25006, it shows rows of a dataset.
    """
    relation = registry.relation(*registry.named(parts_of(target_of(tree))))
    if relation.view is None:
        return None
    command = type(tree).__name__.upper()
    return _through(registry, relation, command, cascaded=False)


def _through(registry: Registry, relation: Relation, command: str, *, cascaded: bool) -> Through:
    view = registry.store.view(relation.name)
    assert view is not None
    query = bound_query(registry, view)
    reason = why_not(query)
    inner = None if reason else _inside(registry, query)
    if inner is None:
        deed, _, doing = _DEEDS[command]
        raise ObjectNotInPrerequisiteState(
            f'cannot {deed} view "{relation.name.name}"',
            detail=reason
            or "Views that do not select from a single table or view are not"
            " automatically updatable.",
            hint=f"Write to the tables that it reads; {doing} it would not tell which rows.",
        )
    simple = simple_view(query, inner.names)
    cascades = cascaded or view.check == "cascaded"
    if inner.view is not None:
        under = _through(registry, inner, command, cascaded=cascades)
    else:
        base = registry.definition(inner.name.schema, inner.name.name)
        under = Through((), base, {column.name: column.name for column in base.columns})
    columns, defaults = {}, {}
    own = dict(view.defaults)
    for place, name in enumerate(view.columns):
        column = simple.column(place) if place < len(simple.outputs) else None
        columns[name] = None if column is None else under.columns.get(column)
        default = own.get(name, under.defaults.get(column or ""))
        if default is not None and columns[name] is not None:
            defaults[name] = default
    checks, hidden = under.checks, under.hidden
    if simple.where is not None:
        mine = Check(relation.name.name, _refused(simple))
        hidden = (*hidden, mine)
        checks = (*checks, mine) if view.check or cascaded else checks
    views = (relation.name, *under.views)
    return Through(views, under.base, columns, checks, hidden, defaults)


def _inside(registry: Registry, query: exp.Expr) -> Relation | None:
    """What stands in FROM, if it is a table or a view; a materialized view is neither."""
    table = query.args["from_"].this
    inner = registry.relation(table.db, table.name)
    held = registry.store.table(inner.name)
    return None if held is not None and held.query is not None else inner


def _refused(simple: SimpleView) -> exp.Select:
    """SELECT ctid FROM the table WHERE a row of it is not shown."""
    table = simple.table.copy()
    table.meta.update({IDENTIFIED: ROWID, UNFILTERED: True})
    which = column_node(table.alias_or_name, ROWID)
    assert simple.where is not None
    shown = exp.Coalesce(this=exp.Paren(this=simple.where.copy()), expressions=[exp.false()])
    query = exp.Select(expressions=[which], from_=exp.From(this=table))
    return query.where(exp.Not(this=shown))


def bound_query(registry: Registry, view: View) -> exp.Expr:
    """A view's query with every name in it as it was meant."""
    query = parse(view.sql)[0]
    meant = registry.names_read(view)
    for table in list(named_tables(query)):
        place = meant.get((table.db, table.name))
        if place is not None:
            if table.args.get("alias") is None and table.name != place.name:
                alias = exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
                table.set("alias", alias)
            table.set("db", exp.to_identifier(place.schema, quoted=True))
            table.set("this", exp.to_identifier(place.name, quoted=True))
    return query


def through_columns(tree: exp.Expr, view: Through) -> exp.Expr:
    """The write with the columns named that it gives values to; none of them is computed.

    Raises:
        FeatureNotSupported: 0A000, a column that the table has not.
    """
    tree = tree.copy()
    if isinstance(tree, exp.Insert):
        conflict = tree.args.get("conflict")
        assigned = conflict.expressions if conflict is not None else []
        named = [part for each in assigned for part in _set(each)]
        for value in [node for each in assigned for node in each.find_all(exp.Column, exp.Var)]:
            if is_default(value):  # a view's columns have none
                value.replace(exp.null())
        inserted = _inserted(tree, view)
        _refuse_computed([*inserted, *named], view, "insert into")
        _insert_defaults(tree, view, [column.name for column in inserted])
    elif isinstance(tree, exp.Update):
        named = [part for each in tree.expressions for part in _set(each)]
        _refuse_computed(named, view, "update")
    return tree


def _set(assignment: exp.Expr) -> list[exp.Expr]:
    left = assignment.this
    return list(left.expressions) if isinstance(left, exp.Tuple) else [left]


def _inserted(tree: exp.Insert, view: Through) -> list[exp.Expr]:
    """The columns of an INSERT; where it names none, as many as there are values."""
    if isinstance(tree.this, exp.Schema):
        return list(tree.this.expressions)
    query = tree.args.get("expression")
    if query is None:
        return []
    given = query.expressions[0].expressions if isinstance(query, exp.Values) else None
    if given is None and isinstance(query, exp.Select):
        given = query.expressions
    stars = given is None or any(node.is_star for node in given)
    width = len(view.columns) if stars or given is None else len(given)
    return [exp.to_identifier(name) for name in list(view.columns)[:width]]


def _insert_defaults(tree: exp.Insert, view: Through, named: list[str]) -> None:
    """Give the columns that an INSERT leaves out the view's defaults, in place."""
    query = tree.args.get("expression")
    missing = [name for name in view.defaults if name not in named]
    if query is None or not missing:  # DEFAULT VALUES takes them by itself
        return
    names = [exp.to_identifier(name, quoted=True) for name in (*named, *missing)]
    if isinstance(tree.this, exp.Schema):
        tree.this.set("expressions", names)
    else:
        tree.set("this", exp.Schema(this=tree.this, expressions=names))
    if isinstance(query, exp.Values):
        for row in query.expressions:
            row.set("expressions", [*row.expressions, *(exp.column("default") for _ in missing)])
        return
    values = [parse_value(view.defaults[name]) for name in missing]
    inner = query if isinstance(query, exp.Subquery) else query.subquery()
    inner.set("alias", exp.TableAlias(this=exp.to_identifier("given")))
    star = exp.Column(this=exp.Star(), table=exp.to_identifier("given"))
    tree.set("expression", exp.Select(expressions=[star, *values]).from_(inner))


def _refuse_computed(named: list[exp.Expr], view: Through, deed: str) -> None:
    for node in named:
        if node.name in view.columns and view.columns[node.name] is None:
            raise FeatureNotSupported(
                f'cannot {deed} column "{node.name}" of view "{view.name.name}"',
                detail="View columns that are not columns of their base relation are not"
                " updatable.",
                position=position_of(node),
            )


def onto_table(write: Write, view: Through) -> Write:
    """The write under the names of the table's columns.

    Raises:
        SyntaxFault: 42601, two columns of the view are one of the table.
    """
    names = [view.columns.get(name) or name for name in write.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SyntaxFault(f'multiple assignments to same column "{twice}"')
    conflict = None if write.conflict is None else through_view(write.conflict, view.columns)
    return replace(
        write,
        columns=tuple(names),
        conflict=conflict,
        given=write.given if write.command == "INSERT" else None,
        narrowing=None,
        shown=tuple(view.columns),
    )
