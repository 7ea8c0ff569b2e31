"""Puts values into variables and records: one, or a row of them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import DatatypeMismatch, NoDataFound, TooManyRows
from gateway.session.procedural.embedded import Embedded, rows_of
from gateway.session.procedural.variables import Record, Scope, Value, Variable, null
from gateway.session.result import Field, Result
from gateway.sql.procedural.steps import Into, Target
from gateway.types import TEXT


class Targets:
    """What stands left of `:=`, and after INTO; `sql` converts to their types."""

    def __init__(self, sql: Embedded) -> None:
        self._sql = sql

    def put(self, target: Target, value: Value, scope: Scope) -> None:
        """Put a value into a variable, or a field of a record.

        Raises:
            DatatypeMismatch: 42804, it is a whole record. GatewayError: 22004, 22005, 22P02, ...
        """
        found = scope.assigned(target)
        if isinstance(found, Variable):
            found.put(self._sql.converted(value, found.value.type, found.typmod, found.name))
            return
        if not target.field:
            raise DatatypeMismatch("cannot assign non-composite value to a record variable")
        kind = found.get(target.field).type
        typmod = (found.typmods or {}).get(target.field, -1)
        assert found.row is not None
        found.row[target.field] = self._sql.converted(value, kind, typmod, target.field)

    def into(self, result: Result, into: Into, scope: Scope) -> int:
        """Put the first row of a result into its targets, NULL where there is none; how many were.

        Raises:
            NoDataFound: P0002. TooManyRows: P0003.
        """
        one = into.strict or result.changed is not None  # a write gives one row at most
        fields = result.fields or ()
        rows = rows_of(result, 2 if one else 1)
        if into.strict and not rows:
            raise NoDataFound("query returned no rows")
        if one and len(rows) > 1:
            raise TooManyRows(
                "query returned more than one row",
                hint="Make sure the query returns a single row, or use LIMIT 1.",
            )
        row = rows[0] if rows else [null(field.type) for field in fields]
        self.fill(into.targets, fields, row, scope)
        return len(rows)

    def fill(
        self, targets: Sequence[Target], fields: Sequence[Field], row: list[Value], scope: Scope
    ) -> None:
        """Put a row into targets, or into the one record that they are."""
        record = scope.assigned(targets[0]) if len(targets) == 1 else None
        if not isinstance(record, Record) or targets[0].field:
            for number, target in enumerate(targets):
                value = row[number] if number < len(row) else null(TEXT)
                self.put(target, value, scope)
        elif record.typmods is None:
            names = [field.name for field in fields]
            record.row = dict(zip(names, row, strict=True))
        else:
            assert record.row is not None
            for number, (name, kind) in enumerate(record.row.items()):
                value = row[number] if number < len(row) else null(kind.type)
                record.row[name] = self._sql.converted(value, kind.type, record.typmods[name], name)
