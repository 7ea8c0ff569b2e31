"""SEARCH and CYCLE of recursive queries, as columns that the query carries along (manual, 7.8.2).

`s` becomes the query `s in steps`, which has what is searched by, and what was visited, in columns
of its own, and `s` over it with the columns that PostgreSQL gives it. These hold rows, which are
texts here and do not sort as rows do: ORDER BY of them goes by the columns beneath.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GatewayError, SyntaxFault
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.ordering import meant
from gateway.sql.names.scope import Analysis, Block, column_node, position_of, resolve
from gateway.sql.text.building import table_alias
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.search_clauses import CYCLE, SEARCH
from gateway.sql.text.trees import nodes_of, own_nodes
from gateway.sql.types.inference import Types

_STEPS = "in_steps"
_ORDERED = "ordered by"  # under this key a query's notes hold the column and what it goes by


def carry_searches(tree: exp.Expr) -> None:
    """Write queries of WITH that have SEARCH or CYCLE so, in place.

    Raises:
        SyntaxFault: 42601, not recursive, no such column, or a name twice.
        FeatureNotSupported: 0A000, terms that are no SELECTs, or columns that `*` names.
    """
    for clause in nodes_of(tree, exp.With):
        queries = [part for each in clause.expressions for part in _carried(clause, each)]
        clause.set("expressions", queries)


def _carried(clause: exp.With, cte: exp.CTE) -> Iterator[exp.CTE]:
    search, cycle = cte.args.pop(SEARCH, None), cte.args.pop(CYCLE, None)
    if search is None and cycle is None:
        yield cte
        return
    left, right, reference = _terms(clause, cte)
    names = _names(cte, left)
    _check_names(names, search, cycle)
    steps, alias = f"{cte.alias} in steps", reference.alias_or_name
    reference.set("this", exp.to_identifier(steps, quoted=True))
    reference.set("alias", table_alias(alias))
    added = _added(search, cycle)
    for name in added:
        right.append("expressions", exp.alias_(column_node(alias, name), name, quoted=True))
    first = _select(left, names, _first(search, cycle))
    further = _select(right, [*names, *added], _further(search, cycle), len(names))
    if cycle is not None:
        mark = column_node(_STEPS, cycle.this.name)
        goes_on = exp.NEQ(this=mark, expression=cycle.args["to"].copy())
        further.set("where", exp.Where(this=goes_on))
    union = exp.Union(this=first, expression=further, distinct=cte.this.args.get("distinct"))
    yield exp.CTE(this=union, alias=table_alias(steps, [*names, *added]))
    shown = [*names, *(each for each in added if not each.endswith(_KEY))]
    over = exp.Select(expressions=[column_node(_STEPS, name) for name in shown])
    over.set("from_", exp.From(this=exp.Table(this=_quoted(steps), alias=table_alias(_STEPS))))
    made = exp.CTE(this=over, alias=table_alias(cte.alias, shown))
    made.set("materialized", cte.args.get("materialized"))
    if search is not None:
        by = () if _is_deep(search) else tuple(each.name for each in search.expressions)
        over.meta[_ORDERED] = (search.this.name, by)
    yield made


_KEY = " goes by"


def _terms(clause: exp.With, cte: exp.CTE) -> tuple[exp.Expr, exp.Select, exp.Table]:
    body = cte.this
    found = [t for t in nodes_of(body, exp.Table) if t.name == cte.alias and not t.db]
    if not clause.args.get("recursive") or not found or not isinstance(body, exp.Union):
        raise SyntaxFault("WITH query is not recursive", position=position_of(cte.args["alias"]))
    left, right = _bare(body.left), _bare(body.right)
    for side, term in (("left", left), ("right", right)):
        if not isinstance(term, exp.Select):
            raise FeatureNotSupported(
                f"with a SEARCH or CYCLE clause, the {side} side of the UNION must be a SELECT"
            )
    (reference,) = found
    if not isinstance(right, exp.Select) or reference.find_ancestor(exp.Select) is not right:
        raise FeatureNotSupported(
            f'with a SEARCH or CYCLE clause, the recursive reference to WITH query "{cte.alias}" '
            "must be at the top level of its right-hand SELECT"
        )
    return left, right, reference


def _bare(term: exp.Expr) -> exp.Expr:
    while isinstance(term, exp.Subquery | exp.Paren) and not term.alias:
        term = term.this
    return term


def _names(cte: exp.CTE, left: exp.Expr) -> list[str]:
    """The columns of the query: those of its alias, the others as the first term names them."""
    named = [each.name for each in cte.args["alias"].columns]
    items = left.expressions
    if any(item.is_star for item in items):
        if named:
            return named
        raise FeatureNotSupported(
            "SEARCH and CYCLE of a query whose columns * names are not supported",
            hint=f'Name them: WITH RECURSIVE "{cte.alias}" (a, b) AS ...',
        )
    return named + [output_name(item) for item in items[len(named) :]]


def _check_names(names: Sequence[str], search: exp.Expr | None, cycle: exp.Expr | None) -> None:
    made: list[tuple[str, str]] = []
    for word, clause in (("search", search), ("cycle", cycle)):
        for column in clause.expressions if clause is not None else ():
            if column.name not in names:
                raise SyntaxFault(f'{word} column "{column.name}" not in WITH query column list')
    if search is not None:
        made.append(("search sequence", search.this.name))
    if cycle is not None:
        made += [("cycle mark", cycle.this.name), ("cycle path", cycle.args["using"].name)]
    taken: set[str] = set()
    for what, name in made:
        if name in names:
            raise SyntaxFault(f'{what} column name "{name}" already used in WITH query column list')
        if name in taken:
            raise SyntaxFault(f'{what} column name "{name}" is used twice')
        taken.add(name)


def _added(search: exp.Expr | None, cycle: exp.Expr | None) -> list[str]:
    found = [] if search is None else [search.this.name, search.this.name + _KEY]
    return found if cycle is None else [*found, cycle.this.name, cycle.args["using"].name]


def _is_deep(search: exp.Expr) -> bool:
    return bool(search.args["kind"] == "DEPTH")


def _first(search: exp.Expr | None, cycle: exp.Expr | None) -> list[exp.Expr]:
    """What the columns that are added hold in the rows of the first term."""
    items: list[exp.Expr] = []
    if search is not None and _is_deep(search):
        items += [_rows(search), exp.Array(expressions=_columns(search))]
    elif search is not None:
        depth = exp.Cast(this=exp.Literal.number(0), to=data_type("bigint"))
        items += [_row(search, depth), depth.copy()]
    if cycle is not None:
        items += [cycle.args["default"].copy(), _rows(cycle)]
    return items


def _further(search: exp.Expr | None, cycle: exp.Expr | None) -> list[exp.Expr]:
    """What they hold in those of a step, in which they still are of the row before."""
    items: list[exp.Expr] = []
    if search is not None:
        order = column_node(_STEPS, search.this.name)
        key = column_node(_STEPS, search.this.name + _KEY)
        if _is_deep(search):
            items += [_joined(order, _rows(search)),
                      _joined(key, exp.Array(expressions=_columns(search)))]  # fmt: skip
        else:
            depth = exp.Add(this=key, expression=exp.Literal.number(1))
            items += [_row(search, depth), depth.copy()]
    if cycle is not None:
        path = column_node(_STEPS, cycle.args["using"].name)
        visited = exp.Anonymous(this="array_has", expressions=[path, _row(cycle)])
        again = exp.If(this=visited, true=cycle.args["to"].copy())
        items.append(exp.Case(ifs=[again], default=cycle.args["default"].copy()))
        items.append(_joined(path.copy(), _rows(cycle)))
    return items


def _columns(clause: exp.Expr) -> list[exp.Expr]:
    return [column_node(_STEPS, each.name) for each in clause.expressions]


def _rows(clause: exp.Expr, *before: exp.Expr) -> exp.Expr:
    """An array of one row of the clause's columns."""
    row = exp.Anonymous(this="row", expressions=[*before, *_columns(clause)])
    return exp.Array(expressions=[row])


