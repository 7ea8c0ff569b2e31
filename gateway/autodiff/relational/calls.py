"""The aggregates of a SELECT's values, and what their weights ask of each group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.queries import double
from gateway.autodiff.relational.weights import weight_of
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.trees import copied, nodes_of

_OVER = {"n": "count", "m": "avg"}  # what a letter of a weight is of the arguments in a group


@dataclass(frozen=True, eq=False)
class Call:
    """An aggregate of a SELECT: as it is written, its argument, and a number for its columns."""

    written: exp.Expr
    call: exp.Anonymous
    argument: exp.Expr
    number: int

    def named(self, letter: str) -> str:
        """What the column of a letter of its weight is called."""
        return f"{letter} {self.number}"

    @property
    def asked(self) -> list[str]:
        """What its weight asks of the group beside the aggregate itself."""
        names = {column.name for column in nodes_of(weight_of(self.call), exp.Column)}
        return [letter for letter in _OVER if letter in names]

    def of_group(self, letter: str) -> exp.Expr:
        """A letter of its weight, of the group; `f` is the aggregate itself."""
        if letter == "f":
            return copied(self.written)
        return exp.Anonymous(this=_OVER[letter], expressions=[double(self.argument)])


def calls_in(values: Iterable[exp.Expr]) -> Iterator[Call]:
    """The aggregates in some values of a SELECT, each once."""
    seen: list[exp.Expr] = []
    for made in values:
        for call in nodes_of(made, exp.Anonymous):
            if not is_aggregate(call):
                continue
            written = call.parent if isinstance(call.parent, exp.Filter) else call
            if written in seen:
                continue
            seen.append(written)
            argument = call.expressions[0] if call.expressions else exp.null()
            if isinstance(written, exp.Filter):
                chosen = exp.If(this=copied(written.expression.this), true=copied(argument))
                argument = exp.Case(ifs=[chosen])
            yield Call(written, call, argument, len(seen))
