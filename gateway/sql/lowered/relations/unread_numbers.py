"""nextval and setval in a subquery of FROM, called though nobody reads what they give.

The engine leaves out columns that are not read; PostgreSQL computes volatile ones in any case
(allpaths.c, remove_unused_subquery_outputs). So the query around looks at them.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.meaning.volatile import call_name
from gateway.sql.names.scope import Analysis, Block, Source, column_node
from gateway.sql.text.trees import nodes_of, own_nodes

_DEEDS = ("nextval", "setval")


def read_numbers(analysis: Analysis) -> None:
    """Let every SELECT look at them in its WHERE, in place."""
    for block in analysis.blocks:
        for source in block.sources:
            if source.query is not None and source.cte is None:
                _read(block, source)


def _read(block: Block, source: Source) -> None:
    assert source.query is not None
    outputs = source.query.outputs
    for name, output in zip(source.columns or {}, outputs, strict=False):
        if output.expression is None or not _does(output.expression):
            continue
        read = {n.name for n in own_nodes(block.select) if isinstance(n, exp.Column)}
        if name not in read:
            column = column_node(source.alias, name)
            filled = exp.Anonymous(
                this="coalesce", expressions=[column, exp.Literal.number(0)]
            )  # of an outer join's missing side, too
            seen = exp.Anonymous(this="at_run_time", expressions=[filled])
            there = exp.Not(this=exp.Is(this=seen, expression=exp.Null()))
            block.select.where(there, copy=False)


def _does(tree: exp.Expr) -> bool:
    return any(call_name(call) in _DEEDS for call in nodes_of(tree, exp.Anonymous))
