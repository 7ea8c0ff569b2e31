"""PostgreSQL in, engine out: the one grammar through which every statement goes.

The parser reads PostgreSQL's grammar and keeps every ordinary call `name(arguments)` under its
own name, so that no function of the engine is renamed on the way; grad, jvp and vjp become
`Marker` nodes. The printer writes what Apache DataFusion reads. What the two systems understand
differently is settled in between, by gateway/sql/lowering.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn, cast

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.generator import Generator
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import FeatureNotSupported, StatementTooComplex, SyntaxFault
from gateway.sql.lowering import engine_type, lower

MARKERS = ("grad", "jvp", "vjp")

# What a statement's root may be; sqlglot also takes a bare expression for a statement.
STATEMENTS = (exp.Query, exp.Values, exp.DML, exp.DDL, exp.Drop, exp.TruncateTable, exp.Copy)


_PLAIN = re.compile("[a-z_][a-z0-9_$]*")
# PostgreSQL 15, Appendix C, "SQL Key Words": the reserved ones, and QUALIFY, which the engine has.
_RESERVED_WORDS = """
all analyse analyze and any array as asc asymmetric authorization between binary both by case cast
check collate collation column concurrently constraint create cross current_catalog current_date
current_role current_schema current_time current_timestamp current_user default deferrable desc
distinct do else end except exists false fetch filter first for foreign freeze from full grant
group having ilike in initially inner intersect interval into is isnull join lateral leading left
like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps
over placing primary qualify references returning right select session_user similar some symmetric
table tablesample then to trailing true union unique user using values variadic verbose when where
window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())


class Marker(exp.Expression, exp.Condition):
    """A call of grad, jvp or vjp: `kind` is which, `expressions` its arguments.

    `meta["start"]` is the 0-based offset of the function's name in the statement as it was sent.
    """

    arg_types: ClassVar[dict[str, bool]] = {"kind": True, "expressions": False}

    @property
    def kind(self) -> str:
        """Lower case: "grad", "jvp" or "vjp"."""
        return str(self.args["kind"])


class _Fault(ParseError):
    """A ParseError that knows its token, so that the position can be told."""

    def __init__(self, message: str, token: Token | None) -> None:
        super().__init__(message)
        self.token = token


