"""A hub of models on 127.0.0.1: the routes that huggingface_hub calls, over a folder, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PIECE_BYTES = 2**18
REVISION = "0123456789abcdef0123456789abcdef01234567"


class HubStub:
    """Serves ``folder`` as the repository ``repository``. ``requests``: "METHOD file range" of each file request."""

    def __init__(self, folder: Path, repository: str) -> None:
        self.folder, self.repository = folder, repository
        self.requests: list[str] = []
        self.cut_after_bytes: dict[str, int] = {}
        """File -> bytes after which its connection breaks, every time until it is removed."""
        self.corrupt: set[str] = set()
        """Files whose first byte is sent wrong."""
        self.slow_s = 0.0
        """Pause between pieces of :data:`PIECE_BYTES`; 0 sends all at once."""
        self.url = ""

    def listing(self) -> dict[str, Any]:
        siblings = []
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            name = path.relative_to(self.folder).as_posix()
            blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            sibling: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
            if path.suffix != ".json":
                sibling["lfs"] = {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 130,
                }
            siblings.append(sibling)
        return {"id": self.repository, "sha": REVISION, "siblings": siblings, "tags": [], "downloads": 0}

    @contextmanager
    def served(self) -> Iterator[HubStub]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(stub: HubStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            path = self.path.split("?")[0]
            if path.startswith(f"/api/models/{stub.repository}"):
                self._send(200, json.dumps(stub.listing()).encode(), {"Content-Type": "application/json"}, with_body)
                return
            name = path.removeprefix(f"/{stub.repository}/resolve/{REVISION}/")
            file = stub.folder / name
            if name == path or not file.is_file():
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, with_body)
                return
            self._send_file(name, file.read_bytes(), with_body)

        def _send_file(self, name: str, content: bytes, with_body: bool) -> None:
            given = self.headers.get("Range", "")
            stub.requests.append(f"{self.command} {name} {given}".strip())
            headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": REVISION}
            headers["Accept-Ranges"] = "bytes"
            start = int(given.removeprefix("bytes=").split("-")[0]) if given else 0
            if given:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if name in stub.corrupt:
                content = bytes([content[0] ^ 1]) + content[1:]
            body = content[start:]
            cut = stub.cut_after_bytes.get(name)
            self._send(206 if given else 200, body, headers, with_body, None if cut is None else max(cut - start, 0))

        def _send(
            self, status: int, body: bytes, headers: dict[str, str], with_body: bool, cut: int | None = None
        ) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self._write(body if cut is None else body[:cut])
                if cut is not None and cut < len(body):
                    self.wfile.flush()
                    self.close_connection = True

        def _write(self, body: bytes) -> None:
            with suppress(ConnectionError):  # who cancels hangs up
                while body and stub.slow_s:
                    self.wfile.write(body[:PIECE_BYTES])
                    self.wfile.flush()
                    body = body[PIECE_BYTES:]
                    time.sleep(stub.slow_s)
                self.wfile.write(body)

    return Handler