def _row(clause: exp.Expr, *before: exp.Expr) -> exp.Expr:
    return exp.Bracket(this=exp.paren(_rows(clause, *before)), expressions=[exp.Literal.number(1)])


def _joined(array: exp.Expr, more: exp.Expr) -> exp.Expr:
    return exp.DPipe(this=array, expression=more, safe=True)


def _select(
    term: exp.Expr, names: Sequence[str], more: Sequence[exp.Expr], own: int | None = None
) -> exp.Select:
    """The columns of a term, and more, which may look at those that it was given besides."""
    items: list[exp.Expr] = [column_node(_STEPS, name) for name in names[:own]]
    named = exp.Subquery(this=term.copy(), alias=table_alias(_STEPS, names))
    return exp.Select(
        expressions=[*items, *_with_names(more, len(items))], from_=exp.From(this=named)
    )


def _with_names(items: Sequence[exp.Expr], start: int) -> Iterator[exp.Expr]:
    for number, item in enumerate(items, start + 1):
        yield exp.alias_(item, f"column{number}", quoted=True)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def order_searches(analysis: Analysis) -> bool:
    """Let ORDER BY of what SEARCH made go by the columns beneath it, in place.

    Returns:
        Whether there was one; then the blocks are to be found anew.

    Raises:
        FeatureNotSupported: 0A000, beside DISTINCT, or by columns of several types.
    """
    found = False
    for block in analysis.blocks:
        for ordered in [each for each in own_nodes(block.select) if isinstance(each, exp.Ordered)]:
            found = _order(ordered, block, analysis) or found
    return found


