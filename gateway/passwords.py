"""What is kept of a password: PostgreSQL's `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`.

The password itself is never kept.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import NamedTuple

from scramp import ScramMechanism

from gateway.errors import ConfigurationFault

MECHANISM = "SCRAM-SHA-256"
ITERATIONS = 4096  # PostgreSQL's own; RFC 7677 asks for no less

_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


class Verifier(NamedTuple):
    """What is known of a user's password."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int


def make_verifier(password: str) -> str:
    """The verifier to store for a password, in PostgreSQL's form, with a fresh salt.

    >>> make_verifier("secret").startswith("SCRAM-SHA-256$4096:")
    True
    """
    salt, stored_key, server_key, iterations = ScramMechanism(MECHANISM).make_auth_info(
        password, iteration_count=ITERATIONS, salt=secrets.token_bytes(16)
    )
    salt64, stored64, server64 = (b64encode(v).decode() for v in (salt, stored_key, server_key))
    return f"{MECHANISM}${iterations}:{salt64}${stored64}:{server64}"


def read_verifier(text: str) -> Verifier:
    """The parts of a stored verifier.

    Raises:
        ConfigurationFault: F0000, it has another form.
    """
    match = _VERIFIER.fullmatch(text)
    try:
        if match is None:
            raise ValueError("not of that form")
        salt, stored, server = (b64decode(part, validate=True) for part in match.groups()[1:])
        if len(salt) < 12 or len(stored) != 32 or len(server) != 32 or int(match[1]) < ITERATIONS:
            raise ValueError("a part has the wrong length")
    except (ValueError, Base64Error) as error:
        raise ConfigurationFault(
            "a user's verifier must read SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey",
            detail=f"The iterations are at least {ITERATIONS}, the salt at least 12 bytes.",
        ) from error
    return Verifier(salt, stored, server, int(match[1]))
