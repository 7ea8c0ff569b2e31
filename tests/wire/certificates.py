"""Certificates for the tests: an authority, and servers' certificates signed by it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


def missing() -> str | None:
    """Why no certificate can be made here; None when one can."""
    return None if shutil.which("openssl") else "openssl is not installed"


@dataclass(frozen=True)
class Certificates:
    """Files of one directory; `authority` is what a client trusts."""

    directory: Path

    @property
    def authority(self) -> Path:
        return self.directory / "authority.crt"

    def server(self, name: str = "localhost", how: str = "rsa:2048") -> tuple[Path, Path]:
        """Certificate and key of a server of that name."""
        certificate, key = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        if not certificate.exists():
            request = self.directory / f"{name}.csr"
            extensions = self.directory / f"{name}.cnf"
            extensions.write_text(f"subjectAltName=DNS:{name}\n")
            _openssl("req", "-newkey", *how.split(), "-nodes", "-subj", f"/CN={name}",
                     "-keyout", str(key), "-out", str(request))  # fmt: skip
            _openssl("x509", "-req", "-in", str(request), "-CA", str(self.authority),
                     "-CAkey", str(self.directory / "authority.key"), "-CAcreateserial",
                     "-days", "2", "-extfile", str(extensions),
                     "-out", str(certificate))  # fmt: skip
        return certificate, key


def make(directory: Path) -> Certificates:
    """An authority in an empty directory."""
    made = Certificates(directory)
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests",
             "-keyout", str(directory / "authority.key"),
             "-out", str(made.authority))  # fmt: skip
    return made


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
