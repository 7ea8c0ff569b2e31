"""What sqlglot reads for other systems and PostgreSQL does not: left unread, so that it is 42601.

Words that other systems alone have are names (`words`); what is foreign by a word or a bracket
more, or fewer, is refused where it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar, TypeVar

from sqlglot import exp
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType

from gateway.errors import InvalidTextRepresentation
from gateway.sql.text.search_clauses import SearchesParser
from gateway.sql.text.worded_calls import Fault
from gateway.sql.text.words import is_reserved

# The clauses of a query in the order in which they come; the last ones in any.
_CLAUSES = {
    TokenType.WHERE: 1,
    TokenType.GROUP_BY: 2,
    TokenType.HAVING: 3,
    TokenType.WINDOW: 4,
    TokenType.ORDER_BY: 5,
    TokenType.LIMIT: 6,
    TokenType.FETCH: 6,
    TokenType.OFFSET: 6,
    TokenType.FOR: 6,
}


_Found = TypeVar("_Found")
_LABELLED = (TokenType.DOT, TokenType.ALIAS)  # after these every word is a name
# Reserved words that are values, and read as names.
_VALUES = frozenset({
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "default", "localtime", "localtimestamp", "session_user",
    "user",
})  # fmt: skip

# Types that take no length, by the words that name them.
_NO_LENGTH = frozenset({
    "bigint", "bool", "boolean", "bytea", "date", "double", "double precision", "float4", "float8",
    "inet", "int", "int2", "int4", "int8", "integer", "json", "jsonb", "name", "oid", "real",
    "smallint", "text", "uuid",
})  # fmt: skip
_ONE_LENGTH = (
    exp.DType.VARCHAR,
    exp.DType.CHAR,
    exp.DType.BPCHAR,
    exp.DType.NCHAR,
    exp.DType.TIMESTAMP,
    exp.DType.TIMESTAMPTZ,
    exp.DType.TIME,
)


def _in_order(rank: int, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def parsed(self: Any) -> Any:
        if rank < self.clauses[-1]:
            self.raise_error("a clause that stands too late")
        self.clauses[-1] = rank
        return parse(self)

    return parsed


def _refuse_no_numbers(kind: exp.DataType) -> None:
    """Refuse what is no integer among the digits of a type.

    Raises:
        InvalidTextRepresentation: 22P02, as there.
    """
    for part in kind.expressions:
        given = part.this
        whole = isinstance(given, exp.Neg) or given.name.lstrip("+-").isdigit()
        if not whole:
            text = given.name.lower()
            raise InvalidTextRepresentation(f'invalid input syntax for type integer: "{text}"')


def _is_one_number(given: list[exp.Expr]) -> bool:
    return len(given) == 1 and given[0].name.isdigit() and not given[0].this.is_string


class PlainParser(SearchesParser):
    """Reads nothing that is other systems' alone."""

    QUERY_MODIFIER_PARSERS: ClassVar[dict[Any, Any]] = {
        kind: _in_order(rank, PostgresParser.QUERY_MODIFIER_PARSERS[kind])
        for kind, rank in _CLAUSES.items()
    }
    QUERY_MODIFIER_TOKENS: ClassVar[set[Any]] = set(_CLAUSES)
    OPTIONAL_ALIAS_TOKEN_CTE = False

    def reset(self) -> None:
        """Begin a statement."""
        super().reset()
        self.clauses = [0]  # of the queries around, that which came last
        self._labels = False  # whether every word is a name

    def _parse_query_modifiers(self, this: Any) -> Any:
        self.clauses.append(0)
        found = super()._parse_query_modifiers(this)
        self.clauses.pop()
        return found

    def _parse_id_var(
        self, any_token: bool = True, tokens: Collection[TokenType] | None = None
    ) -> exp.Expr | None:
        """A name; a reserved word is one after a point or AS alone (gram.y, ColId and ColLabel)."""
        if self._curr.token_type == TokenType.STRING or self._is_no_name():
            return None
        found: exp.Expr | None = super()._parse_id_var(any_token, tokens)
        return found

    def _parse_primary(self) -> exp.Expr | None:
        if self._prev.token_type == TokenType.DOT:
            self._needs_a_name()
        found: exp.Expr | None = super()._parse_primary()
        return found

    def _parse_column_ops(self, this: exp.Expr | None) -> exp.Expr | None:
        if isinstance(this, exp.Literal) and self._curr.token_type == TokenType.DOT:
            self._missing()
        return super()._parse_column_ops(this)

    def _parse_update_assignment(self) -> exp.Expr | None:
        self._needs_a_name()
        found: exp.Expr | None = super()._parse_update_assignment()
        return found

    def _needs_a_name(self) -> None:
        if self._curr.token_type in (TokenType.STRING, TokenType.NUMBER):
            self._missing()

    def _need_names(self, found: list[exp.Expr]) -> None:
        """Refuse a text among the names that were just read."""
        if any(isinstance(each, exp.Literal) for each in found):
            read = reversed(self._tokens[: self._index])
            text = next((each for each in read if each.token_type == TokenType.STRING), None)
            self.raise_error("a text that is no name", text)

    def _parse_column_parts_fast(self) -> exp.Column | exp.Dot | None:
        return None if self._is_no_name() else super()._parse_column_parts_fast()

    def _is_no_name(self) -> bool:
        labelled = self._labels or self._prev.token_type in _LABELLED
        if labelled or not is_reserved(self._curr):
            return False
        begins_array = self._curr.token_type == TokenType.ARRAY and self._next.text == "["
        return not begins_array and self._curr.text.lower() not in _VALUES

    def _parse_function_parameter(self) -> exp.Expr | None:
        found: exp.Expr | None = super()._parse_function_parameter()
        if self._prev.token_type == TokenType.ALIAS:
            self.raise_error("AS without a name", self._prev)
        return found

    def _parse_alias(self, this: exp.Expr | None, explicit: bool = False) -> exp.Expr | None:
        """A SELECT item's name: some reserved words are one without AS, too (`NEVER_BARE`)."""
        if self._curr.token_type == TokenType.ALIAS and self._next.text == "(":
            self.raise_error("AS without a name", self._next)
        self._labels = True
        found: exp.Expr | None = super()._parse_alias(this, explicit)
        self._labels = False
        return self._whole(found)

    def _whole(self, found: _Found) -> _Found:
        if self._prev.token_type == TokenType.ALIAS:
            self._missing()
        return found

    def _parse_cte(self) -> exp.CTE | exp.FunctionSpecification | None:
        if self._curr.token_type == TokenType.ALIAS:
            self._missing()
        found: exp.CTE | exp.FunctionSpecification | None = super()._parse_cte()
        return found

    def _parse_case(self) -> exp.Expr | None:
        if self._curr.token_type == TokenType.END:
            self._missing()
        found: exp.Expr | None = super()._parse_case()
        if self._tokens[self._index - 2].token_type == TokenType.ELSE:
            self.raise_error("ELSE without a value", self._prev)
        return found

    def _parse_string_as_identifier(self) -> None:
        """No name is written in quotes of texts."""

    def _parse_table_part(self, schema: bool = False) -> exp.Expr | None:
        found: exp.Expr | None = super()._parse_table_part(schema)
        if found is None and self._prev.token_type == TokenType.DOT:
            self._missing()
        return found

    def _parse_table_alias(
        self, alias_tokens: Collection[TokenType] | None = None
    ) -> exp.TableAlias | None:
        start, after = self._curr, self._next
        if start.token_type in (TokenType.STRING, TokenType.PARAMETER):
            return None
        if start.token_type == TokenType.ALIAS and is_reserved(self._next):
            self.raise_error("a reserved word", after)
        if start.text.upper() in ("ORDER", "GROUP") and start.token_type == TokenType.VAR:
            raise Fault("BY is missing", after or None)
        found: exp.TableAlias | None = self._whole(super()._parse_table_alias(alias_tokens))
        columns = found.args.get("columns") or [] if found is not None else []
        defined = [isinstance(each, exp.ColumnDef) for each in columns]
        if found is not None and found.this is None and not all(defined):
            self.raise_error("columns of no name", start if start.text == "(" else after)
        if any(
            each.args.get("kind") is None for each in columns if isinstance(each, exp.ColumnDef)
        ):
            self.raise_error("a column of no type")
        return found

    def _parse_star_ops(self) -> exp.Expr | None:
        return exp.Star().update_positions(self._prev)

    def _parse_respect_or_ignore_nulls(self, this: exp.Expr | None) -> exp.Expr | None:
        return this

    def _parse_having_max(self, this: exp.Expr | None) -> exp.Expr | None:
        return this

    def _parse_table_hints(self) -> list[exp.Expr] | None:
        return None

    def _parse_value(self, values: bool = True) -> exp.Tuple | None:
        default = self._tokens[self._index - 2].token_type == TokenType.DEFAULT
        if self._prev.text.upper() in ("VALUES", ",", "ON") and not default:
            self._needs(TokenType.L_PAREN)
        found: exp.Tuple | None = super()._parse_value(values)
        return found

    def _parse_using_identifiers(self) -> list[exp.Expr]:
        self._needs(TokenType.L_PAREN)
        found: list[exp.Expr] = super()._parse_using_identifiers()
        self._need_names(found)
        return found

    def _parse_in(self, this: exp.Expr | None, alias: bool = False) -> exp.In:
        self._needs(TokenType.L_PAREN)
        found: exp.In = super()._parse_in(this, alias)
        return found

    def _parse_insert_table(self) -> exp.Expr | None:
        if self._prev.token_type == TokenType.TABLE:
            self.raise_error("INSERT INTO TABLE", self._prev)
        found: exp.Expr | None = super()._parse_insert_table()
        columns = found.expressions if isinstance(found, exp.Schema) else []
        if any(isinstance(each, exp.ColumnDef) for each in columns):
            self.raise_error("a column with a type")
        self._need_names(columns)
        unnamed = isinstance(found, exp.Schema) and not found.expressions
        if unnamed or self._curr.token_type == TokenType.SET:
            self.raise_error("INSERT ... SET", self._prev if unnamed else None)
        return found

    def _parse_table_sample(self, as_modifier: bool = False) -> exp.TableSample | None:
        if self._curr.token_type == TokenType.TABLE_SAMPLE and self._next.text == "(":
            self.raise_error("TABLESAMPLE without a method", self._next)
        found: exp.TableSample | None = super()._parse_table_sample(as_modifier)
        return found

    def _parse_limit(self, *args: Any, **kwargs: Any) -> Any:
        beyond = self._next.text.upper() not in ("FIRST", "NEXT")
        if self._curr.token_type == TokenType.FETCH and beyond:
            self.raise_error("FETCH of how many", self._next)
        return super()._parse_limit(*args, **kwargs)

    def _parse_ordered(self, *args: Any, **kwargs: Any) -> exp.Ordered | None:
        found: exp.Ordered | None = super()._parse_ordered(*args, **kwargs)
        both = [each.token_type for each in self._tokens[max(self._index - 2, 0) : self._index]]
        if both == [TokenType.ASC, TokenType.DESC]:
            self.raise_error("ASC and DESC", self._prev)
        return found

    def parse_set_operation(self, *args: Any, **kwargs: Any) -> exp.SetOperation | None:
        """UNION and its like, of columns in their order."""
        found: exp.SetOperation | None = super().parse_set_operation(*args, **kwargs)
        if found is not None and any(map(found.args.get, ("by_name", "side", "kind", "on"))):
            self.raise_error("UNION BY NAME")
        return found

    def _parse_bracket(self, this: exp.Expr | None = None) -> exp.Expr | None:
        """Items and slices; ARRAY[...], in which `[...]` is one more dimension."""
        before = "".join(each.text for each in self._tokens[max(self._index - 2, 0) : self._index])
        further = before.endswith("[") or before == "],"
        if self._curr.text == "{" or (self._curr.text == "[" and this is None and not further):
            self.raise_error("an array without ARRAY")
        found: exp.Expr | None = super()._parse_bracket(this)
        return found

    def _parse_types(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
        """A type, whose length is one number where it has any."""
        word, opening = self._curr, self._next
        found: exp.Expr | None = super()._parse_types(*args, **kwargs)
        if not isinstance(found, exp.DataType) or opening.text != "(":
            return found
        passed = self._prev.start > opening.start
        if passed and found.this == exp.DType.DECIMAL:
            _refuse_no_numbers(found)
        if any(isinstance(n, exp.DataTypeParam) and n.expression for n in found.expressions):
            self.raise_error("a word behind the length of a type", opening)
        if passed and word.text.lower() in _NO_LENGTH:
            self.raise_error("a length of a type without one", opening)
        of_float = found.this == exp.DType.DOUBLE and found.expressions  # of a number it is none
        lengthy = found.this in _ONE_LENGTH and not _is_one_number(found.expressions)
        if passed and (of_float or lengthy):
            after = self._tokens[self._tokens.index(opening) + 1]
            word_in = after.token_type not in (TokenType.NUMBER, TokenType.STRING)
            self.raise_error("a length that is no number", after if word_in else opening)
        return found

    def _parse_type(
        self, parse_interval: bool = True, fallback_to_identifier: bool = False
    ) -> exp.Expr | None:
        """A value; a type before one makes it another of a text alone."""
        words = self._curr, self._next
        found: exp.Expr | None = super()._parse_type(parse_interval, fallback_to_identifier)
        if words[1].token_type == TokenType.NUMBER and words[0].token_type in self.TYPE_TOKENS:
            self.raise_error("a type before a number", words[1])
        return found

    def _negate_range(self, this: exp.Expr | None = None) -> exp.Expr | None:
        before = self._tokens[self._index - 2]
        if self._prev.token_type == TokenType.NULL and before.token_type == TokenType.NOT:
            self.raise_error("NOT NULL without IS", before)
        found: exp.Expr | None = super()._negate_range(this)
        return found

    def _parse_window(self, this: exp.Expr | None, alias: bool = False) -> exp.Expr | None:
        if self._curr.token_type == TokenType.FILTER and self._next.text == "(":
            after = self._tokens[self._index + 2 : self._index + 3]
            if after and after[0].token_type != TokenType.WHERE:
                self.raise_error("FILTER without WHERE", after[0])
        if alias and self._curr.token_type != TokenType.ALIAS:
            self.raise_error("WINDOW without AS")
        found: exp.Expr | None = super()._parse_window(this, alias)
        if not alias and self._prev.token_type == TokenType.OVER:
            self._missing()
        return found

    def _parse_window_spec(self) -> Any:
        between = self._prev.token_type == TokenType.BETWEEN
        found = super()._parse_window_spec()
        if between:
            self._needs(TokenType.AND)
        return found

    def _parse_partition_by(self) -> list[exp.Expr]:
        found: list[exp.Expr] = super()._parse_partition_by()
        if self._prev.token_type == TokenType.PARTITION_BY:
            self._missing()
        return found

    def _needs(self, kind: TokenType) -> None:
        if self._curr.token_type != kind:
            self._missing()
