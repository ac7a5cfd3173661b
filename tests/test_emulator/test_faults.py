"""Every fault as a client sees it."""

from __future__ import annotations

import gzip
import json
import socket
import time
from contextlib import closing

import pytest
import requests
import urllib3

from tests.emulator import (
    Body,
    BrokenChunks,
    DripBody,
    DripHeaders,
    Emulator,
    Fault,
    GzipBomb,
    HugeBody,
    Latency,
    Redirect,
    Reset,
    ShortBody,
    Stall,
    Status,
    TruncatedGzip,
)
from tests.emulator.routes import LAMBDA_REGIONS, LAMBDA_TYPES, YOTTA_TYPES
from tests.test_emulator.client import KEY_HEADERS, send


def exchange(emulator: Emulator, fault: Fault, until: bytes | None = None) -> bytes:
    """All bytes that a plain socket receives, or those until the given ones are there."""
    emulator.faults[LAMBDA_REGIONS] = [fault]
    host, port = emulator.origin.removeprefix("http://").split(":")
    received = b""
    with closing(socket.create_connection((host, int(port)), timeout=5)) as connection:
        key = KEY_HEADERS["lambda"]["Authorization"]
        head = f"GET {LAMBDA_REGIONS[1]} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        while (until is None or until not in received) and (data := connection.recv(65_536)):
            received += data
    return received


def normal_body(emulator: Emulator) -> bytes:
    return json.dumps({"data": emulator.data.lambda_regions}).encode()


def test_faults_come_in_order_and_then_service_is_normal(emulator: Emulator) -> None:
    emulator.faults[YOTTA_TYPES] = [Status(500), Status(429), Latency(0)]
    assert [send(emulator, YOTTA_TYPES).status_code for _ in range(5)] == [500, 429, 200, 200, 200]
    assert emulator.counts[YOTTA_TYPES] == 5


def test_a_fault_may_stay_forever(emulator: Emulator) -> None:
    emulator.faults[YOTTA_TYPES] = [Latency(0), Status(503, forever=True), Status(418)]
    assert [send(emulator, YOTTA_TYPES).status_code for _ in range(4)] == [200, 503, 503, 503]


def test_faults_belong_to_their_route(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_TYPES] = [Status(500, forever=True)]
    assert send(emulator, LAMBDA_REGIONS).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "media_type", "text"),
    [
        (Status(429, headers={"Retry-After": "7"}), 429, None, ""),
        (Status(502, "<html>Bad gateway</html>"), 502, "text/html", "<html>Bad gateway</html>"),
        (Status(403, b'{"error": {}}'), 403, "application/json", '{"error": {}}'),
        (Status(429, "slow down", {"content-type": "text/x"}), 429, "text/x", "slow down"),
        (Body(b""), 200, "application/json", ""),
        (Body("[]"), 200, "application/json", "[]"),
        (Body("<p>", "text/html"), 200, "text/html", "<p>"),
        (Redirect("/elsewhere"), 302, None, ""),
        (Redirect("http://127.0.0.2/", 308), 308, None, ""),
    ],
)
def test_well_formed_answers(
    emulator: Emulator, fault: Fault, status: int, media_type: str | None, text: str
) -> None:
    emulator.faults[LAMBDA_REGIONS] = [fault]
    answer = send(emulator, LAMBDA_REGIONS)
    assert (answer.status_code, answer.headers.get("Content-Type"), answer.text) == (status, media_type, text)
    if isinstance(fault, Redirect):
        assert answer.headers["Location"] == fault.location
    if status == 429 and not text:
        assert answer.headers["Retry-After"] == "7"


def test_truncated_gzip(emulator: Emulator) -> None:
    head, _, body = exchange(emulator, TruncatedGzip()).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert f"Content-Length: {len(body)}".encode() in head
    with pytest.raises(EOFError):
        gzip.decompress(body)


def test_gzip_bomb(emulator: Emulator) -> None:
    head, _, body = exchange(emulator, GzipBomb(10_000_000)).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 20_000
    assert json.loads(gzip.decompress(body)) == []


def test_short_body(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [ShortBody(5)]
    with pytest.raises(
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="IncompleteRead"
    ):
        send(emulator, LAMBDA_REGIONS)
    body = exchange(emulator, ShortBody(5)).partition(b"\r\n\r\n")[2]
    assert body == normal_body(emulator)[:-5]


def test_broken_chunks(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [BrokenChunks()]
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        send(emulator, LAMBDA_REGIONS)


def test_reset(emulator: Emulator) -> None:
    with pytest.raises(ConnectionResetError):
        exchange(emulator, Reset())
    assert send(emulator, LAMBDA_REGIONS).status_code == 200


def test_stall_answers_nothing(emulator: Emulator) -> None:
    started = time.monotonic()
    assert exchange(emulator, Stall(0.3)) == b""
    assert time.monotonic() - started >= 0.3
    emulator.faults[LAMBDA_REGIONS] = [Stall(60)]
    with pytest.raises(requests.ReadTimeout):
        send(emulator, LAMBDA_REGIONS, timeout=0.2)


def test_latency_then_normal_service(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [Latency(0.3)]
    started = time.monotonic()
    assert send(emulator, LAMBDA_REGIONS).json()["data"] == emulator.data.lambda_regions
    assert time.monotonic() - started >= 0.3


def test_drip_headers(emulator: Emulator) -> None:
    started = time.monotonic()
    received = exchange(emulator, DripHeaders(200))
    assert received.endswith(normal_body(emulator))
    assert time.monotonic() - started >= 0.3


def test_drip_body(emulator: Emulator) -> None:
    emulator.data.lambda_regions = ["a"] * 10
    started = time.monotonic()
    received = exchange(emulator, DripBody(200))
    assert received.endswith(b"\r\n\r\n" + normal_body(emulator))
    assert time.monotonic() - started >= 0.2


def test_a_drip_never_meets_a_read_timeout(emulator: Emulator) -> None:
    """The reason for a deadline of one's own: each read gets something in time."""
    emulator.data.lambda_regions = ["a"] * 10
    emulator.faults[LAMBDA_REGIONS] = [DripBody(100)]
    started = time.monotonic()
    assert send(emulator, LAMBDA_REGIONS, timeout=0.4).json() == {"data": ["a"] * 10}
    assert time.monotonic() - started >= 0.5


def test_huge_body_is_streamed(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [HugeBody(1_000_000), HugeBody(10**15)]
    answer = send(emulator, LAMBDA_REGIONS)
    assert (len(answer.content), answer.json()) == (1_000_000, [])
    with send(emulator, LAMBDA_REGIONS, stream=True) as huge:
        assert huge.headers["Content-Length"] == str(10**15)
        assert len(huge.raw.read(100_000)) == 100_000
    assert send(emulator, LAMBDA_REGIONS).status_code == 200


def test_keep_alive_survives_a_well_formed_fault(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [Status(503, "busy"), Body("{}"), Redirect("/x")]
    with urllib3.HTTPConnectionPool(emulator.origin.removeprefix("http://").split(":")[0], _port(emulator)) as pool:
        statuses = [
            pool.request("GET", LAMBDA_REGIONS[1], headers=KEY_HEADERS["lambda"], retries=False).status
            for _ in range(4)
        ]
        assert (statuses, pool.num_connections) == ([503, 200, 302, 200], 1)


def _port(emulator: Emulator) -> int:
    return int(emulator.origin.rpartition(":")[2])
