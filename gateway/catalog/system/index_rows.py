"""pg_index: what a table's indexes are over, and the operator classes of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from gateway.catalog.system.attributes import type_facts
from gateway.catalog.system.entries import RelationEntry
from gateway.catalog.system.static import static
from gateway.store.definitions.catalogue import FIRST_OID

Row = dict[str, Any]
# Access methods -> their oids (pg_am).
METHODS = {"btree": 403, "hash": 405, "gist": 783, "gin": 2742, "brin": 3580, "spgist": 4000}
_LIKE = {1043: 25}  # varchar goes by the operator classes of text
_ANY_ARRAY, _ANY_ENUM = 2277, 3500


def indexes_of(entry: RelationEntry, _: bool) -> Iterator[Row]:
    """The rows of its indexes; see `pg_catalog.OF_RELATIONS`."""
    by_number = {column.number: column.base or column.type for column in entry.columns}
    for index in entry.indexes:
        keys = zip(index.columns, index.items, strict=True)
        kinds = [by_number.get(place, item.type) for place, item in keys]
        expressions = [
            item.expression
            for place, item in zip(index.columns, index.items, strict=True)
            if not place
        ]
        yield {
            "indexrelid": index.oid, "indrelid": entry.oid, "indnatts": len(index.held),
            "indnkeyatts": len(kinds), "indisprimary": index.primary, "indisunique": index.unique,
            "indkey": list(index.held), "indoption": [item.option for item in index.items],
            "indcollation": [type_facts(kind)["attcollation"] for kind in kinds],
            "indclass": [
                _class_of(index.method, kind, item.opclass)
                for kind, item in zip(kinds, index.items, strict=True)
            ],
            "indimmediate": index.immediate, "indnullsnotdistinct": not index.nulls_distinct,
            "indexprs": ", ".join(expressions) or None,
            "indpred": index.predicate.text if index.predicate is not None else None,
        }  # fmt: skip


def _class_of(method: str, kind: int, named: str) -> int:
    """The operator class of a key: the one that is named, or the default one of its type."""
    classes = _operator_classes()
    if named and (found := classes.get((method, named))) is not None:
        return found
    if type_facts(kind)["attndims"]:
        of = _ANY_ARRAY
    else:
        of = _ANY_ENUM if kind >= FIRST_OID else _LIKE.get(kind, kind)
    return classes.get((method, of), 0)


@cache
def _operator_classes() -> Mapping[tuple[str, str | int], int]:
    """(access method, name or type whose default it is) -> oid."""
    methods = {oid: name for name, oid in METHODS.items()}
    found: dict[tuple[str, str | int], int] = {}
    for row in static().tables["pg_catalog.pg_opclass"].to_pylist():
        method = methods[row["opcmethod"]]
        found.setdefault((method, row["opcname"]), row["oid"])
        if row["opcdefault"]:
            found[method, row["opcintype"]] = row["oid"]
    return found
