"""json_to_record and its like in FROM: JSON as rows of the columns that an alias declares."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type

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
        FeatureNotSupported: 0A000, one is an array.
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
    made: exp.Expr = exp.Subquery(this=outer, alias=named)
    if any(True for _ in call.find_all(exp.Column)):  # of what stands before it
        made = exp.Lateral(this=exp.Subquery(this=outer), alias=named.copy())
    for key in ("joins", "pivots"):
        if table.args.get(key):
            made.set(key, table.args[key])
    table.replace(made)


def _member(item: exp.Expr, column: exp.ColumnDef, call: exp.Anonymous) -> exp.Expr:
    """The member of the column's name as a value of its type."""
    wanted = column.args["kind"]
    key = exp.Literal.string(column.name)
    if wanted.this == exp.DType.ARRAY:
        raise FeatureNotSupported(
            f"{call.name} with a column that is an array is not supported",
            hint="Declare it as json, and take it apart with json_array_elements.",
            position=position_of(call),
        )
    part = exp.JSONExtract if wanted.this in _JSONS else exp.JSONExtractScalar
    value: exp.Expr = part(this=item.copy(), expression=key)
    if wanted.this != exp.DType.TEXT:
        value = exp.Cast(this=value, to=wanted.copy())
    return exp.alias_(value, column.name, quoted=True)
