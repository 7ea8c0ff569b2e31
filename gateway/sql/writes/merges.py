"""MERGE as queries and changes: a query for each WHEN that does something.

All are computed over the same rows, before anything is changed; a WHEN takes what no WHEN before
it took. PostgreSQL 15 manual, MERGE.

=====================================  ========================================================
``WHEN MATCHED AND c THEN UPDATE ...``  ``SELECT t.ctid, e FROM t JOIN s ON m WHERE c``
``WHEN MATCHED THEN DELETE``            ``SELECT t.ctid FROM t JOIN s ON m WHERE c IS NOT TRUE``
``WHEN NOT MATCHED THEN INSERT ...``    ``SELECT e FROM s LEFT JOIN t ON m WHERE t.ctid IS NULL``
=====================================  ========================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.meaning.scope import column_node, position_of
from gateway.sql.writes.assignments import (
    assigned_columns,
    declare_parameters,
    default_of,
    is_default,
    refuse_value,
    written_columns,
)
from gateway.sql.writes.targets import Target
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class MergeStep:
    """What one WHEN does: INSERT, UPDATE or DELETE; the query gives `ctid` first but for INSERT."""

    command: str
    columns: tuple[str, ...]
    query: exp.Select
    parameters: Mapping[int, Type] = field(default_factory=dict)


def as_merge(tree: exp.Merge, target: Target, row_identifier: str) -> tuple[MergeStep, ...]:
    """The steps of a MERGE, in order; `tree` is left as it was.

    Raises:
        FeatureNotSupported: 0A000, WHEN NOT MATCHED BY SOURCE.
        SyntaxFault: 42601, RETURNING, which MERGE has from PostgreSQL 17 on.
        GatewayError: as INSERT and UPDATE of these columns.
    """
    if tree.args.get("returning") is not None:
        raise SyntaxFault(
            'syntax error at or near "RETURNING"',
            hint="MERGE has none; write INSERT ... ON CONFLICT DO UPDATE ... RETURNING.",
        )
    reading = _Reading(tree.copy(), target, row_identifier)
    before: dict[bool, list[exp.Expr]] = {True: [], False: []}
    steps = []
    for when in reading.tree.args["whens"].expressions:
        if when.args.get("source"):
            raise FeatureNotSupported("WHEN NOT MATCHED BY SOURCE is not supported")
        matched, condition = bool(when.args.get("matched")), when.args.get("condition")
        then = when.args.get("then")
        if not (isinstance(then, exp.Var) and then.name.upper() == "DO NOTHING"):
            steps.append(reading.step(matched, condition, then, before[matched]))
        before[matched].append(condition if condition is not None else exp.Boolean(this=True))
    return tuple(steps)


@dataclass(slots=True)
class _Reading:
    tree: exp.Merge
    target: Target
    row_identifier: str

    @property
    def _mine(self) -> exp.Column:
        return column_node(self.tree.this.alias_or_name, self.row_identifier)

    def step(
        self, matched: bool, condition: exp.Expr | None, then: exp.Expr, before: list[exp.Expr]
    ) -> MergeStep:
        """One WHEN, after those of its kind with the conditions `before`."""
        wanted = [_not_true(each) for each in before]
        wanted += [exp.Paren(this=condition.copy())] if condition is not None else []
        if not matched:
            wanted.insert(0, exp.Is(this=self._mine, expression=exp.Null()))
        parameters: dict[int, Type] = {}
        columns: tuple[str, ...] = ()
        values: list[exp.Expr] = []
        if isinstance(then, exp.Insert) and not matched:
            command = "INSERT"
            columns, values = self._inserted(then)
            declare_parameters(parameters, values, columns, self.target)
        elif isinstance(then, exp.Update) and matched:
            command = "UPDATE"
            columns, values, parameters = assigned_columns(
                then.expressions, self.target, self.tree.this
            )
        elif isinstance(then, exp.Var) and then.name.upper() == "DELETE" and matched:
            command = "DELETE"
        else:
            raise SyntaxFault("this action cannot follow this WHEN", position=position_of(then))
        return MergeStep(
            command, columns, self._query(matched, columns, values, wanted), parameters
        )

    def _query(
        self,
        matched: bool,
        columns: tuple[str, ...],
        values: list[exp.Expr],
        wanted: list[exp.Expr],
    ) -> exp.Select:
        items: list[exp.Expr] = [self._mine] if matched else []
        for name, value in zip(columns, values, strict=True):
            items.append(exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True)))
        query = exp.Select(expressions=items)
        mine, theirs = self.tree.this.copy(), self.tree.args["using"].copy()
        on = self.tree.args["on"].copy()
        query.set("from_", exp.From(this=mine if matched else theirs))
        side = {} if matched else {"side": "LEFT"}
        query.append("joins", exp.Join(this=theirs if matched else mine, on=on, **side))
        if wanted:
            whole = wanted[0]
            for each in wanted[1:]:
                whole = exp.And(this=whole, expression=each)
            query.set("where", exp.Where(this=whole))
        clause = self.tree.args.get("with_")
        if clause is not None:
            query.set("with_", clause.copy())
        return query

    def _inserted(self, then: exp.Insert) -> tuple[tuple[str, ...], list[exp.Expr]]:
        named = then.this.expressions if isinstance(then.this, exp.Tuple) else None
        columns = tuple(self.target)
        if named is not None:
            columns = written_columns(named, self.target, self.tree.this)
        row = then.expression
        if row is None:  # DEFAULT VALUES
            columns = tuple(n for n, column in self.target.items() if not column.generated)
            return columns, [default_of(self.target[name]) for name in columns]
        given = row.expressions if isinstance(row, exp.Tuple) else [row]
        if len(given) > len(columns):
            raise SyntaxFault("INSERT has more expressions than target columns")
        if named is not None and len(given) < len(columns):
            raise SyntaxFault("INSERT has more target columns than expressions")
        names, values = [], []
        for name, value in zip(columns, given, strict=False):
            column = self.target[name]
            overriding = str(then.meta.get("overriding", ""))
            if not is_default(value):
                refuse_value(name, column, overriding)
            own = is_default(value) or (overriding == "USER" and bool(column.identity))
            if not column.generated:
                names.append(name)
                values.append(default_of(column) if own else value.copy())
        return tuple(names), values


def _not_true(condition: exp.Expr) -> exp.Expr:
    """Whether a condition is false or NULL."""
    inside = exp.Paren(this=condition.copy())
    return exp.Not(this=exp.Is(this=inside, expression=exp.Boolean(this=True)))
