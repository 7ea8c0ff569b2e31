"""What the passes of one query know and find out, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from sqlglot import exp

from gateway.autodiff.rules.graph import MOST_NODES
from gateway.autodiff.statements.neighbours import Derived
from gateway.autodiff.statements.readings import Note
from gateway.rewrite.rewritten import Rewritten
from gateway.sources.table import TableName
from gateway.sql.lowered.lending import Lender
from gateway.sql.meaning.functions import Functions
from gateway.sql.names.relation import ColumnInfo, Constants, Lookup, Read
from gateway.sql.names.scope import Analysis, Output
from gateway.types import Type

NOTHING: Constants = {}
LAYERS = "∂layers"  # the schema of rows that are kept while the statement runs


def no_functions(schema: str, name: str, arity: int) -> None:
    """No function of a user's own."""


BindTypes = Callable[[exp.Expr], None]


def no_types(tree: exp.Expr) -> None:
    """No types of users' own."""


@dataclass(slots=True)
class Rewriting:
    """What the passes know and find out."""

    tree: exp.Expr
    lookup: Lookup
    constants: Constants
    functions: Functions = no_functions
    lender: Lender | None = None
    relations: dict[TableName, dict[str, ColumnInfo]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    parameters: dict[int, Type] = field(default_factory=dict)
    analysis: Analysis = field(default_factory=Analysis)
    columns: tuple[ColumnInfo, ...] = ()
    outputs: tuple[Output, ...] = ()
    markers: int = 0
    notes: list[Note] = field(default_factory=list)
    unaliased: set[TableName] = field(default_factory=set)  # relations that go by their own name
    most_nodes: int = MOST_NODES  # of all derivatives
    derived: dict[TableName, Derived] = field(default_factory=dict)
    reads: tuple[Read, ...] = ()
    layers: dict[TableName, Rewritten] = field(default_factory=dict)
    bind_types: BindTypes = no_types
    in_rounds: bool = False  # it is a term of a recursive query that is run step by step
    joined: Iterator[int] = field(default_factory=lambda: count(1))  # numbers for names of joins


def done(state: Rewriting) -> Rewritten:
    """What is known when all passes are through."""
    return Rewritten(
        state.tree, frozenset(n for n in state.relations if n.schema != LAYERS), state.names,
        state.parameters, state.analysis, state.derived, state.columns, state.outputs,
        state.markers, state.reads, tuple(state.layers.items()),
        notes=tuple(dict.fromkeys(state.notes)),
    )  # fmt: skip
