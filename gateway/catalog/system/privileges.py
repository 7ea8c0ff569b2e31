"""has_table_privilege and its like, pg_has_role: what they answer at one moment (acl.c).

Owners and grants are read from the same rows that pg_catalog shows, so they tell what those tell.
A thing that is not there by number gives NULL, by name an error; so does a NULL argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from gateway.catalog.system.acl import PUBLIC_OID, Item, default_items, read_items
from gateway.catalog.system.memberships import Memberships, rows_in
from gateway.catalog.system.names import Moment
from gateway.catalog.system.privilege_kinds import ARITY, COLUMN, KINDS, SCHEMA, Kind, letters_of
from gateway.catalog.system.static import static
from gateway.errors import (
    InsufficientPrivilege,
    UndefinedColumn,
    UndefinedObject,
    WrongObjectType,
)
from gateway.sql.text.quoting import name_parts
from gateway.store.definitions.catalogue import TEMPORARY

_FIRST_OID = 16384  # of what users made
# Predefined roles that have rights to everything of a kind (manual, 22.5).
_READS_ALL, _WRITES_ALL = 6181, 6182
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
        if len(values) > ARITY.get(function, 2):
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
        if kind is not COLUMN:
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
            if kind.names == "regclass":
                self._refuse_no_schema(name_parts(value)[:-1])
            found = self._moment.number(kind.names, value)
        else:
            objects = self.objects(kind.relation).items()
            found = next((oid for oid, each in objects if each.name == value), None)
        if found is None:
            error, word = kind.error
            raise error(f'{word} "{value}" does not exist')
        return found

    def _refuse_no_schema(self, parts: Sequence[str]) -> None:
        """Who asks about a relation in a schema must have the right to look there."""
        if not parts:
            return
        number = self._number(SCHEMA, parts[-1]) or 0
        schema = self.objects(SCHEMA.relation)[number]
        if not self._may(self.roles.current, SCHEMA, number, schema, ["U"]):
            raise InsufficientPrivilege(f"permission denied for schema {schema.name}")

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
        return any(each and each in self._of_all(role, kind, thing) for each in letters)

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
        if kind is SCHEMA:
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
        for row in rows_in(self._moment, kind.relation):
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
