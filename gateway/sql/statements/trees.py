"""Queries and writes, read as trees; with the words that sqlglot does not know."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import SyntaxFault
from gateway.sql.names.scope import position_of
from gateway.sql.statements.commands import Reader, nesting
from gateway.sql.statements.tables import CreateTable
from gateway.sql.text.dialect import parse_tokens, syntax_fault
from gateway.sql.writes.items import INSERTED


def read_tree(reader: Reader) -> exp.Expr:
    """The whole statement as a tree."""
    reader.rest()
    if (written := _at_cursor(reader)) is not None:
        return written
    tree = parse_tokens(reader.tokens, reader.text, share=True)
    if tree is None:
        raise syntax_fault(reader.tokens[0], reader.tokens, reader.text)
    if isinstance(tree, exp.Query) and "into" in reader.text.lower():
        into = tree.find(exp.Into)
        if into is not None:
            message = "SELECT ... INTO is not allowed here"
            raise SyntaxFault(message, position=position_of(into.this))
    return tree


def read_query(reader: Reader) -> exp.Expr | CreateTable:
    """A query; SELECT ... INTO is CREATE TABLE AS."""
    if "into" not in reader.text.lower():
        return read_tree(reader)
    depth = 0
    for place, token in enumerate(reader.tokens):
        depth += nesting(token)
        if depth == 0 and any(_is_word(token, word) for word in _ANOTHER):
            break
        if depth == 0 and _is_word(token, "INTO"):
            return _query_into(reader, place)
    return read_tree(reader)


def _query_into(reader: Reader, place: int) -> CreateTable:
    """SELECT a INTO [TEMP] [TABLE] name FROM ...; INTO stands at `place`."""
    into = Reader(reader.tokens, reader.text)
    into.index = place + 1
    into.one_of("LOCAL", "GLOBAL")
    temporary = bool(into.one_of("TEMPORARY", "TEMP"))
    into.accept("UNLOGGED")
    into.accept("TABLE")
    name = into.qualified()
    if into.accept("("):
        into.index -= 1
        into.fail()
    left, right = reader.tokens[:place], reader.tokens[into.index :]
    tree = read_tree(Reader([*left, *right], reader.text))
    reader.rest()
    return CreateTable(name, temporary=temporary, query=tree)


# Words after which an INTO at the outside is no longer that of the first SELECT.
_ANOTHER = ("UNION", "INTERSECT", "EXCEPT", "FROM", "INSERT", "MERGE")


# Where the tree of an UPDATE or DELETE says at which cursor it is.
CURRENT_OF = "current_of"


def _at_cursor(reader: Reader) -> exp.Expr | None:
    """UPDATE or DELETE ... WHERE CURRENT OF, which sqlglot does not know.

    Its WHERE is FALSE: which row it is, is known when it is run.
    """
    tokens, depth = reader.tokens, 0
    if tokens[0].text.upper() not in ("UPDATE", "DELETE"):
        return None
    for place, token in enumerate(tokens[:-3]):
        depth += nesting(token)
        words = tokens[place : place + 3]
        if depth or any(each.token_type in _QUOTED for each in words):
            continue
        if [each.text.upper() for each in words] != ["WHERE", "CURRENT", "OF"]:
            continue
        reader.index = place + 3
        cursor = reader.name()
        never = Token(
            TokenType.FALSE, "FALSE", start=words[1].start, end=tokens[reader.index - 1].end
        )
        left, right = tokens[: place + 1], tokens[reader.index :]
        if right and right[0].text.upper() != "RETURNING":
            reader.fail()
        reader.rest()
        tree = read_tree(Reader([*left, never, *right], reader.text))
        tree.meta[CURRENT_OF] = cursor
        return tree
    return None


_QUOTED = (TokenType.IDENTIFIER, TokenType.STRING)


def read_insert(reader: Reader) -> exp.Expr:
    """INSERT; sqlglot knows neither OVERRIDING nor items as columns: the tree's `meta` has them."""
    tokens, items = _without_items(reader.tokens, reader.text)
    if items:
        tree = read_insert(Reader(tokens, reader.text))
        tree.meta[INSERTED] = items
        reader.rest()
        return tree
    for place, token in enumerate(reader.tokens):
        if token.text.upper() == "OVERRIDING" and token.token_type != TokenType.IDENTIFIER:
            reader.index = place + 1
            kind = reader.need("SYSTEM VALUE", "USER VALUE").split()[0]
            left, right = reader.tokens[:place], reader.tokens[reader.index :]
            tree = read_tree(Reader([*left, *right], reader.text))
            tree.meta["overriding"] = kind
            reader.rest()
            return tree
        if token.text == "(" and place > 3 and reader.tokens[place - 1].text.upper() == "VALUES":
            break
    return read_tree(reader)


