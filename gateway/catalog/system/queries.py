"""Catalogue queries: translated, then run on DuckDB in memory. The one place here that knows it.

One database for all clients: the relations are made when a query first names them (`loading`),
what functions look up is answered by the `Moment` that asks (`calling`). The database reads no
files and takes no settings; no SQL of a client's reaches it untranslated.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL
from sqlglot import exp

from gateway.catalog.system.calling import LookupFunctions, Refusals
from gateway.catalog.system.contents import Entries
from gateway.catalog.system.entries import Contents
from gateway.catalog.system.loading import Loading, query_in, read_by
from gateway.catalog.system.macros import MACROS
from gateway.catalog.system.names import Moment
from gateway.catalog.system.readers import Reader, Readers, Stopping
from gateway.catalog.system.rights import RightsFunctions
from gateway.catalog.translation.resolution import TEXT
from gateway.catalog.translation.terms import Output, Query
from gateway.errors import (
    DivisionByZero,
    FeatureNotSupported,
    GatewayError,
    InternalError,
    InvalidParameterValue,
    NumericValueOutOfRange,
    OutOfMemory,
    QueryCanceled,
    UndefinedObject,
)
from gateway.recent import Recent

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
_NO_IDENTIFIER = "string is not a valid identifier"
_TOO_LARGE = "too large"  # what a macro says of a value that is
_OUT_OF_RANGE = "out of range"
_OVERFLOW = re.compile(r"Overflow in \w+ of INT(16|32|64)")
_INTEGERS = {"16": "smallint", "32": "integer", "64": "bigint"}
_PARAMETER = re.compile(r"\$(p\d+)\b")
_KEPT_MOMENTS = 16
_OF_CLIENTS = ("pg_catalog.pg_stat_", "pg_catalog.pg_locks")
_OF_SESSION = {"pg_catalog.pg_cursors", "pg_catalog.pg_prepared_statements"}
# A catalogue query's rows are held as a whole.
_BATCH_ROWS, _MOST_BYTES = 65_536, 2**28
# Translations, by their own SQL and that of the client; answers; columns of tables.
_KEPT_CHARACTERS, _KEPT_BYTES, _KEPT_COLUMNS = 8_000_000, 64_000_000, 200_000


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
        shown = any(name.startswith(_OF_CLIENTS) for name in self.used)
        return shown or "getvariable('activity')" in self.sql

    @property
    def is_lasting(self) -> bool:
        """Whether its rows stay the same until an object is made, changed or dropped."""
        settings = "getvariable('shown_" in self.sql or any("settings" in n for n in self.used)
        return not (self.shows_activity or self.shows_session or self.shows_measures or settings)

    @property
    def shows_measures(self) -> bool:
        """Whether it tells of sizes and counters."""
        return self.shows_activity or "getvariable('measured_" in self.sql

    @property
    def shows_session(self) -> bool:
        """Whether it tells of the client's own cursors and prepared statements."""
        return not _OF_SESSION.isdisjoint(self.used) or "getvariable('held_" in self.sql


