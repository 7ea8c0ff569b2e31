"""pg_attribute's rows for a relation and its indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.catalog.system.entries import IndexEntry, RelationEntry
from gateway.catalog.system.static import static

Row = dict[str, Any]
TEXT = 25

# What most rows have.
ATTRIBUTE: Row = {
    "attstattarget": -1, "attndims": 0, "attcacheoff": -1, "atttypmod": -1,
    "attcompression": "", "attnotnull": False, "atthasdef": False, "atthasmissing": False,
    "attidentity": "", "attgenerated": "", "attisdropped": False, "attislocal": True,
    "attinhcount": 0, "attcollation": 0,
}  # fmt: skip

_SYSTEM_COLUMNS = (
    #  name       number type bytes by value align
    ("tableoid", -6, 26, 4, True, "i"),
    ("cmax",     -5, 29, 4, True, "i"),
    ("xmax",     -4, 28, 4, True, "i"),
    ("cmin",     -3, 29, 4, True, "i"),
    ("xmin",     -2, 28, 4, True, "i"),
    ("ctid",     -1, 27, 6, False, "s"),
)  # fmt: skip


def attributes_of(entry: RelationEntry, _: bool) -> Iterator[Row]:
    """The rows of its columns and of its indexes'; see `pg_catalog.OF_RELATIONS`."""
    for name, number, kind, size, by_value, align in _SYSTEM_COLUMNS * (entry.kind in "rfmS"):
        yield {
            "attrelid": entry.oid, "attname": name, "atttypid": kind, "attlen": size,
            "attnum": number, "attbyval": by_value, "attalign": align, "attstorage": "p",
            "attnotnull": True, "attstattarget": 0,
        }  # fmt: skip
    for column in entry.columns:
        yield {
            "attrelid": entry.oid, "attname": column.name, "attnum": column.number,
            "atttypmod": -1 if column.base else column.typmod, "attnotnull": column.not_null,
            "atthasdef": column.default is not None, "attidentity": column.identity,
            "attgenerated": "s" if column.generated else "",
            **type_facts(column.base or column.type, column.dimensions > 0),
            **({"attndims": column.dimensions} if column.dimensions else {}),
            **({"atttypid": column.type, "attndims": 0} if column.base else {}),
            **({"attacl": list(acl)} if (acl := entry.column_acls.get(column.number)) else {}),
        }  # fmt: skip
    for index in entry.indexes:
        yield from _of_index(entry, index)


def _of_index(entry: RelationEntry, index: IndexEntry) -> Iterator[Row]:
    by_number = {column.number: column for column in entry.columns}
    for number, place in enumerate(index.held, 1):
        of = by_number.get(place)
        item = index.items[min(number, len(index.items)) - 1]
        yield {
            "attrelid": index.oid, "attnum": number,
            "attname": of.name if of is not None else item.text.partition("(")[0].strip() or "expr",
            "atttypmod": of.typmod if of is not None else -1,
            **(type_facts(of.type, of.dimensions > 0) if of else type_facts(item.type)),
        }  # fmt: skip


_FACTS: dict[int, Row] = {}


# Of enums, which are users' own, and of their arrays.
_OF_ENUM: Row = {"attlen": 4, "attbyval": True, "attstorage": "p", "attndims": 0}
_OF_ENUMS: Row = {"attlen": -1, "attbyval": False, "attstorage": "x", "attndims": 1}


def type_facts(oid: int, array: bool = False) -> Row:
    """What pg_attribute repeats of a column's type, which is an `array` of a type or is none."""
    if not _FACTS:
        for row in static().tables["pg_catalog.pg_type"].to_pylist():
            _FACTS[row["oid"]] = {
                "atttypid": row["oid"], "attlen": row["typlen"], "attbyval": row["typbyval"],
                "attalign": row["typalign"], "attstorage": row["typstorage"],
                "attcollation": row["typcollation"],
                "attndims": int(row["typcategory"] == "A" and row["typlen"] == -1),
            }  # fmt: skip
    if oid not in _FACTS:
        own = _OF_ENUMS if array else _OF_ENUM
        return {"atttypid": oid, "attalign": "i", "attcollation": 0, **own}
    return _FACTS[oid]
