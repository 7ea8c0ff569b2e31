"""MERGE as queries and changes: a query for each WHEN that does something.

All are computed over the same rows, before anything is changed; a WHEN takes what no WHEN before
it took. PostgreSQL 15 manual, MERGE.

=====================================  ========================================================
``WHEN MATCHED AND c THEN UPDATE ...``  ``SELECT t.ctid, e FROM t JOIN s ON m WHERE c``
``WHEN MATCHED THEN DELETE``            ``SELECT t.ctid FROM t JOIN s ON m WHERE c IS NOT TRUE``
``WHEN NOT MATCHED THEN INSERT ...``    ``SELECT e FROM (SELECT s.* FROM s LEFT JOIN t ON m
                                        WHERE t.ctid IS NULL) AS s``: it sees no column of t
=====================================  ========================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.errors import DuplicateAlias, FeatureNotSupported, SyntaxFault
from gateway.sql.names.scope import column_node, position_of
from gateway.sql.writes.assignments import (
    assigned_columns,
    declare_parameters,
    default_of,
    is_default,
    refuse_value,
    written_columns,
)
from gateway.sql.writes.targets import Target, refuse_foreign, refuse_identifiers
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
        SyntaxFault: 42601, RETURNING, which MERGE has from PostgreSQL 17 on; a WHEN that no row
            reaches.
        DuplicateAlias: 42712, both sides have one name.
        GatewayError: as INSERT and UPDATE of these columns.
    """
    if tree.args.get("returning") is not None:
        raise SyntaxFault(
            'syntax error at or near "RETURNING"',
            hint="MERGE has none; write INSERT ... ON CONFLICT DO UPDATE ... RETURNING.",
        )
    _refuse_one_name(tree)
    refuse_identifiers(tree, row_identifier)
    reading = _Reading(tree.copy(), target, row_identifier)
    before: dict[bool, list[exp.Expr]] = {True: [], False: []}
    last: set[bool] = set()  # the kinds that had a WHEN without condition
    steps = []
    for when in reading.tree.args["whens"].expressions:
        if when.args.get("source"):
            raise FeatureNotSupported("WHEN NOT MATCHED BY SOURCE is not supported")
        matched, condition = bool(when.args.get("matched")), when.args.get("condition")
        if matched in last:
            raise SyntaxFault("unreachable WHEN clause specified after unconditional WHEN clause")
        then = when.args.get("then")
        if not (isinstance(then, exp.Var) and then.name.upper() == "DO NOTHING"):
            steps.append(reading.step(matched, condition, then, before[matched]))
        if condition is None:
            last.add(matched)
        else:
            before[matched].append(condition)
    return tuple(steps)


def _refuse_one_name(tree: exp.Merge) -> None:
    name = tree.this.alias_or_name
    if tree.args["using"].alias_or_name == name:
        raise DuplicateAlias(
            f'name "{name}" specified more than once',
            detail="The name is used both as MERGE target table and data source.",
        )


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
        parameters: dict[int, Type] = {}
        columns: tuple[str, ...] = ()
        values: list[exp.Expr] = []
        refuse_foreign(then)
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
        items: list[exp.Expr] = [self._mine] if matched else []
        for name, value in zip(columns, values, strict=True):
            items.append(exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True)))
        query = self._matched() if matched else self._unmatched()
        query.set("expressions", items)
        for each in wanted:
            query.where(each, copy=False)
        clause = self.tree.args.get("with_")
        query.set("with_", None if clause is None else clause.copy())
        return MergeStep(command, columns, query, parameters)

    def _matched(self) -> exp.Select:
        """The rows of the target, each beside what matches it."""
        return self._joined(self.tree.this, self.tree.args["using"])

    def _unmatched(self) -> exp.Select:
        """The source's rows that match nothing; of one relation, with the target out of sight."""
        theirs = self.tree.args["using"]
        query = self._joined(theirs, self.tree.this, side="LEFT")
        query.where(exp.Is(this=self._mine, expression=exp.Null()), copy=False)
        if not theirs.alias_or_name:  # a join in parentheses
            return query
        alias = exp.to_identifier(theirs.alias_or_name, quoted=True)
        query.set("expressions", [exp.Column(this=exp.Star(), table=alias)])
        inner = exp.Subquery(this=query, alias=exp.TableAlias(this=alias.copy()))
        return exp.Select(from_=exp.From(this=inner))

    def _joined(self, first: exp.Expr, then: exp.Expr, side: str | None = None) -> exp.Select:
        join = exp.Join(this=then.copy(), on=self.tree.args["on"].copy(), side=side)
        return exp.Select(from_=exp.From(this=first.copy()), joins=[join])

    def _inserted(self, then: exp.Insert) -> tuple[tuple[str, ...], list[exp.Expr]]:
        named = then.this.expressions if isinstance(then.this, exp.Tuple) else None
        if then.expression is None and named is not None:  # sqlglot's reading of DEFAULT VALUES
            named = None
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
