"""Definitions as JSON, for the catalogue on disk; names and numbers have columns of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Items
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.roles import Made, MadeRole, Membership
from gateway.sources.table import TableName
from gateway.sql.meaning.functions import Argument, Function, FunctionName
from gateway.store.definitions.constraints import completed
from gateway.store.definitions.definitions import (
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Note,
    Reads,
    Sequence,
    TableDefinition,
    View,
)
from gateway.store.definitions.domains import Domain
from gateway.store.definitions.privileges import Acl, Grant, Rights
from gateway.types import Type, by_oid, dimensions, with_dimensions


@dataclass(frozen=True, slots=True)
class OwnTypes:
    """Users' own types by number: enums and arrays of them, and domains."""

    types: Mapping[int, Type]
    domains: Mapping[int, Domain]


# Values of a column that are kept after its type and before its domain, which older ones lack.
_BEFORE_DOMAIN = 7


def encode_table(definition: TableDefinition) -> str:
    """JSON of everything but the name."""
    query = definition.query
    return json.dumps(
        {
            "columns": [_column(column) for column in definition.columns],
            "keys": [_key(key) for key in definition.keys],
            "checks": [[c.expression, c.name, c.columns, c.valid] for c in definition.checks],
            "foreign_keys": [_foreign_key(fk) for fk in definition.foreign_keys],
            "indexes": [_index(index) for index in definition.indexes],
            "comment": definition.comment,
            "storage": definition.storage,
            "query": None if query is None else encode_view(query),
            "on_commit": definition.on_commit,
            "numbered": definition.numbered,
            "notes": [[note.kind, note.name, note.text] for note in definition.notes],
        }
    )


def _column(column: Column) -> list[object]:
    return [
        column.name,
        _oid(column.type),
        column.typmod,
        column.not_null,
        column.default,
        column.identity,
        column.generated,
        column.comment,
        column.number,
        column.domain.oid if column.domain is not None else 0,
    ]


def _key(key: Key) -> list[object]:
    kind = [key.primary, key.constraint, key.deferrable, key.nulls_distinct]
    rest = [key.items, key.values, key.predicate, key.reads, key.included]
    return [key.columns, key.name, *kind, *rest]


def _index(index: Index) -> list[object]:
    return [index.name, index.columns, index.method, index.predicate, index.included]


def _oid(kind: Type) -> int | list[int]:
    """The type's number; of an array of several dimensions, these too."""
    count = dimensions(kind)
    return [kind.oid, count] if count > 1 else kind.oid


def _foreign_key(key: ForeignKey) -> list[object]:
    table = [key.table.schema, key.table.name]
    actions = [key.on_delete, key.on_update, key.deferrable, key.match, key.valid, key.emptied]
    return [key.columns, table, key.referenced, key.name, *actions]


def decode_table(name: TableName, text: str, own: OwnTypes) -> TableDefinition:
    """The definition that `encode_table` wrote."""
    kept: dict[str, Any] = json.loads(text)
    columns = tuple(_read_column(own, *column) for column in kept["columns"])
    if "keys" not in kept:  # format 1: keys without names, in two lists
        keys = [Key(tuple(kept["primary_key"]), primary=True)] if kept["primary_key"] else []
        keys += [Key(tuple(key)) for key in kept["unique"]]
        return completed(TableDefinition(name, columns, tuple(keys), comment=kept["comment"]))
    return TableDefinition(
        name,
        columns,
        tuple(_read_key(*key) for key in kept["keys"]),
        tuple(Check(c[0], c[1], tuple(c[2]), *c[3:]) for c in kept["checks"]),
        tuple(_read_foreign_key(*key) for key in kept["foreign_keys"]),
        tuple(Index(*_tuples(index)) for index in kept["indexes"]),
        kept["comment"],
        kept["storage"],
        None if kept["query"] is None else decode_view(name, kept["query"]),
        kept["on_commit"],
        kept["numbered"],
        tuple(Note(*each) for each in kept.get("notes", ())),
    )


def _read_key(*values: Any) -> Key:
    return Key(*_tuples(values))


def _tuples(values: Iterable[Any]) -> list[Any]:
    return [tuple(value) if isinstance(value, list) else value for value in values]


def _read_column(own: OwnTypes, name: str, oid: int | list[int], *rest: Any) -> Column:
    kept, domain = rest[:_BEFORE_DOMAIN], next(iter(rest[_BEFORE_DOMAIN:]), 0)
    if isinstance(oid, int):
        kind = own.types.get(oid) or by_oid(oid)
    else:
        kind = with_dimensions(by_oid(oid[0]), oid[1])
    return replace(Column(name, kind, *kept), domain=own.domains.get(domain))


def _read_foreign_key(
    columns: Items[str], table: Items[str], referenced: Items[str], *rest: Any
) -> ForeignKey:
    read: list[Any] = [tuple(value) if isinstance(value, list) else value for value in rest]
    return ForeignKey(tuple(columns), TableName(*table), tuple(referenced), *read)


