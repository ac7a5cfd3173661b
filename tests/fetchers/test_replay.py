"""Recording and replaying: the same catalog again, without the key and without persons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from fetchers import BUNDLED, BadSetting, CredentialsRejected, FetchError, SessionOptions, fetch_cloud, load_fetcher
from fetchers.answers import RawAnswer, parse_json
from fetchers.credentials import Key
from fetchers.exchange import Request
from fetchers.http import Http, HttpPolicy
from fetchers.replay import Recorder, ReplayAdapter, load_recorded, scrubbed
from tests.fetchers.recordings import RecordedSet, bundled, exact_json
from tests.fetchers.runpod_sets import two_sites

KEY = "secret_name_0a1b2c3d4e5f.6a7b8c9d"
SETS = {"yotta": bundled("yotta"), "lambda": bundled("lambda"), "runpod": two_sites()}


def record(recorded: RecordedSet, folder: Path, key: str | None = KEY) -> None:
    """Save the answers of a set as a live run at its `as_of` would."""
    recorder = Recorder(folder, recorded.cloud, key, lambda url: urlsplit(url).path)
    for answer in recorded.answers:
        request = Request(method=answer.method, url=f"https://x.invalid{answer.path}", query=answer.query)
        raw = RawAnswer(answer.status, answer.headers, answer.content(), recorded.as_of, "")
        recorder.save(request, raw)


@pytest.mark.parametrize("cloud", SETS)
def test_what_was_recorded_gives_the_same_catalog(cloud: str, tmp_path: Path) -> None:
    record(SETS[cloud], tmp_path)
    again = fetch_cloud(load_fetcher(cloud), SessionOptions(replay=tmp_path))
    first = SETS[cloud].fetch()
    assert [replace(row, observed_at=None) for row in again.offerings] == [
        replace(row, observed_at=None) for row in first.offerings
    ]
    assert {row.observed_at for row in again.offerings} <= {SETS[cloud].as_of, "2026-03-27T00:00:00Z"}
    assert (again.skipped, again.kind, again.requests_made) == (first.skipped, "live", first.requests_made)


def test_a_recording_without_a_key_is_replayed_without_one(tmp_path: Path) -> None:
    record(two_sites(with_key=False), tmp_path, key=None)
    assert not load_recorded(tmp_path, "runpod").with_key
    again = fetch_cloud(load_fetcher("runpod"), SessionOptions(replay=tmp_path))
    assert again.warnings[0] == "no RUNPOD_API_KEY: prices come from the deprecated GraphQL API"
    assert len(again.offerings) == 263 * 2


def test_nothing_that_is_written_holds_the_key(tmp_path: Path) -> None:
    recorded = bundled("yotta")
    recorded.answers[0].body["data"].append({"gpuType": KEY, KEY: [KEY], "note": f"Bearer {KEY}."})
    recorded.answers[1].fail(401, f"bad key {KEY}".encode())
    recorded.answers[0].headers |= {"Set-Cookie": KEY, "Retry-After": "3"}
    record(recorded, tmp_path)
    files = [path.read_text() for path in (tmp_path / "yotta").iterdir()]
    assert len(files) == 3
    assert not any(KEY in text for text in files)
    assert load_recorded(tmp_path, "yotta").answers[0]["headers"] == {
        "Content-Type": "application/json", "Retry-After": "3",
    }  # fmt: skip


PERSONAL = ["email", "e-mail", "Email", "orgId", "org_id", "userName", "account_id", "apiKey", "api_key", "token",
            "accessToken", "clientSecret", "password"]  # fmt: skip


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("value", ["me@example.org", 12345, ["a"], {"b": 1}])
def test_fields_that_name_a_person_lose_their_value(name: str, value: Any) -> None:
    body = json.dumps({"data": [{name: value, "region": "us-east-1"}], "none": {name: None}}).encode()
    clean = json.loads(scrubbed(body, None))
    assert clean == {"data": [{name: "[scrubbed]", "region": "us-east-1"}], "none": {name: None}}


def test_numbers_keep_their_digits() -> None:
    body = b'{"email": "a@b.c", "price": 0.49199999999999994, "big": 12345678901234567890123, "e": 1e-7, "x": -0.0}'
    clean = scrubbed(body, None).decode()
    assert all(digits in clean for digits in ("0.49199999999999994", "12345678901234567890123", "1e-7", "-0.0"))
    unchanged = b'{"price":0.10,  "region":"us-east-1"}\n'
    assert scrubbed(unchanged, KEY) == unchanged


@pytest.mark.parametrize("body", [b"", b"<html>" + KEY.encode(), b'{"a": ', b"\xff\xfe", b"[" * 600 + b"]" * 600])
def test_a_body_that_is_no_json_is_scrubbed_as_text(body: bytes) -> None:
    assert KEY.encode() not in scrubbed(body, KEY)


def test_an_echoed_key_reaches_no_message(tmp_path: Path) -> None:
    recorded = bundled("yotta")
    for status, body in ((200, {"code": 10001, "message": f"Invalid API key {KEY}"}),
                         (401, {"message": "x" * 290 + KEY}), (404, {"message": KEY})):  # fmt: skip
        recorded.answers[0].fail(status, body)
        adapter = ReplayAdapter(load_recorded(recorded.write(tmp_path), "yotta"))
        http = Http(policy=HttpPolicy(), key=Key(KEY, "a test"), adapter=adapter)
        request = Request(method="GET", url="https://api.yottalabs.ai/v2/vms/types")
        try:
            said = exact_json(http.request(request).data)
        except FetchError as exc:
            said = str(exc)
        assert "[key]" in said
        assert KEY[:8] not in said


# Replaying ----------------------------------------------------------------------------------------


def test_a_request_that_was_never_recorded_gets_a_404(tmp_path: Path) -> None:
    recorded = bundled("lambda").without("/regions")
    fetched = recorded.fetch()
    assert "bundled table" in fetched.warnings[0]
    assert "HTTP 404 (not in the recorded set)" in fetched.warnings[0]
    path = "/api/v1/regions?" + urlencode({"page": 2})
    adapter = ReplayAdapter(load_recorded(bundled("lambda").write(tmp_path), "lambda"))
    http = Http(policy=HttpPolicy(), adapter=adapter)
    assert http.look(Request(method="GET", url=f"https://cloud.lambda.ai{path}")).status == 404


def test_answers_come_in_their_order_and_the_last_one_again(tmp_path: Path) -> None:
    recorded = bundled("lambda")
    recorded.answers.insert(0, bundled("lambda").answers[0])
    recorded.answers[0].fail(503)
    http = Http(policy=HttpPolicy(), adapter=ReplayAdapter(load_recorded(recorded.write(tmp_path), "lambda")))
    request = Request(method="GET", url="https://cloud.lambda.ai/api/v1/instance-types")
    assert [http.look(request).status for _ in range(4)] == [503, 200, 200, 200]


def test_the_set_lies_in_the_folder_or_below_it(tmp_path: Path) -> None:
    folder = bundled("lambda").write(tmp_path)
    assert load_recorded(folder, "lambda").answers == load_recorded(folder / "lambda", "lambda").answers
    assert load_recorded(BUNDLED, "lambda").kind == "sample"


OUTSIDE = ["../secret.json", "/etc/hostname", "", ".", "..", "a/../../b", "0.json\0", "none.json"]


@pytest.mark.parametrize("body", OUTSIDE)
def test_a_body_outside_of_the_set_is_refused(body: str, tmp_path: Path) -> None:
    folder = bundled("yotta").write(tmp_path)
    (tmp_path / "secret.json").write_text('{"code": 10000, "data": []}')
    index = bundled("yotta").index()
    index["answers"][0]["body"] = body
    (folder / "yotta" / "index.json").write_text(json.dumps(index))
    with pytest.raises(BadSetting, match="record the set again"):
        fetch_cloud(load_fetcher("yotta"), SessionOptions(replay=folder))


def changed_index(**changes: Any) -> dict[str, Any]:
    return bundled("yotta").index() | changes


def changed_answer(**changes: Any) -> dict[str, Any]:
    index = bundled("yotta").index()
    index["answers"][0].update(changes)
    return index


BAD_INDEXES: list[Any] = [
    [], None, "text", {}, changed_index(format=2), changed_index(cloud="lambda"), changed_index(kind="guess"),
    changed_index(as_of="yesterday"), changed_index(as_of=None), changed_index(as_of="2026-11-22T00:00:00"),
    changed_index(answers=None), changed_index(answers=[1]), changed_index(answers=[{}]), changed_index(answers=7),
    changed_answer(path=None), changed_answer(status="200"), changed_answer(query=[1]),
    changed_answer(headers=None), changed_answer(headers={"a": 1}), changed_answer(observed_at=None),
    changed_answer(body=3),
]  # fmt: skip


@pytest.mark.parametrize("index", BAD_INDEXES, ids=range(len(BAD_INDEXES)))
def test_an_index_that_is_none_is_refused_in_one_line(index: Any, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(BadSetting) as caught:
        fetch_cloud(load_fetcher("yotta"), SessionOptions(replay=tmp_path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "half", "bytes", "deep"])
def test_an_index_that_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(BadSetting, match="cannot be read"):
        load_recorded(tmp_path, "yotta")


def test_no_set_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no recorded answers of yotta"):
        load_recorded(tmp_path, "yotta")


def test_a_recorded_rejection_is_one(tmp_path: Path) -> None:
    recorded = bundled("lambda")
    recorded.answers[0].fail(401, b'{"error": {"code": "global/invalid-api-key"}}')
    record(recorded, tmp_path)
    with pytest.raises(CredentialsRejected, match="global/invalid-api-key"):
        fetch_cloud(load_fetcher("lambda"), SessionOptions(replay=tmp_path))


@pytest.mark.parametrize("cloud", SETS)
def test_every_body_of_a_recording_is_the_answer_to_the_last_digit(cloud: str, tmp_path: Path) -> None:
    record(SETS[cloud], tmp_path)
    saved = load_recorded(tmp_path, cloud)
    for entry, answer in zip(saved.answers, SETS[cloud].answers, strict=True):
        body = (saved.folder / entry["body"]).read_bytes()
        assert parse_json(body, "") == parse_json(answer.content(), "")
