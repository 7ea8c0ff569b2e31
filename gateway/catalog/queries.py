"""Catalogue queries: translated, then run on DuckDB in memory. The one place here that knows it.

One database for all clients: PostgreSQL's own rows in the schema `static`, loaded when a query
first names them; a schema for each `Moment` with the rows of what the server holds, the views and
the tables of names, each made when it is first used. The database reads no files and takes no
settings; no SQL of a client's reaches it untranslated.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from gateway.catalog.contents import Contents
from gateway.catalog.lookups import helper_rows
from gateway.catalog.names import TABLES, Moment
from gateway.catalog.pg_catalog import RELATIONS, rows_of
from gateway.catalog.session_rows import SESSION_VIEWS, session_rows
from gateway.catalog.static import static
from gateway.catalog.translation.coercing import missing
from gateway.catalog.translation.expressions import Expressions
from gateway.catalog.translation.resolution import TEXT
from gateway.catalog.translation.select import Selects
from gateway.catalog.translation.terms import Output, Query
from gateway.errors import FeatureNotSupported, GatewayError, InternalError
from gateway.sql.text.dialect import parse

# What DuckDB is told at the start; it cannot be told otherwise afterwards.
_SETTINGS = """
SET enable_external_access = false;
SET autoinstall_known_extensions = false;
SET autoload_known_extensions = false;
SET threads = 2;
SET memory_limit = '512MB';
SET preserve_insertion_order = true;
SET lock_configuration = true;
"""
_MACROS = """
CREATE MACRO quote_ident(s) AS CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_]*')
  AND NOT list_contains(getvariable('reserved'), s) THEN s
  ELSE '"' || replace(s, '"', '""') || '"' END;
CREATE MACRO quote_literal(s) AS CASE WHEN contains(s, '\\') THEN 'E''' ELSE '''' END
  || replace(replace(s, '\\', '\\\\'), '''', '''''') || '''';
CREATE MACRO parse_ident(s) AS list_transform(
  regexp_extract_all(s, '"(?:[^"]|"")*"|[^."\\s]+'),
  lambda w: CASE WHEN left(w, 1) = '"' THEN replace(w[2:-2], '""', '"') ELSE lower(w) END);
CREATE MACRO format_typmod(text, base, t) AS replace(text, '%', CASE
  WHEN base IN (1042, 1043) THEN '(' || (t - 4) || ')'
  WHEN base = 1700 THEN '(' || (((t - 4) >> 16) & 65535) || ',' || ((t - 4) & 2047) || ')'
  ELSE '(' || t || ')' END);
CREATE MACRO float_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN x = 'inf' THEN 'Infinity'
  WHEN x = '-inf' THEN '-Infinity' ELSE regexp_replace(CAST(x AS VARCHAR), '[.]0($|e)', '\\1') END;
CREATE MACRO without_parentheses(x) AS CASE WHEN x[1] = '(' AND x[-1] = ')' AND
  regexp_matches(x[2:-2], '^[^()]*([(][^()]*[)][^()]*)*$') THEN x[2:-2] ELSE x END;
CREATE MACRO json_text(l) AS '[' || array_to_string(
  list_transform(l, lambda v: COALESCE(CAST(to_json(v) AS VARCHAR), 'null')), ', ') || ']';
