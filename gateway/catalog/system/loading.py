"""What catalogue queries read, made in DuckDB when a query first names it.

PostgreSQL's own rows are in the schema `static`; each `Moment` has a schema of its own with the
rows of what the server holds beside them, the system views and the tables of names. What did not
change between two moments is taken over: the rows of pg_attribute are kept by relation.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from sqlglot import exp

from gateway.catalog.system.attributes import Attributes, table_of
from gateway.catalog.system.lookups import helper_rows
from gateway.catalog.system.names import PLACE, TABLES, Moment
from gateway.catalog.system.pg_catalog import rows_of
from gateway.catalog.system.session_rows import SESSION_VIEWS, session_rows
from gateway.catalog.system.static import static
from gateway.catalog.translation.coercing import quoted
from gateway.catalog.translation.expressions import Expressions
from gateway.catalog.translation.select import Selects
from gateway.catalog.translation.terms import Query
from gateway.recent import Recent
from gateway.roles import BOOTSTRAP_OID
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import identifier

# What gives another value though no object has changed; macros read constants only.
_CHANGING = re.compile(r"getvariable\(|\bnow\(|\brandom\(")
_ACL = 1034  # aclitem[]
_KEPT_ATTRIBUTES = 200_000  # rows, some 100 bytes each


class Loading:
    """Makes relations in a database, which one thread at a time may ask for.

    Args:
        connection: The database's.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._made: defaultdict[str, set[str]] = defaultdict(set)  # schema -> names
        self._uses: Counter[tuple[str, str]] = Counter()
        self._changing = set(SESSION_VIEWS)
        self._attributes: Attributes = Recent(_KEPT_ATTRIBUTES, _KEPT_ATTRIBUTES // 10)

    def begin(self, moment: Moment) -> None:
        """Make room for a moment."""
        self._connection.execute(f"CREATE SCHEMA {moment.schema}")

    def forget(self, moment: Moment) -> None:
        """Drop all that was made for a moment."""
        self._connection.execute(f"DROP SCHEMA {moment.schema} CASCADE")
        for name in self._made.pop(moment.schema, ()):
            del self._uses[moment.schema, name]

    def make(self, moment: Moment, names: Iterable[str]) -> None:
        """Make what a query uses, where it is not there yet."""
        for name in sorted(names):
            self._make(moment, name)
            self._settle(moment, name)

    def is_steady(self, sql: str, used: frozenset[str]) -> bool:
        """Whether a query, whose relations are made, has the same rows while nothing changes."""
        return not _CHANGING.search(sql) and not used & self._changing

    def _make(self, moment: Moment, name: str) -> None:
        made = self._made[moment.schema]
        if name in made:
            return
        target = f'{moment.schema}."{name}"'
        if name.startswith("@"):
            rows = helper_rows(name[1:], moment)
            self._with(rows, f"CREATE TABLE {target} AS SELECT * FROM incoming")
        elif name in SESSION_VIEWS:
            self._view(moment, target, SESSION_VIEWS[name])
        elif name in static().views and name not in TABLES:
            self._system_view(moment, name, target)
        else:
            self._relation(moment, name, target)
        made.add(name)

    def _settle(self, moment: Moment, name: str) -> None:
        """A view that is asked again becomes a table: information_schema's take 300 ms, then 5."""
        if name not in static().views or name in TABLES or name in self._changing:
            return
        self._uses[moment.schema, name] += 1
        if self._uses[moment.schema, name] == 2:
            target, made = f'{moment.schema}."{name}"', f'{moment.schema}."{name} rows"'
            self._connection.execute(f"CREATE TABLE {made} AS SELECT * FROM {target}")
            with self._at_once():
                self._connection.execute(f"DROP VIEW {target}")
                self._connection.execute(f'ALTER TABLE {made} RENAME TO "{name}"')

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Queries that run meanwhile see all that is done here, or nothing."""
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _with(self, rows: pa.Table, sql: str) -> None:
        """Do something with rows, which `sql` calls incoming."""
        self._connection.register("incoming", rows)
        self._connection.execute(sql)
        self._connection.unregister("incoming")

    def _relation(self, moment: Moment, name: str, target: str) -> None:
        """PostgreSQL's own rows and those of what the server holds."""
        self._static(name)
        schema, _, relation = name.partition(".")
        if relation == "pg_authid":
            self._roles(moment, name, target)
            return
        own = session_rows(relation, moment)
        if own is None and schema == "pg_catalog":
            own = rows_of(relation, moment.contents, self._attributes)
        if own is None or not own.num_rows:
            self._connection.execute(f'CREATE VIEW {target} AS SELECT * FROM static."{name}"')
            return
        self._connection.execute(
            f'CREATE TABLE {target} AS SELECT {_with_first(moment, name)} FROM static."{name}"'
        )
        self._with(own, f"INSERT INTO {target} SELECT * FROM incoming")

    def _roles(self, moment: Moment, name: str, target: str) -> None:
        """pg_authid: PostgreSQL's predefined roles, and those that there are."""
        self._connection.execute(
            f'CREATE TABLE {target} AS SELECT * FROM static."{name}" WHERE oid <> {BOOTSTRAP_OID}'
        )
        rows = [
            {
                "oid": each.oid, "rolname": each.name, "rolsuper": each.superuser,
                "rolinherit": each.inherit, "rolcreaterole": each.create_role,
                "rolcreatedb": each.create_database, "rolcanlogin": each.login,
                "rolreplication": each.superuser, "rolbypassrls": each.superuser,
                "rolconnlimit": each.connection_limit, "rolvaliduntil": each.valid_until,
            }
            for each in moment.contents.ownership.roles
        ]  # fmt: skip
        self._with(table_of("pg_authid", rows), f"INSERT INTO {target} SELECT * FROM incoming")

    def _static(self, name: str) -> None:
        if name in self._made["static"]:
            return
        self._made["static"].add(name)
        kinds = [
            f'"{column.name}" {static().storage(column.type).duckdb}'
            for column in static().columns[name]
        ]
        self._connection.execute(f'CREATE TABLE static."{name}" ({", ".join(kinds)})')
        rows = static().tables.get(name)
        if rows is not None:
            self._with(rows, f'INSERT INTO static."{name}" SELECT * FROM incoming')

    def _view(self, moment: Moment, target: str, sql: str) -> None:
        self._static("pg_catalog.pg_settings")
        self._connection.execute(f"CREATE VIEW {target} AS {sql}")

    def _system_view(self, moment: Moment, name: str, target: str) -> None:
        """A view of PostgreSQL's own, its query translated like a client's."""
        before, moment.used = moment.used, set()
        try:
            query = query_in(moment, parse(static().views[name])[0], {})
        finally:
            inside, moment.used = moment.used, before
        for each in sorted(inside):
            self._make(moment, each)
        if not self.is_steady(query.sql, frozenset(inside)):
            self._changing.add(name)
        columns = static().columns[name]
        items = ", ".join(
            f'CAST(q.c{n} AS {static().storage(column.type).duckdb}) AS "{column.name}"'
            for n, column in enumerate(columns, 1)
        )
        self._connection.execute(
            f"CREATE VIEW {target} AS SELECT {items} FROM ({placed(moment, query.sql)}) AS q"
        )


def _with_first(moment: Moment, name: str) -> str:
    """The columns of a relation's static rows; in acls the first role has the name it has here."""
    columns = [column.name for column in static().columns[name] if column.type == _ACL]
    first = quoted(identifier(moment.contents.ownership.first).replace("\\", "\\\\"))
    replaced = (
        f"list_transform({column}, lambda item: regexp_replace(regexp_replace(item, '^postgres=', "
        f"{first} || '='), '/postgres$', '/' || {first})) AS {column}"
        for column in columns
    )
    return f"* REPLACE ({', '.join(replaced)})" if columns else "*"


def query_in(moment: Moment, tree: exp.Expr, parameters: dict[int, int]) -> Query:
    """A query translated; `parameters` gets the types that it shows."""
    return Selects(Expressions(moment, parameters)).query(tree, None)


def placed(moment: Moment, sql: str) -> str:
    """A translation as it runs on what a moment holds."""
    return sql.replace(PLACE, moment.schema)
