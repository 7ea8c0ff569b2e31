"""PostgreSQL's grammar over sqlglot's parser: what it reads otherwise, or renames, is set right.

Every ordinary call `name(arguments)` stays under its own name, so that no function of the engine
is lost; grad, jvp and vjp become `Marker` nodes; operators bind as in PostgreSQL's table (manual,
4.1.6). tests/sql compares the result with PostgreSQL itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import sqlglot.parser
from sqlglot import exp
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import Token, TokenType

from gateway.interrupts import check_for_interrupts
from gateway.sql.inputs.escapes import escaped_string, unicode_string
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.foreign import PlainParser
from gateway.sql.text.operators import NEGATED, WORDS, operation
from gateway.sql.text.places import placed, written
from gateway.sql.text.repeats import NUMBERS, Repeated, head_of, is_cut
from gateway.sql.text.worded_calls import WORDED
from gateway.sql.text.words import NEVER_BARE

if not str(sqlglot.parser.__file__).endswith(".py"):
    raise ImportError("gradwire cannot extend sqlglot's compiled classes: pip uninstall sqlglotc")

MARKERS = ("grad", "jvp", "vjp")


class Marker(exp.Expression, exp.Condition):
    """A call of grad, jvp or vjp: `kind` is which, `expressions` its arguments.

    `meta["start"]` is the 0-based offset of the function's name in the statement as it was sent.
    `number` is what a `Repeated` names to mean the first argument.
    """

    arg_types: ClassVar[dict[str, bool]] = {"kind": True, "expressions": False, "number": False}

    @property
    def kind(self) -> str:
        """Lower case: "grad", "jvp" or "vjp"."""
        return str(self.args["kind"])


def _marker(kind: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    return lambda arguments: Marker(kind=kind, expressions=arguments)


# Types whose names are called as functions too: float8(x) is a cast.
_CALLED_TYPES = ("int2", "int4", "int8", "float4", "float8", "bool")


def _cast_to(kind: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    def made(arguments: list[exp.Expr]) -> exp.Expr:
        if len(arguments) != 1:
            return exp.Anonymous(this=kind, expressions=arguments)
        cast = exp.Cast(this=arguments[0], to=data_type(kind))
        cast.meta["called"] = True  # a column of it goes by the function's name
        return cast

    return made


def _folded(name: exp.Expr) -> str:
    identifier = name.find(exp.Identifier)
    quoted = identifier is not None and identifier.quoted
    return name.name if quoted else name.name.lower()


_RANGES = (
    TokenType.BETWEEN,
    TokenType.ILIKE,
    TokenType.IN,
    TokenType.IS,
    TokenType.LIKE,
    TokenType.OPERATOR,
    TokenType.SIMILAR_TO,
)


def _placed_range(parse: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The parser of an operator in words, its place noted: that of NOT where NOT stands before."""

    def parsed(self: Any, this: exp.Expr | None) -> exp.Expr | None:
        token, before = self._prev, self._tokens[self._index - 2]
        found: exp.Expr | None = parse(self, this)
        negated = before.token_type == TokenType.NOT
        return found if found is None else placed(found, before if negated else token)

    return parsed


_CONSTANTS = (TokenType.NUMBER, TokenType.STRING)
_ENDS = (TokenType.COMMA, TokenType.R_PAREN)
_SORTING = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH)


