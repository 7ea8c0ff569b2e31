"""The rows of pg_type and pg_enum for users' own types: enums, and the rows of relations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from gateway.catalog.system.entries import Contents, RelationEntry
from gateway.catalog.system.oids import ARRAY_TYPE, ROW_TYPE, namespace_oid
from gateway.catalog.system.owners import Owned
from gateway.catalog.system.static import static

Row = dict[str, Any]


@cache
def _handlers(kind: str) -> Row:
    functions = static().tables["pg_catalog.pg_proc"]
    numbers = dict(zip(functions["proname"].to_pylist(), functions["oid"].to_pylist(), strict=True))
    ends = ("input", "in"), ("output", "out"), ("receive", "recv"), ("send", "send")
    found = {f"typ{column}": numbers[f"{kind}_{end}"] for column, end in ends}
    if kind == "array":
        found["typsubscript"] = numbers["array_subscript_handler"]
        found["typanalyze"] = numbers["array_typanalyze"]
    return found


def row_types(entry: RelationEntry, _: bool) -> Iterator[Row]:
    """The type of a relation's rows, and of arrays of them; see `pg_catalog.OF_RELATIONS`."""
    if entry.kind == "S":
        return
    schema = namespace_oid(entry.schema)
    yield {
        "oid": entry.part(ROW_TYPE), "typname": entry.name, "typnamespace": schema,
        "typtype": "c", "typcategory": "C", "typrelid": entry.oid,
        "typarray": entry.part(ARRAY_TYPE), **_handlers("record"),
    }  # fmt: skip
    yield {
        "oid": entry.part(ARRAY_TYPE), "typname": f"_{entry.name}"[:63],
        "typnamespace": schema, "typtype": "b", "typcategory": "A",
        "typelem": entry.part(ROW_TYPE), **_handlers("array"),
    }  # fmt: skip


def enum_types(contents: Contents) -> Iterator[Row]:
    """Enums, and arrays of them; see `pg_catalog.OF_OTHERS`."""
    for enum in contents.enums:
        schema, owned = namespace_oid(enum.name.schema), contents.ownership.types.get(enum.oid)
        common = {"typnamespace": schema, "typowner": (owned or Owned()).owner, "typalign": "i"}
        yield common | {
            "oid": enum.oid, "typname": enum.name.name, "typlen": 4, "typbyval": True,
            "typacl": None if owned is None or owned.acl is None else list(owned.acl),
            "typtype": "e", "typcategory": "E", "typstorage": "p", "typarray": enum.array_oid,
            **_handlers("enum"),
        }  # fmt: skip
        yield common | {
            "oid": enum.array_oid, "typname": f"_{enum.name.name}"[:63], "typtype": "b",
            "typcategory": "A", "typelem": enum.oid, **_handlers("array"),
        }  # fmt: skip


def labels(contents: Contents) -> Iterator[Row]:
    """The labels of enums, as rows of pg_enum."""
    for enum in contents.enums:
        for label in enum.labels:
            yield {
                "oid": label.oid, "enumtypid": enum.oid, "enumsortorder": label.place,
                "enumlabel": label.text,
            }  # fmt: skip
