"""Functions of bytea (manual, 9.5), a value at a time."""

from __future__ import annotations

import binascii
import re

from gateway.errors import (
    ArraySubscriptError,
    InvalidParameterValue,
    SubstringFault,
    UndefinedFunction,
)
from gateway.sql.inputs.encodings import Encoding, named
from gateway.sql.inputs.literals import hexadecimal

_OCTAL = re.compile(rb"\\(\\|[0-3][0-7]{2})")


def count_bits(data: bytes) -> int:
    """bit_count."""
    return int.from_bytes(data, "big").bit_count()


def byte(data: bytes, place: int) -> int:
    """get_byte."""
    return data[_within(place, len(data))]


def bit(data: bytes, place: int) -> int:
    """get_bit: bits are counted from the lowest of each byte."""
    _within(place, len(data) * 8)
    return data[place // 8] >> place % 8 & 1


def with_byte(data: bytes, place: int, value: int) -> bytes:
    """set_byte."""
    _within(place, len(data))
    return data[:place] + bytes([value & 255]) + data[place + 1 :]


def with_bit(data: bytes, place: int, value: int) -> bytes:
    """set_bit."""
    if value not in (0, 1):
        raise InvalidParameterValue("new bit must be 0 or 1")
    _within(place, len(data) * 8)
    old = data[place // 8]
    mask = 1 << place % 8
    return with_byte(data, place // 8, old | mask if value else old & ~mask)


def _within(place: int, count: int) -> int:
    if not 0 <= place < count:
        raise ArraySubscriptError(f"index {place} out of valid range, 0..{count - 1}")
    return place


def part(data: bytes, start: int, count: int) -> bytes:
    """substring: from `start`, counted from 1, so many bytes."""
    if count < 0:
        raise SubstringFault("negative substring length not allowed")
    end = start - 1 + count
    return data[max(start - 1, 0) : max(end, 0)]


def rest(data: bytes, start: int) -> bytes:
    """substring without a length."""
    return data[max(start - 1, 0) :]


def position(data: bytes, inside: bytes) -> int:
    """position: 0 where it is not."""
    return data.find(inside) + 1


def overlaid(data: bytes, new: bytes, start: int, count: int) -> bytes:
    """overlay."""
    if start <= 0:
        raise SubstringFault("negative substring length not allowed")
    return data[: start - 1] + new + data[start - 1 + count :]


def trimmed(data: bytes, ends: bytes) -> bytes:
    """btrim."""
    return data.strip(ends)


def trimmed_left(data: bytes, ends: bytes) -> bytes:
    """ltrim."""
    return data.lstrip(ends)


def trimmed_right(data: bytes, ends: bytes) -> bytes:
    """rtrim."""
    return data.rstrip(ends)


def written(data: bytes, form: str) -> str:
    """encode."""
    match form.lower():
        case "hex":
            return data.hex()
        case "base64":
            lines = [data[n : n + 57] for n in range(0, len(data), 57)]
            return "\n".join(binascii.b2a_base64(line, newline=False).decode() for line in lines)
        case "escape":
            return "".join(
                "\\\\" if b == 92 else chr(b) if 0 < b < 128 else f"\\{b:03o}" for b in data
            )
    raise InvalidParameterValue(f'unrecognized encoding: "{form}"')


def read(text: str, form: str) -> bytes:
    """decode."""
    match form.lower():
        case "hex":
            return hexadecimal(text)
        case "base64":
            try:
                return binascii.a2b_base64("".join(text.split()), strict_mode=True)
            except binascii.Error as error:
                raise InvalidParameterValue("invalid base64 end sequence") from error
        case "escape":
            return _OCTAL.sub(
                lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1], 8)]), text.encode()
            )
    raise InvalidParameterValue(f'unrecognized encoding: "{form}"')


def converted_from(data: bytes, encoding: str) -> str:
    """convert_from."""
    return _encoding(encoding, "source").decode(data)


def converted_to(text: str, encoding: str) -> bytes:
    """convert_to."""
    return _encoding(encoding, "destination").encode(text)


def converted(data: bytes, source: str, target: str) -> bytes:
    """convert."""
    before, after = _encoding(source, "source"), _encoding(target, "destination")
    return after.encode(before.decode(data))


def _encoding(name: str, role: str) -> Encoding:
    found = named(name)
    if found is None:
        raise InvalidParameterValue(f'invalid {role} encoding name "{name}"')
    if not found.codec:
        raise UndefinedFunction(
            f'default conversion function for encoding "{found.name}" does not exist'
        )
    return found