CREATE SCHEMA static;
"""
_KEPT_MOMENTS = 16
_KEPT_QUERIES = 512


@dataclass(frozen=True, slots=True)
class Translated:
    """A query ready to run: SQL, columns, the types of its parameters by number."""

    sql: str
    outputs: tuple[Output, ...]
    parameters: Mapping[int, int]
    used: frozenset[str]
    returns_set: bool = False

    @property
    def shows_activity(self) -> bool:
        """Whether it tells what clients are doing."""
        return any(name.startswith("pg_catalog.pg_stat_") for name in self.used)

    @property
    def is_lasting(self) -> bool:
        """Whether its rows stay the same until an object is made, changed or dropped."""
        return not self.shows_activity and not any("settings" in name for name in self.used)


class CatalogueDatabase:
    """The database, for all clients. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._moments: OrderedDict[tuple[Any, ...], Moment] = OrderedDict()
        self._made: set[str] = set()
        self._uses: Counter[str] = Counter()
        self._queries: OrderedDict[tuple[Any, ...], Translated] = OrderedDict()
        self._numbers = 0

    def moment(
        self, version: int, contents: Any, user: str, database: str, path: Sequence[str]
    ) -> Moment:
        """The catalogue of a version as one user sees it; `contents` makes its contents."""
        key = (version, user, database, tuple(path))
        with self._lock:
            found = self._moments.get(key)
            if found is None:
                same = next((m for k, m in self._moments.items() if k[0] == version), None)
                held: Contents = same.contents if same is not None else contents()
                self._numbers += 1
                found = Moment(self._numbers, held, user, database, path)
                self._moments[key] = found
                self._open().execute(f"CREATE SCHEMA {found.schema}")
                while len(self._moments) > _KEPT_MOMENTS:
                    self._forget(self._moments.popitem(last=False)[1])
            self._moments.move_to_end(key)
            return found

    def _forget(self, moment: Moment) -> None:
        self._open().execute(f"DROP SCHEMA {moment.schema} CASCADE")
        prefix = f"{moment.schema}."
        self._made = {name for name in self._made if not name.startswith(prefix)}
        self._uses = Counter({n: c for n, c in self._uses.items() if not n.startswith(prefix)})
        self._queries = OrderedDict(
            (key, query) for key, query in self._queries.items() if key[0] != moment.schema
        )

    def translate(
        self, moment: Moment, text: str, tree: exp.Expr, declared: Mapping[int, int]
    ) -> Translated:
        """The query in DuckDB's SQL.

        Args:
            moment: What its names mean.
            text: The statement, under which the translation is kept.
            tree: Its tree.
            declared: Types of `$n` that the client gave.
        """
        key = (moment.schema, text, tuple(sorted(declared.items())))
        with self._lock:
            found = self._queries.get(key)
            if found is None:
                found = self._translated(moment, tree, declared)
                self._queries[key] = found
                if len(self._queries) > _KEPT_QUERIES:
                    self._queries.popitem(last=False)
            self._queries.move_to_end(key)
            return found

    def _translated(
        self, moment: Moment, tree: exp.Expr, declared: Mapping[int, int]
    ) -> Translated:
        moment.used = set()
        parameters = dict(declared)
        query = _query(moment, tree, parameters)
        count = max([*parameters, *_numbers(tree)], default=0)
        types = {n: parameters.get(n, TEXT) for n in range(1, count + 1)}
        used = frozenset(moment.used)
        return Translated(query.sql, query.outputs, types, used, _gives_rows(query))

    def run(
        self,
        moment: Moment,
        query: Translated,
        values: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> pa.Table:
        """The rows, columns c1, c2, ...

        Args:
            moment: That of the translation.
            query: The translation.
            values: `p1`, `p2`, ... -> the parameters' values.
            variables: What functions of the session read.
        """
        used = {name: v for name, v in values.items() if f"${name}" in query.sql}
        with self._ready(moment, query, variables) as cursor:
            return cursor.sql(query.sql, params=used or None).to_arrow_table()

    def run_over(
        self, moment: Moment, query: Translated, rows: pa.Table, variables: Mapping[str, Any]
    ) -> pa.Table:
        """The one value of a query for each row of its parameters, in the order of the rows.

        Args:
            moment: That of the translation.
            query: The translation of a SELECT of one expression.
            rows: Columns `p1`, `p2`, ..., and `n`, the number of the row.
            variables: What functions of the session read.
        """
        inner = re.sub(r"\$(p\d+)\b", r"given.\1", query.sql)
        with self._ready(moment, query, variables) as cursor:
            cursor.register("given", rows)
            return cursor.sql(f"SELECT ({inner}) FROM given ORDER BY n").to_arrow_table()

    @contextmanager
    def _ready(
        self, moment: Moment, query: Translated, variables: Mapping[str, Any]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for which all is made that a query reads; no other query runs meanwhile."""
        with self._lock:
            for name in sorted(query.used):
                self._make(moment, name)
                self._settle(moment, name)
            cursor = self._open().cursor()
            try:
                for name, value in variables.items():
                    if value is None:
                        continue
                    cursor.execute(f"SET VARIABLE {name} = $value", {"value": value})
                yield cursor
            except duckdb.Error as error:
                raise _refusal(error) from error
            finally:
                cursor.close()

    # Making what a query reads

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            connection = duckdb.connect(":memory:")
            connection.execute(_MACROS)
            connection.execute(_SETTINGS)
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _make(self, moment: Moment, name: str) -> None:
        full = f"{moment.schema}.{name}"
        if full in self._made:
            return
        target = f'{moment.schema}."{name}"'
        if name.startswith("@"):
            self._load(target, helper_rows(name[1:], moment))
        elif name in SESSION_VIEWS:
            self._view(moment, target, SESSION_VIEWS[name])
        elif name in static().views and name not in TABLES:
            self._system_view(moment, name, target)
        else:
            self._relation(moment, name, target)
        self._made.add(full)

    def _settle(self, moment: Moment, name: str) -> None:
        """A view of information_schema that is asked again becomes a table: 300 ms become 5."""
        if name not in static().views or not name.startswith("information_schema."):
            return
        full = f"{moment.schema}.{name}"
        self._uses[full] += 1
        if self._uses[full] == 2:
            target, made = f'{moment.schema}."{name}"', f'{moment.schema}."{name} rows"'
            connection = self._open()
            connection.execute(f"CREATE TABLE {made} AS SELECT * FROM {target}")
            connection.execute(f"DROP VIEW {target}")
            connection.execute(f'ALTER TABLE {made} RENAME TO "{name}"')

    def _load(self, target: str, rows: pa.Table) -> None:
        connection = self._open()
        connection.register("incoming", rows)
        connection.execute(f"CREATE TABLE {target} AS SELECT * FROM incoming")
        connection.unregister("incoming")

    def _relation(self, moment: Moment, name: str, target: str) -> None:
        """PostgreSQL's own rows and those of what the server holds."""
        self._static(name)
        schema, _, relation = name.partition(".")
        if relation == "pg_authid":
            self._roles(moment, name, target)
            return
        own = session_rows(relation, moment)
        if own is None and schema == "pg_catalog":
            own = rows_of(relation, moment.contents) if relation in RELATIONS else None
        if own is None or not own.num_rows:
            self._open().execute(f'CREATE VIEW {target} AS SELECT * FROM static."{name}"')
            return
        self._open().execute(f'CREATE TABLE {target} AS SELECT * FROM static."{name}"')
        connection = self._open()
        connection.register("incoming", own)
        connection.execute(f"INSERT INTO {target} SELECT * FROM incoming")
        connection.unregister("incoming")

    def _roles(self, moment: Moment, name: str, target: str) -> None:
        """pg_authid: the first role under the name that it has to this user, and the others."""
        connection, roles = self._open(), moment.contents.roles
        first = next((role for role, oid in roles.items() if oid == 10), moment.user)
        connection.execute(
            f"CREATE TABLE {target} AS SELECT * REPLACE ("
            f"CASE WHEN oid = 10 THEN $first ELSE rolname END AS rolname) "
            f'FROM static."{name}"',
            {"first": first},
        )
        for role, oid in roles.items():
            if oid != 10:
                superuser = role in moment.contents.superusers
                connection.execute(
                    f"INSERT INTO {target} SELECT * REPLACE ($oid AS oid, $role AS rolname,"
                    " $super AS rolsuper, $super AS rolcreaterole, $super AS rolcreatedb,"
                    " $super AS rolreplication, $super AS rolbypassrls)"
                    f' FROM static."{name}" WHERE oid = 10',
                    {"oid": oid, "role": role, "super": superuser},
                )

    def _static(self, name: str) -> None:
        if f"static.{name}" in self._made:
            return
        self._made.add(f"static.{name}")
        connection = self._open()
        kinds = [
            f'"{column.name}" {static().storage(column.type).duckdb}'
            for column in static().columns[name]
        ]
        connection.execute(f'CREATE TABLE static."{name}" ({", ".join(kinds)})')
        rows = static().tables.get(name)
        if rows is not None:
            connection.register("incoming", rows)
            connection.execute(f'INSERT INTO static."{name}" SELECT * FROM incoming')
            connection.unregister("incoming")

    def _view(self, moment: Moment, target: str, sql: str) -> None:
        self._static("pg_catalog.pg_settings")
        self._open().execute(f"CREATE VIEW {target} AS {sql}")

    def _system_view(self, moment: Moment, name: str, target: str) -> None:
        """A view of PostgreSQL's own, its query translated like a client's."""
        before, moment.used = moment.used, set()
        try:
            query = _query(moment, parse(static().views[name])[0], {})
        finally:
            inside, moment.used = moment.used, before
        for each in sorted(inside):
            self._make(moment, each)
        columns = static().columns[name]
        items = ", ".join(
            f'CAST(q.c{n} AS {static().storage(column.type).duckdb}) AS "{column.name}"'
            for n, column in enumerate(columns, 1)
        )
        self._open().execute(f"CREATE VIEW {target} AS SELECT {items} FROM ({query.sql}) AS q")


def _query(moment: Moment, tree: exp.Expr, parameters: dict[int, int]) -> Query:
    return Selects(Expressions(moment, parameters)).query(tree, None)


def _gives_rows(query: Query) -> bool:
    """Whether a SELECT without FROM gives more than its one row."""
    return "unnest(" in query.sql


def _numbers(tree: exp.Expr) -> list[int]:
    from gateway.sql.meaning.parameters import number

    return [number(node) for node in tree.find_all(exp.Parameter)]


_MISSING = re.compile(r'(reg[a-z]+) "(.*)" does not exist$')


def _refusal(error: duckdb.Error) -> GatewayError:
    """DuckDB's error as one of ours; what it finds wrong in our SQL is a fault of this server."""
    text = str(error).splitlines()[0]
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        from gateway.errors import InvalidTextRepresentation

        return InvalidTextRepresentation(text.partition(": ")[2] or text)
    if isinstance(error, duckdb.InvalidInputException):
        if found := _MISSING.search(text):
            return missing(found[1], found[2])
        return FeatureNotSupported(text.partition(": ")[2] or text)
    return InternalError(f"the catalogue could not answer: {text}")
