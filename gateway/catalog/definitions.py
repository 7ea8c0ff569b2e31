"""CREATE TABLE as it was written -> the definition that the store keeps."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidParameterValue, InvalidTableDefinition
from gateway.sources.table import TableName
from gateway.sql.dialect import to_engine
from gateway.sql.parameters import postgres_type
from gateway.sql.scope import position_of
from gateway.store.definitions import Column, TableDefinition
from gateway.types import Type

# PostgreSQL keeps the header's four bytes in the type modifier (varchar.c, numeric.c).
_HEADER = 4


def table_definition(name: TableName, tree: exp.Create) -> TableDefinition:
    """The definition of the table that `tree` creates, under `name`.

    Raises:
        FeatureNotSupported: 0A000, a constraint this server lacks.
        UndefinedObject: 42704, an unknown type.
        InvalidTableDefinition: 42P16, two primary keys.
    """
    columns: list[Column] = []
    primary: list[tuple[str, ...]] = []
    unique: list[tuple[str, ...]] = []
    for item in tree.this.expressions if isinstance(tree.this, exp.Schema) else ():
        if isinstance(item, exp.ColumnDef):
            columns.append(_column(item, primary, unique))
        else:
            _table_constraint(item, primary, unique)
    if len(primary) > 1:
        raise InvalidTableDefinition(
            f'multiple primary keys for table "{name.name}" are not allowed',
            position=position_of(tree),
        )
    return TableDefinition(name, tuple(columns), primary[0] if primary else (), tuple(unique))


def _column(
    item: exp.ColumnDef, primary: list[tuple[str, ...]], unique: list[tuple[str, ...]]
) -> Column:
    kind = item.args.get("kind")
    if kind is None:
        raise FeatureNotSupported(f'column "{item.name}" needs a type', position=position_of(item))
    not_null, default = False, None
    for constraint in item.args.get("constraints") or ():
        rule = constraint.kind
        if isinstance(rule, exp.NotNullColumnConstraint):
            not_null = not rule.args.get("allow_null")
        elif isinstance(rule, exp.DefaultColumnConstraint):
            default = to_engine(rule.this)
        elif isinstance(rule, exp.PrimaryKeyColumnConstraint):
            primary.append((item.name,))
        elif isinstance(rule, exp.UniqueColumnConstraint):
            unique.append((item.name,))
        else:
            raise _unsupported(rule)
    known = postgres_type(kind)
    return Column(item.name, known, type_modifier(known, kind), not_null, default)


def _table_constraint(
    item: exp.Expr, primary: list[tuple[str, ...]], unique: list[tuple[str, ...]]
) -> None:
    if isinstance(item, exp.Constraint) and len(item.expressions) == 1:
        item = item.expressions[0]
    if isinstance(item, exp.PrimaryKey):
        primary.append(_key(item))
    elif isinstance(item, exp.UniqueColumnConstraint) and item.this is not None:
        unique.append(_key(item.this))
    else:
        raise _unsupported(item)


def _key(item: exp.Expr) -> tuple[str, ...]:
    return tuple(column.name for column in item.expressions)


def _unsupported(rule: exp.Expr) -> FeatureNotSupported:
    words = rule.sql(dialect="postgres").partition("(")[0].strip() or rule.key.upper()
    return FeatureNotSupported(
        f"{words} in CREATE TABLE is not supported",
        hint="NOT NULL, DEFAULT, PRIMARY KEY and UNIQUE are.",
        position=position_of(rule),
    )


def type_modifier(known: Type, kind: exp.DataType) -> int:
    """PostgreSQL's typmod for varchar(n), char(n) and numeric(p, s); -1 when there is none.

    Raises:
        InvalidParameterValue: 22023, a length or precision out of bounds.
    """
    sizes = [int(size.name) for size in kind.expressions if isinstance(size, exp.DataTypeParam)]
    if known.name == "bpchar" and not sizes:
        sizes = [1] if kind.this != exp.DType.BPCHAR else []
    if not sizes:
        return -1
    if known.name in ("varchar", "bpchar"):
        if not 1 <= sizes[0] <= 10_485_760:
            raise InvalidParameterValue(f"length for type {known.name} must be at least 1")
        return sizes[0] + _HEADER
    if known.name == "numeric":
        precision, scale = sizes[0], sizes[1] if len(sizes) > 1 else 0
        if not 1 <= precision <= 1000:
            raise InvalidParameterValue(f"NUMERIC precision {precision} must be between 1 and 1000")
        return ((precision << 16) | (scale & 0x7FF)) + _HEADER
    return -1
