"""Tables as they were written -> the definitions that the store keeps.

Constraints at a column and those of the table become the same rows; serial and identity columns get
a sequence; LIKE copies. Names and contradictions are the store's to settle (`store.constraints`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from sqlglot import exp

from gateway.catalog.renaming import unqualified
from gateway.catalog.row_expressions import (
    refuse_generated_of_generated,
    refuse_in_default,
    refuse_in_generated,
    refuse_subquery,
)
from gateway.catalog.sequence_numbers import refuse_no_integer, sequence_of
from gateway.errors import (
    InvalidColumnReference,
    InvalidParameterValue,
    InvalidTableDefinition,
    SyntaxFault,
    UndefinedColumn,
    UndefinedObject,
)
from gateway.sources.table import TableName
from gateway.sql.names.scope import position_of
from gateway.sql.statements.commands import Name
from gateway.sql.statements.constraints import ConstraintSpec, Written
from gateway.sql.statements.sequences import SequenceOptions
from gateway.sql.statements.tables import ColumnSpec, Item, LikeSpec
from gateway.sql.text.datatypes import DOMAIN
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import identifier
from gateway.sql.types import modifiers
from gateway.sql.types.parameters import postgres_type
from gateway.store.definitions.constraints import chosen_name
from gateway.store.definitions.definitions import (
    Check,
    Column,
    ForeignKey,
    Key,
    Sequence,
    TableDefinition,
)
from gateway.store.definitions.domains import Domain
from gateway.store.rows.defaults import constant_default
from gateway.types import INT2, INT4, INT8, Type, with_dimensions

# PostgreSQL keeps the header's four bytes in the type modifier (varchar.c, numeric.c).
_HEADER = 4

# Not types, but integers with a sequence (manual, 8.1.4).
_SERIAL = {
    "smallserial": INT2, "serial2": INT2, "serial": INT4, "serial4": INT4, "bigserial": INT8,
    "serial8": INT8,
}  # fmt: skip

# A name as it is written -> where that table is; raises 42P01.
Resolve = Callable[[Name], TableName]
Existing = Callable[[Name], TableDefinition]


def _once(keys: list[Key]) -> tuple[Key, ...]:
    """Keys without those that say the same again, whose names the others take if they have none.

    The primary key stays (parse_utilcmd.c, transformIndexConstraints).
    """
    kept: dict[object, Key] = {}
    for key in sorted(keys, key=lambda each: not each.primary):
        same = kept.setdefault(replace(key, name="", primary=False), key)
        kept[replace(key, name="", primary=False)] = replace(same, name=same.name or key.name)
    return tuple(kept.values())


@dataclass(slots=True)
class Building:
    """A definition on its way: what its parts added so far.

    `taken` are names in its schema; `sequences` hold column -> the sequence it is to own.
    """

    name: TableName
    resolve: Resolve
    existing: Existing
    taken: Collection[str] = ()
    bind_types: Callable[[exp.Expr], None] = lambda tree: None
    domains: Collection[Domain] = ()
    columns: list[Column] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    copied: list[Key] = field(default_factory=list)  # by LIKE
    checks: list[Check] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    is_new: bool = True  # a table without rows, for which everything is valid

    def add(self, item: Item) -> None:
        """Add a column, a constraint or what LIKE copies.

        Raises:
            GatewayError: 42601, 42703, 42704, 42P16, 22023, 0A000.
        """
        if isinstance(item, ColumnSpec):
            self._add_column(item)
        elif isinstance(item, LikeSpec):
            self._add_like(item)
        else:
            self.add_constraint(item, item.columns)

    def definition(self) -> TableDefinition:
        """What was added, as a table."""
        for check in self.checks:
            _refuse_unknown(check, self.columns)
        refuse_generated_of_generated(self.columns)
        return TableDefinition(
            self.name,
            tuple(self.columns),
            (*(_once(self.keys) if self.is_new else self.keys), *self.copied),
            tuple(self.checks),
            tuple(self.foreign_keys),
        )

    def _add_column(self, item: ColumnSpec) -> None:
        serial = _SERIAL.get(item.type.lower().strip())
        if serial is not None:
            column = Column(item.name, serial, not_null=True)
            column = replace(column, default=self._serial(column))
        else:
            known, typmod, domain = read_type(
                item.type, self.bind_types, item.position, self.domains
            )
            column = Column(item.name, known, typmod, domain=domain)
        seen = set() if serial is None else {"default"}
        for rule in item.constraints:
            if rule.kind in seen and rule.kind in ("default", "identity", "generated"):
                raise SyntaxFault(
                    f'multiple {rule.kind} values specified for column "{item.name}" of table'
                    f' "{self.name.name}"',
                    position=rule.position if serial is None else 0,
                )
            seen.add(rule.kind)
            column = self._constrained(column, rule)
        _refuse_both(self.name.name, column, "null" in seen)
        self.columns.append(column)

    def _constrained(self, column: Column, rule: ConstraintSpec) -> Column:
        match rule.kind:
            case "not null":
                return replace(column, not_null=True)
            case "null":
                return column
            case "default":
                assert rule.expression is not None
                return with_default(column, rule.expression)
            case "generated":
                assert rule.expression is not None
                refuse_in_generated(rule.expression)
                text = unqualified(rule.expression.text, self.name)
                return replace(column, generated=text)
            case "identity":
                self._identity(column, rule.options or SequenceOptions())
                return replace(column, identity=rule.identity, not_null=True)
        self.add_constraint(rule, (column.name,))
        return column

    def add_constraint(self, rule: ConstraintSpec, columns: Name) -> None:
        """Add a constraint over these columns."""
        if rule.kind in ("primary key", "unique"):
            if rule.kind == "primary key" and any(key.primary for key in self.keys):
                raise InvalidTableDefinition(
                    f'multiple primary keys for table "{self.name.name}" are not allowed',
                    position=rule.position,
                )
            self.keys.append(
                Key(
                    columns,
                    rule.name,
                    rule.kind == "primary key",
                    deferrable=rule.deferrable,
                    nulls_distinct=rule.nulls_distinct,
                    included=rule.included,
                )
            )
        elif rule.kind == "check":
            assert rule.expression is not None
            check = check_of(rule.expression, rule.name, self.name)
            self.checks.append(replace(check, valid=rule.valid or self.is_new))
        else:
            for name in rule.emptied:
                if name not in columns:
                    raise InvalidColumnReference(
                        f'column "{name}" referenced in ON DELETE SET action must be part of'
                        " foreign key"
                    )
            own = (self.name.schema, self.name.name)
            parent = self.name if rule.table in (own, own[1:]) else self.resolve(rule.table)
            self.foreign_keys.append(
                ForeignKey(
                    columns,
                    parent,
                    rule.referenced,
                    rule.name,
                    rule.on_delete,
                    rule.on_update,
                    rule.deferrable,
                    rule.match,
                    rule.valid or self.is_new or bool(rule.deferrable),
                    rule.emptied,
                )
            )

    def _serial(self, column: Column) -> str:
        sequence = self._sequence(column, SequenceOptions())
        place = f"{identifier(sequence.name.schema)}." if sequence.name.schema != "public" else ""
        text = f"{place}{identifier(sequence.name.name)}".replace("'", "''")
        return f"nextval('{text}'::regclass)"

    def _identity(self, column: Column, options: SequenceOptions) -> None:
        refuse_no_integer(column.type)
        self._sequence(column, options)

    def _sequence(self, column: Column, options: SequenceOptions) -> Sequence:
        table, used = self.name.name, {*self.taken, *(s.name.name for s in self.sequences.values())}
        name = options.name or chosen_name(table, column.name, "seq", used)
        made = sequence_of(TableName(self.name.schema, name), options, column.type)
        self.sequences[column.name] = made
        return made

    def _add_like(self, item: LikeSpec) -> None:
        other = self.existing(item.table)
        for column in other.columns:
            copy = replace(
                Column(column.name, column.type, column.typmod, column.not_null),
                domain=column.domain,
            )
            if "defaults" in item.including:
                copy = replace(copy, default=column.default)
            if "generated" in item.including:
                copy = replace(copy, generated=column.generated)
            if "comments" in item.including:
                copy = replace(copy, comment=column.comment)
            if "identity" in item.including and column.identity:
                self._identity(column, SequenceOptions())
                copy = replace(copy, identity=column.identity)
            self.columns.append(copy)
        if "constraints" in item.including:
            self.checks += other.checks
        if "indexes" in item.including:
            self.copied += [replace(key, name="") for key in other.keys]


def check_of(expression: Written, name: str, table: TableName) -> Check:
    """A CHECK over the columns that its expression names.

    Raises:
        FeatureNotSupported: 0A000, a subquery. GroupingError: 42803, an aggregate.
    """
    refuse_subquery(expression, "check constraint")
    columns = []
    for column in expression.tree.find_all(exp.Column):
        if column.table not in ("", table.name):
            raise InvalidColumnReference(
                f'missing FROM-clause entry for table "{column.table}"',
                position=position_of(column),
            )
        columns.append(column.name)
    text = unqualified(expression.text, table)
    return Check(text, name, tuple(dict.fromkeys(columns)))


def _refuse_unknown(check: Check, columns: list[Column]) -> None:
    known = {column.name for column in columns}
    for name in check.columns:
        if name not in known:
            raise UndefinedColumn(f'column "{name}" does not exist')


def with_default(column: Column, expression: Written) -> Column:
    """The column with this DEFAULT; what stands in quotes for an array is of the column's type.

    Raises:
        FeatureNotSupported: 0A000, GroupingError: 42803; see `refuse_in_default`.
        GatewayError: 22P02, 22003, 22007, ...: text in quotes that is no value of the type.
    """
    refuse_in_default(expression)
    text = expression.text
    if column.type.element is not None and expression.tree.is_string:
        text = f"{text}::{column.type.sql}"
    made = replace(column, default=None if text.upper() == "NULL" else text)
    if expression.tree.is_string:
        constant_default(made)  # PostgreSQL reads it now, too
    return made


def _refuse_both(table: str, column: Column, null: bool) -> None:
    both = [
        word
        for word, given in (
            ("default", column.default is not None),
            ("identity", bool(column.identity)),
            ("generation expression", column.generated is not None),
        )
        if given
    ]
    if len(both) > 1:
        raise SyntaxFault(
            f'both {both[0]} and {both[1]} specified for column "{column.name}" of table "{table}"'
        )
    if null and column.not_null:
        raise SyntaxFault(
            f'conflicting NULL/NOT NULL declarations for column "{column.name}" of table "{table}"'
        )


# The sizes that int[3] and int ARRAY[3] may have, which say nothing to PostgreSQL either.
_SIZES = re.compile(r"(\barray)?\s*\[\s*\d+\s*\]", re.IGNORECASE)


def read_type(
    text: str,
    bind_types: Callable[[exp.Expr], None],
    position: int = 0,
    domains: Collection[Domain] = (),
) -> tuple[Type, int, Domain | None]:
    """A column's type and its modifier, and the domain, of which these are what is beneath it.

    Args:
        text: The type as it was written.
        bind_types: Finds those of users' own.
        position: Where it was written.
        domains: All that there are.

    Raises:
        UndefinedObject: 42704, no such type.
        InvalidParameterValue: 22023, a length or precision out of bounds.
    """
    spelt = _SIZES.sub(lambda sized: sized[1] or "[]", " ".join(text.split()))
    try:
        cast = parse(f"SELECT CAST(NULL AS {spelt})")[0].expressions[0]
        bind_types(cast)
        kind = cast.args["to"]
        known = postgres_type(kind)
        count = len(list(kind.find_all(exp.DataType))) - 1
        named = kind.args.get(DOMAIN)
        domain = next((each for each in domains if named and each.oid == named.oid), None)
        if domain is not None:
            return domain.base, domain.typmod, domain
        return with_dimensions(known, count), type_modifier(known, kind), None
    except (UndefinedObject, SyntaxFault) as error:
        raise UndefinedObject(f'type "{spelt}" does not exist', position=position) from error


def type_modifier(known: Type, kind: exp.DataType) -> int:
    """PostgreSQL's typmod for varchar(n), char(n) and numeric(p, s); -1 when there is none.

    Raises:
        InvalidParameterValue: 22023, a length or precision out of bounds.
    """
    if known.element is not None and kind.expressions:  # that of its elements
        return type_modifier(known.element, list(kind.find_all(exp.DataType))[-1])
    if known.name in ("timestamp", "timestamptz", "time", "interval"):
        return modifiers.type_modifier(kind)
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
        return modifiers.numeric_modifier(precision, scale)
    return -1
