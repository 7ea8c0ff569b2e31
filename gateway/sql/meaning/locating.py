"""Where in the statement an error of the engine belongs.

The engine is handed our SQL, so its positions would mean nothing to the user. When it refuses a
name, the name is looked for in the blocks of the statement as it was sent.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from sqlglot import exp

from gateway.errors import (
    AmbiguousColumn,
    GatewayError,
    GroupingError,
    UndefinedColumn,
    UndefinedFunction,
)
from gateway.sql.meaning.misfits import misfit_position
from gateway.sql.names.scope import AGGREGATES, Analysis, Block, position_of, resolve
from gateway.sql.text.grammar import MARKERS
from gateway.sql.text.habits import FUNCTIONS
from gateway.sql.types.arguments import NO_FUNCTION
from gateway.sql.types.inference import type_of
from gateway.sql.types.numerals import is_pointed
from gateway.sql.types.results import ALONG
from gateway.types import NUMERIC

# What the engine cannot suggest, for it never sees them.
_OURS = (*MARKERS, *ALONG, "differentiate_sql")


def located(error: GatewayError, tree: exp.Expr, analysis: Analysis) -> GatewayError:
    """The same error with its position, or PostgreSQL's own one for a name that means nothing.

    Args:
        error: What the engine raised while it planned.
        tree: The rewritten query; its nodes know where they stood when they were sent.
        analysis: Its blocks.
    """
    if error.position:
        return error
    if isinstance(error, UndefinedColumn | AmbiguousColumn):
        return _unresolved(analysis) or type(error)(_quoted(str(error)), hint=error.hint)
    if isinstance(error, GroupingError):
        return _ungrouped(error, tree)
    if isinstance(error, UndefinedFunction):
        calls = (c for c in tree.find_all(exp.Anonymous) if _names(str(error), c.name))
        call = next(calls, None)
        return error if call is None else _no_function(error, call, analysis)
    error.position = misfit_position(str(error), tree)
    return error


def _ungrouped(error: GatewayError, tree: exp.Expr) -> GatewayError:
    """With the place of the first column of that name which no aggregate takes."""
    found = re.search(r'column "(?:[^"]*\.)?([^".]+)" must', str(error))
    places = [
        position_of(column)
        for column in tree.find_all(exp.Column)
        if found is not None and column.name == found[1] and not _is_aggregated(column)
    ]
    error.position = min(filter(None, places), default=0)
    return error


def _is_aggregated(column: exp.Column) -> bool:
    """Whether an aggregate takes it, or GROUP BY names it."""
    around = column.parent
    while around is not None and not isinstance(around, exp.Select):
        if isinstance(around, exp.Group) or around.name.lower() in AGGREGATES:
            return True
        around = around.parent
    return False


def _quoted(message: str) -> str:
    """A column's name alone stands in quotes."""
    return re.sub(r"^column (\w+) does", r'column "\1" does', message)


def _names(message: str, function: str) -> bool:
    """Whether a message is about a function of that name."""
    return re.search(rf"(?<!\w){re.escape(function)}(?!\w)", message) is not None


def _no_function(error: GatewayError, call: exp.Anonymous, analysis: Analysis) -> GatewayError:
    """PostgreSQL's words: the types of the arguments belong to the name, where they are known."""
    block = analysis.block_of(call)
    types = [type_name(argument, block) for argument in call.expressions]
    message, ours = str(error), get_close_matches(call.name.lower(), _OURS, n=1)
    if None not in types:
        message = f"function {call.name}({', '.join(filter(None, types))}) does not exist"
    hint = FUNCTIONS.get(call.name.lower(), "")
    if not hint:
        near = [*ours, *re.findall(r"Did you mean '([^']*)'", error.hint)]
        near = get_close_matches(call.name.lower(), near, n=1, cutoff=0.7)
        hint = f"Did you mean {near[0]}?" if near else NO_FUNCTION
    return UndefinedFunction(message, hint=hint, position=position_of(call))


def type_name(argument: exp.Expr, block: Block | None) -> str | None:
    """How PostgreSQL calls the type of an argument in its errors; None: it is not known."""
    if isinstance(argument, exp.Null) or argument.is_string:
        return "unknown"
    if is_pointed(argument):
        return NUMERIC.sql
    known = type_of(argument, block)
    return known.sql if known is not None else None


def _unresolved(analysis: Analysis) -> GatewayError | None:
    """The error of the first column that no relation has, as they stand in the statement."""
    found: list[GatewayError] = []
    for block in analysis.blocks:
        for column in block.select.find_all(exp.Column):
            if analysis.block_of(column) is block and not _is_output(column, block):
                try:
                    resolve(block, column)
                except GatewayError as error:
                    found.append(error)
    return min(found, key=lambda error: error.position or 2**31, default=None)


def _is_output(column: exp.Column, block: Block) -> bool:
    """Whether it may name an item of the SELECT list, as ORDER BY and GROUP BY can."""
    return column.is_star or (
        not column.table
        and column.find_ancestor(exp.Order, exp.Group) is not None
        and any(item.alias_or_name == column.name for item in block.select.expressions)
    )
