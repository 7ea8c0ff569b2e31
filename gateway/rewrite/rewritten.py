"""What rewriting makes of a query: the engine's SQL, and what is known of its result."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from gateway.autodiff.statements.neighbours import Derived
from gateway.autodiff.statements.readings import Note
from gateway.sources.table import TableName
from gateway.sql.lowered.printing import to_engine, to_text
from gateway.sql.lowered.relations.value_rows import select_numerics
from gateway.sql.lowered.values.exact import keep_open_exact
from gateway.sql.names.relation import ColumnInfo, Read
from gateway.sql.names.scope import Analysis, Output
from gateway.sql.text.depth import with_room
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.inference import info_of
from gateway.sql.types.parameter_casts import cast_parameters, is_told_apart
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class Step:
    """What a recursive query does over the rows of the step before.

    Args:
        rows: The name of these rows.
        query: Its second term, over them, and for UNION over all rows so far, which go by the
            layer's name.
        cte: The query as it is written.
        reads_all: Whether it is UNION, which takes no row again.
    """

    rows: TableName
    query: Rewritten
    cte: exp.CTE
    reads_all: bool


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What is run in the place of a layer, unless the one value of a layer before it is true."""

    asked: TableName
    query: Rewritten


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A query ready for the engine.

    Args:
        tree: The rewritten tree.
        tables: Every table that it names.
        names: The result's column names as PostgreSQL gives them; None: the engine's own.
        parameters: Types of `$n` that the text itself tells.
        analysis: The query's blocks.
        derived: Tables that it names instead of one of `tables`, with columns that are computed.
        columns: What is known of each column of the result, in order.
        outputs: What defines each of them.
        markers: How many grad, jvp and vjp it took.
        reads: Every relation that it names, views among them, as `Binder.all_read` has them.
        layers: Queries that are run before it, in order, each over `tables` and the rows of those
            before it; it names their rows.
        notes: What whoever runs it should know of its derivatives.
        step: Of a layer that is a recursive query, of which this is the first term.
        otherwise: Of a layer that may be made in another way.
    """

    tree: exp.Expr
    tables: frozenset[TableName]
    names: tuple[str, ...] | None
    parameters: dict[int, Type]
    analysis: Analysis = field(default_factory=Analysis)
    derived: Mapping[TableName, Derived] = field(default_factory=dict)
    columns: tuple[ColumnInfo, ...] = ()
    outputs: tuple[Output, ...] = ()
    markers: int = 0
    reads: tuple[Read, ...] = ()
    layers: tuple[tuple[TableName, Rewritten], ...] = ()
    notes: tuple[Note, ...] = ()
    step: Step | None = None
    otherwise: Otherwise | None = None
    _typed: dict[Hashable, tuple[ColumnInfo, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _texts: dict[Hashable, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_recursive(self) -> bool:
        """Whether WITH RECURSIVE stands in it, or in one of its layers."""
        return any(
            query.step
            or any(clause.args.get("recursive") for clause in nodes_of(query.tree, exp.With))
            for query in self.all_run
        )

    @property
    def all_run(self) -> Iterator[Rewritten]:
        """It and every query that is run for it, or may be."""
        yield self
        inner = [layer for _, layer in self.layers]
        inner += [more.query for more in (self.step, self.otherwise) if more is not None]
        for each in inner:
            yield from each.all_run

    def typed(self, types: Mapping[int, Type], described: bool = False) -> Rewritten:
        """The same with each `$n` of a known type cast to it, so that planning knows it too.

        A numeric is cast when it is only to be described: its value has its scale.
        """
        if not types or not nodes_of(self.tree, exp.Parameter):
            return self
        tree = copied(self.tree)
        keep_open_exact(tree, types)
        cast_parameters(tree, types, described)
        if not described:
            tree = select_numerics(tree, types)
        return replace(self, tree=tree)

    def sql_under(self, types: Mapping[int, Type], described: bool = False) -> str:
        """The engine's SQL of `typed`; it is printed once."""
        described = described and is_told_apart(types)
        key = (tuple(types.items()), described)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self.typed(types, described).sql
        return text

    def changed_under(
        self,
        types: Mapping[int, Type],
        change: Callable[[exp.Expr], exp.Expr],
        standing: Hashable,
    ) -> str:
        """The same after a change of the tree, which comes out alike while `standing` is."""
        key = (tuple(types.items()), standing)
        text = self._texts.get(key)
        if text is None:
            tree = self.typed(types).tree
            changed = with_room(lambda: change(tree))
            text = self.sql_under(types) if changed is tree else to_engine(changed)
            self._texts[key] = text
        return text

    def columns_under(self, types: Mapping[int, Type]) -> tuple[ColumnInfo, ...]:
        """What is known of each column when parameters have these types."""
        if not types:
            return self.columns
        key = tuple(types.items())
        found = self._typed.get(key)
        if found is None:
            pairs = zip(self.outputs, self.columns, strict=True)
            found = with_room(lambda: tuple(_under(types, *pair) for pair in pairs))
            self._typed[key] = found
        return found

    @property
    def sql(self) -> str:
        """The engine's SQL."""
        return to_engine(self.tree)

    @property
    def text(self) -> str:
        """The same, laid out for people, after its layers."""
        parts = [f"-- {name}\n{each.text}" for name, each in self.layers]
        parts.append(to_text(self.tree))
        if self.step is not None:
            parts += [f"-- each step, over {self.step.rows}", self.step.query.text]
        if self.otherwise is not None:
            parts += [f"-- unless {self.otherwise.asked}", self.otherwise.query.text]
        return "\n".join(parts)


def with_parameters(output: Output) -> Output:
    """A column as it is written, where parameters may change its type: later passes write on."""
    return _as_written(output) if _has_parameters(output) else output


def _as_written(output: Output) -> Output:
    tree = output.expression
    kept = None if tree is None else copied(tree)
    return replace(output, expression=kept, sides=tuple(map(_as_written, output.sides)))


def _under(types: Mapping[int, Type], output: Output, known: ColumnInfo) -> ColumnInfo:
    """What is known of a column when parameters have these types."""
    if known.type is not None and not _has_parameters(output):
        return known
    found = info_of(output, types)
    return found if found.type is not None else known


def _has_parameters(output: Output) -> bool:
    tree = output.expression
    inside = tree is not None and bool(nodes_of(tree, exp.Parameter))
    return inside or any(map(_has_parameters, output.sides))
