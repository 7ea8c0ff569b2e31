"""The query that a marker names: `f` of WITH in grad(f, w.v), by itself.

What it is made of is laid open on the way: WITH queries that read the variable's relation, or that
only `f` sees, are put in the place of their names. The others are named as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.errors import FeatureNotSupported, NotDifferentiable
from gateway.sources.table import TableName
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import copied, nodes_of, with_queries

# On a query of WITH whose rows count as constants, whatever it reads.
HELD = "held"

# The relation whose column is the variable: a table or a view of the database, or one of WITH.
Own = TableName | exp.CTE


def with_query(node: exp.Expr, name: str) -> exp.CTE | None:
    """What `name` means among the WITH queries in sight of `node`."""
    return next((cte for cte in with_queries(node) if cte.alias == name), None)


def named_by(table: exp.Table) -> exp.CTE | None:
    """The WITH query that a name in FROM means; None where it means a table."""
    return None if table.db else with_query(table, table.name)


class Loss:
    """Lays open the query of `cte` for a marker that stands at `place`.

    Args:
        cte: The query.
        own: The variable's relation, which stays a name.
        place: The marker.
    """

    def __init__(self, cte: exp.CTE, own: Own, place: exp.Expr) -> None:
        self._cte, self._own, self._place = cte, own, place
        self._around = list(with_queries(cte))
        self._kept: dict[int, exp.CTE] = {}  # the WITH queries that it still names, by identity
        self._made: dict[int, exp.Expr] = {}  # those that were opened
        if isinstance(own, exp.CTE):
            self._keep(own)

    def opened(self, lay: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
        """A copy of the query.

        Args:
            lay: What is made of each query on the way, those inside it first.

        Raises:
            NotDifferentiable: 0A000, a recursive query reads the variable's relation.
        """
        return self._opened(self._cte.this, lay)

    def reached(self) -> list[exp.Expr]:
        """The query itself and the WITH queries that it is made of, each once."""
        found: dict[int, exp.Expr] = {}
        own = [self._own.this] if isinstance(self._own, exp.CTE) else []
        left = [self._cte.this, *own]
        while left:
            tree = left.pop()
            if id(tree) not in found:
                found[id(tree)] = tree
                ctes = map(named_by, nodes_of(tree, exp.Table))
                left += [cte.this for cte in ctes if cte is not None]
        return list(found.values())

    def holds_own(self) -> bool:
        """Whether what counts as a constant in it is computed from the variable's table."""
        ctes = (named_by(t) for tree in self.reached() for t in nodes_of(tree, exp.Table))
        held = [cte for cte in ctes if cte is not None and cte.meta_get(HELD)]
        return any(self._reads_own(cte.this) for cte in held)

    def named(self) -> list[exp.CTE]:
        """The WITH queries that what was opened still names, in the order they are written."""
        return [cte for cte in reversed(self._around) if id(cte) in self._kept]

    def context(self) -> exp.With | None:
        """Copies of these."""
        if not (found := self.named()):
            return None
        recursive = any(map(is_recursive, found))
        return exp.With(expressions=[copied(cte) for cte in found], recursive=recursive)

    def is_own(self, table: exp.Table) -> bool:
        """Whether a name in FROM is that of the variable's relation."""
        if isinstance(self._own, TableName):
            return table.db != "" and TableName(table.db, table.name) == self._own
        return named_by(table) is self._own

    def _reads_own(self, tree: exp.Expr) -> bool:
        for table in nodes_of(tree, exp.Table):
            cte = named_by(table)
            inside = cte is not None and cte is not self._own and not _is_inside(table, cte)
            if self.is_own(table) or (inside and cte is not None and self._reads_own(cte.this)):
                return True
        return False

    def _opened(self, tree: exp.Expr, lay: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
        copy = copied(tree)
        pairs = zip(nodes_of(tree, exp.Table), nodes_of(copy, exp.Table), strict=True)
        for table, place in list(pairs):
            cte = named_by(table)
            if cte is None or cte is self._own:
                continue
            around = any(cte is each for each in self._around)
            if around and (cte.meta_get(HELD) or not self._reads_own(cte.this)):
                self._refuse_hidden(cte)
                self._keep(cte)
            else:
                self._refuse_recursive(cte)
                if id(cte) not in self._made:
                    self._made[id(cte)] = self._opened(cte.this, lay)
                place.replace(_as_subquery(place, cte, copied(self._made[id(cte)])))
        for query in nodes_of(copy, exp.Query):
            query.set("with_", None)
        return lay(copy)

    def _keep(self, cte: exp.CTE) -> None:
        if id(cte) not in self._kept:
            self._kept[id(cte)] = cte
            for table in nodes_of(cte.this, exp.Table):
                if (inner := named_by(table)) is not None:
                    self._keep(inner)

    def _refuse_recursive(self, cte: exp.CTE) -> None:
        if is_recursive(cte):
            raise NotDifferentiable(
                f'a derivative cannot follow the recursive query "{cte.alias}"',
                hint="Read parameters beside it, from a relation of one row, and differentiate a "
                "column: SELECT grad(loss.value, parameters.a) FROM loss, parameters.",
                position=position_of(self._place),
            )

    def _refuse_hidden(self, cte: exp.CTE) -> None:
        if with_query(self._place, cte.alias) is not cte:
            raise FeatureNotSupported(
                f'"{cte.alias}" means another WITH query here than in "{self._cte.alias}"',
                hint="Give one of them another name.",
                position=position_of(self._place),
            )


def _is_inside(node: exp.Expr, cte: exp.CTE) -> bool:
    return any(around is cte for around in _ancestors(node))


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    around = node.parent
    while around is not None:
        yield around
        around = around.parent


def _as_subquery(table: exp.Table, cte: exp.CTE, query: exp.Expr) -> exp.Subquery:
    """What FROM says of a WITH query, with the query itself in the place of its name."""
    alias, given = table.args.get("alias"), cte.args["alias"]
    columns = list(alias.columns) if alias is not None else []
    columns += given.columns[len(columns) :]
    name = exp.to_identifier(table.alias_or_name, quoted=True)
    whole = exp.TableAlias(this=name, columns=[copied(column) for column in columns])
    inner = query.this if isinstance(query, exp.Subquery) and not query.alias else query
    return exp.Subquery(this=inner, alias=whole, joins=table.args.get("joins"))
