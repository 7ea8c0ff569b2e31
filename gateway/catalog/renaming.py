"""Expressions of a definition under another name of a column: those are kept as text."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sources.table import TableName
from gateway.sql.text.dialect import parse, tokenize
from gateway.sql.text.quoting import identifier
from gateway.store.definitions.definitions import Index, Key

# After this a key of an index is read: an expression with a direction.
_ITEM = "SELECT 1 ORDER BY"


def renamed(text: str, old: str, new: str, before: str = "SELECT") -> str:
    """An expression's text, which may stand after `before`, with another name for a column.

    Raises:
        FeatureNotSupported: 0A000, the text does not say clearly where the column stands.

    >>> renamed("a > 0 AND abs(a) < b", "a", "x")
    'x > 0 AND abs(x) < b'
    """
    spelt = identifier(new)
    made, tokens = text, tokenize(text)
    for number in reversed(range(len(tokens))):
        token = tokens[number]
        quoted = text[token.start] == '"'
        name = token.text if quoted else token.text.lower()
        call = number + 1 < len(tokens) and tokens[number + 1].text == "("
        if name == old and text[token.start] != "'" and not call:
            made = made[: token.start] + spelt + made[token.end + 1 :]
    wanted = {new if name == old else name for name in columns_in(text, before)}
    if columns_in(made, before) != wanted:
        raise FeatureNotSupported(f'column "{old}" cannot be renamed: it is read by ({text})')
    return made


def unqualified(text: str, table: TableName) -> str:
    """An expression's text without the table's name before its columns: the table may be renamed.

    >>> unqualified('"t".a > 0 AND public.t.b <> \\'t.a\\'', TableName("public", "t"))
    "a > 0 AND b <> 't.a'"
    """
    tokens = tokenize(text)
    names = [
        token.text if text[token.start] == '"' else "" if text[token.start] == "'"
        else token.text.lower() for token in tokens
    ]  # fmt: skip
    parts: list[str] = []
    end = number = 0
    while number < len(tokens):
        for prefix in ([table.schema, ".", table.name, "."], [table.name, "."]):
            after = number + len(prefix)
            if names[number:after] == prefix and after < len(tokens):
                parts.append(text[end : tokens[number].start])
                end = tokens[after].start
                number = after
                break
        number += 1
    return "".join([*parts, text[end:]])


def columns_in(text: str, before: str = "SELECT") -> set[str]:
    """The columns that an expression reads."""
    tree = parse(f"{before} {text}")[0]
    return {column.name for column in tree.find_all(exp.Column)}


def read_by(index: Index) -> set[str]:
    """The columns of an index."""
    found = {name for item in index.columns for name in _columns_of(item)}
    found |= columns_in(index.predicate) if index.predicate else set()
    return found | {*index.included}


def renamed_index(index: Index, old: str, new: str) -> Index:
    """An index with another name for a column."""
    items = tuple(_item(item, old, new) for item in index.columns)
    included = tuple(new if name == old else name for name in index.included)
    predicate = _where(index.predicate, old, new)
    return replace(index, columns=items, predicate=predicate, included=included)


def renamed_key(key: Key, old: str, new: str) -> Key:
    """A key with another name for a column."""

    def names(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in columns)

    return replace(
        key,
        columns=names(key.columns),
        items=tuple(_item(item, old, new) for item in key.items),
        values=tuple(renamed(text, old, new) for text in key.values),
        predicate=_where(key.predicate, old, new),
        reads=names(key.reads),
        included=names(key.included),
    )


def _columns_of(item: str) -> set[str]:
    try:
        return columns_in(item, _ITEM)
    except SyntaxFault:  # a column with an operator class
        return {tokenize(item)[0].text}


def _item(item: str, old: str, new: str) -> str:
    try:
        return renamed(item, old, new, _ITEM)
    except SyntaxFault:
        first = tokenize(item)[0]
        return identifier(new) + item[first.end + 1 :] if first.text == old else item


def _where(predicate: str, old: str, new: str) -> str:
    return renamed(predicate, old, new) if predicate else ""
