"""GRANT and REVOKE, and owners, read from their tokens (PostgreSQL manual, part VI)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.errors import FeatureNotSupported, InvalidGrantOperation, ReservedName
from gateway.sql.statements.commands import Name, Reader, RenameSchema, names_of
from gateway.sql.statements.routines import read_signature
from gateway.types import Type

# A role that is named by what it is to the session, as it is written -> the setting that tells it.
SPECIAL = {"CURRENT_ROLE": "current_user", "CURRENT_USER": "current_user",
           "SESSION_USER": "session_user"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grantee:
    """A role: its name, "public" for PUBLIC; or `special`, "current_user" or "session_user"."""

    name: str
    special: str = ""


OfColumns = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class ChangeGrants:
    """GRANT or REVOKE.

    Args:
        grant: Whether it is GRANT.
        privileges: Words such as SELECT, in order; empty for ALL.
        kind: On what: "table", "sequence", "schema", "database" or "function".
        names: Their names; schemas, where `everything` in them is meant.
        grantees: To or from whom.
        option: WITH GRANT OPTION, or GRANT OPTION FOR.
        cascade: Whether REVOKE takes what was granted on as well.
        columns: Privileges on single columns: each with its word, "" for ALL, and their names.
    """

    grant: bool
    privileges: tuple[str, ...]
    kind: str
    names: tuple[Name, ...]
    grantees: tuple[Grantee, ...]
    everything: bool = False
    option: bool = False
    cascade: bool = False
    columns: OfColumns = ()

    @property
    def on_columns_alone(self) -> bool:
        """Whether no privilege is on the whole."""
        return bool(self.columns) and not self.privileges


@dataclass(frozen=True, slots=True)
class ChangeDefaults:
    """ALTER DEFAULT PRIVILEGES.

    Args:
        roles: Whose things it is about; none: those of who acts.
        schemas: In which; none: in all.
        things: TABLES, SEQUENCES, FUNCTIONS, ROUTINES, TYPES or SCHEMAS.
        change: What is granted or revoked; it names nothing.
    """

    roles: tuple[Grantee, ...]
    schemas: tuple[str, ...]
    things: str
    change: ChangeGrants


@dataclass(frozen=True, slots=True)
class ChangeOwner:
    """ALTER kind name OWNER TO role; `kind` in lower case, `types` those of a function."""

    kind: str
    name: Name
    owner: Grantee
    if_exists: bool = False
    types: tuple[Type, ...] | None = None


_PRIVILEGES = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE"),
    *("CREATE", "CONNECT", "TEMPORARY", "TEMP", "EXECUTE", "ALL PRIVILEGES", "ALL"),
)
_KINDS = ("TABLE", "SEQUENCE", "SCHEMA", "DATABASE", "TYPE", "DOMAIN")
_OTHERS = ("FUNCTION", "PROCEDURE", "ROUTINE", "FOREIGN DATA WRAPPER",
           "FOREIGN SERVER", "LANGUAGE", "LARGE OBJECT", "PARAMETER", "TABLESPACE",
           "ALL FUNCTIONS", "ALL PROCEDURES", "ALL ROUTINES")  # fmt: skip


def read_grant(reader: Reader) -> ChangeGrants:
    """GRANT privileges ON things TO roles [WITH GRANT OPTION] [GRANTED BY role]."""
    privileges, columns = _privileges(reader)
    kind, names, everything = _things(reader, granted=True)
    _refuse_columns(columns, kind)
    reader.need("TO")
    grantees = reader.listed(partial(read_role, public=True))
    option = reader.accept("WITH", "GRANT", "OPTION")
    _granted_by(reader)
    return ChangeGrants(
        True, privileges, kind, names, grantees, everything, option, columns=columns
    )


def read_revoke(reader: Reader) -> ChangeGrants:
    """REVOKE [GRANT OPTION FOR] privileges ON things FROM roles [CASCADE | RESTRICT]."""
    option = reader.accept("GRANT", "OPTION", "FOR")
    privileges, columns = _privileges(reader)
    kind, names, everything = _things(reader)
    _refuse_columns(columns, kind)
    reader.need("FROM")
    grantees = reader.listed(partial(read_role, public=True))
    _granted_by(reader)
    cascade = reader.cascades()
    return ChangeGrants(
        False, privileges, kind, names, grantees, everything, option, cascade, columns
    )


def read_default_privileges(reader: Reader) -> ChangeDefaults:
    """ALTER DEFAULT PRIVILEGES [FOR ROLE roles] [IN SCHEMA schemas] GRANT or REVOKE ..."""
    roles: tuple[Grantee, ...] = ()
    if reader.accept("FOR"):
        reader.need("ROLE", "USER")
        roles = reader.listed(read_role)
    schemas = reader.listed(Reader.name) if reader.accept("IN", "SCHEMA") else ()
    grant = reader.need("GRANT", "REVOKE") == "GRANT"
    option = not grant and reader.accept("GRANT", "OPTION", "FOR")
    privileges, columns = _privileges(reader)
    if columns:
        raise InvalidGrantOperation("default privileges cannot be set for columns")
    things = reader.need("TABLES", "SEQUENCES", "FUNCTIONS", "ROUTINES", "TYPES", "SCHEMAS")
    if things == "SCHEMAS" and schemas:
        raise InvalidGrantOperation(
            "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS"
        )
    reader.need("TO" if grant else "FROM")
    grantees = reader.listed(partial(read_role, public=True))
    option = option or (grant and reader.accept("WITH", "GRANT", "OPTION"))
    cascade = not grant and reader.cascades()
    change = ChangeGrants(grant, privileges, "", (), grantees, False, option, cascade)
    return ChangeDefaults(roles, schemas, things, change)


def _privileges(reader: Reader) -> tuple[tuple[str, ...], OfColumns]:
    """Those on the whole, and those on single columns."""
    found, columns = [], []
    while True:
        word = reader.one_of(*_PRIVILEGES).replace("TEMPORARY", "TEMP")
        if not word:
            reader.fail()
        if reader.accept("("):
            names = reader.inside(Reader.name)
            columns.append(("" if word.startswith("ALL") else word, names))
        else:
            found.append(word)
        if not reader.accept(","):
            break
    if any(word.startswith("ALL") for word in found) or ("" in dict(columns)):
        if len(found) + len(columns) > 1:
            reader.fail()
        found = []
    reader.need("ON")
    return tuple(found), tuple(columns)


def _refuse_columns(columns: OfColumns, kind: str) -> None:
    if columns and kind != "table":
        raise InvalidGrantOperation("column privileges are only valid for relations")


def _things(reader: Reader, *, granted: bool = False) -> tuple[str, tuple[Name, ...], bool]:
    """On what: its kind, the names, and whether all within those schemas is meant."""
    if granted and reader.one_of("ALL FUNCTIONS IN SCHEMA", "ALL ROUTINES IN SCHEMA"):
        return "function", names_of(reader), True
    if granted and reader.one_of("FUNCTION", "ROUTINE"):
        names = reader.listed(lambda each: read_signature(each)[0])
        return "function", names, False
    if word := reader.one_of("ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA"):
        return word.split()[1].lower().removesuffix("s"), names_of(reader), True
    if word := reader.one_of(*_OTHERS):
        kind = word.lower().removeprefix("all ").removesuffix("s")
        raise FeatureNotSupported(
            f"privileges on {kind}s are not supported", hint="Everyone may call functions."
        )
    kind = reader.one_of(*_KINDS).lower() or "table"
    return kind, names_of(reader), False


def read_role(reader: Reader, *, public: bool = False) -> Grantee:
    """A role's name, CURRENT_USER or its like; with `public`, PUBLIC too."""
    reader.accept("GROUP")
    if special := reader.one_of(*SPECIAL):
        return Grantee("", SPECIAL[special])
    if public and reader.accept("PUBLIC"):
        return Grantee("public")
    place = reader.index
    name = reader.name()
    if name in ("public", "none"):
        raise ReservedName(
            f'role name "{name}" is reserved', position=reader.tokens[place].start + 1
        )
    return Grantee(name)


def _granted_by(reader: Reader) -> None:
    if reader.accept("GRANTED", "BY") and not read_role(reader).special:
        raise FeatureNotSupported("GRANTED BY another than the current user is not supported")


def read_owner(
    reader: Reader, kind: str, other: Callable[[Reader], object] | None = None
) -> object:
    """ALTER kind [IF EXISTS] name OWNER TO role; whatever else it is, `other` reads."""
    start = reader.index
    exists = reader.accept("IF", "EXISTS")
    reader.accept("ONLY")
    if kind == "function":
        name, types = read_signature(reader)
    else:
        name, types = reader.qualified(), None
    if reader.accept("OWNER", "TO"):
        return ChangeOwner(kind, name, read_role(reader), exists, types)
    if other is None:
        raise FeatureNotSupported(f"ALTER {kind.upper()} can only change the owner here")
    reader.index = start
    return other(reader)


def read_rename_schema(reader: Reader) -> RenameSchema:
    """ALTER SCHEMA name RENAME TO name."""
    name = reader.name()
    reader.need("RENAME")
    reader.need("TO")
    return RenameSchema(name, reader.name())
