"""Addresses of networks, the type inet: a text as PostgreSQL shows it, and what is asked of one.

Sources: PostgreSQL 15, src/port/inet_net_ntop.c, src/backend/utils/adt/inet_net_pton.c and
network.c. Equal values are equal texts, so that only an order needs more (`key`).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from gateway.errors import (
    InvalidBinaryRepresentation,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
)

_FAMILIES = {32: 2, 128: 3}  # how many bits an address has -> the byte that says so (inet.h)


class Network(NamedTuple):
    """An address: how many bits it has, its number, and how many bits are the network's."""

    size: int
    number: int
    bits: int

    @property
    def host_mask(self) -> int:
        """The bits that are not the network's."""
        return (1 << (self.size - self.bits)) - 1

    @property
    def host(self) -> str:
        """The address alone."""
        if self.size == 32:
            return str(IPv4Address(self.number))
        if not 0x10000 <= self.number < 1 << 32 and self.number >> 32 != 0xFFFF:
            return str(IPv6Address(self.number))
        lead = "::ffff:" if self.number >> 32 else "::"
        return lead + str(IPv4Address(self.number & 0xFFFFFFFF))

    @property
    def shown(self) -> str:
        """As a value of the type is written: with the number of bits where they are not all."""
        return self.host if self.bits == self.size else f"{self.host}/{self.bits}"

    def begins_as(self, other: Network, bits: int) -> bool:
        """Whether the first bits of both are the same."""
        return self.size == other.size and not (self.number ^ other.number) >> (self.size - bits)


def read(text: str) -> Network:
    """The address that a text means.

    Raises:
        InvalidTextRepresentation: 22P02.

    >>> read("192.168.1.9/24").shown, read("10/8").shown, read("::1:2").shown
    ('192.168.1.9/24', '10.0.0.0/8', '::0.1.0.2')
    """
    address, slash, bits = text.partition("/")
    found = (_six if ":" in text else _four)(address, bits if slash else None)
    if found is None or not text.isascii():
        raise InvalidTextRepresentation(f'invalid input syntax for type inet: "{text}"')
    return found


def _four(address: str, bits: str | None) -> Network | None:
    octets = address.split(".")
    if not all(part.isdigit() and int(part) < 256 for part in octets) or len(octets) > 4:
        return None
    if bits is None and len(octets) == 4:
        bits = "32"
    # What is left out is 0, but no octet of the network.
    if bits is None or not bits.isdigit() or int(bits) > 32 or int(bits) // 8 > len(octets):
        return None
    number = int.from_bytes(bytes(map(int, octets)).ljust(4, b"\0"), "big")
    return Network(32, number, int(bits))


def _six(address: str, bits: str | None) -> Network | None:
    before, _, last = address.rpartition(":")
    octets = [octet for octet in last.split(".") if octet] if "." in last else []
    if 0 < len(octets) < 4:  # PostgreSQL fills them up
        address = f"{before}:{'.'.join([*octets, *['0'] * (4 - len(octets))])}"
    try:
        number = int(IPv6Address(address))
    except AddressValueError:
        return None
    if bits is None:
        bits = "128"
    if "%" in address or not bits.isdigit() or str(int(bits)) != bits or int(bits) > 128:
        return None
    return Network(128, number, int(bits))


def canonical(text: str) -> str:
    """The text that stands for that address, for all its spellings.

    Raises:
        InvalidTextRepresentation: 22P02.
    """
    return read(text).shown


def from_bytes(data: bytes) -> str:
    """The address that a binary field means.

    Raises:
        InvalidBinaryRepresentation: 22P03.
    """
    if len(data) < 4:
        raise InvalidBinaryRepresentation("insufficient data left in message")
    family, bits, _, length = data[:4]
    size = next((size for size, code in _FAMILIES.items() if code == family), 0)
    if not size:
        raise InvalidBinaryRepresentation('invalid address family in external "inet" value')
    if bits > size:
        raise InvalidBinaryRepresentation('invalid bits in external "inet" value')
    if length * 8 != size:
        raise InvalidBinaryRepresentation('invalid length in external "inet" value')
    if len(data) != 4 + length:
        raise InvalidBinaryRepresentation("incorrect binary data format")
    return Network(size, int.from_bytes(data[4:], "big"), bits).shown


