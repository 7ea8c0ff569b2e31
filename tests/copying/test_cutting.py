"""Where the last whole line of csv ends, however long its fields are."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from gateway.sql.statements.copy_options import CopyOptions
from gateway.wire.copy import blocks

STYLES = {
    "doubled": CopyOptions(format="csv", delimiter=",", null="", quote='"', escape='"'),
    "escaped": CopyOptions(format="csv", delimiter=",", null="", quote='"', escape="\\"),
}


def end_of(data: bytes, options: CopyOptions) -> int:
    """The same, byte by byte."""
    quote, escape = ord(options.quote), ord(options.escape)
    end, place, quoted = 0, 0, False
    while place < len(data):
        special = data[place + 1 : place + 2] in (options.quote.encode(), options.escape.encode())
        if quoted and data[place] == escape and special:
            place += 1
        elif data[place] == quote:
            quoted = not quoted
        elif data[place] == 10 and not quoted:
            end = place + 1
        place += 1
    return end


@pytest.mark.parametrize("style", STYLES)
def test_it_is_where_a_reader_of_each_byte_finds_it(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_SLICE_BYTES", 7)
    drawn, found = random.Random(style), set()
    for length in range(300):
        data = bytes(drawn.choices(b'ab,\n"\\', weights=(4, 4, 2, 2, 3, 2), k=length % 60))
        end = blocks.cut(bytearray(data), STYLES[style], b"\n")
        assert end == end_of(data, STYLES[style]), data
        found.add(end)
    assert len(found) > 10


@pytest.mark.parametrize("filling", [b"abc\n", b'""', b"\n"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_long_field_takes_little_beside_it(filling: bytes, ended: bool) -> None:
    data = bytearray(b'1,2\n3,"' + filling * (2**25 // len(filling)) + b'"\n' * ended)
    tracemalloc.start()
    try:
        assert blocks.cut(data, STYLES["doubled"], b"\n") == (len(data) if ended else 4)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
