"""has_table_privilege and its like, pg_has_role: what they answer at one moment (acl.c).

Owners and grants are read from the same rows that pg_catalog shows, so they tell what those tell.
A thing that is not there by number gives NULL, by name an error; so does a NULL argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from gateway.catalog.system.acl import DEFAULTS, PUBLIC_OID, Item, default_items, read_items
from gateway.catalog.system.names import Moment
from gateway.catalog.system.pg_catalog import rows_of
from gateway.catalog.system.session_rows import session_rows
from gateway.catalog.system.static import static
from gateway.errors import (
    GatewayError,
    InvalidCatalogName,
    InvalidParameterValue,
    InvalidSchemaName,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from gateway.recent import Recent
from gateway.roles import BOOTSTRAP_OID
from gateway.store.definitions.catalogue import TEMPORARY

_FIRST_OID = 16384  # of what users made
# Predefined roles that have rights to everything of a kind (manual, 22.5), and the database's.
_READS_ALL, _WRITES_ALL, _DATABASE_OWNER = 6181, 6182, 6171
_TABLE_WORDS = {
    "SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d", "TRUNCATE": "D",
    "REFERENCES": "x", "TRIGGER": "t", "RULE": "",
}  # fmt: skip
_COLUMN_WORDS = {word: _TABLE_WORDS[word] for word in ("SELECT", "INSERT", "UPDATE", "REFERENCES")}
_OPTIONS = ("WITH GRANT OPTION", "WITH ADMIN OPTION")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: the catalogue's relation with its columns of name, owner and acl.

    Args:
        default: acldefault's letter.
        words: The privileges, and their letters.
        error: What a name that means nothing raises, and what the thing is called there.
        names: The reg type that reads a name; "" where the name is looked up as it is.
    """

    relation: str
    name: str
    owner: str
    acl: str
    default: str
    words: Mapping[str, str]
    error: tuple[type[GatewayError], str]
    names: str = ""


_USAGE = {"USAGE": "U"}
_TABLE = Kind("pg_class", "relname", "relowner", "relacl", "r", _TABLE_WORDS,
              (UndefinedTable, "relation"), "regclass")  # fmt: skip
_SEQUENCE = Kind("pg_class", "relname", "relowner", "relacl", "s",
                 {"USAGE": "U", "SELECT": "r", "UPDATE": "w"},
                 (UndefinedTable, "relation"), "regclass")  # fmt: skip
_COLUMN = Kind("pg_class", "relname", "relowner", "relacl", "r", _COLUMN_WORDS,
               (UndefinedTable, "relation"), "regclass")  # fmt: skip
_SCHEMA = Kind("pg_namespace", "nspname", "nspowner", "nspacl", "n", {"CREATE": "C", "USAGE": "U"},
               (InvalidSchemaName, "schema"))  # fmt: skip
_DATABASE = Kind("pg_database", "datname", "datdba", "datacl", "d",
                 {"CREATE": "C", "TEMPORARY": "T", "TEMP": "T", "CONNECT": "c"},
                 (InvalidCatalogName, "database"))  # fmt: skip
_FUNCTION = Kind("pg_proc", "proname", "proowner", "proacl", "f", {"EXECUTE": "X"},
                 (UndefinedFunction, "function"), "regprocedure")  # fmt: skip
_TYPE = Kind("pg_type", "typname", "typowner", "typacl", "T", _USAGE,
             (UndefinedObject, "type"), "regtype")  # fmt: skip
_LANGUAGE = Kind("pg_language", "lanname", "lanowner", "lanacl", "l", _USAGE,
                 (UndefinedObject, "language"))  # fmt: skip
_WRAPPER = Kind("pg_foreign_data_wrapper", "fdwname", "fdwowner", "fdwacl", "F", _USAGE,
                (UndefinedObject, "foreign-data wrapper"))  # fmt: skip
_SERVER = Kind("pg_foreign_server", "srvname", "srvowner", "srvacl", "S", _USAGE,
               (UndefinedObject, "server"))  # fmt: skip
_TABLESPACE = Kind("pg_tablespace", "spcname", "spcowner", "spcacl", "t", {"CREATE": "C"},
                   (UndefinedObject, "tablespace"))  # fmt: skip

