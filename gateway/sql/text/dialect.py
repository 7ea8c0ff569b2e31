"""PostgreSQL's SQL to trees: the one dialect through which every statement goes.

`parse` reads PostgreSQL's grammar (gateway/sql/text/grammar.py). What the engine reads otherwise is
settled on the tree (gateway/sql/lowered) before the generator of this dialect prints it, so
that no two parsers read the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.generator import Generator
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import CharacterNotInRepertoire, FeatureNotSupported, GatewayError, SyntaxFault
from gateway.interrupts import check_for_interrupts
from gateway.sql.text.brackets import bare_literals, merge_clauses
from gateway.sql.text.depth import with_room
from gateway.sql.text.engine_types import engine_type
from gateway.sql.text.grammar import MARKERS as MARKERS
from gateway.sql.text.grammar import GradwireParser
from gateway.sql.text.grammar import Marker as Marker
from gateway.sql.text.habits import FOREIGN, foreign_word, hint_at, refuse_foreign
from gateway.sql.text.precedence import ORDERED
from gateway.sql.text.repeats import Repeated, find, head_of, is_cut, restore, settle, without
from gateway.sql.text.rows import compare_pairwise
from gateway.sql.text.trees import nodes
from gateway.sql.text.worded_calls import Fault
from gateway.sql.text.words import (
    PARAMETER_SIGN,
    RESERVED,
    GradwireTokenizer,
    read_unicode_names,
)

# What a statement's root may be; sqlglot also takes a bare expression for a statement.
STATEMENTS = (exp.Query, exp.Values, exp.DML, exp.DDL, exp.Drop, exp.TruncateTable, exp.Copy)


# DataFusion's parser tries a syntax of its own for these first, and reads what is inside once more:
# n deep, 2^n times.
_READ_TWICE = frozenset({"overlay", "position", "convert"})


class GradwireGenerator(PostgresGenerator):
    """What Apache DataFusion's parser reads, in its generic dialect."""

    MULTI_ARG_DISTINCT = True  # else f(DISTINCT a, b) becomes a CASE over a row
    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **PostgresGenerator.TRANSFORMS,
        Marker: lambda self, e: self.func(e.kind, *e.expressions),
        Repeated: lambda self, e: "...",
        exp.Pow: lambda self, e: self.func("power", e.this, e.expression),
        exp.Select: lambda self, e: self.select_sql(e),
        exp.TryCast: lambda self, e: self.trycast_sql(e),
        exp.Array: lambda self, e: f"ARRAY[{self.expressions(e, flat=True)}]",
        exp.Div: lambda self, e: self.binary(e, "/"),
        exp.BitwiseXor: lambda self, e: self.binary(e, "^"),
    }

    def func(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Function names are printed as they stand, never in capitals."""
        kwargs["normalize"] = False
        return super().func(f'"{name}"' if name in _READ_TWICE else name, *args, **kwargs)

    def not_sql(self, expression: exp.Not) -> str:
        """`a IS NOT NULL` as people write it, for a column; the parser makes NOT a IS NULL of it.

        Not beside other operators: DataFusion's parser reads on after IS NOT NULL.
        """
        this = expression.this
        stands_free = isinstance(expression.parent, exp.If | exp.And | exp.Where)
        if stands_free and isinstance(this, exp.Is) and isinstance(this.this, exp.Column):
            return f"{self.sql(this, 'this')} IS NOT {self.sql(this, 'expression')}"
        return str(super().not_sql(expression))

    def paren_sql(self, expression: exp.Paren) -> str:
        """Parentheses on one line where their inside is on one."""
        inside = self.sql(expression, "this")
        return str(super().paren_sql(expression)) if "\n" in inside else f"({inside})"

    def datatype_sql(self, expression: exp.DataType) -> str:
        """A type in the engine's spelling; an unknown one is refused (42704)."""
        return engine_type(expression)


class Gradwire(Postgres):
    """The dialect object; `parse`, `to_engine` and `to_text` below are the way to use it."""

    Tokenizer = GradwireTokenizer
    Parser = GradwireParser
    Generator = GradwireGenerator
    # Arrays begin at 1 on both sides; sqlglot would count from 0 between, and come back only for
    # what it takes for an integer.
    INDEX_OFFSET = 0
    # PostgreSQL knows no vertical tab in E'' strings: any other letter stands for itself.
    UNESCAPED_SEQUENCES = {  # noqa: RUF012  # sqlglot declares it of the instance
        **Postgres.UNESCAPED_SEQUENCES,
        "\\v": "v",
    }


# In `x::interval d` the d is a name: these alone are fields of an interval (manual, 8.5.4).
# Set after the class is made: its metaclass adds abbreviations.
Gradwire.VALID_INTERVAL_UNITS = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}

