"""INTERVAL as PostgreSQL writes it: literals and types, with fields and a precision.

`interval '1' day to second(2)`, `interval(3) '1 day'`, `x::interval year to month` (manual, 8.5.4).
The type's node has its fields and its precision as parameters; `sql.types.modifiers` reads them.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from gateway.sql.text.datatypes import settle_floats
from gateway.sql.text.worded_calls import WordedCallsParser

_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
# What an interval may go on to.
_ENDINGS = {
    "YEAR": ("MONTH",),
    "MONTH": (),
    **{word: _FIELDS[place + 1 :] for place, word in enumerate(_FIELDS) if place > 1},
}


def _interval_type(fields: str, digits: exp.Expr | None) -> exp.DataType:
    """The type, its fields and its precision as its parameters."""
    given: list[exp.Expr] = [exp.Var(this=fields)] if fields else []
    given += [digits] if digits is not None else []
    parameters = [exp.DataTypeParam(this=each) for each in given]
    return exp.DataType(this=exp.DType.INTERVAL, expressions=parameters)


class IntervalsParser(WordedCallsParser):
    """Intervals over sqlglot's parser, which loses clock times and takes an alias for a field."""

    def _parse_interval(
        self, require_interval: bool = True, parse_function_unit: bool = True
    ) -> Any:
        """INTERVAL 'text' [field [TO field]], the text kept whole (sqlglot's loses clock times)."""
        start = self._index
        if not self._match(TokenType.INTERVAL):
            return None
        digits = self._parse_digits()
        if self._curr.token_type != TokenType.STRING:
            self._retreat(start)
            return None
        self._advance()
        text = exp.Literal.string(self._prev.text)
        fields, more = self._parse_fields()
        if fields and not more and digits is None and " " not in fields:
            return exp.Interval(this=text, unit=exp.Var(this=fields.upper()))
        if fields or digits is not None:
            return exp.Cast(this=text, to=_interval_type(fields, more or digits))
        return exp.Interval(this=text)

    def _parse_digits(self) -> exp.Expr | None:
        """The precision in brackets behind a type."""
        if not (self._curr.token_type == TokenType.L_PAREN and self._next.text.isdigit()):
            return None
        self._advance(2)
        digits = exp.Literal.number(self._prev.text)
        self._match_r_paren()
        return digits

    def _parse_fields(self) -> tuple[str, exp.Expr | None]:
        """The fields behind INTERVAL in lower case, and the precision of its seconds."""
        first = next((word for word in _FIELDS if self._match_text_seq(word)), "")
        last = ""
        if first and self._match_text_seq("TO"):
            last = next((word for word in _FIELDS if self._match_text_seq(word)), "")
            if last not in _ENDINGS[first]:
                self.raise_error("syntax error", self._prev)
        digits = self._parse_digits() if (last or first) == "SECOND" else None
        return " to ".join(word.lower() for word in (first, last) if word), digits

    def _parse_types(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
        """As sqlglot's, but for INTERVAL and float(n)."""
        if not self._match(TokenType.INTERVAL):
            found: exp.Expr | None = super()._parse_types(*args, **kwargs)
            if isinstance(found, exp.DataType):
                settle_floats(found)
            return found
        digits = self._parse_digits()
        fields, more = ("", None) if digits is not None else self._parse_fields()
        kind = _interval_type(fields, digits or more)
        while self._match_pair(TokenType.L_BRACKET, TokenType.R_BRACKET):
            kind = exp.DataType(this=exp.DType.ARRAY, expressions=[kind], nested=True)
        return kind
