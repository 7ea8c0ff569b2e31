"""The one row that has a key, or several, changed or deleted by one statement of DuckDB's.

Otherwise rows are read first, their new values computed, and what comes out is applied by row
identifiers. Where a key names the row and its new values are told there is nothing to read, and a
transaction of its own is that one statement: of a million rows an UPDATE takes half the CPU.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import GatewayError
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.store.disk.faults import duplicate, translated
from gateway.store.rows.changes import Target, assigned_values, columns_named, needs_whole
from gateway.store.rows.references import referring_keys
from gateway.store.rows.row_lookups import Wanted
from gateway.store.transactions.appending import Value, plain_values
from gateway.store.transactions.writes import OneChange

# The bounds of whole numbers by type.
_BOUNDS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What becomes of the row.

    Args:
        wanted: The values it must have, and nothing else is asked of it.
        columns: Columns that are given values; with no `steps` either it is deleted.
        values: Those, a row.
        steps: Column -> sign and operand of `column = column + operand`.
        key: The columns of a key, where it is of several rows, no two of them with the same values
            of these; `wanted` has then a value for each row, `values` a row, and `steps` none.
    """

    wanted: Wanted
    columns: Sequence[str] = ()
    values: pa.RecordBatch | None = None
    steps: Mapping[str, tuple[str, int | float]] = field(default_factory=dict)
    key: Sequence[str] = ()

    @property
    def changed(self) -> list[str]:
        """Every column that is set."""
        return [*self.columns, *self.steps]


def as_one(target: Target, change: KeyChange) -> OneChange | None:
    """The statement that does it; None where rows must be read.

    A step whose result is out of range, or a zero, which DuckDB may take for the other zero, finds
    no row.
    """
    if not (_is_one_row(target.definition, change) and _stands_alone(target, change)):
        return None
    if change.key:
        return _as_several(target, change)
    settings, values = _given(target, change)
    if settings is None:
        return None
    conditions, held = [], []
    for name, (sign, operand) in change.steps.items():
        place = target.inside[name]
        kind = target.definition.column(name).type.name
        result = f"{place if kind == 'float8' else f'{place}::HUGEINT'} {sign} ?"
        settings.append(f"{place} = {result}")
        values.append(operand)
        if kind == "float8":
            conditions.append(f"({place} IS NULL OR isfinite({result}) AND {result} <> 0)")
            held += [operand, operand]
        else:
            low, high = -_BOUNDS[kind], _BOUNDS[kind] - 1
            conditions.append(f"({place} IS NULL OR {result} BETWEEN {low} AND {high})")
            held.append(operand)
    same = [f"{target.inside[name]} = ?" for name in change.wanted]
    keys = [value for (value,) in change.wanted.values()]
    verb = f"UPDATE {target.place} SET {', '.join(settings)}"
    if not settings:
        verb = f"DELETE FROM {target.place}"
    text = f"{verb} WHERE {' AND '.join([*same, *conditions])}"
    given = [*values, *keys, *held]
    one = OneChange(target.oid, text, given, bool(change.steps))
    if settings and all(map(_is_alike, given)) and all(type(key) in (int, str) for key in keys):
        one.together = _together(verb, [*same, *conditions])
        one.named = tuple(f"given{n}" for n in range(len(values), len(values) + len(keys)))
    return one


def _as_several(target: Target, change: KeyChange) -> OneChange | None:
    """The statement that does it to several rows, which gives back their keys."""
    new: dict[str, pa.Array] = {}
    if change.values is not None:
        named = columns_named(target.definition, change.columns)
        try:
            new = assigned_values(named, change.values.columns)
        except GatewayError:  # whose row it is, is found out one by one
            return None
        if any(_is_delicate(new[column.name], column) for column in named):
            return None
    given = {target.inside[name]: values for name, values in new.items()}
    wanted = {target.inside[name]: pa.array(values) for name, values in change.wanted.items()}
    columns = [*given.values(), *wanted.values()]
    delta = pa.table(columns, [f"given{n}" for n in range(len(columns))])
    settings = [f"{place} = delta.given{n}" for n, place in enumerate(given)]
    same = [f"old.{place} = delta.given{n}" for n, place in enumerate(wanted, len(given))]
    verb = f"UPDATE {target.place} AS old SET {', '.join(settings)} FROM delta"
    if not settings:
        verb = f"DELETE FROM {target.place} AS old USING delta"
    text = f"{verb} WHERE {' AND '.join(same)}"
    return OneChange(target.oid, text, (), delta=delta, key=[target.inside[n] for n in change.key])


