"""The rows of pg_type and pg_enum for users' own types: enums, domains, the rows of relations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from gateway.catalog.system.attributes import type_facts
from gateway.catalog.system.entries import Contents, RelationEntry
from gateway.catalog.system.oids import ARRAY_TYPE, ROW_TYPE, namespace_oid
from gateway.catalog.system.owners import Owned
from gateway.catalog.system.static import static
from gateway.types import Type, dimensions

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


@cache
def _beneath(base: Type) -> Row:
    """What a domain has of the type beneath, and its own functions of input."""
    functions = static().tables["pg_catalog.pg_proc"]
    numbers = dict(zip(functions["proname"].to_pylist(), functions["oid"].to_pylist(), strict=True))
    own = {"typinput": numbers["domain_in"], "typreceive": numbers["domain_recv"]}
    for row in static().tables["pg_catalog.pg_type"].to_pylist():
        if row["oid"] == base.oid:
            return {name: row[name] for name in ("typcategory", "typoutput", "typsend")} | own
    kind = "enum" if base.element is None else "array"
    handlers = _handlers(kind)
    category = {"enum": "E", "array": "A"}[kind]
    return {"typcategory": category, **{n: handlers[n] for n in ("typoutput", "typsend")}} | own


def own_types(contents: Contents) -> Iterator[Row]:
    """Enums and domains, and arrays of them; see `pg_catalog.OF_OTHERS`."""
    yield from enum_types(contents)
    yield from domain_types(contents)


def domain_types(contents: Contents) -> Iterator[Row]:
    """Domains, and arrays of them; see `pg_catalog.OF_OTHERS`."""
    for entry in contents.domains:
        domain, base = entry.domain, entry.domain.base
        facts = type_facts(base.oid, base.element is not None)
        schema, owned = namespace_oid(domain.name.schema), contents.ownership.types.get(domain.oid)
        common = {"typnamespace": schema, "typowner": (owned or Owned()).owner}
        yield common | {
            "oid": domain.oid, "typname": domain.name.name, "typtype": "d",
            "typlen": facts["attlen"], "typbyval": facts["attbyval"],
            "typalign": facts["attalign"], "typstorage": facts["attstorage"],
            "typcollation": facts["attcollation"], **_beneath(base),
            "typacl": None if owned is None or owned.acl is None else list(owned.acl),
            "typnotnull": domain.not_null, "typarray": domain.array_oid,
            "typbasetype": domain.over.oid if domain.over is not None else domain.base.oid,
            "typtypmod": -1 if domain.over is not None else domain.typmod,
            "typndims": dimensions(domain.base) if domain.over is None else 0,
            "typdefault": entry.default, "typdefaultbin": entry.default,
        }  # fmt: skip
        yield common | {
            "oid": domain.array_oid, "typname": f"_{domain.name.name}"[:63], "typtype": "b",
            "typcategory": "A", "typelem": domain.oid, "typalign": facts["attalign"],
            "typcollation": facts["attcollation"], **_handlers("array"),
        }  # fmt: skip


def labels(contents: Contents) -> Iterator[Row]:
    """The labels of enums, as rows of pg_enum."""
    for enum in contents.enums:
        for label in enum.labels:
            yield {
                "oid": label.oid, "enumtypid": enum.oid, "enumsortorder": label.place,
                "enumlabel": label.text,
            }  # fmt: skip
