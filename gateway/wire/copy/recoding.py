"""COPY data in the client's encoding, as UTF8: what `incoming` cuts into lines.

How characters are read is `sql.inputs.encodings`' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.errors import CharacterNotInRepertoire, OutOfMemory, UntranslatableCharacter
from gateway.sql.inputs.encodings import Encoding

# A line that is longer is no table's row. PostgreSQL's own bound is 1 GB.
_LINE_BYTES = 2**28


def wider(enough: int) -> int:
    """Twice as many bytes, where no line ends in so many.

    Raises:
        OutOfMemory: 53200, no line may be as long.
    """
    if enough >= _LINE_BYTES:
        raise OutOfMemory(
            "out of memory", detail=f"A line of COPY data is longer than {_LINE_BYTES} bytes."
        )
    return 2 * enough


def as_utf8(pieces: Iterable[bytes], encoding: Encoding | None) -> Iterator[bytes]:
    """The pieces in UTF8: whole lines, of which those before a bad one come first.

    Args:
        pieces: An empty one is passed on.
        encoding: Of the pieces; None for UTF8, whose pieces are passed on as they are.

    Raises:
        CharacterNotInRepertoire: 22021, bytes that are no character.
        UntranslatableCharacter: 22P05, a character that UTF8 has not.
        OutOfMemory: 53200, a line has no end.
    """
    if encoding is None or encoding.is_utf8:
        yield from pieces
        return
    rest = bytearray()
    for piece in pieces:
        if not piece:
            yield piece
        rest += piece
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
        if end:
            yield from _lines(bytes(rest[:end]), encoding)
            del rest[:end]
        elif len(rest) > _LINE_BYTES:
            wider(len(rest))
    yield from _lines(bytes(rest), encoding)


def _lines(data: bytes, encoding: Encoding) -> Iterator[bytes]:
    """Lines in UTF8; of those that cannot be read the first ones that can."""
    try:
        whole = encoding.decode(data).encode()
    except (CharacterNotInRepertoire, UntranslatableCharacter):
        for line in data.splitlines(keepends=True):
            yield encoding.decode(line).encode()
        raise
    if whole:
        yield whole
