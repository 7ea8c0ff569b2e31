"""SET, SHOW, RESET: one client's run-time settings.

A setting with no row is refused (42704); one of the form `a.b` is kept as it is, as PostgreSQL
keeps those of extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gateway.errors import (
    CannotChangeParameter,
    InsufficientPrivilege,
    InvalidName,
    InvalidParameterValue,
    UndefinedObject,
)
from gateway.session.settings.known_settings import (
    HIDDEN,
    SETTABLE,
    Known,
    known_setting,
    known_settings,
)
from gateway.session.settings.rows import (
    BY_NAME,
    OF_ONE_TRANSACTION,
    SETTINGS,
    SEVERITIES,
    Setting,
    as_known,
    in_milliseconds,
)
from gateway.sql.inputs.notation import Notation, notation_of
from gateway.sql.text.quoting import identifier

# They would look as if they did something.
_ENGINES = ("datafusion.", "duckdb.")

# What `notation` is made of.
_OF_NOTATION = ("TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output")

# RESET ALL leaves them (guc.c, GUC_NO_RESET_ALL).
_WHO = ("role", "session_authorization")


@dataclass(slots=True)
class _Mark:
    """What ROLLBACK, or ROLLBACK TO this savepoint, goes back to."""

    savepoint: str
    values: dict[str, str]
    lasting: dict[str, str]


class ClientSettings:
    """The values of one session; they follow its transactions.

    Args:
        user: Who connected; session_authorization.
        superuser: Whether that is one; is_superuser.

    `examines` tells whether the settings that are `HIDDEN` may be seen.
    `admit` is asked before a setting is given a value, and raises what refuses it.
    `changes` grows whenever a value may have changed, so that who goes by them need not look.
    """

    def __init__(self, user: str, superuser: bool = True) -> None:
        self.changes = 0
        self._started = False
        self.admit: Callable[[str, str, ClientSettings], None] | None = None
        self.examines: Callable[[], bool] = lambda: True
        self._settled = False  # nothing was done since the last transaction ended
        self._values = {row.name: row.default for row in SETTINGS}
        self._values["session_authorization"] = user
        self._values["is_superuser"] = "on" if superuser else "off"
        self._lasting = dict(self._values)  # what stays when the transaction commits
        self._start = dict(self._values)
        self._told = self.reported()
        self._told_changes = -1
        self._marks: list[_Mark] = []
        self.commit()

    def show(self, name: str) -> tuple[str, str]:
        """The setting's name as PostgreSQL spells it, and its value.

        Raises:
            UndefinedObject: 42704. InsufficientPrivilege: 42501, it is not told to everyone.
        """
        row = BY_NAME.get(name.lower())
        key = row.name if row is not None else name.lower()
        if key in self._values:
            return key, self._values[key]
        other = known_setting(name)
        if other is None:
            raise _unrecognized(name)
        if other.name in HIDDEN and not self.examines():
            raise InsufficientPrivilege(
                "must be superuser or have privileges of pg_read_all_settings to examine"
                f' "{other.name}"'
            )
        return other.name, self._values.get(other.name) or other.shown(other.value)

    def seconds(self, name: str) -> float:
        """A setting that is a time, in seconds."""
        return in_milliseconds(self.show(name)[1]) / 1000

    def set(self, name: str, value: str | None, *, local: bool = False) -> None:
        """Change a setting; None puts back the value the session started with.

        Args:
            local: Until the transaction ends.

        Raises:
            UndefinedObject: 42704. InvalidParameterValue: 22023. InvalidName: 42602.
            CannotChangeParameter: 55P02.
        """
        row = BY_NAME.get(name.lower())
        known = known_setting(name)
        if row is not None:
            key = row.name
            new = _accepted(row, value, self._values[key], self._start[key])
        elif known is not None:
            key, new = known.name, self._known(known, value)
        elif name.lower().startswith(_ENGINES):
            raise UndefinedObject(
                f'unrecognized configuration parameter "{name}"',
                hint="The settings of the engine and of the store are the server's own.",
            )
        elif "." in name:
            key, new = _custom(name), value or ""
        else:
            raise _unrecognized(name)
        if self.admit is not None:
            self.admit(key, new, self)
        self._touch()
        self._values[key] = new
        if not local and key not in OF_ONE_TRANSACTION:
            self._lasting[key] = new
        if key == "session_authorization":
            self.set("role", "none", local=local)

    def _known(self, known: Known, value: str | None) -> str:
        """The new value of a setting without a row, which only shows what it was set to."""
        superuser = self._values["is_superuser"] == "on"
        known.refuse_set(superuser=superuser, starting=not self._started)
        start = self._start.get(known.name, known.shown(known.value))
        return start if value is None else known.accept(value)

    def reset_all(self) -> None:
        """Put every setting back to what the session started with."""
        for name in list(self._values):
            row, known = BY_NAME.get(name.lower()), known_setting(name)
            if row is None and known is not None:
                if known.context in SETTABLE:  # whoever set it: a role that may not was taken on
                    self._touch()
                    start = self._start.get(name, known.shown(known.value))
                    self._values[name] = self._lasting[name] = start
                continue
            kept = name in OF_ONE_TRANSACTION or name in _WHO
            if row is None or (row.accept is not None and not kept):
                self.set(name, None)

    def fix_start(self) -> None:
        """Take the values of now as those that RESET goes back to."""
        self._start = dict(self._values)
        self._started = True
        self.commit()
        self._told = self.reported()
        self._told_changes = self.changes

    def derive(self, name: str, value: str) -> None:
        """Note a value that follows from other settings; it stays as long as they do."""
        self.changes += 1
        self._values[name] = self._lasting[name] = value

    def _touch(self) -> None:
        self.changes += 1
        self._settled = False

    # The client's transaction

    def commit(self) -> None:
        """The transaction ended well: what was set for it alone ends."""
        if self._settled:
            return
        self._touch()
        for name in OF_ONE_TRANSACTION:
            self._lasting[name] = self._lasting[f"default_{name}"]
        for name in self._values.keys() - self._lasting.keys():
            if known_setting(name) is None:
                self._lasting[name] = ""  # as PostgreSQL leaves a custom setting behind
        self._values = dict(self._lasting)
        self._marks = [_Mark("", self._values, dict(self._lasting))]
        self._values = dict(self._values)
        self._settled = True

    def rollback(self) -> None:
        """The transaction ended badly: every change in it is undone."""
        if not self._settled:
            self._return_to(0)
            self.commit()

    def fail(self) -> None:
        """A statement failed: every change since the last savepoint is undone.

        The transaction keeps its modes, which AND CHAIN gives to the next one.
        """
        if not self._settled:
            modes = {name: self._values[name] for name in OF_ONE_TRANSACTION}
            self._return_to(len(self._marks) - 1)
            self._values |= modes

    def savepoint(self, name: str) -> None:
        """SAVEPOINT was done."""
        self._touch()
        self._marks.append(_Mark(name, dict(self._values), dict(self._lasting)))

    def release(self, name: str) -> None:
        """RELEASE was done."""
        del self._marks[self._depth_of(name) :]

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO was done."""
        self._return_to(self._depth_of(name))

    def _depth_of(self, name: str) -> int:
        return max(n for n, mark in enumerate(self._marks) if n and mark.savepoint == name)

    def _return_to(self, depth: int) -> None:
        self._touch()
        mark = self._marks[depth]
        del self._marks[depth + 1 :]
        self._values, self._lasting = dict(mark.values), dict(mark.lasting)

    @property
    def least_severity(self) -> int:
        """Place in SEVERITIES of the least that the client wants to be told."""
        return SEVERITIES.index(self._values["client_min_messages"])

    @property
    def search_path(self) -> list[str]:
        """Schemas in the order in which an unqualified name is looked up."""
        names = [_named(part.strip()) for part in self._values["search_path"].split(",")]
        return [name for name in names if name and name != "$user"]

    @property
    def conforms(self) -> bool:
        """Whether a backslash in a string is a backslash (standard_conforming_strings)."""
        return self._values["standard_conforming_strings"] == "on"

    @property
    def notation(self) -> Notation:
        """How values are written and read."""
        return notation_of(*(self._values[name] for name in _OF_NOTATION))

    def all(self) -> list[tuple[str, str, str]]:
        """Every name, value and what it is for, by name without regard to case."""
        known = known_settings()
        names = {each.name for each in known.values()} | self._values.keys()
        rows = []
        for name in sorted(names, key=str.lower):
            found = known.get(name.lower())
            if name in HIDDEN and not self.examines():
                continue
            if found is not None or "." in name:
                rows.append((*self.show(name), "" if found is None else found.description))
        return rows

    def raw(self) -> dict[str, str]:
        """Name -> value as pg_settings has it, of all that has one of this session's own."""
        known = known_settings()
        return {
            name: found.raw(value) if (found := known.get(name.lower())) is not None else value
            for name, value in self._values.items()
        }

    @property
    def hidden(self) -> list[str]:
        """The settings that who acts may not see."""
        return [] if self.examines() else sorted(HIDDEN)

    @property
    def changed(self) -> list[str]:
        """The settings that this session has changed."""
        started = self._start
        return [
            name
            for name, value in self._values.items()
            if (started[name] if name in started else _default(name)) != value
        ]

    def reported(self) -> dict[str, str]:
        """What the client is told of when it connects."""
        return {row.name: self._values[row.name] for row in SETTINGS if row.reported}

    def drain_changes(self) -> dict[str, str]:
        """Reported settings that changed since the last call."""
        if self.changes == self._told_changes:
            return {}
        self._told_changes = self.changes
        now = self.reported()
        changed = {name: value for name, value in now.items() if self._told[name] != value}
        self._told = now
        return changed


