"""PostgreSQL's own settings, as it describes them in pg_settings: type, range, who may set them.

What a client may set and what nothing here goes by is kept, shown and reset all the same, as
clients set such things when they connect (guc.c: parse_and_validate_value, set_config_option).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from gateway.catalog.system.static import static
from gateway.errors import CannotChangeParameter, InsufficientPrivilege, InvalidParameterValue

# What a value counts in, and what SHOW prints instead where it comes out even (guc.c).
_UNITS = {
    "B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "8kB": 2**13,
    "us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
}  # fmt: skip
_BYTES, _TIMES = ("TB", "GB", "MB", "kB", "B"), ("d", "h", "min", "s", "ms", "us")
_HINTS = {
    _BYTES: 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".',
    _TIMES: 'Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".',
}
_NUMBER = re.compile(
    r"\s*([-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))\s*(\S*)\s*"
)

# Spellings that enums take and pg_settings does not list (guc.c, the hidden entries).
_HIDDEN = {
    "on": ("true", "yes", "1"), "off": ("false", "no", "0"), "debug2": ("debug",), "log": (),
    "info": (), "none": ("nothing",),
}  # fmt: skip

# Why a parameter of that context cannot be set by SET; None: it can.
_REFUSALS = {
    "internal": "cannot be changed",
    "postmaster": "cannot be changed without restarting the server",
    "sighup": "cannot be changed now",
    "backend": "cannot be set after connection start",
    "superuser-backend": "cannot be set after connection start",
}
SETTABLE = ("user", "superuser")

# Told to superusers and members of pg_read_all_settings alone (guc.c, GUC_SUPERUSER_ONLY).
HIDDEN = frozenset({
    "config_file", "data_directory", "dynamic_library_path", "extension_destdir",
    "external_pid_file", "hba_file", "ident_file", "jit_provider", "krb_server_keyfile",
    "log_directory", "log_filename", "primary_conninfo", "session_preload_libraries",
    "shared_preload_libraries", "ssl_ciphers", "ssl_dh_params_file", "ssl_ecdh_curve",
    "ssl_max_protocol_version", "ssl_min_protocol_version", "ssl_passphrase_command",
    "unix_socket_directories",
})  # fmt: skip

# What there is of what a setting names.
_THERE = {
    "default_tablespace": (("", "pg_default", "pg_global"), "Tablespace"),
    "default_table_access_method": (("heap",), "Table access method"),
}

# Values under which statements would mean something else than they do here.
_UNHEARD_OF = {("transform_null_equals", "on"), ("array_nulls", "off")}


@dataclass(frozen=True, slots=True)
class Known:
    """One setting of PostgreSQL's; `value` is that of a new database, as pg_settings has it."""

    name: str
    kind: str
    context: str
    value: str
    unit: str
    low: str
    high: str
    choices: Sequence[str]
    description: str

    def accept(self, text: str) -> str:
        """The value that a user's text stands for, as SHOW prints it.

        Raises:
            InvalidParameterValue: 22023, it is none, or out of range.
        """
        shown = self.shown(_READERS[self.kind](self, text))
        if (self.name, shown) in _UNHEARD_OF:
            raise InvalidParameterValue(
                f'parameter "{self.name}" cannot be {shown}',
                hint="Statements would mean something else than they do here.",
            )
        return shown

    def shown(self, value: str) -> str:
        """A value of pg_settings as SHOW prints it: with the largest unit in which it is whole."""
        if self.unit not in _UNITS or self.kind == "string" or not float(value) > 0:
            return value
        total, near = float(value) * _UNITS[self.unit], 1e-8 if self.kind == "real" else 0
        for larger in self._units:
            number = total / _UNITS[larger]
            if abs(round(number) - number) <= round(number) * near:
                return f"{round(number)}{larger}"
        return value

    def raw(self, shown: str) -> str:
        """A value as pg_settings has it, from what SHOW prints."""
        return _READERS[self.kind](self, shown) if self.unit else shown

    def refuse_set(self, *, superuser: bool, starting: bool) -> None:
        """Refuse to SET what cannot be set now, or not by this user.

        Raises:
            CannotChangeParameter: 55P02. InsufficientPrivilege: 42501.
        """
        late = self.context in ("backend", "superuser-backend") and starting
        if self.context in _REFUSALS and not late:
            raise CannotChangeParameter(f'parameter "{self.name}" {_REFUSALS[self.context]}')
        if self.context.startswith("superuser") and not superuser:
            raise InsufficientPrivilege(f'permission denied to set parameter "{self.name}"')

    @property
    def _units(self) -> tuple[str, ...]:
        return _TIMES if self.unit in _TIMES else _BYTES

    def _invalid(self, text: str, hint: str = "") -> InvalidParameterValue:
        return InvalidParameterValue(
            f'invalid value for parameter "{self.name}": "{text}"', hint=hint
        )

    def _number(self, text: str) -> float:
        """A number in the setting's own unit."""
        found = _NUMBER.fullmatch(text)
        if found is None:
            raise self._invalid(text)
        digits, unit = found.groups()
        number = float(int(digits, 16)) if "x" in digits.lower() else float(digits)
        if not unit:
            return number
        if self.unit not in _UNITS:
            raise self._invalid(text)
        if unit not in self._units:
            raise self._invalid(text, _HINTS[self._units])
        return number * _UNITS[unit] / _UNITS[self.unit]

    def _in_range(self, number: float, shown: str) -> None:
        if not float(self.low) <= number <= float(self.high):
            spelt = f"{shown} {self.unit}" if self.unit else shown
            raise InvalidParameterValue(
                f'{spelt} is outside the valid range for parameter "{self.name}"'
                f" ({self.low} .. {self.high})"
            )

    def _integer(self, text: str) -> str:
        number = self._number(text)
        if not math.isfinite(number) or abs(number) >= 2**63:
            raise self._invalid(text, "Value exceeds integer range.")
        whole = round(number)
        if not -(2**31) <= whole < 2**31:
            raise self._invalid(text, "Value exceeds integer range.")
        self._in_range(whole, str(whole))
        return str(whole)

    def _real(self, text: str) -> str:
        number = self._number(text)
        self._in_range(number, f"{number:g}")
        return f"{number:g}"

    def _boolean(self, text: str) -> str:
        return boolean(text, self.name)

    def _choice(self, text: str) -> str:
        word = text.lower()
        if self.name == "wal_compression" and word in ("on", *_HIDDEN["on"]):
            return "pglz"
        for choice in self.choices:
            if word == choice.lower() or word in _HIDDEN.get(choice, ()):
                return choice
        raise InvalidParameterValue(  # enums under the name that SET has, which is folded
            f'invalid value for parameter "{self.name.lower()}": "{text}"',
            hint=f"Available values: {', '.join(self.choices)}.",
        )

    def _text(self, text: str) -> str:
        if self.name == "default_text_search_config":
            name = text.removeprefix("pg_catalog.").lower()
            if name not in _configurations():
                raise self._invalid(text)
            return f"pg_catalog.{name}"
        there, what = _THERE.get(self.name, ((text,), ""))
        if text not in there:
            raise InvalidParameterValue(
                f'invalid value for parameter "{self.name}": "{text}"',
                detail=f'{what} "{text}" does not exist.',
            )
        return text


