"""The grouped subqueries of a loss, each computed once: reverse mode, layer by layer.

A loss of many of them, each read by the next, would be written out again for every one on the way
back. So each is a **layer**: its rows are kept, under a name, and what is above reads the name. The
sweep then goes from the loss down: the cotangents of a layer, a row for each of its
groups, are the sum of what all its readers give, and are kept too. So a loss costs a few times what
it costs to compute, however deep it is (Griewank and Walther, Evaluating Derivatives, chapter 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.cotangents import Sweep
from gateway.autodiff.relational.queries import named, root_of, subquery, united
from gateway.autodiff.relational.stages import Stage, Staging
from gateway.autodiff.statements.grouping import group_keys
from gateway.sources.table import TableName
from gateway.sql.meaning.naming import output_name
from gateway.sql.meaning.scope import Analysis, Block, column_node, table_node
from gateway.sql.text.trees import copied, nodes_of

# Has the rows of a query at hand under a name.
Keep = Callable[[exp.Select], TableName]
# The blocks of a query, laid open: subqueries of one number, partitions and unions are joins in it.
Open = Callable[[exp.Select], Analysis]

_CLAUSES = ("distinct", "limit", "offset", "qualify", "order", "with_")


@dataclass(eq=False)
class _Part:
    """A SELECT that is followed by itself: the loss, or a layer.

    Args:
        query: It, over the names of layers.
        table: Where its rows are kept; for the loss, nowhere.
        keys: What its keys are called there.
        values: Its columns that change with the variables.
    """

    query: exp.Select
    table: TableName | None = None
    keys: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    cotangents: TableName | None = None

    @property
    def given(self) -> exp.Select | None:
        """The cotangents of its values, by its keys as its stage calls them."""
        if self.cotangents is None:
            return None
        return exp.select(exp.Star(), copy=False).from_(table_node(self.cotangents), copy=False)


class Layers:
    """Finds the layers of a loss, and goes back through them.

    Args:
        own: The variable's table.
        variables: The columns of it to differentiate by.
        keep: Keeps rows.
        opened: Lays a query open.
    """

    def __init__(self, own: TableName, variables: list[str], keep: Keep, opened: Open) -> None:
        self._own, self._variables, self._keep, self._open = own, variables, keep, opened
        self._layers: dict[str, _Part] = {}  # by their text, those below first

    def __bool__(self) -> bool:
        return bool(self._layers)

    def lay(self, tree: exp.Expr) -> exp.Expr:
        """The query with the names of layers in the place of its grouped subqueries."""
        for place in reversed(nodes_of(tree, exp.Subquery)):
            query = place.this
            in_from = isinstance(place.parent, exp.From | exp.Join)
            if in_from and isinstance(query, exp.Select) and self._is_layer(query):
                text = query.sql()
                part = self._layers.get(text) or self._layers.setdefault(text, self._made(query))
                place.replace(_read(part, place))
        return tree

    def _is_layer(self, query: exp.Select) -> bool:
        group = query.args.get("group")
        plain = group is not None and set(group.args) - {"expressions"} == set()
        picked = any(query.args.get(clause) for clause in _CLAUSES)
        return plain and not picked and not query.is_star and self.reads_changing(query)

    def reads_changing(self, tree: exp.Expr) -> bool:
        """Whether a query reads the variable's table or a layer."""
        return any(reads(tree, name) for name in self._targets())

    def _targets(self) -> Iterator[TableName]:
        """What changes, those above first."""
        yield from (part.table for part in reversed(self._layers.values()) if part.table)
        yield self._own

    def _variables_of(self, table: TableName) -> list[str]:
        made = (part.values for part in self._layers.values() if part.table == table)
        return list(next(made, tuple(self._variables)))

    def _made(self, query: exp.Select) -> _Part:
        part = _Part(copied(query))
        block = root_of(self._open(part.query), part.query)
        number = len(self._layers) + 1
        part.keys = tuple(f"∂key {number}.{n}" for n, _ in enumerate(group_keys(block), 1))
        below = [table for table in self._targets() if reads(part.query, table)]
        changing = {name for table in below for name in self._stage(part, table)[1].outputs}
        names = [output_name(item) for item in query.expressions]
        part.values = tuple(name for name in names if name in changing)
        rows = copied(part.query)
        items = [named(copied(i.unalias()), output_name(i)) for i in rows.expressions]
        items += [named(copied(k), n) for k, n in zip(group_keys(block), part.keys, strict=True)]
        rows.set("expressions", items)
        part.table = self._keep(rows)
        return part

    def _stage(
        self, part: _Part, table: TableName, read: Sequence[str] = ()
    ) -> tuple[Staging, Stage]:
        staging, root = self._staging(part, table)
        staging.read = sorted({*staging.read, *read})
        stage = staging.stage(root)
        staging.refuse_hidden(root)
        return staging, stage

    def _staging(self, part: _Part, table: TableName) -> tuple[Staging, Block]:
        query = copied(part.query)
        analysis = self._open(query)
        staging = Staging(analysis, table, set(self._variables_of(table)))
        return staging, root_of(analysis, query)

    # The way back

    def gradients(self, loss: exp.Select) -> tuple[list[exp.Select], list[str]]:
        """What the rows of the variable's table count, a query for each time that it is read.

        Args:
            loss: Over the names of layers.

        Returns:
            The queries, and the columns of the table that they have, as `Sweep.sweep` says; none
            where the loss does not depend on the variables.
        """
        readers = [_Part(loss)]
        for part in reversed(self._layers.values()):
            assert part.table is not None
            found = self._swept(readers, part.table, part.keys)
            if found:
                part.cotangents = self._keep(_by_keys(part, found))
                readers.append(part)
        over_own = [r for r in readers if reads(r.query, self._own)]
        read = sorted({name for r in over_own for name in self._staging(r, self._own)[0].read})
        return self._swept(over_own, self._own, read), read

    def _swept(
        self, readers: list[_Part], table: TableName, known_by: Sequence[str]
    ) -> list[exp.Select]:
        found: list[exp.Select] = []
        for reader in readers:
            if not reads(reader.query, table):
                continue
            staging, stage = self._stage(reader, table, known_by)
            if stage.outputs:
                sweep = Sweep(staging, self._variables_of(table), known_by)
                found += sweep.sweep(stage, reader.given)
        return found


