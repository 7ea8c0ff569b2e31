"""Fills in the templates of `functions`: arguments, relations, lookups, the session.

A template or a macro may name an argument twice. Calls inside calls would double with each of
them, so a longer argument is computed under a name first (`_named`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.catalog.translation.coercing import quoted

if TYPE_CHECKING:
    from gateway.catalog.translation.values import Values

_MARK = re.compile(r"\[(pg_\w+|text\.\w+)\]|<(\w+)>\(|(@\w+)|\{(\d|all)\}|\{\{|\}\}")

# Functions of DuckDB that it computes once for each row stand alone; those of a group do not.
_OF_ROWS = re.compile(r"\bunnest\(|\blist\(|\b(string_agg|json_group_object)\(")
_MACRO = re.compile(
    r"\b(quote_ident|quote_literal|parse_ident|float_text|without_parentheses|room|occurrences|"
    r"letter|size_pretty|numbers|lsn_distance)\("
)
_PLAIN = re.compile(r"[\w.\"$]+|'[^']*'")
_SHORT = 60


def fill(within: Values, template: str, arguments: Sequence[str]) -> str:
    """A template of `functions` with everything in its place."""
    if _doubles(template) and any(len(argument) > _SHORT for argument in arguments):
        return _named(within, template, arguments)
    return _filled(within, template, arguments)


@lru_cache(1000)
def _doubles(template: str) -> bool:
    """Whether an argument comes to stand more than once in what the database is given."""
    twice = any(template.count(f"{{{n}}}") > 1 for n in range(5))
    return (twice or bool(_MACRO.search(template))) and not _OF_ROWS.search(template)


def _named(within: Values, template: str, arguments: Sequence[str]) -> str:
    names = [
        None if _PLAIN.fullmatch(argument) else f"a{n}" for n, argument in enumerate(arguments)
    ]
    pairs = list(zip(names, arguments, strict=True))
    sql = _filled(within, template, [name or argument for name, argument in pairs])
    for name, argument in reversed(pairs):
        if name is not None:
            sql = f"list_transform([{argument}], lambda {name}: {sql})[1]"
    return sql


def _filled(within: Values, template: str, arguments: Sequence[str]) -> str:
    names = within.names

    def replaced(match: re.Match[str]) -> str:
        relation, lookup, word, argument = match.groups()
        if relation is not None:
            if "." in relation:
                return names.recorded(relation)
            found = names.relation("pg_catalog", relation)
            assert found is not None, relation
            return found.sql
        if lookup is not None:
            return f"\"@{lookup}\"('{names.place}', "
        if word is not None:
            return _session_value(within, word)
        if argument is None:
            return match[0][0]
        return ", ".join(arguments) if argument == "all" else arguments[int(argument)]

    return _MARK.sub(replaced, template)


def _session_value(within: Values, word: str) -> str:
    names = within.names
    if word in ("@path", "@visible_path"):
        path = names.path if word == "@path" else names.explicit
        return f"CAST([{', '.join(quoted(p) for p in path)}] AS VARCHAR[])"
    values = {
        "@user": names.user,
        "@database": names.database,
        "@moment": names.place,
        "@schema": next(iter(names.explicit), None),
    }
    value = values[word]
    return "CAST(NULL AS VARCHAR)" if value is None else quoted(value)
