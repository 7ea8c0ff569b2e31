"""sqrt, exp, ln, log and power of numerics, which are numerics in PostgreSQL, and no doubles.

The engine has them of double precision alone. Where all that a call is given are numerics and
integers it gets PostgreSQL's own name of the function (`numeric_ln`), which every later pass takes
for a numeric; at the end it becomes a function over the texts of its arguments, which have the
digits that its result's are counted by.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.names.scope import Analysis
from gateway.sql.text.building import cast_copy
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.sql.types.numeric_functions import NUMERIC_FUNCTIONS
from gateway.sql.types.numerics_as_doubles import is_numeric_there
from gateway.sql.types.results import OF_NUMERICS
from gateway.types import INTEGER, NUMERIC

NUMERIC_CALLS = frozenset(name for name, _ in NUMERIC_FUNCTIONS)
_TEXTS = (exp.DType.TEXT, exp.DType.VARCHAR)
_MOST_ARGUMENTS = 3


def call_numerics(analysis: Analysis) -> bool:
    """Let calls of these functions be those of numerics where they are, in place.

    True if there was one.
    """
    found = False
    for block in analysis.blocks:
        here = [node for node in reversed(own_nodes(block.select)) if _is_called(node)]
        types = Types(block)
        for node in here:
            pair = isinstance(node, exp.Pow)
            name = "power" if pair else node.name.lower()
            given = [node.this, node.expression] if pair else node.expressions
            if (name, len(given)) in NUMERIC_FUNCTIONS and _are_numeric(name, given, types):
                node.replace(exp.Anonymous(this=f"numeric_{name}", expressions=given))
                found = True
    return found


def _is_called(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in NUMERIC_CALLS
    return isinstance(node, exp.Pow)


def _are_numeric(name: str, given: Sequence[exp.Expr], types: Types) -> bool:
    """Whether none is a real, and one is a numeric; log to any base is of numerics alone."""
    exact = [types.of(each) is NUMERIC or is_numeric_there(each, types) for each in given]
    whole = [kind is not None and kind.name in INTEGER for kind in map(types.of, given)]
    known = all(a or b for a, b in zip(exact, whole, strict=True))
    return known and (any(exact) or (name == "log" and len(given) > 1))


def is_numeric_call(node: exp.Expr) -> bool:
    """Whether it calls such a function of numerics."""
    return isinstance(node, exp.Anonymous) and node.name in OF_NUMERICS


def compute_numeric(node: exp.Expr, shown: bool) -> None:
    """Write such a call as the engine has it, in place.

    Args:
        shown: Each row shows its own number of digits; else all have the same.
    """
    words = (
        "written_numeric" if _is_written(node) else "shown_numeric" if shown else "computed_numeric"
    )
    given: list[exp.Expr] = [cast_copy(each, "text") for each in node.expressions]
    given += [exp.Literal.string("")] * (_MOST_ARGUMENTS - len(given))
    name = exp.Literal.string(node.name.removeprefix("numeric_"))
    call = exp.Anonymous(this=words, expressions=[name, *given])
    call.meta[GIVES] = NUMERIC
    node.replace(call)


def _is_written(node: exp.Expr) -> bool:
    """Whether it becomes a text, which shows as many digits as the number."""
    around = node.parent
    if isinstance(around, exp.Cast):
        return around.to.this in _TEXTS
    joined = isinstance(around, exp.Anonymous) and around.name in ("concat", "concat_ws")
    return joined or isinstance(around, exp.DPipe)
