"""Numbers of what the store numbers not: datasets' tables, schemas, and the parts of relations.

What a user made has oids from 16384 up, one after another. Each relation owns a band of numbers
for its row type, its constraints, ...; a dataset's table and a schema have one made of their names.
So all are the same after a restart. All stay below 2^31: clients read them into an int4.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from typing import TypeVar

from gateway.sources.table import TableName

Name = TypeVar("Name", str, TableName)

_PUBLIC = 2200
_FIRST, _BANDS, _BAND = 16384, 500_000_000, 2048
_DATASETS, _DATASET_BANDS, _MOST_DATASETS = 400_000_000, 1_700_000_000, 200_000
_SCHEMAS, _SERVERS, _MOST_NAMES = 300_000_000, 350_000_000, 40_000_000

# The foreign-data wrapper that datasets are of; the extension that all of theirs belongs to.
WRAPPER, EXTENSION_OID, EXTENSION = 310_000_000, 310_000_001, "gradwire"
_POSTGRES, _FIRST_DATABASE = 5, 16384
_BY_INITDB = frozenset({"postgres", "template0", "template1"})
# What belongs to a relation: slots of its band. A default's slot is DEFAULTS + attnum; each index
# has an even one from KEYS up, and the constraint over it the next.
ARRAY_TYPE, ROW_TYPE, RULE, DEFAULTS, KEYS = 0, 1, 2, 4, 1700
_MOST_KEYS = 170


def part_oid(oid: int, slot: int) -> int:
    """The oid of something that belongs to relation `oid`.

    >>> part_oid(16384, ROW_TYPE), part_oid(16385, ROW_TYPE)
    (500000001, 500002049)
    """
    if oid >= _DATASETS:  # which has no keys and few columns
        return _DATASET_BANDS + (oid - _DATASETS) * (_BAND // 2) + slot % (_BAND // 2)
    return _BANDS + (oid - _FIRST) * _BAND + slot


def dataset_oids(names: Iterable[TableName]) -> dict[TableName, int]:
    """The oid of each dataset's table."""
    found = _spread(names, _MOST_DATASETS)
    return {name: _DATASETS + number for name, number in found.items()}


def slots_of(names: Collection[str]) -> dict[str, int]:
    """The slot of each of a relation's constraints and indexes, made of its name."""
    return {name: KEYS + 2 * number for name, number in _spread(names, _MOST_KEYS).items()}


def _spread(names: Iterable[Name], most: int) -> dict[Name, int]:
    """A number below `most` for each name; where two would be the same, the next free one."""
    taken: dict[int, Name] = {}
    for name in sorted(set(names)):
        number = zlib.crc32(str(name).encode()) % most
        while number in taken:
            number = (number + 1) % most
        taken[number] = name
    return {name: number for number, name in taken.items()}


def schema_oid(name: str) -> int:
    """The oid of a schema other than PostgreSQL's own."""
    return _SCHEMAS + zlib.crc32(name.encode()) % _MOST_NAMES


def namespace_oid(name: str) -> int:
    """The oid of a schema in which users' objects may be."""
    return _PUBLIC if name == "public" else schema_oid(name)


def server_oid(name: str) -> int:
    """The oid of a dataset's foreign server."""
    return _SERVERS + zlib.crc32(name.encode()) % _MOST_NAMES


def database_oid(name: str) -> int:
    """The number of the one database that is shown, whatever its client calls it.

    It is of the one that initdb makes, also where a client asks for a template, or of the first
    that a user makes: pgAdmin lists no others.

    >>> database_oid("postgres"), database_oid("gradwire")
    (5, 16384)
    """
    return _POSTGRES if name in _BY_INITDB else _FIRST_DATABASE
