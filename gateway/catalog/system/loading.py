"""What catalogue queries read, made in DuckDB when a query first names it.

PostgreSQL's own rows are in the schema `static`, the relations with what the server holds beside
them in `held` (`HeldRelations`). System views stand in a query by what they are made of, until
their rows are settled in a table of the `Moment`'s own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from sqlglot import exp

from gateway.catalog.system.held import HeldRelations
from gateway.catalog.system.names import PLACE, TABLES, Moment
from gateway.catalog.system.pg_catalog import Part, parts_of
from gateway.catalog.system.session_rows import SESSION_VIEWS, session_parts
from gateway.catalog.system.static import static
from gateway.catalog.translation.coercing import quoted
from gateway.catalog.translation.expressions import Expressions
from gateway.catalog.translation.select import Selects
from gateway.catalog.translation.terms import Query
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import identifier

# What gives another value though no object has changed; macros read constants only.
_CHANGING = re.compile(r"\bnow\(|\brandom\(")
_VARIABLE = re.compile(r"getvariable\('(\w+)'\)")
_NAME = re.compile(re.escape(PLACE) + r'\."([^"]+)"')
_KEPT_VIEWS = 400
_ACL = 1034  # aclitem[]


@dataclass(frozen=True, slots=True)
class _View:
    """A system view's query, and the relations in it."""

    query: Query
    inside: frozenset[str]


