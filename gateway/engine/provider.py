"""Any `Table` as a dataset that DataFusion scans: projection and filters handed down, exactly.

DataFusion takes a `pyarrow.dataset.Dataset` and asks it for a schema and fragments while it
plans, and each fragment, one partition, for a scanner of batches. It hands filters down as
exact, so what is not applied in full gives wrong rows. Its filters mean what SQL says about NULL
and what PostgreSQL says about NaN, but arrive as pyarrow expressions, which mean something else:
they are rewritten here before a table sees them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from gateway.errors import FeatureNotSupported, GatewayError, InternalError
from gateway.sources.filters import predicates
from gateway.sources.filters.predicates import Call, Column, Literal, Node
from gateway.sources.table import Partition, Table

Failures = list[GatewayError]

# Rows that the engine is given at a time. A sort under a bound of 64 MiB has no room for two
# batches of four columns and 256K rows. Cutting copies nothing.
_MOST_ROWS = 65_536
_ENGINES_ROWS = 8192  # what it asks for unless a query takes fewer

# Under a small bound there are fewer, for each of the engine's threads keeps some of what it makes
# of a batch: `v * 2` of ten million rows grew the process by 98 MiB with 64K, by 50 with 16K.
_BYTES_A_ROW = 4096


def _of_conditions(put_together: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator, which takes truth values of pyarrow's beside its conditions, too.

    The engine's binding puts conditions together by `operator.and_` and `operator.or_`, which it
    looks up by these names, and pyarrow's NULL has neither where it stands first: `x IN (NULL, 1)`
    comes as `NULL OR x = 1`. It keeps its name, which pandas looks at.
    """

    @wraps(put_together)
    def both(one: Any, other: Any) -> Any:
        return put_together(pc.scalar(one) if isinstance(one, pa.BooleanScalar) else one, other)

    return both


operator.and_, operator.or_ = _of_conditions(operator.and_), _of_conditions(operator.or_)


