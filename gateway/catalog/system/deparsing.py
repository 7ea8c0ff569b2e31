"""Names and expressions as PostgreSQL prints them (ruleutils.c): defaults, CHECKs.

A string gets the type of its place, an operation its parentheses. What is more than operators,
calls, literals and columns is shown as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import identifier
from gateway.types import Type

_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})


def default_text(written: str, kind: Type, types: Mapping[str, Type] | None = None) -> str:
    """A column's DEFAULT, or what it is generated from, as pg_get_expr prints it.

    >>> from gateway.types import by_name
    >>> default_text("'x'", by_name("varchar")), default_text("-1", by_name("int4"))
    ("'x'::character varying", "'-1'::integer")
    """
    try:
        return _Printer(types or {}).top(_tree(written), kind)
    except (GatewayError, KeyError):
        return written


def check_text(written: str, types: Mapping[str, Type], *, pretty: bool = False) -> str:
    """A CHECK's expression as pg_get_expr prints it; `pretty` has fewer parentheses.

    >>> from gateway.types import by_name
    >>> check_text("a > 0 and b<>'x'", {"a": by_name("int4"), "b": by_name("text")})
    "((a > 0) AND (b <> 'x'::text))"
    """
    try:
        return _Printer(types, pretty).text(_tree(written))
    except (GatewayError, KeyError):
        return written


def _tree(written: str) -> exp.Expr:
    tree: exp.Expr = parse(f"SELECT {written}")[0].expressions[0]
    return tree.unalias()


_SYMBOLS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.Pow: "^",
    exp.DPipe: "||", exp.And: "AND", exp.Or: "OR", exp.RegexpLike: "~", exp.Like: "~~",
}  # fmt: skip


class _Printer:
    def __init__(self, types: Mapping[str, Type], pretty: bool = False) -> None:
        self.types, self.pretty = types, pretty

    def top(self, tree: exp.Expr, kind: Type) -> str:
        """A whole default for a column of this type."""
        tree = _bare(tree)
        if isinstance(tree, exp.Literal) and tree.is_string:
            return f"{_quoted(tree.name)}::{kind.sql}"
        if isinstance(tree, exp.Null):
            return f"NULL::{kind.sql}"
        if isinstance(tree, exp.Neg) and isinstance(tree.this, exp.Literal):
            number = kind.sql if kind.name in _NUMBERS else "integer"
            number = "numeric" if "." in tree.this.name else number
            number = "integer" if number in ("bigint", "smallint") else number
            return f"'-{tree.this.name}'::{number}"
        return self.text(tree)

    def text(self, tree: exp.Expr) -> str:
        """An expression, in parentheses where it is an operation."""
        tree = _bare(tree)
        found = _NODES.get(type(tree))
        if found is not None:
            return found(self, tree)
        if type(tree) in _SYMBOLS:
            return self._operation(tree)
        raise KeyError(tree.key)

    def _operation(self, tree: exp.Expr) -> str:
        left, right = _bare(tree.this), _bare(tree.expression)
        symbol = _SYMBOLS[type(tree)]
        if symbol in ("AND", "OR"):
            parts = [self._part(part, symbol) for part in _flat(tree, type(tree))]
            return self._closed(f" {symbol} ".join(parts))
        shown = [self._beside(one, other) for one, other in ((left, right), (right, left))]
        return self._closed(f"{shown[0]} {symbol} {shown[1]}")

    def _closed(self, text: str) -> str:
        return text if self.pretty else f"({text})"

    def _part(self, tree: exp.Expr, symbol: str) -> str:
        """A part of AND or OR (ruleutils.c, isSimpleNode)."""
        text = self.text(tree)
        return f"({text})" if self.pretty and symbol == "AND" and isinstance(tree, exp.Or) else text

    def _beside(self, tree: exp.Expr, other: exp.Expr) -> str:
        """An operand; a string takes the type of the other one, a varchar becomes text."""
        if isinstance(tree, exp.Literal) and tree.is_string:
            kind = self._type(other)
            return f"{_quoted(tree.name)}::{'text' if kind in (None, 'varchar') else kind}"
        if isinstance(tree, exp.Column) and self.types[tree.name].name == "varchar":
            return (
                f"{identifier(tree.name)}::text"
                if self.pretty
                else (f"({identifier(tree.name)})::text")
            )
        if isinstance(tree, exp.Literal) and self._type(other) == "float8":
            shown = tree.name if self.pretty else f"({tree.name})"
            return f"{shown}::double precision"
        text = self.text(tree)
        return f"({text})" if self.pretty and type(tree) in _SYMBOLS else text

    def _type(self, tree: exp.Expr) -> str | None:
        known = self.types.get(tree.name) if isinstance(tree, exp.Column) else None
        if known is None:
            return None
        return known.name if known.name in (*_TEXTS, "float8") else known.sql

    def literal(self, tree: exp.Literal) -> str:
        return f"{_quoted(tree.name)}::text" if tree.is_string else tree.name

    def column(self, tree: exp.Column) -> str:
        if tree.name.startswith("current_") and tree.name not in self.types:
            return tree.name.upper()
        return identifier(tree.name)

    def call(self, tree: exp.Anonymous) -> str:
        if tree.name == "nextval" and isinstance(_bare(tree.expressions[0]), exp.Literal):
            return f"nextval({_quoted(_bare(tree.expressions[0]).name)}::regclass)"
        parts = [self.text(part) for part in tree.expressions]
        return f"{tree.name}({', '.join(parts)})"

    def is_null(self, tree: exp.Is) -> str:
        word = "IS NOT" if tree.args.get("negate") else "IS"
        return self._closed(f"{self.text(tree.this)} {word} {tree.expression.sql().upper()}")

    def negated(self, tree: exp.Not) -> str:
        if isinstance(tree.this, exp.Is):
            inner = tree.this
            return self._closed(f"{self.text(inner.this)} IS NOT {inner.expression.sql().upper()}")
        return self._closed(f"NOT {self.text(tree.this)}")

    def between(self, tree: exp.Between) -> str:
        value = tree.this
        low = exp.GTE(this=value.copy(), expression=tree.args["low"].copy())
        high = exp.LTE(this=value.copy(), expression=tree.args["high"].copy())
        return self._closed(f"{self._operation(low)} AND {self._operation(high)}")

    def among(self, tree: exp.In) -> str:
        if not tree.expressions:
            raise KeyError("in")
        items = [self._beside(item, _bare(tree.this)) for item in tree.expressions]
        one = self._beside(_bare(tree.this), tree.expressions[0])
        cast = "::text[]" if one.endswith("::text") else ""
        array = f"ARRAY[{', '.join(items)}]"
        shown = (f"{array}{cast}" if self.pretty else f"({array}){cast}") if cast else array
        return self._closed(f"{one} = ANY ({shown})")

    def word(self, tree: exp.Expr) -> str:
        return str(tree.sql(dialect="postgres")).upper()

    def boolean(self, tree: exp.Expr) -> str:
        return "true" if tree.this else "false"

    def cast(self, tree: exp.Cast) -> str:
        kind = tree.args["to"].sql(dialect="postgres").lower()
        inside = _bare(tree.this)
        if isinstance(inside, exp.Literal) and inside.is_string:
            return f"{_quoted(inside.name)}::{kind}"
        return f"{self.text(inside)}::{kind}" if self.pretty else f"({self.text(inside)})::{kind}"


_NODES: dict[type[exp.Expr], Callable[[_Printer, exp.Expr], str]] = {
    exp.Literal: _Printer.literal,  # type: ignore[dict-item]
    exp.Column: _Printer.column,  # type: ignore[dict-item]
    exp.Anonymous: _Printer.call,  # type: ignore[dict-item]
    exp.Is: _Printer.is_null,  # type: ignore[dict-item]
    exp.Not: _Printer.negated,  # type: ignore[dict-item]
    exp.Between: _Printer.between,  # type: ignore[dict-item]
    exp.In: _Printer.among,  # type: ignore[dict-item]
    exp.Cast: _Printer.cast,  # type: ignore[dict-item]
    exp.Boolean: _Printer.boolean,
    exp.CurrentDate: _Printer.word,
    exp.CurrentTimestamp: _Printer.word,
    exp.CurrentUser: _Printer.word,
    exp.Null: _Printer.word,
}


def _bare(tree: exp.Expr) -> exp.Expr:
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return tree


def _flat(tree: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    tree = _bare(tree)
    if not isinstance(tree, kind):
        return [tree]
    return [*_flat(tree.this, kind), *_flat(tree.expression, kind)]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
