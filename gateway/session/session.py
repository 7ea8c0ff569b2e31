"""One client's session: when its statements run and what ends them; and the way of a statement.

A statement goes down one side of the house and its rows come up (docs/architecture.md has more):

1. `wire.protocol.messages.read_message` makes a message of the bytes, for which
   `wire.connection.conversation.Conversation` calls `Session.run_simple`, `parse`, `execute`, ...;
2. `session.queries.statement_cache.StatementCache` knows the text, `session.lifting.Shapes` one
   that differs in constants alone, or `sql.statements.limits.Limits.read` splits and parses it;
   `session.client.Client.run` hands it to the room for its kind, or runs at once what is kept:
   a query of which steps 3 to 7 would come to the same
   (`session.queries.kept_queries.KeptQueries`);
3. a write becomes a query and a change to apply (`sql.writes.writes.as_write`);
4. unless `StatementCache.query` has what comes out, `rewrite.passes.rewrite` binds names, puts
   views in place and every derivative where its marker stood
   (`autodiff.statements.markers.expand`);
5. `sql.lowered.printing.to_engine` prints the engine's SQL;
6. `catalog.registry.Registry.tables` hands out the tables it names, as of one moment;
7. `engine.interface.EngineSession.plan` plans it, `Plan.stream` runs it, batch by batch;
8. for a write, `store.tables.StoreSession` applies the batches as one change;
9. `wire.encoding.values.encode_rows` makes fields of the `Result`'s batches, to be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pyarrow as pa
from buenavista.core import Session as BuenaVistaSession

from gateway.catalog.system.queries import CatalogueDatabase
from gateway.engine.interface import Engine
from gateway.errors import (
    AdminShutdown,
    GatewayError,
    NonstandardEscape,
    ObjectNotInPrerequisiteState,
    ProtocolViolation,
)
from gateway.interrupts import attend
from gateway.roles import Roles
from gateway.session.activity.account import Watching
from gateway.session.activity.backends import Activity, Backend, Connected, Doing
from gateway.session.activity.deadline import idle_limit
from gateway.session.activity.notifications import Channels, Notification, Notifier
from gateway.session.client import Client
from gateway.session.computation import Bound, Computation
from gateway.session.dispatch import RUNNERS
from gateway.session.lifting import Shapes
from gateway.session.portals.allowance import Allowance
from gateway.session.portals.describing import describe, look_again
from gateway.session.portals.parsing import prepare, refuse_parameters, start
from gateway.session.portals.portals import Portal
from gateway.session.portals.prepared import Prepared, parameters_now
from gateway.session.queries.statement_cache import StatementCache
from gateway.session.result import Field, Notice, Result
from gateway.session.settings.rows import SEVERITIES
from gateway.session.writes.batches import Batches
from gateway.sources.table import Table, TableName
from gateway.sql.inputs.backslashes import Conforming, conforming
from gateway.sql.inputs.notation import Notation
from gateway.sql.statements.commands import DropStatement
from gateway.sql.statements.statement import Kind, Statement
from gateway.store.tables import Store
from gateway.types import Type


class Session(BuenaVistaSession):  # type: ignore[misc]  # buenavista carries no types
    """One client's session. One thread calls it, but for `cancel`."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        grids: Mapping[TableName, Table],
        statement_cache: StatementCache[Computation],
        catalogue: CatalogueDatabase,
        shapes: Shapes,
        watching: Watching,
        roles: Roles,
        channels: Channels,
        allowance: Allowance,
    ) -> None:
        super().__init__()
        self._doing = Doing()
        self._conforming = Conforming("")
        self._recall = statement_cache
        self._shapes = shapes
        self._client = Client(
            engine.new_session(),
            store.session(),
            grids,
            statement_cache,
            catalogue,
            watching,
            roles,
            channels,
            allowance,
            RUNNERS,
        )
        self.batches = Batches(self._client)
        self._account = self._client.account

    # Connecting

    def start(
        self,
        user: str,
        database: str,
        options: Mapping[str, str],
        connected: Connected | None = None,
    ) -> None:
        """Take who the client is, where it is, and the startup packet's settings.

        Raises:
            GatewayError: 42704 or 22023, a setting that cannot be taken; refuse the connection.
        """
        self._doing = Doing(user, database, connected or Connected())
        self._client.introduce(user, database, self._doing)
        self._account.introduce(self._doing, lambda: settings.show("application_name")[1])
        settings = self._client.settings
        for name, value in options.items():
            settings.set(name, value)
        settings.fix_start()
        self._client.follow_settings()

    def reported_settings(self) -> Mapping[str, str]:
        """Every ParameterStatus to send after authentication, in order."""
        return self._client.settings.reported()

    def changed_settings(self) -> Mapping[str, str]:
        """Reported settings that changed since the last call; emptied by the call."""
        return self._client.settings.drain_changes()

    def notices(self) -> Sequence[Notice]:
        """What to tell the client besides; emptied by the call."""
        block, executor = self._client.block, self._client.executor
        functions = self._client.functions
        if not (block.notices or executor.notices or functions.notices):
            return ()
        told = [*block.notices, *functions.notices]
        told += [n if isinstance(n, Notice) else Notice(n) for n in executor.notices]
        for kept in (block.notices, executor.notices, functions.notices):
            kept.clear()
        unwanted = SEVERITIES[: self._client.settings.least_severity]
        return [notice for notice in told if notice.severity.lower() not in unwanted]

    def speak_through(self, tell: Callable[[], None]) -> None:
        """Take what is called when `notices` are to reach the client before its statement ends."""
        self._client.tell = tell

    @property
    def notation(self) -> Notation:
        """How the client's values are written and read now."""
        return self._client.settings.notation

    @property
    def notifier(self) -> Notifier:
        """What the client listens to; see `notifications`."""
        return self._client.notifier

    def notifications(self) -> Sequence[Notification]:
        """What has arrived for the client; nothing while it is in a transaction."""
        return self._client.notifier.drain() if self._client.block.is_free else ()

    def idle_limit(self) -> tuple[float, GatewayError] | None:
        """How long the client may say nothing now, in seconds, and what it is told then."""
        return idle_limit(self._client.block.status, self._client.idle_seconds)

    def backend(self, *, busy: bool, since: float) -> Backend:
        """The client as others see it, from any thread; `busy`: awaits an answer, `since` then."""
        name = self._client.settings.show("application_name")[1]
        progress = self._account.progress()  # a COPY that waits for rows is busy, too
        activity = Activity(busy or progress is not None, since, self._doing.locks())
        return self._doing.backend(name, self.status, activity, progress)

    @property
    def status(self) -> str:
        """ReadyForQuery's letter: "I" idle, "T" in a transaction, "E" in a failed one."""
        return self._client.block.status

    # Simple query

    def run_simple(self, text: str) -> Iterator[Result]:
        """One Result per statement of a Query message, each run when it is asked for.

        Several statements in one message are one transaction, as in PostgreSQL.
        """
        self.settle()
        self._client.begin()
        self._client.portals.close("")
        self._doing.note(text, self.status)
        self._account.begin(text)
        text = self._as_conforming(text)
        if "$" not in text and not self._recall.knows(text):
            alike = self._shapes.run(self._client, text)
            if alike is not None:
                yield self._followed(alike)
                return
        if not (found := self._recall.read(text)):
            yield self._followed(Result(""))
        self._client.several = len(found) > 1
        for number, statement in enumerate(found):
            if number:
                self._client.begin(first=False)
                self._account.begin(statement.text)
            self._account.run(statement)
            self._client.block.admit(statement)
            refuse_parameters(statement)
            if self._client.several or _is_several(statement):
                self._client.begin_implicit(statement)
            yield self._followed(self._client.run(statement, Bound()))

    def _as_conforming(self, text: str) -> str:
        """The text as one for standard_conforming_strings on; what it is warned of, is noted."""
        self._conforming = Conforming(text)
        settings = self._client.settings
        if settings.conforms:
            return text
        allowed = settings.show("backslash_quote")[1] != "off"
        self._conforming = conforming(text, quotes=allowed)
        if settings.show("escape_string_warning")[1] == "on":
            self._client.block.notices += [
                Notice(message, "WARNING", NonstandardEscape.code, hint=hint)
                for message, hint in self._conforming.warnings
            ]
        return self._conforming.text

    def _followed(self, result: Result, *, again: bool = False) -> Result:
        self._account.follow(result, again=again)
        return result

    def execute_sql(self, sql: str, params: object = None) -> Result:
        """buenavista's entry: the last statement's result."""
        return list(self.run_simple(sql))[-1]

    # Extended query

    def parse(self, name: str, text: str, parameter_oids: Sequence[int]) -> None:
        """Keep a prepared statement; oid 0 leaves the type to be inferred."""
        self.settle()
        self._client.begin()
        self._doing.note(text, self.status)
        self._account.begin(text)
        self._client.prepared.make_way(name)
        text = self._as_conforming(text)
        prepared = prepare(self._client, text, parameter_oids)
        self._client.check_time()
        self._client.prepared.admit(name)
        self._client.prepared.keep(name, prepared)
        self._account.parsed()

    def parameter_types(self, statement: str) -> tuple[Type, ...]:
        """The type of each parameter, declared or inferred."""
        return parameters_now(self._client.registry, self._client.prepared.named(statement))

    def describe_statement(self, name: str) -> tuple[Field, ...] | None:
        """The columns it will give, without running it; None when it gives no rows."""
        prepared = self._client.prepared.named(name)
        if self._client.block.status != "E":
            look_again(self._client, prepared)
        return self._told(prepared)

    def bind(self, portal: str, statement: str, parameters: Sequence[pa.Scalar]) -> None:
        """Make a portal; each parameter has the Arrow type of its parameter type, NULL included."""
        prepared = self._client.prepared.named(statement)
        wanted = len(prepared.described.parameters)
        if len(parameters) != wanted:
            raise ProtocolViolation(
                f"bind message supplies {len(parameters)} parameters, but prepared statement "
                f'"{statement}" requires {wanted}'
            )
        self.admit(statement)
        self._client.portals.admit(portal)
        prepared.count()
        self._client.portals.keep(portal, Portal(prepared, parameters))

    def admit(self, statement: str) -> None:
        """Refuse to bind a prepared statement in a failed transaction, but for its end.

        Raises:
            InFailedTransaction: 25P02.
        """
        prepared = self._client.prepared.named(statement)
        self._client.block.admit(prepared.statement)
        if prepared.statement is not None:
            look_again(self._client, prepared)

    def describe_portal(self, name: str) -> tuple[Field, ...] | None:
        """The columns a portal will give, without running it."""
        return self._told(self._client.portals.named(name).prepared)

    def _told(self, prepared: Prepared) -> tuple[Field, ...] | None:
        fields = self._fields(prepared)
        if fields is not None:
            self._client.block.refuse_failed()
        return fields

    def _fields(self, prepared: Prepared) -> tuple[Field, ...] | None:
        """What EXECUTE and FETCH give depends on names, and these may change hands."""
        statement, described = prepared.statement, prepared.described
        if statement is not None and statement.kind in (Kind.PREPARED, Kind.CURSOR):
            self._client.begin()
            types = dict(enumerate(described.parameters, 1))
            return describe(self._client, statement, types).fields
        return described.fields

    def execute(self, portal: str, *, last: bool = False) -> Result:
        """The portal's result: run at the first call, the same Result at later ones.

        With `last` a Sync follows: a statement that opens no transaction for others is one.
        Without, the result may be told before it is done (`Result.waits`): by `settle`.
        """
        found = self._client.portals.named(portal)
        if (not last or self.batches.statement) and self.batches.takes(found):
            return self.batches.add(found)
        self.settle()
        self._client.begin()
        statement = found.prepared.statement
        self._account.begin("" if statement is None else statement.text)
        if statement is not None:
            self._doing.note(statement.text, self.status)
            self._account.run(statement)
        if found.result is None:
            again = partial(look_again, self._client, found.prepared)
            with self._client.executor.described(again):
                start(self._client, found, alone=last and not _is_several(statement))
            assert found.result is not None
            found.prepared.check(found.result)
            return self._followed(found.result)
        if statement is not None:
            self._client.block.admit(statement)
        if (found.result.fields is None and statement is not None) or found.result.failed:
            raise ObjectNotInPrerequisiteState(f'portal "{portal}" cannot be run')
        return self._followed(found.result, again=True)

    def settle(self, *, last: bool = False) -> None:
        """Do the executions that wait, `batches.done` of which are before an error.

        Anything but more of them does so, too. With `last` a Sync is what comes next.
        """
        if self.batches.statement is not None:
            self.batches.settle(alone=last)

    def close_statement(self, name: str) -> None:
        """Forget it; no error when there is none."""
        self._client.prepared.forget(name)

    def close_portal(self, name: str) -> None:
        """Forget it; no error when there is none."""
        self._client.portals.close(name)

    # Ends

    def sync(self) -> None:
        """Sync arrived, or a simple query ended: the implicit transaction ends, and its portals."""
        self.settle(last=True)
        self._client.several = False
        self._client.block.end_implicit()
        self._doing.settle()
        if self._client.block.status == "I":
            self._client.end_transaction(committed=True)

    def told(self, error: GatewayError) -> GatewayError:
        """An error as the client may see it."""
        error.position = self._conforming.position(error.position)
        return self._client.identity.hide(error)

    def fail(self, error: GatewayError) -> None:
        """An error was reported to the client: undo the implicit transaction, or mark the block."""
        self.batches.forget()
        self._account.end(error.code, error)
        self._client.several = False
        self._client.fail()

    def cancel(self) -> None:
        """Stop the running statement, from any thread: it raises QueryCanceled (57014)."""
        self._client.cancel()

    def in_transaction(self) -> bool:
        """True between BEGIN and its end."""
        return self._client.block.status != "I"

    def close(self) -> None:
        """The client is gone: roll back, stop the engine."""
        attend(None)
        self._account.end(AdminShutdown.code)
        self._client.portals.close_all()
        self._client.notifier.close()
        self._client.engine.close()
        self._client.store.close()


def _is_several(statement: Statement | None) -> bool:
    """Whether it is one statement to the client and several to the store."""
    if statement is None or statement.kind is Kind.BLOCK:
        return statement is not None
    return isinstance(statement.tree, DropStatement) and len(statement.tree.names) > 1
