"""Functions of DuckDB over columns of arguments, answered here: what a moment looks up.

The database's own threads call them, for several queries at a time, so each call names the place
of its query. What a call refuses is kept, since the database tells no more than an error's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Generic, TypeVar

import pyarrow as pa

from gateway.catalog.system.lookups import FUNCTIONS, LookupFunction, Lookups
from gateway.catalog.system.names import Moment
from gateway.errors import GatewayError

T = TypeVar("T")

_REFUSAL, _KEPT_REFUSALS = re.compile(r"refusal \d+\."), 1000
_ARROW = {
    "BIGINT": pa.int64(), "INTEGER": pa.int32(), "BOOLEAN": pa.bool_(), "VARCHAR": pa.string(),
}  # fmt: skip
Answers = Callable[..., pa.Array]
# name -> the function, its arguments' types, its result's
Functions = Mapping[str, tuple[Answers, list[str], str]]
# DuckDB counts the parameters of a function.
_ARITIES: Mapping[int, Callable[[Answers], Answers]] = {
    2: lambda answers: lambda a, b: answers(a, b),
    3: lambda answers: lambda a, b, c: answers(a, b, c),
    4: lambda answers: lambda a, b, c, d: answers(a, b, c, d),
    5: lambda answers: lambda a, b, c, d, e: answers(a, b, c, d, e),
}


class Refusals:
    """The errors that calls raised."""

    def __init__(self) -> None:
        self._kept: dict[str, GatewayError] = {}
        self._numbers = count(1)

    def find(self, text: str) -> GatewayError | None:
        """What a call raised, when the database's error tells of one."""
        found = _REFUSAL.search(text)
        return None if found is None else self._kept.pop(found[0], None)

    def each(self, kind: pa.DataType, answer: Callable[..., Any], *columns: pa.Array) -> pa.Array:
        """The answer for each row, asked once for the same arguments."""
        known: dict[tuple[Any, ...], Any] = {}
        found = []
        try:
            for row in zip(*(column.to_pylist() for column in columns), strict=True):
                key = tuple(tuple(v) if isinstance(v, list) else v for v in row)
                if key not in known:
                    known[key] = answer(*row)
                found.append(known[key])
        except GatewayError as error:
            number = f"refusal {next(self._numbers)}."
            self._kept[number] = error
            while len(self._kept) > _KEPT_REFUSALS:  # of queries that went another way
                self._kept.pop(next(iter(self._kept)), None)
            raise RuntimeError(number) from error
        return pa.array(found, kind)


class AtMoments(Generic[T]):
    """What the functions of queries ask: made once for each moment. Any thread may call it.

    Args:
        make: What is asked about what there is at a moment.
    """

    def __init__(self, make: Callable[[Moment], T]) -> None:
        self._make = make
        self._kept: dict[str, T] = {}
        self.asked: dict[str, T] = {}  # by the place that a running query names

    def begin(self, moment: Moment, place: str) -> None:
        """A query runs over what there is at a moment; its calls name the place."""
        if moment.schema not in self._kept:
            self._kept[moment.schema] = self._make(moment)
        self.asked[place] = self._kept[moment.schema]

    def end(self, place: str) -> None:
        """It has ended."""
        self.asked.pop(place, None)

    def forget(self, moment: Moment) -> None:
        """No query will."""
        self._kept.pop(moment.schema, None)


class LookupFunctions(AtMoments[Lookups]):
    """`lookups`' functions, for the queries that `begin` named.

    Args:
        refusals: Where what they raise is kept.
    """

    def __init__(self, refusals: Refusals) -> None:
        super().__init__(Lookups)
        self._refusals = refusals

    def functions(self) -> Functions:
        """By name."""
        return {
            f"@{each.name}": (self._over_rows(each), ["VARCHAR", *each.arguments], each.result)
            for each in FUNCTIONS
        }

    def _over_rows(self, function: LookupFunction) -> Answers:
        def answer(at: str, *arguments: Any) -> Any:
            if None in arguments and not function.takes_null:
                return None
            return function.answer(self.asked[at], *arguments)

        def answers(*columns: pa.Array) -> pa.Array:
            return self._refusals.each(_ARROW[function.result], answer, *columns)

        return _ARITIES[len(function.arguments) + 1](answers)
