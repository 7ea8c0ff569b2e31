"""The catalogue beside other tables: its relations as the engine's tables, its functions lent.

A query over users' tables runs on the engine. Relations of the catalogue in it are rows in memory,
as a query of the catalogue's own would give them; a call of one of its functions becomes a
function of the client's engine session that asks the catalogue, once for each set of arguments.
There, and in those tables, a reg value is its number; a column of type regproc is text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.catalog.system.names import Moment
from gateway.catalog.system.queries import CatalogueDatabase, Translated
from gateway.catalog.system.readers import Stopping
from gateway.catalog.system.routing import is_catalogue_function, is_system
from gateway.catalog.system.shown import column_type, engine_values, held, registered_values
from gateway.catalog.system.static import static
from gateway.catalog.translation.coercing import REGISTERED, registered
from gateway.engine.interface import EngineSession
from gateway.errors import FeatureNotSupported
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.lending import Lent
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.names.scope import table_node
from gateway.sql.text.dialect import parse
from gateway.store.rows.snapshots import Snapshot
from gateway.types import Type

_REG_NAMES = {kind: oid for oid, kind in REGISTERED.items()}


class Asking(Protocol):
    """Whose catalogue it is, at this moment; `stopping` stops its queries."""

    stopping: Stopping

    def moment(self) -> Moment:
        """What names mean now."""

    def variables(self, query: Translated) -> Mapping[str, Any]:
        """What functions of the session read."""


class SystemTables:
    """The catalogue's relations and functions for one client's queries over other tables.

    Args:
        database: The shared database.
        registry: The client's names.
        asking: The client's catalogue.
        engine: Who is lent to.
    """

    def __init__(
        self,
        database: CatalogueDatabase,
        registry: Registry,
        asking: Asking,
        engine: EngineSession,
    ) -> None:
        self._database, self._registry = database, registry
        self._asking, self._engine = asking, engine
        self._kept: dict[TableName, tuple[str, Table]] = {}
        self._lent: dict[tuple[str, tuple[Type | None, ...]], tuple[_Call, Lent]] = {}
        self._shown: dict[str, _Names] = {}

    # Relations

    def relation(self, schema: str, name: str) -> Relation | None:
        """The catalogue's relation that a name means; None when it means none."""
        full = is_system(schema, name, self._registry)
        known = static().columns.get(full) if full is not None else None
        if full is None or known is None:
            return None
        columns = {c.name: ColumnInfo(column_type(c.type)) for c in known}
        return Relation(TableName(*full.split(".")), columns)

    def table(self, name: TableName) -> Table:
        """The rows of one of them, as they are now."""
        moment = self._asking.moment()
        kept = self._kept.get(name)
        if kept is not None and kept[0] == moment.schema:
            return kept[1]
        text = f"TABLE {name.schema}.{name.name}"
        query = self._database.translate(moment, text, _everything(name), {})
        rows = self._database.run(
            moment, query, {}, self._asking.variables(query), self._asking.stopping
        )
        columns = [
            engine_values(moment, rows.column(n).combine_chunks(), output.type)
            for n, output in enumerate(query.outputs)
        ]
        names = [output.name for output in query.outputs]
        table = Snapshot(pa.Table.from_arrays(columns, names=names))
        if query.is_lasting:
            self._kept[name] = moment.schema, table
        return table

    # Functions

    def has(self, function: str) -> bool:
        """Whether a function of that name is the catalogue's alone."""
        return is_catalogue_function(function)

    def number(self, kind: str, text: str) -> int:
        """The oid that a text means as a reg type; see `sql.lowered.lending.Lender`."""
        return registered(self._asking.moment(), kind, text)

    def lend(self, call: str, types: Sequence[Type | None]) -> Lent:
        """The engine's function for a call; see `sql.lowered.lending.Lender`."""
        moment = self._asking.moment()
        key = call, tuple(types)
        known = self._lent.get(key)
        if known is not None:
            known[0].moment = moment
            return known[1]
        made = _Call(self._database, self._asking, moment, call, types)
        lent = Lent(f"catalogue_{len(self._lent) + 1}", column_type(made.result, numbers=True))
        self._lent[key] = made, lent
        arguments = [_taken(kind) for kind in made.arguments] or [pa.int64()]
        self._engine.provide(lent.name, made.compute, arguments, held(lent.result))
        return lent

    def shown(self, kind: Type) -> str:
        """The engine's function that makes of numbers what clients see of a reg type."""
        name, moment = f"shown_{kind.name}", self._asking.moment()
        known = self._shown.get(name)
        if known is not None:
            known.moment = moment
            return name
        made = self._shown[name] = _Names(moment, kind)
        self._engine.provide(name, made.compute, [pa.int64()], kind.arrow)
        return name


class _Names:
    """The names of the objects that some numbers are of."""

    def __init__(self, moment: Moment, kind: Type) -> None:
        self.moment, self._kind = moment, kind

    def compute(self, columns: Sequence[list[Any]]) -> list[Any]:
        numbers = pa.array(columns[0], pa.int64())
        base = _REG_NAMES[self._kind.name]
        found = registered_values(self.moment, numbers, base, self._kind.arrow)
        names: list[Any] = found.to_pylist()
        return names


class _Call:
    """A call of the catalogue's over rows of arguments.

    Args:
        call: An expression over `$1`, `$2`, ...
        types: Their types; None: the place tells.
    """

    def __init__(
        self,
        database: CatalogueDatabase,
        asking: Asking,
        moment: Moment,
        call: str,
        types: Sequence[Type | None],
    ) -> None:
        self._database, self._asking, self.moment = database, asking, moment
        self._text = f"SELECT {call} AS found"
        self._tree: exp.Expr = parse(self._text)[0]
        self._declared = {n: kind.oid for n, kind in enumerate(types, 1) if kind is not None}
        query = self._translated()
        if query.returns_set:
            raise FeatureNotSupported(f"{call.partition('(')[0]} beside tables is not supported")
        self.result = query.outputs[0].type
        self.arguments = [
            column_type(query.parameters[n], numbers=True) for n in range(1, len(types) + 1)
        ]

    def _translated(self) -> Translated:
        return self._database.translate(self.moment, self._text, self._tree, self._declared)

    def compute(self, columns: Sequence[list[Any]]) -> list[Any]:
        """The value for each row; each set of arguments is asked about once."""
        given_columns = columns if self.arguments else [[None] * len(columns[0])]
        rows = [tuple(map(_hashable, row)) for row in zip(*given_columns, strict=True)]
        places = {row: n for n, row in enumerate(dict.fromkeys(rows))}
        arguments = {
            f"p{n}": pa.array([row[n - 1] for row in places], _taken(kind))
            for n, kind in enumerate(self.arguments, 1)
        }
        given = pa.table({"n": pa.array(range(len(places)), pa.int64()), **arguments})
        query = self._translated()
        found = self._database.run_over(
            self.moment, query, given, self._asking.variables(query), self._asking.stopping
        )
        values = engine_values(
            self.moment, found.column(0).combine_chunks(), self.result, numbers=True
        )
        taken = pc.take(values, pa.array([places[row] for row in rows], pa.int64()))
        answer: list[Any] = taken.to_pylist()
        return answer


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _taken(kind: Type) -> pa.DataType:
    """How the engine hands over values of a type; it makes no unsigned numbers of signed ones."""
    return pa.int64() if held(kind) == pa.uint32() else held(kind)


def _everything(name: TableName) -> exp.Expr:
    return exp.select("*").from_(table_node(name))
