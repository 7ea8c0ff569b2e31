"""One client: its settings, prepared statements and portals; and the way of a statement.

A statement goes down one side of the house and its rows come up the other:

1. `wire.messages` makes a message of the bytes, `wire.server` calls the session with it
   (`Session.run_simple`, or `parse`, `bind`, `execute`);
2. `sql.statement.statements` splits the text, tells each statement's command and parses it;
3. a write becomes a query and a change to apply (`sql.writes.as_write`);
4. `rewrite.rewrite` binds names, puts views in place and every derivative where its marker stood
   (`autodiff.markers.expand`);
5. `sql.dialect.to_engine` prints the engine's SQL;
6. `catalog.registry.Registry.tables` hands out the tables it names, as of one moment;
7. `engine.interface.EngineSession.plan` plans it, `Plan.stream` runs it, batch by batch;
8. for a write, `store.tables.StoreSession` applies the batches as one change;
9. `wire.values` turns the batches of the `Result` into fields, `wire.server` sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from buenavista.core import Connection
from buenavista.core import Session as BuenaVistaSession
from sqlglot import exp

from gateway import __version__
from gateway.catalog.registry import Registry
from gateway.client_settings import (
    SERVER_VERSION,
    ClientSettings,
    in_milliseconds,
    run_setting,
    show_fields,
)
from gateway.deadline import Deadline
from gateway.definition import define
from gateway.engine.interface import Engine
from gateway.errors import (
    ActiveTransaction,
    DuplicateCursor,
    FeatureNotSupported,
    InvalidCursorName,
    ObjectNotInPrerequisiteState,
    ProtocolViolation,
    SyntaxFault,
)
from gateway.execution import Bound, Described, Executor
from gateway.prepared import Prepared, PreparedStatements
from gateway.result import Field, Notice, Result
from gateway.sources.table import Table, TableName
from gateway.sql.commands import (
    DeallocateStatement,
    DiscardStatement,
    DropStatement,
    ShowStatement,
    TransactionModes,
)
from gateway.sql.statement import Kind, Statement, statements
from gateway.store.tables import Store
from gateway.transaction import TransactionBlock, refuse_levels
from gateway.types import TEXT, Type, by_oid


@dataclass(slots=True)
class Portal:
    """A prepared statement with its values; `result` from the first Execute on."""

    prepared: Prepared
    values: Sequence[pa.Scalar]
    result: Result | None = None


class Session(BuenaVistaSession):  # type: ignore[misc]  # buenavista carries no types
    """One client's session. One thread calls it, but for `cancel`."""

    def __init__(self, engine: Engine, store: Store, grids: Mapping[TableName, Table]) -> None:
        super().__init__()
        self.process_id = 0
        self._engine = engine.new_session()
        self._store = store.session()
        self._registry = Registry(grids, self._store)
        self._settings = ClientSettings("")
        self._executor = Executor(self._engine, self._registry, {})
        self._prepared = PreparedStatements()
        self._portals: dict[str, Portal] = {}
        self._block = TransactionBlock(self._store)

    # Connecting

    def start(self, user: str, database: str, options: Mapping[str, str]) -> None:
        """Take the startup packet's settings.

        Raises:
            GatewayError: 42704 or 22023, a setting that cannot be taken; refuse the connection.
        """
        self._settings = ClientSettings(user)
        for name, value in options.items():
            self._settings.set(name, value)
        self._settings.fix_start()
        self._registry.search_path = self._settings.search_path
        self._executor.constants = _constants(user, database, self.process_id)

    def reported_settings(self) -> Mapping[str, str]:
        """Every ParameterStatus to send after authentication, in order."""
        return self._settings.reported()

    def changed_settings(self) -> Mapping[str, str]:
        """Reported settings that changed since the last call; emptied by the call."""
        return self._settings.drain_changes()

    def notices(self) -> Sequence[Notice]:
        """What to tell the client besides; emptied by the call."""
        told = [*self._block.notices, *(Notice(text) for text in self._executor.notices)]
        self._block.notices.clear()
        self._executor.notices.clear()
        return told

    @property
    def status(self) -> str:
        """ReadyForQuery's letter: "I" idle, "T" in a transaction, "E" in a failed one."""
        return self._block.status

    # Simple query

    def run_simple(self, text: str) -> Iterator[Result]:
        """One Result per statement of a Query message, each run when it is asked for.

        Several statements in one message are one transaction, as in PostgreSQL.
        """
        found = statements(text)
        if not found:
            yield Result("")
        for statement in found:
            if len(found) > 1 or _drops_several(statement):
                self._block.begin_implicit(statement)
            yield self._run(statement, Bound())

    def execute_sql(self, sql: str, params: object = None) -> Result:
        """buenavista's entry: the last statement's result."""
        return list(self.run_simple(sql))[-1]

    # Extended query

    def parse(self, name: str, text: str, parameter_oids: Sequence[int]) -> None:
        """Keep a prepared statement; oid 0 leaves the type to be inferred."""
        self._prepared.admit(name)
        found = statements(text)
        if len(found) > 1:
            raise SyntaxFault("cannot insert multiple commands into a prepared statement")
        declared = {n: by_oid(oid) for n, oid in enumerate(parameter_oids, 1) if oid}
        statement = found[0] if found else None
        described = Described(tuple(declared.values()))
        if statement is not None:
            self._block.admit(statement)
            described = self._describe(statement, declared)
        self._prepared.keep(name, Prepared(statement, described))

    def parameter_types(self, statement: str) -> tuple[Type, ...]:
        """The type of each parameter, declared or inferred."""
        return self._prepared.named(statement).described.parameters

    def describe_statement(self, name: str) -> tuple[Field, ...] | None:
        """The columns it will give, without running it; None when it gives no rows."""
        return self._prepared.named(name).described.fields

    def bind(self, portal: str, statement: str, parameters: Sequence[pa.Scalar]) -> None:
        """Make a portal; each parameter has the Arrow type of its parameter type, NULL included."""
        prepared = self._prepared.named(statement)
        wanted = len(prepared.described.parameters)
        if len(parameters) != wanted:
            raise ProtocolViolation(
                f"bind message supplies {len(parameters)} parameters, but prepared statement "
                f'"{statement}" requires {wanted}'
            )
        if prepared.statement is not None:
            self._block.admit(prepared.statement)
        if portal and portal in self._portals:
            raise DuplicateCursor(f'cursor "{portal}" already exists')
        self.close_portal(portal)
        self._portals[portal] = Portal(prepared, parameters)

    def describe_portal(self, name: str) -> tuple[Field, ...] | None:
        """The columns a portal will give, without running it."""
        return self._portal(name).prepared.described.fields

    def execute(self, portal: str) -> Result:
        """The portal's result: run at the first call, the same Result at later ones."""
        found = self._portal(portal)
        prepared = found.prepared
        if found.result is not None:
            if found.result.fields is None:
                raise ObjectNotInPrerequisiteState(f'portal "{portal}" cannot be run')
            return found.result
        if prepared.statement is None:
            found.result = Result("")
        else:
            self._block.begin_implicit(prepared.statement)
            bound = Bound(found.values, prepared.described.parameters)
            found.result = self._run(prepared.statement, bound)
        return found.result

    def close_statement(self, name: str) -> None:
        """Forget it; no error when there is none."""
        self._prepared.forget(name)

    def close_portal(self, name: str) -> None:
        """Forget it; no error when there is none."""
        portal = self._portals.pop(name, None)
        if portal is not None and portal.result is not None:
            portal.result.close()

    # Ends

    def sync(self) -> None:
        """Sync arrived, or a simple query ended: the implicit transaction ends, and its portals."""
        self._block.end_implicit()
        if self._block.status == "I":
            self._close_portals()

    def fail(self) -> None:
        """An error was reported to the client: undo the implicit transaction, or mark the block."""
        self._close_portals()
        self._block.fail()

    def cancel(self) -> None:
        """Stop the running statement, from any thread: it raises QueryCanceled (57014)."""
        self._engine.cancel()
        self._store.cancel()

    def in_transaction(self) -> bool:
        """True between BEGIN and its end."""
        return self._block.status != "I"

    def close(self) -> None:
        """The client is gone: roll back, stop the engine."""
        self._close_portals()
        self._engine.close()
        self._store.close()

    # One statement

    def _run(self, statement: Statement, bound: Bound) -> Result:
        self._block.admit(statement)
        run = _RUNNERS.get(statement.kind)
        if run is None:
            raise FeatureNotSupported(
                f"{statement.command} is not supported", position=statement.offset + 1
            )
        milliseconds = in_milliseconds(self._settings.show("statement_timeout")[1])
        deadline = Deadline(milliseconds / 1000, self.cancel)
        with deadline.running():
            result = run(self, statement, bound)
        result.wrap(deadline.watch(result.batches))
        return result

    def _describe(self, statement: Statement, declared: Mapping[int, Type]) -> Described:
        if isinstance(statement.tree, ShowStatement):
            return Described((), show_fields(statement.tree.name))
        described = self._executor.describe(statement, declared)
        count = max(declared, default=0)
        if count <= len(described.parameters):
            return described
        unused = tuple(
            declared.get(n, TEXT) for n in range(len(described.parameters) + 1, count + 1)
        )
        return Described(described.parameters + unused, described.fields)

    def _query(self, statement: Statement, bound: Bound) -> Result:
        return self._executor.query(statement, bound)

    def _write(self, statement: Statement, bound: Bound) -> Result:
        if isinstance(statement.tree, DropStatement):  # TRUNCATE
            return define(self._executor, statement, bound)
        return self._executor.write(statement, bound)

    def _define(self, statement: Statement, bound: Bound) -> Result:
        return define(self._executor, statement, bound)

    def _explain(self, statement: Statement, bound: Bound) -> Result:
        return self._executor.explain(statement, bound)

    def _transact(self, statement: Statement, bound: Bound) -> Result:
        result = self._block.run(statement)
        if self._block.status == "I":
            self._close_portals()
        return result

    def _setting(self, statement: Statement, bound: Bound) -> Result:
        if isinstance(statement.tree, TransactionModes):
            refuse_levels(statement.tree)
            return Result(statement.command)
        if isinstance(statement.tree, DiscardStatement):
            return self._discard(statement.tree.what)
        result = run_setting(self._settings, statement)
        self._registry.search_path = self._settings.search_path
        return result

    def _prepare(self, statement: Statement, bound: Bound) -> Result:
        if isinstance(statement.tree, DeallocateStatement):
            return Result(self._prepared.deallocate(statement.tree.name))
        raise FeatureNotSupported(
            f"{statement.command} is not supported", position=statement.offset + 1
        )

    def _discard(self, what: str) -> Result:
        if what == "all":
            if self._block.status != "I":
                raise ActiveTransaction("DISCARD ALL cannot run inside a transaction block")
            self._settings.reset_all()
            self._registry.search_path = self._settings.search_path
            self._prepared.deallocate(None)
            self._close_portals()
        return Result(f"DISCARD {what.upper()}")

    def _portal(self, name: str) -> Portal:
        found = self._portals.get(name)
        if found is None:
            raise InvalidCursorName(f'portal "{name}" does not exist')
        return found

    def _close_portals(self) -> None:
        for name in list(self._portals):
            self.close_portal(name)


