"""Fills in the templates of `functions`: arguments, relations, lookups, the session."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.catalog.translation.coercing import quoted

if TYPE_CHECKING:
    from gateway.catalog.translation.values import Values

_MARK = re.compile(r"\[(pg_\w+|text\.\w+)\]|<(\w+)>\(|(@\w+)|\{(\d|all)\}|\{\{|\}\}")


def fill(within: Values, template: str, arguments: Sequence[str]) -> str:
    """A template of `functions` with everything in its place."""
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
