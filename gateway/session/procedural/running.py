"""Runs a block step by step: variables, control structures, handlers of errors.

PostgreSQL manual, chapter 43. Each statement inside is one of the session's, under its rights and
its time; all of a block is one transaction, in which each block with EXCEPTION is a savepoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from gateway.errors import (
    AssertFailure,
    CaseNotFound,
    DatatypeMismatch,
    FeatureNotSupported,
    GatewayError,
    InvalidParameterValue,
    NullValueNotAllowed,
    StackedDiagnosticsFault,
    SyntaxFault,
)
from gateway.session.client import Client
from gateway.session.procedural.committing import Committing
from gateway.session.procedural.declaring import Declaring
from gateway.session.procedural.embedded import Embedded, each_row
from gateway.session.procedural.raising import raised
from gateway.session.procedural.targets import Targets
from gateway.session.procedural.telling import STACKED, place, place_at
from gateway.session.procedural.variables import Record, Scope, Value, Variable, null
from gateway.session.result import Result
from gateway.session.settings.rows import SEVERITIES
from gateway.sql.procedural import steps
from gateway.sql.procedural.conditions import catches
from gateway.types import BOOL, INT4, INT8, TEXT

S = TypeVar("S", bound=steps.Step)


@dataclass(frozen=True, slots=True)
class Left:
    """How a list of steps was left before its end: EXIT, CONTINUE or RETURN."""

    verb: str
    label: str = ""


class Running:
    """One DO.

    Args:
        client: Whose.
        committing: What COMMIT and ROLLBACK do.
    """

    def __init__(self, client: Client, committing: Committing) -> None:
        self._client, self._committing = client, committing
        self._sql = Embedded(client)
        self._targets = Targets(self._sql)
        self._declaring = Declaring(client.executor.registry, self._sql)
        self._found = Variable("found", Value(BOOL, pa.scalar(False)))
        self._row_count = 0
        self._caught: list[GatewayError] = []  # by the handlers that run

    def run(self, block: steps.Block) -> None:
        """Run it to its end.

        Raises:
            GatewayError: what no handler caught, with the line of the block as its context.
        """
        self._block(block, Scope(own={"found": self._found}))

    # Steps

    def _steps(self, given: steps.Steps, scope: Scope) -> Left | None:
        for step in given:
            self._client.check_wanted()
            try:
                left = _RUNNERS[type(step)](self, step, scope)
            except GatewayError as error:
                place(error, step)
                raise
            if left is not None:
                return left
        return None

    def _block(self, step: steps.Block, around: Scope) -> Left | None:
        scope = Scope(step.label, around)
        for declaration in step.declarations:
            try:
                self._declaring.declare(declaration, scope)
            except GatewayError as error:
                place_at(error, declaration.line, "during statement block local variable"
                          " initialization")  # fmt: skip
                raise
        left = self._guarded(step, scope) if step.handlers else self._steps(step.steps, scope)
        mine = left is not None and left.verb == "EXIT" and left.label == step.label != ""
        return None if mine else left

    def _guarded(self, step: steps.Block, scope: Scope) -> Left | None:
        with self._committing.guarded() as point:
            try:
                left = self._steps(step.steps, scope)
            except GatewayError as error:
                handler = _handler(step, error)
                if handler is None:
                    raise
                point.undo()
                caught = error
            else:
                point.keep()
                return left
        told = {"sqlstate": caught.code, "sqlerrm": str(caught)}
        own: dict[str, Variable | Record] = {
            name: Variable(name, Value(TEXT, pa.scalar(text)), constant=True)
            for name, text in told.items()
        }
        self._caught.append(caught)
        try:
            return self._steps(handler.steps, Scope("", scope, own))
        finally:
            self._caught.pop()

    def _assign(self, step: steps.Assign, scope: Scope) -> None:
        self._targets.put(step.target, self._sql.value(step.value, scope), scope)

    # SQL

    def _statement(self, step: steps.Sql, scope: Scope) -> None:
        result = self._sql.run(step.text, scope)
        if result.fields is not None and step.into is None:
            result.close()
            query = result.command in ("SELECT", "SHOW", "EXPLAIN", "FETCH")
            hint = "If you want to discard the results of a SELECT, use PERFORM instead."
            raise SyntaxFault(
                "query has no destination for result data", hint=hint if query else ""
            )
        if step.into is None:
            self._count(result.changed)
        elif result.fields is None:
            raise SyntaxFault("INTO used with a command that cannot return data")
        else:
            self._count(self._targets.into(result, step.into, scope))

    def _count(self, count: int | None) -> None:
        if count is not None:
            self._row_count = count
            self._found.value = Value(BOOL, pa.scalar(count > 0))

    def _perform(self, step: steps.Perform, scope: Scope) -> None:
        result = self._sql.run(f"SELECT {step.query}", scope)
        self._count(sum(batch.num_rows for batch in result.take()))

    def _execute(self, step: steps.Execute, scope: Scope) -> None:
        result = self._computed(step.text, step.using, scope)
        if step.into is not None and result.fields is None:
            raise SyntaxFault("INTO used with a command that cannot return data")
        if step.into is not None:
            self._row_count = self._targets.into(result, step.into, scope)
        elif result.fields is not None:
            self._row_count = sum(batch.num_rows for batch in result.take())
        else:
            self._row_count = result.changed or 0

    def _computed(self, text: str, using: tuple[str, ...], scope: Scope) -> Result:
        query = self._sql.text(text, scope, "query string argument of EXECUTE")
        return self._sql.run_computed(query, [self._sql.value(each, scope) for each in using])

    def _diagnostics(self, step: steps.Diagnostics, scope: Scope) -> None:
        if step.stacked and not self._caught:
            raise StackedDiagnosticsFault(
                "GET STACKED DIAGNOSTICS cannot be used outside an exception handler"
            )
        for target, item in step.items:
            if not step.stacked:
                if item != "row_count":
                    raise FeatureNotSupported(f"{item} of GET DIAGNOSTICS is not supported in DO")
                self._targets.put(target, Value(INT8, pa.scalar(self._row_count)), scope)
                continue
            if item not in STACKED:
                raise SyntaxFault(f"unrecognized GET DIAGNOSTICS item {item}")
            told = pa.scalar(STACKED[item](self._caught[-1]), pa.string())
            self._targets.put(target, Value(TEXT, told), scope)

    # Control structures

    def _if(self, step: steps.If, scope: Scope) -> Left | None:
        for condition, inside in step.branches:
            if self._sql.truth(condition, scope):
                return self._steps(inside, scope)
        return self._steps(step.otherwise, scope)

    def _case(self, step: steps.Case, scope: Scope) -> Left | None:
        inner = scope
        if step.operand:
            operand = Variable(_OPERAND, self._sql.value(step.operand, scope))
            inner = Scope("", scope, {_OPERAND: operand})
        for values, inside in step.branches:
            for value in values:
                asked = f'"{_OPERAND}" = ({value})' if step.operand else value
                if self._sql.truth(asked, inner):
                    return self._steps(inside, scope)
        if step.otherwise is None:
            raise CaseNotFound("case not found", hint="CASE statement is missing ELSE part.")
        return self._steps(step.otherwise, scope)

    def _loop(self, step: steps.Loop, scope: Scope) -> Left | None:
        scope = Scope(step.label, scope)
        while not step.condition or self._sql.truth(step.condition, scope):
            self._client.check_wanted()
            ends, left = _after(self._steps(step.steps, scope), step.label)
            if ends:
                return left
        return None

    def _numbers(self, step: steps.ForNumbers, scope: Scope) -> Left | None:
        first = self._bound(step.first, "lower bound", scope)
        last = self._bound(step.last, "upper bound", scope)
        by = self._bound(step.by, "BY value", scope) if step.by else 1
        if by <= 0:
            raise InvalidParameterValue("BY value of FOR loop must be greater than zero")
        found = False
        numbers = range(first, last - 1, -by) if step.reverse else range(first, last + 1, by)
        left = None
        for number in numbers:
            found = True
            self._client.check_wanted()
            variable = Variable(step.name, Value(INT4, pa.scalar(number, pa.int32())))
            inner = Scope(step.label, scope, {step.name: variable})
            ends, left = _after(self._steps(step.steps, inner), step.label)
            if ends:
                break
        self._found.value = Value(BOOL, pa.scalar(found))
        return left

    def _bound(self, text: str, what: str, scope: Scope) -> int:
        number = self._sql.assigned(text, scope, INT4).scalar.as_py()
        if number is None:
            raise NullValueNotAllowed(f"{what} of FOR loop cannot be null")
        return int(number)

    def _rows(self, step: steps.ForRows, scope: Scope) -> Left | None:
        if step.dynamic:
            result = self._computed(step.query, step.using, scope)
        else:
            result = self._sql.run(step.query, scope)
        if result.fields is None:
            raise SyntaxFault("cannot open a query without rows as cursor")
        fields, scope = result.fields, Scope(step.label, scope)

        def turn(row: list[Value]) -> Left | None:
            self._targets.fill(step.targets, fields, row, scope)
            return self._steps(step.steps, scope)

        with self._committing.reading():
            try:
                return self._each(each_row(result), turn, step.label)
            finally:
                result.close()

    def _elements(self, step: steps.ForEach, scope: Scope) -> Left | None:
        array = self._sql.value(step.array, scope)
        if array.is_null:
            raise NullValueNotAllowed("FOREACH expression must not be null")
        if array.type.element is None:
            raise DatatypeMismatch(
                f"FOREACH expression must yield an array, not type {array.type.sql}"
            )
        items = array.scalar.values
        while pa.types.is_list(items.type) or pa.types.is_large_list(items.type):
            items = items.flatten()
        kind = array.type.element
        scope = Scope(step.label, scope)

        def turn(item: Value) -> Left | None:
            self._targets.put(step.target, item, scope)
            return self._steps(step.steps, scope)

        return self._each((Value(kind, item) for item in items), turn, step.label)

    def _each(
        self, items: Iterator[Any], turn: Callable[[Any], Left | None], label: str
    ) -> Left | None:
        found, left = False, None
        for item in items:
            found = True
            self._client.check_wanted()
            ends, left = _after(turn(item), label)
            if ends:
                break
        self._found.value = Value(BOOL, pa.scalar(found))
        return left

    def _leave(self, step: steps.Leave, scope: Scope) -> Left | None:
        if step.condition and not self._sql.truth(step.condition, scope):
            return None
        return Left("CONTINUE" if step.again else "EXIT", step.label)

    # Messages, and the end

    def _raise(self, step: steps.Raise, scope: Scope) -> None:
        if not step.level:
            if not self._caught:
                raise StackedDiagnosticsFault(
                    "RAISE without parameters cannot be used outside an exception handler"
                )
            raise self._caught[-1]
        notice = raised(step, self._sql, scope)
        if step.level != "debug" or self._client.settings.least_severity <= _DEBUG:
            self._client.block.notices.append(notice)
            self._client.tell()

    def _assert(self, step: steps.Assert, scope: Scope) -> None:
        if not self._sql.truth(step.condition, scope):
            message = self._sql.assigned(step.message, scope, TEXT) if step.message else null(TEXT)
            raise AssertFailure(message.scalar.as_py() or "assertion failed")

    def _end(self, step: steps.End, scope: Scope) -> None:
        self._committing.end(step.verb)


_DEBUG = SEVERITIES.index("debug1")
_OPERAND = "operand of case"  # no user's variable has blanks in its name without quotes


def _after(left: Left | None, label: str) -> tuple[bool, Left | None]:
    """Whether a loop ends as its steps were left so, and how the loop itself is left then."""
    if left is None:
        return False, None
    mine = left.verb != "RETURN" and left.label in ("", label)
    if not mine:
        return True, left
    return left.verb == "EXIT", None


def _handler(block: steps.Block, error: GatewayError) -> steps.Handler | None:
    for handler in block.handlers:
        if any(catches(condition, error.code) for condition in handler.conditions):
            return handler
    return None


_RUNNERS: dict[type[steps.Step], Callable[[Running, Any, Scope], Left | None]] = {
    steps.Block: Running._block,
    steps.Assign: Running._assign,
    steps.Sql: Running._statement,
    steps.Perform: Running._perform,
    steps.Execute: Running._execute,
    steps.Diagnostics: Running._diagnostics,
    steps.If: Running._if,
    steps.Case: Running._case,
    steps.Loop: Running._loop,
    steps.ForNumbers: Running._numbers,
    steps.ForRows: Running._rows,
    steps.ForEach: Running._elements,
    steps.Leave: Running._leave,
    steps.Return: lambda running, step, scope: Left("RETURN"),
    steps.Raise: Running._raise,
    steps.Assert: Running._assert,
    steps.End: Running._end,
}
