"""Names in FROM: the relation that each means, and a view's query in the place of its name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlglot import exp

from gateway.errors import FeatureNotSupported, StatementTooComplex, UndefinedTable
from gateway.sources.table import TableName
from gateway.sql.meaning.columns_named import columns_named
from gateway.sql.meaning.fields import write_fields
from gateway.sql.meaning.literals import keep_literals
from gateway.sql.meaning.searching import carry_searches
from gateway.sql.names.relation import ColumnInfo, Lookup, Read, Relation
from gateway.sql.names.scope import position_of
from gateway.sql.names.updatable import IDENTIFIED, flags_of, lay_open
from gateway.sql.text.dialect import parse
from gateway.sql.text.trees import nodes, nodes_of, visible_ctes

# A view may stand on a view; PostgreSQL's own bound is its stack, about this deep.
MAX_VIEW_DEPTH = 100
# Views that name two views each, 20 deep, would be a million queries.
MAX_VIEWS = 1000
# Under this key the notes of a table or view hold its own names of columns, where an alias has
# others: a whole row is of the relation's type (manual, 8.16.5).
OWN_NAMES = "own_names"


# Functions of which a view of the catalogue gives all columns and rows (system_views.sql).
_BENEATH_VIEWS = {"pg_show_all_settings": "pg_settings"}


def _put_views(tree: exp.Expr) -> None:
    """Put that view in the place of a call in FROM, under the call's name."""
    for table in nodes_of(tree, exp.Table):
        call = table.this
        view = _BENEATH_VIEWS.get(call.name) if isinstance(call, exp.Anonymous) else None
        if view is None or call.expressions or table.db not in ("", "pg_catalog"):
            continue
        if table.args.get("alias") is None:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(call.name, quoted=True)))
        table.set("this", exp.to_identifier(view, quoted=True))
        table.set("db", exp.to_identifier("pg_catalog", quoted=True))


