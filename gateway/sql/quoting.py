"""Names and texts as SQL writes them (quote_identifier in ruleutils.c, quote_literal)."""

from __future__ import annotations

from gateway.sql.dialect import RESERVED


def identifier(name: str) -> str:
    """A name as SQL writes it: in quotes where it must be.

    >>> identifier("a"), identifier("A b"), identifier("select"), identifier("")
    ('a', '"A b"', '"select"', '""')
    """
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    if plain and not name[0].isdigit() and name not in RESERVED:
        return name
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
