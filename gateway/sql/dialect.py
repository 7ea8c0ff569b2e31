"""PostgreSQL in, engine out: the one grammar through which every statement goes.

The parser reads PostgreSQL's grammar and keeps every ordinary call `name(arguments)` under its
own name, so that no function of the engine is renamed on the way; grad, jvp and vjp become
`Marker` nodes. The printer writes what Apache DataFusion reads. What the two systems understand
differently is settled in between, by gateway/sql/lowering.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from gateway.errors import FeatureNotSupported, StatementTooComplex, SyntaxFault

MARKERS = ("grad", "jvp", "vjp")

# What a statement's root may be; sqlglot also takes a bare expression for a statement.
STATEMENTS = (exp.Query, exp.Values, exp.DML, exp.DDL, exp.Drop, exp.TruncateTable, exp.Copy)


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


class GradwireParser(Postgres.Parser):
    """PostgreSQL's grammar and precedence, with calls left under their own names."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {kind.upper(): _marker(kind) for kind in MARKERS}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: Postgres.Parser.FUNCTION_PARSERS[name] for name in _SPECIAL_CALLS
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": Postgres.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"],
    }
    LAMBDAS: ClassVar[dict[Any, Any]] = {
        TokenType.FARROW: Postgres.Parser.LAMBDAS[TokenType.FARROW],
    }
    # PostgreSQL: prefix operators other than + and - bind as any other operator, below + and -.
    UNARY_PARSERS: ClassVar[dict[Any, Any]] = {
        **Postgres.Parser.UNARY_PARSERS,
        TokenType.PIPE_SLASH: lambda self: self._prefix("sqrt"),
        TokenType.DPIPE_SLASH: lambda self: self._prefix("cbrt"),
        TokenType.RLIKE: lambda self: exp.BitwiseNot(this=self._parse_term()),
    }
    TERM: ClassVar[dict[Any, Any]] = {
        kind: node for kind, node in Postgres.Parser.TERM.items() if kind != TokenType.COLLATE
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


class GradwireGenerator(Postgres.Generator):
    """What Apache DataFusion's parser reads, in its PostgreSQL dialect."""

    SINGLE_STRING_INTERVAL = True
    TYPE_MAPPING: ClassVar[dict[Any, str]] = {
        **Postgres.Generator.TYPE_MAPPING,
        exp.DType.DOUBLE: "DOUBLE PRECISION",
    }
    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **Postgres.Generator.TRANSFORMS,
        Marker: lambda self, e: self.func(e.kind, *e.expressions),
        exp.Pow: lambda self, e: self.func("power", e.this, e.expression),
        exp.Select: lambda self, e: self.select_sql(e),
        exp.TryCast: lambda self, e: self.trycast_sql(e),
    }

    def func(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Function names are printed as they stand, never in capitals."""
        kwargs["normalize"] = False
        return super().func(name, *args, **kwargs)


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


def parse_tokens(tokens: Sequence[Token], text: str) -> exp.Expr | None:
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
    tree = trees[0] if trees else None
    if isinstance(tree, exp.Command) or (tree is not None and tree.find(exp.Command)):
        raise FeatureNotSupported(f"{tokens[0].text.upper()} is not supported")
    if tree is not None and not isinstance(tree, STATEMENTS):
        _refuse(tokens[0], tokens, text, ParseError("an expression is no statement"))
    return None if tree is None else fold(tree)


def parse(text: str) -> list[exp.Expr]:
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


def fold(tree: exp.Expr) -> exp.Expr:
    """`tree` itself, its unquoted names in lower case, as PostgreSQL folds them."""
    for node in tree.walk():
        if isinstance(node, exp.Identifier) and not node.quoted:
            node.set("this", node.name.lower())
        elif isinstance(node, exp.Anonymous) and isinstance(node.this, str):
            node.set("this", node.this.lower())
    return tree


def to_engine(tree: exp.Expr) -> str:
    """The engine's SQL for `tree`, every identifier quoted; `tree` is left as it was."""
    return str(DIALECT.generate(tree, identify=True, comments=False, normalize_functions=False))


def to_text(tree: exp.Expr) -> str:
    """`to_engine` laid out for people, for EXPLAIN (REWRITE)."""
    return str(DIALECT.generate(tree, identify=True, pretty=True, normalize_functions=False))