def to_bytes(text: str) -> bytes:
    """The binary field of an address."""
    found = read(text)
    head = bytes((_FAMILIES[found.size], found.bits, 0, found.size // 8))
    return head + found.number.to_bytes(found.size // 8, "big")


def key(text: str) -> str:
    """A text that sorts as the address does: by the network, its length, and the host.

    >>> sorted(["10.0.0.9", "10.0.0.0/8", "9.0.0.1", "10.0.0.0/24", "::1"], key=key)
    ['9.0.0.1', '10.0.0.0/8', '10.0.0.0/24', '10.0.0.9', '::1']
    """
    found = read(text)
    digits = f"{found.number:0{found.size}b}"
    return f"{_FAMILIES[found.size]}{digits[: found.bits]}!{digits[found.bits :]}"


def of_key(text: str) -> str:
    """The address of a key."""
    network, _, host = text[1:].partition("!")
    size = 32 if text[0] == "2" else 128
    return Network(size, int(network + host, 2), len(network)).shown


# What is asked of addresses; texts come and go.


def host(text: str) -> str:
    """The address without a number of bits."""
    return read(text).host


def with_bits(text: str) -> str:
    """The address with its number of bits, as a cast to text gives it."""
    found = read(text)
    return f"{found.host}/{found.bits}"


def family(text: str) -> int:
    """4 or 6."""
    return 4 if read(text).size == 32 else 6


def masklen(text: str) -> int:
    """How many bits are the network's."""
    return read(text).bits


def set_masklen(text: str, bits: int) -> str:
    """The address with another number of bits; -1 for all.

    Raises:
        InvalidParameterValue: 22023, more than it has.
    """
    found = read(text)
    wanted = found.size if bits == -1 else bits
    if not 0 <= wanted <= found.size:
        raise InvalidParameterValue(f"invalid mask length: {bits}")
    return found._replace(bits=wanted).shown


def broadcast(text: str) -> str:
    """The last address of the network."""
    found = read(text)
    return found._replace(number=found.number | found.host_mask).shown


def netmask(text: str) -> str:
    """The network's bits, all 1."""
    found = read(text)
    whole = (1 << found.size) - 1
    return Network(found.size, whole ^ found.host_mask, found.size).shown


def hostmask(text: str) -> str:
    """The other bits, all 1."""
    found = read(text)
    return Network(found.size, found.host_mask, found.size).shown


def same_family(one: str, other: str) -> bool:
    """Whether both have as many bits."""
    return read(one).size == read(other).size


def is_within(one: str, other: str) -> bool:
    """Whether the first is a smaller part of the second's network."""
    first, second = read(one), read(other)
    return first.bits > second.bits and first.begins_as(second, second.bits)


def is_within_or_same(one: str, other: str) -> bool:
    """The same, or its network."""
    first, second = read(one), read(other)
    return first.bits >= second.bits and first.begins_as(second, second.bits)


def overlaps(one: str, other: str) -> bool:
    """Whether one is a part of the other or its network."""
    first, second = read(one), read(other)
    return first.begins_as(second, min(first.bits, second.bits))


def inverted(text: str) -> str:
    """The address with each bit the other way."""
    found = read(text)
    return found._replace(number=found.number ^ ((1 << found.size) - 1)).shown


def _combined(word: str, combine: Callable[[int, int], int]) -> Callable[[str, str], str]:
    def made(one: str, other: str) -> str:
        first, second = read(one), read(other)
        if first.size != second.size:
            raise InvalidParameterValue(f"cannot {word} inet values of different sizes")
        number = combine(first.number, second.number)
        return Network(first.size, number, max(first.bits, second.bits)).shown

    return made


both = _combined("AND", lambda one, other: one & other)
either = _combined("OR", lambda one, other: one | other)


def moved(text: str, by: int) -> str:
    """The address so many further.

    Raises:
        NumericValueOutOfRange: 22003, there is none.
    """
    found = read(text)
    number = found.number + by
    if not 0 <= number < 1 << found.size:
        raise NumericValueOutOfRange("result is out of range")
    return found._replace(number=number).shown


def moved_back(text: str, by: int) -> str:
    """The address so many before; 22003 where there is none."""
    return moved(text, -by)


def distance(one: str, other: str) -> int:
    """How much further the first is.

    Raises:
        InvalidParameterValue: 22023, of two families.
        NumericValueOutOfRange: 22003, no bigint.
    """
    first, second = read(one), read(other)
    if first.size != second.size:
        raise InvalidParameterValue("cannot subtract inet values of different sizes")
    found = first.number - second.number
    if not -(1 << 63) <= found < 1 << 63:
        raise NumericValueOutOfRange("result is out of range")
    return found
