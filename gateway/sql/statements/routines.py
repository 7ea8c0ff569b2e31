"""CREATE FUNCTION and DROP FUNCTION, read from their tokens.

PostgreSQL manual, part VI. What PostgreSQL has and a function of one expression cannot do is
refused by name (0A000): OUT arguments, defaults, VARIADIC, sets and tables as results, settings,
other languages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InvalidFunctionDefinition,
    SyntaxFault,
    UndefinedObject,
)
from gateway.sql.meaning.functions import Argument
from gateway.sql.statements.commands import Name, Reader, nesting
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import parse_tokens
from gateway.sql.text.engine_types import engine_type
from gateway.types import Type, by_name

HINT = "A function is one expression here: RETURN expression, or AS 'SELECT expression'."


@dataclass(frozen=True, slots=True)
class CreateFunction:
    """CREATE [OR REPLACE] FUNCTION; `quoted`: the body is the text of AS, not of RETURN.

    `body_start` is the 0-based offset of the body in the message.
    """

    name: Name
    arguments: tuple[Argument, ...]
    returns: Type
    body: str
    body_start: int
    quoted: bool
    strict: bool = False
    volatility: str = "volatile"
    replace: bool = False


@dataclass(frozen=True, slots=True)
class DropFunction:
    """DROP FUNCTION; each with its argument types, None where none are written."""

    functions: tuple[tuple[Name, tuple[Type, ...] | None], ...]
    if_exists: bool = False
    cascade: bool = False


@dataclass(slots=True)
class _Clauses:
    """What follows the arguments, in any order, each once."""

    language: str = ""
    body: str | None = None
    body_start: int = 0
    quoted: bool = False
    seen: dict[str, str] = field(default_factory=dict)


# Words -> the clause that they are, and its value.
_CLAUSES = {
    "IMMUTABLE": ("volatility", "immutable"),
    "STABLE": ("volatility", "stable"),
    "VOLATILE": ("volatility", "volatile"),
    "STRICT": ("null", "strict"),
    "RETURNS NULL ON NULL INPUT": ("null", "strict"),
    "CALLED ON NULL INPUT": ("null", "called"),
    "NOT LEAKPROOF": ("leakproof", ""),
    "LEAKPROOF": ("leakproof", ""),
    "SECURITY INVOKER": ("security", ""),
    "EXTERNAL SECURITY INVOKER": ("security", ""),
    "PARALLEL SAFE": ("parallel", ""),
    "PARALLEL UNSAFE": ("parallel", ""),
    "PARALLEL RESTRICTED": ("parallel", ""),
}
_REFUSED = (
    "WINDOW",
    "TRANSFORM",
    "SUPPORT",
    "SET",
    "ROWS",
    "SECURITY DEFINER",
    "EXTERNAL SECURITY DEFINER",
    "BEGIN ATOMIC",
)
# Languages that a PostgreSQL may have; any other word is no language.
_LANGUAGES = frozenset({"c", "internal", "plpgsql", "plpython3u", "plperl", "plperlu", "pltcl"})


def read_create_function(reader: Reader, replace: bool) -> CreateFunction:
    """CREATE [OR REPLACE] FUNCTION name (arguments) RETURNS type clauses."""
    name = reader.qualified()
    arguments = tuple(_arguments(reader))
    names = [argument.name for argument in arguments if argument.name]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise InvalidFunctionDefinition(f'parameter name "{twice}" used more than once')
    returns = _returns(reader)
    clauses = _Clauses()
    while reader.more():
        _clause(reader, clauses)
    body = _checked(clauses)
    return CreateFunction(
        name,
        arguments,
        returns,
        body,
        clauses.body_start,
        clauses.quoted,
        clauses.seen.get("null") == "strict",
        clauses.seen.get("volatility", "volatile"),
        replace,
    )


def read_drop_function(reader: Reader) -> DropFunction:
    """DROP FUNCTION [IF EXISTS] name [(types)], ... [CASCADE | RESTRICT]."""
    exists = reader.accept("IF", "EXISTS")
    functions = reader.listed(read_signature)
    return DropFunction(functions, exists, reader.cascades())


def read_signature(reader: Reader) -> tuple[Name, tuple[Type, ...] | None]:
    """name [(types)]; None where no types are written."""
    name = reader.qualified()
    if reader.ahead != "(":
        return name, None
    return name, tuple(argument.type for argument in _arguments(reader))


def _arguments(reader: Reader) -> list[Argument]:
    reader.need("(")
    found: list[Argument] = []
    if reader.accept(")"):
        return found
    while True:
        tokens = _up_to_comma(reader)
        found.append(_argument(tokens, reader, len(found) + 1))
        if reader.need(",", ")") == ")":
            return found


def _up_to_comma(reader: Reader) -> list[Token]:
    """The tokens of one argument: up to the comma or bracket that ends it."""
    depth, tokens = 0, []
    while reader.more():
        token = reader.tokens[reader.index]
        if depth == 0 and token.token_type in (TokenType.COMMA, TokenType.R_PAREN):
            break
        depth += nesting(token)
        tokens.append(reader.take())
    return tokens or reader.fail()


def _argument(tokens: list[Token], reader: Reader, number: int) -> Argument:
    words = [t.text.upper() if t.token_type != TokenType.IDENTIFIER else "" for t in tokens]
    if words[0] in ("OUT", "INOUT", "VARIADIC") and len(tokens) > 1:
        raise _not_here(f"{words[0]} in the arguments of a function", tokens[0])
    if words[0] == "IN" and len(tokens) > 1:
        tokens, words = tokens[1:], words[1:]
    default = next((n for n, word in enumerate(words) if word in ("DEFAULT", "=", ":=")), None)
    if default is not None:
        what = tokens[0].text if default > 1 else str(number)
        raise _not_here(f"a default of argument {what}", tokens[default])
    known = None if words[0] == "" else _known(tokens)
    if known is not None:
        return Argument("", _usable(known, tokens[0]))
    if len(tokens) == 1:
        return Argument("", _type(tokens))
    first = Reader(tokens[:1], reader.text)
    return Argument(first.name(), _type(tokens[1:]))


def _returns(reader: Reader) -> Type:
    if not reader.accept("RETURNS"):
        raise InvalidFunctionDefinition("function result type must be specified")
    start = reader.index
    if word := reader.one_of("SETOF", "TABLE"):
        raise _not_here(f"RETURNS {word}", reader.tokens[start])
    tokens = [reader.take()]
    while reader.more():  # the longest run of tokens that is a type
        ahead = reader.tokens[start : reader.index + 1]
        if ahead[-1].text not in ("(", ")", "[", "]", ",") and not _may_follow(ahead):
            break
        tokens.append(reader.take())
    return _type(tokens)


_TYPE_WORDS = frozenset(["precision", "varying", "with", "without", "time", "zone", "."])


def _may_follow(tokens: Sequence[Token]) -> bool:
    inside = sum(map(nesting, tokens)) > 0
    after_dot = len(tokens) > 1 and tokens[-2].text == "."
    return inside or after_dot or tokens[-1].text.lower() in _TYPE_WORDS


def _clause(reader: Reader, clauses: _Clauses) -> None:
    token = reader.tokens[reader.index]
    word = reader.one_of(*_CLAUSES)
    if word:
        name, value = _CLAUSES[word]
        _once(clauses, name, value, token)
    elif refused := reader.one_of(*_REFUSED):
        hint = HINT if refused == "BEGIN ATOMIC" else ""
        raise _not_here(f"{refused} in CREATE FUNCTION", token, hint)
    elif reader.accept("COST"):
        reader.number()
        _once(clauses, "cost", "", token)
    elif reader.accept("LANGUAGE"):
        named = reader.take()
        if named.text.upper() == "SQL SECURITY":  # sqlglot's tokenizer takes both for one word
            clauses.language = "sql"
            if reader.need("INVOKER", "DEFINER") == "DEFINER":
                raise _not_here("SECURITY DEFINER in CREATE FUNCTION", named)
            return
        is_text = named.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
        clauses.language = named.text if is_text else named.text.lower()
        _once(clauses, "language", "", token)
    elif reader.accept("AS"):
        _refuse_second_body(clauses)
        clauses.quoted = True
        clauses.body, clauses.body_start = _quoted_body(reader)
    elif reader.accept("RETURN"):
        _refuse_second_body(clauses)
        clauses.body, clauses.body_start = _expression(reader)
    else:
        reader.fail()


def _once(clauses: _Clauses, name: str, value: str, token: Token) -> None:
    if name in clauses.seen:
        raise SyntaxFault("conflicting or redundant options", position=token.start + 1)
    clauses.seen[name] = value


def _refuse_second_body(clauses: _Clauses) -> None:
    if clauses.body is not None:
        raise InvalidFunctionDefinition("duplicate function body specified")


_TEXTS = (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.RAW_STRING, TokenType.BYTE_STRING)


def _quoted_body(reader: Reader) -> tuple[str, int]:
    token = reader.of_type(*_TEXTS)
    if reader.accept(","):
        raise _not_here("AS with an object file", token, HINT)
    return token.text, token.start


def _expression(reader: Reader) -> tuple[str, int]:
    """The text of RETURN's expression, which is all that is left, once it parses."""
    tokens = reader.rest()
    if not tokens:
        reader.fail()
    # A SELECT list has the grammar of an expression, and the positions stay as they were sent.
    select = Token(TokenType.SELECT, "SELECT", start=tokens[0].start, end=tokens[0].end)
    tree = parse_tokens([select, *tokens], reader.text)
    plain = isinstance(tree, exp.Select) and not any(
        value for key, value in tree.args.items() if key not in ("expressions", "kind")
    )
    items = tree.expressions if tree is not None and plain else []
    if len(items) != 1 or isinstance(items[0], exp.Alias) or items[0].is_star:
        raise SyntaxFault(
            "RETURN takes one expression and nothing after it",
            hint=HINT,
            position=tokens[0].start + 1,
        )
    return reader.text[tokens[0].start : tokens[-1].end + 1], tokens[0].start


