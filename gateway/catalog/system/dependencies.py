"""pg_depend's rows for what this server holds: what would go with what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.catalog.system.contents import Contents, RelationEntry
from gateway.catalog.system.oids import ARRAY_TYPE, DEFAULTS, ROW_TYPE, RULE

Row = dict[str, Any]
# The oids of system catalogues, as classid names them.
_CLASS, _NAMESPACE, _TYPE, _CONSTRAINT, _ATTRDEF, _REWRITE = 1259, 2615, 1247, 2606, 2604, 2618


def depends(contents: Contents) -> Iterator[Row]:
    """Every row."""
    for entry in contents.relations:
        of_class = {"refclassid": _CLASS, "refobjid": entry.oid}
        schema = contents.schemas[entry.schema]
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
            for place in key.columns:
                yield {
                    "classid": _CONSTRAINT, "objid": key.oid, **of_class, "refobjsubid": place,
                    "deptype": "a",
                }  # fmt: skip
            if key.kind == "f" and key.index:
                yield {
                    "classid": _CONSTRAINT, "objid": key.oid, "refclassid": _CLASS,
                    "refobjid": key.index,
                }  # fmt: skip
            if key.kind in "pu":
                yield {
                    "classid": _CLASS, "objid": key.index,
                    "refclassid": _CONSTRAINT, "refobjid": key.oid, "deptype": "i",
                }  # fmt: skip
        yield from _other_depends(entry, contents)


def _other_depends(entry: RelationEntry, contents: Contents) -> Iterator[Row]:
    of_class = {"refclassid": _CLASS, "refobjid": entry.oid}
    if entry.kind in "vm":
        rule = {"classid": _REWRITE, "objid": entry.part(RULE)}
        yield {**rule, **of_class, "deptype": "i"}
        yield {**rule, **of_class}
    if entry.sequence is not None and entry.sequence.owner is not None:
        table, number = entry.sequence.owner
        owner = next((e for e in contents.relations if e.oid == table), None)
        identity = owner is not None and any(
            c.number == number and c.identity for c in owner.columns
        )
        yield {
            "classid": _CLASS, "objid": entry.oid, "refclassid": _CLASS, "refobjid": table,
            "refobjsubid": number, "deptype": "i" if identity else "a",
        }  # fmt: skip