def _drops_several(statement: Statement) -> bool:
    """Whether it is one statement to the client and several to the store."""
    return isinstance(statement.tree, DropStatement) and len(statement.tree.names) > 1


Runner = Callable[[Session, Statement, Bound], Result]

# A kind without a row is refused by name.
_RUNNERS: dict[Kind, Runner] = {
    Kind.QUERY: Session._query,
    Kind.WRITE: Session._write,
    Kind.DEFINITION: Session._define,
    Kind.EXPLAIN: Session._explain,
    Kind.SETTING: Session._setting,
    Kind.TRANSACTION: Session._transact,
    Kind.PREPARED: Session._prepare,
}


def _constants(user: str, database: str, process_id: int) -> dict[str, exp.Expr]:
    """What session functions stand for (PostgreSQL manual, 9.26)."""
    text = exp.Literal.string
    version = f"PostgreSQL {SERVER_VERSION} (gradwire {__version__}, DataFusion)"
    users = dict.fromkeys(("current_user", "session_user", "user", "current_role"), text(user))
    return {
        **users,
        "version": text(version),
        "current_database": text(database),
        "current_catalog": text(database),
        "current_schema": text("public"),
        "pg_backend_pid": exp.Literal.number(process_id),
    }


class Gateway(Connection):  # type: ignore[misc]  # buenavista carries no types
    """buenavista's Connection over our parts: makes a Session per client.

    Args:
        engine: Runs the queries.
        store: Keeps the user tables.
        grids: The xarray tables.
    """

    def __init__(self, engine: Engine, store: Store, grids: Mapping[TableName, Table]) -> None:
        super().__init__()
        self._parts = (engine, store, grids)

    def new_session(self) -> Session:
        """A session for a client that is about to start."""
        return Session(*self._parts)
