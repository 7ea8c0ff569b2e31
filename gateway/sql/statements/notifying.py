"""LISTEN, NOTIFY, UNLISTEN: which channel, and what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.sql.statements.commands import Reader


@dataclass(frozen=True, slots=True)
class Listen:
    """LISTEN channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY channel [, 'payload']."""

    channel: str
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Unlisten:
    """UNLISTEN channel; None is all of them."""

    channel: str | None


# PostgreSQL's NAMEDATALEN, less the byte that ends a name: the rest of a name is left out.
_NAME_BYTES = 63


def _channel(reader: Reader) -> str:
    return reader.name().encode()[:_NAME_BYTES].decode(errors="ignore")


def _notify(reader: Reader) -> Notify:
    channel = _channel(reader)
    return Notify(channel, reader.string() if reader.accept(",") else "")


def _unlisten(reader: Reader) -> Unlisten:
    return Unlisten(None if reader.accept("*") else _channel(reader))


READERS: dict[str, Callable[[Reader], object]] = {
    "LISTEN": lambda reader: Listen(_channel(reader)),
    "NOTIFY": _notify,
    "UNLISTEN": _unlisten,
}
