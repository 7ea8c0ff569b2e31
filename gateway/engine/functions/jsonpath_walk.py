"""How a jsonpath goes through a jsonb value, a method for each kind of node (manual, 9.16.2).

Lax paths go into arrays and pass over what is not there; strict ones raise. A predicate is true,
false or unknown (None), and an error inside one makes it unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import (
    DivisionByZero,
    FeatureNotSupported,
    InvalidJsonSubscript,
    JsonArrayNotFound,
    JsonMemberNotFound,
    JsonNumberNotFound,
    JsonObjectNotFound,
    NonNumericJsonItem,
    SqlJsonFault,
    UndefinedObject,
)
from gateway.sql.inputs.jsonpath import PREDICATES, JsonPath, Node
from gateway.sql.inputs.regexps import translated

FAULTS = (SqlJsonFault, DivisionByZero)


def _type(value: Any) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "number"


def _is_number(value: Any) -> bool:
    return _type(value) == "number"


@dataclass(frozen=True, slots=True)
class Walk:
    """A path over one value: `root`; and what `@` is in the filter that is looked at."""

    path: JsonPath
    root: Any
    variables: dict[str, Any]
    current: Any = None
    size: int = -1  # of the array whose subscripts are computed

    def of(self, node: Node, unwrapped: bool = False) -> list[Any]:
        """The values that a node gives; arrays taken apart where a lax path does."""
        if node.kind in PREDICATES:
            return [self.holds(node)]
        found = getattr(self, f"_{node.kind}")(*node.parts)
        return self._taken_apart(found) if unwrapped and not self.path.strict else found

    def _taken_apart(self, values: Sequence[Any]) -> list[Any]:
        return [
            each for value in values for each in (value if isinstance(value, list) else [value])
        ]

    def _root(self) -> list[Any]:
        return [self.root]

    def _current(self) -> list[Any]:
        return [self.current]

    def _literal(self, value: Any) -> list[Any]:
        return [value]

    def _variable(self, name: str) -> list[Any]:
        if name not in self.variables:
            raise UndefinedObject(f'could not find jsonpath variable "{name}"')
        return [self.variables[name]]

    def _last(self) -> list[Any]:
        return [self.size - 1]

    def _sign(self, sign: str, operand: Node) -> list[Any]:
        values = self.of(operand, unwrapped=True)
        if not all(map(_is_number, values)):
            raise JsonNumberNotFound(
                f"operand of unary jsonpath operator {sign} is not a numeric value"
            )
        return [-value if sign == "-" else value for value in values]

    def _arithmetic(self, sign: str, left: Node, right: Node) -> list[Any]:
        a, b = self._number(left, "left", sign), self._number(right, "right", sign)
        if sign in "/%" and not b:
            raise DivisionByZero("division by zero")
        if sign == "/":
            return [_quotient(Decimal(a), Decimal(b))]
        if sign == "%":
            return [a - b * int(Decimal(a) / Decimal(b))]
        return [a + b if sign == "+" else a - b if sign == "-" else a * b]

    def _number(self, node: Node, side: str, sign: str) -> Any:
        values = self.of(node, unwrapped=True)
        if len(values) != 1 or not _is_number(values[0]):
            raise SqlJsonFault(
                f"{side} operand of jsonpath operator {sign} is not a single numeric value"
            )
        return values[0]

    # Steps

    def _path(self, start: Node, steps: Sequence[Node]) -> list[Any]:
        values = self.of(start)
        for step in steps:
            values = [found for value in values for found in self._step(step, value)]
        return values

    def _step(self, step: Node, value: Any) -> Iterator[Any]:
        into = step.kind in ("member", "members", "filter", "method")
        if step.kind == "method" and step.parts[0] in ("type", "size"):
            into = False
        if into and isinstance(value, list) and not self.path.strict:
            for item in value:
                yield from self._taken(step, item)
        else:
            yield from self._taken(step, value)

    def _taken(self, step: Node, value: Any) -> Iterator[Any]:
        return iter(getattr(self, f"_take_{step.kind}")(value, *step.parts))

    def _absent(self, words: str, fault: type[SqlJsonFault]) -> list[Any]:
        if self.path.strict:
            raise fault(words)
        return []

    def _take_member(self, value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict):
            return self._absent(
                "jsonpath member accessor can only be applied to an object", JsonMemberNotFound
            )
        if name not in value:
            return self._absent(f'JSON object does not contain key "{name}"', JsonMemberNotFound)
        return [value[name]]

    def _take_members(self, value: Any) -> list[Any]:
        if not isinstance(value, dict):
            return self._absent(
                "jsonpath wildcard member accessor can only be applied to an object",
                JsonObjectNotFound,
            )
        return list(value.values())

    def _take_elements(self, value: Any) -> list[Any]:
        if isinstance(value, list):
            return list(value)
        return self._absent(
            "jsonpath wildcard array accessor can only be applied to an array", JsonArrayNotFound
        ) or [value]

    def _take_subscripts(self, value: Any, *pairs: tuple[Node, Node]) -> list[Any]:
        if not isinstance(value, list):
            self._absent(
                "jsonpath array accessor can only be applied to an array", JsonArrayNotFound
            )
            value = [value]
        found: list[Any] = []
        inside = replace(self, size=len(value))
        for first, last in pairs:
            low, high = inside._subscript(first), inside._subscript(last)
            if self.path.strict and not 0 <= low <= high < len(value):
                raise InvalidJsonSubscript("jsonpath array subscript is out of bounds")
            found += value[max(low, 0) : max(high + 1, 0)]
        return found

    def _subscript(self, node: Node) -> int:
        values = self.of(node)
        if len(values) != 1 or not _is_number(values[0]):
            raise InvalidJsonSubscript("jsonpath array subscript is not a single numeric value")
        return int(values[0])

    def _take_levels(
        self, value: Any, first: int | None, last: int | None, at: int = 0
    ) -> list[Any]:
        """Values some levels down; with `first` None, those that hold no others."""
        if first is None:
            here = last is None and not isinstance(value, dict | list)
        else:
            here = at >= first and (last is None or at <= last)
        found = [value] if here else []
        inside = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list) and (last is None or at < last):
            for item in inside:
                found += self._take_levels(item, first, last, at + 1)
        return found

    def _take_filter(self, value: Any, condition: Node) -> list[Any]:
        return [value] if replace(self, current=value).holds(condition) is True else []

    def _take_method(self, value: Any, name: str) -> list[Any]:
        if name == "type":
            return [_type(value)]
        if name == "size":
            if not isinstance(value, list):
                self._absent(
                    "jsonpath item method .size() can only be applied to an array",
                    JsonArrayNotFound,
                )
            return [len(value) if isinstance(value, list) else 1]
        if name == "keyvalue":
            return self._pairs(value)
        if name == "double":
            return [_double(value)]
        if not _is_number(value):
            raise NonNumericJsonItem(
                f"jsonpath item method .{name}() can only be applied to a numeric value"
            )
        if name == "abs":
            return [abs(value)]
        return [math.ceil(value) if name == "ceiling" else math.floor(value)]

    def _pairs(self, value: Any) -> list[Any]:
        if not isinstance(value, dict):
            raise JsonMemberNotFound(
                "jsonpath item method .keyvalue() can only be applied to an object"
            )
        if value is not self.root:
            raise FeatureNotSupported("keyvalue() of a part in a jsonpath is not supported")
        # PostgreSQL's id is the place of the object in its value: of the whole it is 0.
        return [{"id": 0, "key": key, "value": each} for key, each in value.items()]

    # Predicates

    def holds(self, node: Node) -> bool | None:
        """Whether a predicate holds; None: unknown."""
        if node.kind == "and":
            sides = [self.holds(each) for each in node.parts]
            return False if False in sides else None if None in sides else True
        if node.kind == "or":
            sides = [self.holds(each) for each in node.parts]
            return True if True in sides else None if None in sides else False
        if node.kind == "not":
            inner = self.holds(node.parts[0])
            return None if inner is None else not inner
        if node.kind == "unknown":
            return self.holds(node.parts[0]) is None
        try:
            if node.kind in PREDICATES:
                return bool(getattr(self, f"_{node.kind}")(*node.parts))
            found = self.of(node)
            return found[0] if len(found) == 1 and isinstance(found[0], bool) else None
        except (_Unknown, *FAULTS):
            return None

    def _exists(self, path: Node) -> bool:
        return bool(self.of(path))

    def _compare(self, sign: str, left: Node, right: Node) -> bool:
        sides = [self.of(each, unwrapped=True) for each in (left, right)]
        return self._any(_compared(sign, a, b) for a in sides[0] for b in sides[1])

    def _starts(self, left: Node, start: Node) -> bool:
        (beginning,) = self.of(start)
        values = self.of(left, unwrapped=True)
        return self._any(
            each.startswith(beginning)
            if isinstance(each, str) and isinstance(beginning, str)
            else None
            for each in values
        )

    def _like(self, left: Node, pattern: str, flags: str) -> bool:
        values = self.of(left, unwrapped=True)
        return self._any(
            _matched(each, pattern, flags) if isinstance(each, str) else None for each in values
        )

    def _any(self, results: Iterator[bool | None]) -> bool:
        """Whether one of the pairs is; an unknown one before it matters in strict paths alone."""
        unknown = found = False
        for result in results:
            if result is None:
                if self.path.strict:
                    raise _Unknown
                unknown = True
            elif result:
                found = True
                if not self.path.strict:
                    break
        if unknown and not found:
            raise _Unknown
        return found


class _Unknown(Exception):
    """A predicate is neither true nor false."""


def _compared(sign: str, a: Any, b: Any) -> bool | None:
    kinds = (_type(a), _type(b))
    if kinds[0] != kinds[1]:
        return sign == "!=" if "null" in kinds else None
    if kinds[0] in ("array", "object"):
        return None
    order = 0 if a == b or a is None else 1 if a > b else -1
    return {"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0,
            ">": order > 0, ">=": order >= 0}[sign]  # fmt: skip


def _matched(text: str, pattern: str, flags: str) -> bool:
    if "x" in flags:
        raise FeatureNotSupported(
            'XQuery "x" flag (expanded regular expressions) is not implemented'
        )
    if "q" in flags:
        return bool(
            pc.match_substring(pa.array([text]), pattern, ignore_case="i" in flags)[0].as_py()
        )
    options = "".join(flag for flag in "ism" if flag in flags)
    plain = translated(pattern, re2=True)
    written = f"(?{options}){plain}" if options else plain
    return bool(pc.match_substring_regex(pa.array([text]), written)[0].as_py())


def _quotient(a: Decimal, b: Decimal) -> Decimal:
    """With at least 16 significant digits, counted by fours, as PostgreSQL's numeric."""
    weights = [each.adjusted() // 4 for each in (a, b)]
    first = [
        int(abs(each).scaleb(-4 * weight)) for each, weight in zip((a, b), weights, strict=True)
    ]
    fours = weights[0] - weights[1] - (first[0] <= first[1])
    own = [max(-int(each.as_tuple().exponent), 0) for each in (a, b)]
    return round(a / b, max(16 - 4 * fours, *own))


def _double(value: Any) -> Any:
    try:
        if isinstance(value, bool | list | dict) or value is None:
            raise ValueError
        found = float(value)
        if not math.isfinite(found):
            raise ValueError
    except ValueError as error:
        words = "can only be applied to a string or numeric value"
        raise NonNumericJsonItem(f"jsonpath item method .double() {words}") from error
    return Decimal(repr(found)) if found % 1 else int(found)
