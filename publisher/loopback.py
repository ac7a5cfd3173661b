"""A recorded set served over real sockets on loopback: the live path of any fetcher, without its cloud."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qsl, urlsplit

from fetchers.replay import RecordedSet


@dataclass(slots=True)
class Served:
    """A running server and what it was asked."""

    base_urls: Mapping[str, str]
    """What to put into the environment, so that the fetcher asks here."""

    headers: list[Mapping[str, str]] = field(default_factory=list)
    """Headers of every request."""

    missed: list[str] = field(default_factory=list)
    """Requests that are not recorded; each got a 404."""


@contextmanager
def served(recorded: RecordedSet, base_urls: Mapping[str, str]) -> Iterator[Served]:
    """Serve a recorded set; `base_urls` are those of its fetcher. The server is gone when the block ends.

    Answers to the same request come in the order they were recorded, the last one again and again.
    """
    queues: defaultdict[object, list[Mapping[str, object]]] = defaultdict(list)
    for entry in recorded.answers:
        queues[entry["method"], entry["path"], frozenset(entry.get("query", {}).items())].append(entry)
    one_at_a_time = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            with one_at_a_time:
                running.headers.append(dict(self.headers.items()))
                queue = queues.get((self.command, parts.path, frozenset(parse_qsl(parts.query))), [])
                entry = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else None
                if entry is None:
                    running.missed.append(f"{self.command} {self.path}")
            body = (recorded.folder / str(entry["body"])).read_bytes() if entry else b'{"message": "not recorded"}'
            self.send_response(int(str(entry["status"])) if entry else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal of whoever runs the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = f"http://127.0.0.1:{server.server_port}"
    # The paths of a recorded set are those below the public base URLs.
    running = Served({name: here + urlsplit(url).path for name, url in base_urls.items()})
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
