"""Functions that give another value at each call, where what was written once would be run twice.

The engine runs a query of WITH wherever it is named, and a correlated subquery is joined with what
it looks at, which is run beside. Where such a query draws, its rows would not be the same rows.
Queries of WITH are run first and kept (`materialised`); what cannot be, since a derivative goes
through it, and what a correlated subquery looks at, is refused.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import Analysis, Query, Source, position_of
from gateway.sql.text.trees import nodes_of

VOLATILE = frozenset(
    {
        "random", "rand", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "clock_timestamp",
        "timeofday", "nextval",
    }
)  # fmt: skip
_NO_VALUE = "no_value"  # under this key a call of `each_row`
_HINT = "Keep its rows first: CREATE TEMP TABLE ... AS SELECT ..."


def call_name(tree: exp.Anonymous) -> str:
    """The function's name as it is looked up: folded unless it was quoted."""
    return tree.name if isinstance(tree.this, exp.Identifier) else tree.name.lower()


def each_row() -> exp.Anonymous:
    """What the engine takes to be another value in each row, and nobody looks at."""
    call = exp.Anonymous(this="random", expressions=[])
    call.meta[_NO_VALUE] = True
    return call


def is_each_row(call: exp.Anonymous) -> bool:
    """Whether it is what `each_row` gave, on whose value nothing depends."""
    return bool(call.meta.get(_NO_VALUE))


def volatile_call(tree: exp.Expr) -> exp.Anonymous | None:
    """A call in `tree` that gives another value each time."""
    for call in nodes_of(tree, exp.Anonymous):
        if call_name(call) in VOLATILE and not is_each_row(call):
            return call
    return None


def refuse_read_twice(analysis: Analysis) -> None:
    """Refuse queries of WITH that draw and are named more than once.

    Raises:
        FeatureNotSupported: 0A000.
    """
    if all(volatile_call(block.select) is None for block in analysis.blocks):
        return
    for source in (source for block in analysis.blocks for source in block.sources):
        if source.cte is None or source.query is None or len(source.query.users) < 2:
            continue
        if (call := _drawing(source.query)) is not None:
            raise FeatureNotSupported(
                f'WITH query "{source.cte.alias}", which calls {call_name(call)}(), '
                "cannot be read more than once",
                hint=_HINT,
                position=position_of(call),
            )


def refuse_drawn(source: Source) -> None:
    """Refuse a correlated subquery over rows that are drawn.

    Raises:
        FeatureNotSupported: 0A000.
    """
    call = volatile_call(source.tree)
    if call is None and source.query is not None:
        call = _drawing(source.query)
    if call is not None:
        raise FeatureNotSupported(
            f'a subquery cannot refer to "{source.alias}", which calls {call_name(call)}()',
            hint=_HINT,
            position=position_of(call),
        )


def _drawing(query: Query) -> exp.Anonymous | None:
    """A volatile call in the query, or in a query of WITH that it reads."""
    call = volatile_call(query.tree)
    inner = [s.query for block in query.branches for s in block.sources if s.query is not None]
    inner += [each for block in query.branches for each in block.inner.values()]
    return call or next(filter(None, map(_drawing, inner)), None)
