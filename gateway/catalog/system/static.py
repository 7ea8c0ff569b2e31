"""What every PostgreSQL 15 database holds: read from `snapshot/`, once.

`tests/catalog/record_snapshot.py` makes the files from a real server. Types, functions, operators
and casts are also given in the form in which `resolution` asks for them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
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


class _Tables(Mapping[str, pa.Table]):
    """schema.name -> its rows, for relations that have any; each is read when first asked for."""

    def __init__(self) -> None:
        self._files = {path.stem: path for path in sorted(SNAPSHOT.glob("*.parquet"))}
        self._read: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._read:
            self._read[name] = pq.read_table(self._files[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class Static:
    """The snapshot; what a server's first statement does not ask for is not read for it."""

    def __init__(self) -> None:
        self.tables: Mapping[str, pa.Table] = _Tables()

    @cached_property
    def views(self) -> Mapping[str, str]:
        """schema.name -> the query of a system view."""
        views: dict[str, str] = json.loads((SNAPSHOT / "views.json").read_text())
        return views

    @cached_property
    def oids(self) -> Mapping[str, int]:
        """schema.name -> oid, of every system table and view."""
        schemas = {row["oid"]: row["nspname"] for row in _rows(self.tables, "pg_namespace")}
        return {
            f"{schemas[row['relnamespace']]}.{row['relname']}": row["oid"]
            for row in _rows(self.tables, "pg_class")
            if row["relkind"] in ("r", "v")
        }

    @cached_property
    def columns(self) -> Mapping[str, Sequence[ColumnOf]]:
        """schema.name -> the columns of every system table and view."""
        return _columns(self.tables, self.oids)

    @cached_property
    def types(self) -> Mapping[int, PgType]:
        """oid -> type."""
        return _types(self.tables)

    @cached_property
    def functions(self) -> Mapping[str, Sequence[Routine]]:
        """name -> all functions of that name."""
        return _functions(self.tables)

    @cached_property
    def operators(self) -> Mapping[str, Sequence[Routine]]:
        """name -> all operators of that name; a prefix operator takes one argument."""
        return _operators(self.tables)

    @cached_property
    def casts(self) -> Mapping[tuple[int, int], str]:
        """(from, to) -> "i" implicit, "a" in assignment, "e" explicit only."""
        rows = _rows(self.tables, "pg_cast")
        return {(row["castsource"], row["casttarget"]): row["castcontext"] for row in rows}

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
    """The snapshot."""
    return Static()


@cache
def _names() -> dict[str, PgType]:
    return {row.name: row for row in static().types.values() if row.schema == PG_CATALOG}


def _rows(tables: Mapping[str, pa.Table], name: str) -> list[dict[str, Any]]:
    columns = tables[f"pg_catalog.{name}"].to_pydict()  # six times as fast as to_pylist
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _columns(tables: Mapping[str, pa.Table], oids: Mapping[str, int]) -> dict[str, list[ColumnOf]]:
    names = {oid: name for name, oid in oids.items()}
    columns: dict[str, list[ColumnOf]] = {name: [] for name in oids}
    attributes = sorted(_rows(tables, "pg_attribute"), key=lambda row: int(row["attnum"]))
    for row in attributes:
        if row["attrelid"] in names and row["attnum"] > 0:
            columns[names[row["attrelid"]]].append(ColumnOf(row["attname"], row["atttypid"]))
    return columns


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
