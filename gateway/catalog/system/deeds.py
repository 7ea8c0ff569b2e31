"""Functions that do something for each row that a catalogue query finds, as set_config.

The catalogue's own engine does nothing: it computes the arguments, and each deed is done as its row
comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.translation.terms import Output
from gateway.sql.text.datatypes import data_type
from gateway.types import BOOL, TEXT, Type

Deeds = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class _Deed:
    """What such a function takes and gives."""

    arguments: tuple[str, ...]
    gives: Type


_DEEDS = {
    "pg_cancel_backend": _Deed(("integer",), BOOL),
    "pg_terminate_backend": _Deed(("integer", "bigint"), BOOL),
    "set_config": _Deed(("text", "text", "boolean"), TEXT),
}
_MARK = "gradwire does "  # begins the names of columns that hold the arguments


def asked(tree: exp.Expr) -> exp.Expr:
    """The query that tells the arguments; `tree` itself where its SELECT list does nothing."""
    if not isinstance(tree, exp.Select) or not any(map(_call_in, tree.expressions)):
        return tree
    made = tree.copy()
    for item in made.expressions:
        call = _call_in(item)
        if call is not None:
            kinds = _DEEDS[call.name.lower()].arguments
            given = [
                _cast(_cast(node.copy(), kind), "text")
                for node, kind in zip(call.expressions, kinds, strict=False)
            ]
            name = f"{_MARK}{call.name.lower()} {item.alias or call.name.lower()}"
            item.replace(exp.alias_(exp.Array(expressions=given), name, quoted=True))
    return made


def _cast(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node, to=data_type(kind))


def _call_in(item: exp.Expr) -> exp.Anonymous | None:
    call = item.this if isinstance(item, exp.Alias) else item
    if isinstance(call, exp.Anonymous) and call.name.lower() in _DEEDS and call.expressions:
        return call
    return None


def output_of(output: Output) -> Output:
    """The column as the client is told of it."""
    if not output.name.startswith(_MARK):
        return output
    deed, name = output.name.removeprefix(_MARK).split(" ", 1)
    return replace(output, name=name, type=_DEEDS[deed].gives.oid)


def done(outputs: Sequence[Output], arrays: Sequence[pa.Array], deeds: Deeds) -> list[pa.Array]:
    """The columns, after all was done, row by row."""
    found = list(arrays)
    for number, output in enumerate(outputs):
        if output.name.startswith(_MARK):
            name = output.name.removeprefix(_MARK).partition(" ")[0]
            values = [deeds[name](*given) for given in arrays[number].to_pylist()]
            found[number] = pa.array(values, _DEEDS[name].gives.arrow)
    return found