class Binder:
    """Binds the tables of one statement.

    Args:
        lookup: What a name in FROM means.
        relations: Filled with the columns of every relation that is named.
        unaliased: Filled with the relations that go by their own name.
        database: The one that may stand before a schema; "" any.

    Attributes:
        reads: Every relation that is named, with the number of the view that names it, or 0: the
            columns that may be meant of one that is guarded, None where it may be all of them.
    """

    def __init__(
        self,
        lookup: Lookup,
        relations: dict[TableName, dict[str, ColumnInfo]],
        unaliased: set[TableName],
        database: str = "",
    ) -> None:
        self._lookup, self._relations, self._unaliased = lookup, relations, unaliased
        self._database = database
        self._views = 0  # put in place so far
        self.reads: dict[tuple[TableName, int], frozenset[str] | None] = {}

    @property
    def all_read(self) -> tuple[Read, ...]:
        """What `reads` has, relation by relation."""
        return tuple((*read, columns) for read, columns in self.reads.items())

    def bind(self, tree: exp.Expr, lookup: Lookup, depth: int = 0, view: int = 0) -> None:
        """Write every table of `tree` as schema.name under its alias, views' queries included."""
        if depth > MAX_VIEW_DEPTH:
            raise StatementTooComplex(f"views stand on views more than {MAX_VIEW_DEPTH} deep")
        carry_searches(tree)
        write_fields(tree)
        _put_views(tree)
        for table in list(named_tables(tree)):
            self._bind(table, lookup, depth, view, tree)

    def _bind(
        self, table: exp.Table, lookup: Lookup, depth: int, view: int, tree: exp.Expr
    ) -> None:
        if table.catalog:
            self._check_database(table)
        try:
            relation = lookup(table.db, table.name)
        except UndefinedTable as error:
            error.position = position_of(table)
            raise
        self._note(table, relation, view, tree)
        if table.args.get("alias") is None:
            self._unaliased.add(relation.name)
            alias = exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
            table.set("alias", alias)
        if relation.view is not None:
            table.replace(self._inlined(table, relation, depth))
            return
        table.set("db", exp.to_identifier(relation.name.schema, quoted=True))
        table.set("this", exp.to_identifier(relation.name.name, quoted=True))
        if table.args["alias"].columns:
            table.meta[OWN_NAMES] = tuple(relation.columns)
        self._relations[relation.name] = dict(relation.columns)

    def _note(self, table: exp.Table, relation: Relation, view: int, tree: exp.Expr) -> None:
        """Note what is read of a relation."""
        read = relation.name, view
        columns, given = None, table.alias_column_names
        names = [*given, *relation.names[len(given) :]]
        plain = len(set(names)) == len(relation.names) and not _is_in_named_join(table)
        if relation.guarded and plain:
            named = columns_named([tree], table.alias_or_name, names)
            meant = dict(zip(names, relation.names, strict=True))
            columns = None if named is None else frozenset(meant[each] for each in named)
        before = self.reads.get(read, frozenset())
        self.reads[read] = None if columns is None or before is None else before | columns

    def _check_database(self, table: exp.Table) -> None:
        """Take the database's name away, which says nothing (manual, 5.9.1)."""
        if self._database not in ("", table.catalog):
            raise FeatureNotSupported(
                "cross-database references are not implemented: "
                f'"{table.catalog}.{table.db}.{table.name}"',
                position=position_of(table),
            )
        table.set("catalog", None)

    def _inlined(self, table: exp.Table, relation: Relation, depth: int) -> exp.Subquery:
        """A view's query, for the place where its name stands; errors in it have no position here.

        Its tables are bound before it stands there, where a CTE could have the name of one of them.
        """
        self._views += 1
        if self._views > MAX_VIEWS:
            raise StatementTooComplex(
                f"the statement names more than {MAX_VIEWS} views, one in another"
            )
        query = parse(relation.view or "")[0]
        keep_literals(query, relation.zone)
        for node in nodes(query):
            node.meta.pop("start", None)
        bound = partial(_as_bound, self._lookup, relation)
        flags = flags_of(table)
        if flags:
            source = query.args["from_"].this
            lay_open(query, bound(source.db, source.name).names, flags)
        self.bind(query, bound, depth + 1, relation.oid)
        alias = table.args["alias"]
        given = alias.columns
        identifier = [str(flags[IDENTIFIED])] if IDENTIFIED in flags else []
        names = (*relation.view_columns, *identifier)
        rest = [exp.to_identifier(name, quoted=True) for name in names[len(given) :]]
        alias.set("columns", given + rest)
        inlined = exp.Subquery(this=query, alias=alias, joins=table.args.get("joins"))
        inlined.meta["view"] = relation.oid
        if given:
            inlined.meta[OWN_NAMES] = names
        return inlined


def _is_in_named_join(table: exp.Table) -> bool:
    """Whether its columns go by another alias, too, as those of `(a JOIN b ON ...) AS j` do."""
    around = table.parent
    while around is not None and not isinstance(around, exp.Select | exp.SetOperation):
        if isinstance(around, exp.Subquery) and around.alias:
            return True
        around = around.parent
    return False


def named_tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """Tables of FROM clauses: not table functions, not references to a CTE."""
    for table in nodes_of(tree, exp.Table):
        named = isinstance(table.this, exp.Identifier)
        if named and (table.db or table.name not in visible_ctes(table)):
            yield table


def _as_bound(lookup: Lookup, view: Relation, schema: str, name: str) -> Relation:
    """What a name in a view's query meant when the view was made."""
    meant = view.reads.get((schema, name))
    return lookup(schema, name) if meant is None else lookup(meant.schema, meant.name)


def without_schemas(tree: exp.Expr, unaliased: set[TableName]) -> None:
    """Take the schemas off the columns' names, in place.

    Raises:
        UndefinedTable: 42P01, a column of a relation that is not in FROM under its own name.
    """
    for column in nodes_of(tree, exp.Column):
        if column.args.get("db") is not None:
            if TableName(column.db, column.table) not in unaliased:
                raise UndefinedTable(
                    f'missing FROM-clause entry for table "{column.table}"',
                    position=position_of(column),
                )
            column.set("db", None)
            column.set("catalog", None)
