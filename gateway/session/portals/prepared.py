"""Prepared statements of one client: Parse and PREPARE make them, Bind and EXECUTE look them up.

Both share one namespace (PostgreSQL manual, PREPARE); the unnamed one is the protocol's alone.
EXECUTE's arguments are computed as one row by the engine and assigned to the parameters' types.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.own_types import as_now, unlabelled
from gateway.catalog.registry import Registry
from gateway.catalog.system.routing import CATALOGUE_TYPES
from gateway.errors import (
    DatatypeMismatch,
    DuplicatePreparedStatement,
    FeatureNotSupported,
    InvalidStatementName,
    OutOfMemory,
    SyntaxFault,
)
from gateway.session.computation import Bound, Described
from gateway.session.result import Field, Result
from gateway.session.writes.execution import Executor
from gateway.sql.names.scope import position_of
from gateway.sql.statements.commands import ExecuteStatement
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.modifiers import numeric_modifier
from gateway.sql.writes.parameter_rows import ParameterRows
from gateway.store.definitions.definitions import Column
from gateway.store.rows.assignment import assign
from gateway.store.rows.kept_values import dimensions_of
from gateway.types import Type, from_arrow, with_dimensions


@dataclass(slots=True)
class Prepared:
    """A prepared statement.

    Args:
        statement: None for an empty text.
        described: Its parameters and columns.
        holding: Under which objects it was described (`Registry.holding`).
        source: The whole text that it came in.
        from_sql: By PREPARE.
        made: When.
        generic, custom: How often PostgreSQL would have run it by a plan for any values, and by
            one for the values at hand.
        rows: Those of an INSERT of many rows of parameters, of which `statement` has the first.
    """

    statement: Statement | None
    described: Described
    holding: Hashable = None
    source: str = ""
    from_sql: bool = False
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    generic: int = 0
    custom: int = 0
    rows: ParameterRows | None = None

    def count(self) -> None:
        """It is run once more.

        Five times by the values at hand, then by any (`choose_custom_plan` in plancache.c, where
        a plan for any values is no dearer).
        """
        if self.described.parameters and self.custom < 5:
            self.custom += 1
        else:
            self.generic += 1

    def check(self, result: Result) -> None:
        """Refuse a result of other columns than were described: a table was changed since.

        Raises:
            FeatureNotSupported: 0A000.
        """
        if self.names_objects and not self.gives(result.fields):
            result.close()
            raise changed()

    def gives(self, fields: tuple[Field, ...] | None) -> bool:
        """Whether these are the columns that were described, but for labels of enums."""
        return fields == self.described.fields or _plain(fields) == _plain(self.described.fields)

    @property
    def names_objects(self) -> bool:
        """Whether its columns are those of tables, which may change."""
        return self.statement is not None and self.statement.kind in (Kind.QUERY, Kind.WRITE)


def _plain(fields: tuple[Field, ...] | None) -> list[Field] | None:
    return None if fields is None else [replace(f, type=unlabelled(f.type)) for f in fields]


def parameters_now(registry: Registry, prepared: Prepared) -> tuple[Type, ...]:
    """The types of its parameters, enums with the labels that they have by now."""
    return as_now(registry, prepared.described.parameters)


def changed() -> FeatureNotSupported:
    """What is told of a statement whose columns are others than they were."""
    return FeatureNotSupported("cached plan must not change result type")


class PreparedStatements:
    """Name -> prepared statement.

    Args:
        most_bytes: How long the texts may be together; a new one is refused beyond.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[str, Prepared] = {}
        self._bytes = 0  # of their texts

    def make_way(self, name: str) -> None:
        """Forget the unnamed statement as another is read, whatever becomes of that."""
        if not name:
            self.forget(name)

    def admit(self, name: str) -> None:
        """Make room for a new statement: a name is taken once, but for the unnamed one.

        Raises:
            DuplicatePreparedStatement: 42P05.
            OutOfMemory: 53200, the texts of those that are kept are too long together.
        """
        if name and name in self._kept:
            raise DuplicatePreparedStatement(f'prepared statement "{name}" already exists')
        self.forget(name)
        if self._bytes > self._most_bytes:
            raise OutOfMemory(
                "too much is prepared in this session",
                detail=f"The texts of {len(self._kept)} prepared statements have more than "
                f"{self._most_bytes} bytes (prepared_bytes of the configuration).",
                hint="Free some with DEALLOCATE.",
            )

    def keep(self, name: str, prepared: Prepared) -> None:
        """Keep a statement under a name that was admitted."""
        self._kept[name] = prepared
        self._bytes += _bytes_of(prepared)

    def all(self) -> Iterator[tuple[str, Prepared]]:
        """Those that have a name, under it."""
        return ((name, each) for name, each in list(self._kept.items()) if name)

    def find(self, name: str) -> Prepared | None:
        """The statement of that name; None when there is none."""
        return self._kept.get(name)

    def named(self, name: str) -> Prepared:
        """The statement of that name.

        Raises:
            InvalidStatementName: 26000.
        """
        found = self._kept.get(name)
        if found is None:
            shown = f'prepared statement "{name}"' if name else "unnamed prepared statement"
            raise InvalidStatementName(f"{shown} does not exist")
        return found

    def forget(self, name: str) -> None:
        """Forget it; no error when there is none, as Close asks."""
        found = self._kept.pop(name, None)
        if found is not None:
            self._bytes -= _bytes_of(found)

    def deallocate(self, name: str | None) -> str:
        """Forget the statement of that name, or all for None; the command tag.

        Raises:
            InvalidStatementName: 26000.
        """
        if name is None:
            for each in [each for each in self._kept if each]:  # not the unnamed one
                self.forget(each)
            return "DEALLOCATE ALL"
        self.named(name)
        self.forget(name)
        return "DEALLOCATE"


