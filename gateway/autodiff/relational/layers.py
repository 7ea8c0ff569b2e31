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

from gateway.autodiff.relational.cotangents import Kept, Rows, Sweep
from gateway.autodiff.relational.queries import (
    KEY,
    Keep,
    added_up,
    named,
    root_of,
)
from gateway.autodiff.relational.stages import Stage, Staging
from gateway.autodiff.relational.weights import calls_in
from gateway.autodiff.statements.grouping import group_keys
from gateway.sources.table import TableName
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.scope import Analysis, Block, column_node, table_node
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import PICKING, SETS, copied, nodes_of

# The blocks of a query, laid open: subqueries of one number, partitions and unions are joins in it.
Open = Callable[[exp.Select], Analysis]

_CLAUSES = (*PICKING, "order", "with_")


@dataclass(eq=False)
class _Part:
    """A SELECT that is followed by itself: the loss, or a layer.

    Args:
        query: It, over the names of layers.
        kept: Its rows, with its aggregates; a loss without layers has none.
        values: Its columns that change with the variables.
        cotangents: Where those of its values are kept, by its keys.
        groups: `kept`, or the rows of `cotangents` if they have all that those have.
    """

    query: exp.Select
    kept: Kept | None = None
    values: tuple[str, ...] = ()
    cotangents: TableName | None = None
    groups: Kept | None = None

    @property
    def carried(self) -> tuple[str, ...]:
        """What its aggregates are called where its rows are kept."""
        return () if self.kept is None else tuple(sorted(set(self.kept.columns.values())))

    @property
    def table(self) -> TableName:
        """Where its rows are kept."""
        assert self.kept is not None
        return self.kept.table

    @property
    def keys(self) -> tuple[str, ...]:
        """What its keys are called there."""
        assert self.kept is not None
        return self.kept.keys

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
        key: The columns that tell its rows apart; none: all that the loss reads of it.
        keep: Keeps rows.
        opened: Lays a query open.
    """

    def __init__(
        self, own: TableName, variables: list[str], key: list[str], keep: Keep, opened: Open
    ) -> None:
        self._own, self._variables, self._key = own, variables, key
        self._keep, self._open = keep, opened
        self._layers: dict[exp.Expr, _Part] = {}  # by how they are written, those below first
        self._loss: _Part | None = None  # with its value, where that is kept
        self._unsized: TableName | None = None

    def __bool__(self) -> bool:
        return bool(self._layers)

    def lay(self, tree: exp.Expr) -> exp.Expr:
        """The query with the names of layers in the place of its grouped subqueries."""
        for place in reversed(nodes_of(tree, exp.Subquery)):
            query = place.this
            in_from = isinstance(place.parent, exp.From | exp.Join)
            if in_from and isinstance(query, exp.Select) and self._is_layer(query):
                part = self._layers.get(query) or self._layers.setdefault(query, self._made(query))
                place.replace(_read(part, place))
        return tree

    def _is_layer(self, query: exp.Select) -> bool:
        group = query.args.get("group")
        plain = group is not None and group.find(*SETS) is None
        picked = any(query.args.get(clause) for clause in _CLAUSES)
        return plain and not picked and not query.is_star and self.reads_changing(query)

    def reads_changing(self, tree: exp.Expr) -> bool:
        """Whether a query reads the variable's table or a layer."""
        return any(reads(tree, name) for name in self._targets())

    def _targets(self) -> Iterator[TableName]:
        """What changes, those above first."""
        yield from (part.table for part in reversed(self._layers.values()))
        yield self._own

    def _variables_of(self, table: TableName) -> list[str]:
        made = (part.values for part in self._layers.values() if part.table == table)
        return list(next(made, tuple(self._variables)))

    def _made(self, query: exp.Select) -> _Part:
        part = _Part(copied(query))
        block = root_of(self._open(part.query), part.query)
        number = len(self._layers) + 1
        keys = {f"{KEY} {number}.{n}": key for n, key in enumerate(group_keys(block), 1)}
        items = [named(copied(i.unalias()), output_name(i)) for i in part.query.expressions]
        items += [named(copied(key), name) for name, key in keys.items()]
        self._keep_rows(part, items, tuple(keys))
        return part

    def keep_value(self, loss: exp.Select) -> TableName:
        """Where the one number of a loss over the names of layers is kept, as `∂value`."""
        self._loss = _Part(loss)
        (item,) = loss.expressions
        self._keep_rows(self._loss, [named(copied(item.unalias()), "∂value")], ())
        return self._loss.table

    def _keep_rows(self, part: _Part, items: list[exp.Expr], keys: tuple[str, ...]) -> None:
        """Keep these columns of a part, and what the way back asks of its groups."""
        changing: dict[str, exp.Expr] = {}
        for table in self._targets():
            if reads(part.query, table):
                changing |= self._stage(part, table)[1].outputs
        names = [output_name(item) for item in part.query.expressions]
        part.values = tuple(name for name in names if name in changing)
        known = {copied(item.unalias()): item.alias for item in items}
        columns = {}
        for call in calls_in(changing.values()):
            for letter in ("f", *call.asked):
                made = call.of_group(letter)
                name = known.get(made)
                if name is None:
                    name = known[copied(made)] = f"∂{call.named(letter)}"
                    items.append(named(made, name))
                columns[letter, copied(call.written)] = name
        rows = copied(part.query)
        rows.set("expressions", items)
        part.kept = part.groups = Kept(self._keep(rows), keys, columns)

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
            loss: Over the names of layers; the one whose value is kept, if one is.

        Returns:
            The queries, and the columns of the table that they know its rows by, as `Sweep.sweep`
            says; none where the loss does not depend on the variables.
        """
        readers = [self._loss or _Part(loss)]
        if self._layers:
            self._unsized = self._keep(exp.select("1").where(exp.false(), copy=False))
        for part in reversed(self._layers.values()):
            found = self._swept(readers, part.table, part.keys, is_key=True, carried=part.carried)
            if found:
                self._keep_cotangents(part, found)
                readers.append(part)
        over_own = [r for r in readers if reads(r.query, self._own)]
        known_by = self._key or sorted(
            {name for r in over_own for name in self._staging(r, self._own)[0].read}
        )
        return self._swept(over_own, self._own, known_by, is_key=bool(self._key)), known_by

    def _keep_cotangents(self, part: _Part, found: list[exp.Select]) -> None:
        """Keep what all readers of a layer give, a row for each of its groups."""
        keys = {f"own {name}": f"{KEY} {n}" for n, name in enumerate(part.keys, 1)}
        carried = {f"own {name}": name for name in part.carried}
        whole = len(found) == 1 and carried.keys() <= set(found[0].named_selects)
        names = keys | carried if whole else keys
        rows = added_up(found, list(names.items()), [f"d {name}" for name in part.values])
        part.cotangents = self._keep(rows)
        if whole and part.kept is not None:
            part.groups = Kept(part.cotangents, tuple(keys.values()), part.kept.columns, True)

    def _swept(
        self,
        readers: list[_Part],
        table: TableName,
        known_by: Sequence[str],
        is_key: bool,
        carried: Sequence[str] = (),
    ) -> list[exp.Select]:
        found: list[exp.Select] = []
        for reader in readers:
            if not reads(reader.query, table):
                continue
            staging, stage = self._stage(reader, table, (*known_by, *carried))
            if stage.outputs:
                keep = self._keep if self._layers else None
                variables = self._variables_of(table)
                rows = Rows(known_by, is_key, carried)
                sweep = Sweep(staging, variables, rows, self._unsized, keep)
                found += sweep.sweep(stage, reader.given, reader.groups)
        return found


def reads(tree: exp.Expr, name: TableName) -> bool:
    """Whether a query names a table."""
    return any(TableName(t.db, t.name) == name for t in nodes_of(tree, exp.Table))


def _read(part: _Part, place: exp.Subquery) -> exp.Expr:
    """A layer's rows under the name of the subquery that it is; its joins go with it."""
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
