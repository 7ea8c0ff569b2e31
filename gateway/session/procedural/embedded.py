"""SQL inside a block: names of variables become parameters, and it runs as any statement does.

PostgreSQL manual, 43.11.1: a name that may be a variable's or a column's is refused (42702).
What may be a column is asked of the session itself: the statement is described with the name left
as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
from sqlglot import exp

from gateway.errors import (
    AmbiguousColumn,
    CardinalityViolation,
    DatatypeMismatch,
    FeatureNotSupported,
    GatewayError,
    NullValueNotAllowed,
    ProgramLimitExceeded,
    SyntaxFault,
    UndefinedColumn,
    UndefinedTable,
)
from gateway.session.client import Client
from gateway.session.computation import Bound
from gateway.session.portals.describing import describe
from gateway.session.portals.parsing import typed
from gateway.session.portals.prepared import parameter_column
from gateway.session.procedural.variables import Record, Scope, Value, null
from gateway.session.result import Field, Result
from gateway.sql.procedural.steps import Target
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.text.trees import nodes_of
from gateway.store.rows.assignment import assign
from gateway.types import BOOL, TEXT, Type

# What a block may not run: a client's rows, and what ends its own transaction.
_REFUSED = {
    Kind.COPY: "cannot COPY to/from client in PL/pgSQL",
    Kind.TRANSACTION: "unsupported transaction command in PL/pgSQL",
}


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `$1`, `$2`, ... for what stands in a block's variables, in order."""

    text: str
    wanted: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """A name in a text that a variable has as well."""

    start: int
    end: int
    target: Target
    counts: bool = False  # in LIMIT or OFFSET, where no column can stand


