"""Which types planning inferred for the parameters that were left open.

The binding's object model stops at many plan nodes (VALUES, recursive queries), so the types are
read from plans' debug texts. A plan's text leaves out the subqueries inside its expressions; the
optimised plan has them as joins, but may have lost other parameters on the way: both are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKENS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)""")
_PLACEHOLDER = re.compile(
    rf'Placeholder \{{ id: "\$(\d+)", field: '
    rf"Some\(Field \{{ name: {_STRING}, data_type: (.*?), nullable: (?:true|false)"
)
_LIST = re.compile(r"(?:Large)?List\(Field \{ data_type: ")
_DECIMAL = re.compile(r"Decimal\d+\((\d+), (-?\d+)\)")
_TIMESTAMP = re.compile(r'Timestamp\((\w+), (?:None|Some\("([^"]+)"\))\)')
_UNITS = {"Second": "s", "Millisecond": "ms", "Microsecond": "us", "Nanosecond": "ns"}

# The engine's spelling of a type -> Arrow. A type without a row (struct, map, union) is one that
# no client can send: the parameter's type counts as not inferred.
_TYPES = {
    "Boolean": pa.bool_(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Float16": pa.float16(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Utf8": pa.string(),
    "LargeUtf8": pa.large_string(),
    "Utf8View": pa.string_view(),
    "Binary": pa.binary(),
    "LargeBinary": pa.large_binary(),
    "BinaryView": pa.binary_view(),
    "Date32": pa.date32(),
    "Date64": pa.date64(),
    "Time32(Second)": pa.time32("s"),
    "Time32(Millisecond)": pa.time32("ms"),
    "Time64(Microsecond)": pa.time64("us"),
    "Time64(Nanosecond)": pa.time64("ns"),
    "Duration(Second)": pa.duration("s"),
    "Duration(Millisecond)": pa.duration("ms"),
    "Duration(Microsecond)": pa.duration("us"),
    "Duration(Nanosecond)": pa.duration("ns"),
    "Interval(MonthDayNano)": pa.month_day_nano_interval(),
    "Dictionary(Int32, Utf8)": pa.string(),
}


def numbers(sql: str) -> list[int]:
    """The numbers of the `$n` in a statement, ascending.

    >>> numbers("SELECT $2, '$3' || $1, $2")
    [1, 2]
    """
    found = (number for number in _TOKENS.findall(sql) if number)
    return sorted({int(number) for number in found})


def with_calls(sql: str, calls: Mapping[int, str]) -> str:
    """The statement with a call in the place of each `$n` that has one.

    >>> with_calls("SELECT $2, '$3' || $1, $3", {1: "f(1)", 2: "g(2)"})
    "SELECT g(2), '$3' || f(1), $3"
    """

    def called(token: re.Match[str]) -> str:
        return calls.get(int(token[1] or 0), token[0])

    return _TOKENS.sub(called, sql)


def inferred(plan_text: str) -> dict[int, pa.DataType]:
    """The type of each `$n` in a plan's debug text for which the plan has one.

    >>> inferred('Placeholder { id: "$1", field: Some(Field { name: "x", data_type: Int64, '
    ...          'nullable: true }) }, Placeholder { id: "$2", field: None })')
    {1: DataType(int64)}
    """
    found: dict[int, pa.DataType] = {}
    for number, spelling in _PLACEHOLDER.findall(plan_text):
        arrow = _arrow_type(spelling)
        if arrow is not None:
            found.setdefault(int(number), arrow)
    return found


def _arrow_type(spelling: str) -> pa.DataType | None:
    if opening := _LIST.match(spelling):
        element = _arrow_type(spelling[opening.end() :])
        return None if element is None else pa.list_(element)
    if decimal := _DECIMAL.fullmatch(spelling):
        precision, scale = map(int, decimal.groups())
        return (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)
    if timestamp := _TIMESTAMP.fullmatch(spelling):
        return pa.timestamp(_UNITS[timestamp[1]], timestamp[2])
    return _TYPES.get(spelling)
