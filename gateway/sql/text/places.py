"""Where operators and casts stand in a statement: PostgreSQL points at them, not at their sides.

sqlglot notes where names, calls and literals begin. `PlacedParser` notes the rest, under `AT` in a
node's notes, as offsets from 0; `AT` of a node that nobody wrote is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import Token, TokenType

AT = "at"

Operators = dict[TokenType, type[exp.Binary]]


def placed(node: exp.Expr, token: Token) -> exp.Expr:
    """The node, with a note of where its operator stands."""
    node.meta[AT] = token.start
    return node


def written(node: exp.Expr, token: Token) -> exp.Expr:
    """The node, with a note of where its only word begins, as sqlglot notes it of literals."""
    node.meta["start"] = token.start
    return node


MERGED = "merged"  # under this key a join has the name that USING gives to its columns


class PlacedParser(PostgresParser):
    """PostgreSQL's binary operators, casts and joins, each with its place; and its GROUP BY."""

    COLUMN_OPERATORS: ClassVar[dict[Any, Any]] = {
        **PostgresParser.COLUMN_OPERATORS,
        TokenType.DCOLON: lambda self, this, to: placed(
            self.build_cast(strict=True, this=this, to=to), self._colons
        ),
    }

    def reset(self) -> None:
        """Begin a statement."""
        super().reset()
        self._colons: Token | None = None

    def _parse_dcolon(self) -> exp.Expr | None:
        colons = self._prev
        kind = super()._parse_dcolon()
        self._colons = colons
        return kind

    def _parse_parameter(self) -> exp.Parameter:
        sign, found = self._prev, super()._parse_parameter()
        written(found, sign)
        return found

    def _parse_placed_cast(self) -> exp.Expr:
        token = self._tokens[self._index - 2]  # before the bracket
        return placed(super()._parse_cast(True), token)

    def _parse_subquery(self, this: exp.Expr | None, parse_alias: bool = True) -> Any:
        """As sqlglot's; a query without columns has no word in it that tells where it stands."""
        opening = self._opening() if isinstance(this, exp.Select) and not this.selects else None
        found = super()._parse_subquery(this, parse_alias)
        return found if found is None or opening is None else placed(found, opening)

    def _opening(self) -> Token | None:
        """The last bracket that is open here."""
        open_ones = 0
        for token in reversed(self._tokens[: self._index]):
            open_ones += (token.token_type == TokenType.L_PAREN) - (
                token.token_type == TokenType.R_PAREN
            )
            if open_ones > 0:
                return token
        return None

    # Each rank of operators calls the next one itself: a frame more for each would halve how deeply
    # a statement may be nested.
    def _parse_term(self, parse_mod: bool = True) -> exp.Expr | None:
        this = self._parse_factor(parse_mod)
        while self._match_set(self.TERM):
            token = self._prev
            node = self.TERM[token.token_type](this=this, expression=self._parse_factor(parse_mod))
            this = placed(self.expression(node), token)
        return this

    def _parse_factor(self, parse_mod: bool = True) -> exp.Expr | None:
        this = self._parse_exponent()
        while self._match_set(self.FACTOR):
            token = self._prev
            node = self.FACTOR[token.token_type](this=this, expression=self._parse_exponent())
            this = placed(self.expression(node), token)
        return this

    def _parse_equality(self, parse_is: bool = True) -> exp.Expr | None:
        this = self._parse_comparison()
        while True:
            if self._match_set(self.EQUALITY):
                this = self._compared(self.EQUALITY, this, self._parse_comparison)
            elif parse_is and self._is_predicate_ahead():
                index = self._index
                # x IS NULL may be the side of another comparison.
                this = self._parse_comparison(self._parse_range(this, parse_is=True))
                if self._index == index:
                    return this
            else:
                return this

    def _parse_comparison(self, this: exp.Expr | None = None) -> exp.Expr | None:
        this = this or self._parse_range()
        while self._match_set(self.COMPARISON):
            this = self._compared(self.COMPARISON, this, self._parse_range)
        return this

    def _compared(
        self, operators: Operators, this: exp.Expr | None, operand: Callable[[], exp.Expr | None]
    ) -> exp.Expr:
        token = self._prev
        node = self._build_predicate(operators[token.token_type], this, operand())
        return placed(node, token)

    def _parse_group(self, skip_group_by_token: bool = False) -> exp.Group | None:
        """GROUP BY as PostgreSQL has it: WITH ROLLUP stops it, and ALL alone is not enough."""
        if not skip_group_by_token and not self._match(TokenType.GROUP_BY):
            return None
        quantified: dict[str, bool] = {}
        if self._match_set((TokenType.ALL, TokenType.DISTINCT)):
            quantified["all"] = self._prev.token_type == TokenType.ALL
        if self._match_set(self.QUERY_MODIFIER_TOKENS, advance=False):
            self.raise_error("GROUP BY needs a key")
        keys = self._parse_csv(self._parse_grouping_set)
        if not keys:
            self.raise_error("GROUP BY needs a key")
        return self.expression(exp.Group(expressions=keys, **quantified))

    def _parse_grouping_set(self) -> exp.Expr | None:
        sets = self._parse_grouping_sets() or self._parse_cube_or_rollup()
        return sets or self._parse_disjunction()

    def _parse_cube_or_rollup(self, with_prefix: bool = False) -> exp.Cube | exp.Rollup | None:
        if not self._match_set((TokenType.CUBE, TokenType.ROLLUP)):
            return None
        kind = exp.Cube if self._prev.token_type == TokenType.CUBE else exp.Rollup
        return self.expression(kind(expressions=self._parse_wrapped_csv(self._parse_disjunction)))

    def _parse_ordered(self, *args: Any, **kwargs: Any) -> exp.Ordered | None:
        """As sqlglot's, with USING and an operator in the place of ASC and DESC."""
        found = super()._parse_ordered(*args, **kwargs)
        if found is not None and found.args.get("desc") is None and self._match(TokenType.USING):
            if not self._match_set((TokenType.LT, TokenType.GT)):
                self.raise_error("ORDER BY takes < or > after USING")
            descends = self._prev.token_type == TokenType.GT
            found.set("desc", descends)
            found.set("nulls_first", descends)
            if self._match_text_seq("NULLS"):
                found.set("nulls_first", bool(self._match_text_seq("FIRST")))
                if not found.args["nulls_first"] and not self._match_text_seq("LAST"):
                    self.raise_error("FIRST or LAST is missing")
        return found

    def _parse_join(self, *args: Any, **kwargs: Any) -> exp.Join | None:
        """As sqlglot's, but a join that needs a condition and has none is no SQL."""
        comma = self._curr.token_type == TokenType.COMMA
        join = super()._parse_join(*args, **kwargs)
        if join is None or comma or join.args.get("method") or join.kind == "CROSS":
            return join
        if join.args.get("on") is None and not join.args.get("using"):
            self.raise_error("a join needs a condition")
        joined: exp.Expr = join.this
        if joined.args.get("joins") and (joined.alias or not isinstance(joined, exp.Subquery)):
            # a JOIN b JOIN c ON ... ON ...: the inner one, which the engine wants in parentheses
            join.set("this", exp.Subquery(this=joined))
        if join.args.get("using") and self._match(TokenType.ALIAS):
            name = self._parse_id_var()
            if name is None:
                self.raise_error("a name is missing")
            join.meta[MERGED] = name
        return join
