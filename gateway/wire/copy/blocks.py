"""COPY data in text and csv, a block of whole lines at a time: cut, and read by Arrow.

`fields_of` reads a block only where Arrow's reader surely means what PostgreSQL's does; for any
other it returns None, and `copy_lines` reads it, which also words the errors.

Which row of a block cannot be read is found by halves.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from gateway.errors import GatewayError
from gateway.interrupts import check_for_interrupts
from gateway.sql.statements.copy_options import CopyOptions
from gateway.wire.copy.lines import unescaped


def cut(data: bytearray, options: CopyOptions, eol: bytes) -> int:
    """Where the last line that is surely whole ends; 0 when none is.

    Args:
        data: From the beginning of a line on.
        options: Of the COPY.
        eol: The end of line so far, "" before the first.
    """
    mark = b"\r" if eol == b"\r" or (not eol and b"\n" not in data) else b"\n"
    last = len(data) if mark == b"\n" or eol else len(data) - 1  # a line feed may follow
    if options.format != "csv":
        return _cut_text(data, mark, last)
    if options.escape == options.quote:
        return _cut_csv(data, mark, last, options.quote.encode())
    return _cut_escaped_csv(data, mark, last, options)


def _cut_text(data: bytearray, mark: bytes, last: int) -> int:
    end = data.rfind(mark, 0, last)
    while end >= 0:
        before = end
        while before and data[before - 1] == 0x5C:
            before -= 1
        if (end - before) % 2 == 0:
            return end + 1
        end = data.rfind(mark, 0, end)
    return 0


# What is looked at together, from the end of the data back: a field may be a hundred times as long.
_SLICE_BYTES = 2**20


def _cut_csv(data: bytearray, mark: bytes, last: int, quote: bytes) -> int:
    before = data.count(quote)
    if not before:
        return data.rfind(mark, 0, last) + 1
    end = len(data)
    while end:
        start = max(end - _SLICE_BYTES, 0)
        octets = np.frombuffer(data[start:end], np.uint8)
        quotes = np.flatnonzero(octets == quote[0])
        before -= len(quotes)
        ends = np.flatnonzero(octets[: last - start] == mark[0])
        outside = ends[(before + np.searchsorted(quotes, ends)) % 2 == 0]
        if len(outside):
            return start + int(outside[-1]) + 1
        end = start
    return 0


def _cut_escaped_csv(data: bytearray, mark: bytes, last: int, options: CopyOptions) -> int:
    quote, escape = options.quote.encode(), options.escape.encode()
    stop = re.compile(b"[%s]" % re.escape(quote + escape))
    end, place = 0, 0
    while place >= 0:
        opening = data.find(quote, place, last)
        end = max(end, data.rfind(mark, place, last if opening < 0 else opening) + 1)
        place = -1 if opening < 0 else _closing(stop, data, opening + 1, last, quote)
    return end


def _closing(stop: re.Pattern[bytes], data: bytearray, place: int, last: int, quote: bytes) -> int:
    """After the quote that ends the field in which `place` is; -1 when it does not end."""
    for number, found in enumerate(stop.finditer(data, place, last), 1):
        if number % 65_536 == 0:
            check_for_interrupts()
        if found.start() < place:
            continue  # it was escaped
        place = found.end()
        if found[0] == quote:
            return place
        place += stop.match(data, place) is not None
    return -1


def fields_of(
    block: bytes, options: CopyOptions, columns: int, eol: bytes
) -> list[pa.Array] | None:
    """Each column's fields as Arrow strings, escapes read and NULL for NULL; None: read by lines.

    Args:
        block: Whole lines.
        options: Of the COPY.
        columns: How many there are.
        eol: The end of line so far, "" before the first.
    """
    if not _is_plain(block, options, eol) or (columns > 1 and _has_empty_line(block)):
        return None
    csv = options.format == "csv"
    names = [str(number) for number in range(columns)]
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(block),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=max(len(block) + 1, 1), column_names=names
            ),
            arrow_csv.ParseOptions(
                delimiter=options.delimiter,
                quote_char=options.quote if csv else False,
                double_quote=csv,
                escape_char=False,
                newlines_in_values=csv,
                ignore_empty_lines=False,
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[options.null],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    arrays = [column.combine_chunks() for column in table.columns]
    return arrays if csv or b"\\" not in block else _all_unescaped(arrays)


def _is_plain(block: bytes, options: CopyOptions, eol: bytes) -> bool:
    if b"\0" in block or (b"\r" in block and not _all_crlf(block)):
        return False
    if eol and eol != (b"\r\n" if b"\r" in block else b"\n"):
        return False
    if options.format != "csv":
        pairs = (b"\n", b"\r", b".", options.delimiter.encode())
        return b"\\" not in block or not any(b"\\" + second in block for second in pairs)
    if block.startswith(b"\\.") or b"\n\\." in block:
        return False
    quote = options.quote.encode()
    if quote not in block:
        return True
    return options.quote == options.escape and _quotes_stand_at_edges(block, quote, options)


def _has_empty_line(block: bytes) -> bool:
    """Whether there is one: Arrow takes it for a row of several empty fields."""
    return block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block


def _all_crlf(block: bytes) -> bool:
    pairs = block.count(b"\r\n")
    return pairs == block.count(b"\r") == block.count(b"\n")


def _quotes_stand_at_edges(block: bytes, quote: bytes, options: CopyOptions) -> bool:
    """Whether quotes only surround whole fields, or stand doubled in such a field."""
    octets = np.frombuffer(block, np.uint8)
    places = np.flatnonzero(octets == quote[0])
    if len(places) % 2:
        return False
    edge = np.zeros(256, np.bool_)
    edge[[quote[0], ord(options.delimiter), 10, 13]] = True
    opening, closing = places[::2], places[1::2]
    before = edge[octets[np.maximum(opening - 1, 0)]] | (opening == 0)
    # A quote before an opening one must be the closing one of a doubled pair: it is, by parity.
    after = edge[octets[np.minimum(closing + 1, len(octets) - 1)]] | (closing == len(octets) - 1)
    return bool(before.all() and after.all())


def _all_unescaped(arrays: list[pa.Array]) -> list[pa.Array] | None:
    """The columns with backslashes read, where there are any."""
    return [_unescaped_column(array) for array in arrays]


def _unescaped_column(array: pa.Array) -> pa.Array:
    escaped = pc.fill_null(pc.match_substring(array, "\\"), False)
    if not pc.any(escaped).as_py():
        return array
    read = [unescaped(text.encode()).decode() for text in array.filter(escaped).to_pylist()]
    return pc.replace_with_mask(array, escaped, pa.array(read, pa.string()))


def first_failure(
    convert: Callable[[slice], object], count: int
) -> tuple[int, GatewayError] | None:
    """The first of `count` rows that `convert` refuses, and how; None when it refuses none."""
    low, high = 0, count
    try:
        convert(slice(0, count))
        return None
    except GatewayError as error:
        fault = error
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(slice(low, middle))
            low = middle
        except GatewayError:
            high = middle
    try:
        convert(slice(low, low + 1))
    except GatewayError as error:
        fault = error
    return low, fault
