"""Functions in FROM that give rows, WITH ORDINALITY, and LATERAL over them.

The engine knows unnest and generate_series in FROM; what else gives rows stands in a SELECT list
of a subquery of its own. It runs nothing that looks at a relation beside it: where such an item
has no FROM itself, its columns become columns of what stands before it (`put_laterals`).
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.relations.json_records import RECORDS, spread_record
from gateway.sql.lowered.relations.unnested import is_matched, spread_unnest
from gateway.sql.lowered.relations.value_rows import select_values
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.row_functions import NUMBERED, PAIRS, SETS
from gateway.sql.text.trees import nodes_of


def spread_sets(tree: exp.Expr) -> None:
    """Write functions in FROM that give rows as subqueries, in place."""
    select_values(tree)
    _select_values(tree)
    for table in nodes_of(tree, exp.Table):
        call = table.this
        if isinstance(call, exp.Anonymous) and call.name in PAIRS and len(call.expressions) == 1:
            _spread_pairs(table, call)
        elif isinstance(call, exp.Anonymous) and call.name in RECORDS and call.expressions:
            spread_record(table, call)
        elif isinstance(call, exp.Anonymous) and call.name in NUMBERED:
            numbered = bool(table.args.get("ordinality"))
            if numbered or call.name in SETS or is_matched(table):
                _spread(table, call, numbered)
    for unnest in nodes_of(tree, exp.Unnest):
        spread_unnest(unnest)
    for unnest in nodes_of(tree, exp.Unnest):
        if unnest.args.get("offset"):
            _spread_numbered(unnest)


def _select_values(tree: exp.Expr) -> None:
    """`x IN (VALUES ...)` is IN a query."""
    for among in nodes_of(tree, exp.In):
        listed = among.expressions
        if len(listed) == 1 and isinstance(listed[0], exp.Values):
            among.set("expressions", None)
            among.set("query", exp.Subquery(this=_selected(listed[0])))


def _selected(values: exp.Values) -> exp.Select:
    row = values.expressions[0]
    names = [f"column{n}" for n in range(1, len(row.expressions) + 1)] or ["column1"]
    relation = values.copy()
    relation.set(
        "alias",
        exp.TableAlias(
            this=exp.to_identifier("listed", quoted=True),
            columns=[exp.to_identifier(name, quoted=True) for name in names],
        ),
    )
    items = [exp.column(name, table="listed", quoted=True) for name in names]
    return exp.Select(expressions=items, from_=exp.From(this=relation))


def _spread(table: exp.Table, call: exp.Anonymous, numbered: bool) -> None:
    alias = table.args.get("alias")
    name = alias.name if alias is not None and alias.name else call.name
    columns = [each.copy() for each in alias.columns] if alias is not None else []
    value = SETS.get(call.name) or name
    if value != name and not columns:
        _name_value(table, name, value)
    _replace(table, call, name, value, columns, numbered)


def _spread_pairs(table: exp.Table, call: exp.Anonymous) -> None:
    """`json_each(x) AS t` is `(SELECT keys, values) AS t`, both unnested side by side."""
    alias = table.args.get("alias")
    name = alias.name if alias is not None and alias.name else call.name
    given = call.expressions[0]
    items = [
        exp.alias_(exp.Anonymous(this=each, expressions=[given.copy()]), column, quoted=True)
        for column, each in PAIRS[call.name].items()
    ]
    named = exp.TableAlias(
        this=exp.to_identifier(name, quoted=True),
        columns=[each.copy() for each in alias.columns] if alias is not None else [],
    )
    rows = exp.Select(expressions=items)
    if table.args.get("ordinality"):
        rows = _with_numbers(rows, *PAIRS[call.name])
    made: exp.Expr = exp.Subquery(this=rows, alias=named)
    if given.find(exp.Column) is not None:
        made = exp.Lateral(this=exp.Subquery(this=rows), alias=named)
    joins = table.args.get("joins")
    if joins:
        made.set("joins", joins)
    table.replace(made)


def _name_value(table: exp.Table, name: str, value: str) -> None:
    """The name of a function's rows is also that of their one column."""
    select = table.find_ancestor(exp.Select)
    for column in nodes_of(select, exp.Column) if select is not None else ():
        if not column.table and column.name == name:
            meant: exp.Expr = exp.column(value, table=name, quoted=True)
            if isinstance(column.parent, exp.Select) and column.arg_key == "expressions":
                meant = exp.alias_(meant, name, quoted=True)
            column.replace(meant)


def _spread_numbered(unnest: exp.Unnest) -> None:
    alias, offset = unnest.args.get("alias"), unnest.args["offset"]
    name = alias.name if alias is not None and alias.name else "unnest"
    columns = [each.copy() for each in alias.columns] if alias is not None else []
    if isinstance(offset, exp.Identifier) and columns:
        columns.append(offset.copy())
    call = exp.Anonymous(this="unnest", expressions=unnest.expressions)
    _replace(unnest, call, name, name, columns, numbered=True)


def _replace(
    item: exp.Expr,
    call: exp.Expr,
    name: str,
    value: str,
    columns: list[exp.Expr],
    numbered: bool,
) -> None:
    rows = exp.Select(expressions=[exp.alias_(call.copy(), value, quoted=True)])
    if numbered:
        rows = _with_numbers(rows, value)
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns)
    made: exp.Expr = exp.Subquery(this=rows, alias=alias)
    if call.find(exp.Column) is not None:
        alias.pop()
        made = exp.Lateral(this=made, alias=alias)
    joins = item.args.get("joins")
    if joins:
        made.set("joins", joins)
    item.replace(made)


def _with_numbers(rows: exp.Select, *values: str) -> exp.Select:
    inner = exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("listed", True)))
    number = exp.Window(this=exp.Anonymous(this="row_number"))
    items: list[exp.Expr] = [exp.column(value, table="listed", quoted=True) for value in values]
    items.append(exp.alias_(number, "ordinality", quoted=True))
    return exp.Select(expressions=items, from_=exp.From(this=inner))


def item_columns(item: exp.Expr) -> list[tuple[str, exp.Expr]] | None:
    """Names and expressions of a FROM item that has no FROM of its own; None of any other.

    None, too, of a subquery without LATERAL: what stands beside it is not seen from inside.
    """
    alias = item.args.get("alias")
    names = [each.name for each in alias.columns] if alias is not None else []
    inner = item.this if isinstance(item, exp.Lateral) else item
    if isinstance(inner, exp.Unnest) and len(inner.expressions) == 1:
        call = exp.Anonymous(this="unnest", expressions=[inner.expressions[0].copy()])
        return [(names[0] if names else "unnest", call)]
    if isinstance(inner, exp.Table) and isinstance(inner.this, exp.Anonymous):
        return [(names[0] if names else inner.this.name, inner.this.copy())]
    select = inner.this if inner is not item and isinstance(inner, exp.Subquery) else None
    if not isinstance(select, exp.Select) or any(
        part for key, part in select.args.items() if key != "expressions"
    ):
        return None
    own = [each.alias_or_name or output_name(each) for each in select.expressions]
    named = [*names, *own[len(names) :]]
    return [(n, e.unalias().copy()) for n, e in zip(named, select.expressions, strict=True)]