class GradwireParser(PlainParser):
    """PostgreSQL's grammar and precedence, with calls left under their own names."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {
        **{kind.upper(): _marker(kind) for kind in MARKERS},
        **{kind.upper(): _cast_to(kind) for kind in _CALLED_TYPES},
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CAST": lambda self: self._parse_placed_cast(),
        **WORDED,
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": lambda self: self._parse_case(),
    }
    LAMBDAS: ClassVar[dict[Any, Any]] = {
        TokenType.FARROW: lambda self, names: exp.Kwarg(
            this=exp.var(_folded(names[0])),
            expression=self._parse_disjunction() or self._missing(),
        ),
    }
    # After a point or AS every word is a name, SELECT too (gram.y, ColLabel).
    RESERVED_TOKENS: ClassVar[set[TokenType]] = PostgresParser.RESERVED_TOKENS - {TokenType.SELECT}
    ASSIGNMENT: ClassVar[dict[Any, Any]] = {}
    # `$1` alone; not `?`, `:name` or `%s`, which are other systems'.
    PRIMARY_PARSERS: ClassVar[dict[Any, Any]] = {
        **PostgresParser.PRIMARY_PARSERS,
        TokenType.BYTE_STRING: lambda self, token: self._parse_escaped(token),
        TokenType.HEREDOC_STRING: lambda self, token: exp.Literal.string(token.text),
        TokenType.UNICODE_STRING: lambda self, token: self._parse_unicode(token),
        TokenType.TRUE: lambda self, token: written(exp.Boolean(this=True), token),
        TokenType.FALSE: lambda self, token: written(exp.Boolean(this=False), token),
    }
    PLACEHOLDER_PARSERS: ClassVar[dict[Any, Any]] = {
        TokenType.PARAMETER: lambda self: self._parse_dollar(),
    }
    # Prefix operators other than + and - bind as any other operator, below + and -.
    UNARY_PARSERS: ClassVar[dict[Any, Any]] = {
        **PostgresParser.UNARY_PARSERS,
        TokenType.PIPE_SLASH: lambda self: self._root("sqrt"),
        TokenType.DPIPE_SLASH: lambda self: self._root("cbrt"),
        TokenType.RLIKE: lambda self: exp.BitwiseNot(this=self._parse_term() or self._missing()),
        TokenType.DASH: lambda self: self._negative(self._prev),
    }
    TERM: ClassVar[dict[Any, Any]] = {
        kind: node for kind, node in PostgresParser.TERM.items() if kind != TokenType.COLLATE
    }
    RANGE_PARSERS: ClassVar[dict[Any, Any]] = {
        **{kind: _placed_range(PostgresParser.RANGE_PARSERS[kind]) for kind in _RANGES},
        TokenType.OVERLAPS: lambda self, this: self._read_overlaps(this),
    }

    def _parse_projections(self) -> tuple[list[exp.Expr], list[exp.Expr] | None]:
        """A SELECT list, which may be empty, but after DISTINCT."""
        before = self._prev.token_type
        found: tuple[list[exp.Expr], list[exp.Expr] | None] = super()._parse_projections()
        if not found[0] and before in (TokenType.DISTINCT, TokenType.R_PAREN):  # DISTINCT ON (...)
            self.raise_error("DISTINCT of nothing")
        return found

    def _parse_derived_table_values(self, *args: Any, **kwargs: Any) -> Any:
        """`FROM (VALUES (2), (1) ORDER BY 1)` selects from the values, in that order."""
        index = self._index
        if self._match_pair(TokenType.L_PAREN, TokenType.VALUES):
            rows = exp.Values(expressions=self._parse_csv(self._parse_value))
            if self._match_set(_SORTING, advance=False):
                rows.set("alias", exp.TableAlias(this=exp.to_identifier("*VALUES*", quoted=True)))
                select = exp.Select(expressions=[exp.Star()], from_=exp.From(this=rows))
                held = exp.Subquery(this=self._parse_query_modifiers(select))
                self._match_r_paren()
                held.set("alias", self._parse_table_alias())
                return self.expression(held)
            self._retreat(index)
        return super()._parse_derived_table_values(*args, **kwargs)

    def _parse_alias(self, this: exp.Expr | None, explicit: bool = False) -> exp.Expr | None:
        """As sqlglot's, but some words are no name without AS."""
        token = self._curr
        bare = token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
        if bare and token.text.upper() in NEVER_BARE:
            return this
        found: exp.Expr | None = super()._parse_alias(this, explicit)
        return found

    def _parse_type(
        self, parse_interval: bool = True, fallback_to_identifier: bool = False
    ) -> exp.Expr | None:
        """`date '2013-01-02'::text` is a date cast to text; sqlglot reads the text as a date."""
        start = self._index
        token = self._curr.token_type if self._curr is not None else None
        if token in self.TYPE_TOKENS and token != TokenType.INTERVAL:  # which may have fields
            kind = self._parse_types(check_func=True, allow_identifiers=False)
            literal = self._curr is not None and self._curr.token_type == TokenType.STRING
            if literal and isinstance(kind, exp.DataType):
                return self._parse_column_ops(
                    self.expression(exp.Cast(this=self._parse_primary(), to=kind))
                )
            self._retreat(start)
        return super()._parse_type(parse_interval, fallback_to_identifier)

    def _negative(self, token: Token) -> exp.Expr:
        return placed(exp.Neg(this=self._parse_unary() or self._missing()), token)

    def _prefix(self, function: str) -> exp.Expr:
        """An operator that the engine has as a function; no output is named after it."""
        call = exp.Anonymous(this=function, expressions=[self._parse_term() or self._missing()])
        call.meta["operator"] = True
        return call

    def _root(self, function: str) -> exp.Expr:
        """`|/` and `||/`: of double precision alone, where sqrt() has numerics too."""
        call = self._prefix(function)
        call.set("expressions", [exp.cast(call.expressions[0], exp.DType.DOUBLE)])
        return call

    def _parse_escaped(self, token: Token) -> exp.Expr:
        """E'...'; sqlglot's tokenizer takes what is no escape for plain letters."""
        written = self.sql[token.start + 2 : token.end].replace("''", "'")
        return exp.Literal.string(escaped_string(written))

    def _parse_unicode(self, token: Token) -> exp.Expr:
        """U&'...' UESCAPE '!'."""
        escape = self._parse_string() if self._match_text_seq("UESCAPE") else None
        return exp.Literal.string(unicode_string(token.text, escape.name if escape else "\\"))

    def _parse_dollar(self) -> exp.Expr | None:
        if self._prev.text == "@":  # PostgreSQL's absolute value
            return self._prefix("abs")
        if self._curr.token_type != TokenType.NUMBER:
            self.raise_error("a parameter is numbered", self._prev)
        return self._parse_parameter()

    def _parse_csv(self, parse_method: Any, sep: TokenType = TokenType.COMMA) -> list[Any]:
        """As sqlglot's, but nothing between or after commas is an error, as in PostgreSQL."""
        items = [parse_method()]
        while items[0] is not None and self._match(sep):
            check_for_interrupts()
            items.append(parse_method())
            if items[-1] is None:
                self._missing()
        return [item for item in items if item is not None]

    def _parse_assignment(self) -> exp.Expr | None:
        """A constant before a comma or bracket is an expression of its own.

        To look through all ranks of operators for it takes a third longer, which lists of 40,000
        constants behind IN or VALUES feel.
        """
        if self._curr.token_type in _CONSTANTS and self._next.token_type in _ENDS:
            return self._parse_primary()
        return super()._parse_assignment()

    def _parse_bitwise(self) -> exp.Expr | None:
        this = self._parse_term()
        while True:
            negate = self._curr.text == "!" and self._next.text in NEGATED
            ahead = (self._curr.text, self._next.text)
            words = next((w for w in (ahead, ahead[negate:][:1]) if w in WORDS), None)
            if words is None or not self._is_operator():
                return this
            token = self._curr
            self._advance(len(words) + negate)
            other = self._parse_term() or self._missing()
            node = placed(operation(words, this or self._missing(), other), token)
            this = self.expression(exp.Not(this=node) if negate else node)

    def _is_operator(self) -> bool:
        return self._curr.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)

    def _parse_exponent(self) -> exp.Expr | None:
        this = self._parse_zoned()
        while self._match(TokenType.CARET):
            token = self._prev
            power = exp.Pow(this=this, expression=self._parse_zoned())
            this = placed(self.expression(power), token)
        return this

    def _parse_zoned(self) -> exp.Expr | None:
        # COLLATE and AT TIME ZONE bind tighter than ^ and looser than unary minus.
        this = self._parse_unary()
        while True:
            if self._match(TokenType.COLLATE):
                this = self.expression(exp.Collate(this=this, expression=self._parse_collation()))
            elif self._match_text_seq("AT", "TIME", "ZONE"):
                if isinstance(this, exp.Literal) and this.is_string:  # PostgreSQL prefers a moment
                    this = exp.Cast(this=this, to=exp.DataType(this=exp.DType.TIMESTAMPTZ))
                this = self.expression(exp.AtTimeZone(this=this, zone=self._parse_unary()))
            else:
                return this

    def _parse_window(self, this: exp.Expr | None, alias: bool = False) -> exp.Expr | None:
        """`OVER (w)` copies a window, and `OVER w` is that window (manual, 4.2.8)."""
        found = super()._parse_window(this, alias)
        if isinstance(found, exp.Window) and found.args.get("alias") is not None:
            found.meta["copied"] = self._prev.token_type == TokenType.R_PAREN
        return found

    def _parse_collation(self) -> exp.Expr | None:
        """A collation's name; the schema before it says nothing more."""
        name = self._parse_id_var()
        while self._match(TokenType.DOT):
            name = self._parse_id_var(any_token=True)
        return name

    def _parse_types(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
        """As sqlglot's, which forgets the brackets after regclass, oid and their like."""
        found: exp.Expr | None = super()._parse_types(*args, **kwargs)
        if isinstance(found, exp.ObjectIdentifier):
            while self._match_pair(TokenType.L_BRACKET, TokenType.R_BRACKET):
                found = exp.DataType(this=exp.DType.ARRAY, expressions=[found], nested=True)
        return found

    # Where the names of those markers begin whose functions were cut out of the text further on.
    heads: frozenset[int] = frozenset()

    def reset(self) -> None:
        """Begin a statement: no function was read yet."""
        super().reset()
        self.functions: dict[int, exp.Expr] = {}
        self._numbers: dict[int, int] = {}

    def _parse_function_call(
        self,
        functions: dict[str, Callable[..., Any]] | None = None,
        anonymous: bool = False,
        optional_parens: bool = True,
        any_token: bool = False,
    ) -> exp.Expr | None:
        token = self._curr
        if token and token.token_type == TokenType.IDENTIFIER:
            anonymous = True  # "grad"(x, y) in quotes is somebody's own function
        if self.heads and not anonymous and self._next.token_type == TokenType.L_PAREN:
            cut = self._tokens[self._index + 2 : self._index + 3]
            if cut and is_cut(cut[0]):
                return self._parse_repeat(self._numbers.get(head_of(cut[0])))
        made = super()._parse_function_call(functions, anonymous, optional_parens, any_token)
        if made is not None and token.start in self.heads:
            marker = made.find(Marker)
            if marker is not None and not anonymous:
                number = next(NUMBERS)
                marker.set("number", number)
                self._numbers[token.start] = number
                self.functions[number] = marker.expressions[0]
        return made

    def _parse_repeat(self, number: int | None) -> exp.Expr | None:
        """A marker around a function that was read before: only its other arguments are read."""
        token = self._curr
        if number is None:
            self._missing()
        self._advance(3)
        arguments: list[exp.Expr] = [Repeated(this=number)]
        while self._match(TokenType.COMMA):
            arguments.append(self._parse_disjunction() or self._missing())
        marker = Marker(kind=token.text.lower(), expressions=arguments).update_positions(token)
        self._match_r_paren(marker)
        return self._parse_window(marker)
