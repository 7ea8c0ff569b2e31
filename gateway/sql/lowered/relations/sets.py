"""Functions in FROM that give rows, WITH ORDINALITY, and LATERAL over them.

The engine knows unnest and generate_series in FROM; what else gives rows stands in a SELECT list
of a subquery of its own: unnest of several arrays, numbered or kept by LEFT JOIN, and
json_to_record and its like, whose columns an alias declares. It runs nothing that looks at a
relation beside it: where such an item has no FROM itself, its columns become columns of what stands
before it (`laterals`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.lowered.relations.value_rows import as_select, select_values
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.row_functions import NUMBERED, PAIRS, SETS
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import put
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.inference import GIVES
from gateway.types import TEXT, array_of

_TELLING = (exp.Identifier, exp.Literal, exp.Anonymous, exp.Parameter)
_WORDS = re.compile(r"[\w.+-]+")


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
            among.set("query", exp.Subquery(this=as_select(listed[0])))


def _spread(table: exp.Table, call: exp.Anonymous, numbered: bool) -> None:
    alias = alias_of(table, call.name)
    value = SETS.get(call.name) or alias.name
    if value != alias.name and not alias.columns:
        _name_value(table, alias.name, value)
    _replace(table, call, alias, value, numbered)


def _spread_pairs(table: exp.Table, call: exp.Anonymous) -> None:
    """`json_each(x) AS t` is `(SELECT keys, values) AS t`, both unnested side by side."""
    given = call.expressions[0]
    items = [
        exp.alias_(exp.Anonymous(this=each, expressions=[given.copy()]), column, quoted=True)
        for column, each in PAIRS[call.name].items()
    ]
    rows = exp.Select(expressions=items)
    if table.args.get("ordinality"):
        rows = with_numbers(rows)
    put_in_from(table, rows, alias_of(table, call.name), looks=looks_around(given))


def _name_value(table: exp.Table, name: str, value: str) -> None:
    """The name of a function's rows is also that of their one column."""
    select = table.find_ancestor(exp.Select)
    for column in nodes_of(select, exp.Column) if select is not None else ():
        if not column.table and column.name == name:
            put(column, exp.column(value, table=name, quoted=True))


def _spread_numbered(unnest: exp.Unnest) -> None:
    alias, offset = alias_of(unnest, "unnest"), unnest.args["offset"]
    if isinstance(offset, exp.Identifier) and alias.columns:
        alias.append("columns", offset.copy())
    call = exp.Anonymous(this="unnest", expressions=unnest.expressions)
    _replace(unnest, call, alias, alias.name, numbered=True)


def _replace(
    item: exp.Expr, call: exp.Expr, alias: exp.TableAlias, value: str, numbered: bool
) -> None:
    rows = exp.Select(expressions=[exp.alias_(call.copy(), value, quoted=True)])
    put_in_from(item, with_numbers(rows) if numbered else rows, alias, looks=looks_around(call))


def alias_of(item: exp.Expr, name: str) -> exp.TableAlias:
    """The name and the columns that an item of FROM is given; without one it goes by `name`."""
    written = item.args.get("alias")
    columns = [each.copy() for each in written.columns] if written is not None else []
    name = (written.name if written is not None else "") or name
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns)


def put_in_from(item: exp.Expr, rows: exp.Select, alias: exp.TableAlias, *, looks: bool) -> None:
    """Let a query stand in the place of an item of FROM; LATERAL where it looks at those before."""
    made: exp.Expr = exp.Subquery(this=rows, alias=None if looks else alias)
    if looks:
        made = exp.Lateral(this=made, alias=alias)
    for key in ("joins", "pivots"):
        if item.args.get(key):
            made.set(key, item.args[key])
    item.replace(made)


def looks_around(value: exp.Expr) -> bool:
    """Whether a column stands in it: of an item of FROM, one of what stands before it."""
    return value.find(exp.Column) is not None


def with_numbers(rows: exp.Select) -> exp.Select:
    """The rows of a SELECT, each with its number after its columns."""
    number = exp.Window(this=exp.Anonymous(this="row_number"))
    items = [exp.Star(), exp.alias_(number, "ordinality", quoted=True)]
    return exp.Select(expressions=items, from_=exp.From(this=rows.subquery("listed", copy=False)))


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


# The function -> the one that gives a row for each element; "" where there is one row.
RECORDS = {
    "json_to_record": "",
    "jsonb_to_record": "",
    "json_to_recordset": "json_array_elements",
    "jsonb_to_recordset": "jsonb_array_elements",
}
_JSONS = (exp.DType.JSON, exp.DType.JSONB)


def spread_record(table: exp.Table, call: exp.Anonymous) -> None:
    """Write the call in FROM as a subquery, in place.

    Raises:
        SyntaxFault: 42601, the columns are not declared.
        FeatureNotSupported: 0A000, one is an array of arrays or of JSON.
    """
    alias = table.args.get("alias")
    columns = alias.columns if alias is not None else []
    if alias is None or not columns or not all(isinstance(each, exp.ColumnDef) for each in columns):
        raise SyntaxFault(
            'a column definition list is required for functions returning "record"',
            position=position_of(call),
        )
    kind = "jsonb" if call.name.startswith("jsonb") else "json"
    document = exp.Cast(this=call.expressions[0].copy(), to=data_type(kind))
    rows = RECORDS[call.name]
    listed = [exp.Anonymous(this=rows, expressions=[document])] if rows else [document]
    inner = exp.Select(expressions=[exp.alias_(each, "item", quoted=True) for each in listed])
    item = exp.column("item", table="items", quoted=True)
    values = [_member(item, each, call) for each in columns]
    outer = exp.Select(expressions=values).from_(inner.subquery("items"))
    named = exp.TableAlias(this=alias.this.copy() if alias.this else exp.to_identifier(call.name))
    put_in_from(table, outer, named, looks=looks_around(call))


