"""Answers that arrive whole and mislead, each as it is seen by a client that reads the socket."""

from __future__ import annotations

import email.utils
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.emulator import (
    KEYS,
    Changed,
    Echo,
    Emulator,
    Jitter,
    Raw,
    RetryAt,
    SkewedClock,
    WrongLength,
    WrongType,
    halved,
    renamed,
)
from tests.emulator.certificates import Certificate, server_tls
from tests.emulator.routes import LAMBDA_REGIONS
from tests.test_emulator.client import send


def seconds_ahead(header: str) -> float:
    return email.utils.parsedate_to_datetime(header).timestamp() - time.time()


def test_jitter(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [Jitter(0.2, 0.3)]
    started = time.monotonic()
    assert send(emulator, LAMBDA_REGIONS).json()["data"] == emulator.data.lambda_regions
    assert time.monotonic() - started >= 0.2


def test_a_date_to_retry_at_is_by_the_servers_clock(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [RetryAt(60, skew_seconds=3600)]
    answer = send(emulator, LAMBDA_REGIONS)
    assert answer.status_code == 429
    assert 3590 < seconds_ahead(answer.headers["Date"]) < 3610
    assert 3650 < seconds_ahead(answer.headers["Retry-After"]) < 3670


def test_a_skewed_clock_changes_nothing_else(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [SkewedClock(-86_400)]
    answer = send(emulator, LAMBDA_REGIONS)
    assert answer.json()["data"] == emulator.data.lambda_regions
    assert -86_500 < seconds_ahead(answer.headers["Date"]) < -86_300


def test_a_length_that_is_too_short(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [WrongLength(3)]
    whole = json.dumps({"data": emulator.data.lambda_regions})
    assert send(emulator, LAMBDA_REGIONS).text == whole[:-3]


def test_a_wrong_type_leaves_the_body_alone(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [WrongType("image/png")]
    answer = send(emulator, LAMBDA_REGIONS)
    assert answer.headers["Content-Type"] == "image/png"
    assert json.loads(answer.content)["data"] == emulator.data.lambda_regions


def test_bytes_that_are_not_http(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [Raw(b"SSH-2.0\r\n")]
    with pytest.raises(requests.ConnectionError):
        send(emulator, LAMBDA_REGIONS)


@pytest.mark.parametrize("escaped", [False, True])
def test_an_echo_has_the_key_in_body_and_location(escaped: bool, emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [Echo(302, escaped=escaped)]
    answer = send(emulator, LAMBDA_REGIONS)
    assert KEYS["lambda"] in answer.json()["message"]
    assert (KEYS["lambda"] in answer.text) is not escaped
    assert answer.headers["Location"] == f"/elsewhere/{KEYS['lambda']}"


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (halved, {"data": [1, 2, 3]}, {"data": [1, 3]}),
        (halved, {"data": {name: {} for name in "abcd"}}, {"data": {"a": {}, "c": {}}}),
        (renamed, {"data": [{"id": 1}]}, {"dataV2": [{"idV2": 1}]}),
    ],
)
def test_changes(change: Any, before: Any, after: Any) -> None:
    assert change(before) == after


def test_a_changed_answer(emulator: Emulator) -> None:
    emulator.faults[LAMBDA_REGIONS] = [Changed(halved)]
    assert send(emulator, LAMBDA_REGIONS).json()["data"] == emulator.data.lambda_regions[::2]


@pytest.mark.parametrize("certificate", ["good", "unknown-issuer", "other-host", "expired"])
def test_certificates(certificate: Certificate, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with Emulator(tls=server_tls(certificate, ca_file)) as emulator:
        assert emulator.origin.startswith("https://127.0.0.1:")
        url = emulator.url(LAMBDA_REGIONS)
        if certificate == "good":
            assert requests.get(url, verify=str(ca_file), timeout=5).status_code == 401
        else:
            with pytest.raises(requests.exceptions.SSLError) as failure:
                requests.get(url, verify=str(ca_file), timeout=5)
            assert ssl.SSLCertVerificationError.__name__ in repr(failure.value)
        assert not emulator.errors
