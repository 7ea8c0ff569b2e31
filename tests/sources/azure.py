"""As much of Azure's blob storage as reading blobs takes: GET, HEAD, lists, an account's key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_LIST = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<EnumerationResults ServiceEndpoint="http://127.0.0.1/" ContainerName="{}">'
    "<Blobs>{}</Blobs><NextMarker/></EnumerationResults>"
)
_BLOB = (
    "<Blob><Name>{}</Name><Properties><Last-Modified>Sat, 01 Jan 2000 00:00:00 GMT</Last-Modified>"
    "<Etag>e</Etag><Content-Length>{}</Content-Length><BlobType>BlockBlob</BlobType>"
    "</Properties></Blob>"
)
_PREFIX = "<BlobPrefix><Name>{}</Name></BlobPrefix>"


class Handler(BaseHTTPRequestHandler):
    """Answers for the containers in `folder`, which are those of `account`."""

    folder: Path
    account: str
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if not self.headers.get("Authorization", "").startswith(f"SharedKey {self.account}:"):
            self._answer(403, b"", {"x-ms-error-code": "AuthenticationFailed"})
            return
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        name = unquote(parts.path).removeprefix(f"/{self.account}").strip("/")
        if asked.get("comp") == ["list"]:
            self._list(name, asked)
            return
        file = self.folder / name
        if asked.get("restype") == ["container"] and file.is_dir():
            self._answer(200, b"", {})
        elif file.is_file():
            self._send(file.read_bytes())
        else:
            self._answer(404, b"", {"x-ms-error-code": "BlobNotFound"})

    def _send(self, content: bytes) -> None:
        told = {"x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes"}
        wanted = self.headers.get("x-ms-range") or self.headers.get("Range")
        if wanted is None or not content:
            self._answer(200, content, told)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1 if last else len(content), len(content))
        told["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        self._answer(206, content[start:stop], told)

    def _list(self, container: str, asked: dict[str, list[str]]) -> None:
        prefix = asked.get("prefix", [""])[0]
        root, blobs, above = self.folder / container, list[str](), set[str]()
        for file in sorted(root.rglob("*")):
            name = file.relative_to(root).as_posix()
            if not file.is_file() or not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if "delimiter" in asked and "/" in rest:
                above.add(prefix + rest.partition("/")[0] + "/")
            else:
                blobs.append(_BLOB.format(name, file.stat().st_size))
        found = "".join([*blobs, *map(_PREFIX.format, sorted(above))])
        content = _LIST.format(container, found).encode()
        self._answer(200, content, {"Content-Type": "application/xml"})

    def _answer(self, status: int, content: bytes, told: dict[str, str]) -> None:
        self.send_response(status)
        lines = {"ETag": '"e"', "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT", **told}
        for name, value in {**lines, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def serving(folder: Path, account: str, key: str) -> Iterator[str]:
    """The connection string of a server whose containers are the directories of `folder`."""
    handler = type("Handler", (Handler,), {"folder": folder, "account": account})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}/{account}"
    try:
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
            f"BlobEndpoint={endpoint};"
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
