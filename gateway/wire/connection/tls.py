"""TLS: the server's certificate and key, and what SCRAM binds an exchange to.

The socket is wrapped by `handler`; here is only what it is wrapped with.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from asn1crypto.x509 import Certificate

from gateway.errors import ConfigurationFault


@dataclass(frozen=True, slots=True)
class Tls:
    """What a connection is encrypted with.

    `end_point` is the channel binding tls-server-end-point (RFC 5929, section 4) of the
    certificate; empty where that has none, and SCRAM-SHA-256-PLUS is then not offered.
    """

    context: ssl.SSLContext
    end_point: bytes = b""


def read_tls(certificate: Path, key: Path | None = None) -> Tls:
    """TLS 1.2 and newer with a certificate, its chain and its key, all in PEM.

    Args:
        certificate: The server's certificate first, then those that lead to the root.
        key: Its private key, without a passphrase; None when it stands in the same file.

    Raises:
        ConfigurationFault: F0000, a file that cannot be read, or a key of another certificate.
    """
    for path in filter(None, (certificate, key)):
        try:
            text = path.read_text("ascii", errors="replace")
        except OSError as error:
            raise ConfigurationFault(f"{path}: {error.strerror}") from error
        if path == certificate:
            first = _first_certificate(text, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A peer that ends without a goodbye leaves our half open: what we have to say still goes out.
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    try:
        # Without a passphrase of its own OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        raise ConfigurationFault(_told(error, certificate, key or certificate)) from error
    return Tls(context, _end_point(first))


def _first_certificate(text: str, path: Path) -> bytes:
    _, begin, rest = text.partition(ssl.PEM_HEADER)
    body, end, _ = rest.partition(ssl.PEM_FOOTER)
    try:
        if not (begin and end):
            raise ValueError("no PEM")
        return ssl.PEM_cert_to_DER_cert(ssl.PEM_HEADER + body + ssl.PEM_FOOTER)
    except ValueError as error:
        raise ConfigurationFault(f"{path} holds no certificate in PEM") from error


def _told(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key} is not that of the certificate in {certificate}"
    if "PRIVATE KEY" not in key.read_text("ascii", errors="replace"):
        return f"{key} holds no private key in PEM"
    return f"{certificate} and {key} cannot be used: {error.reason or error}"


_HASHED = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "dsa", "ecdsa"})
# RFC 5929 has these two replaced by SHA-256.
_REPLACED = {"md5": "sha256", "sha1": "sha256"}


def _end_point(certificate: bytes) -> bytes:
    """The certificate hashed as its own signature is; empty for one that is signed unhashed."""
    read = Certificate.load(certificate)
    if (
        read.signature_algo not in _HASHED
    ):  # Ed25519 and its like, which libpq cannot bind to either
        return b""
    algorithm = read.hash_algo
    return hashlib.new(_REPLACED.get(algorithm, algorithm), certificate).digest()