def reads(tree: exp.Expr, name: TableName) -> bool:
    """Whether a query names a table."""
    return any(TableName(t.db, t.name) == name for t in nodes_of(tree, exp.Table))


def _read(part: _Part, place: exp.Subquery) -> exp.Expr:
    """A layer's rows under the name of the subquery that it is; its joins go with it."""
    assert part.table is not None
    alias, joins = place.args.get("alias"), place.args.get("joins")
    table = table_node(part.table)
    if alias is None or not alias.columns:
        if alias is not None:
            table.set("alias", copied(alias))
        table.set("joins", joins)
        return table
    names = [output_name(item) for item in place.this.expressions]
    shown = [column.name for column in alias.columns] + names[len(alias.columns) :]
    items = [named(column_node("l", n), s) for n, s in zip(names, shown, strict=True)]
    items += [named(column_node("l", key), key) for key in part.keys]
    table.set("alias", exp.TableAlias(this=exp.to_identifier("l", quoted=True)))
    made = subquery(exp.select(*items, copy=False).from_(table, copy=False), alias.name)
    made.set("joins", joins)
    return made


def _by_keys(part: _Part, found: list[exp.Select]) -> exp.Select:
    """The cotangents that all readers of a layer give, a row for each of its groups."""
    keys = [column_node("u", f"own {name}") for name in part.keys]
    items = [named(copied(key), f"∂key {n}") for n, key in enumerate(keys, 1)]
    for name in part.values:
        total = exp.Anonymous(this="sum", expressions=[column_node("u", f"d {name}")])
        items.append(named(total, f"d {name}"))
    query = exp.select(*items, copy=False).from_(subquery(united(found), "u"), copy=False)
    return query.group_by(*keys, copy=False)
