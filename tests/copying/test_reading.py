"""The quick ways of reading COPY data against the exact ones, which are held to PostgreSQL."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.session.result import CopyIn
from gateway.sql.inputs.notation import PLAIN, Notation
from gateway.sql.inputs.text_columns import read_texts
from gateway.sql.statements.copy_options import CopyOptions
from gateway.store.definitions.definitions import Column
from gateway.types import BY_NAME
from gateway.wire.copy import binary as copy_binary
from gateway.wire.copy import incoming as copy_in
from gateway.wire.copy.blocks import cut, fields_of
from gateway.wire.copy.incoming import CopyReader
from gateway.wire.copy.lines import LineReader
from gateway.wire.decoding import decode_value
from tests.examples import examples

TEXT = CopyOptions()
CSV = CopyOptions("csv", ",", "", quote='"', escape='"')
OPTIONS = {
    "text": TEXT,
    "text with |": CopyOptions(delimiter="|", null=""),
    "csv": CSV,
    "csv with NULL": CopyOptions("csv", ";", "N", quote="'", escape="'"),
    "csv with an escape": CopyOptions("csv", ",", "", quote='"', escape="\\"),
}


def by_lines(data: bytes, options: CopyOptions) -> list[list[bytes | None]]:
    reader, rows, place = LineReader(options), [], 0
    while (line := reader.line(data, place)) is not None:
        rows.append(reader.fields(line.data))
        place = line.after
    return rows


def blocks(options: CopyOptions) -> st.SearchStrategy[bytes]:
    """Data of two columns or nearly, of the letters that mean something."""
    quote = options.quote or "q"
    words = ["a", "b1", "\\", quote, options.null, "N", ".", "n", "ä", options.delimiter, "\n"]
    words += ["\r", f"{quote}x{quote}", f"{quote}{quote}"]
    fields = st.lists(st.sampled_from(words), max_size=4).map("".join)
    lines = st.tuples(fields, fields).map(options.delimiter.join)
    ends = st.sampled_from(["\n", "\n", "\r\n"])
    return st.tuples(st.lists(lines, min_size=1, max_size=4), ends).map(
        lambda made: (made[1].join(made[0]) + made[1]).encode()
    )


@pytest.mark.parametrize("name", OPTIONS)
@examples(150)
@given(data=st.data())
def test_a_block_is_read_as_its_lines_are(name: str, data: st.DataObject) -> None:
    options = OPTIONS[name]
    block = data.draw(blocks(options))
    try:
        found = fields_of(block, options, 2, b"")
    except GatewayError:
        found = None
    if found is None:
        return
    rows = list(zip(*(column.cast(pa.binary()).to_pylist() for column in found), strict=True))
    assert [list(row) for row in rows] == by_lines(block, options), block


@pytest.mark.parametrize("name", OPTIONS)
def test_most_data_are_read_by_blocks(name: str) -> None:
    options = OPTIONS[name]
    line = options.delimiter.join(["a", options.null]) + "\n"
    found = fields_of(line.encode() * 3, options, 2, b"")
    assert found is not None and [c.to_pylist() for c in found] == [["a"] * 3, [None] * 3]


@pytest.mark.parametrize("name", OPTIONS)
@examples(80)
@given(data=st.data())
def test_data_are_cut_between_lines(name: str, data: st.DataObject) -> None:
    """The lines before the cut and those after it are the lines of the whole."""
    options = OPTIONS[name]
    block = data.draw(blocks(options))
    end = cut(bytearray(block), options, b"")
    try:
        whole = by_lines(block, options)
    except GatewayError:
        return
    if b"\\." in block:
        return
    assert by_lines(block[:end], options) + by_lines(block[end:], options) == whole, (block, end)


SPELLINGS = {
    "int4": ["1", "-5", "+7", " 8", "007", "2147483647", "-0"],
    "int8": ["9223372036854775807", "-9223372036854775808"],
    "float8": ["1", "-0", ".5", "5.", "1e-320", "nan", "-inf", "+Infinity", "0e5", "1E5", "0.0"],
    "float4": ["3.4e38", "1e-45", "16777217", "0.1"],
    "bool": ["t", "TRUE", "tr", " f ", "1", "off", "n"],
    "numeric": ["1.50", "1e3", ".5", "+1", " 1 ", "-0.000", "1e37", "-12E+19", "1e-30",
                "9" * 38],
    "date": ["2024-02-29", "0001-01-01", "infinity", "4000-01-01 BC", "9999-12-31"],
    "time": ["01:02", "01:02:03.123456", "24:00:00", "23:59:59.9999999"],
    "timestamp": ["2024-01-02", "2024-01-02 03:04", "2024-01-02T03:04:05.6", "-infinity",
                  "2024-01-02 24:00", "0001-01-01 00:00:00", "2024-01-02 03:04:05.1234567"],
    "timestamptz": ["2024-01-02 03:04:05+00", "2024-07-02 03:04:05", "2024-01-02 03:04:05-0330",
                    "2024-01-02", "infinity"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"],
    "inet": ["10.0.0.1", "10/8", "::FFFF:1.2.3.4", "2001:db8::1/64"],
    "text": ["", "ä", "\\N"],
    "bytea": ["\\x00ff", "abc", ""],
    "interval": ["1 day", "-00:00:01", "P1Y"],
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_column_is_read_as_its_values_are(name: str, zone: str) -> None:
    kind = BY_NAME[name]
    texts = SPELLINGS[name]
    for several in ([*texts, None], *([text, None] for text in texts)):
        found = read_texts(pa.array(several, pa.string()), kind, Notation(zone))
        wanted = [
            None if text is None else decode_value(text.encode(), kind, 0, Notation(zone))
            for text in several
        ]
        if name == "numeric":
            assert found.to_pylist() == wanted
        else:
            assert found.equals(pa.array(wanted, kind.arrow)) or _same_nan(found, wanted, kind)


def _same_nan(found: pa.Array, wanted: list[Any], kind: Any) -> bool:
    return str(found) == str(pa.array(wanted, kind.arrow))


@pytest.mark.parametrize(
    ("name", "text"),
    [("int4", "0x10"), ("int8", "0X1"), ("int4", "2147483648"), ("float8", "1e400"),
     ("float8", "1e-400"),
     ("float4", "1e39"), ("float4", "1e-46"), ("date", "2024-02-30"), ("date", "0000-01-01"),
     ("timestamp", "2024-01-02 25:00"), ("bool", "2"), ("numeric", "1_0"), ("numeric", "1e69"),
     ("numeric", "1e1000"), ("numeric", "9" * 61), ("numeric", "1e" + "9" * 20),
     ("time", "24:00:01"),
     ("uuid", "x"), ("int2", "")],
)  # fmt: skip
def test_a_column_with_a_bad_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(GatewayError):
        read_texts(pa.array(["1" if name.startswith("int") else None, text]), BY_NAME[name], PLAIN)


# Binary rows

KINDS = ["int8", "text", "float8", "bool", "bytea", "int4", "timestamp", "date"]
WIDTHS = {"int8": 8, "float8": 8, "bool": 1, "int4": 4, "timestamp": 8, "date": 4}


def rows_of(kinds: list[str], random: np.random.Generator, count: int, nulls: bool) -> bytes:
    data = b""
    for _ in range(count):
        data += struct.pack(">h", len(kinds))
        for kind in kinds:
            if nulls and random.random() < 0.2:
                data += b"\xff\xff\xff\xff"
                continue
            size = WIDTHS.get(kind) or int(random.integers(0, 12))
            # Small bytes look like counts and lengths, which is what may lead astray.
            value = bytes(random.integers(0, 9, size, dtype=np.uint8))
            data += struct.pack(">i", size) + value
    return data


def read_binary(kinds: list[str], pieces: list[bytes]) -> pa.Table:
    columns = tuple(Column(f"c{n}", BY_NAME[kind]) for n, kind in enumerate(kinds))
    copying = CopyIn("t", columns, CopyOptions("binary"))
    batches = list(CopyReader(copying, PLAIN).batches(iter(pieces)))
    return pa.Table.from_batches(batches).combine_chunks()


@pytest.mark.parametrize("seed", range(12))
def test_binary_rows_are_found_by_any_way(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    kinds = [KINDS[n] for n in random.integers(0, len(KINDS), int(random.integers(1, 7)))]
    body = rows_of(kinds, random, 300, nulls=bool(seed % 2))
    # "text" may not hold zero bytes; letters may.
    if "text" in kinds:
        kinds = [("bytea" if kind == "text" else kind) for kind in kinds]
    data = copy_binary.SIGNATURE + body + copy_binary.TRAILER
    monkeypatch.setattr(copy_binary, "_BLOCK_BYTES", 997)
    size = int(random.integers(1, 300))
    found = read_binary(kinds, [data[n : n + size] for n in range(0, len(data), size)])
    monkeypatch.setattr(copy_binary._Layout, "quick", lambda self, data: None)
    assert found.equals(read_binary(kinds, [data])) and found.num_rows == 300


@pytest.mark.parametrize("name", ["text", "csv", "csv with an escape"])
def test_pieces_of_any_size_are_the_same_rows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options, random = OPTIONS[name], np.random.default_rng(7)
    columns = (Column("a", BY_NAME["int4"]), Column("b", BY_NAME["text"]))
    values = ["x", "two\\nlines" if name == "text" else '"two\nlines"', options.null, "ä" * 9]
    lines = [f"{n}{options.delimiter}{values[n % 4]}\n" for n in range(2000)]
    data = "".join(lines).encode()

    def read(size: int) -> Iterator[pa.RecordBatch]:
        pieces = (data[n : n + size] for n in range(0, len(data), size))
        return CopyReader(CopyIn("t", columns, options), PLAIN).batches(pieces)

    whole = pa.Table.from_batches(read(len(data))).combine_chunks()
    assert whole.num_rows == 2000 and whole.column(0).to_pylist() == list(range(2000))
    for block in (64, 1000):
        monkeypatch.setattr(copy_in, "BLOCK_BYTES", block)
        monkeypatch.setattr(copy_in, "_FEW_BYTES", 32)
        size = int(random.integers(1, 100))
        assert pa.Table.from_batches(read(size)).combine_chunks().equals(whole)
