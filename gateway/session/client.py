"""All that one client holds: names, settings, prepared statements, portals, transaction.

`session` decides when a statement runs and what an error or a Sync ends, `dispatch` who does it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from gateway.catalog.registry import Registry
from gateway.catalog.system.answers import Catalogue
from gateway.catalog.system.lending import SystemTables
from gateway.catalog.system.queries import CatalogueDatabase
from gateway.engine.interface import EngineSession
from gateway.errors import QueryCanceled
from gateway.interrupts import attend
from gateway.roles import Roles
from gateway.session.access.identity import Identity
from gateway.session.activity.account import Account, Watching
from gateway.session.activity.backends import Doing
from gateway.session.activity.deadline import Deadline, check_time
from gateway.session.activity.lock_waits import standing
from gateway.session.activity.notifications import Channels, Notifier
from gateway.session.activity.statement_views import own_tables
from gateway.session.computation import Bound, Computation
from gateway.session.portals.allowance import Allowance
from gateway.session.portals.cursor_views import held_rows
from gateway.session.portals.portals import Portals
from gateway.session.portals.prepared import PreparedStatements
from gateway.session.queries.functions import SessionFunctions
from gateway.session.queries.kept_queries import KeptQueries, Standing
from gateway.session.queries.sequences import SequenceCalls
from gateway.session.queries.statement_cache import StatementCache
from gateway.session.result import Result
from gateway.session.settings.settings import ClientSettings
from gateway.session.transactions import locking
from gateway.session.transactions.modes import refuse_changes
from gateway.session.transactions.transaction import TransactionBlock
from gateway.session.writes.execution import Executor
from gateway.session.writes.expressions import EngineExpressions
from gateway.sources.table import Table, TableName
from gateway.sql.inputs.notation import Notation
from gateway.sql.inputs.zones import engine_zone
from gateway.sql.statements.commands import ExecuteStatement
from gateway.sql.statements.statement import Kind, Statement
from gateway.store.tables import StoreSession
from gateway.store.transactions.isolation import Isolation

Runner = Callable[["Client", Statement, Bound], Result]

# What bounds a client's silence.
_SILENCES = ("idle_session_timeout", "idle_in_transaction_session_timeout")


class Client:
    """What one client holds, and the running of its statements.

    Args:
        engine: Its share of the engine.
        store: Its view of the user tables.
        grids: The xarray tables.
        statement_cache: What was worked out before, by any client.
        catalogue: Where queries over pg_catalog and information_schema run, for all clients.
        watching: How its statements are watched.
        roles: The server's roles.
        channels: Who listens to what in the server.
        allowance: What the client may keep.
        runners: Who does a statement of each kind.
    """

    def __init__(
        self,
        engine: EngineSession,
        store: StoreSession,
        grids: Mapping[TableName, Table],
        statement_cache: StatementCache[Computation],
        catalogue: CatalogueDatabase,
        watching: Watching,
        roles: Roles,
        channels: Channels,
        allowance: Allowance,
        runners: Mapping[Kind, Runner],
    ) -> None:
        self.engine, self.store, self._runners = engine, store, runners
        self.account = Account(watching, lambda: engine.reads)
        self.registry = Registry(grids, store)
        self.identity = Identity(self.registry, roles)
        authority = self.identity.authority
        answers = Catalogue(catalogue, self.registry, authority)
        system = SystemTables(catalogue, self.registry, answers, engine)
        self.registry.system = system
        self.executor = Executor(
            engine, self.registry, answers, {}, statement_cache, system, self.account, authority
        )
        self.executor.standing = self._standing
        self.prepared = PreparedStatements(allowance.prepared_bytes)
        self.portals = Portals(allowance.portal_bytes, allowance.kept)
        self.block = TransactionBlock(store)
        self._cancelled = False  # since the statement came
        self.arrived = 0.0  # when the statement came, on the clock of `time.monotonic`
        self.tell: Callable[[], None] = lambda: None  # lets the client have its notices now
        self.several = False  # the message holds several statements, so they are one transaction
        self.sequences = SequenceCalls(self.registry, authority, self.is_read_only)
        self.sequences.provide(engine)
        self.notifier = Notifier(channels, store.shared_locks, store)
        self.notifier.provide(engine)
        store.expressions = EngineExpressions(self.executor, self.sequences)
        store.read_by_cursors = lambda: self.portals.read(self.registry)
        self.introduce("", "", Doing())

    def introduce(self, user: str, database: str, doing: Doing) -> None:
        """Take who the client is; its settings begin anew."""
        connected = doing.connected
        self.engine.set_clocks(doing.transaction_moment, doing.statement_moment)
        self.block.chained = doing.begin_again
        doing.locks = lambda: standing(self.store)
        self.settings = self.identity.begin(user, database)
        self.registry.database = database
        limit = self.identity.roles.of(user).memory_bytes
        if limit is not None:
            self.engine.limit_memory(limit)
            self.portals.limit(limit)
        self.executor.kept = self.portals.room
        self.functions = SessionFunctions(
            self.settings,
            self.identity.authority,
            database,
            connected,
            self.account.ledger,
            self.notifier,
            lambda: held_rows(self.portals, self.prepared),
            doing.transaction_number,
        )
        self.notifier.process_id = connected.process_id
        self.executor.catalogue.client = self.functions
        self.registry.own = own_tables(self.account.ledger, user, connected)
        self.notation, self._role = Notation(""), ""
        self.executor.kept_queries = KeptQueries()
        self._followed = -1
        self.follow_settings()

    def follow_settings(self) -> None:
        """Give the settings that others go by to them."""
        if self._followed == self.settings.changes:
            return
        self.identity.follow(self.settings)
        self._followed = self.settings.changes
        self.store.lock_seconds = self.settings.seconds("lock_timeout")
        self._statement_seconds = self.settings.seconds("statement_timeout")
        self.idle_seconds = {name: self.settings.seconds(name) for name in _SILENCES}
        self.store.isolation = Isolation.named(self.settings.show("transaction_isolation")[1])
        arrays = self.settings.show("gradwire.array_aggregation")[1]
        self.executor.array_aggregation = arrays == "on"
        path, notation = self.settings.search_path, self.settings.notation
        role = self.identity.authority.role
        if (path, notation, role) != (self.registry.search_path, self.notation, self._role):
            self.registry.search_path, self.notation, self._role = path, notation, role
            self.engine.set_time_zone(engine_zone(notation.zone))
            self.executor.constants = self.functions.constants(notation)

    def cancel(self) -> None:
        """Stop the running statement, from any thread: it raises QueryCanceled (57014)."""
        self._cancelled = True
        self.engine.cancel()
        self.store.cancel()
        self.executor.catalogue.stopping.cancel()

    def begin(self, *, first: bool = True) -> None:
        """A statement has come: its time runs, and only a `cancel` after this stops it.

        One that is not the `first` of its message is also stopped by those since that came.
        """
        self.arrived = time.monotonic()
        self._cancelled = self._cancelled and not first
        attend(self.check_wanted)
        self.engine.begin()
        self.executor.catalogue.stopping.begin()
        self.check_wanted()

    # Running

    def check_time(self) -> None:
        """Refuse to go on with a statement whose time is up: 57014."""
        check_time(self._statement_seconds, self.arrived)

    def check_wanted(self) -> None:
        """Refuse to go on with a statement that was cancelled, or whose time is up: 57014."""
        self.check_time()
        if self._cancelled:
            raise QueryCanceled("canceling statement due to user request")

    def run(self, statement: Statement, bound: Bound) -> Result:
        """Do one statement; the rows of a query are computed as they are read."""
        if not self._statement_seconds:
            return self._run(statement, bound)
        deadline = Deadline(self._statement_seconds, self.cancel, self.arrived)
        with deadline.running():
            result = self._run(statement, bound)
        deadline.follow(result)
        return result

    def _run(self, statement: Statement, bound: Bound) -> Result:
        kept = self.executor.kept_queries.find(statement, bound.types, self._standing())
        if kept is not None:
            self.block.ask(statement)
            return self.executor.again(kept, bound)
        self.block.admit(statement)
        if self.is_read_only():
            refuse_changes(statement, self.registry)
        self.identity.check(statement)
        self.block.ask(statement)
        self.functions.bound = None if statement.kind is Kind.EXPLAIN else bound.values
        try:
            run = self._runners[statement.kind]
            result = locking.until_rows_are_free(self.store, lambda: run(self, statement, bound))
        finally:
            self.functions.bound = None
        self.follow_settings()
        return result

    def _standing(self) -> Standing | None:
        """What a query stands on at this moment.

        None in a transaction that changed something, has failed, or sees one commit throughout.
        """
        moment = self.registry.moment() if self.block.reads_newest else None
        return None if moment is None else (self.settings.changes, *moment)

    def begin_implicit(self, statement: Statement) -> None:
        """Open the implicit transaction before a statement that changes something."""
        tree = statement.tree
        if isinstance(tree, ExecuteStatement):
            inner = self.prepared.find(tree.name)
            statement = inner.statement or statement if inner is not None else statement
        self.block.begin_implicit(statement)

    def is_read_only(self) -> bool:
        """Whether nothing may be changed now."""
        set_so = self.settings.show("transaction_read_only")[1] == "on"
        return set_so or self.identity.reads_only

    # Transactions and settings

    @property
    def followers(self) -> tuple[ClientSettings, Portals, Notifier]:
        """Who goes back when the transaction does."""
        return self.settings, self.portals, self.notifier

    def end_transaction(self, *, committed: bool) -> None:
        """What follows the transaction ends with it."""
        for follower in self.followers:
            if committed:
                follower.commit()
            else:
                follower.rollback()
        self.follow_settings()

    def fail(self) -> None:
        """A statement failed: undo the implicit transaction, or mark the block."""
        explicit = self.block.status != "I"
        self.block.fail()
        if not explicit:
            self.end_transaction(committed=False)
            return
        self.settings.fail()
        self.portals.fail()
        self.follow_settings()

    def in_transaction(self) -> bool:
        """Whether what is done now can be undone with what was done before."""
        return self.block.status != "I" or self.several

    # Prepared statements and portals