def _is_delicate(values: pa.Array, column: Column) -> bool:
    """Whether a NULL is refused, or a zero is there, which is written by `changes`."""
    if column.not_null and values.null_count:
        return True
    return pa.types.is_floating(values.type) and bool(pc.any(pc.equal(values, 0)).as_py())


def _is_alike(value: Value) -> bool:
    """Whether DuckDB takes a value from a column as it does a parameter."""
    return type(value) in (float, str) or (type(value) is int and -(2**63) <= value < 2**63)


def _together(verb: str, conditions: Sequence[str]) -> str:
    """The statement over a table `delta` whose columns are the parameters, in order."""
    text = f"{verb} FROM delta WHERE {' AND '.join(conditions)}"
    first, *rest = text.split("?")
    return first + "".join(f"delta.given{n}{part}" for n, part in enumerate(rest))


def refuse_taken(target: Target, rows: pa.RecordBatch) -> None:
    """Refuse a row to be appended whose key is there, before DuckDB does.

    DuckDB gives up the transaction with it, and to go back to a savepoint all of it is done again.
    Only one row is looked at, and keys of one column that are shown alike here and there.

    Raises:
        UniqueViolation: 23505.
    """
    if rows.num_rows != 1:
        return
    for names, called in target.definition.key_names().items():
        value = rows.column(names[0])[0].as_py()
        kind = target.definition.column(names[0]).type.name
        if len(names) > 1 or kind not in _SHOWN_ALIKE or value is None:
            continue
        query = f"SELECT 1 FROM {target.place} WHERE {target.inside[names[0]]} = ?"
        with translated():
            taken = target.transaction.cursor.execute(query, [value]).fetchall()
        if taken:
            raise duplicate(target.definition, called, {names[0]: str(value)})


_SHOWN_ALIKE = frozenset({"int2", "int4", "int8", "text", "varchar"})


def _is_one_row(definition: TableDefinition, change: KeyChange) -> bool:
    """Whether DuckDB holds a key that lets no two rows have these values."""
    if change.key:
        return tuple(change.key) == key_among(definition, change.wanted)
    one_each = all(len(values) == 1 for values in change.wanted.values())
    return one_each and key_among(definition, change.wanted) is not None


def key_among(definition: TableDefinition, names: Collection[str]) -> tuple[str, ...] | None:
    """The first key of a table whose columns are all among some names."""
    found = (tuple(key) for key in definition.key_names() if set(key).issubset(names))
    return next(found, None)


def _stands_alone(target: Target, change: KeyChange) -> bool:
    """Whether nothing that the table is declared with has to look at the row."""
    definition, changed = target.definition, set(change.changed)
    keys = [key for _, key in referring_keys(target)]
    if not changed:
        return not keys
    watched = {name for key in keys for name in key.referenced}
    watched |= {name for key in definition.foreign_keys for name in key.columns}
    watched |= {name for key in definition.keys for name in (*key.columns, *key.reads)}
    lists = any(definition.column(name).type.element for name in changed)
    bound = any(_is_bound(definition.column(name)) for name in changed)
    unsound = any(not key.valid for key in definition.foreign_keys)
    return not (changed & watched or lists or bound or unsound or needs_whole(definition))


def _is_bound(column: Column) -> bool:
    """Whether its domain refuses values."""
    return column.domain is not None and column.domain.is_bound


def _given(target: Target, change: KeyChange) -> tuple[list[str] | None, list[Value]]:
    """The settings of `columns`, and their values."""
    if change.values is None or not change.columns:
        return [], []
    columns = columns_named(target.definition, change.columns)
    found = assigned_values(columns, change.values.columns)
    values = plain_values(pa.table(found))
    if values is None:
        return None, []
    for column, value in zip(columns, values, strict=True):
        # A NULL is refused in a row that is there; a zero is written by `changes`.
        if (value is None and column.not_null) or (type(value) is float and not value):
            return None, []
    return [f"{target.inside[column.name]} = ?" for column in columns], values
