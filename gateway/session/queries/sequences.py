"""nextval, currval, lastval, setval: PostgreSQL manual, 9.17, "Sequence Manipulation Functions".

The engine calls them back, once for each row: a call is written for it with a second argument that
is drawn anew at each row, because it would else ask once for a whole column of constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.authority import Authority
from gateway.catalog.registry import Registry
from gateway.engine.interface import EngineSession
from gateway.errors import (
    ObjectNotInPrerequisiteState,
    ReadOnlyTable,
    UndefinedFunction,
    UndefinedTable,
)
from gateway.sources.table import TableName
from gateway.sql.lowered.lending import catalogue_type
from gateway.sql.meaning.volatile import each_row
from gateway.sql.names.scope import position_of
from gateway.sql.text.dialect import tokenize
from gateway.store.ddl.owning import relation_key

_TEXT, _BIGINT, _BOOL, _ROW = pa.string(), pa.int64(), pa.bool_(), pa.float64()

# Function -> how many arguments it takes in SQL.
FUNCTIONS = {"nextval": (1,), "currval": (1,), "lastval": (0,), "setval": (2, 3)}


def called(call: exp.Expr) -> exp.Expr:
    """A call as the engine takes it.

    Raises:
        UndefinedFunction: 42883, of another number of arguments.
    """
    name, arguments = call.name.lower(), list(call.expressions)
    if len(arguments) not in FUNCTIONS[name]:
        raise UndefinedFunction(
            f"function {name} does not take {len(arguments)} arguments", position=position_of(call)
        )
    if arguments and isinstance(arguments[0], exp.Cast):  # 's'::regclass, or a text's name
        kind = catalogue_type(arguments[0].args["to"])
        arguments[0] = arguments[0].this if kind is not None else arguments[0]
    if name == "setval" and len(arguments) == 2:
        arguments.append(exp.Boolean(this=True))
    return exp.Anonymous(this=name, expressions=[*arguments, each_row()], resolved=True)


class SequenceCalls:
    """One session's calls: it remembers the last value of each sequence.

    Args:
        registry: Finds sequences by name.
        authority: Who may ask which.
        is_read_only: Whether the transaction is; temporary sequences give values in any.
    """

    def __init__(
        self,
        registry: Registry,
        authority: Authority,
        is_read_only: Callable[[], bool] = lambda: False,
    ) -> None:
        self._registry, self._authority = registry, authority
        self._is_read_only = is_read_only
        self._given: dict[int, int] = {}
        self._last: int | None = None

    def provide(self, engine: EngineSession) -> None:
        """Let the statements of an engine's session call the functions."""
        engine.provide("nextval", self._nextvals, [_TEXT, _ROW], _BIGINT)
        engine.provide("currval", self._currvals, [_TEXT, _ROW], _BIGINT)
        engine.provide("lastval", self._lastvals, [_ROW], _BIGINT)
        engine.provide("setval", self._setvals, [_TEXT, _BIGINT, _BOOL, _ROW], _BIGINT)

    def forget(self) -> None:
        """DISCARD SEQUENCES."""
        self._given.clear()
        self._last = None

    def next(self, name: TableName, count: int) -> list[int]:
        """The next values of a sequence, which currval and lastval then know."""
        store = self._registry.store
        self._refuse("nextval()", name)
        values = store.nextval(name, count)
        oid = store.oid(name)
        assert oid is not None
        self._last, self._given[oid] = oid, values[-1]
        return values

    def _refuse(self, call: str, name: TableName) -> None:
        if self._is_read_only() and name.schema != self._registry.store.temporary_schema:
            raise ReadOnlyTable(f"cannot execute {call} in a read-only transaction")

    def named(self, text: str, letters: str = "Uw") -> TableName:
        """The sequence that a text names along the search_path, for one of these privileges.

        Raises:
            InsufficientPrivilege: 42501.
            UndefinedTable: 42P01. WrongObjectType: 42809, it is none.
        """
        parts = [
            token.text if text[token.start : token.start + 1] == '"' else token.text.lower()
            for token in tokenize(text)
            if token.text != "."
        ]
        schema = parts[-2] if len(parts) > 1 else ""
        found = self._registry.find_sequence(schema, parts[-1] if parts else "")
        if found is None:
            raise UndefinedTable(f'relation "{text}" does not exist')
        if self._authority.asks and not self._is_identity_s(found):
            self._authority.require(letters, found)
        return found

    def _is_identity_s(self, name: TableName) -> bool:
        """Whether it numbers an identity column of a table into which who acts may insert."""
        store = self._registry.store
        sequence = store.sequence(name)
        table = store.relation(sequence.owner[0]) if sequence and sequence.owner else None
        if sequence is None or sequence.owner is None or table is None:
            return False
        columns = getattr(table.definition, "columns", ())
        identity = any(c.identity and c.number == sequence.owner[1] for c in columns)
        key = relation_key(table.oid)
        return identity and self._authority.may(self._authority.role, "a", key)

    def _nextvals(self, columns: Sequence[list[str | None]]) -> list[int | None]:
        names = columns[0]
        if len(set(names)) == 1 and names[0] is not None:
            return list(self.next(self.named(names[0]), len(names)))
        return [None if n is None else self.next(self.named(n), 1)[0] for n in names]

    def _currvals(self, columns: Sequence[list[str | None]]) -> list[int | None]:
        return [None if name is None else self._currval(name) for name in columns[0]]

    def _currval(self, text: str) -> int:
        name = self.named(text, "Ur")
        oid = self._registry.store.oid(name)
        if oid not in self._given:
            raise ObjectNotInPrerequisiteState(
                f'currval of sequence "{name.name}" is not yet defined in this session'
            )
        return self._given[oid]

    def _lastvals(self, columns: Sequence[list[object]]) -> list[int | None]:
        if self._last is None or self._registry.store.relation(self._last) is None:
            raise ObjectNotInPrerequisiteState("lastval is not yet defined in this session")
        return [self._given[self._last]] * len(columns[0])

    def _setvals(self, columns: Sequence[list[object]]) -> list[int | None]:
        found: list[int | None] = []
        for text, value, is_called in zip(*columns[:3], strict=True):
            if text is None or value is None or is_called is None:
                found.append(None)
                continue
            name = self.named(str(text), "w")
            self._refuse("setval()", name)
            self._registry.store.setval(name, int(str(value)), bool(is_called))
            oid = self._registry.store.oid(name)
            if is_called and oid is not None:
                self._given[oid] = int(str(value))
            found.append(int(str(value)))
        return found