class Loading:
    """Makes relations in a database, which one thread at a time may ask for.

    Args:
        connection: The database's.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute("CREATE SCHEMA settled")
        self._static: set[str] = set()
        self._held = HeldRelations(connection)
        self._queries: dict[tuple[Hashable, ...], _View] = {}  # of views, by whose they are
        self._parts: dict[tuple[str, str], Mapping[Hashable, Part]] = {}  # by moment and relation
        self._latest: dict[str, Mapping[Hashable, Part]] = {}  # by relation
        self._uses: Counter[tuple[str, str]] = Counter()
        self._settled: set[tuple[str, str]] = set()  # views whose rows are in a table
        self._changing = set(SESSION_VIEWS)
        self._place = ""  # of what is made ready now

    def forget(self, moment: Moment) -> None:
        """Drop all that was made for a moment."""
        self._held.forget(moment.schema)
        for key in [key for key in self._settled if key[0] == moment.schema]:
            self._connection.execute(f"DROP TABLE {_settled(*key)}")
            self._settled.remove(key)
        for kept in (self._parts, self._uses):
            for key in [key for key in kept if key[0] == moment.schema]:
                del kept[key]

    def ready(
        self,
        moment: Moment,
        place: str,
        sql: str,
        names: Iterable[str],
        reading: Mapping[str, int],
    ) -> str:
        """A translation as it can run: all that it reads is made and called by its name.

        Args:
            moment: On what it is to run.
            place: What functions are to name, which stands for the moment.
            sql: The translation.
            names: The relations that it uses.
            reading: How many queries run on each moment; what they read stays as it is.
        """
        self._place = place
        tables = {name: self._table(moment, name, reading, top=True) for name in sorted(names)}
        return self._placed(sql, tables)

    def _placed(self, sql: str, tables: Mapping[str, str]) -> str:
        """A translation over tables, as it runs."""
        return _NAME.sub(lambda match: tables[match[1]], sql).replace(PLACE, self._place)

    def variables(self, moment: Moment, sql: str, names: Iterable[str]) -> set[str]:
        """The variables that a query reads, itself or by the views in it."""
        found = read_by(sql)
        for name in names:
            if name in SESSION_VIEWS:
                found.update(_VARIABLE.findall(SESSION_VIEWS[name]))
            elif _is_view(name) and (moment.schema, name) not in self._settled:
                view = self._query(moment, name)
                found |= self.variables(moment, view.query.sql, view.inside)
        return found

    def is_steady(self, sql: str, used: frozenset[str]) -> bool:
        """Whether a query, whose relations are made, has the same rows while nothing changes.

        Nothing: no object, and none of `read_by` of its own text.
        """
        return not _CHANGING.search(sql) and not used & self._changing

    def _table(
        self, moment: Moment, name: str, reading: Mapping[str, int], top: bool = False
    ) -> str:
        """The SQL name of a relation with its rows; `top`: a client's query names it."""
        if name in SESSION_VIEWS:
            self._recorded("pg_catalog.pg_settings")
            return f"({SESSION_VIEWS[name]})"
        if _is_view(name):
            return self._system_view(moment, name, reading, top)
        base = self._recorded(name, moment.contents.ownership.first)
        key = moment.schema, name
        own = session_parts(name, moment)
        parts = own or self._parts.get(key) or _parts(name, moment, self._latest.get(name, {}))
        if not parts:
            return base
        self._parts[key] = self._latest[name] = parts
        base = f"(FROM {base} LIMIT 0)" if own is not None else base
        return self._held.table(moment.schema, name, parts, base, reading)

    # PostgreSQL's own rows

    def _recorded(self, name: str, first: str = "postgres") -> str:
        """The SQL name of PostgreSQL's own rows; in acls the first role is called `first`."""
        target = f'static."{name}"'
        if target not in self._static:
            self._static.add(target)
            self._load(name, target)
        columns = [column.name for column in static().columns.get(name, ()) if column.type == _ACL]
        if first == "postgres" or not columns:
            return target
        named = f'static."{name} {identifier(first).replace(chr(34), chr(34) * 2)}"'
        if named not in self._static:
            self._static.add(named)
            shown = quoted(identifier(first).replace("\\", "\\\\"))
            replaced = ", ".join(
                f"list_transform({column}, lambda item: regexp_replace(regexp_replace(item, "
                f"'^postgres=', {shown} || '='), '/postgres$', '/' || {shown})) AS {column}"
                for column in columns
            )
            sql = f"CREATE TABLE {named} AS SELECT * REPLACE ({replaced}) FROM {target}"
            self._connection.execute(sql)
        return named

    def _load(self, name: str, target: str) -> None:
        rows = static().tables.get(name)
        known = static().columns.get(name)
        if known is None:
            self._with(rows, f"CREATE TABLE {target} AS SELECT * FROM incoming")
            return
        kinds = [f'"{column.name}" {static().storage(column.type).duckdb}' for column in known]
        self._connection.execute(f"CREATE TABLE {target} ({', '.join(kinds)})")
        if rows is not None:
            self._with(rows, f"INSERT INTO {target} SELECT * FROM incoming")

    def _with(self, rows: pa.Table | None, sql: str) -> None:
        """Do something with rows, which `sql` calls incoming."""
        self._connection.register("incoming", rows)
        self._connection.execute(sql)
        self._connection.unregister("incoming")

    # Views

    def _system_view(self, moment: Moment, name: str, reading: Mapping[str, int], top: bool) -> str:
        """A view of PostgreSQL's own, in parentheses; its rows as a table once it was asked twice.

        information_schema's take long to plan.
        """
        key = moment.schema, name
        rows = _settled(*key)
        if key in self._settled:
            return rows
        view = self._query(moment, name)
        tables = {each: self._table(moment, each, reading) for each in sorted(view.inside)}
        if read_by(view.query.sql) or not self.is_steady(view.query.sql, view.inside):
            self._changing.add(name)
        inner = self._placed(view.query.sql, tables)
        items = ", ".join(
            f'CAST(q.c{n} AS {static().storage(column.type).duckdb}) AS "{column.name}"'
            for n, column in enumerate(static().columns[name], 1)
        )
        made = f"(SELECT {items} FROM ({inner}) AS q)"
        self._uses[key] += top
        if self._uses[key] < 2 or name in self._changing:
            return made
        self._connection.execute(f"CREATE TABLE {rows} AS SELECT * FROM {made}")
        self._settled.add(key)
        return rows

    def _query(self, moment: Moment, name: str) -> _View:
        key = name, moment.user, moment.database, *moment.path, "", *moment.explicit
        found = self._queries.get(key)
        if found is None:
            if len(self._queries) >= _KEPT_VIEWS:
                self._queries.clear()
            before, moment.used = moment.used, set()
            try:
                query = query_in(moment, parse(static().views[name])[0], {})
                found = self._queries[key] = _View(query, frozenset(moment.used))
            finally:
                moment.used = before
        return found


def read_by(sql: str) -> set[str]:
    """The variables that a text itself reads."""
    return set(_VARIABLE.findall(sql))


def _settled(moment: str, name: str) -> str:
    return f'settled."{moment} {name}"'


def _is_view(name: str) -> bool:
    return name in static().views and name not in TABLES and name not in SESSION_VIEWS


def _parts(name: str, moment: Moment, known: Mapping[Hashable, Part]) -> Mapping[Hashable, Part]:
    schema, _, relation = name.partition(".")
    return parts_of(relation, moment.contents, known) if schema == "pg_catalog" else {}


def query_in(moment: Moment, tree: exp.Expr, parameters: dict[int, int]) -> Query:
    """A query translated; `parameters` gets the types that it shows."""
    return Selects(Expressions(moment, parameters)).whole(tree)
