"""What every PostgreSQL 15 database holds: read from `snapshot/`, once.

`tests/catalog/record_snapshot.py` makes the files from a real server. Types, functions, operators
and casts are also given in the form in which `resolution` asks for them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gateway.catalog.system.storage import Storage, storage

SNAPSHOT = Path(__file__).parent / "snapshot"
PG_CATALOG, INFORMATION_SCHEMA, PUBLIC = 11, 13207, 2200  # oids of schemas


@dataclass(frozen=True, slots=True)
class PgType:
    """A row of pg_type, as far as expressions need it; `base` is 0 but for domains."""

    oid: int
    name: str
    category: str
    preferred: bool
    element: int
    array: int
    base: int
    kind: str
    size: int
    schema: int
    typmod: int


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or an operator: what it takes and what it gives.

    `kind` is pg_proc.prokind; a variadic function's last argument type is an array.
    """

    name: str
    arguments: tuple[int, ...]
    result: int
    kind: str = "f"
    returns_set: bool = False
    variadic: bool = False
    defaults: int = 0
    outputs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """A column of a system relation: its name and declared type, a domain where it is one."""

    name: str
    type: int


@dataclass(frozen=True)
class Static:
    """The snapshot.

    Args:
        tables: schema.name -> its rows, for relations that have any.
        views: schema.name -> the query of a system view.
        columns: schema.name -> the columns of every system table and view.
        oids: schema.name -> oid, for the same.
        types: oid -> type.
        functions: name -> all functions of that name.
        operators: name -> all operators of that name; a prefix operator takes one argument.
        casts: (from, to) -> "i" implicit, "a" in assignment, "e" explicit only.
    """

    tables: Mapping[str, pa.Table]
    views: Mapping[str, str]
    columns: Mapping[str, Sequence[ColumnOf]]
    oids: Mapping[str, int]
    types: Mapping[int, PgType]
    functions: Mapping[str, Sequence[Routine]]
    operators: Mapping[str, Sequence[Routine]]
    casts: Mapping[tuple[int, int], str]

    def base(self, oid: int) -> int:
        """The type under a domain; any other type itself."""
        found = self.types.get(oid)
        return self.base(found.base) if found is not None and found.base else oid

    def storage(self, oid: int) -> Storage:
        """How values of a type are held."""
        base = self.base(oid)
        found = self.types.get(base)
        return storage(base, found.element if found is not None else 0)

    def type_named(self, name: str) -> PgType | None:
        """The system type of that name in pg_catalog; None when there is none."""
        return _names().get(name)


@cache
def static() -> Static:
    """The snapshot, read at the first call."""
    tables = {path.stem: pq.read_table(path) for path in sorted(SNAPSHOT.glob("*.parquet"))}
    views = json.loads((SNAPSHOT / "views.json").read_text())
    oids, columns = _relations(tables)
    return Static(
        tables, views, columns, oids, _types(tables), _functions(tables), _operators(tables),
        {(r["castsource"], r["casttarget"]): r["castcontext"] for r in _rows(tables, "pg_cast")},
    )  # fmt: skip


@cache
def _names() -> dict[str, PgType]:
    return {row.name: row for row in static().types.values() if row.schema == PG_CATALOG}


def _rows(tables: Mapping[str, pa.Table], name: str) -> list[dict[str, Any]]:
    columns = tables[f"pg_catalog.{name}"].to_pydict()  # six times as fast as to_pylist
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _relations(
    tables: Mapping[str, pa.Table],
) -> tuple[dict[str, int], dict[str, list[ColumnOf]]]:
    schemas = {row["oid"]: row["nspname"] for row in _rows(tables, "pg_namespace")}
    names = {
        row["oid"]: f"{schemas[row['relnamespace']]}.{row['relname']}"
        for row in _rows(tables, "pg_class")
        if row["relkind"] in ("r", "v")
    }
    columns: dict[str, list[ColumnOf]] = {name: [] for name in names.values()}
    attributes = sorted(_rows(tables, "pg_attribute"), key=lambda row: int(row["attnum"]))
    for row in attributes:
        if row["attrelid"] in names and row["attnum"] > 0:
            columns[names[row["attrelid"]]].append(ColumnOf(row["attname"], row["atttypid"]))
    return {name: oid for oid, name in names.items()}, columns


def _types(tables: Mapping[str, pa.Table]) -> dict[int, PgType]:
    return {
        row["oid"]: PgType(
            row["oid"], row["typname"], row["typcategory"], row["typispreferred"],
            row["typelem"] if row["typsubscript"] else 0, row["typarray"], row["typbasetype"],
            row["typtype"], row["typlen"], row["typnamespace"],
            row["typtypmod"],
        )
        for row in _rows(tables, "pg_type")
    }  # fmt: skip


def _functions(tables: Mapping[str, pa.Table]) -> dict[str, list[Routine]]:
    found = defaultdict(list)
    for row in _rows(tables, "pg_proc"):
        outputs: tuple[tuple[str, int], ...] = ()
        if row["proallargtypes"] and row["proargmodes"] and row["proargnames"]:
            outputs = tuple(
                (name, kind)
                for name, kind, mode in zip(
                    row["proargnames"], row["proallargtypes"], row["proargmodes"], strict=True
                )
                if mode in "obt"
            )
        found[row["proname"]].append(
            Routine(
                row["proname"], tuple(row["proargtypes"]), row["prorettype"], row["prokind"],
                row["proretset"], bool(row["provariadic"]), row["pronargdefaults"], outputs,
            )
        )  # fmt: skip
    return dict(found)


def _operators(tables: Mapping[str, pa.Table]) -> dict[str, list[Routine]]:
    found = defaultdict(list)
    for row in _rows(tables, "pg_operator"):
        arguments = tuple(oid for oid in (row["oprleft"], row["oprright"]) if oid)
        found[row["oprname"]].append(Routine(row["oprname"], arguments, row["oprresult"]))
    return dict(found)