_CUSTOM = re.compile(r"[A-Za-z_\u0080-\uffff][\w$]*(\.[A-Za-z_\u0080-\uffff][\w$]*)+")


def _custom(name: str) -> str:
    """The name of a setting that nobody here knows, as it is kept."""
    if not _CUSTOM.fullmatch(name):
        raise InvalidName(
            f'invalid configuration parameter name "{name}"',
            detail="Custom parameter names must be two or more simple identifiers separated by"
            " dots.",
        )
    return name.lower()


def _accepted(row: Setting, value: str | None, now: str, start: str) -> str:
    """What the setting becomes."""
    if value is None:
        return start
    if row.accept is None:
        raise CannotChangeParameter(f'parameter "{row.name}" cannot be changed')
    known = known_setting(row.name)
    if row.accept is as_known and known is not None:
        return known.accept(value)
    try:
        return row.accept(value) if row.amend is None else row.amend(value, now, start)
    except InvalidParameterValue as error:
        usual = f'invalid value for parameter "{{name}}": "{value}"'
        message = (str(error) or usual).replace("{name}", row.name)
        raise InvalidParameterValue(message, detail=error.detail, hint=error.hint) from error


def _default(name: str) -> str | None:
    """What SHOW prints in a new database; None for a setting of a client's own."""
    known = known_setting(name)
    return None if known is None else known.shown(known.value)


