"""A site of catalogs on loopback, with ETags, that counts requests and can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: a client may leave early, and standard error may be the next test's by then."""


class Site:
    """Serves a folder; `faults` maps the end of a path to a status (`500`), `cut`, `stall` or `big`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.faults: dict[str, str] = {}
        self.headers: dict[str, str] = {}  # Sent besides with every file.
        self.with_etags = True
        self.confirmed = 0  # Answers 304.
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append(self.path)
                site.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = self.folder / handler.path.lstrip("/")
        fault = next((kind for end, kind in self.faults.items() if handler.path.endswith(end)), None)
        if fault == "stall":
            time.sleep(1)
        status = int(fault) if fault is not None and fault.isdigit() else None
        if status is not None or not path.is_file():
            handler.send_error(status or 404)
            return
        body = path.read_bytes() + (b" " * 100_000 if fault == "big" else b"")
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if handler.headers.get("If-None-Match") == etag:
            self.confirmed += 1
            handler.send_response(304)
            handler.end_headers()
            return
        handler.send_response(200)
        if self.with_etags:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body[:-10] if fault == "cut" else body)

    def __enter__(self) -> Site:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
