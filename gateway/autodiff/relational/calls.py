"""The aggregates of a SELECT's values, and what their weights ask of each group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.queries import double
from gateway.autodiff.relational.weights import letters_of
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.trees import copied, nodes_of

# What a letter of a weight is of the arguments in a group: a function, and which of them.
_OF_GROUP = {
    "n": ("count", "e"),
    "m": ("avg", "e"),
    "q": ("avg", "o"),
    "a": ("regr_sxx", "eo"),
    "b": ("regr_syy", "eo"),
    "x": ("regr_sxy", "eo"),
    "s": ("regr_slope", "eo"),
}


@dataclass(frozen=True, eq=False)
class Call:
    """An aggregate of a SELECT: as it is written, its arguments, and a number for its columns.

    An argument is NULL in the rows that the aggregate passes over.
    """

    written: exp.Expr
    call: exp.Anonymous
    arguments: tuple[exp.Expr, ...]
    number: int

    def named(self, letter: str) -> str:
        """What the column of a letter of its weights is called."""
        return f"{letter} {self.number}"

    def slope(self, place: int, name: str) -> str:
        """What the column is called that has the slope of an argument by `name`."""
        return f"d {self.number}.{place} {name}"

    @property
    def asked(self) -> list[str]:
        """What its weights ask of the group beside the aggregate itself."""
        names = letters_of(self.call)
        return [letter for letter in _OF_GROUP if letter in names]

    def of_group(self, letter: str) -> exp.Expr:
        """A letter of its weights, of the group; `f` is the aggregate itself."""
        if letter == "f":
            return copied(self.written)
        name, which = _OF_GROUP[letter]
        arguments = [double(self.arguments["eo".index(each)]) for each in which]
        return exp.Anonymous(this=name, expressions=arguments)


# Of each aggregate, what a row counts in it by each of its arguments; None: nothing.
Weights = Mapping[Call, Sequence[exp.Expr | None]]


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
            yield Call(written, call, _arguments(written, call), len(seen))


def _arguments(written: exp.Expr, call: exp.Anonymous) -> tuple[exp.Expr, ...]:
    given = call.expressions or [exp.null()]
    found = []
    for argument in given:
        others = [each for each in given if each is not argument]
        asked: list[exp.Expr] = [
            exp.Not(this=exp.Is(this=copied(o), expression=exp.null())) for o in others
        ]
        if isinstance(written, exp.Filter):
            asked.append(exp.paren(copied(written.expression.this), copy=False))
        made = copied(argument)
        if asked:
            chosen = exp.If(this=exp.and_(*asked, copy=False), true=made)
            made = exp.Case(ifs=[chosen])
        found.append(made)
    return tuple(found)
