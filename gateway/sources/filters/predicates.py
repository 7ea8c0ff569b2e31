"""A pyarrow filter expression as a tree that can be read, evaluated and written back.

pyarrow builds expressions and runs them, but does not let anyone look inside: `str` loses types.
What it does offer is pickling, whose payload is an Arrow IPC file: the tree in prefix order in
the schema's metadata, the literals in the record batch. That layout is nobody's promise, so
`read` trusts it only when the tree, written back, gives the same bytes; otherwise it says that it
did not understand, and the caller must apply the expression whole.

Everything here keeps pyarrow's own meaning of NULL and NaN. SQL's is the engine's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Column:
    """The value of a column."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant with its Arrow type; may be NULL."""

    value: pa.Scalar


@dataclass(frozen=True, slots=True)
class Call:
    """A pyarrow compute function; `values` is the list that `is_in` looks in."""

    function: str
    arguments: tuple[Node, ...]
    values: pa.Array | None = None


Node = Column | Literal | Call

# Functions that may stand in a tree; each is `pyarrow.compute.<name>`, which takes arrays and
# expressions alike. An expression with any other is not understood.
FUNCTIONS = frozenset(
    {
        "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
        "and_kleene", "or_kleene", "invert", "if_else", "is_in", "is_null", "is_valid", "is_nan",
    }
)  # fmt: skip

_ENTRY = re.compile(r"(call|field_ref|literal|options|end): '(.*)'")


def read(expression: pc.Expression) -> Node | None:
    """The tree of `expression`, or None when it has a form or a function not known here.

    >>> read((pc.field("x") > 3) & pc.field("s").is_valid()).function
    'and_kleene'
    """
    payload = _payload(expression)
    try:
        node = _node(*_entries(payload))
        return node if _payload(to_expression(node)).equals(payload) else None
    except (pa.ArrowException, IndexError, TypeError, ValueError):
        return None


def to_expression(node: Node) -> pc.Expression:
    """The pyarrow expression that `node` stands for."""
    return _build(node, pc.field, pc.scalar)


def evaluate(node: Node, columns: Mapping[str, pa.Array], rows: int) -> pa.BooleanArray:
    """The truth of `node` for each of `rows` rows: true, false or NULL."""
    result = _build(node, columns.__getitem__, lambda value: value)
    if isinstance(result, pa.Scalar):
        return pa.repeat(result.cast(pa.bool_()), rows)
    return result


def conjuncts(node: Node) -> Iterator[Node]:
    """The parts that must all be true for `node` to be true."""
    if isinstance(node, Call) and node.function == "and_kleene":
        for argument in node.arguments:
            yield from conjuncts(argument)
    else:
        yield node


def names(node: Node) -> frozenset[str]:
    """The columns that `node` looks at."""
    if isinstance(node, Column):
        return frozenset({node.name})
    if isinstance(node, Literal):
        return frozenset()
    return frozenset().union(*map(names, node.arguments))


def _payload(expression: pc.Expression) -> pa.Buffer:
    buffer: pa.Buffer = expression.__reduce__()[1][0]
    return buffer


def _entries(payload: pa.Buffer) -> tuple[list[tuple[str, str]], list[pa.Array]]:
    """The metadata's entries in order, and the literals they number.

    Read from the schema's printed form: keys repeat, and `Schema.metadata` keeps one of each.
    """
    reader = pa.ipc.open_file(payload)
    text = reader.schema.to_string(
        truncate_metadata=False, show_schema_metadata=True, element_size_limit=payload.size
    )
    lines = text.partition("-- schema metadata --\n")[2].split("\n")
    found = (_ENTRY.fullmatch(line) for line in lines)
    return [(m[1], m[2]) for m in found if m is not None], reader.get_batch(0).columns


def _node(entries: Iterable[tuple[str, str]], literals: list[pa.Array]) -> Node:
    """The tree that `entries` spell in prefix order; a call lasts until its `end`."""
    open_calls: list[tuple[list[Node], list[pa.Array]]] = [([], [])]
    for kind, text in entries:
        arguments, values = open_calls[-1]
        if kind == "call":
            open_calls.append(([], []))
        elif kind == "field_ref":
            arguments.append(Column(text))
        elif kind == "literal":
            arguments.append(Literal(literals[int(text)][0]))
        elif kind == "options":
            values.extend(_list_of(literals[int(text)][0]))
        else:
            open_calls.pop()
            open_calls[-1][0].append(Call(_known(text), tuple(arguments), *values))
    (root,) = open_calls[0][0]
    return root


def _known(function: str) -> str:
    if function not in FUNCTIONS:
        raise ValueError(f"{function} is not read here")
    return function


def _list_of(options: pa.StructScalar) -> list[pa.Array]:
    return [options["value_set"].values] if "value_set" in options else []


def _build(node: Node, column: Callable[[str], Any], literal: Callable[[Any], Any]) -> Any:
    if isinstance(node, Column):
        return column(node.name)
    if isinstance(node, Literal):
        return literal(node.value)
    arguments = [_build(argument, column, literal) for argument in node.arguments]
    if node.values is not None:
        return pc.is_in(*arguments, value_set=node.values)
    if node.function == "is_null":
        return pc.is_null(*arguments, nan_is_null=False)
    return getattr(pc, node.function)(*arguments)