def encode_view(view: View) -> str:
    """JSON of everything but the name."""
    reads = [[r.schema, r.written, r.oid, r.name.schema, r.name.name] for r in view.reads]
    kept = {"sql": view.sql, "columns": view.columns, "reads": reads, "comment": view.comment}
    more = {"populated": view.populated, "check": view.check, "zone": view.zone}
    return json.dumps({**kept, **more, "defaults": view.defaults, "notes": view.notes})


def decode_view(name: TableName, text: str) -> View:
    """The view that `encode_view` wrote."""
    kept: dict[str, Any] = json.loads(text)
    reads = tuple(Reads(r[0], r[1], r[2], TableName(r[3], r[4])) for r in kept.get("reads", ()))
    populated, comment = kept.get("populated", True), kept.get("comment", "")
    columns, check = tuple(kept["columns"]), kept.get("check", "")
    zone = kept.get("zone", "")
    defaults, notes = (
        tuple((column, text) for column, text in kept.get(which, ()))
        for which in ("defaults", "notes")
    )
    return View(name, kept["sql"], columns, reads, comment, populated, check, zone, defaults, notes)


def encode_sequence(sequence: Sequence) -> str:
    """JSON of everything but the name."""
    return json.dumps(
        {
            "type": sequence.type.oid,
            "start": sequence.start,
            "increment": sequence.increment,
            "minimum": sequence.minimum,
            "maximum": sequence.maximum,
            "cycle": sequence.cycle,
            "cache": sequence.cache,
            "owner": sequence.owner,
            "comment": sequence.comment,
        }
    )


def decode_sequence(name: TableName, text: str) -> Sequence:
    """The sequence that `encode_sequence` wrote."""
    kept: dict[str, Any] = json.loads(text)
    kept["type"] = by_oid(kept["type"])
    kept["owner"] = tuple(kept["owner"]) if kept["owner"] else None
    return Sequence(name, **kept)


def encode_function(function: Function) -> str:
    """JSON of everything but the name."""
    return json.dumps(
        {
            "arguments": [[a.name, a.type.oid] for a in function.arguments],
            "returns": function.returns.oid,
            "body": function.body,
            "strict": function.strict,
            "volatility": function.volatility,
            "bound": None
            if function.bound is None
            else [[written, key.schema, key.name, key.arity] for written, key in function.bound],
            "hidden": function.hidden,
        }
    )


def decode_function(schema: str, name: str, text: str) -> Function:
    """The function that `encode_function` wrote."""
    kept: dict[str, Any] = json.loads(text)
    bound = kept["bound"]
    return Function(
        schema,
        name,
        tuple(Argument(argument, by_oid(oid)) for argument, oid in kept["arguments"]),
        by_oid(kept["returns"]),
        kept["body"],
        kept["strict"],
        kept["volatility"],
        None if bound is None else tuple((b[0], FunctionName(*b[1:])) for b in bound),
        kept["hidden"],
    )


def encode_grants(rights: Rights) -> str | None:
    """JSON of all but the owner; None for the grants that a kind has by default."""
    acl = None if rights.acl is None else _encode_acl(rights.acl)
    if rights.columns:
        columns = [[number, _encode_acl(each)] for number, each in rights.columns]
        return json.dumps({"acl": acl, "columns": columns})
    return None if acl is None else json.dumps(acl)


def _encode_acl(acl: Acl) -> list[list[str]]:
    return [[g.grantee, g.grantor, g.letters, g.options] for g in acl]


def decode_rights(owner: str, text: str | None) -> Rights:
    """The rights whose grants `encode_grants` wrote."""
    value = None if text is None else json.loads(text)
    if not isinstance(value, dict):
        return Rights(owner, _decode_acl(value))
    columns = tuple((number, _decode_acl(each) or ()) for number, each in value["columns"])
    return Rights(owner, _decode_acl(value["acl"]), columns)


def _decode_acl(value: list[list[str]] | None) -> Acl | None:
    return None if value is None else tuple(Grant(*each) for each in value)


def encode_made(made: Made) -> str:
    """JSON of the roles that statements made."""
    return json.dumps(
        {
            "roles": [asdict(role) for role in made.roles.values()],
            "members": [asdict(each) for each in made.members],
            "settings": [[*place, pairs] for place, pairs in made.settings.items()],
            "comments": dict(made.comments),
        }
    )


def decode_made(text: str) -> Made:
    """The roles that `encode_made` wrote."""
    values = json.loads(text)
    # Where there are none, an older version kept each role's with the role.
    held = [(False, role["name"], role.pop("settings", ())) for role in values["roles"]]
    settings = {
        (inside, role): tuple((name, value) for name, value in pairs)
        for inside, role, pairs in values.get("settings", held)
        if pairs
    }
    roles = [MadeRole(**role) for role in values["roles"]]
    members = tuple(Membership(**each) for each in values["members"])
    return Made({r.name: r for r in roles}, members, settings, values.get("comments", {}))
