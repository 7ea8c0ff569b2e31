"""HTTP redirects: followed to allowed places alone, where a dataset may not lie everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

from gateway.sources.opening.references import target_of


def kept_within(
    uri: str, allowed: Callable[[str], bool], storage: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a URL's file system, so that an HTTP server sends it nowhere else.

    Args:
        uri: The dataset, or references that may point to URLs.
        allowed: Whether something may be read from a URL.
        storage: The options.
    """
    try:
        import aiohttp
    except ImportError:  # nor is anything read over HTTP then
        return dict(storage)
    trace = aiohttp.TraceConfig()

    async def redirected(session: Any, context: Any, params: Any) -> None:
        refuse_beyond(str(params.url), params.response.headers.get("Location", ""), allowed)

    trace.on_request_redirect.append(redirected)
    client = {"client_kwargs": {"trace_configs": [trace]}}
    if uri.startswith(("http://", "https://")):
        return {**storage, **client}
    return {**storage, "remote_options": client} if target_of(uri) is not None else dict(storage)


def refuse_beyond(asked: str, location: str, allowed: Callable[[str], bool]) -> None:
    """Refuse to follow a redirect to where nothing may be read from.

    Raises:
        PermissionError: To be told as the reason why the dataset cannot be read.

    >>> refuse_beyond("https://a.org/x/air.nc", "/y/air.nc", lambda url: url.startswith("https://a.org/"))
    """
    target = urljoin(asked, location)
    if not allowed(target):
        raise PermissionError(
            "the server redirects to a place outside those that datasets may be attached from"
        )
