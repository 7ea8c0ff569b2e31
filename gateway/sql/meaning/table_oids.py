"""tableoid: the number of the table that a row is of, in the column's place.

And xmin of the catalogue's relations, whose rows pgAdmin asks for it: 1, as in every row there.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import AmbiguousColumn
from gateway.sources.table import TableName
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes_of

_NAME, _WRITER = "tableoid", "xmin"
_XID = exp.DataType(this=exp.DType.USERDEFINED, kind=exp.to_identifier("xid"))
_CATALOGUE = ("pg_catalog", "information_schema")


def put_table_oids(tree: exp.Expr, relations: Relations) -> None:
    """Put the number of its table in the place of every tableoid whose table is told, in place.

    Of xmin the same.

    Where an outer join may make it NULL it is left, and found to be no column.

    Raises:
        AmbiguousColumn: 42702, it may be of several tables.
    """
    for column in nodes_of(tree, exp.Column):
        if column.name not in (_NAME, _WRITER):
            continue
        select = column.find_ancestor(exp.Select)
        oid = None if select is None else _oid_of(column, select, relations)
        if oid is None:
            continue
        kind = data_type("oid") if column.name == _NAME else _XID.copy()
        number: exp.Expr = exp.Cast(this=exp.Literal.number(oid), to=kind)
        if column.parent is select and column.arg_key == "expressions":
            number = exp.Alias(this=number, alias=exp.to_identifier(column.name, quoted=True))
        column.replace(number)


def _oid_of(column: exp.Column, select: exp.Select, relations: Relations) -> int | None:
    start = select.args.get("from_")
    joins = select.args.get("joins") or []
    outer = {join.side for join in joins} - {""}
    if start is None or (outer and (outer != {"LEFT"} or start.this.alias_or_name != column.table)):
        return None
    sources = [start.this, *(join.this for join in joins)]
    if column.table:
        sources = [source for source in sources if source.alias_or_name == column.table]
    oids = [_oid(source, relations, column.name) for source in sources]
    if not oids or None in oids:
        return None
    if len(oids) > 1:
        raise AmbiguousColumn(
            f'column reference "{column.name}" is ambiguous', position=position_of(column)
        )
    return oids[0]


def _oid(source: exp.Expr, relations: Relations, asked: str) -> int | None:
    """The number of a table, or of who wrote its rows; None where neither is told."""
    if not isinstance(source, exp.Table):
        return None
    if asked == _WRITER:
        return 1 if source.db in _CATALOGUE else None
    columns = relations.get(TableName(source.db, source.name)) or {}
    return next((info.origin[0] or None for info in columns.values()), None)
