"""ALTER DATABASE and ALTER ROLE with SET or RESET: settings that sessions begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from gateway.errors import FeatureNotSupported
from gateway.sql.statements.commands import Reader, SetStatement
from gateway.sql.statements.grants import Grantee
from gateway.sql.statements.setting import read_set, read_setting_name


@dataclass(frozen=True, slots=True)
class KeepSetting:
    """What sessions of a role, of a database, or of the role in it begin with.

    Args:
        role: None: every role.
        database: "": every database.
        name: The setting; "all" for RESET ALL.
        values: What it is SET to; None: RESET.
        current: FROM CURRENT: to what it is now.
        tag: The command's.
    """

    role: Grantee | None
    database: str
    name: str
    values: tuple[str, ...] | None
    current: bool
    tag: str


def read_kept(reader: Reader, role: Grantee | None) -> KeepSetting | None:
    """[IN DATABASE name] SET ... | RESET ... after ALTER ROLE role; None: something else."""
    database = reader.name() if reader.accept("IN", "DATABASE") else ""
    return _change(reader, role, database, "ALTER ROLE")


def read_alter_database(reader: Reader) -> KeepSetting:
    """ALTER DATABASE name SET ... | RESET ...

    Raises:
        FeatureNotSupported: 0A000, anything else that PostgreSQL alters of one.
    """
    database = reader.name()
    if reader.accept("SET", "TABLESPACE"):
        raise FeatureNotSupported("ALTER DATABASE SET TABLESPACE is not supported")
    found = _change(reader, None, database, "ALTER DATABASE")
    if found is None:
        raise FeatureNotSupported(
            "ALTER DATABASE but for SET and RESET is not supported",
            hint="There is one database, whose name and owner are the configuration's.",
        )
    return found


def _change(reader: Reader, role: Grantee | None, database: str, tag: str) -> KeepSetting | None:
    def kept(name: str, values: tuple[str, ...] | None, current: bool = False) -> KeepSetting:
        return KeepSetting(role, database, name, values, current, tag)

    if reader.accept("RESET"):
        return kept(read_setting_name(reader), None)
    if not reader.accept("SET"):
        if database and tag == "ALTER ROLE":
            reader.fail()
        return None
    name = _from_current(reader)
    if name:
        return kept(name, None, current=True)
    found = cast(SetStatement, read_set(reader))
    return kept(found.name, found.values)


def _from_current(reader: Reader) -> str:
    """The setting of `name FROM CURRENT`; "" where something else stands."""
    place = reader.index
    name = ".".join(reader.qualified())
    if reader.accept("FROM", "CURRENT"):
        return name
    reader.index = place
    return ""
