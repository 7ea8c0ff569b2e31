"""Calls with a syntax of their own: TRIM(BOTH x FROM y), (a, b) OVERLAPS (c, d), as plain calls."""

from __future__ import annotations

from typing import Any, NoReturn

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.text.places import PlacedParser

FORMS = ("NFC", "NFD", "NFKC", "NFKD")  # of Unicode; the first where none is named
IS_UNKNOWN = "unknown"  # noted where the text has UNKNOWN for NULL
_TRIMS = {"BOTH": "btrim", "LEADING": "ltrim", "TRAILING": "rtrim"}


class Fault(ParseError):
    """A ParseError that knows its token, so that the position can be told."""

    def __init__(self, message: str, token: Token | None) -> None:
        super().__init__(message)
        self.token = token


class WordedCallsParser(PlacedParser):
    """Reads the arguments of such calls; `grammar` has all the rest."""

    def raise_error(self, message: str, token: Token | None = None) -> None:
        """Raise at once, with the token at which the text stopped being SQL."""
        raise Fault(message, token or self._curr or None)

    def _missing(self) -> NoReturn:
        raise Fault("something is missing", self._curr or None)

    def _read_exists(self) -> exp.Expr:
        """EXISTS of any query: VALUES, TABLE, and what begins with a parenthesis, too."""
        start = self._curr
        query = self._parse_lambda() or self._missing()
        if isinstance(query, exp.Limit) and isinstance(query.this, exp.Subquery):
            alias = exp.TableAlias(this=exp.to_identifier("rows_there"))
            rows = exp.Subquery(this=query.this.unnest(), alias=alias)
            query = exp.select("*").from_(rows).limit(query.expression)
        while type(query) is exp.Subquery and not any(
            query.args.get(part) for part in ("alias", "order", "limit", "offset", "with_")
        ):
            query = query.this
        if isinstance(query, exp.Values):  # of which one row is enough
            query = exp.Select(expressions=query.expressions[0].expressions)
        if not isinstance(query, exp.Query):
            raise Fault("EXISTS takes a query", start)
        return exp.Exists(this=query)

    def _read_overlaps(self, this: exp.Expr) -> exp.Expr:
        """(a, b) OVERLAPS (c, d) is the call overlaps(a, b, c, d)."""
        sides = (this.unnest(), (self._parse_bitwise() or self._missing()).unnest())
        rows = [side.expressions if isinstance(side, exp.Tuple) else [side] for side in sides]
        if any(len(row) != 2 for row in rows):
            self.raise_error("wrong number of parameters of OVERLAPS", self._prev)
        return exp.Anonymous(this="overlaps", expressions=[*rows[0], *rows[1]])

    def _read_worded(self, name: str, *words: str) -> exp.Expr:
        """`name(a WORD b WORD c)`, or with commas, as the plain call `name(a, b, c)`."""
        arguments = [] if self._curr.text == ")" else [self._parse_disjunction() or self._missing()]
        for word in words:
            if self._match_text_seq(word) or self._match(TokenType.COMMA):
                arguments.append(self._parse_disjunction() or self._missing())
        while self._match(TokenType.COMMA):
            arguments.append(self._parse_disjunction() or self._missing())
        return exp.Anonymous(this=name, expressions=arguments)

    def _read_position(self) -> exp.Expr:
        part = self._parse_bitwise() or self._missing()
        if not self._match(TokenType.IN):
            self._missing()
        whole = self._parse_bitwise() or self._missing()
        return exp.Anonymous(this="position", expressions=[whole, part])

    def _read_extract(self) -> exp.Expr:
        field = self._parse_var_or_string(upper=True)
        if field is None or not self._match(TokenType.FROM):
            self._missing()
        return exp.Extract(this=field, expression=self._parse_disjunction() or self._missing())

    def _read_normalize(self) -> exp.Expr:
        """normalize(text, NFD): the form is a word."""
        arguments = [] if self._curr.text == ")" else [self._parse_disjunction() or self._missing()]
        if self._match(TokenType.COMMA):
            form = next((form for form in FORMS if self._match_text_seq(form)), None)
            arguments.append(exp.Literal.string(form or self._missing()))
        return exp.Anonymous(this="normalize", expressions=arguments)

    def _parse_is(self, this: exp.Expr | None) -> exp.Expr | None:
        """`IS [NOT] [form] NORMALIZED` is a call; all else after IS is sqlglot's.

        It takes UNKNOWN for NULL, which may be asked of any type.
        """
        start = self._index
        negated = self._match(TokenType.NOT)
        form = next((form for form in FORMS if self._match_text_seq(form)), "")
        if not self._match_text_seq("NORMALIZED"):
            self._retreat(start)
            found: exp.Expr | None = super()._parse_is(this)
            test = found.find(exp.Is) if found is not None else None
            unknown = self._prev.token_type == TokenType.UNKNOWN
            if test is not None and (unknown or isinstance(test.expression, exp.Boolean)):
                test.meta[IS_UNKNOWN] = unknown
                if isinstance(test.this.unnest(), exp.Parameter) or test.this.unnest().is_string:
                    test.set(
                        "this", exp.Cast(this=test.this, to=exp.DataType(this=exp.DType.BOOLEAN))
                    )
            return found
        given = [this, exp.Literal.string(form or FORMS[0])]
        call = exp.Anonymous(this="is_normalized", expressions=given)
        return exp.Not(this=call) if negated else call

    def _read_substring(self) -> exp.Expr:
        call = self._read_worded("substring", "FROM", "FOR")
        if len(call.expressions) == 2 and self._tokens[self._index - 2].text.upper() == "FOR":
            text, length = call.expressions
            call.set("expressions", [text, exp.Literal.number(1), length])
        return call

    def _read_trim(self) -> exp.Expr:
        side = next((word for word in _TRIMS if self._match_text_seq(word)), "")
        arguments = []
        if self._curr.text != ")" and not self._match(TokenType.FROM):
            arguments = self._parse_csv(self._parse_disjunction)
            if self._match(TokenType.FROM):
                arguments = self._parse_csv(self._parse_disjunction) + arguments
        elif self._curr.text != ")":
            arguments = self._parse_csv(self._parse_disjunction)
        return exp.Anonymous(this=_TRIMS.get(side, "trim"), expressions=arguments)


# The names of such calls -> what reads their arguments.
WORDED: dict[str, Any] = {
    "EXISTS": lambda self: self._read_exists(),
    "EXTRACT": lambda self: self._read_extract(),
    "NORMALIZE": lambda self: self._read_normalize(),
    "OVERLAY": lambda self: self._read_worded("overlay", "PLACING", "FROM", "FOR"),
    "POSITION": lambda self: self._read_position(),
    "SUBSTRING": lambda self: self._read_substring(),
    "TRIM": lambda self: self._read_trim(),
}
