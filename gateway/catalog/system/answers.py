"""One client's way to the catalogue: which queries go there, their columns, their rows.

Sizes and counters are variables of the database. What is not asked for is not measured: to look at
a table's blocks takes some milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.authority import Authority
from gateway.catalog.registry import Registry
from gateway.catalog.system import deeds
from gateway.catalog.system.contents import ViewColumns, contents_of
from gateway.catalog.system.entries import Contents
from gateway.catalog.system.names import Moment
from gateway.catalog.system.ownership import with_rights
from gateway.catalog.system.queries import CatalogueDatabase, Translated
from gateway.catalog.system.readers import Stopping
from gateway.catalog.system.routing import is_for_catalogue
from gateway.catalog.system.shown import shown, type_of
from gateway.catalog.translation.coercing import registered
from gateway.catalog.translation.terms import Output
from gateway.errors import FeatureNotSupported, GatewayError
from gateway.store.rows.measures import Measures
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A result column: name, type, modifier, and the (relation oid, column number) it shows."""

    name: str
    type: Type
    typmod: int
    origin: tuple[int, int]


_STARTED = datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Session:
    """What the catalogue must know of the client: asked anew for every query.

    Args:
        settings: Values as pg_settings has them; `shown` gives those that SHOW prints, of all.
        held: Rows of its cursors and prepared statements (`row_functions.RELATIONS`).
        deeds: Functions that stop other clients.
        deadlocks: How many statements were ended by one.
    """

    user: str
    database: str
    process_id: int
    version: str
    settings: Mapping[str, str]
    changed: Sequence[str] = ()  # of the settings, by the session itself
    hidden: Sequence[str] = ()  # settings that are not told to everyone
    started: datetime = _STARTED
    activity: Callable[[], list[dict[str, Any]]] = list
    session_user: str = ""
    shown: Callable[[], Mapping[str, str]] = dict
    held: Callable[[], Mapping[str, list[dict[str, Any]]]] = dict
    deeds: deeds.Deeds = field(default_factory=dict)
    deadlocks: Callable[[], int] = int


class Client(Protocol):
    """Whose catalogue it is."""

    @property
    def session(self) -> Session:
        """What is to be known of the client now."""


