"""What was worked out for a statement before, for all clients of a server: its tree, its query.

Reading a statement is a matter of its text alone. What its query becomes (names bound, views and
functions put in place, derivatives made) depends on what the names mean, on how moments are written
(TimeZone, DateStyle, IntervalStyle), and on nothing else but the session's functions such as
current_user: it is kept under the first two (`Registry.standing`), and not at all when it asked for
the value of such a function. After a change of the catalogue an entry is found out of date when it
is asked for; the new one takes its place.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from sqlglot import exp

from gateway.recent import Recent
from gateway.session.queries.sequences import FUNCTIONS as SEQUENCES
from gateway.sql.names.relation import NOTATION, Constants, Replacement
from gateway.sql.statements.limits import Limits
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.types.parameter_casts import with_declared
from gateway.types import Type

V = TypeVar("V")

# A node of a tree takes about 1 kB, and is written in some four characters: 30 MB of trees as they
# were sent, as much again rewritten.
_MOST_CHARACTERS, _LONGEST_TEXT = 128_000, 24_000
_MOST_NODES, _LARGEST_TREE = 30_000, 3_000

# The same for every session, or part of what an entry is kept under; calls of sequences' functions
# are written in another way, and find the sequence when they run.
_SHARED_CONSTANTS = frozenset({NOTATION, "version", "pg_notify", *SEQUENCES})


class Asked(Mapping[str, Replacement]):
    """Session constants that remember whether one was used whose value is the session's own."""

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        self.own = False

    def __getitem__(self, name: str) -> Replacement:
        found = self._constants[name]
        self.own = self.own or name not in _SHARED_CONSTANTS
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._constants)

    def __len__(self) -> int:
        return len(self._constants)


class Circumstances(NamedTuple):
    """What the meaning of a query's names stands on.

    Args:
        moment: Versions of the catalogue and of the datasets: they only grow.
        place: From where the names are looked at; clients with different ones take turns.
    """

    moment: tuple[int, int]
    place: Hashable


class StatementCache(Generic[V]):
    """The statements and queries that all clients of a server worked out lately.

    Args:
        limits: What a statement may ask for.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.texts: Recent[list[Statement]] = Recent(_MOST_CHARACTERS, _LONGEST_TEXT)
        self._typed: Recent[tuple[Statement, Statement]] = Recent(_MOST_CHARACTERS, _LONGEST_TEXT)
        self.trees: Recent[tuple[object, tuple[int, int], V]] = Recent(_MOST_NODES, _LARGEST_TREE)

    def knows(self, text: str) -> bool:
        """Whether `read` was asked for this very text lately."""
        return text in self.texts

    def read(self, text: str) -> list[Statement]:
        """Every statement of a message, which nobody may change; see `Limits.read`."""
        found = self.texts.get(text)
        if found is None:
            found = self.limits.read(text)
            if not any(statement.kind is Kind.DEFINITION for statement in found):
                self.texts.put(text, found, len(text) + 1)
        return found

    def typed(self, statement: Statement, declared: Mapping[int, Type]) -> Statement:
        """A statement with its parameters of the types that a client declared."""
        if not declared or not isinstance(statement.tree, exp.Expr):
            return statement
        key = (id(statement.tree), *((n, kind.oid) for n, kind in declared.items()))
        found = self._typed.get(key, lambda kept: kept[0] is statement)
        if found is None:
            tree = with_declared(statement.tree, declared)
            found = statement, replace(statement, tree=tree)
            self._typed.put(key, found, len(statement.text) + 1)
        return found[1]

    def query(self, tree: object, circumstances: Circumstances) -> V | None:
        """What was worked out for this very tree under these circumstances."""
        moment = circumstances.moment
        found = self.trees.get(
            (id(tree), circumstances.place), lambda kept: kept[0] is tree and kept[1] == moment
        )
        return None if found is None else found[2]

    def keep(self, tree: object, circumstances: Circumstances, query: V, nodes: int) -> None:
        """Keep what was worked out for a tree, unless for a later moment; `nodes` is its size."""
        key, moment = (id(tree), circumstances.place), circumstances.moment
        if not self.trees.holds(key, lambda kept: kept[0] is tree and kept[1] > moment):
            self.trees.put(key, (tree, moment, query), nodes)