class ProviderDataset(pyarrow.dataset.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """A table for DataFusion to register.

    Args:
        table: What to scan.
        failures: Where an error raised by a scan is kept, since DataFusion passes on its text
            alone; whoever runs the query raises it again.
        most_rows: How many rows a batch may have.
    """

    def __init__(self, table: Table, failures: Failures, most_rows: int = _MOST_ROWS) -> None:
        # No call to the base class: its handle to a C++ dataset stays empty and unused.
        self._table = table
        self._failures = failures
        self._most_rows = most_rows
        # Without the fields' metadata: the engine compares schemas with it and drops it in part.
        self._plain = table.schema.remove_metadata()
        self._plain = pa.schema([field.remove_metadata() for field in self._plain])

    @property
    def schema(self) -> pa.Schema:
        return self._plain

    def scanner(self, columns: Sequence[str] | None = None, **_: Any) -> _Scanner:
        """What DataFusion asks while planning; only its schema is looked at."""
        return _Scanner(_projected(self._plain, columns), None, None, self._failures)

    def get_fragments(self, filter: pc.Expression | None = None) -> list[_Fragment]:
        """One fragment for each partition; always one at least, as the engine needs."""
        with kept(self._failures):
            predicate = sql_predicate(filter, self._plain)
            parts: Sequence[Partition | None] = self._table.partitions(predicate) or [None]
        return [_Fragment(self._plain, part, self._failures, self._most_rows) for part in parts]


def as_dataset(
    table: Table, failures: Failures | None = None, memory_bytes: int | None = None
) -> pyarrow.dataset.Dataset:
    """`table` as a dataset that DataFusion registers and scans.

    Args:
        table: What to scan.
        failures: An error that a scan raises is appended here before it is raised.
        memory_bytes: What queries may hold; None: as much as there is.
    """
    rows = _MOST_ROWS if memory_bytes is None else memory_bytes // _BYTES_A_ROW
    rows = max(_ENGINES_ROWS, min(_MOST_ROWS, rows))
    return ProviderDataset(table, [] if failures is None else failures, rows)


class _Fragment:
    """One partition, as DataFusion sees it; no partition has no rows."""

    def __init__(
        self, schema: pa.Schema, part: Partition | None, failures: Failures, most_rows: int
    ) -> None:
        self._schema, self._part, self._failures = schema, part, failures
        self._most_rows = most_rows

    def scanner(
        self,
        schema: pa.Schema | None = None,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | None = None,
        batch_size: int = _ENGINES_ROWS,
        **_: Any,
    ) -> _Scanner:
        predicate = sql_predicate(filter, self._schema)
        rows = batch_size if batch_size < _ENGINES_ROWS else self._most_rows
        projected = _projected(self._schema, columns)
        return _Scanner(projected, self._part, predicate, self._failures, rows)


class _Scanner:
    """Batches of one partition under exactly `projected_schema`."""

    def __init__(
        self,
        schema: pa.Schema,
        part: Partition | None,
        predicate: pc.Expression | None,
        failures: Failures,
        rows: int = _MOST_ROWS,
    ) -> None:
        self._rows = rows
        self.projected_schema = schema
        self._part, self._predicate, self._failures = part, predicate, failures

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        if self._part is None:
            return
        schema = self.projected_schema
        with kept(self._failures):
            for batch in self._part.scan(schema.names, self._predicate):
                yield from _cut(_under(batch, schema), self._rows)


@contextmanager
def kept(failures: Failures) -> Iterator[None]:
    """Keeps an error on its way through the engine, which passes on its text alone."""
    try:
        yield
    except GatewayError as error:
        failures.append(error)
        raise


def _projected(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def _under(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """`batch` under the plain schema; another type would bring the engine's thread down."""
    if not schema.names:
        return batch
    if batch.schema.types != schema.types:
        raise InternalError(
            f"a scan gave columns of types {batch.schema.types}, not {schema.types}"
        )
    return pa.record_batch(batch.columns, schema=schema)


def _cut(batch: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """A batch in parts of so many rows; what holds no values is left."""
    if batch.num_rows <= most or not batch.num_columns:
        yield batch
        return
    for start in range(0, batch.num_rows, most):
        yield batch.slice(start, most)


def sql_predicate(
    expression: pc.Expression | pa.Scalar | None, schema: pa.Schema
) -> pc.Expression | None:
    """The expression that means in pyarrow what DataFusion means by `expression`.

    Two things differ. ``x NOT IN (...)`` is NULL where `x` is NULL, and `is_in` says true. NaN
    equals itself and is greater than every other number, and pyarrow follows IEEE 754.

    Raises:
        FeatureNotSupported: 0A000, an expression that cannot be read and may hold either; or a
            comparison of arrays or intervals.
    """
    if expression is None:
        return None
    if isinstance(expression, pa.Scalar):  # what the engine makes of WHERE false
        expression = pc.scalar(expression)
    tree = predicates.read(expression)
    if tree is not None:
        return predicates.to_expression(_in_sql(tree, schema))
    text = str(expression)
    if "is_in(" in text or "nan" in text:
        raise FeatureNotSupported(f"the filter {text} cannot be applied to a table")
    return expression


def _in_sql(node: Node, schema: pa.Schema) -> Node:
    if not isinstance(node, Call):
        return node
    if node.function == "is_in":
        return _membership(node)
    if node.function in _ORDER and len(node.arguments) == 2:
        return _comparison(node, schema)
    arguments = tuple(_in_sql(argument, schema) for argument in node.arguments)
    return Call(node.function, arguments, node.values)


_TRUTH = Literal(pa.scalar(None, pa.bool_()))


def _membership(node: Call) -> Node:
    """``x IN (list)``: NULL where x is, and where it is not found beside a NULL in the list."""
    values = node.values
    if values is None:
        return node
    found = Call("is_in", node.arguments, values.drop_null())
    if values.null_count:
        return Call("or_kleene", (found, _TRUTH))
    return Call("if_else", (Call("is_valid", node.arguments), found, _TRUTH))


def _equal(a: Node, b: Node) -> Node:
    return _or(Call("equal", (a, b)), _and(_nan(a), _nan(b)))


def _less(a: Node, b: Node) -> Node:
    return _or(Call("less", (a, b)), _and(_nan(b), _not(_nan(a))))


def _less_equal(a: Node, b: Node) -> Node:
    # True for every a beside NaN, but NULL for NULL.
    return _or(Call("less_equal", (a, b)), _and(_nan(b), _or(_nan(a), _not(_nan(a)))))


# A comparison of floats in PostgreSQL's order, where either side may be NaN.
_ORDER: dict[str, Callable[[Node, Node], Node]] = {
    "equal":         _equal,
    "not_equal":     lambda a, b: _not(_equal(a, b)),
    "less":          _less,
    "less_equal":    _less_equal,
    "greater":       lambda a, b: _less(b, a),
    "greater_equal": lambda a, b: _less_equal(b, a),
}  # fmt: skip


def _comparison(node: Call, schema: pa.Schema) -> Node:
    left, right = node.arguments
    for side in node.arguments:
        _check_comparable(side, schema)
    if not (_is_float(left, schema) or _is_float(right, schema)):
        return node
    if not _is_number(right):
        return _ORDER[node.function](left, right)
    # The common case, and the cheap one: a column against a number.
    return _or(node, _nan(left)) if node.function in ("greater", "greater_equal") else node


def _check_comparable(node: Node, schema: pa.Schema) -> None:
    """pyarrow compares neither intervals nor arrays, and the engine hands such filters down."""
    if not isinstance(node, Column):
        return
    kind = schema.field(node.name).type
    if pa.types.is_nested(kind) or pa.types.is_interval(kind):
        raise FeatureNotSupported(
            f'column "{node.name}" of type {kind} cannot be compared in WHERE',
            hint="Compare its parts, or its text: column::text = '...'.",
        )


def _is_float(node: Node, schema: pa.Schema) -> bool:
    return isinstance(node, Column) and pa.types.is_floating(schema.field(node.name).type)


def _is_number(node: Node) -> bool:
    """Whether `node` is a constant that is neither NULL nor NaN."""
    if not isinstance(node, Literal) or not node.value.is_valid:
        return False
    return not math.isnan(node.value.as_py())


def _nan(node: Node) -> Node:
    return Call("is_nan", (node,))


def _not(node: Node) -> Node:
    return Call("invert", (node,))


def _and(a: Node, b: Node) -> Node:
    return Call("and_kleene", (a, b))


def _or(a: Node, b: Node) -> Node:
    return Call("or_kleene", (a, b))