KINDS: Mapping[str, Kind] = {
    "has_table_privilege": _TABLE,
    "has_any_column_privilege": _COLUMN,
    "has_column_privilege": _COLUMN,
    "has_sequence_privilege": _SEQUENCE,
    "has_schema_privilege": _SCHEMA,
    "has_database_privilege": _DATABASE,
    "has_function_privilege": _FUNCTION,
    "has_type_privilege": _TYPE,
    "has_language_privilege": _LANGUAGE,
    "has_foreign_data_wrapper_privilege": _WRAPPER,
    "has_server_privilege": _SERVER,
    "has_tablespace_privilege": _TABLESPACE,
}
# What the others take: the number of their arguments without a role before them.
_ARITY = {"has_column_privilege": 3}

Value = str | int


class Object(NamedTuple):
    """A thing, as the catalogue has it."""

    name: str
    owner: int
    items: Sequence[Item]
    kind: str = ""


class Privileges:
    """The answers at one moment.

    Args:
        moment: What there is, and who asks.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._known: dict[tuple[Any, ...], bool | None] = {}
        self._objects: dict[str, dict[int, Object]] = {}

    def answer(self, function: str, numbered: str, arguments: Sequence[str | None]) -> bool | None:
        """What a call gives.

        Args:
            function: Its name.
            numbered: A letter for each argument: "o" where it is a number, "n" where it is a name.
            arguments: As text.

        Raises:
            GatewayError: 42704, 42P01, 3F000, 3D000, 42883, 42703: no such thing; 22023: no such
                privilege; 42809: not of that kind.
        """
        key = function, numbered, *arguments
        if key not in self._known:
            if None in arguments:
                return None
            pairs = zip(numbered, arguments, strict=True)
            values: list[Value] = [int(v or 0) if n == "o" else v or "" for n, v in pairs]
            self._known[key] = self._answer(function, values)
        return self._known[key]

    def _answer(self, function: str, values: list[Value]) -> bool | None:
        if function == "pg_has_role":
            return self._has_role(values)
        if function == "has_parameter_privilege":
            return self._has_parameter(values)
        role = self.roles.current
        if len(values) > _ARITY.get(function, 2):
            role = self._role(values.pop(0), public=True)
        kind, words = KINDS[function], str(values[-1])
        number = self._number(kind, values[0])
        if function == "has_sequence_privilege":
            self._refuse_no_sequence(number)
        column = self._column(number, values[1]) if function == "has_column_privilege" else None
        wanted = letters_of(words, kind.words)
        found = None if number is None else self.objects(kind.relation).get(number)
        if number is None or found is None or (function == "has_column_privilege" and not column):
            return None
        if self._may(role, kind, number, found, wanted):
            return True
        if kind is not _COLUMN:
            return False
        return self._may_columns(role, number, found, wanted, column)

    # Names

    def _role(self, value: Value, *, public: bool = False) -> int:
        if isinstance(value, int):
            return value
        if public and value == "public":
            return PUBLIC_OID
        found = self.roles.numbers.get(value)
        if found is None:
            raise UndefinedObject(f'role "{value}" does not exist')
        return found

    def _number(self, kind: Kind, value: Value) -> int | None:
        if isinstance(value, int):
            return value
        if kind.names:
            found = self._moment.number(kind.names, value)
        else:
            objects = self.objects(kind.relation).items()
            found = next((oid for oid, each in objects if each.name == value), None)
        if found is None:
            error, word = kind.error
            raise error(f'{word} "{value}" does not exist')
        return found

    def _column(self, relation: int | None, value: Value) -> int | None:
        """Its number; None where there is none of that number."""
        names = self._columns.get(relation or 0, {})
        if isinstance(value, int):
            return value if value in names.values() else None
        found = names.get(value)
        if found is None and relation in self.objects("pg_class"):
            name = self.objects("pg_class")[relation or 0].name
            raise UndefinedColumn(f'column "{value}" of relation "{name}" does not exist')
        return found

    def _refuse_no_sequence(self, number: int | None) -> None:
        found = self.objects("pg_class").get(number or 0)
        if found is not None and found.kind != "S":
            raise WrongObjectType(f'"{found.name}" is not a sequence')

    # Rights

    def _may(
        self, role: int, kind: Kind, number: int, thing: Object, wanted: Sequence[str]
    ) -> bool:
        letters = list(wanted)
        if self.roles.is_superuser(role):
            return any(letters)
        if kind.relation == "pg_class" and number < _FIRST_OID and thing.kind != "v":
            letters = [each for each in letters if each[:1] not in tuple("awdDU")]
        if self._held(role, thing, letters):
            return True
        return any(each in self._of_all(role, kind, thing) for each in letters)

    def _held(self, role: int, thing: Object, letters: Sequence[str]) -> bool:
        """Whether the role has one of them by the grants, or as the owner."""
        if any(each.endswith("*") for each in letters) and self.roles.has(role, thing.owner):
            return True
        for item in thing.items:
            if item.grantee != PUBLIC_OID and not self.roles.has(role, item.grantee):
                continue
            for each in letters:
                if each and each[0] in (item.options if each.endswith("*") else item.letters):
                    return True
        return False

    def _of_all(self, role: int, kind: Kind, thing: Object) -> str:
        """What the predefined roles for all data give."""
        reads, writes = self.roles.has(role, _READS_ALL), self.roles.has(role, _WRITES_ALL)
        if kind is _SCHEMA:
            own = thing.name == self._moment.contents.temporary and thing.name
            others = thing.name.startswith(TEMPORARY)
            return "UC" if own else "U" if (reads or writes) and not others else ""
        if kind.relation != "pg_class":
            return ""
        return ("r" if reads else "") + ("awd" if writes else "")

    def _may_columns(
        self, role: int, number: int, thing: Object, wanted: Sequence[str], column: int | None
    ) -> bool:
        """By the grants of one column, or of any."""
        acls = self._column_items.get(number, {})
        items = [acls.get(column, ())] if column is not None else list(acls.values())
        return any(self._held(role, Object("", thing.owner, each), wanted) for each in items)

    def _has_role(self, values: list[Value]) -> bool:
        member = self.roles.current if len(values) == 2 else self._role(values.pop(0))
        role = self._role(values[0])
        words = letters_of(str(values[1]), {"USAGE": "U", "MEMBER": "M"})
        tests: Mapping[str, Callable[[int, int], bool]] = {
            "U": self.roles.has, "M": self.roles.is_member,
        }  # fmt: skip
        return any(
            self.roles.is_admin(member, role) if word.endswith("*") else tests[word](member, role)
            for word in words
        )

    def _has_parameter(self, values: list[Value]) -> bool:
        role = self.roles.current if len(values) == 2 else self._role(values.pop(0), public=True)
        letters_of(str(values[1]), {"SET": "s", "ALTER SYSTEM": "A"})
        return self.roles.is_superuser(role)

    # What the catalogue holds

    @cached_property
    def roles(self) -> Memberships:
        """Who is a member of what."""
        return Memberships(self._moment)

    def objects(self, relation: str) -> dict[int, Object]:
        """Number -> name, owner and grants of everything in a relation of the catalogue."""
        found = self._objects.get(relation)
        if found is None:
            kind = next(each for each in KINDS.values() if each.relation == relation)
            found = self._objects[relation] = self._read(kind)
        return found

    def _read(self, kind: Kind) -> dict[int, Object]:
        found = {}
        for row in _rows(self._moment, kind.relation):
            letter = "s" if row.get("relkind") == "S" else kind.default
            acl = row[kind.acl]
            items = default_items(letter, row[kind.owner]) if acl is None else self._items(acl)
            found[row["oid"]] = Object(
                row[kind.name], row[kind.owner], items, row.get("relkind", "")
            )
        return found

    def _items(self, acl: Sequence[str]) -> list[Item]:
        return read_items(acl, self.roles.numbers)

    @cached_property
    def _columns(self) -> dict[int, dict[str, int]]:
        """Relation -> its columns' names and numbers."""
        found: dict[int, dict[str, int]] = {}
        table = static().tables["pg_catalog.pg_attribute"]
        columns = (table[name].to_pylist() for name in ("attrelid", "attname", "attnum"))
        for relation, name, number in zip(*columns, strict=True):
            found.setdefault(relation, {})[name] = number
        for entry in self._moment.contents.relations:
            found[entry.oid] = {column.name: column.number for column in entry.columns}
            found[entry.oid] |= _SYSTEM_COLUMNS if entry.kind in "rm" else {}
        return found

    @cached_property
    def _column_items(self) -> dict[int, dict[int, list[Item]]]:
        """Relation -> column -> its grants, where there are any."""
        return {
            entry.oid: {number: self._items(acl) for number, acl in entry.column_acls.items()}
            for entry in self._moment.contents.relations
            if entry.column_acls
        }