class Embedded:
    """Runs the SQL of one block for a client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._templates: dict[tuple[str, frozenset[str]], Template] = {}

    # Statements

    def run(self, text: str, scope: Scope) -> Result:
        """Run a statement of the block's own text.

        Raises:
            AmbiguousColumn: 42702. FeatureNotSupported: 0A000. GatewayError: what it raises.
        """
        with _told(text):
            result = self._compute(text, scope)
        result.wrap(_telling(text, result.batches))
        return result

    def _compute(self, text: str, scope: Scope) -> Result:
        template = self._template(text, scope)
        values = [_held(scope, target) for target in template.wanted]
        return self._run(self._one(template.text), values)

    def run_computed(self, text: str, values: Sequence[Value]) -> Result:
        """Run a text that the block computed; the last one's result where it holds several."""
        with _told(text):
            found = self._client.executor.statement_cache.read(text)
            for statement in found[:-1]:
                self._run(statement, values).close()
            result = self._run(found[-1], values) if found else Result("")
        result.wrap(_telling(text, result.batches))
        return result

    def _one(self, text: str) -> Statement:
        found = self._client.executor.statement_cache.read(text)
        if len(found) != 1:
            raise SyntaxFault("a step of a block is one statement")
        return found[0]

    def _run(self, statement: Statement, values: Sequence[Value]) -> Result:
        if statement.kind in _REFUSED:
            raise FeatureNotSupported(_REFUSED[statement.kind])
        types = [value.type for value in values]
        if values:
            statement = typed(self._client, statement, dict(enumerate(types, 1)))
        self._client.check_wanted()
        return self._client.run(statement, Bound([value.scalar for value in values], types))

    # Values

    def value(self, text: str, scope: Scope) -> Value:
        """What an expression comes to.

        Raises:
            CardinalityViolation: 21000, more than one row. SyntaxFault: 42601, several columns.
        """
        result = self._compute(f"SELECT {text}", scope)
        rows = rows_of(result, 2)
        if len(result.fields or ()) != 1:
            raise SyntaxFault(f"query returned {len(result.fields or ())} columns")
        if len(rows) > 1:
            raise CardinalityViolation("query returned more than one row")
        return rows[0][0] if rows else null((result.fields or ())[0].type)

    def assigned(
        self, text: str, scope: Scope, wanted: Type, typmod: int = -1, name: str = ""
    ) -> Value:
        """What an expression comes to, as a value of a type."""
        return self.converted(self.value(text, scope), wanted, typmod, name)

    def converted(self, value: Value, wanted: Type, typmod: int = -1, name: str = "") -> Value:
        """A value as one of another type, by assignment, or else by what it looks like.

        Raises:
            StringTooLong: 22001. ProgramLimitExceeded: 54000, larger than any value may be.
            GatewayError: 22P02, 22003, 42846, ...
        """
        if value.is_null:
            return null(wanted)
        scalar = value.scalar
        _refuse_huge(scalar, name)
        column = parameter_column(name, wanted, scalar.type, typmod)
        try:
            made = assign(pa.array([scalar.as_py()], scalar.type), column)[0]
            exact = wanted.name == "numeric" and typmod < 0
            return Value(wanted, _with_all_digits(value, made) if exact else made)
        except (DatatypeMismatch, FeatureNotSupported):
            cast = f"SELECT CAST($1 AS {wanted.sql})"
            rows = rows_of(self._run(self._one(cast), [value]), 1)
            return rows[0][0] if typmod < 0 else self.converted(rows[0][0], wanted, typmod, name)

    def truth(self, text: str, scope: Scope) -> bool:
        """Whether a condition is true; NULL is not."""
        return self.assigned(text, scope, BOOL).scalar.as_py() is True

    def text(self, text: str, scope: Scope, what: str = "") -> str:
        """An expression as text.

        Raises:
            NullValueNotAllowed: 22004, it is NULL, and is to be `what`.
        """
        found = self.assigned(text, scope, TEXT).scalar.as_py()
        if found is None:
            raise NullValueNotAllowed(f"{what} is null")
        return str(found)

    def shown(self, text: str, scope: Scope) -> str | None:
        """An expression as a client would see it; None for NULL."""
        value = self.value(text, scope)
        if value.is_null:
            return None
        shown = rows_of(self._run(self._one("SELECT format('%s', $1)"), [value]), 1)[0][0]
        return str(shown.scalar.as_py())

    # Names

    def _template(self, text: str, scope: Scope) -> Template:
        key = text, scope.names()
        found = self._templates.get(key)
        if found is None:
            found = self._templates[key] = self._read(text, scope)
        return found

    def _read(self, text: str, scope: Scope) -> Template:
        statement = self._one(text)
        tree = statement.tree
        if statement.kind not in (Kind.QUERY, Kind.WRITE) or not isinstance(tree, exp.Expr):
            return Template(text)
        named = sorted(_named(tree, scope), key=lambda each: each.start)
        whole = _with_parameters(text, named)
        if not named:
            return whole
        self._describe(whole, scope)
        has_columns = tree.find(exp.Table, exp.Subquery, exp.Unnest, exp.Lateral) is not None
        for each in named:
            others = _with_parameters(text, [other for other in named if other is not each])
            if has_columns and not each.counts and self._may_be_column(others, scope):
                raise AmbiguousColumn(
                    f'column reference "{each.target}" is ambiguous',
                    detail="It could refer to either a PL/pgSQL variable or a table column.",
                )
        return whole

    def _may_be_column(self, template: Template, scope: Scope) -> bool:
        try:
            self._describe(template, scope)
        except (UndefinedColumn, UndefinedTable):
            return False
        except GatewayError:  # it has a meaning, though no good one
            return True
        return True

    def _describe(self, template: Template, scope: Scope) -> None:
        types = {n: _held(scope, each).type for n, each in enumerate(template.wanted, 1)}
        statement = typed(self._client, self._one(template.text), types)
        describe(self._client, statement, types)


@contextmanager
def _told(text: str) -> Iterator[None]:
    """What fails inside tells the statement."""
    try:
        yield
    except GatewayError as error:
        if not error.context:
            error.context = f'SQL statement "{text}"'
        raise


