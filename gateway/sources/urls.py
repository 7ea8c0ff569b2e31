"""Paths and URLs: which are of this machine, and what of them may be told."""

from __future__ import annotations

import re

# What a URL may hold besides the place: a user's name and password, and a query with a signature.
_SECRET = re.compile(r"(?<=://)[^/@\s]*@|(?<=[\w/])\?[^\s\"']*")

_ATTACH = re.compile(r"\bATTACH\b", re.IGNORECASE)


def shown(text: str) -> str:
    """A path, URL or message without what may be secret in the URLs in it.

    >>> shown("no https://me:word@example.org/a.zarr?sig=abc there")
    'no https://example.org/a.zarr there'
    """
    return _SECRET.sub("", text) if "://" in text else text


def told(statement: str) -> str:
    """A statement as others may read it: where it attaches a URL, without what may be secret there.

    >>> told("ATTACH 'https://me:word@example.org/a.zarr?sig=abc' AS a")
    "ATTACH 'https://example.org/a.zarr' AS a"
    >>> told("SELECT 'https://example.org/?page=2'")
    "SELECT 'https://example.org/?page=2'"
    """
    return shown(statement) if _ATTACH.search(statement) else statement


def is_local(uri: str) -> bool:
    """Whether a path or URL means a file of this machine.

    >>> is_local("file:///a.nc"), is_local("s3://b/a.zarr")
    (True, False)
    """
    return "://" not in uri or uri.startswith("file://")
