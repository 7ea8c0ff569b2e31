"""pg_depend's rows for what this server holds: what would go with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.catalog.system.entries import ConstraintEntry, Contents, RelationEntry
from gateway.catalog.system.oids import ARRAY_TYPE, DEFAULTS, ROW_TYPE, RULE, namespace_oid

Row = dict[str, Any]
_DEFAULTS: Row = {"objsubid": 0, "refobjsubid": 0, "deptype": "n"}
# The oids of system catalogues, as classid names them.
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


def of_views(contents: Contents) -> Iterator[Row]:
    """What the queries of views read: their rules depend on it.

    PostgreSQL names each column that a view reads; these rows name the relation alone.
    """
    oids = {(entry.schema, entry.name): entry.oid for entry in contents.relations}
    for entry in contents.relations:
        for read in dict.fromkeys((each.name.schema, each.name.name) for each in entry.reads):
            if read in oids:
                yield _DEFAULTS | {
                    "classid": _REWRITE, "objid": entry.part(RULE),
                    "refclassid": _CLASS, "refobjid": oids[read],
                }  # fmt: skip


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
        if column.default is not None:
            yield {
                "classid": _ATTRDEF, "objid": entry.part(DEFAULTS + column.number), **of_class,
                "refobjsubid": column.number, "deptype": "a",
            }  # fmt: skip
    for key in entry.constraints:
        yield from _of_constraint(key, of_class)
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


def _of_constraint(key: ConstraintEntry, of_class: Row) -> Iterator[Row]:
    for place in key.columns:
        yield {
            "classid": _CONSTRAINT, "objid": key.oid, **of_class, "refobjsubid": place,
            "deptype": "a",
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