DIALECT = Gradwire()


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`; each knows its 0-based `start` and `end`.

    Raises:
        SyntaxFault: 42601, a string, comment or quoted name that never ends.
        QueryCanceled: 57014, the statement is not wanted any more.
    """
    marked = text if PARAMETER_SIGN in text else _PARAMETER.sub(PARAMETER_SIGN, text)
    try:
        tokens = list(DIALECT.tokenize(marked))
    except TokenError as error:
        if isinstance(error.__cause__, GatewayError):
            raise error.__cause__ from None
        raise _unterminated(text, str(error.__cause__)) from error
    if "\\" in text and any("\0" in token.text for token in tokens):
        raise CharacterNotInRepertoire('invalid byte sequence for encoding "UTF8": 0x00')
    if marked is not text:
        for token in tokens:
            token.text = token.text.replace(PARAMETER_SIGN, "$")
    return read_unicode_names(tokens) if 'U&"' in text or 'u&"' in text else tokens


def _tokenize_short(text: str) -> list[Token]:
    """The tokens of `text`, one for each function that an earlier marker has already."""
    cuts = find(text)
    if not cuts:
        return tokenize(text)
    try:
        tokens = tokenize(without(text, cuts))
    except SyntaxFault:  # at its place in the whole text
        return tokenize(text)
    restore(tokens, cuts)
    return tokens


# sqlglot takes `$1,$` for the opening of a dollar-quoted string; no tag begins with a digit.
_PARAMETER = re.compile(r"(?<![\w$])\$(?=\d)")

# What sqlglot's tokenizer says at the end of a text; the number is an offset.
_MISSING = re.compile(r"Missing (\S+) from \d+:(\d+)")
_QUOTED = {"'": "quoted string", '"': "quoted identifier"}


def _unterminated(text: str, reason: str) -> SyntaxFault:
    match = _MISSING.match(reason)
    start = int(match[2]) if match else text.rfind("/*")
    what = _QUOTED.get(match[1], "dollar-quoted string") if match else "/* comment"
    if not 0 <= start < len(text):
        return SyntaxFault("syntax error at end of input", position=len(text) + 1)
    return SyntaxFault(f'unterminated {what} at or near "{text[start:]}"', position=start + 1)


# Nodes that are looked at between two questions whether the statement is still wanted: some 5 ms.
_NODES_AT_ONCE = 4096


def parse_tokens(tokens: Sequence[Token], text: str, share: bool = False) -> exp.Expr | None:
    """The tree of one statement's tokens, names folded; None when there is nothing but comments.

    Args:
        tokens: The statement.
        text: The message that holds it.
        share: Leave a `Repeated` where markers of one SELECT have the same function.

    Raises:
        SyntaxFault: 42601, with the position in `text` where it stops being SQL.
        StatementTooComplex: 54001, nested too deeply.
        FeatureNotSupported: 0A000, a statement that has no tree.
    """
    parser = GradwireParser(dialect=DIALECT, error_level=ErrorLevel.IMMEDIATE)
    parser.heads = frozenset(head_of(token) for token in tokens if is_cut(token))
    try:
        trees = with_room(lambda: parser.parse(list(tokens), text))
    except ParseError as fault:
        if parser.heads:  # a column list may read as a marker does
            return parse_tokens(list(_whole(tokens, text)), text, share)
        if isinstance(fault, Fault):
            refused = syntax_fault(fault.token, tokens, text)
            refuse_foreign([each for each in tokens if each.start < refused.position], text)
            raise refused from fault
        raise SyntaxFault(str(fault).splitlines()[0]) from fault
    refuse_foreign(tokens[:_HEAD], text)
    _check_words(tokens, text)
    tree = trees[0] if trees else None
    if tree is None:
        return None
    found = nodes(tree)
    if any(isinstance(node, exp.Command) for node in found):
        raise FeatureNotSupported(f"{tokens[0].text.upper()} is not supported")
    if not isinstance(tree, STATEMENTS):
        raise syntax_fault(tokens[0], tokens, text)  # a bare expression is no statement
    if parser.functions:
        settle(tree, parser.functions, share)
        found = nodes(tree)
    _check_nodes(found, tokens, text)
    merge_clauses(found)
    bare_literals(found)
    compare_pairwise(found)
    return tree


def _check_nodes(found: Sequence[exp.Expr], tokens: Sequence[Token], text: str) -> None:
    """Fold names, and refuse what sqlglot reads though something is wrong with it."""
    for place, node in enumerate(found):
        if not place % _NODES_AT_ONCE:
            check_for_interrupts()
        if isinstance(node, _LOOSE):
            _check_tree(node, tokens, text)
        else:
            _fold(node)


def _whole(tokens: Sequence[Token], text: str) -> Iterator[Token]:
    """The tokens with those of what was cut out in the place of the cuts."""
    for token in tokens:
        if not is_cut(token):
            yield token
            continue
        for inner in tokenize(text[token.start : token.end + 1]):
            inner.start, inner.end = inner.start + token.start, inner.end + token.start
            yield inner


_LOOSE: tuple[type[exp.Expr], ...] = (
    exp.Values,
    exp.Exists,
    exp.Star,
    exp.Insert,
    exp.Update,
    exp.Merge,
    exp.TableAlias,
    *FOREIGN,
    *ORDERED,
)


def _is_malformed(node: exp.Expr) -> bool:
    """What sqlglot takes and PostgreSQL does not: `a < b < c`, `a ** b`."""
    parent = node.parent
    if isinstance(node, exp.Values):
        return any(not isinstance(row, exp.Tuple) for row in node.expressions)
    if isinstance(node, exp.Exists):
        return not isinstance(node.this, exp.Query | exp.Values)
    if isinstance(node, exp.Star):
        operand = isinstance(parent, exp.Binary) and not isinstance(parent, exp.Dot)
        return operand or isinstance(parent, exp.Distinct)
    if not (isinstance(node, ORDERED) and isinstance(parent, ORDERED)):
        return False
    # SET a = b = c assigns b = c.
    return not isinstance(parent.parent, exp.Update | exp.OnConflict)


# How many words of a statement are looked at one by one: long ones are lists of values.
_HEAD = 2000
# Words that sqlglot can do without.
_FOLLOWED = {"INSERT": "INTO", "DELETE": "FROM", "MERGE": "INTO"}


def _check_words(tokens: Sequence[Token], text: str) -> None:
    """Refuse what sqlglot reads though a word is missing."""
    follows = _FOLLOWED.get(tokens[0].text.upper()) if tokens else None
    if follows is not None and tokens[1:] and tokens[1].text.upper() != follows:
        raise syntax_fault(tokens[1], tokens, text)
    if tokens and tokens[-1].token_type in (TokenType.ALIAS, TokenType.COMMA):
        raise syntax_fault(None, tokens, text)
    for place, token in enumerate(tokens[:_HEAD]):
        if token.token_type == TokenType.IN and _texts(tokens, place) == ["(", ")"]:
            raise syntax_fault(tokens[place + 2], tokens, text)
        if follows == "INTO" and token.text.upper() == "VALUE":
            before = tokens[place - 1].text.upper()
            if before not in ("INTO", ".", ",", "(") and _texts(tokens, place)[:1] == ["("]:
                raise syntax_fault(token, tokens, text)


def _texts(tokens: Sequence[Token], place: int) -> list[str]:
    """The two words after a place."""
    return [token.text for token in tokens[place + 1 : place + 3]]


def _check_tree(node: exp.Expr, tokens: Sequence[Token], text: str) -> None:
    word = foreign_word(node)
    if word is not None:
        raise _unknown_word(word, tokens, text)
    if _is_malformed(node):
        raise syntax_fault(_token_in(node, tokens), tokens, text)
    if _is_unfinished(node):
        raise syntax_fault(None, tokens, text)


def _is_unfinished(node: exp.Expr) -> bool:
    """What sqlglot takes though its end is missing: `INSERT INTO t`, `UPDATE t SET`."""
    if isinstance(node, exp.Insert) and not isinstance(node.parent, exp.When):
        return node.args.get("expression") is None and not node.args.get("default")
    if isinstance(node, exp.Update) and not isinstance(node.parent, exp.When):
        return not node.expressions
    if isinstance(node, exp.Merge):
        return not node.args.get("on")
    name = node.this if isinstance(node, exp.TableAlias) else None
    return isinstance(name, exp.Identifier) and not name.quoted and name.name.lower() in RESERVED


def _unknown_word(word: str, tokens: Sequence[Token], text: str) -> SyntaxFault:
    token = next((each for each in reversed(tokens) if each.text.upper() == word), None)
    if token is None:  # written otherwise
        return SyntaxFault(f'syntax error at or near "{word}"')
    return syntax_fault(token, tokens, text)


def _token_in(node: exp.Expr, tokens: Sequence[Token]) -> Token:
    """The last token inside `node` whose place is known."""
    starts = [inner.meta["start"] for inner in nodes(node) if "start" in inner.meta]
    last = max(starts, default=tokens[0].start)
    return next((token for token in tokens if token.start >= last), tokens[0])


def split(text: str) -> list[list[Token]]:
    """The tokens of each statement of `text`; an empty statement gives none.

    Strings, dollar quotes, E'' strings and comments are single tokens: a semicolon inside one
    splits nothing.
    """
    parts: list[list[Token]] = [[]]
    for token in _tokenize_short(text):
        if token.token_type == TokenType.SEMICOLON:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def parse(text: str) -> list[exp.Expr]:
    """One tree per statement of `text`, in order, names folded.

    >>> [tree.key for tree in parse("SELECT grad(x * x, X) FROM t; VALUES (1)")]
    ['select', 'values']
    """
    trees = (parse_tokens(tokens, text) for tokens in split(text))
    return [tree for tree in trees if tree is not None]


def parse_value(text: str) -> exp.Expr:
    """The tree of one value; it stands in a SELECT."""
    value: exp.Expr = parse(f"SELECT {text}")[0].expressions[0]
    return value


# Of a text of the gateway's own; to be left as it is.
own_value = cache(parse_value)


# What may stand before the semicolon that ends a statement.
_SEMICOLON = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)*;")


def syntax_fault(token: Token | None, tokens: Sequence[Token], text: str) -> SyntaxFault:
    """PostgreSQL's words for text that stops being SQL at `token`; None: where it ends."""
    if token is None:
        end = tokens[-1].end + 1 if tokens else len(text)
        ended = _SEMICOLON.match(text, end)
        if ended is not None:
            return SyntaxFault('syntax error at or near ";"', position=ended.end())
        return SyntaxFault("syntax error at end of input", position=end + 1)
    near = text[token.start : token.end + 1]
    hint = hint_at(token, tokens)
    return SyntaxFault(f'syntax error at or near "{near}"', hint=hint, position=token.start + 1)


def fold(tree: exp.Expr) -> exp.Expr:
    """`tree` itself, its unquoted names in lower case, as PostgreSQL folds them."""
    for node in nodes(tree):
        _fold(node)
    return tree


def _fold(node: exp.Expr) -> None:
    plain = isinstance(node, exp.Identifier) and not node.quoted
    if plain or (isinstance(node, exp.Anonymous) and isinstance(node.this, str)):
        node.args["this"] = node.this.lower()


def print_with(generator: Generator, tree: exp.Expr) -> str:
    """The SQL of a tree, however deep; the tree is not kept."""
    return str(with_room(lambda: generator.generate(tree, copy=False)))
