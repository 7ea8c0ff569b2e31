"""SET, SHOW, RESET: one client's run-time settings, a row each.

Names, defaults and wording are PostgreSQL 15's (manual, chapter 20). A setting with no row is
refused (42704); one of the form `a.b` is kept as it is, as PostgreSQL keeps those of extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from gateway.errors import CannotChangeParameter, InvalidParameterValue, UndefinedObject
from gateway.result import Field, Result
from gateway.sql.commands import ResetStatement, SetStatement, ShowStatement
from gateway.sql.statement import Statement
from gateway.types import TEXT

SERVER_VERSION = "15.8"
SERVER_VERSION_NUM = "150008"


@dataclass(frozen=True, slots=True)
class Setting:
    """One run-time setting.

    `accept` turns what a user writes into the value kept, or raises InvalidParameterValue; None
    makes the setting read-only. `reported` ones are sent as ParameterStatus when they change.
    """

    name: str
    default: str
    accept: Callable[[str], str] | None = str
    reported: bool = False


def _one_of(*allowed: str) -> Callable[[str], str]:
    def accept(value: str) -> str:
        for spelling in allowed:
            if value.lower() == spelling.lower():
                return spelling
        raise InvalidParameterValue(
            f'invalid value: "{value}"', hint=f"Available values: {', '.join(allowed)}."
        )

    return accept


def _boolean(value: str) -> str:
    word = value.lower()
    if word and any(full.startswith(word) for full in ("true", "yes", "on", "1")) and word != "o":
        return "on"
    if word and any(full.startswith(word) for full in ("false", "no", "off", "0")) and word != "o":
        return "off"
    raise InvalidParameterValue(f'requires a Boolean value, not "{value}"')


def _integer(low: int, high: int) -> Callable[[str], str]:
    def accept(value: str) -> str:
        if not value.lstrip("-").isdigit() or not low <= int(value) <= high:
            raise InvalidParameterValue(f'"{value}" is outside the valid range ({low} .. {high})')
        return str(int(value))

    return accept


# manual 20.1.1: a number without a unit is in milliseconds; SHOW gives the largest whole unit.
_UNITS = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1000, "ms": 1}


def _milliseconds(value: str) -> str:
    text = value.strip()
    unit = next((unit for unit in ("min", "ms", "s", "h", "d") if text.endswith(unit)), "")
    number = text[: len(text) - len(unit)].strip() if unit else text
    if not number.isdigit():
        raise InvalidParameterValue(f'invalid value: "{value}"', hint="Write 500, '5s', '2min'.")
    total = int(number) * _UNITS[unit or "ms"]
    shown = next((u for u, size in _UNITS.items() if total and total % size == 0), "")
    return f"{total // _UNITS[shown]}{shown}" if shown else "0"


def in_milliseconds(shown: str) -> int:
    """The milliseconds that SHOW prints as `5s`; 0 for `0`.

    >>> in_milliseconds("5s"), in_milliseconds("0")
    (5000, 0)
    """
    number = shown.rstrip("dhmins")
    return int(number) * _UNITS.get(shown[len(number) :], 1)


def _encoding(value: str) -> str:
    if value.strip("'\"").lower().replace("-", "").replace("_", "") in ("utf8", "unicode"):
        return "UTF8"
    raise InvalidParameterValue(
        f'client_encoding "{value}" is not supported', hint="This server speaks UTF8."
    )


def _time_zone(value: str) -> str:
    if value.strip("'\"").upper() in ("UTC", "GMT", "ETC/UTC", "Z", "ZULU", "0", "UCT"):
        return "UTC"
    raise InvalidParameterValue(
        f'TimeZone "{value}" is not supported',
        hint="Times are sent in UTC; use AT TIME ZONE in the query.",
    )


def _date_style(value: str) -> str:
    words = [word.strip().upper() for word in value.split(",")]
    orders = [word for word in words if word in ("MDY", "DMY", "YMD")]
    if any(word not in ("ISO", *orders) for word in words):
        raise InvalidParameterValue(
            f'DateStyle "{value}" is not supported', hint="This server writes ISO dates."
        )
    return f"ISO, {orders[0] if orders else 'MDY'}"


#       name                              default            accept             reported
SETTINGS = (
    Setting("application_name",                    "",                 str,               True),
    Setting("bytea_output",                        "hex",              _one_of("hex")),
    Setting("client_encoding",                     "UTF8",             _encoding,         True),
    Setting("client_min_messages",                 "notice",           str),
    Setting("DateStyle",                           "ISO, MDY",         _date_style,       True),
    Setting("default_transaction_isolation",       "read committed",   _one_of("read committed")),
    Setting("default_transaction_read_only",       "off",              _boolean,          True),
    Setting("extra_float_digits",                  "1",                _integer(-15, 3)),
    Setting("idle_in_transaction_session_timeout", "0",                _milliseconds),
    Setting("in_hot_standby",                      "off",              None,              True),
    Setting("integer_datetimes",                   "on",               None,              True),
    Setting("IntervalStyle",                       "postgres",         _one_of("postgres"), True),
    Setting("is_superuser",                        "on",               None,              True),
    Setting("lc_collate",                          "C",                None),
    Setting("lc_ctype",                            "C.UTF-8",          None),
    Setting("lc_messages",                         "C",                str),
    Setting("lock_timeout",                        "0",                _milliseconds),
    Setting("max_identifier_length",               "63",               None),
    Setting("search_path",                         '"$user", public',  str),
    Setting("server_encoding",                     "UTF8",             None,              True),
    Setting("server_version",                      SERVER_VERSION,     None,              True),
    Setting("server_version_num",                  SERVER_VERSION_NUM, None),
    Setting("session_authorization",               "",                 None,              True),
    Setting("standard_conforming_strings",         "on",               _one_of("on"),     True),
    Setting("statement_timeout",                   "0",                _milliseconds),
    Setting("synchronous_commit",                  "on",               str),
    Setting("TimeZone",                            "UTC",              _time_zone,        True),
    Setting("transaction_isolation",               "read committed",   _one_of("read committed")),
    Setting("transaction_read_only",               "off",              _one_of("off")),
)  # fmt: skip

BY_NAME: Mapping[str, Setting] = {row.name.lower(): row for row in SETTINGS}


class ClientSettings:
    """The values of one session.

    Args:
        user: Who connected; session_authorization.
    """

    def __init__(self, user: str) -> None:
        self._values = {row.name: row.default for row in SETTINGS}
        self._values["session_authorization"] = user
        self._start = dict(self._values)
        self._changed: dict[str, str] = {}

    def show(self, name: str) -> tuple[str, str]:
        """The setting's name as PostgreSQL spells it, and its value.

        Raises:
            UndefinedObject: 42704.
        """
        row = BY_NAME.get(name.lower())
        key = row.name if row is not None else name
        if key not in self._values:
            raise _unrecognized(name)
        return key, self._values[key]

    def set(self, name: str, value: str | None) -> None:
        """Change a setting; None puts back the value the session started with.

        Raises:
            UndefinedObject: 42704. InvalidParameterValue: 22023.
            CannotChangeParameter: 55P02.
        """
        row = BY_NAME.get(name.lower())
        if row is None:
            self._set_custom(name, value)
            return
        if row.accept is None:
            if value is None:
                return
            raise CannotChangeParameter(f'parameter "{row.name}" cannot be changed')
        try:
            new = self._start[row.name] if value is None else row.accept(value)
        except InvalidParameterValue as error:
            message = f'invalid value for parameter "{row.name}": "{value}"'
            raise InvalidParameterValue(message, detail=str(error), hint=error.hint) from error
        if new != self._values[row.name]:
            self._values[row.name] = new
            if row.reported:
                self._changed[row.name] = new

    def _set_custom(self, name: str, value: str | None) -> None:
        if "." not in name:
            raise _unrecognized(name)
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    def reset_all(self) -> None:
        """Put every setting back to what the session started with."""
        for name in list(self._values):
            self.set(name, None)

    def fix_start(self) -> None:
        """Take the values of now as those that RESET goes back to."""
        self._start = dict(self._values)
        self._changed.clear()

    @property
    def search_path(self) -> list[str]:
        """Schemas in the order in which an unqualified name is looked up."""
        names = [part.strip().strip('"') for part in self._values["search_path"].split(",")]
        return [name for name in names if name and name != "$user"] or ["public"]

    def all(self) -> list[tuple[str, str]]:
        """Every name and value, by name without regard to case."""
        return sorted(self._values.items(), key=lambda pair: pair[0].lower())

    def reported(self) -> dict[str, str]:
        """What the client is told of when it connects."""
        return {row.name: self._values[row.name] for row in SETTINGS if row.reported}

    def drain_changes(self) -> dict[str, str]:
        """Reported settings that changed since the last call."""
        changed, self._changed = self._changed, {}
        return changed


def _unrecognized(name: str) -> UndefinedObject:
    return UndefinedObject(f'unrecognized configuration parameter "{name}"')


def run_setting(settings: ClientSettings, statement: Statement) -> Result:
    """SET, SHOW and RESET."""
    tree = statement.tree
    if isinstance(tree, ShowStatement):
        return _show(settings, tree.name)
    if isinstance(tree, SetStatement):
        settings.set(tree.name, None if tree.values is None else ", ".join(tree.values))
    elif isinstance(tree, ResetStatement) and tree.name == "all":
        settings.reset_all()
    elif isinstance(tree, ResetStatement):
        settings.set(tree.name, None)
    return Result(statement.command)


def show_fields(name: str) -> tuple[Field, ...]:
    """The columns that SHOW gives."""
    row = BY_NAME.get(name.lower())
    names = ("name", "setting") if name == "all" else (row.name if row else name,)
    return tuple(Field(each, TEXT) for each in names)


def _show(settings: ClientSettings, name: str) -> Result:
    fields = show_fields(name)
    rows = settings.all() if name == "all" else [settings.show(name)]
    columns = [[key for key, _ in rows], [value for _, value in rows]]
    arrays = [pa.array(column, pa.string()) for column in columns[-len(fields) :]]
    batch = pa.record_batch(arrays, names=[field.name for field in fields])
    return Result("SHOW", fields, iter([batch]))
