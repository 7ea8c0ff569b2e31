"""One client: its settings, prepared statements, portals and transaction.

INTERFACE DRAFT; the body is being written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from buenavista.core import Connection
from buenavista.core import Session as BuenaVistaSession

from gateway.result import Field, Result
from gateway.types import Type


class Session(BuenaVistaSession):
    """What the wire asks of one client's session. One thread calls it, but for `cancel`."""

    def start(self, user: str, database: str, options: Mapping[str, str]) -> None:
        """Take the startup packet's settings; raises GatewayError to refuse the connection."""

    def reported_settings(self) -> Mapping[str, str]:
        """Every ParameterStatus to send after authentication, in order."""

    def changed_settings(self) -> Mapping[str, str]:
        """Reported settings that changed since the last call; emptied by the call."""

    def notices(self) -> Sequence[object]:
        """Notices (GatewayError-like: code, message, detail, hint) to send; emptied by the call."""

    @property
    def status(self) -> str:
        """ReadyForQuery's letter: "I" idle, "T" in a transaction, "E" in a failed one."""

    def run_simple(self, text: str) -> Iterator[Result]:
        """One Result per statement of a Query message, each run when it is asked for."""

    def parse(self, name: str, text: str, parameter_oids: Sequence[int]) -> None:
        """Keep a prepared statement; oid 0 leaves the type to be inferred."""

    def parameter_types(self, statement: str) -> tuple[Type, ...]:
        """The type of each parameter, declared or inferred."""

    def describe_statement(self, name: str) -> tuple[Field, ...] | None:
        """The columns it will give, without running it; None when it gives no rows."""

    def bind(self, portal: str, statement: str, parameters: Sequence[pa.Scalar]) -> None:
        """Make a portal; each parameter has the Arrow type of its parameter type, NULL included."""

    def describe_portal(self, name: str) -> tuple[Field, ...] | None:
        """The columns a portal will give, without running it."""

    def execute(self, portal: str) -> Result:
        """The portal's result: run at the first call, the same Result at later ones."""

    def close_statement(self, name: str) -> None:
        """Forget it; no error when there is none."""

    def close_portal(self, name: str) -> None:
        """Forget it; no error when there is none."""

    def sync(self) -> None:
        """Sync arrived (or a simple query ended): close the implicit transaction and its portals."""

    def fail(self) -> None:
        """An error was reported to the client: undo or mark the transaction."""

    def cancel(self) -> None:
        """Stop the running statement, from any thread: it raises QueryCanceled (57014)."""

    def close(self) -> None:
        """The client is gone: roll back, stop the engine, drop what was temporary."""


class Gateway(Connection):
    """buenavista's Connection over our parts: makes a Session per client."""

    def new_session(self) -> Session: ...
