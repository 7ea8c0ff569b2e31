"""Defaults that call a sequence by its name follow it to another one.

PostgreSQL keeps the sequence's number there; here the text is kept, and written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from gateway.sources.table import TableName
from gateway.sql.text.dialect import tokenize
from gateway.sql.text.quoting import identifier
from gateway.store.definitions.catalogue import PUBLIC
from gateway.store.definitions.definitions import TableDefinition

_CALL = re.compile(r"(\bnextval\s*\(\s*')((?:[^']|'')*)(')", re.IGNORECASE)


def with_sequence_renamed(
    table: TableDefinition, old: TableName, new: TableName
) -> TableDefinition:
    """The table with defaults that call `new` where they called `old`.

    A name without a schema means a sequence of schema public, or of the table's own.
    """

    def called(found: re.Match[str]) -> str:
        schema, name = _name(found[2].replace("''", "'"))
        places = (schema,) if schema else (PUBLIC, table.name.schema)
        if name != old.name or old.schema not in places:
            return found[0]
        return found[1] + in_text(new) + found[3]

    columns = tuple(
        column
        if column.default is None
        else replace(column, default=_CALL.sub(called, column.default))
        for column in table.columns
    )
    return table if columns == table.columns else replace(table, columns=columns)


def with_sequences_placed(
    table: TableDefinition, before: TableDefinition | None, find: Callable[[str], TableName | None]
) -> TableDefinition:
    """The table whose new defaults name their sequences as they are named along any search_path.

    Args:
        table: As it is declared.
        before: What it was; None of a new table.
        find: The sequence that a name without a schema means.
    """
    known = set() if before is None else {column.default for column in before.columns}

    def placed(found: re.Match[str]) -> str:
        schema, name = _name(found[2].replace("''", "'"))
        meant = None if schema else find(name)
        return found[0] if meant is None else found[1] + in_text(meant) + found[3]

    columns = tuple(
        column
        if column.default is None or column.default in known
        else replace(column, default=_CALL.sub(placed, column.default))
        for column in table.columns
    )
    return replace(table, columns=columns)


def calling(table: TableDefinition, sequence: TableName) -> list[str]:
    """The columns whose defaults call a sequence."""
    elsewhere = with_sequence_renamed(table, sequence, TableName("", ""))
    pairs = zip(table.columns, elsewhere.columns, strict=True)
    return [was.name for was, now in pairs if was.default != now.default]


def written(sequence: TableName) -> str:
    """A sequence's name as a default has it."""
    place = f"{identifier(sequence.schema)}." if sequence.schema != PUBLIC else ""
    return place + identifier(sequence.name)


def in_text(sequence: TableName) -> str:
    """The same between quotes."""
    return written(sequence).replace("'", "''")


def _name(text: str) -> tuple[str, str]:
    parts = [
        token.text if text[token.start : token.start + 1] == '"' else token.text.lower()
        for token in tokenize(text)
        if token.text != "."
    ]
    return (parts[-2] if len(parts) > 1 else "", parts[-1] if parts else "")
