"""pg_cancel_backend and pg_terminate_backend of what a catalogue query finds.

The catalogue's own engine stops nobody: it computes whom, and each is stopped as its row comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.translation.terms import Output
from gateway.sql.text.datatypes import data_type
from gateway.types import BOOL

Deeds = Mapping[str, Callable[[int | None], bool | None]]

_NAMES = ("pg_cancel_backend", "pg_terminate_backend")
_MARK = "gradwire does "  # begins the names of columns that say whom


def asked(tree: exp.Expr) -> exp.Expr:
    """The query that tells whom; `tree` itself where its SELECT list stops nobody."""
    if not isinstance(tree, exp.Select) or not any(map(_call_in, tree.expressions)):
        return tree
    made = tree.copy()
    for item in made.expressions:
        call = _call_in(item)
        if call is not None:
            whom = exp.Cast(this=call.expressions[0].copy(), to=data_type("integer"))
            name = f"{_MARK}{call.name.lower()} {item.alias or call.name.lower()}"
            item.replace(exp.alias_(whom, name, quoted=True))
    return made


def _call_in(item: exp.Expr) -> exp.Anonymous | None:
    call = item.this if isinstance(item, exp.Alias) else item
    if isinstance(call, exp.Anonymous) and call.name.lower() in _NAMES and call.expressions:
        return call
    return None


def output_of(output: Output) -> Output:
    """The column as the client is told of it."""
    if not output.name.startswith(_MARK):
        return output
    _, name = output.name.removeprefix(_MARK).split(" ", 1)
    return replace(output, name=name, type=BOOL.oid)


def done(outputs: Sequence[Output], arrays: Sequence[pa.Array], deeds: Deeds) -> list[pa.Array]:
    """The columns, after those were stopped who are to be, row by row."""
    found = list(arrays)
    for number, output in enumerate(outputs):
        if output.name.startswith(_MARK):
            deed = deeds[output.name.removeprefix(_MARK).partition(" ")[0]]
            found[number] = pa.array([deed(each.as_py()) for each in arrays[number]], pa.bool_())
    return found
