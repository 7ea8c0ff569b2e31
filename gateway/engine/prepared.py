"""Queries with parameters, which the engine keeps planned as far as it can be without values.

The engine's PREPARE reads a text, binds its names and makes joins of its subqueries; its EXECUTE
puts values into that plan, in a third of the time that the text takes anew (120 against 390 us for
one condition on one table). What depends on the moment, such as now(), it leaves open.

EXECUTE takes literals alone, so only values of types that a literal tells exactly come here: a
missing row in `_SPELLINGS` means that the text is planned with the value bound to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from datafusion import DataFrame, SessionContext, SQLOptions

from gateway.engine.faults import translated
from gateway.errors import GatewayError
from gateway.sources.table import TableName

# PREPARE and EXECUTE are statements to the engine; what they may be about is a query alone.
_OPTIONS = SQLOptions().with_allow_ddl(False).with_allow_dml(False)

# How much a client's session keeps.
MOST_PREPARED = 64
_LONGEST_TEXT = 10_000


def _text(value: pa.Scalar) -> str:
    return "'" + str(value.as_py()).replace("'", "''") + "'"


def _float(value: pa.Scalar) -> str:
    number = value.as_py()
    return repr(number) if math.isfinite(number) else f"'{number}'"


def _whole(value: pa.Scalar) -> str:
    return str(value.as_py())


def _count(value: pa.Scalar) -> str:
    """Days or microseconds since 1970."""
    return str(value.value)


Spelling = tuple[str, Callable[[pa.Scalar], str]]

_SPELLINGS: dict[pa.DataType, Spelling] = {
    pa.bool_(): ("BOOLEAN", _whole),
    pa.int16(): ("SMALLINT", _whole),
    pa.int32(): ("INTEGER", _whole),
    pa.int64(): ("BIGINT", _whole),
    pa.float32(): ("REAL", _float),
    pa.float64(): ("DOUBLE", _float),
    pa.string(): ("VARCHAR", _text),
    pa.date32(): ("DATE", _count),
    pa.timestamp("us"): ("TIMESTAMP(6)", _count),
}


def literal(value: pa.Scalar) -> str:
    """A value as EXECUTE takes it; `_SPELLINGS` must have its type.

    >>> [literal(pa.scalar(v)) for v in (-7, "it's", float("inf"), None)][:3]
    ['-7', "'it''s'", "'inf'"]
    """
    return _SPELLINGS[value.type][1](value) if value.is_valid else "NULL"


def spelled(sql: str, values: Sequence[pa.Scalar]) -> str | None:
    """A text together with its values; None where a literal does not tell one of them exactly.

    >>> spelled("SELECT $1", [pa.scalar(7)])
    'SELECT $1\\x00int64 7'
    """
    if any(value.type not in _SPELLINGS for value in values):
        return None
    return "\0".join([sql, *(f"{value.type} {literal(value)}" for value in values)])


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Its name in the engine; empty for a text that was only seen, or that it does not prepare."""

    name: str
    tables: frozenset[TableName]
    seen: int = 1


_Key = tuple[str, tuple[pa.DataType, ...]]


class PreparedQueries:
    """The prepared queries of one session; a text is prepared when it comes a second time.

    Args:
        context: The session's.
    """

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._kept: dict[_Key, _Prepared] = {}
        self._made = 0

    def frame(
        self, sql: str, tables: Sequence[TableName], values: Sequence[pa.Scalar]
    ) -> DataFrame | None:
        """The query with these values in it; None where it must be planned from its text.

        Args:
            sql: The query.
            tables: Those it names, which are registered.
            values: Of `$1`, `$2`, ...
        """
        types = tuple(value.type for value in values)
        if len(sql) > _LONGEST_TEXT or not _SPELLINGS.keys() >= set(types):
            return None
        key = sql, types
        known = self._kept.pop(key, None)
        if known is None:
            self._keep(key, _Prepared("", frozenset(tables)))
            return None
        if not known.name and known.seen == 1:
            known = self._prepared(known, sql, types)
        self._keep(key, known)
        if not known.name:
            return None
        try:
            with translated([]):
                given = ", ".join(map(literal, values))
                return self._context.sql(f"EXECUTE {known.name}({given})", options=_OPTIONS)
        except GatewayError:  # the text itself tells what is wrong
            return None

    def _prepared(self, known: _Prepared, sql: str, types: tuple[pa.DataType, ...]) -> _Prepared:
        self._made += 1
        name = f"gradwire{self._made}"
        declared = ", ".join(_SPELLINGS[kind][0] for kind in types)
        try:
            with translated([]):
                self._context.sql(f"PREPARE {name}({declared}) AS {sql}", options=_OPTIONS)
        except GatewayError:  # such as one that is refused only while its parameters are open
            name = ""
        return _Prepared(name, known.tables, 2)

    def _keep(self, key: _Key, prepared: _Prepared) -> None:
        self._kept[key] = prepared
        if len(self._kept) > MOST_PREPARED:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: _Key) -> None:
        name = self._kept.pop(key).name
        if name:
            self._context.sql(f"DEALLOCATE {name}", options=_OPTIONS)

    def forget(self, table: TableName) -> None:
        """Let go of all queries over a table that is another one now."""
        for key in [key for key, known in self._kept.items() if table in known.tables]:
            self._drop(key)

    def clear(self) -> None:
        """Let go of every query."""
        for key in list(self._kept):
            self._drop(key)