class Catalogue:
    """Answers one client's catalogue queries.

    Args:
        database: The shared database.
        registry: The client's names.
        authority: Who may do what.

    Attributes:
        client: Who asks.
        view_columns: The columns of a view, which only the session can tell.
        stopping: What stops its queries.
    """

    client: Client
    view_columns: ViewColumns

    def __init__(
        self, database: CatalogueDatabase, registry: Registry, authority: Authority
    ) -> None:
        self._database, self._registry, self._authority = database, registry, authority
        self.stopping = Stopping()
        self._looking = False  # at what there is

    def answers(self, text: str, tree: object) -> bool:
        """Whether the query is one for the catalogue; kept with the tree, which clients share."""
        if not isinstance(tree, exp.Query) or "pg_catalog" in self._registry.search_path:
            return self._can_answer(text, tree)
        key = "route " + ",".join(self._registry.search_path)
        found: bool | None = tree.meta.get(key)
        if found is None:
            found = tree.meta[key] = self._can_answer(text, tree)
        return found

    def _can_answer(self, text: str, tree: object) -> bool:
        """Whether it is for the catalogue, and nothing in it that only the engine computes."""
        if not isinstance(tree, exp.Expr) or not is_for_catalogue(tree, self._registry):
            return False
        try:
            self._translated(self.moment(), text, tree, {})
        except FeatureNotSupported:
            return False
        except GatewayError:  # it is told in its turn, once types of parameters are declared
            return True
        return True

    def describe(
        self, text: str, tree: exp.Expr, declared: Mapping[int, Type]
    ) -> tuple[tuple[Type, ...], tuple[ResultColumn, ...]]:
        """Types of parameters and columns, without running it."""
        query = self._translated(self.moment(), text, tree, declared)
        parameters = tuple(type_of(oid) for _, oid in sorted(query.parameters.items()))
        return parameters, _columns(query)

    def query(
        self, text: str, tree: exp.Expr, types: Mapping[int, Type], values: Sequence[pa.Scalar]
    ) -> tuple[tuple[ResultColumn, ...], pa.RecordBatch]:
        """The columns and all rows."""
        moment = self.moment()
        query = self._translated(moment, text, tree, types)
        given = {
            f"p{n}": self._value(moment, value, types.get(n)) for n, value in enumerate(values, 1)
        }
        rows = self._database.run(moment, query, given, self.variables(query), self.stopping)
        columns = _columns(query)
        arrays = [
            shown(moment, rows.column(n).combine_chunks(), output)
            for n, output in enumerate(query.outputs)
        ]
        arrays = deeds.done(query.outputs, arrays, self.client.session.deeds)
        names = [f"c{n}" for n in range(len(arrays))]
        if not arrays:
            return columns, pa.RecordBatch.from_struct_array(pa.array([{}] * rows.num_rows))
        return columns, pa.RecordBatch.from_arrays(arrays, names=names)

    def variables(self, query: Translated) -> Mapping[str, Any]:
        """What functions of the session read when a query runs."""
        session = self.client.session
        shown = session.shown() if "'shown_names'" in query.sql else {}
        held = session.held() if query.shows_session else {}
        measured = measures_of(self._registry.store.measures, session.deadlocks, query)
        return {
            **held,
            **measured,
            "pid": session.process_id,
            "version": session.version,
            "session_user": session.session_user,
            "started": session.started,
            "activity": session.activity() if query.shows_activity else None,
            "setting_names": [name.lower() for name in session.settings],
            "setting_hidden": list(session.hidden),
            "setting_changed": [name.lower() for name in session.changed],
            "setting_values": list(session.settings.values()),
            "shown_names": [name.lower() for name in shown],
            "shown_values": list(shown.values()),
        }

    def moment(self) -> Moment:
        """The catalogue as the client sees it now."""
        if self._looking:  # a view reads the catalogue, which is about to show its columns
            return self._moment(lambda: self._contents_with(lambda view: ()))
        return self._moment(self._contents)

    def _contents(self) -> Contents:
        self._looking = True
        try:
            return self._contents_with(self.view_columns)
        finally:
            self._looking = False

    def _contents_with(self, view_columns: ViewColumns) -> Contents:
        held = contents_of(self._registry, view_columns, self._database.entries)
        return with_rights(held, self._authority, self._database.entries)

    def _moment(self, contents: Callable[[], Contents]) -> Moment:
        session = self.client.session
        path = self._registry.search_path
        held = *self._registry.holding(), self._authority.session_user, self._looking
        return self._database.moment(held, contents, session.user, session.database, path)

    def _translated(
        self, moment: Moment, text: str, tree: exp.Expr, declared: Mapping[int, Type]
    ) -> Translated:
        oids = {n: kind.oid for n, kind in declared.items()}
        return self._database.translate(moment, text, deeds.asked(tree), oids)

    def _value(self, moment: Moment, value: pa.Scalar, kind: Type | None) -> Any:
        found = value.as_py()
        if isinstance(found, list) and kind is not None and kind.element is not None:
            return [_plain(moment, each, kind.element) for each in found]
        return found if kind is None else _plain(moment, found, kind)


def _plain(moment: Moment, value: Any, kind: Type) -> Any:
    """A parameter's value; that of a reg type, which has a number or a name, as its number."""
    if not isinstance(value, dict):
        return value
    return registered(moment, kind.name, value["text"]) if value["oid"] is None else value["oid"]


def _columns(query: Translated) -> tuple[ResultColumn, ...]:
    return tuple(_column(deeds.output_of(each)) for each in query.outputs)


def _column(output: Output) -> ResultColumn:
    return ResultColumn(output.name, type_of(output.type), output.typmod, output.origin)


_COMMANDS = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
_OF_VIEWS = ("pg_catalog.pg_stat_", "pg_catalog.pg_statio_")


def measures_of(
    measures: Measures, deadlocks: Callable[[], int], query: Translated
) -> Mapping[str, Any]:
    """The variables that a query reads: `measured_NAME`, and `measured_NAME_of` with the tables.

    Args:
        measures: Of the store.
        deadlocks: How many statements were ended by one.
        query: It.
    """
    if not query.shows_measures:
        return {}
    views = any(name.startswith(_OF_VIEWS) for name in query.used)

    def asked(name: str) -> bool:
        return views or f"'measured_{name}" in query.sql

    found: dict[str, Any] = {
        "measured_commits": measures.counts.committed,
        "measured_rollbacks": measures.counts.rolled_back,
        "measured_deadlocks": deadlocks(),
    }
    changed = measures.counts.rows.copy()
    by_table: dict[str, Mapping[int, int]] = {
        name: {oid: n for (oid, command), n in changed.items() if command == meant}
        for name, meant in _COMMANDS.items()
    }
    by_table["rows"] = measures.rows() if asked("rows") else {}
    by_table["bytes"] = measures.stored_bytes() if "'measured_bytes" in query.sql else {}
    if "'measured_database'" in query.sql:
        found["measured_database"] = measures.database_bytes()
    for name, values in by_table.items():
        found[f"measured_{name}_of"] = list(values)
        found[f"measured_{name}"] = list(values.values())
    return found