@cache
def _configurations() -> frozenset[str]:
    return frozenset(static().tables["pg_catalog.pg_ts_config"]["cfgname"].to_pylist())


def boolean(text: str, name: str) -> str:
    """on or off, from any beginning of PostgreSQL's words that tells them apart.

    Raises:
        InvalidParameterValue: 22023.

    >>> boolean("TR", "jit"), boolean("of", "jit")
    ('on', 'off')
    """
    word = text.lower()
    if word and any(full.startswith(word) for full in ("true", "yes", "on", "1")) and word != "o":
        return "on"
    if word and any(full.startswith(word) for full in ("false", "no", "off", "0")) and word != "o":
        return "off"
    raise InvalidParameterValue(f'parameter "{name}" requires a Boolean value')


_READERS = {
    "integer": Known._integer,
    "real": Known._real,
    "bool": Known._boolean,
    "enum": Known._choice,
    "string": Known._text,
}

_COLUMNS = ("name", "vartype", "context", "setting", "unit", "min_val", "max_val", "enumvals",
            "short_desc")  # fmt: skip


@cache
def known_settings() -> dict[str, Known]:
    """Every setting of PostgreSQL 15, under its name in lower case."""
    table = static().tables["pg_catalog.pg_settings"].select(_COLUMNS)
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return {row[0].lower(): Known(*(value or "" for value in row)) for row in rows}


def known_setting(name: str) -> Known | None:
    """The setting of that name in any case; None when PostgreSQL has none such."""
    return known_settings().get(name.lower())
