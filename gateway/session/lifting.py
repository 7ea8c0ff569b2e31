"""Texts that differ in the constants of their conditions, run as one statement with parameters.

So are UPDATEs and DELETEs of rows that are named by constants, which differ in these and in those
that they assign.

What was worked out for one of them, its tree, its query, the engine's plan as far as it goes
without values, then serves all. A text is run as it stands when it is the first in its shape, when
it comes again itself, for what is kept of it has the constants too, and whenever its shape does not
serve: a refusal must tell places in the text that was sent.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from gateway.errors import GatewayError, QueryCanceled
from gateway.recent import Recent
from gateway.session.client import Client
from gateway.session.computation import Bound
from gateway.session.result import Result
from gateway.session.writes.inserting import insert_constants
from gateway.sql.shape.lifting import Lifted, lift
from gateway.sql.statements.limits import Limits
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import type_of
from gateway.sql.types.parameters import number
from gateway.sql.writes.writes import Write
from gateway.store.definitions.definitions import TableDefinition

# A constant's type -> the types of columns beside which it has that type in PostgreSQL too.
_NUMBERS = ("int2", "int4", "int8", "float4", "float8", "numeric")
_ALIKE = {"int8": _NUMBERS, "float8": _NUMBERS, "text": ("text", "varchar")}

# How many characters of shapes are kept, each with a tree of some 50 times its text.
_MOST_CHARACTERS, _LONGEST_SHAPE = 64_000, 2_000
# A text that comes again among so few others is worth keeping as it stands: a session keeps no more
# plans than that, and clients that go through many constants would find none of theirs.
_MOST_SENT = 32
# States of the catalogue for which is known whether a shape serves.
_MOST_STANDINGS = 8


@dataclass(slots=True)
class _Shape:
    """What is known of a shape: `statement` is None when it came once, or does not serve."""

    statement: Statement | None = None
    refused: bool = False
    serves: dict[Hashable, bool] = field(default_factory=dict)


class Shapes:
    """The shapes of texts that all clients of a server sent lately.

    Args:
        limits: What a statement may ask for.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._shapes: Recent[_Shape] = Recent(_MOST_CHARACTERS, _LONGEST_SHAPE)
        self._sent: Recent[bool] = Recent(_MOST_SENT, 1)

    def run(self, client: Client, text: str) -> Result | None:
        """The result of a message's text; None where it must be read as it stands.

        Raises:
            QueryCanceled: 57014.
        """
        if client.block.status == "E" or self._sent.get(text):
            return None
        inserted = insert_constants(client, text, self._limits)
        if inserted is not None:
            return inserted
        lifted = lift(text)
        shape = self._of(lifted) if lifted is not None else None
        statement = shape.statement if shape is not None else None  # others may refuse it later
        if lifted is None or shape is None or statement is None:
            return None
        self._sent.put(text, True, 1)
        values = [
            pa.scalar(value, kind.arrow)
            for value, kind in zip(lifted.values, lifted.types, strict=True)
        ]
        try:
            if not _serves(client, shape, statement, lifted):
                return None
        except QueryCanceled:
            raise
        except GatewayError:  # it will be told of the text as it was sent
            return self._refuse(shape)
        client.account.run(statement)
        try:
            return client.run(statement, Bound(values, lifted.types))
        except QueryCanceled:
            raise
        except GatewayError as error:
            if statement.kind is Kind.WRITE:  # of the values, or of the rows: no place
                error.position = 0
                raise
            return self._refuse(shape)

    @staticmethod
    def _refuse(shape: _Shape) -> None:
        shape.refused, shape.statement = True, None

    def _of(self, lifted: Lifted) -> _Shape | None:
        """The shape of a text whose like came before."""
        key = lifted.shape, lifted.types
        found = self._shapes.get(key)
        if found is None:
            self._shapes.put(key, _Shape(), len(lifted.shape))
        elif found.statement is None and not found.refused:
            found.statement = self._read(lifted.shape)
            found.refused = found.statement is None
        return found

    def _read(self, shape: str) -> Statement | None:
        try:
            found = self._limits.read(shape)
        except GatewayError:
            return None
        serves = exp.Query | exp.Update | exp.Delete
        return found[0] if len(found) == 1 and isinstance(found[0].tree, serves) else None


def _serves(client: Client, shape: _Shape, statement: Statement, lifted: Lifted) -> bool:
    """Whether each constant has the type of what it is compared with; a quoted one may be a date.

    That depends on what the names mean. The catalogue's own queries are kept in another way.
    """
    standing = client.registry.standing()
    if standing is None:
        return False
    known = shape.serves.get(standing)
    if known is None:
        known = not client.executor.catalogue.answers(statement.text, statement.tree) and _agree(
            client, statement, lifted
        )
        if len(shape.serves) >= _MOST_STANDINGS:
            shape.serves.clear()
        shape.serves[standing] = known
    return known


def _agree(client: Client, statement: Statement, lifted: Lifted) -> bool:
    query = client.executor.computation(statement)
    if query is None:
        return False
    if query.write is not None:
        return _change_agrees(query.write, query.target, lifted)
    agreeing = set()
    for block in query.rewritten.analysis.blocks:
        for node in own_nodes(block.select):
            beside = node.parent.this if node.parent is not None else None
            if isinstance(node, exp.Parameter) and isinstance(beside, exp.Expr):  # no call's name
                known, place = type_of(beside, block), number(node)
                if known is not None and known.name in _ALIKE[lifted.types[place - 1].name]:
                    agreeing.add(place)
    return len(agreeing) == len(lifted.types)


# A constant's type -> the types of columns to which it is assigned as it would be as a constant.
_ASSIGNED = {"int8": _NUMBERS, "float8": ("float8",), "text": ("text", "varchar")}


def _change_agrees(write: Write, target: TableDefinition | None, lifted: Lifted) -> bool:
    """Whether an UPDATE or DELETE of rows that are named by values is the same with parameters."""
    narrowing = write.narrowing
    if target is None or narrowing is None or not narrowing.is_whole or write.returning:
        return False
    kinds = {n: kind.name for n, kind in enumerate(lifted.types, 1)}
    agreeing = set()
    for name, cells in narrowing.wanted.items():
        wanted = "text" if name in narrowing.texts else "int8"
        agreeing |= {cell.parameter for cell in cells if kinds.get(cell.parameter) == wanted}
    for step in write.steps.values():
        if kinds.get(step.operand.parameter) in (("int8", "float8") if step.is_real else ("int8",)):
            agreeing.add(step.operand.parameter)
    if write.given is not None:
        left = [name for name in write.columns if name not in write.steps]
        for name, column in zip(left, write.given.columns, strict=True):
            if isinstance(column, tuple):
                kind = target.column(name).type.name
                agreeing |= {n for n in column if kind in _ASSIGNED.get(kinds.get(n, ""), ())}
    return agreeing == kinds.keys()