def _before_columns(tokens: Sequence[Token], text: str) -> int | None:
    """Where the parenthesis after INSERT INTO t [AS u] stands, if any bracket comes at all."""
    if all(token.text != "[" for token in tokens):
        return None
    reader = Reader(tokens, text)
    reader.index = 1
    reader.need("INTO")
    reader.qualified()
    if reader.accept("AS"):
        reader.name()
    return reader.index - 1 if reader.accept("(") else None


def _without_items(
    tokens: Sequence[Token], text: str
) -> tuple[Sequence[Token], dict[int, exp.Bracket]]:
    """The tokens of INSERT INTO t (a, b[1]) without subscripts, and what each was: {1: b[1]}."""
    begin = _before_columns(tokens, text)
    if begin is None:
        return tokens, {}
    kept, items = list(tokens[: begin + 1]), dict[int, exp.Bracket]()
    place, number, start = begin + 1, 0, begin + 1
    while place < len(tokens) and tokens[place].text != ")":
        if tokens[place].text == "[" and start == place - 1:
            while place < len(tokens) and tokens[place].text == "[":
                while place < len(tokens) and tokens[place].text != "]":
                    place += 1
                place += 1
            first = tokens[start]
            select = Token(TokenType.SELECT, "SELECT", start=first.start, end=first.end)
            tree = parse_tokens([select, *tokens[start:place]], text)
            found = tree.expressions[0] if isinstance(tree, exp.Select) else None
            if not isinstance(found, exp.Bracket):
                return tokens, {}
            items[number] = found
            continue
        if tokens[place].text == ",":
            number, start = number + 1, place + 1
        elif start != place:  # more than names: a query
            return tokens, {}
        kept.append(tokens[place])
        place += 1
    return [*kept, *tokens[place:]], items


def read_merge(reader: Reader) -> exp.Expr:
    """MERGE; sqlglot knows neither a bare join after USING nor OVERRIDING.

    The join is put in parentheses; what OVERRIDING says, each INSERT carries in `meta`.
    """
    kept: list[Token] = []
    kinds: list[str] = []  # of each INSERT
    tokens, place = _with_join_in_parentheses(reader.tokens), 0
    reader.tokens = tokens
    while place < len(tokens):
        if _is_word(tokens[place], "INSERT") and kept and _is_word(kept[-1], "THEN"):
            kinds.append("")
        elif kinds and _is_word(tokens[place], "OVERRIDING"):
            reader.index = place + 1
            kinds[-1] = reader.need("SYSTEM VALUE", "USER VALUE").split()[0]
            place = reader.index
            continue
        kept.append(tokens[place])
        place += 1
    tree = read_tree(Reader(kept, reader.text))
    inserts = [when.args["then"] for when in tree.args["whens"].expressions]
    for insert, kind in zip((i for i in inserts if isinstance(i, exp.Insert)), kinds, strict=False):
        insert.meta["overriding"] = kind
    reader.rest()
    return tree


def _with_join_in_parentheses(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens of MERGE INTO t USING (a JOIN b ON c) ON d WHEN ..., where they have none."""
    depth, first, last, joins = 0, 0, 0, False
    for place, token in enumerate(tokens):
        depth += nesting(token)
        if depth:
            continue
        if not first and _is_word(token, "USING"):
            first = place + 1
        elif first and _is_word(token, "JOIN"):
            joins = True
        elif first and _is_word(token, "ON"):
            last = place
        elif last and _is_word(token, "WHEN"):
            break
    if not joins or not last:
        return tokens
    begin, end = tokens[first], tokens[last - 1]
    opened = Token(TokenType.L_PAREN, "(", start=begin.start, end=begin.start)
    closed = Token(TokenType.R_PAREN, ")", start=end.end, end=end.end)
    return [*tokens[:first], opened, *tokens[first:last], closed, *tokens[last:]]


def _is_word(token: Token, word: str) -> bool:
    return token.text.upper() == word and token.token_type not in (
        TokenType.IDENTIFIER,
        TokenType.STRING,
    )