class CatalogueDatabase:
    """The database, for all clients. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._moments: OrderedDict[tuple[Any, ...], Moment] = OrderedDict()
        self._loading: Loading
        self._readers: Readers
        self._queries: Recent[Translated] = Recent(_KEPT_CHARACTERS, _KEPT_CHARACTERS // 8)
        self._answers: Recent[pa.Table] = Recent(_KEPT_BYTES, _KEPT_BYTES // 8)
        self.entries: Entries = Recent(_KEPT_COLUMNS, _KEPT_COLUMNS // 10)
        self._numbers = 0
        self._refusals = Refusals()
        self._called = LookupFunctions(self._refusals), RightsFunctions(self._refusals)
        self._reading: Counter[str] = Counter()  # schemas of moments -> queries that run there

    def moment(
        self, held: Hashable, contents: Any, user: str, database: str, path: Sequence[str]
    ) -> Moment:
        """The catalogue as one user sees it.

        Args:
            held: Equal where the contents are the same, for one user.
            contents: Makes them.
            user: Who asks.
            database: The database's name.
            path: The search_path.
        """
        key = (held, user, database, tuple(path))
        with self._lock:
            found = self._moments.get(key)
            if found is None:
                same = next((m for k, m in self._moments.items() if k[:2] == key[:2]), None)
                what: Contents = same.contents if same is not None else contents()
                self._numbers += 1
                found = Moment(self._numbers, what, user, database, path)
                self._moments[key] = found
                self._open()
                self._forget_old(key)
            self._moments.move_to_end(key)
            return found

    def _hold(self, moment: Moment) -> None:
        """Have a moment be among those that are forgotten in time.

        Others may have come between who asked for it and its query; what is made for it anew would
        stay for ever.
        """
        if moment not in self._moments.values():
            again = moment.schema, moment.user, moment.database, tuple(moment.path)
            self._moments[again] = moment
            self._forget_old(again)

    def _forget_old(self, current: tuple[Any, ...]) -> None:
        """Let moments go that no query runs over."""
        idle = [k for k, m in self._moments.items() if k != current and not self._reading[m.schema]]
        for key in idle[: max(len(self._moments) - _KEPT_MOMENTS, 0)]:
            moment = self._moments.pop(key)
            self._loading.forget(moment)
            self._answers.forget(partial(_is_of, moment))
            self._queries.forget(partial(_is_of, moment))
            for functions in self._called:
                functions.forget(moment)

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
        asked = (text, *sorted(declared.items()))
        anywhere = (moment.user, moment.database, *moment.path, "", *moment.explicit, asked)
        with self._lock:
            found = self._queries.get(anywhere) or self._queries.get((moment.schema, asked))
            if found is None:
                moment.asked = False
                found = self._translated(moment, tree, declared)
                key = (moment.schema, asked) if moment.asked else anywhere
                self._queries.put(key, found, len(text) + len(found.sql) + 500)
            return found

    def _translated(
        self, moment: Moment, tree: exp.Expr, declared: Mapping[int, int]
    ) -> Translated:
        moment.used = set()
        parameters = dict(declared)
        query = query_in(moment, tree, parameters)
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
        stopping: Stopping,
    ) -> pa.Table:
        """The rows, columns c1, c2, ...

        Args:
            moment: That of the translation.
            query: The translation.
            values: `p1`, `p2`, ... -> the parameters' values.
            variables: What functions of the session read.
            stopping: What may stop it.

        Raises:
            QueryCanceled: 57014. OutOfMemory: 53200, the rows are too many to be held.
        """
        used = {name: values[name] for name in _PARAMETER.findall(query.sql) if name in values}
        told = [variables.get(name) for name in sorted(read_by(query.sql))]
        key = moment.schema, query.sql, repr((used, told))
        known = self._answers.get(key)
        if known is not None:
            return known
        with self._ready(moment, query, variables, stopping) as (reader, sql):
            found = _rows(reader.query(sql, used))
            if self._loading.is_steady(query.sql, query.used):
                self._answers.put(key, found, found.nbytes + len(query.sql) + 1000)
            return found

    def run_over(
        self,
        moment: Moment,
        query: Translated,
        rows: pa.Table,
        variables: Mapping[str, Any],
        stopping: Stopping,
    ) -> pa.Table:
        """The one value of a query for each row of its parameters, in the order of the rows.

        Args:
            moment: That of the translation.
            query: The translation of a SELECT of one expression.
            rows: Columns `p1`, `p2`, ..., and `n`, the number of the row.
            variables: What functions of the session read.
            stopping: What may stop it.

        Raises:
            QueryCanceled: 57014. OutOfMemory: 53200, the values are too large to be held.
        """
        with self._ready(moment, query, variables, stopping) as (reader, sql):
            inner = _PARAMETER.sub(r"given.\1", sql)
            reader.lasting = False
            reader.cursor.register("given", rows)
            return _rows(reader.cursor.sql(f"SELECT ({inner}) FROM given ORDER BY n"))

    @contextmanager
    def _ready(
        self,
        moment: Moment,
        query: Translated,
        variables: Mapping[str, Any],
        stopping: Stopping,
    ) -> Iterator[tuple[Reader, str]]:
        """A reader, and the query with all made that it reads, which stays while it runs.

        Making is one thread's at a time; a query that takes long keeps no other from running.
        """
        with self._lock:
            self._hold(moment)
            reader = self._readers.take()
            for functions in self._called:
                functions.begin(moment, reader.place)
            try:
                sql = self._loading.ready(
                    moment, reader.place, query.sql, query.used, self._reading
                )
                read = self._loading.variables(moment, query.sql, query.used)
            except BaseException:
                self._ended(reader)
                raise
            self._reading[moment.schema] += 1
        try:
            for name in sorted(read):
                value = variables.get(name)
                if value is not None:
                    reader.set_variable(name, value)
            with stopping.running(reader.cursor.interrupt):
                yield reader, sql
        except BaseException as error:
            reader.lasting = False
            if isinstance(error, duckdb.Error):
                raise self._refusals.find(str(error)) or _refusal(error) from error
            raise
        finally:
            with self._lock:
                self._ended(reader)
                self._reading -= Counter([moment.schema])

    def _ended(self, reader: Reader) -> None:
        for functions in self._called:
            functions.end(reader.place)
        self._readers.give_back(reader)

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            # What does not fit into memory is refused, not put into the working directory.
            connection = duckdb.connect(":memory:", config={"temp_directory": ""})
            connection.execute(MACROS)
            for functions in self._called:
                for name, (function, arguments, result) in functions.functions().items():
                    connection.create_function(
                        name, function, [*arguments], result, type=ARROW, null_handling=SPECIAL
                    )
            connection.execute(_SETTINGS)
            self._connection, self._loading = connection, Loading(connection)
            self._readers = Readers(connection)
        return self._connection

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()


def _is_of(moment: Moment, key: Hashable) -> bool:
    """Whether that is kept for a moment alone."""
    return isinstance(key, tuple) and key[0] == moment.schema


def _rows(found: duckdb.DuckDBPyRelation) -> pa.Table:
    """All rows, as long as there is room for them."""
    reader = found.to_arrow_reader(_BATCH_ROWS)
    batches, taken = [], 0
    for batch in reader:
        taken += batch.nbytes
        if taken > _MOST_BYTES:
            raise OutOfMemory(
                "the result of a catalogue query is larger than 256 MiB",
                hint="Select fewer columns or rows.",
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _gives_rows(query: Query) -> bool:
    """Whether a SELECT without FROM gives more than its one row."""
    return "unnest(" in query.sql


def _numbers(tree: exp.Expr) -> list[int]:
    from gateway.sql.types.parameters import number

    return [number(node) for node in tree.find_all(exp.Parameter)]


def _refusal(error: duckdb.Error) -> GatewayError:
    """DuckDB's error as one of ours; what it finds wrong in our SQL is a fault of this server."""
    text = str(error).splitlines()[0]
    if isinstance(error, duckdb.InterruptException):
        return QueryCanceled("canceling statement due to user request")
    if isinstance(error, duckdb.OutOfMemoryException) or _TOO_LARGE in text:
        return OutOfMemory("a catalogue query needs more memory than there is for it")
    if "Division by zero" in text:
        return DivisionByZero("division by zero")
    if isinstance(error, duckdb.OutOfRangeException) and (wide := _OVERFLOW.search(text)):
        return NumericValueOutOfRange(f"{_INTEGERS[wide[1]]} out of range")
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        from gateway.errors import InvalidTextRepresentation

        return InvalidTextRepresentation(text.partition(": ")[2] or text)
    if isinstance(error, duckdb.InvalidInputException):
        if "unrecognized configuration parameter" in text:
            return UndefinedObject(text.partition(": ")[2])
        if _NO_IDENTIFIER in text:
            return InvalidParameterValue(text.partition(": ")[2])
        if text.endswith(_OUT_OF_RANGE):
            return NumericValueOutOfRange(text.partition(": ")[2])
        return FeatureNotSupported(text.partition(": ")[2] or text)
    return InternalError(f"the catalogue could not answer: {text}")