def _unrecognized(name: str) -> UndefinedObject:
    hint = _LISTINGS.get(name.lower(), "")
    near = () if hint else get_close_matches(name.lower(), known_settings(), n=1, cutoff=0.75)
    for each in near:
        hint = f"Perhaps you meant {each}."
    return UndefinedObject(f'unrecognized configuration parameter "{name}"', hint=hint)


# SHOW of other systems -> what shows the same.
_LISTINGS = {
    "tables": "psql lists tables by \\d; they are in information_schema.tables.",
    "columns": "psql shows columns by \\d NAME; they are in information_schema.columns.",
    "databases": "psql lists databases by \\l; schemas and datasets, by \\dn.",
    "schemas": "psql lists schemas by \\dn; they are in information_schema.schemata.",
    "processlist": "Who is connected is in pg_stat_activity.",
    "variables": "Write SHOW ALL.",
    "users": "psql lists roles by \\du; they are in pg_roles.",
}


# Those that take several (guc.c: GUC_LIST_INPUT).
_LISTS = frozenset({
    "datestyle", "listen_addresses", "local_preload_libraries", "log_destination", "search_path",
    "session_preload_libraries", "shared_preload_libraries", "synchronous_standby_names",
    "temp_tablespaces", "unix_socket_directories", "wal_consistency_checking",
})  # fmt: skip


def listed(name: str, values: Sequence[str]) -> str:
    """The values of SET as one: of search_path they are names (guc.c: GUC_LIST_QUOTE).

    Raises:
        InvalidParameterValue: 22023, several of a setting that takes one.
    """
    if len(values) > 1 and name.lower() not in _LISTS:
        raise InvalidParameterValue(f"SET {name} takes only one argument")
    return ", ".join(map(identifier, values) if name.lower() == "search_path" else values)


def _named(part: str) -> str:
    """A name of search_path, folded unless it is in quotes."""
    return part[1:-1].replace('""', '"') if part[:1] == '"' else part.lower()
