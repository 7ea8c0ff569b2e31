"""As much of S3 as reading objects takes: GET, HEAD, lists, and credentials that must be there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_LIST = (
    '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>'
)
_KEY = (
    "<Contents><Key>{}</Key><Size>{}</Size><ETag>e</ETag>"
    "<LastModified>2000-01-01T00:00:00.000Z</LastModified></Contents>"
)
_PREFIX = "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>"


class Handler(BaseHTTPRequestHandler):
    """Answers for the buckets in `folder`, whoever has `key`."""

    folder: Path
    key: str

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if f"Credential={self.key}/" not in self.headers.get("Authorization", ""):
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if "list-type" in asked:
            self._list(parts.path.strip("/"), asked)
            return
        file = self.folder / unquote(parts.path).lstrip("/")
        if file.is_file():
            self._send(file.read_bytes())
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _send(self, content: bytes) -> None:
        wanted = self.headers.get("Range")
        if wanted is None:
            self._answer(200, content)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else len(content) - int(last)
        self._answer(206, content[start : int(last) + 1 if first and last else None])

    def _list(self, bucket: str, asked: dict[str, list[str]]) -> None:
        prefix = asked.get("prefix", [""])[0]
        root, keys, above = self.folder / bucket, list[str](), set[str]()
        for file in sorted(root.rglob("*")):
            name = file.relative_to(root).as_posix()
            if not file.is_file() or not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if "delimiter" in asked and "/" in rest:
                above.add(prefix + rest.partition("/")[0] + "/")
            else:
                keys.append(_KEY.format(name, file.stat().st_size))
        self._answer(
            200, _LIST.format("".join([*keys, *map(_PREFIX.format, sorted(above))])).encode()
        )

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Sat, 01 Jan 2000 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def serving(folder: Path, key: str) -> Iterator[str]:
    """The URL of a server whose buckets are the directories of `folder`, for who has that key."""
    handler = type("Handler", (Handler,), {"folder": folder, "key": key})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
