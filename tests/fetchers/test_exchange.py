"""The wire: where a key may be sent, where a redirect may lead, when a body is whole. On real sockets."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping

import pytest

from fetchers import BadSetting, FetchError, Unavailable, UnexpectedAnswer
from fetchers.answers import RawAnswer
from fetchers.exchange import Request, check_url
from fetchers.http import Http, HttpPolicy
from tests.emulator import BrokenChunks, Emulator, Fault, Redirect, ShortBody, Status, TruncatedGzip
from tests.emulator.routes import LAMBDA_REGIONS, LAMBDA_TYPES

ROOM = 1000


@pytest.fixture
def http() -> Iterator[Http]:
    connection = Http(policy=HttpPolicy(max_body_bytes=ROOM, attempts=1))
    yield connection
    connection.close()


def ask(http: Http, emulator: Emulator, *faults: Fault, method: str = "GET") -> RawAnswer:
    """The answer of an endpoint with these faults, one after the other."""
    emulator.faults[(method, LAMBDA_REGIONS[1])] = list(faults)
    url = f"{emulator.origin}{LAMBDA_REGIONS[1]}"
    return http.look(Request(method=method, url=url, query={"count": "1"}, body={} if method == "POST" else None))


def packed(content: bytes) -> Status:
    return Status(200, gzip.compress(content), {"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "url", ["https://cloud.example", "http://127.0.0.1:8700/v1", "http://localhost", "http://[::1]/"]
)
def test_a_key_may_go_by_https_and_to_this_machine(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://cloud.example", "http://192.0.2.1", "ftp://127.0.0.1", "cloud.example", "https://", "https://[x", ""],
)
def test_a_key_goes_nowhere_else(url: str) -> None:
    with pytest.raises(BadSetting, match="is not https"):
        check_url(url)


def test_what_names_an_endpoint() -> None:
    request = Request(method="GET", url="https://cloud.example:8443/v1/types")
    assert (request.path, request.host) == ("/v1/types", "cloud.example")


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "identity"}, {"Content-Encoding": " "}])
def test_a_plain_body_is_taken_as_it_is(http: Http, emulator: Emulator, headers: Mapping[str, str]) -> None:
    assert ask(http, emulator, Status(200, b"[1]", headers)).body == b"[1]"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip "])
def test_a_packed_body_is_unpacked(http: Http, emulator: Emulator, encoding: str) -> None:
    fault = Status(200, gzip.compress(b"[1]"), {"Content-Encoding": encoding})
    assert ask(http, emulator, fault).body == b"[1]"


def test_a_body_may_be_as_large_as_allowed_and_no_larger(http: Http, emulator: Emulator) -> None:
    full = b"x" * ROOM
    assert ask(http, emulator, Status(200, full)).body == full
    assert ask(http, emulator, packed(full)).body == full
    for fault in (Status(200, full + b"x"), packed(full + b"x"), packed(full * 1000)):
        with pytest.raises(UnexpectedAnswer, match=f"is larger than {ROOM} bytes"):
            ask(http, emulator, fault)


@pytest.mark.parametrize(
    "fault",
    [
        Status(200, gzip.compress(b"[1]")[:-4], {"Content-Encoding": "gzip"}),
        Status(200, gzip.compress(b"[1]")[:5], {"Content-Encoding": "gzip"}),
        Status(200, b"[1]", {"Content-Encoding": "gzip"}),
        TruncatedGzip(),
        ShortBody(),
        BrokenChunks(),
    ],
)
def test_a_body_that_was_cut_off_is_never_taken_for_whole(fault: Fault, emulator: Emulator) -> None:
    http = Http(policy=HttpPolicy(attempts=1))
    with pytest.raises(Unavailable, match=f"the answer of {LAMBDA_REGIONS[1]} was cut off"):
        ask(http, emulator, fault)
    http.close()


def test_nothing_is_whole_even_where_it_is_called_packed(http: Http, emulator: Emulator) -> None:
    assert ask(http, emulator, Status(200, b"", {"Content-Encoding": "gzip"})).body == b""


def test_an_encoding_that_was_not_asked_for(http: Http, emulator: Emulator) -> None:
    with pytest.raises(UnexpectedAnswer, match="answered in encoding 'br'"):
        ask(http, emulator, Status(200, b"[1]", {"Content-Encoding": "BR"}))


@pytest.mark.parametrize("location", ["{origin}{path}?page=2", "{path}?page=2", "instance-types?page=2"])
def test_a_redirect_on_the_same_host_is_followed(http: Http, emulator: Emulator, location: str) -> None:
    emulator.faults[LAMBDA_TYPES] = [Status(200, b"[2]")]
    here = location.format(origin=emulator.origin, path=LAMBDA_TYPES[1])
    assert ask(http, emulator, Redirect(here)).body == b"[2]"
    assert [request.path for request in emulator.requests] == [LAMBDA_REGIONS[1], LAMBDA_TYPES[1]]


@pytest.mark.parametrize("location", ["https://127.0.0.1{port}/", "http://127.0.0.2{port}/", "http://127.0.0.1:9/",
                                      "//cloud.example/", "http://[nonsense/"])  # fmt: skip
def test_a_redirect_elsewhere_is_refused_unasked(http: Http, emulator: Emulator, location: str) -> None:
    port = emulator.origin.removeprefix("http://127.0.0.1")
    with pytest.raises(UnexpectedAnswer, match="redirects to another host"):
        ask(http, emulator, Redirect(location.format(port=port)))
    assert http.requests_made == 1


@pytest.mark.parametrize("status", [301, 302, 303])
def test_what_was_posted_is_not_asked_for_with_get(http: Http, emulator: Emulator, status: int) -> None:
    with pytest.raises(UnexpectedAnswer, match="redirects a POST"):
        ask(http, emulator, Redirect(LAMBDA_TYPES[1], status), method="POST")
    assert http.requests_made == 1


@pytest.mark.parametrize("status", [307, 308])
def test_what_was_posted_may_be_posted_again(http: Http, emulator: Emulator, status: int) -> None:
    again = Redirect(LAMBDA_REGIONS[1], status)
    assert ask(http, emulator, again, Status(200, b"[1]"), method="POST").body == b"[1]"
    assert [request.method for request in emulator.requests] == ["POST", "POST"]


def test_a_loop_ends(http: Http, emulator: Emulator) -> None:
    with pytest.raises(FetchError, match="redirects in a loop"):
        ask(http, emulator, Redirect(LAMBDA_REGIONS[1]), Redirect(LAMBDA_REGIONS[1]), Redirect(LAMBDA_REGIONS[1]),
            Redirect(LAMBDA_REGIONS[1]))  # fmt: skip
    assert http.requests_made == 4
