"""Names and texts as SQL writes them (quote_identifier in ruleutils.c, quote_literal)."""

from __future__ import annotations

import re

from gateway.sql.text.words import PLAIN_RESERVED

# A constant of regclass, as defaults have it.
REGCLASS = re.compile(r"'((?:[^']|'')+)'::regclass")

# Keywords that may be a column's name and are quoted all the same (kwlist.h: COL_NAME_KEYWORD and
# TYPE_FUNC_NAME_KEYWORD of PostgreSQL 15).
_KEYWORDS = """
authorization between bigint binary bit boolean char character coalesce collation
concurrently cross current_schema dec decimal exists extract float freeze full greatest
grouping ilike inner inout int integer interval is isnull join least left like national
natural nchar none normalize notnull nullif numeric out outer overlaps overlay position
precision real right row setof similar smallint substring tablesample time timestamp treat
trim values varchar verbose xmlattributes xmlconcat xmlelement xmlexists xmlforest
xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
"""
QUOTED = PLAIN_RESERVED | frozenset(_KEYWORDS.split())


def identifier(name: str) -> str:
    """A name as SQL writes it: in quotes where it must be.

    >>> identifier("a"), identifier("A b"), identifier("time"), identifier("")
    ('a', '"A b"', '"time"', '""')
    """
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    if plain and not name[0].isdigit() and name not in QUOTED:
        return name
    return in_quotes(name)


def seen(schema: str, name: str) -> str:
    """A name as messages have it: without the schema that the search path has.

    >>> seen("public", "a"), seen("Other", "a")
    ('a', '"Other".a')
    """
    return identifier(name) if schema == "public" else f"{identifier(schema)}.{identifier(name)}"


def in_quotes(name: str) -> str:
    """A name in quotes, whatever it is.

    >>> print(in_quotes("a"), in_quotes('say "a" twice'))
    "a" "say ""a"" twice"
    """
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(text: str) -> str:
    """A text as a string literal.

    >>> literal("d'e"), literal("back\\\\slash")
    ("'d''e'", "E'back\\\\\\\\slash'")
    """
    doubled = text.replace("'", "''")
    if "\\" not in text:
        return f"'{doubled}'"
    escaped = doubled.replace("\\", "\\\\")
    return f"E'{escaped}'"


def name_parts(text: str) -> list[str]:
    """The parts of a dotted name, folded unless they are in quotes.

    >>> name_parts('Public."A.b"')
    ['public', 'A.b']
    """
    found = re.findall(r'\s*(?:"((?:[^"]|"")*)"|([^."\s]+))\s*(?:\.|$)', text)
    return [quoted.replace('""', '"') if not plain else plain.lower() for quoted, plain in found]
