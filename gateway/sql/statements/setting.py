"""SET and its kinds, and the names that SHOW and RESET take, read from their tokens.

ALTER DATABASE and ALTER ROLE with SET or RESET say what sessions begin with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlglot.tokenizer_core import TokenType

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.statements.commands import (
    Reader,
    SetConstraints,
    SetStatement,
    TransactionModes,
    names_of,
    read_modes,
)
from gateway.sql.statements.grants import Grantee
from gateway.sql.text.words import is_reserved

# Spellings of settings that are not `name = value` -> the setting.
_SPELT = {
    "TIME ZONE": "timezone",
    "NAMES": "client_encoding",
    "SCHEMA": "search_path",
    "ROLE": "role",
    "SESSION AUTHORIZATION": "session_authorization",
}


def read_set(reader: Reader) -> SetStatement | TransactionModes | SetConstraints:
    """SET [SESSION | LOCAL] name {TO | =} values, SET TIME ZONE value, SET TRANSACTION modes."""
    if reader.accept("SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"):
        return read_modes(reader, session=True)
    if reader.accept("TRANSACTION"):
        return read_modes(reader)
    if reader.accept("CONSTRAINTS"):
        names = () if reader.accept("ALL") else names_of(reader)
        return SetConstraints(names, reader.need("DEFERRED", "IMMEDIATE") == "DEFERRED")
    spelt = reader.one_of("SESSION AUTHORIZATION")
    local = not spelt and reader.one_of("LOCAL", "SESSION") == "LOCAL"
    spelt = spelt or reader.one_of(*_SPELT)
    if spelt:
        name = _SPELT[spelt]
        if spelt == "ROLE":
            reader.one_of("TO", "=")
    else:
        name = ".".join(reader.qualified())
        reader.need("TO", "=")
    if reader.accept("DEFAULT") or (spelt == "TIME ZONE" and reader.accept("LOCAL")):
        return SetStatement(name, None, local)
    if spelt == "TIME ZONE" and reader.accept("INTERVAL"):
        return SetStatement(name, (_offset(reader),), local)
    return SetStatement(name, reader.listed(_setting_value), local)


_TRUTHS = ("TRUE", "FALSE", "ON")  # reserved words that are values


def _setting_value(reader: Reader) -> str:
    sign = reader.one_of("-", "+").replace("+", "")
    token = reader.take()
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER):
        return sign + token.text
    reserved = is_reserved(token) and token.text.upper() not in _TRUTHS
    if (
        sign
        or reserved
        or token.token_type == TokenType.BYTE_STRING
        or not token.text[:1].isalpha()
    ):
        reader.back()
    return token.text.lower()


def _offset(reader: Reader) -> str:
    """The hours east of Greenwich that an interval says."""
    token = reader.of_type(TokenType.STRING)
    unit = reader.one_of("HOUR TO MINUTE", "HOUR").partition(" ")[0].lower()
    months, days, micros = read_interval(token.text, unit=unit or "second")
    if months or days:
        what = "months" if months else "days"
        raise InvalidParameterValue(
            f'invalid value for parameter "TimeZone": "INTERVAL \'{token.text}\'"',
            detail=f"Cannot specify {what} in time zone interval.",
        )
    return f"{micros / 3_600_000_000:.6f}"


def read_setting_name(reader: Reader) -> str:
    """The setting that SHOW and RESET name."""
    if reader.accept("TRANSACTION", "ISOLATION", "LEVEL"):
        return "transaction_isolation"
    if reader.accept("ALL"):
        return "all"
    spelt = reader.one_of("TIME ZONE", "SESSION AUTHORIZATION")
    return _SPELT[spelt] if spelt else ".".join(reader.qualified())


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