def _member(item: exp.Expr, column: exp.ColumnDef, call: exp.Anonymous) -> exp.Expr:
    """The member of the column's name as a value of its type."""
    wanted = column.args["kind"]
    key = exp.Literal.string(column.name)
    if wanted.this == exp.DType.ARRAY:
        return exp.alias_(_member_array(item, key, wanted, call), column.name, quoted=True)
    part = exp.JSONExtract if wanted.this in _JSONS else exp.JSONExtractScalar
    value: exp.Expr = part(this=item.copy(), expression=key)
    if wanted.this != exp.DType.TEXT:
        value = exp.Cast(this=value, to=wanted.copy())
    return exp.alias_(value, column.name, quoted=True)


def _member_array(
    item: exp.Expr, key: exp.Expr, wanted: exp.DataType, call: exp.Anonymous
) -> exp.Expr:
    """The elements of a member that is an array; one that is a string is the text of an array."""
    if wanted.expressions[0].this in (*_JSONS, exp.DType.ARRAY):
        raise FeatureNotSupported(
            f"{call.name} with a column of arrays of arrays, or of JSON, is not supported",
            hint="Declare it as json, and take it apart with json_array_elements.",
            position=position_of(call),
        )
    member = exp.JSONExtract(this=item.copy(), expression=key.copy())
    elements = exp.Anonymous(this="json_texts", expressions=[member.copy()])
    elements.meta[GIVES] = array_of(TEXT)
    text = exp.JSONExtractScalar(this=item.copy(), expression=key.copy())
    kind = exp.Anonymous(this="json_kind", expressions=[member])
    kind.meta[GIVES] = TEXT
    ifs = [
        exp.If(this=exp.Literal.string("string"), true=exp.Cast(this=text, to=wanted.copy())),
        exp.If(this=exp.Literal.string("null"), true=exp.Null()),
    ]
    return exp.Case(this=kind, ifs=ifs, default=exp.Cast(this=elements, to=wanted.copy()))


def spread_unnest(item: exp.Unnest) -> None:
    """Write it as such a subquery where the engine or `laterals` need one, in place."""
    _name_apart(item)
    arrays, looks = item.expressions, item.find(exp.Column) is not None
    numbered = bool(item.args.get("offset"))
    kept = looks and _is_kept(item)
    if kept:  # a row of NULLs where there is no element
        nothing = exp.Array(expressions=[exp.Null()])
        first = exp.Anonymous(
            this="nullif", expressions=[arrays[0].copy(), exp.Array(expressions=[])]
        )
        whole = exp.Anonymous(this="coalesce", expressions=[first, nothing])
        arrays = [whole, *(each.copy() for each in arrays[1:])]
    elif not is_matched(item) and [looks, numbered, len(arrays) > 1].count(True) < 2:
        return
    items: list[exp.Expr] = [
        exp.alias_(exp.Anonymous(this="unnest", expressions=[each.copy()]), "unnest", quoted=True)
        for each in arrays
    ]
    if numbered:
        items.append(_numbers(item.expressions))
    _put(item, items)


def _name_apart(unnest: exp.Unnest) -> None:
    """Arrays side by side: the engine names them by their text, casts left out, and refuses two
    of one name."""
    taken: set[str] = set()
    for array in unnest.expressions:
        made = array
        while (name := _named(made)) in taken:
            made = exp.Anonymous(this="coalesce", expressions=[made.copy()])
        taken.add(name)
        if made is not array:
            array.replace(made)


def _named(value: exp.Expr) -> str:
    """The words in what the engine calls an expression, be it a literal or an array of them."""
    told = value.walk(prune=lambda node: isinstance(node, exp.DataType))
    return " ".join(_WORDS.findall(" ".join(n.name for n in told if isinstance(n, _TELLING))))


def _is_kept(item: exp.Unnest) -> bool:
    join = item.parent
    on = join.args.get("on") if isinstance(join, exp.Join) else None
    always = isinstance(on, exp.Boolean) and bool(on.this)
    return isinstance(join, exp.Join) and join.side == "LEFT" and always


def is_matched(item: exp.Expr) -> bool:
    """Whether its rows, of what stands before it, are joined by a condition, or where none is."""
    join = item.parent
    if not isinstance(join, exp.Join) or item.find(exp.Column) is None:
        return False
    on = join.args.get("on")
    always = on is None or (isinstance(on, exp.Boolean) and bool(on.this))
    return bool(join.side) or not always


def _numbers(arrays: Sequence[exp.Expr]) -> exp.Expr:
    """1 to the length of the longest."""
    lengths = [exp.Anonymous(this="cardinality", expressions=[each.copy()]) for each in arrays]
    longest = lengths[0] if len(lengths) == 1 else exp.Anonymous(
        this="greatest", expressions=lengths
    )  # fmt: skip
    last = exp.Cast(this=longest, to=data_type("bigint"))
    series = exp.Anonymous(this="generate_series", expressions=[exp.Literal.number(1), last])
    return exp.alias_(series, "ordinality", quoted=True)


def _put(item: exp.Unnest, items: list[exp.Expr]) -> None:
    alias, offset = alias_of(item, "unnest"), item.args.get("offset")
    if isinstance(offset, exp.Identifier):
        alias.append("columns", offset.copy())
    if item.args.get("alias") is not None and not alias.columns and len(item.expressions) == 1:
        alias.set("columns", [alias.this.copy()])  # the one column goes by the same name
    looks = any(map(looks_around, item.expressions))
    put_in_from(item, exp.Select(expressions=items), alias, looks=looks)
