"""Defaults, CHECKs, indexes and views as PostgreSQL prints them (ruleutils.c).

What holds more than is analysed here is shown as its author wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlglot import exp

from gateway.catalog.deparsing.converting import converted
from gateway.catalog.deparsing.layout import query_text
from gateway.catalog.deparsing.nodes import Kind, Node, Query, Source, Unprintable
from gateway.catalog.deparsing.printing import Printer
from gateway.catalog.deparsing.querying import Queries
from gateway.catalog.deparsing.relating import Relations, Scope
from gateway.catalog.system.static import static
from gateway.catalog.translation.resolution import BOOL, TEXT
from gateway.errors import GatewayError
from gateway.sql.text.dialect import parse, parse_value
from gateway.types import TEXT as TEXT_TYPE
from gateway.types import Type

Types = Mapping[str, Type]


def default_text(written: str, kind: Type, types: Types | None = None) -> str:
    """A column's DEFAULT, or what it is generated from, as pg_get_expr prints it.

    >>> from gateway.types import by_name
    >>> default_text("'x'", by_name("varchar")), default_text("-1", by_name("int4"))
    ("'x'::character varying", "'-1'::integer")
    """
    if (kind.element or kind).is_enum:
        return f"{written}::{kind.sql}" if _tree(written).is_string else written
    try:
        node = converted(_analysed(_tree(written), types or {}), kind.oid)
        return Printer(False, qualified=False).text(node, False)
    except (GatewayError, Unprintable):
        return written


def check_text(written: str, types: Types, *, pretty: bool = False) -> str:
    """A CHECK's expression as pg_get_expr prints it; `pretty` has fewer parentheses.

    >>> from gateway.types import by_name
    >>> check_text("a > 0 and b<>'x'", {"a": by_name("int4"), "b": by_name("text")})
    "((a > 0) AND (b <> 'x'::text))"
    """
    try:
        node = converted(_analysed(_tree(written), types), BOOL)
        return Printer(pretty, qualified=False).text(node, False)
    except (GatewayError, Unprintable):
        return written


# What stands for VALUE where a domain's CHECK is analysed: a name that no user can have.
VALUE = "\0value"


def domain_check_text(written: str, base: Type, *, pretty: bool = False) -> str:
    """A domain's CHECK as pg_get_expr prints it.

    >>> from gateway.types import by_name
    >>> domain_check_text("value > 0", by_name("int4"))
    '(VALUE > 0)'
    """
    tree = _tree(written)
    for column in tree.find_all(exp.Column):
        column.this.set("this", VALUE)
        column.this.set("quoted", True)
    try:
        node = converted(_analysed(tree, {VALUE: base}), BOOL)
        return Printer(pretty, qualified=False).text(node, False).replace(f'"{VALUE}"', "VALUE")
    except (GatewayError, Unprintable):
        return written


def pretty_text(written: str, types: Types) -> str:
    """An expression with as few parentheses as may be, as pg_get_expr(..., true) prints it.

    >>> from gateway.types import by_name
    >>> pretty_text("((a + 1) > 2)", {"a": by_name("int4")})
    '(a + 1) > 2'
    """
    try:
        return Printer(True, qualified=False).text(_analysed(_tree(written), types), False)
    except (GatewayError, Unprintable):
        return written


@dataclass(frozen=True, slots=True)
class IndexItem:
    """A key of an index: its expression and its type, and the direction that may follow it."""

    text: str
    pretty: str
    direction: str = ""
    type: int = TEXT
    opclass: str = ""  # as it was written

    @property
    def option(self) -> int:
        """pg_index.indoption: 1 where it descends, 2 where NULLs come first."""
        down = " DESC" in self.direction
        return down + 2 * (down != (" NULLS " in self.direction))

    @property
    def expression(self) -> str:
        """The expression alone: what is no call stands in parentheses of the index's own."""
        return self.text[1:-1] if self.text.startswith("(") else self.text


# An operator class after a key.
_OPCLASS = re.compile(r" (?:pg_catalog\.)?([a-z0-9_]+_ops)(?= (?:ASC|DESC|NULLS)\b|$)", re.I)


@cache
def _others() -> frozenset[str]:
    """The operator classes that are shown, as they are no type's own."""
    rows = static().tables["pg_catalog.pg_opclass"]
    pairs = zip(rows["opcname"].to_pylist(), rows["opcdefault"].to_pylist(), strict=True)
    return frozenset(name for name, default in pairs if not default)


def index_item(written: str, types: Types) -> IndexItem:
    """A key of an index as pg_get_indexdef prints it.

    >>> from gateway.types import by_name
    >>> item = index_item("lower(b) desc", {"b": by_name("varchar")})
    >>> item.text, item.pretty, item.direction, item.type
    ('lower((b)::text)', 'lower(b::text)', ' DESC', 25)
    """
    plain = " ".join(written.split())
    opclass = _OPCLASS.search(plain)
    key = plain if opclass is None else plain[: opclass.start()] + plain[opclass.end() :]
    try:
        (item,) = parse(f"SELECT 1 ORDER BY {key}")[0].args["order"].expressions
        of = types.get(item.this.name) if isinstance(item.this, exp.Column) else None
        own = of is not None and (of.element or of).is_enum
        node = _analysed(item.this, {item.this.name: TEXT_TYPE} if own else types)
    except (GatewayError, Unprintable):
        return IndexItem(plain, plain)
    down, first = bool(item.args.get("desc")), bool(item.args.get("nulls_first"))
    direction = f" {opclass[1].lower()}" if opclass and opclass[1].lower() in _others() else ""
    direction += " DESC" if down else ""
    if down != first:
        direction += " NULLS FIRST" if first else " NULLS LAST"
    texts = [Printer(pretty, qualified=False).text(node, False) for pretty in (False, True)]
    if node.kind not in (Kind.COLUMN, Kind.CALL, Kind.KEYWORD_CALL):
        texts = [f"({text})" for text in texts]
    kind = of.oid if own and of else node.type
    return IndexItem(texts[0], texts[1], direction, kind, opclass[1].lower() if opclass else "")


def view_text(
    written: str, names: Sequence[str], relations: Relations, functions: object, pretty: bool
) -> str | None:
    """A view's query as pg_get_viewdef prints it; None when it holds what is not analysed.

    Args:
        written: As its author wrote it.
        names: What the view's columns are called.
        relations: What the names of relations in it mean.
        functions: What users' functions are called and take; see `Analysis`.
        pretty: With fewer parentheses.
    """
    try:
        query: Query = Queries(relations, functions).query(parse(written)[0], None)
        return f"{query_text(query, pretty, names)};"
    except (GatewayError, Unprintable):
        return None


def _tree(written: str) -> exp.Expr:
    return parse_value(written).unalias()


def _analysed(tree: exp.Expr, types: Types) -> Node:
    # An expression over an enum is shown as its author wrote it.
    own = {name for name, kind in types.items() if (kind.element or kind).is_enum}
    columns = [(name, kind.oid, -1) for name, kind in types.items() if name not in own]
    scope = Scope(sources=[Source(columns)])
    return Queries(_no_relation).expression(tree, scope)


def _no_relation(schema: str, name: str) -> tuple[str, str, list[tuple[str, int, int]]]:
    raise Unprintable(name)