def _checked(clauses: _Clauses) -> str:
    """The body, when language and body are there and are ours."""
    if not clauses.language and clauses.quoted:
        raise InvalidFunctionDefinition("no language specified")
    if clauses.language in _LANGUAGES:
        raise FeatureNotSupported(
            f'functions in language "{clauses.language}" are not supported',
            hint=f"LANGUAGE sql is. {HINT}",
        )
    if clauses.language not in ("", "sql"):
        raise UndefinedObject(f'language "{clauses.language}" does not exist')
    if clauses.body is None:
        raise InvalidFunctionDefinition("no function body specified")
    return clauses.body


def _type(tokens: Sequence[Token]) -> Type:
    known = _known(tokens)
    if known is None:
        raise _unknown(tokens)
    return _usable(known, tokens[0])


_SIZE = re.compile(r" ?\( ?[\d ,]+ ?\)")
# PostgreSQL's pseudo-types (manual, 8.21): it has functions of these.
_PSEUDO = frozenset(
    {
        "void", "trigger", "event_trigger", "record", "cstring", "internal", "any", "anyelement",
        "anyarray", "anynonarray", "anyenum", "anyrange", "anymultirange", "anycompatible",
        "anycompatiblearray", "unknown",
    }
)  # fmt: skip


def _spelt(tokens: Sequence[Token]) -> str:
    return " ".join(token.text.lower() for token in tokens).removeprefix("pg_catalog . ")


def _known(tokens: Sequence[Token]) -> Type | None:
    """The type that these tokens spell, its size left out, as PostgreSQL does; None: no type."""
    text = _spelt(tokens)
    if text in _PSEUDO:
        return None
    single = re.fullmatch(r"float \( (\d+) \)", text)
    if single:
        return by_name("real" if int(single[1]) <= 24 else "double precision")
    text = _SIZE.sub("", text)
    base, brackets, _ = text.partition(" [")
    try:
        return by_name(f"{base}[]" if brackets else base)
    except GatewayError:
        return None


def _unknown(tokens: Sequence[Token]) -> GatewayError:
    text = _spelt(tokens)
    if text in _PSEUDO:
        return _not_here(f"type {text} of a function", tokens[0])
    position = tokens[0].start + 1
    return UndefinedObject(f'type "{text}" does not exist', position=position)


def _usable(known: Type, token: Token) -> Type:
    """`known`, when the engine can cast to it."""
    try:
        engine_type(data_type(known))
    except GatewayError:
        raise _not_here(f"type {known.sql} of a function", token) from None
    return known


def _not_here(what: str, token: Token, hint: str = "") -> FeatureNotSupported:
    return FeatureNotSupported(f"{what} is not supported", hint=hint, position=token.start + 1)
