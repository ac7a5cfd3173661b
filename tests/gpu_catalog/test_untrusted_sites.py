"""A site that wishes whoever syncs from it ill: endless, dripping, packed, and leading elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from requests.adapters import BaseAdapter

from gpu_catalog import Catalog, SyncFailed
from gpu_catalog.sites import HttpSite, open_site
from gpu_catalog.sync import sync
from tests.samples import CATALOGS

PIECE = b"x" * 65_536
ENDLESS = 2_000
"""Pieces: more than any buffer between two sockets holds."""


@dataclass
class Served:
    """What a server was asked, and how much of its answer was taken."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    pieces: int = 0


Answer = Callable[[BaseHTTPRequestHandler, Served], None]


@contextmanager
def serving(answer: Answer) -> Iterator[Served]:
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.paths.append(self.path)
            served.headers.append(dict(self.headers))
            with suppress(ConnectionError):  # Whoever asked has had enough.
                answer(self, served)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


def begin(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def refused(answer: Answer, cache: Path, said: str, *, seconds: float = 20) -> Served:
    """Sync from a server that answers everything so: nothing may come of it."""
    with serving(answer) as served:
        with pytest.raises(SyncFailed, match=said):
            sync([served.url], cache, deadline_seconds=seconds)
        assert not (cache / "latest.json").exists()
        return served


def test_packed_bytes_are_counted_as_they_come_out(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        begin(handler, 200, Content_Encoding="gzip", Content_Length=str(len(bomb)))
        handler.wfile.write(bomb)

    refused(answer, tmp_path, "larger than the")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_that_nobody_asked_for_is_refused(encoding: str, tmp_path: Path) -> None:
    served = refused(
        lambda handler, _: begin(handler, 200, Content_Encoding=encoding), tmp_path, "nobody asked for"
    )
    assert served.headers[0]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("content", [gzip.compress(b"{}")[:-4], b"no gzip at all", b""])
def test_a_packed_answer_that_is_damaged_or_cut_off_is_refused(content: bytes, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        begin(handler, 200, Content_Encoding="gzip", Content_Length=str(len(content)))
        handler.wfile.write(content)

    refused(answer, tmp_path, "cut off")


def test_a_site_may_pack_its_answers(tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        file = CATALOGS / handler.path.lstrip("/")
        if not file.is_file():
            handler.send_error(404)
            return
        begin(handler, 200, Content_Encoding="gzip")
        handler.wfile.write(gzip.compress(file.read_bytes()))

    with serving(answer) as served:
        sync([served.url], tmp_path)
    assert Catalog.load(tmp_path).cheapest("H100") is not None


def endless(handler: BaseHTTPRequestHandler, served: Served) -> None:
    for _ in range(ENDLESS):
        handler.wfile.write(PIECE)
        served.pieces += 1


def test_an_endless_body_is_given_up(tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        begin(handler, 200)
        endless(handler, served)

    assert refused(answer, tmp_path, "larger than the").pieces < ENDLESS


@pytest.mark.parametrize("status", [302, 404, 500])
def test_the_body_of_an_answer_that_has_no_file_is_not_read(status: int, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        begin(handler, status, **{"Location": "/elsewhere"} if status == 302 else {})
        endless(handler, served)

    assert refused(answer, tmp_path, "redirects|neither|HTTP 500").pieces < ENDLESS


def test_a_body_that_drips_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    """Each piece comes well within the time between two pieces."""

    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        begin(handler, 200)
        for _ in range(500):
            handler.wfile.write(b" ")
            served.pieces += 1
            time.sleep(0.02)

    assert refused(answer, tmp_path, "deadline", seconds=0.3).pieces < 500


def test_a_hundred_thousand_empty_files_are_given_up_at_the_deadline(tmp_path: Path) -> None:
    document = json.loads((CATALOGS / "manifest.json").read_bytes())
    nothing = {"sha256": hashlib.sha256(b"").hexdigest(), "size_bytes": 0, "rows": 0}
    document["files"] = {f"v8/lambda/{number}": nothing for number in range(100_000)}
    manifest = json.dumps(document).encode()

    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        content = manifest if handler.path == "/manifest.json" else b""
        begin(handler, 404 if handler.path == "/latest.json" else 200, Content_Length=str(len(content)))
        handler.wfile.write(content)

    assert len(refused(answer, tmp_path, "deadline", seconds=3).paths) < 100_000


@pytest.mark.parametrize(
    "location",
    [
        "http://prices.example.com/latest.json",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://u:p@127.0.0.1/",
        "//[",
    ],
)
def test_a_redirect_to_what_must_not_be_asked_is_refused(location: str, tmp_path: Path) -> None:
    served = refused(
        lambda handler, _: begin(handler, 302, Location=location), tmp_path, "URL|user name|ValueError"
    )
    assert served.paths == ["/latest.json"]


def test_redirects_without_end_are_given_up(tmp_path: Path) -> None:
    served = refused(lambda handler, _: begin(handler, 302, Location="/on"), tmp_path, "more than 5 redirects")
    assert len(served.paths) == 6


def test_a_redirect_within_what_may_be_asked_is_followed(tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
        if not handler.path.startswith("/moved/"):
            begin(handler, 301, Location=f"/moved{handler.path}", Content_Length="0")
            return
        file = CATALOGS / handler.path.removeprefix("/moved/")
        content = file.read_bytes() if file.is_file() else b""
        begin(handler, 200 if file.is_file() else 404, Content_Length=str(len(content)))
        handler.wfile.write(content)

    with serving(answer) as served:
        assert sync([served.url], tmp_path).changed


class Elsewhere(BaseAdapter):
    """Stands in for a site of the internet, which no test can be: it redirects everything to one place."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location, self.asked = location, 0

    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        self.asked += 1
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 302, str(request.url), request
        answer.headers["Location"] = self.location
        answer.raw = io.BytesIO()
        return answer

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_site_of_the_internet_cannot_make_us_ask_this_machine(scheme: str, host: str) -> None:
    site = open_site("https://prices.example.com")
    assert isinstance(site, HttpSite)
    adapter = Elsewhere(f"{scheme}://{host}:9/admin")
    site.session.mount("https://", adapter)
    site.session.mount("http://", adapter)
    with pytest.raises(SyncFailed, match="redirects to this machine"):
        site.get("latest.json", 100, time.monotonic() + 10)
    assert adapter.asked == 1


def test_nobodys_password_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    served = refused(lambda handler, _: handler.send_error(404), tmp_path / "cache", "neither")
    assert [name for headers in served.headers for name in headers if name == "Authorization"] == []


def test_a_folder_as_a_site_is_read_like_any_other(tmp_path: Path) -> None:
    folder = shutil.copytree(CATALOGS, tmp_path / "site")
    os.mkfifo(folder / "latest.json")
    with pytest.raises(SyncFailed, match=r"latest\.json: not a regular file"):
        sync([folder.as_uri()], tmp_path / "cache")