def _marker(kind: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    return lambda arguments: Marker(kind=kind, expressions=arguments)


# Calls whose arguments have a syntax of their own; every other call stays as it was written.
_SPECIAL_CALLS = ("CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTRING", "TRIM", "TRY_CAST")


class GradwireTokenizer(Postgres.Tokenizer):
    """PostgreSQL's words. No word swallows the rest of its statement as an opaque string."""

    COMMANDS: ClassVar[set[TokenType]] = set()
    KEYWORDS: ClassVar[dict[str, TokenType]] = {
        word: kind
        for word, kind in Postgres.Tokenizer.KEYWORDS.items()
        if kind not in (TokenType.COMMAND, TokenType.RENAME, TokenType.LOCK, TokenType.SHOW)
    }


class GradwireParser(PostgresParser):
    """PostgreSQL's grammar and precedence, with calls left under their own names."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {kind.upper(): _marker(kind) for kind in MARKERS}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: PostgresParser.FUNCTION_PARSERS[name] for name in _SPECIAL_CALLS
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": PostgresParser.NO_PAREN_FUNCTION_PARSERS["CASE"],
    }
    LAMBDAS: ClassVar[dict[Any, Any]] = {
        TokenType.FARROW: PostgresParser.LAMBDAS[TokenType.FARROW],
    }
    # PostgreSQL: prefix operators other than + and - bind as any other operator, below + and -.
    UNARY_PARSERS: ClassVar[dict[Any, Any]] = {
        **PostgresParser.UNARY_PARSERS,
        TokenType.PIPE_SLASH: lambda self: self._prefix("sqrt"),
        TokenType.DPIPE_SLASH: lambda self: self._prefix("cbrt"),
        TokenType.RLIKE: lambda self: exp.BitwiseNot(this=self._parse_term()),
    }
    TERM: ClassVar[dict[Any, Any]] = {
        kind: node for kind, node in PostgresParser.TERM.items() if kind != TokenType.COLLATE
    }

    def raise_error(self, message: str, token: Token | None = None) -> None:
        """Raise at once, with the token at which the text stopped being SQL."""
        raise _Fault(message, token or self._curr or None)

    def _prefix(self, function: str) -> exp.Expr:
        return exp.Anonymous(this=function, expressions=[self._parse_term()])

    def _parse_exponent(self) -> exp.Expr | None:
        this = self._parse_zoned()
        while self._match(TokenType.CARET):
            this = self.expression(exp.Pow(this=this, expression=self._parse_zoned()))
        return this

    def _parse_zoned(self) -> exp.Expr | None:
        # COLLATE and AT TIME ZONE bind tighter than ^ and looser than unary minus.
        return self._parse_at_time_zone(self._parse_unary())

    def _parse_function_call(
        self,
        functions: dict[str, Callable[..., Any]] | None = None,
        anonymous: bool = False,
        optional_parens: bool = True,
        any_token: bool = False,
    ) -> exp.Expr | None:
        if self._curr is not None and self._curr.token_type == TokenType.IDENTIFIER:
            anonymous = True  # "grad"(x, y) in quotes is somebody's own function
        return super()._parse_function_call(functions, anonymous, optional_parens, any_token)


class GradwireGenerator(PostgresGenerator):
    """What Apache DataFusion's parser reads, in its PostgreSQL dialect."""

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **PostgresGenerator.TRANSFORMS,
        Marker: lambda self, e: self.func(e.kind, *e.expressions),
        exp.Pow: lambda self, e: self.func("power", e.this, e.expression),
        exp.Select: lambda self, e: self.select_sql(e),
        exp.TryCast: lambda self, e: self.trycast_sql(e),
        exp.Div: lambda self, e: self.binary(e, "/"),
    }

    def func(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Function names are printed as they stand, never in capitals."""
        kwargs["normalize"] = False
        return super().func(name, *args, **kwargs)

    def datatype_sql(self, expression: exp.DataType) -> str:
        """A type in the engine's spelling; an unknown one is refused (42704)."""
        return engine_type(expression)


class Gradwire(Postgres):
    """The dialect object; `parse`, `to_engine` and `to_text` below are the way to use it."""

    Tokenizer = GradwireTokenizer
    Parser = GradwireParser
    Generator = GradwireGenerator


DIALECT = Gradwire()


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`; each knows its 0-based `start` and `end`.

    Raises:
        SyntaxFault: 42601, a string, comment or quoted name that never ends.
    """
    try:
        return list(DIALECT.tokenize(text))
    except TokenError as error:
        start = getattr(error, "start", None) or 0
        raise SyntaxFault("syntax error at end of input", position=start + 1) from error


def parse_tokens(tokens: Sequence[Token], text: str) -> exp.Expression | None:
    """The tree of one statement's tokens, names folded; None when there is nothing but comments.

    Raises:
        SyntaxFault: 42601, with the position in `text` where it stops being SQL.
        StatementTooComplex: 54001, nested too deeply.
        FeatureNotSupported: 0A000, a statement that has no tree.
    """
    try:
        trees = DIALECT.parser(error_level=ErrorLevel.IMMEDIATE).parse(list(tokens), text)
    except _Fault as fault:
        _refuse(fault.token, tokens, text, fault)
    except ParseError as fault:
        raise SyntaxFault(str(fault).splitlines()[0]) from fault
    except RecursionError as error:
        raise StatementTooComplex("statement is nested too deeply") from error
    tree = cast("exp.Expression | None", trees[0] if trees else None)
    if isinstance(tree, exp.Command) or (tree is not None and tree.find(exp.Command)):
        raise FeatureNotSupported(f"{tokens[0].text.upper()} is not supported")
    if tree is not None and not isinstance(tree, STATEMENTS):
        _refuse(tokens[0], tokens, text, ParseError("an expression is no statement"))
    return None if tree is None else fold(tree)


def parse(text: str) -> list[exp.Expression]:
    """One tree per statement of `text`, in order, names folded.

    >>> [tree.key for tree in parse("SELECT grad(x * x, X) FROM t; VALUES (1)")]
    ['select', 'values']
    """
    statements: list[list[Token]] = [[]]
    for token in tokenize(text):
        if token.token_type == TokenType.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    trees = (parse_tokens(tokens, text) for tokens in statements if tokens)
    return [tree for tree in trees if tree is not None]


def _refuse(token: Token | None, tokens: Sequence[Token], text: str, cause: Exception) -> NoReturn:
    if token is None:
        end = tokens[-1].end + 2 if tokens else len(text) + 1
        raise SyntaxFault("syntax error at end of input", position=end) from cause
    near = text[token.start : token.end + 1]
    message = f'syntax error at or near "{near}"'
    raise SyntaxFault(message, position=token.start + 1) from cause


def fold(tree: exp.Expression) -> exp.Expression:
    """`tree` itself, its unquoted names in lower case, as PostgreSQL folds them."""
    for node in tree.walk():
        if isinstance(node, exp.Identifier) and not node.quoted:
            node.set("this", node.name.lower())
        elif isinstance(node, exp.Anonymous) and isinstance(node.this, str):
            node.set("this", node.this.lower())
    return tree


def to_engine(tree: exp.Expression) -> str:
    """The engine's SQL for a query, every identifier quoted; `tree` is left as it was.

    >>> to_engine(parse("SELECT -x ^ 2 FROM t")[0])
    'SELECT power(-"x", 2) FROM "t"'

    Raises:
        FeatureNotSupported: 0A000, what the engine lacks or would silently read otherwise.
        UndefinedObject: 42704, an unknown type.
    """
    return _print(lower(tree), DIALECT.generator(identify=True, comments=False))


def to_text(tree: exp.Expression) -> str:
    """The SQL of `to_engine` laid out for people: several lines, quotes where they are needed.

    >>> print(to_text(parse("SELECT X FROM t WHERE x > 1")[0]))
    SELECT
      x
    FROM t
    WHERE
      x > 1
    """
    lowered = lower(tree)
    for name in lowered.find_all(exp.Identifier):
        name.set("quoted", not _PLAIN.fullmatch(name.name) or name.name in RESERVED)
    return _print(lowered, DIALECT.generator(pretty=True))


def _print(tree: exp.Expression, generator: Generator) -> str:
    try:
        return str(generator.generate(tree, copy=False))
    except RecursionError as error:
        raise StatementTooComplex("statement is nested too deeply") from error