def _bytes_of(prepared: Prepared) -> int:
    """What it counts for: its text, and something for itself."""
    return 1000 + (0 if prepared.statement is None else len(prepared.statement.text))


def argument_row(statement: Statement, types: Sequence[Type] = ()) -> Statement:
    """EXECUTE's arguments as a query of one row; texts are of the type of an array or a moment.

    Raises:
        FeatureNotSupported: 0A000, a subquery among them.
    """
    tree = statement.tree
    assert isinstance(tree, ExecuteStatement)
    for argument in tree.arguments:
        inner = argument.find(exp.Query)
        if inner is not None:
            place = position_of(inner) or position_of(argument)
            raise FeatureNotSupported("cannot use subquery in EXECUTE parameter", position=place)
    columns = [
        exp.alias_(_typed(argument.copy(), types[n - 1 : n]), f"argument{n}", quoted=True)
        for n, argument in enumerate(tree.arguments, 1)
    ]
    # The catalogue keeps what a text becomes, which is another thing for other types.
    text = " -- ".join((statement.text, *(kind.name for kind in types if _is_shown(kind))))
    return Statement(text, statement.offset, exp.select(*columns), "SELECT", Kind.QUERY)


def _typed(argument: exp.Expr, kinds: Sequence[Type]) -> exp.Expr:
    """An argument cast to the type that is asked of it, where the cast is what reads it.

    That is a text in quotes, or whatever the catalogue makes a value of its own types of.
    """
    read = any(kind.element is not None or kind.name in _READ for kind in kinds)
    cast = (argument.is_string and read) or any(map(_is_shown, kinds))
    return exp.Cast(this=argument, to=data_type(kinds[0])) if cast else argument


def _is_shown(kind: Type) -> bool:
    """Whether values of the type are the catalogue's, which has them as they are sent."""
    return kind.name == "char" or kind.name in CATALOGUE_TYPES


_READ = ("date", "timestamp", "timestamptz", "interval")


def arguments(
    executor: Executor, statement: Statement, types: Sequence[Type], bound: Bound
) -> Bound:
    """The values of EXECUTE's arguments, each of its parameter's type.

    Args:
        executor: Computes them.
        statement: The EXECUTE.
        types: The parameters' types, in order.
        bound: What `$1`, `$2` in the arguments themselves stand for.

    Raises:
        SyntaxFault: 42601, too many or too few.
        DatatypeMismatch: 42804, a value that no assignment makes one of the parameter's type.
    """
    tree = statement.tree
    assert isinstance(tree, ExecuteStatement)
    if not types:
        return Bound()  # PostgreSQL does not look at arguments that nothing takes
    if len(tree.arguments) != len(types):
        raise SyntaxFault(
            f'wrong number of parameters for prepared statement "{tree.name}"',
            detail=f"Expected {len(types)} parameters but got {len(tree.arguments)}.",
        )
    rows = pa.Table.from_batches(executor.query(argument_row(statement, types), bound).take())
    values = [
        _assigned(n, node, rows.column(n - 1).combine_chunks(), wanted)
        for n, (node, wanted) in enumerate(zip(tree.arguments, types, strict=True), 1)
    ]
    return Bound(values, types)


# Of a column that takes every number of 38 digits; the digits after the point are looked at later.
_ANY_NUMERIC = numeric_modifier(38, 0)


def parameter_column(name: str, wanted: Type, given: pa.DataType, typmod: int = -1) -> Column:
    """What a value of a parameter or a variable is assigned to.

    Args:
        name: For errors.
        wanted: Its type.
        given: That of the value, which says how many dimensions an array has.
        typmod: The length or digits of the type; of a numeric without, every number fits.
    """
    if wanted.element is not None:
        wanted = with_dimensions(wanted, dimensions_of(given))
    if wanted.name == "numeric" and typmod < 0:
        typmod = _ANY_NUMERIC
    return Column(name, wanted, typmod)


def _assigned(number: int, node: exp.Expr, value: pa.Array, wanted: Type) -> pa.Scalar:
    if _is_shown(wanted):
        return value[0]
    given = from_arrow(value.type)
    column = parameter_column(f"${number}", wanted, value.type)
    wanted = column.type
    typed_text = given.name == "text" and wanted.arrow != pa.string() and not _untyped(node)
    try:
        if not typed_text:
            assigned = assign(value, column)[0]
            return _exact(node, value[0]) if wanted.name == "numeric" else assigned
        reason = None
    except DatatypeMismatch as error:
        reason = error
    raise DatatypeMismatch(
        f"parameter ${number} of type {given.sql} cannot be coerced to the expected type"
        f" {wanted.sql}",
        hint="You will need to rewrite or cast the expression.",
        position=position_of(node),
    ) from reason


def _exact(node: exp.Expr, value: pa.Scalar) -> pa.Scalar:
    """A numeric with all the digits it was written with; a column's scale would round it."""
    shown = node.this if isinstance(node, exp.Literal) else value.as_py()
    if shown is None:
        return pa.scalar(None, pa.decimal128(38, 10))
    return pa.scalar(Decimal(format(Decimal(str(shown).strip()), "f")))


def _untyped(node: exp.Expr) -> bool:
    """Whether it is a string whose type its place decides, NULL, or a parameter like those."""
    return isinstance(node, exp.Null | exp.Parameter) or (
        isinstance(node, exp.Literal) and bool(node.is_string)
    )