_SYSTEM_COLUMNS = {"tableoid": -6, "cmax": -5, "xmax": -4, "cmin": -3, "xmin": -2, "ctid": -1}


def letters_of(text: str, words: Mapping[str, str]) -> list[str]:
    """The privileges that a text lists, a letter each, `*` after it for its grant option.

    >>> letters_of("select, Insert WITH GRANT OPTION", {"SELECT": "r", "INSERT": "a"})
    ['r', 'a*']

    Raises:
        InvalidParameterValue: 22023, one is none.
    """
    found = []
    for part in text.split(","):
        word = part.strip(" \t\n\r\f\v")
        plain = word.upper()
        option = next((each for each in _OPTIONS if plain.endswith(f" {each}")), "")
        letter = words.get(plain.removesuffix(f" {option}") if option else plain)
        allowed = option != _OPTIONS[1] or "MEMBER" in words
        if letter is None or not allowed:
            raise InvalidParameterValue(f'unrecognized privilege type: "{word}"')
        found.append(f"{letter}*" if option and letter else letter)
    return found


class Memberships:
    """Roles by name and number, and who is a member of which.

    Attributes:
        numbers: Name -> number.
        current: The number of who asks.
    """

    def __init__(self, moment: Moment) -> None:
        held = moment.contents.ownership
        self.numbers: dict[str, int] = {
            row["rolname"]: row["oid"]
            for row in _rows(moment, "pg_authid")
            if row["oid"] != BOOTSTRAP_OID
        }
        self.numbers |= {each.name: each.oid for each in held.roles}
        self.current = self.numbers.get(moment.user, BOOTSTRAP_OID)
        self._superusers = {each.oid for each in held.roles if each.superuser} | {BOOTSTRAP_OID}
        self._reserved = {each.oid for each in held.roles if not each.inherit}
        self._groups: dict[int, list[tuple[int, bool]]] = {}
        for row in _rows(moment, "pg_auth_members"):
            self._groups.setdefault(row["member"], []).append((row["roleid"], row["admin_option"]))
        owner = held.database.owner
        self._groups.setdefault(owner, []).append((_DATABASE_OWNER, False))
        self._reached: dict[tuple[int, bool], frozenset[int]] = {}

    def is_superuser(self, role: int) -> bool:
        """Whether it may do everything."""
        return role in self._superusers

    def _groups_of(self, role: int, *, inherited: bool) -> frozenset[int]:
        known = self._reached.get((role, inherited))
        if known is not None:
            return known
        found, waiting = {role}, [role]
        while waiting:
            member = waiting.pop()
            if inherited and member in self._reserved:
                continue
            new = [group for group, _ in self._groups.get(member, ()) if group not in found]
            found.update(new)
            waiting += new
        answer = frozenset(found)
        self._reached[role, inherited] = answer
        return answer

    def has(self, member: int, role: int) -> bool:
        """Whether a role has another's rights without SET ROLE (has_privs_of_role)."""
        return self.is_superuser(member) or role in self._groups_of(member, inherited=True)

    def is_member(self, member: int, role: int) -> bool:
        """Whether a role may SET ROLE to another (is_member_of_role)."""
        return self.is_superuser(member) or role in self._groups_of(member, inherited=False)

    def is_admin(self, member: int, role: int) -> bool:
        """Whether a role may make others members of another (is_admin_of_role)."""
        if self.is_superuser(member):
            return True
        if member == role:
            return False
        groups = self._groups_of(member, inherited=False)
        return any((role, True) in self._groups.get(each, ()) for each in groups)


def _rows(moment: Moment, relation: str) -> list[dict[str, Any]]:
    """PostgreSQL's own rows of a relation, and those of what the server holds."""
    columns = static().columns[f"pg_catalog.{relation}"]
    tables = [static().tables.get(f"pg_catalog.{relation}")]
    own = session_rows(relation, moment)
    tables.append(own if own is not None else rows_of(relation, moment.contents, Recent(1, 1)))
    found: list[dict[str, Any]] = []
    for table in tables:
        if table is not None:
            wanted = [c.name for c in columns if c.name in _NEEDED]
            found += pa.table({name: table[name] for name in wanted}).to_pylist()
    return found


_NEEDED = {
    "oid", "rolname", "roleid", "member", "admin_option", "relkind",
    *(column for kind in KINDS.values() for column in (kind.name, kind.owner, kind.acl)),
}  # fmt: skip
assert all(kind.default in DEFAULTS for kind in KINDS.values())
