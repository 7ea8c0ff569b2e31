"""pg_catalog's rows for what this server holds: a function per relation that has any.

Each gives dictionaries of the columns that differ from `_DEFAULTS`: those of `OF_RELATIONS` for
one relation, so that its rows are made once while it stays as it is, those of `OF_OTHERS` for
everything else. The rows of PostgreSQL's own objects are in the snapshot (`static`); a relation
without a function here has only those, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway import __version__
from gateway.catalog.system.attributes import ATTRIBUTE, attributes_of
from gateway.catalog.system.contents import server_of
from gateway.catalog.system.dependencies import depends, identities, of_texts
from gateway.catalog.system.entries import Contents, RelationEntry
from gateway.catalog.system.index_rows import METHODS, indexes_of
from gateway.catalog.system.oids import (
    DEFAULTS,
    EXTENSION,
    EXTENSION_OID,
    ROW_TYPE,
    RULE,
    WRAPPER,
    namespace_oid,
    server_oid,
)
from gateway.catalog.system.owners import Owned
from gateway.catalog.system.static import PUBLIC
from gateway.catalog.system.type_rows import labels, own_types, row_types
from gateway.sources.table import TableName

Row = dict[str, Any]
OWNER = 10  # the first role: here, whoever has connected
_HEAP, _BTREE, _DEFAULT_COLLATION = 2, 403, 100
_CLASS, _NAMESPACE, _PROC, _CONSTRAINT, _TYPE = 1259, 2615, 1255, 2606, 1247
_SQL = 14  # the language of users' functions

_DEFAULTS: dict[str, Row] = {
    "pg_attribute": ATTRIBUTE,
    "pg_class": {
        "reloftype": 0, "relowner": OWNER, "relam": 0, "relfilenode": 0, "reltablespace": 0,
        "relpages": 0, "reltuples": -1.0, "relallvisible": 0, "reltoastrelid": 0,
        "relhasindex": False, "relisshared": False, "relpersistence": "p", "relchecks": 0,
        "relhasrules": False, "relhastriggers": False, "relhassubclass": False,
        "relrowsecurity": False, "relforcerowsecurity": False, "relispopulated": True,
        "relreplident": "n", "relispartition": False, "relrewrite": 0, "relfrozenxid": 0,
        "relminmxid": 0, "reltype": 0,
    },
    "pg_type": {
        "typowner": OWNER, "typlen": -1, "typbyval": False, "typispreferred": False,
        "typisdefined": True, "typdelim": ",", "typrelid": 0, "typsubscript": 0, "typelem": 0,
        "typarray": 0, "typmodin": 0, "typmodout": 0, "typanalyze": 0, "typalign": "d",
        "typstorage": "x", "typnotnull": False, "typbasetype": 0, "typtypmod": -1, "typndims": 0,
        "typcollation": 0,
    },
    "pg_constraint": {
        "condeferrable": False, "condeferred": False, "convalidated": True, "contypid": 0,
        "conindid": 0, "conparentid": 0, "confrelid": 0, "confupdtype": " ", "confdeltype": " ",
        "confmatchtype": " ", "conislocal": True, "coninhcount": 0, "connoinherit": True,
    },
    "pg_index": {
        "indisunique": True, "indnullsnotdistinct": False, "indisexclusion": False,
        "indimmediate": True, "indisclustered": False, "indisvalid": True, "indcheckxmin": False,
        "indisready": True, "indislive": True, "indisreplident": False,
    },
    "pg_description": {"objsubid": 0},
    "pg_rewrite": {"rulename": "_RETURN", "ev_type": "1", "ev_enabled": "O", "is_instead": True},
    "pg_proc": {
        "proowner": OWNER, "prolang": _SQL, "procost": 100.0, "prorows": 0.0, "provariadic": 0,
        "prosupport": 0, "prokind": "f", "prosecdef": False, "proleakproof": False,
        "proretset": False, "proparallel": "u", "pronargdefaults": 0,
    },
    "pg_foreign_data_wrapper": {"fdwowner": OWNER, "fdwhandler": 0, "fdwvalidator": 0},
    "pg_foreign_server": {"srvowner": OWNER, "srvfdw": WRAPPER},
}  # fmt: skip

_HEAPS = {"r": _HEAP, "m": _HEAP}


@dataclass(slots=True, eq=False)
class Part:
    """Some of a relation's rows.

    Args:
        make: Gives them.
        about: What they are about; kept, so that no other is ever taken for it.
    """

    make: Callable[[], Iterator[Row]]
    about: object


def parts_of(name: str, contents: Contents, known: Mapping[Hashable, Part]) -> dict[Hashable, Part]:
    """The rows of pg_catalog.`name` in parts; the same key stands for the same rows.

    Args:
        name: The relation.
        contents: What it tells of.
        known: Parts as they were before, which serve again.
    """
    parts: dict[Hashable, Part] = {}
    make = OF_RELATIONS.get(name)
    if make is not None:
        defaults, beside = _DEFAULTS.get(name, {}), _BESIDE.get(name, _nothing)(contents)
        for entry in contents.relations:
            key = id(entry), beside.get(entry.oid, False)
            parts[key] = known.get(key) or Part(
                partial(_rows, make, defaults, entry, key[1]), entry
            )
    others = OF_OTHERS.get(name)
    if others is not None:
        rows = [_DEFAULTS.get(name, {}) | row for row in others(contents)]
        if rows:
            parts[repr(rows)] = part_of(rows)
    return parts


def part_of(rows: list[Row]) -> Part:
    """These rows as a part."""
    return Part(lambda: iter(rows), None)


def _rows(make: OfRelation, defaults: Row, entry: RelationEntry, more: bool) -> Iterator[Row]:
    return (defaults | row for row in make(entry, more))


def _nothing(contents: Contents) -> Mapping[int, bool]:
    return {}


def _classes(entry: RelationEntry, has_triggers: bool) -> Iterator[Row]:
    schema = namespace_oid(entry.schema)
    stored = entry.kind in "rmS"
    yield {
        "oid": entry.oid, "relname": entry.name, "relnamespace": schema,
        "reltype": 0 if entry.kind == "S" else entry.part(ROW_TYPE),
        "relam": _HEAPS.get(entry.kind, 0), "relkind": entry.kind,
        "relfilenode": entry.oid if stored else 0, "relnatts": _last(entry),
        "relreplident": "d" if entry.kind in "rm" else "n",
        "relchecks": sum(c.kind == "c" for c in entry.constraints),
        "relhasindex": bool(entry.indexes), "relhasrules": entry.kind in "vm",
        "relhastriggers": has_triggers, "relispopulated": entry.populated,
        "relpersistence": "t" if entry.temporary else "p", "relowner": entry.owner,
        "reloptions": list(entry.options) or None,
        "relacl": None if entry.acl is None else list(entry.acl),
        "relfrozenxid": int(entry.kind in "rm"), "relminmxid": int(entry.kind in "rm"),
        **({"relpages": 1, "reltuples": 1.0} if entry.kind == "S" else {}),
    }  # fmt: skip
    for index in entry.indexes:
        yield {
            "oid": index.oid, "relname": index.name, "relnamespace": schema,
            "relam": METHODS.get(index.method, _BTREE), "relfilenode": index.oid,
            "relpages": 1, "reltuples": 0.0, "relkind": "i", "relnatts": len(index.held),
            "relpersistence": "t" if entry.temporary else "p", "relowner": entry.owner,
        }  # fmt: skip


def _last(entry: RelationEntry) -> int:
    return max((column.number for column in entry.columns), default=0)


def _with_triggers(contents: Contents) -> Mapping[int, bool]:
    """Foreign keys are kept by triggers on both tables."""
    return {
        oid: True
        for entry in contents.relations
        for each in entry.constraints
        if each.kind == "f"
        for oid in (entry.oid, each.referenced[0])
    }


def _defaults(entry: RelationEntry, _: bool) -> Iterator[Row]:
    for column in entry.columns:
        if column.default is not None:
            yield {
                "oid": entry.part(DEFAULTS + column.number), "adrelid": entry.oid,
                "adnum": column.number, "adbin": column.default,
            }  # fmt: skip


def _constraints(entry: RelationEntry, _: bool) -> Iterator[Row]:
    for each in entry.constraints:
        foreign = each.kind == "f"
        yield {
            "oid": each.oid, "conname": each.name,
            "connamespace": namespace_oid(entry.schema), "contype": each.kind,
            "conrelid": entry.oid, "conkey": list(each.columns), "conindid": each.index,
            "connoinherit": each.kind in "puf", "conbin": each.expression or None,
            "confrelid": each.referenced[0], "confupdtype": each.actions[0],
            "confdeltype": each.actions[1], "confmatchtype": each.match,
            "confkey": list(each.referenced[1]) if foreign else None,
            "condeferrable": bool(each.deferrable),
            "condeferred": each.deferrable == "deferred", "convalidated": each.valid,
        }  # fmt: skip


def _domain_checks(contents: Contents) -> Iterator[Row]:
    for entry in contents.domains:
        for each in entry.checks:
            yield {
                "oid": each.oid, "conname": each.name, "contype": "c",
                "connamespace": namespace_oid(entry.domain.name.schema), "conrelid": 0,
                "contypid": entry.domain.oid, "conbin": each.expression,
                "connoinherit": False, "convalidated": each.valid, "conkey": None,
            }  # fmt: skip


def _sequences(entry: RelationEntry, _: bool) -> Iterator[Row]:
    if (made := entry.sequence) is not None:
        yield {
            "seqrelid": entry.oid, "seqtypid": made.type.oid, "seqstart": made.start,
            "seqincrement": made.increment, "seqmax": made.maximum, "seqmin": made.minimum,
            "seqcache": made.cache, "seqcycle": made.cycle,
        }  # fmt: skip


def descriptions_of(entry: RelationEntry, _: bool = False) -> Iterator[Row]:
    """The comments on a relation and its parts, as rows of pg_description."""
    if entry.comment:
        yield {"objoid": entry.oid, "classoid": _CLASS, "description": entry.comment}
    for column in entry.columns:
        if column.comment:
            yield {
                "objoid": entry.oid, "classoid": _CLASS, "objsubid": column.number,
                "description": column.comment,
            }  # fmt: skip
    for note in entry.notes:
        parts = entry.indexes if note.kind == "index" else entry.constraints
        for part in parts:
            if part.name == note.name:
                of = _CLASS if note.kind == "index" else _CONSTRAINT
                yield {"objoid": part.oid, "classoid": of, "description": note.text}


def other_descriptions(contents: Contents) -> Iterator[Row]:
    """The other comments."""
    for routine in contents.functions:
        if routine.comment:
            yield {"objoid": routine.oid, "classoid": _PROC, "description": routine.comment}
    for own in contents.own_types:
        if own.comment:
            yield {"objoid": own.oid, "classoid": _TYPE, "description": own.comment}
    for entry in contents.domains:
        for rule, kept in zip(entry.checks, entry.domain.checks, strict=True):
            if kept.comment:
                yield {"objoid": rule.oid, "classoid": _CONSTRAINT, "description": kept.comment}
    for name, text in contents.comments.items():
        yield {"objoid": contents.schemas[name], "classoid": _NAMESPACE, "description": text}


def _rules(entry: RelationEntry, _: bool) -> Iterator[Row]:
    if entry.kind in "vm":
        yield {"oid": entry.part(RULE), "ev_class": entry.oid}


def _functions(contents: Contents) -> Iterator[Row]:
    for routine in contents.functions:
        function = routine.function
        owned = contents.ownership.functions.get(routine.oid, Owned())
        yield {
            "oid": routine.oid, "proname": function.name,
            "pronamespace": contents.schemas.get(function.schema, PUBLIC),
            "proisstrict": function.strict, "provolatile": function.volatility[0],
            "pronargs": len(function.arguments), "prorettype": function.returns.oid,
            "proargtypes": [argument.type.oid for argument in function.arguments],
            "proargnames": [argument.name for argument in function.arguments]
            if any(argument.name for argument in function.arguments) else None,
            "prosrc": function.body if function.bound is None else "",
            "proowner": owned.owner, "proacl": owned.acl,
        }  # fmt: skip


def _members(contents: Contents) -> Iterator[Row]:
    for each in contents.ownership.members:
        yield {
            "roleid": each.role, "member": each.member, "grantor": each.grantor,
            "admin_option": each.admin,
        }  # fmt: skip


def _default_acls(contents: Contents) -> Iterator[Row]:
    for each in contents.ownership.defaults:
        yield {
            "oid": each.oid, "defaclrole": each.role, "defaclobjtype": each.kind,
            "defaclnamespace": namespace_oid(each.schema) if each.schema else 0,
            "defaclacl": list(each.acl),
        }  # fmt: skip


def _wrappers(contents: Contents) -> Iterator[Row]:
    if contents.servers:
        yield {"oid": WRAPPER, "fdwname": "xarray"}


def _servers(contents: Contents) -> Iterator[Row]:
    for name, oid in contents.servers.items():
        yield {"oid": oid, "srvname": name}


def _extensions(contents: Contents) -> Iterator[Row]:
    if contents.servers:
        yield {
            "oid": EXTENSION_OID, "extname": EXTENSION, "extowner": OWNER,
            "extnamespace": contents.schemas[EXTENSION], "extrelocatable": False,
            "extversion": __version__,
        }  # fmt: skip


def _foreign_tables(entry: RelationEntry, _: bool) -> Iterator[Row]:
    if entry.kind == "f":
        server = server_of(TableName(entry.schema, entry.name))
        yield {"ftrelid": entry.oid, "ftserver": server_oid(server)}


# The rows that are about one relation; the flag is what `_BESIDE` tells of it.
OfRelation = Callable[[RelationEntry, bool], Iterator[Row]]
OF_RELATIONS: Mapping[str, OfRelation] = {
    "pg_attrdef": _defaults,
    "pg_attribute": attributes_of,
    "pg_class": _classes,
    "pg_constraint": _constraints,
    "pg_depend": depends,
    "pg_description": descriptions_of,
    "pg_foreign_table": _foreign_tables,
    "pg_index": indexes_of,
    "pg_rewrite": _rules,
    "pg_sequence": _sequences,
    "pg_type": row_types,
}
# What other relations say of one: oid -> yes.
_BESIDE: Mapping[str, Callable[[Contents], Mapping[int, bool]]] = {
    "pg_class": _with_triggers,
    "pg_depend": identities,
}
OF_OTHERS: Mapping[str, Callable[[Contents], Iterator[Row]]] = {
    "pg_auth_members": _members,
    "pg_constraint": _domain_checks,
    "pg_default_acl": _default_acls,
    "pg_depend": of_texts,
    "pg_description": other_descriptions,
    "pg_extension": _extensions,
    "pg_foreign_data_wrapper": _wrappers,
    "pg_foreign_server": _servers,
    "pg_enum": labels,
    "pg_proc": _functions,
    "pg_type": own_types,
}
