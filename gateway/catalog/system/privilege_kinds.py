"""The kinds of things that has_table_privilege and its like ask about: a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.catalog.system.acl import DEFAULTS
from gateway.errors import (
    GatewayError,
    InvalidCatalogName,
    InvalidParameterValue,
    InvalidSchemaName,
    UndefinedFunction,
    UndefinedObject,
    UndefinedTable,
)

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
COLUMN = Kind("pg_class", "relname", "relowner", "relacl", "r", _COLUMN_WORDS,
               (UndefinedTable, "relation"), "regclass")  # fmt: skip
SCHEMA = Kind("pg_namespace", "nspname", "nspowner", "nspacl", "n", {"CREATE": "C", "USAGE": "U"},
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
    "has_any_column_privilege": COLUMN,
    "has_column_privilege": COLUMN,
    "has_sequence_privilege": _SEQUENCE,
    "has_schema_privilege": SCHEMA,
    "has_database_privilege": _DATABASE,
    "has_function_privilege": _FUNCTION,
    "has_type_privilege": _TYPE,
    "has_language_privilege": _LANGUAGE,
    "has_foreign_data_wrapper_privilege": _WRAPPER,
    "has_server_privilege": _SERVER,
    "has_tablespace_privilege": _TABLESPACE,
}
# What the others take: the number of their arguments without a role before them.
ARITY = {"has_column_privilege": 3}


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


assert all(kind.default in DEFAULTS for kind in KINDS.values())
