"""One client's way to the catalogue: which queries go there, their columns, their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.contents import ViewColumns, contents_of
from gateway.catalog.names import Moment
from gateway.catalog.queries import CatalogueDatabase, Translated
from gateway.catalog.registry import Registry
from gateway.catalog.routing import Route, route
from gateway.catalog.static import static
from gateway.catalog.translation.coercing import REGISTERED
from gateway.catalog.translation.resolution import TEXT, element_of
from gateway.catalog.translation.terms import Output
from gateway.errors import FeatureNotSupported
from gateway.sql.dialect import RESERVED
from gateway.types import BY_OID, Type, by_oid


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A result column: name, type, modifier, and the (relation oid, column number) it shows."""

    name: str
    type: Type
    typmod: int
    origin: tuple[int, int]


_STARTED = datetime.now(UTC)


def _shows_activity(query: Translated) -> bool:
    return any(name.startswith("pg_catalog.pg_stat_") for name in query.used)


@dataclass(frozen=True, slots=True)
class Session:
    """What the catalogue must know of the client: asked anew for every query."""

    user: str
    database: str
    process_id: int
    version: str
    settings: Mapping[str, str]
    started: datetime = _STARTED
    activity: Callable[[], list[dict[str, Any]]] = list


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

    Attributes:
        client: Who asks.
        view_columns: The columns of a view, which only the session can tell.
    """

    client: Client
    view_columns: ViewColumns

    def __init__(self, database: CatalogueDatabase, registry: Registry) -> None:
        self._database, self._registry = database, registry

    def answers(self, tree: object) -> bool:
        """Whether the query is one for the catalogue.

        Raises:
            FeatureNotSupported: 0A000, it names relations of the catalogue and others.
        """
        found, position = self._route(tree)
        if found == Route.BOTH:
            raise FeatureNotSupported(
                "a query over system catalogues and other tables at once is not supported",
                hint="Ask the catalogue first, then the tables.",
                position=position,
            )
        return found == Route.CATALOGUE

    def _route(self, tree: object) -> tuple[Route, int]:
        """As `route`; kept with the tree, which clients that send the same text share."""
        if not isinstance(tree, exp.Query) or "pg_catalog" in self._registry.search_path:
            return route(tree, self._registry)
        key = "route " + ",".join(self._registry.search_path)
        found: tuple[Route, int] | None = tree.meta.get(key)
        if found is None:
            found = tree.meta[key] = route(tree, self._registry)
        return found

    def describe(
        self, text: str, tree: exp.Expr, declared: Mapping[int, Type]
    ) -> tuple[tuple[Type, ...], tuple[ResultColumn, ...]]:
        """Types of parameters and columns, without running it."""
        query = self._translated(self._moment(), text, tree, declared)
        parameters = tuple(type_of(oid) for _, oid in sorted(query.parameters.items()))
        return parameters, tuple(map(_column, query.outputs))

    def query(
        self, text: str, tree: exp.Expr, types: Mapping[int, Type], values: Sequence[pa.Scalar]
    ) -> tuple[tuple[ResultColumn, ...], pa.RecordBatch]:
        """The columns and all rows."""
        moment, session = self._moment(), self.client.session
        query = self._translated(moment, text, tree, types)
        given = {
            f"p{n}": self._value(moment, value, types.get(n)) for n, value in enumerate(values, 1)
        }
        variables = {
            "pid": session.process_id,
            "version": session.version,
            "reserved": sorted(RESERVED),
            "started": session.started,
            "activity": session.activity() if _shows_activity(query) else None,
            "setting_names": [name.lower() for name in session.settings],
            "setting_values": list(session.settings.values()),
        }
        rows = self._database.run(moment, query, given, variables)
        columns = tuple(map(_column, query.outputs))
        arrays = [
            _shown(moment, rows.column(n).combine_chunks(), output)
            for n, output in enumerate(query.outputs)
        ]
        names = [f"c{n}" for n in range(len(arrays))]
        if not arrays:
            return columns, pa.RecordBatch.from_struct_array(pa.array([{}] * rows.num_rows))
        return columns, pa.RecordBatch.from_arrays(arrays, names=names)

    def number_of(self, kind: str, text: str) -> int | None:
        """The oid that a text means as regclass, regtype, ..."""
        return self._moment().number(kind, text)

    def _moment(self) -> Moment:
        session = self.client.session
        registry = self._registry
        return self._database.moment(
            registry.store.version,
            lambda: contents_of(registry, self.view_columns),
            session.user,
            session.database,
            registry.search_path,
        )

    def _translated(
        self, moment: Moment, text: str, tree: exp.Expr, declared: Mapping[int, Type]
    ) -> Translated:
        oids = {n: kind.oid for n, kind in declared.items()}
        return self._database.translate(moment, text, tree, oids)

    def _value(self, moment: Moment, value: pa.Scalar, kind: Type | None) -> Any:
        found = value.as_py()
        if isinstance(found, dict):  # a reg type's value, by number or by name
            if found["oid"] is None and kind is not None:
                return moment.number(kind.name, found["text"])
            return found["oid"]
        return found


def type_of(oid: int) -> Type:
    """The type in which values are sent; a row, or one without a row of its own, is its text."""
    base = static().base(oid)
    return by_oid(base) if base in BY_OID else by_oid(TEXT)


def _column(output: Output) -> ResultColumn:
    return ResultColumn(output.name, type_of(output.type), output.typmod, output.origin)


def _shown(moment: Moment, values: pa.Array, output: Output) -> pa.Array:
    """A column as the wire takes it: numbers of objects with the names that they are shown by."""
    kind = type_of(output.type)
    base = static().base(output.type)
    if base in REGISTERED:
        return _registered(moment, values, base, kind.arrow)
    if element_of(base) in REGISTERED:
        inner = _registered(moment, values.values, element_of(base), kind.arrow.value_type)
        return pa.ListArray.from_arrays(values.offsets, inner, mask=values.is_null())
    if output.fields and pa.types.is_struct(values.type):
        return pa.array([_row_text(row) for row in values.to_pylist()], pa.string())
    if (
        values.type != kind.arrow
        and pa.types.is_string(kind.arrow)
        and not pa.types.is_string(values.type)
    ):
        return values.cast(pa.string())
    return values


def _registered(moment: Moment, values: pa.Array, base: int, arrow: pa.DataType) -> pa.Array:
    texts = moment.texts(REGISTERED[base])
    oids = values.to_pylist()
    rows = [
        None
        if oid is None
        else {"oid": oid, "text": texts.get(oid) or ("-" if not oid else str(oid))}
        for oid in oids
    ]
    return pa.array(rows, arrow)


def _row_text(row: dict[str, Any] | None) -> str | None:
    """A row as record_out writes it."""
    if row is None:
        return None
    parts = ["" if v is None else ("t" if v is True else "f" if v is False else str(v))
             for v in row.values()]  # fmt: skip
    return f"({','.join(parts)})"