def _order(ordered: exp.Ordered, block: Block, analysis: Analysis) -> bool:
    order = ordered.parent
    outermost = order is not None and order.parent is block.select
    value = meant(ordered.this, block.select) if outermost else ordered.this
    if order is None or not isinstance(value, exp.Column):
        return False
    try:
        source, name = resolve(block, value)
    except GatewayError:  # a whole row, or no column: whoever reads it says so
        return False
    over = source.query.tree if source.query is not None else None
    known = over.meta_get(_ORDERED) if isinstance(over, exp.Select) else None
    if known is None or not isinstance(over, exp.Select) or known[0] != name:
        return False
    if block.select.args.get("distinct") is not None:
        raise FeatureNotSupported(f'ORDER BY "{name}" of SEARCH beside DISTINCT is not supported')
    hidden = name + _KEY
    _check_kinds(over, hidden, analysis)
    if all(item.alias_or_name != hidden for item in over.expressions):
        over.append("expressions", column_node(_STEPS, hidden))
        if source.cte is not None:
            source.cte.args["alias"].append("columns", _quoted(hidden))
    keys = []
    for column in (hidden, *known[1]):
        key = ordered.copy()
        key.set("this", column_node(source.alias, column))
        keys.append(key)
    items = list(order.expressions)
    place = next(n for n, each in enumerate(items) if each is ordered)
    order.set("expressions", [*items[:place], *keys, *items[place + 1 :]])
    return True


def _check_kinds(over: exp.Select, hidden: str, analysis: Analysis) -> None:
    """Refuse an order by columns that make no array, or one whose items sort by another form."""
    block = analysis.block_of(over.expressions[0])
    steps = block.sources[0].query if block is not None else None
    first = steps.branches[0] if steps is not None else None
    if first is None:
        return
    arrays = [
        each
        for item in first.select.expressions
        for each in [item.unalias()]
        if isinstance(each, exp.Array) and not isinstance(each.expressions[0], exp.Anonymous)
    ]
    known = Types(first)
    for array in arrays:
        kinds = {known.of(each) for each in array.expressions}
        kind = next(iter(kinds))
        plain = kind is not None and kind.name in _SORTED and not kind.is_enum
        if len(kinds) > 1 or not plain:
            raise FeatureNotSupported(
                f'ORDER BY "{hidden.removesuffix(_KEY)}" of SEARCH DEPTH FIRST by columns of '
                "several types, or of one that is no number, text or time, is not supported",
                hint="Search by columns of one type, with a cast if need be.",
            )


# The types whose values sort as the items of an array do.
_SORTED = frozenset(
    {"int2", "int4", "int8", "float8", "numeric", "text", "varchar", "date", "timestamp", "uuid"}
)
