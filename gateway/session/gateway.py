"""A server's sessions: buenavista's Connection over engine, store and datasets."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from buenavista.core import Connection

from gateway.catalog.system.queries import CatalogueDatabase
from gateway.config import Settings
from gateway.engine.interface import Engine
from gateway.roles import roles_of
from gateway.session.activity.account import watching_of
from gateway.session.activity.notifications import Channels
from gateway.session.computation import Computation
from gateway.session.lifting import Shapes
from gateway.session.portals.allowance import allowance_of
from gateway.session.queries.statement_cache import StatementCache
from gateway.session.session import Session
from gateway.sources.table import Table, TableName
from gateway.sql.statements.limits import Limits
from gateway.store.tables import Store


def limits_of(settings: Settings) -> Limits:
    """What the settings let a statement ask for."""
    return Limits(
        statement_bytes=settings.statement_bytes,
        statement_nodes=settings.statement_nodes,
        planning_steps=settings.planning_steps,
        union_branches=settings.union_branches,
    )


class Gateway(Connection):  # type: ignore[misc]  # buenavista carries no types
    """buenavista's Connection over our parts: makes a Session per client.

    Args:
        engine: Runs the queries.
        store: Keeps the user tables.
        grids: The xarray tables.
        settings: Those with the limits of statements and the roles.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        grids: Mapping[TableName, Table],
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        settings = settings or Settings()
        limits = limits_of(settings)
        self.statement_cache: StatementCache[Computation] = StatementCache(limits)
        self.watching = watching_of(settings)
        parts = (engine, store, grids, self.statement_cache, CatalogueDatabase(), Shapes(limits))
        self._parts = (
            *parts,
            self.watching,
            roles_of(settings),
            Channels(),
            allowance_of(settings),
        )
        # What the engine's and the store's allocators set up for a thread that asks them is kept
        # as long as it lives: 0.3 MB for each idle client, if its own thread makes its session.
        self._maker = ThreadPoolExecutor(1, "sessions")

    def new_session(self) -> Session:
        """A session for a client that is about to start."""
        return self._maker.submit(Session, *self._parts).result()

    def close(self) -> None:
        """Make no more sessions."""
        self._maker.shutdown()
