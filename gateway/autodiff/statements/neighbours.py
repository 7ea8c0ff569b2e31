"""differentiate and integrate: what depends on the neighbours of a row, in the grid it comes from.

A call over the columns of an xarray table becomes a column of that table, which the scan computes
from the arrays: so filters, joins and LIMIT never change who a row's neighbours are. The table is
then named with a prime, ``winds'``, and has a column for each call. A call may stand above
sub-selects, CTEs and views whose rows are rows of the table: the column is handed up through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.autodiff.rules.functions import SYNONYMS
from gateway.errors import (
    FeatureNotSupported,
    InvalidColumnReference,
    InvalidParameterValue,
    UndefinedFunction,
    WrongObjectType,
)
from gateway.sources.arithmetic.along import Along
from gateway.sources.arithmetic.elementwise import Call, Column, Expression, Number, has_function
from gateway.sources.table import TableName
from gateway.sql.meaning.volatile import call_name
from gateway.sql.names.relation import ColumnInfo, Relations
from gateway.sql.names.scope import (
    Analysis,
    Block,
    Output,
    Source,
    column_node,
    position_of,
    resolve,
)
from gateway.sql.text.dialect import DIALECT
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.inference import type_of
from gateway.sql.types.results import ALONG
from gateway.types import FLOATING, INTEGER, Type


@dataclass(frozen=True, slots=True)
class Derived:
    """A table that is `base` with a column more for each call."""

    base: TableName
    calls: tuple[Along, ...]


# From the relation that a SELECT names, down to the table: one, where nothing lies between.
Way = tuple[Source, ...]


def has_calls(tree: exp.Expr) -> bool:
    """Whether differentiate or integrate is called anywhere in a query."""
    return next(_calls(tree), None) is not None


def take_along(
    tree: exp.Expr, analysis: Analysis, relations: Relations
) -> dict[TableName, Derived]:
    """Put a column in place of every call; the tables that have these columns.

    Args:
        tree: A query without markers, changed in place.
        analysis: Its blocks.
        relations: Every table that it names.

    Raises:
        FeatureNotSupported: 0A000, an argument that is not made of one table's columns element by
            element, or stands above rows that are no rows of a table.
        UndefinedColumn, AmbiguousColumn: 42703, 42702.
        UndefinedFunction: 42883, a wrong number of arguments.
        InvalidParameterValue: 22023, a unit that is no text.
    """
    found = _Neighbours(relations)
    calls = list(_calls(tree))
    for block in analysis.blocks:
        for call in calls:
            if analysis.block_of(call) is block:
                found.take(call, block)
    for call in _calls(tree):
        raise FeatureNotSupported(
            f"{call_name(call)} cannot stand here", position=position_of(call)
        )
    return found.derived()


def _calls(tree: exp.Expr) -> Iterator[exp.Anonymous]:
    """Calls, those inside the arguments of others first."""
    for node in reversed(nodes_of(tree, exp.Anonymous)):
        if call_name(node) in ALONG:
            yield node


@dataclass
class _Neighbours:
    relations: Relations
    tables: dict[TableName, list[exp.Table]] = field(default_factory=dict)
    calls: dict[TableName, dict[str, Along]] = field(default_factory=dict)

    def take(self, tree: exp.Anonymous, block: Block) -> None:
        """Replace a call by the column that it is."""
        name = call_name(tree)
        if isinstance(tree.parent, exp.Window | exp.Filter | exp.WithinGroup):
            raise WrongObjectType(
                f"{name} is neither an aggregate nor a window function", position=position_of(tree)
            )
        reading = _Reading(name, self.relations)
        call = reading.call(tree, block)
        column = self._column(call, reading.way)
        column.meta.update(tree.meta)
        tree.replace(column)

    def _column(self, call: Along, way: Way) -> exp.Column:
        """The column of a call, made in the table at the end of `way` and handed up."""
        table = way[-1].tree
        assert isinstance(table, exp.Table)
        base = TableName(table.db, table.name)
        self.calls.setdefault(base, {})[call.name] = call
        known = self.tables.setdefault(base, [])
        if not any(table is each for each in known):
            known.append(table)
        _add(way[-1], call.name)
        for upper, lower in zip(reversed(way[:-1]), reversed(way[1:]), strict=True):
            _hand_up(upper, lower, call.name)
        return column_node(way[0].alias, call.name)

    def derived(self) -> dict[TableName, Derived]:
        """The tables to name instead; the query names them from now on."""
        found = {}
        for base, tables in self.tables.items():
            name = base.name + "'"
            while TableName(base.schema, name) in self.relations:
                name += "'"
            for table in tables:
                table.set("this", exp.to_identifier(name, quoted=True))
            calls = tuple(self.calls[base].values())
            found[TableName(base.schema, name)] = Derived(base, calls)
        return found


def _hand_up(upper: Source, lower: Source, name: str) -> None:
    """Let the query behind `upper` give a column of `lower`, one of its relations."""
    query = upper.query
    assert query is not None
    if all(output.name != name for output in query.outputs):
        block = query.branches[0]
        column = column_node(lower.alias, name)
        block.select.append("expressions", column)
        query.outputs.append(Output(name, column, block))
        if upper.cte is not None:
            _add_alias(upper.cte.args.get("alias"), name)
    for user in query.users:
        _add(user, name)


def _add(source: Source, name: str) -> None:
    if source.columns is not None and name not in source.columns:
        source.columns[name] = ColumnInfo()
        _add_alias(source.tree.args.get("alias"), name)


def _add_alias(alias: exp.TableAlias | None, name: str) -> None:
    if alias is not None and alias.columns:
        alias.append("columns", exp.to_identifier(name, quoted=True))


@dataclass
class _Reading:
    """Reads the arguments of one call, and finds the one way to the table of their columns."""

    function: str
    relations: Relations
    way: Way = ()
    position: int = 0

    def call(self, tree: exp.Anonymous, block: Block) -> Along:
        self.position = position_of(tree)
        arguments = tree.expressions
        count = len(arguments)
        if count not in (2, 3):
            raise UndefinedFunction(
                f"{self.function} does not take {count} argument{'s' * (count != 1)}",
                hint=f"Write {self.function}(expression, dimension [, 'unit of time']).",
                position=self.position,
            )
        expression = self._read(arguments[0], block)
        coordinate = self._coordinate(arguments[1], block)
        unit = arguments[2].unnest() if len(arguments) == 3 else None
        if unit is not None and not unit.is_string:
            raise InvalidParameterValue(
                f"the unit of {self.function} must be a text such as 's', 'h' or 'D'",
                position=self.position,
            )
        return Along(self.function, expression, coordinate, None if unit is None else unit.name)

    def _coordinate(self, tree: exp.Expr, block: Block) -> str:
        column = tree.unnest()
        if isinstance(column, exp.Anonymous) and call_name(column) == "coalesce":
            column = column.expressions[0]  # a column that USING merged
        found = self._read(column, block) if isinstance(column, exp.Column) else None
        if not isinstance(found, Column):
            raise InvalidColumnReference(
                f"{self.function} needs a dimension where {tree.sql(dialect=DIALECT)} stands",
                hint=f"Write {self.function}(expression, dimension).",
                position=position_of(tree) or self.position,
            )
        return found.name

    def _read(self, tree: exp.Expr, block: Block, above: Way = ()) -> Expression:
        tree = tree.unnest()
        if isinstance(tree, exp.Column):
            return self._read_column(tree, block, above)
        if isinstance(tree, exp.Literal) and not tree.is_string:
            return Number(int(tree.this) if tree.is_int else float(tree.this))
        if isinstance(tree, exp.Null):
            return Number(float("nan"))
        if isinstance(tree, exp.Cast):
            return self._cast(tree, block, above)
        if isinstance(tree, exp.Case):
            return self._case(tree, block, above)
        name, arguments = operation_of(tree)
        if name == "/" and not _divides_reals(tree, block):
            raise self._refused(
                f"{tree.sql(dialect=DIALECT)} may be a division of integers",
                "Cast one side to double precision.",
            )
        if not has_function(name, len(arguments)):
            raise self._refused(
                f"{tree.sql(dialect=DIALECT)} cannot be {self.function}d",
                "Its argument is made of columns of one xarray table, numbers, arithmetic and "
                "elementwise functions.",
            )
        return Call(name, tuple(self._read(each, block, above) for each in arguments))

    def _cast(self, tree: exp.Cast, block: Block, above: Way) -> Expression:
        target = type_of(tree, block)
        if isinstance(tree.this, exp.Literal) and tree.this.is_string:
            return Number(float(tree.this.name))  # 'NaN'::double precision
        if target is None or target.name not in ("float4", "float8"):
            raise self._refused(f"{tree.sql(dialect=DIALECT)} cannot be {self.function}d")
        return Call(target.name, (self._read(tree.this, block, above),))

    def _case(self, tree: exp.Case, block: Block, above: Way) -> Expression:
        parts: list[exp.Expr] = []
        for branch in tree.args["ifs"]:
            condition = branch.this
            if tree.this is not None:
                condition = exp.EQ(this=tree.this, expression=condition)
            parts += [condition, branch.args["true"]]
        parts.append(tree.args.get("default") or exp.Null())
        return Call("case", tuple(self._read(part, block, above) for part in parts))

    def _read_column(self, tree: exp.Column, block: Block, above: Way) -> Expression:
        source, name = resolve(block, tree)
        way = (*above, source)
        if source.query is None:
            return Column(self._base_column(source, name, way))
        query = source.query
        if not query.see_through or source.columns is None:
            raise self._refused(
                f'rows of "{source.alias}" have no neighbours in a grid',
                f"Write {self.function} inside, over the table itself.",
            )
        inner = query.branches[0]
        item = inner.select.expressions[list(source.columns).index(name)]
        return self._read(item.unalias(), inner, way)

    def _base_column(self, source: Source, name: str, way: Way) -> str:
        """The name that a column has in the table itself; an alias list may have given another."""
        table = source.tree
        known = isinstance(table, exp.Table) and self.relations.get(TableName(table.db, table.name))
        if not known or source.columns is None:
            raise self._refused(
                f'"{source.alias}" is no xarray table, so its rows have no neighbours'
            )
        if self.way and not _same(self.way, way):
            raise self._refused(
                f"{self.function} takes columns of one table; "
                f'"{self.way[0].alias}" and "{source.alias}" are two',
                "A factor that does not change along the dimension can stand outside the call.",
            )
        self.way = way
        place = list(source.columns).index(name)
        return list(known)[place] if place < len(known) else name

    def _refused(self, message: str, hint: str = "") -> FeatureNotSupported:
        return FeatureNotSupported(message, hint=hint, position=self.position)


def _divides_reals(tree: exp.Expr, block: Block) -> bool:
    sides: list[Type | None] = [type_of(tree.this, block), type_of(tree.expression, block)]
    reals = any(side is not None and side.name in (*FLOATING, "numeric") for side in sides)
    return reals or not all(side is None or side.name in INTEGER for side in sides)


def _same(one: Way, other: Way) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


_OPERATORS: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Pow: "power", exp.Mod: "mod",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.And: "and", exp.Or: "or",
}  # fmt: skip


def operation_of(tree: exp.Expr) -> tuple[str, list[exp.Expr]]:
    """What `elementwise` calls an operation, and its arguments; no name: it has none."""
    if isinstance(tree, exp.Anonymous):
        name = call_name(tree)
        return SYNONYMS.get(name, name), tree.expressions
    if isinstance(tree, exp.Neg | exp.Not):
        return ("neg" if isinstance(tree, exp.Neg) else "not"), [tree.this]
    if isinstance(tree, exp.Is) and isinstance(tree.expression, exp.Null):
        if tree.args.get("negate"):  # IS NOT NULL
            return "not", [exp.Is(this=tree.this.copy(), expression=exp.Null())]
        return "is null", [tree.this]
    name = _OPERATORS.get(type(tree), "")
    return name, [tree.this, tree.expression] if name else []