def _telling(text: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with _told(text):
        yield from batches


def _held(scope: Scope, target: Target) -> Value:
    found = scope.value(target)
    if found is None:
        raise FeatureNotSupported(
            f'record "{target.name}" as one value is not supported in DO',
            hint=f"Name its fields: {target.name}.column.",
        )
    return found


def _named(tree: exp.Expr, scope: Scope) -> Iterator[_Named]:
    """The names in a statement that variables have, but for those that can only be columns."""
    for column in nodes_of(tree, exp.Column):
        if isinstance(column.this, exp.Star):
            name = column.args.get("table")
            if name is not None and isinstance(scope.find(name.name), Record):
                _held(scope, Target(name.name))
            continue
        parts = [part for part in column.parts if isinstance(part, exp.Identifier)]
        if len(parts) > 2 or _is_target(column):
            continue
        target = Target(*(part.name for part in parts))
        if not scope.knows(target):
            continue
        start, end = parts[0].meta_get("start"), parts[-1].meta_get("end")
        if start is not None and end is not None:
            counts = column.find_ancestor(*_COUNTING, exp.Query)
            yield _Named(start, end + 1, target, isinstance(counts, _COUNTING))


_COUNTING = (exp.Limit, exp.Offset, exp.Fetch)


def _is_target(column: exp.Column) -> bool:
    """Whether it names what is written, and not a value."""
    parent = column.parent
    around = None if parent is None else parent.parent
    if isinstance(parent, exp.EQ) and column.arg_key == "this":
        return parent.arg_key == "expressions" and isinstance(around, exp.Update | exp.OnConflict)
    inserted = isinstance(parent, exp.Tuple) and parent.arg_key == "this"
    return parent is not None and (
        parent.arg_key == "conflict_keys" or (inserted and isinstance(around, exp.Insert))
    )


def _with_parameters(text: str, named: Sequence[_Named]) -> Template:
    parts, wanted, end = [], list(dict.fromkeys(each.target for each in named)), 0
    for each in named:
        parts += [text[end : each.start], f"${wanted.index(each.target) + 1}"]
        end = each.end
    return Template("".join((*parts, text[end:])), tuple(wanted))


def rows_of(result: Result, most: int = 0) -> list[list[Value]]:
    """Its first rows, `most` of them, or all; what is left is given up."""
    fields = result.fields or ()
    found = [list(row) for batch in result.take(most) for row in _values(batch, fields)]
    if most:
        result.close()
    return found


def each_row(result: Result) -> Iterator[list[Value]]:
    """Its rows, as they come."""
    fields = result.fields or ()
    for batch in result.take():
        yield from _values(batch, fields)


def _values(batch: pa.RecordBatch, fields: Sequence[Field]) -> Iterator[list[Value]]:
    columns = [
        _as_parameter(column, kind) for column, kind in zip(batch.columns, fields, strict=True)
    ]
    for number in range(batch.num_rows):
        yield [
            Value(field.type, column[number]) for field, column in zip(fields, columns, strict=True)
        ]


def _as_parameter(column: pa.Array, field: Field) -> pa.Array:
    """A result's column as parameters of its type are."""
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), field.type.arrow)
    return column


MOST_BYTES = 2**30 - 1  # of a value, as in PostgreSQL


def _refuse_huge(scalar: pa.Scalar, name: str) -> None:
    if isinstance(scalar, pa.ListScalar):
        size = scalar.values.nbytes
    else:
        size = scalar.as_buffer().size if isinstance(scalar, pa.BinaryScalar) else 0
    if size > MOST_BYTES:
        raise ProgramLimitExceeded(
            f'the value of variable "{name}" is too large',
            detail=f"It has {size} bytes; a value may have {MOST_BYTES}.",
        )


# Digits that PostgreSQL takes of a float for a numeric.
_DIGITS = {"float8": 15, "float4": 6}


def _with_all_digits(value: Value, made: pa.Scalar) -> pa.Scalar:
    """A number as a numeric with the digits it has, which a column's scale would round."""
    given = value.scalar.as_py()
    if isinstance(given, float):
        digits = _DIGITS.get(value.type.name)
        given = repr(given) if digits is None else f"{given:.{digits}g}"
    number = Decimal(str(given).strip())
    return pa.scalar(Decimal(format(number, "f"))) if number.is_finite() else made
