"""Run-time settings, a row each: name, default, what it may be set to.

Names, defaults and wording are PostgreSQL 15's (manual, chapter 20).

DateStyle is two words, a style and an order, of which a user may name either (8.5.2 and 20.11.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.session.settings.known_settings import boolean
from gateway.sql.inputs.encodings import named
from gateway.sql.inputs.notation import DATE_STYLES
from gateway.sql.inputs.zones import time_zone

# Whether a word, in capitals, is the row's -> the half that it names, and what it means.
_WORDS: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (lambda word: word == "ISO",               "style", "ISO"),
    (lambda word: word == "SQL",               "style", "SQL"),
    (lambda word: word.startswith("POSTGRES"), "style", "Postgres"),
    (lambda word: word == "GERMAN",            "style", "German"),
    (lambda word: word == "YMD",               "order", "YMD"),
    (lambda word: word == "DMY",               "order", "DMY"),
    (lambda word: word.startswith("EURO"),     "order", "DMY"),
    (lambda word: word in ("MDY", "US"),       "order", "MDY"),
    (lambda word: word.startswith("NONEURO"),  "order", "MDY"),
)  # fmt: skip


def date_style(value: str, now: str, start: str) -> str:
    """DateStyle as SHOW prints it, after SET.

    Args:
        value: What the user named, separated by commas.
        now: The setting so far; a half that is not named stays.
        start: What `default` means.

    Raises:
        InvalidParameterValue: 22023, a word that is none, or two that contradict each other.

    >>> date_style("sql, european", "ISO, MDY", "ISO, MDY"), date_style("YMD", "German, DMY", "")
    ('SQL, DMY', 'German, YMD')
    """
    found: dict[str, str] = {}
    defaults: dict[str, str] = {}
    for written in value.split(",") if value.strip() else ():
        word = written.strip().strip('"')
        if word.upper() == "DEFAULT":
            defaults = _halves(start)
            continue
        half, meaning = _meant(word)
        if found.setdefault(half, meaning) != meaning:
            raise InvalidParameterValue("", detail='Conflicting "datestyle" specifications.')
    if found.get("style") == "German":  # which has an order of its own
        found.setdefault("order", "DMY")
    halves = _halves(now) | defaults | found
    return f"{halves['style']}, {halves['order']}"


def _halves(shown: str) -> dict[str, str]:
    style, _, order = shown.partition(", ")
    return {"style": style or DATE_STYLES[0], "order": order or "MDY"}


def _meant(word: str) -> tuple[str, str]:
    for is_it, half, meaning in _WORDS:
        if is_it(word.upper()):
            return half, meaning
    if not word:
        raise InvalidParameterValue("", detail="List syntax is invalid.")
    raise InvalidParameterValue("", detail=f'Unrecognized key word: "{word.lower()}".')


SERVER_VERSION = "15.8"
SERVER_VERSION_NUM = "150008"


@dataclass(frozen=True, slots=True)
class Setting:
    """One run-time setting.

    `accept` turns what a user writes into the value kept, or raises InvalidParameterValue, with
    `{name}` in its message or with none, for the usual one; None makes the setting read-only.
    `reported` ones are sent as ParameterStatus when they change. `amend` is for those of which a
    user may name a part: it has what is written, the value so far and the one at the start.
    """

    name: str
    default: str
    accept: Callable[[str], str] | None = str
    reported: bool = False
    amend: Callable[[str, str, str], str] | None = None


def _one_of(*allowed: str) -> Callable[[str], str]:
    def accept(value: str) -> str:
        for spelling in allowed:
            if value.lower() == spelling.lower():
                return spelling
        raise InvalidParameterValue("", hint=f"Available values: {', '.join(allowed)}.")

    return accept


def as_known(value: str) -> str:
    """The mark of a setting that is read by what pg_settings tells of it (`_accepted`)."""
    return value


def _on_or_off(value: str) -> str:
    return boolean(value, "{name}")


# manual 20.1.1: SHOW gives the largest whole unit.
_UNITS = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1000, "ms": 1}


def in_milliseconds(shown: str) -> int:
    """The milliseconds that SHOW prints as `5s`; 0 for `0`.

    >>> in_milliseconds("5s"), in_milliseconds("0")
    (5000, 0)
    """
    number = shown.rstrip("dhmins")
    return int(number) * _UNITS.get(shown[len(number) :], 1)


def _in_ascii(value: str) -> str:
    """pg_clean_ascii: a question mark for every byte that is no letter of ASCII."""
    return "".join(
        letter if " " <= letter <= "~" else "?" * len(letter.encode()) for letter in value
    )


def _encoding(value: str) -> str:
    found = named(value)
    if found is None:
        raise InvalidParameterValue("")
    if not found.codec:
        raise FeatureNotSupported(
            f'invalid value for parameter "client_encoding": "{value}"',
            detail=f"Conversion between {found.name} and UTF8 is not supported.",
        )
    return value if value == "UNICODE" else found.name  # pgjdbc of old compares its own word


_isolation = _one_of("serializable", "repeatable read", "read committed", "read uncommitted")


# What a client may be told besides, the least first (manual 20.8.2); debug1 is one of five.
SEVERITIES = (
    *("debug5", "debug4", "debug3", "debug2", "debug1"),
    *("log", "notice", "warning", "error"),
)


#       name                              default            accept             reported
SETTINGS = (
    Setting("application_name",                    "",                 _in_ascii,         True),
    Setting("bytea_output",                        "hex",              as_known),
    Setting("client_encoding",                     "UTF8",             _encoding,         True),
    Setting("client_min_messages",                 "notice",           as_known),
    Setting("DateStyle",                           "ISO, MDY",         str,               True,
            date_style),
    Setting("default_transaction_deferrable",      "off",              as_known),
    Setting("default_transaction_isolation",       "read committed",   _isolation),
    Setting("default_transaction_read_only",       "off",              as_known,          True),
    Setting("extra_float_digits",                  "1",                as_known),
    Setting("gradwire.array_aggregation",          "on",               _on_or_off),
    Setting("idle_in_transaction_session_timeout", "0",                as_known),
    Setting("idle_session_timeout",                "0",                as_known),
    Setting("in_hot_standby",                      "off",              None,              True),
    Setting("integer_datetimes",                   "on",               None,              True),
    Setting("IntervalStyle",                       "postgres",         as_known,          True),
    Setting("is_superuser",                        "on",               None,              True),
    Setting("jit",                                 "off",              as_known),
    Setting("lc_collate",                          "C",                None),
    Setting("lc_ctype",                            "C.UTF-8",          None),
    Setting("lc_messages",                         "C",                str),
    Setting("lock_timeout",                        "0",                as_known),
    Setting("max_identifier_length",               "63",               None),
    Setting("role",                                "none",             str),
    Setting("row_security",                        "on",               as_known),
    Setting("search_path",                         '"$user", public',  str),
    Setting("server_encoding",                     "UTF8",             None,              True),
    Setting("server_version",                      SERVER_VERSION,     None,              True),
    Setting("server_version_num",                  SERVER_VERSION_NUM, None),
    Setting("session_authorization",               "",                 str,               True),
    Setting("standard_conforming_strings",         "on",               as_known,          True),
    Setting("statement_timeout",                   "0",                as_known),
    Setting("synchronous_commit",                  "on",               as_known),
    Setting("TimeZone",                            "UTC",              time_zone,         True),
    Setting("transaction_deferrable",              "off",              as_known),
    Setting("transaction_isolation",               "read committed",   _isolation),
    Setting("transaction_read_only",               "off",              as_known),
)  # fmt: skip

# They begin with each transaction at what the default_ of their name says.
OF_ONE_TRANSACTION = ("transaction_deferrable", "transaction_isolation", "transaction_read_only")

BY_NAME: Mapping[str, Setting] = {row.name.lower(): row for row in SETTINGS}
