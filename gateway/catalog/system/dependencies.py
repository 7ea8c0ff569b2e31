"""pg_depend's rows for what this server holds: what would go with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp

from gateway.catalog.system.entries import ColumnEntry, ConstraintEntry, Contents, RelationEntry
from gateway.catalog.system.oids import (
    ARRAY_TYPE,
    DEFAULTS,
    EXTENSION_OID,
    ROW_TYPE,
    RULE,
    WRAPPER,
    namespace_oid,
)
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import REGCLASS, name_parts

Row = dict[str, Any]
_DEFAULTS: Row = {"objsubid": 0, "refobjsubid": 0, "deptype": "n"}
# The oids of system catalogues, as classid names them.
_WRAPPERS, _SERVERS, _EXTENSIONS = 2328, 1417, 3079
_CLASS, _NAMESPACE, _TYPE, _CONSTRAINT, _ATTRDEF, _REWRITE = 1259, 2615, 1247, 2606, 2604, 2618


def depends(entry: RelationEntry, identity: bool) -> Iterator[Row]:
    """A relation's rows; `identity`: it is the sequence of an identity column."""
    for row in _depends(entry, identity):
        yield _DEFAULTS | row


def identities(contents: Contents) -> Mapping[int, bool]:
    """The sequences of identity columns."""
    columns = {
        (entry.oid, column.number)
        for entry in contents.relations
        for column in entry.columns
        if column.identity
    }
    return {
        entry.oid: True
        for entry in contents.relations
        if entry.sequence is not None and entry.sequence.owner in columns
    }


def _of_extension(contents: Contents) -> Iterator[Row]:
    """What is the datasets' and no user's: pg_dump leaves it out."""
    if not contents.servers:
        return
    foreign = [entry for entry in contents.relations if entry.kind == "f"]
    schemas = {entry.schema for entry in foreign} - {"public"}
    members = [
        (_WRAPPERS, WRAPPER),
        *((_SERVERS, oid) for oid in contents.servers.values()),
        *((_NAMESPACE, contents.schemas[name]) for name in sorted(schemas)),
        *((_CLASS, entry.oid) for entry in foreign),
    ]
    for kind, oid in members:
        yield _DEFAULTS | {
            "classid": kind, "objid": oid, "refclassid": _EXTENSIONS, "refobjid": EXTENSION_OID,
            "deptype": "e",
        }  # fmt: skip


def of_texts(contents: Contents) -> Iterator[Row]:
    """What the queries of views read, and sequences that defaults name.

    PostgreSQL names each column that a view reads; these rows name the relation alone.
    """
    yield from _of_extension(contents)
    oids = {(entry.schema, entry.name): entry.oid for entry in contents.relations}
    for entry in contents.relations:
        for column in entry.columns:
            for named in filter(oids.get, _named_in(column.default or "")):
                yield _DEFAULTS | {
                    "classid": _ATTRDEF, "objid": entry.part(DEFAULTS + column.number),
                    "refclassid": _CLASS, "refobjid": oids[named],
                }  # fmt: skip
        for read in dict.fromkeys((each.name.schema, each.name.name) for each in entry.reads):
            if read in oids:
                yield _DEFAULTS | {
                    "classid": _REWRITE, "objid": entry.part(RULE),
                    "refclassid": _CLASS, "refobjid": oids[read],
                }  # fmt: skip


def _named_in(default: str) -> Iterator[tuple[str, str]]:
    """The relations that a default names as constants of regclass."""
    for text in REGCLASS.findall(default):
        parts = ["public", *name_parts(text.replace("''", "'"))]
        yield parts[-2], parts[-1]


def _depends(entry: RelationEntry, identity: bool) -> Iterator[Row]:
    of_class = {"refclassid": _CLASS, "refobjid": entry.oid}
    schema = namespace_oid(entry.schema)
    yield {"classid": _CLASS, "objid": entry.oid, "refclassid": _NAMESPACE, "refobjid": schema}
    if entry.kind != "S":
        yield {"classid": _TYPE, "objid": entry.part(ROW_TYPE), **of_class, "deptype": "i"}
        yield {
            "classid": _TYPE, "objid": entry.part(ARRAY_TYPE), "refclassid": _TYPE,
            "refobjid": entry.part(ROW_TYPE), "deptype": "i",
        }  # fmt: skip
    for column in entry.columns:
        yield from _of_default(entry, column, of_class)
    for key in entry.constraints:
        yield from _of_constraint(key, of_class)
    behind = {key.index for key in entry.constraints if key.kind in "pu"}
    for index in entry.indexes:
        if index.oid not in behind:
            for place in filter(None, dict.fromkeys(index.held)):
                yield {
                    "classid": _CLASS, "objid": index.oid, **of_class, "refobjsubid": place,
                    "deptype": "a",
                }  # fmt: skip
    if entry.kind in "vm":
        rule = {"classid": _REWRITE, "objid": entry.part(RULE)}
        yield {**rule, **of_class, "deptype": "i"}
        yield {**rule, **of_class}
    if entry.sequence is not None and entry.sequence.owner is not None:
        table, number = entry.sequence.owner
        yield {
            "classid": _CLASS, "objid": entry.oid, "refclassid": _CLASS, "refobjid": table,
            "refobjsubid": number, "deptype": "i" if identity else "a",
        }  # fmt: skip


def _of_default(entry: RelationEntry, column: ColumnEntry, of_class: Row) -> Iterator[Row]:
    if column.default is None:
        return
    default = {"classid": _ATTRDEF, "objid": entry.part(DEFAULTS + column.number), **of_class}
    kind = "i" if column.generated else "a"
    yield {**default, "refobjsubid": column.number, "deptype": kind}
    if column.generated:
        trees = parse(f"SELECT {column.default}")
        named = {each.name for each in trees[0].find_all(exp.Column)}
        for each in entry.columns:
            if each.name in named:
                yield {**default, "refobjsubid": each.number}


def _of_constraint(key: ConstraintEntry, of_class: Row) -> Iterator[Row]:
    for place in key.columns:
        yield {
            "classid": _CONSTRAINT, "objid": key.oid, **of_class, "refobjsubid": place,
            "deptype": "a",
        }  # fmt: skip
        if key.kind == "c":  # for its expression, which names them
            yield {"classid": _CONSTRAINT, "objid": key.oid, **of_class, "refobjsubid": place}
    for place in key.referenced[1] if key.kind == "f" else ():
        yield {
            "classid": _CONSTRAINT, "objid": key.oid, "refclassid": _CLASS,
            "refobjid": key.referenced[0], "refobjsubid": place,
        }  # fmt: skip
    if key.kind == "f" and key.index:
        yield {
            "classid": _CONSTRAINT,
            "objid": key.oid,
            "refclassid": _CLASS,
            "refobjid": key.index,
        }
    if key.kind in "pu":
        yield {
            "classid": _CLASS, "objid": key.index,
            "refclassid": _CONSTRAINT, "refobjid": key.oid, "deptype": "i",
        }  # fmt: skip
