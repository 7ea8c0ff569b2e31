"""What a result column is called, as PostgreSQL names it, and unique names for the engine.

The engine refuses two columns of one name in a projection and names `avg(x)` after its own
spelling; PostgreSQL says `avg`, twice if need be. Every unnamed item gets PostgreSQL's name as its
alias, repeated names a number, and RowDescription is sent the names without the numbers.
Source: PostgreSQL 15, src/backend/parser/parse_target.c, FigureColnameInternal.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.text.datatypes import DOMAIN, domain_cast
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.parameter_casts import DECLARED
from gateway.sql.types.parameters import postgres_type

UNNAMED = "?column?"

# Expressions that PostgreSQL names after their own keyword.
_KEYWORDS: dict[type[exp.Expr], str] = {
    exp.Exists: "exists",
    exp.Array: "array",
    exp.Extract: "extract",
    exp.Trim: "btrim",
    exp.Substring: "substring",
    exp.StrPosition: "position",
    exp.Overlay: "overlay",
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.CurrentTimestamp: "current_timestamp",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
    exp.CurrentUser: "current_user",
    exp.SessionUser: "session_user",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentSchema: "current_schema",
    exp.CurrentRole: "current_role",
    exp.Interval: "interval",
    exp.AtTimeZone: "timezone",
    exp.Tuple: "row",
}
# Expressions that go by the name of what is inside them.
_SHELLS = (exp.Paren, exp.Window, exp.Filter, exp.WithinGroup, exp.Bracket, exp.Collate)
# TRIM is a keyword, and the function behind it has a name of its own.
_FUNCTIONS = {"trim": "btrim"}


def output_name(item: exp.Expr) -> str:
    """PostgreSQL's name for a SELECT item.

    >>> from gateway.sql.text.dialect import parse
    >>> [output_name(i) for i in parse("SELECT a.x, avg(x), x::int, 1, grad(x, x), 1 AS n")[0]]
    ['x', 'avg', 'x', '?column?', 'grad', 'n']
    """
    return _name(item) or UNNAMED


def _name(item: exp.Expr) -> str:
    if isinstance(item, exp.Alias | exp.Column):
        return item.alias_or_name
    if isinstance(item, _SHELLS):
        return _name(item.this)
    if isinstance(item, Marker):
        return item.kind
    if isinstance(item, exp.Anonymous):
        if item.meta_get("operator"):
            return ""
        return _FUNCTIONS.get(item.name, item.name)
    if isinstance(item, exp.Dot):  # schema.function(...), (row).field
        return str(item.expression.name)
    if isinstance(item, exp.Cast):
        return _cast_name(item)
    if isinstance(item, exp.Case):
        return _case_name(item)
    if isinstance(item, exp.Subquery):
        inner = leftmost(item.this)
        return output_name(inner.selects[0]) if isinstance(inner, exp.Select) else ""
    return _KEYWORDS.get(type(item), "")


def _case_name(item: exp.Case) -> str:
    if (found := domain_cast(item)) is not None:
        return _cast_name(found[0])
    default = item.args.get("default")
    return (_own_name(default) if default is not None else "") or "case"


def _cast_name(item: exp.Cast) -> str:
    if item.meta_get(DECLARED):  # nobody wrote it
        return ""
    called = item.meta_get("called")
    return ("" if called else _own_name(item.this)) or _type_name(item.to)


def _own_name(item: exp.Expr) -> str:
    """The name of what is cast; "" when it has none but that of a type or of CASE."""
    while isinstance(item, exp.Paren | exp.Collate):
        item = item.this
    if isinstance(item, exp.Cast) and not item.meta_get("called"):
        return _own_name(item.this)
    if isinstance(item, exp.Case) and (found := domain_cast(item)) is not None:
        return _own_name(found[0].this)
    if isinstance(item, exp.Interval):
        return ""
    return "" if isinstance(item, exp.Case) and _name(item) == "case" else _name(item)


def _type_name(kind: exp.DataType) -> str:
    if (domain := kind.args.get(DOMAIN)) is not None:
        return str(domain.name)
    try:
        known = postgres_type(kind)
        own = known.element or known
        if own.is_enum:
            return own.sql.strip('"').replace('""', '"')
        return known.name.removeprefix("_")
    except GatewayError:
        return ""


def alias_unnamed(tree: exp.Expr) -> bool:
    """Give every unnamed item of every SELECT in `tree` its PostgreSQL name; whether one was."""
    found = False
    for select in nodes_of(tree, exp.Select):
        if all(isinstance(item, exp.Alias | exp.Column) for item in select.expressions):
            continue
        items = [
            item if item.is_star or isinstance(item, exp.Alias | exp.Column) else _aliased(item)
            for item in select.expressions
        ]
        select.set("expressions", items)
        found = True
    return found


def _aliased(item: exp.Expr) -> exp.Expr:
    return exp.Alias(this=item, alias=exp.to_identifier(output_name(item), quoted=True))


def number_repeated(select: exp.Select) -> tuple[str, ...] | None:
    """The names of the SELECT's columns, after making them unique in place with a number.

    None when a star hides the columns; then nothing is changed.
    """
    if any(item.is_star for item in select.expressions):
        return None
    names = tuple(item.alias_or_name for item in select.expressions)
    hidden = _hidden_by_dots(select, names)
    taken, items = Counter(names), []
    seen: Counter[str] = Counter()
    for item, name in zip(select.expressions, names, strict=True):
        seen[name] += 1
        if seen[name] > 1 or item in hidden:
            unique = next(
                candidate
                for number in range(seen[name], len(names) + 3)
                if (candidate := f"{name}:{number}") not in taken
            )
            taken[unique] += 1
            item = exp.Alias(this=item.unalias(), alias=exp.to_identifier(unique, quoted=True))
        items.append(item)
    if len(set(names)) < len(names) or hidden:
        select.set("expressions", items)
    return names


def _hidden_by_dots(select: exp.Select, names: tuple[str, ...]) -> list[exp.Expr]:
    """The columns of a statement beside which another output is called `table.column`.

    The engine takes that for the column's whole name.
    """
    dotted = {name.rpartition(".")[2] for name in names if "." in name}
    if not dotted or select.parent is not None:
        return []
    return [e for e in select.expressions if isinstance(e, exp.Column) and e.name in dotted]


def leftmost(tree: exp.Expr) -> exp.Expr:
    """The SELECT that names the columns of a query."""
    while True:
        if isinstance(tree, exp.SetOperation):
            tree = tree.left
        elif isinstance(tree, exp.Subquery):
            tree = tree.this
        else:
            return tree
