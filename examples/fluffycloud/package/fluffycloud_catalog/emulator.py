"""FluffyCloud's API on loopback, with the recorded answers: `python -m fluffycloud_catalog.emulator`."""

from __future__ import annotations

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from fluffycloud_catalog import FluffyCloud

KEY = "fluffy-example-key"


class Handler(BaseHTTPRequestHandler):
    """Answers what is recorded, to whoever has the key."""

    def do_GET(self) -> None:
        """Serve one request."""
        parts = urlsplit(self.path)
        index = json.loads((FluffyCloud.recorded / "index.json").read_text(encoding="utf-8"))
        asked = (parts.path, dict(parse_qsl(parts.query)))
        entry = next((one for one in index["answers"] if (one["path"], one["query"]) == asked), None)
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._send(401, b'{"error": "wrong key"}')
        elif entry is None:
            self._send(404, b'{"error": "no such page"}')
        else:
            self._send(200, (FluffyCloud.recorded / entry["body"]).read_bytes())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8701)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    print(f"FluffyCloud at http://127.0.0.1:{server.server_port}, key {KEY}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
