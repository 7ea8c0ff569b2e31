"""Prepared statements of one client: Parse and PREPARE make them, Bind and EXECUTE look them up.

Both share one namespace (PostgreSQL manual, PREPARE); the unnamed one is the protocol's alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import DuplicatePreparedStatement, InvalidStatementName
from gateway.execution import Described
from gateway.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared statement; `statement` is None for an empty text."""

    statement: Statement | None
    described: Described


class PreparedStatements:
    """Name -> prepared statement."""

    def __init__(self) -> None:
        self._kept: dict[str, Prepared] = {}

    def admit(self, name: str) -> None:
        """Make room for a new statement: a name is taken once, but for the unnamed one.

        Raises:
            DuplicatePreparedStatement: 42P05.
        """
        if name and name in self._kept:
            raise DuplicatePreparedStatement(f'prepared statement "{name}" already exists')
        self._kept.pop(name, None)

    def keep(self, name: str, prepared: Prepared) -> None:
        """Keep a statement under a name that was admitted."""
        self._kept[name] = prepared

    def named(self, name: str) -> Prepared:
        """The statement of that name.

        Raises:
            InvalidStatementName: 26000.
        """
        found = self._kept.get(name)
        if found is None:
            shown = f'prepared statement "{name}"' if name else "unnamed prepared statement"
            raise InvalidStatementName(f"{shown} does not exist")
        return found

    def forget(self, name: str) -> None:
        """Forget it; no error when there is none, as Close asks."""
        self._kept.pop(name, None)

    def deallocate(self, name: str | None) -> str:
        """Forget the statement of that name, or all for None; the command tag.

        Raises:
            InvalidStatementName: 26000.
        """
        if name is None:
            self._kept.clear()
            return "DEALLOCATE ALL"
        self.named(name)
        del self._kept[name]
        return "DEALLOCATE"
