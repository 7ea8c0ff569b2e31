"""From a startup packet to what a session is told: version, user, database, settings.

`options` holds a command line (`-c name=value --name=value`, a backslash before a blank); its
settings and those given by name go to the session in one mapping. No socket here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InvalidAuthorization,
    SyntaxFault,
)
from gateway.wire.protocol import replies
from gateway.wire.protocol.messages import StartupMessage

NEWEST_MINOR = 2  # as PostgreSQL 18; 3.1 was never used
_OFF = frozenset({"", "false", "off", "no", "0", "f", "n"})


@dataclass(frozen=True, slots=True)
class Login:
    """Who wants in, where, and with which settings; `negotiation` is to be sent first."""

    user: str
    database: str
    settings: Mapping[str, str]
    negotiation: bytes = b""
    key_bytes: int = 4  # of the key that a CancelRequest repeats; longer from 3.2 on


def read_login(message: StartupMessage) -> Login:
    """What the packet asks for.

    Raises:
        FeatureNotSupported: 0A000, another major version, or replication.
        InvalidAuthorization: 28000, no user.
        SyntaxFault: 42601, `options` that are no command line.

    >>> read_login(StartupMessage((3, 0), {"user": "a", "options": "-c TimeZone=UTC"})).settings
    {'TimeZone': 'UTC'}
    """
    major, minor = message.protocol
    if major != 3:
        raise unsupported(major, minor)
    settings = dict(message.parameters)
    unknown = [name for name in settings if name.startswith("_pq_.")]
    for name in unknown:
        del settings[name]
    user = settings.pop("user", "")
    database = settings.pop("database", "") or user
    if settings.pop("replication", "").lower() not in _OFF:
        raise FeatureNotSupported("replication connections are not supported")
    settings = {**_options(settings.pop("options", "")), **settings}
    if not user:
        raise InvalidAuthorization("no PostgreSQL user name specified in startup packet")
    agreed = min(minor, NEWEST_MINOR)
    negotiation = b""
    if minor > agreed or unknown:
        # PostgreSQL writes the whole version where the manual of 15 says the minor one.
        negotiation = replies.negotiate_protocol_version(3 << 16 | agreed, unknown)
    return Login(user, database, settings, negotiation, 32 if agreed >= 2 else 4)


def unsupported(major: int, minor: int) -> FeatureNotSupported:
    """What a client hears that speaks another protocol."""
    return FeatureNotSupported(
        f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{NEWEST_MINOR}"
    )


def _options(text: str) -> dict[str, str]:
    words = re.findall(r"(?:\\.|[^\\\s])+", text)
    words = [re.sub(r"\\(.)", r"\1", word) for word in words]
    settings: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            word = words.pop(0)
        elif word.startswith(("-c", "--")):
            word = word[2:]
        else:
            raise _invalid(word)
        name, equals, value = word.partition("=")
        if not equals:
            raise _invalid(word)
        settings[name.replace("-", "_")] = value
    return settings


def _invalid(word: str) -> GatewayError:
    return SyntaxFault(
        f"invalid command-line argument for server process: {word}",
        hint="Options read -c name=value or --name=value.",
    )
