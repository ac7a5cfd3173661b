"""Targets: what the clouds answer, up to the catalog that is published of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fetchers import BUNDLED, FetchError, SessionOptions, fetch_cloud, load_fetcher
from fetchers.answers import parse_json, retry_after_seconds, vendor_message
from fetchers.credentials import find_key
from fetchers.lambda_cloud import LambdaCloud
from fetchers.replay import load_recorded, scrubbed
from fetchers.runpod import RunPod
from fetchers.shapes import shape_of
from fetchers.yotta import Yotta
from schemas import RefusedFetch, accept
from tests.fetchers.recordings import RecordedSet, bundled, exact_json, fixture
from tests.fetchers.runpod_sets import GPUS, GRAPHQL, two_sites
from tests.fuzz.mutation import TOKENS, Edit, damaged, damaged_json, damaged_text, edited, edits
from tests.fuzz.promises import assert_one_line, assert_usable
from tests.fuzz.publishing import assert_published_as_it_is
from tests.fuzz.target import Target

# Recorded sets, small ones ---------------------------------------------------------------------------


def small_lambda() -> RecordedSet:
    """The bundled set with six types and three regions."""
    recorded = bundled("lambda")
    types, regions = recorded["/instance-types"].body, recorded["/regions"].body
    types["data"] = dict(list(types["data"].items())[:6])
    regions["data"] = regions["data"][:3]
    return recorded


def small_runpod(*, with_key: bool) -> RecordedSet:
    """The bundled set with four GPUs at two sites."""
    recorded = two_sites(with_key=with_key)
    kept = ("NVIDIA B300 SXM6 AC", "NVIDIA H200", "NVIDIA L4", "NVIDIA A30")
    holders = [(recorded[GRAPHQL].body["data"], "gpuTypes")] + ([(recorded[GPUS].body, "gpus")] if with_key else [])
    for holder, name in holders:
        holder[name] = [item for item in holder[name] if item["id"] in kept]
    return recorded


def yotta_with_list() -> RecordedSet:
    """The bundled set with an answer of `gpus/list`, whose items are INFERRED."""
    recorded = bundled("yotta")
    listing = recorded["/gpus/list"]
    listing.status = 200
    item = {
        "gpuType": "NVIDIA_RTX_5090_32G",
        "region": "us-east-2",
        "cloudType": "SECURE",
        "singleCardPrice": "0.7",
        "singleCardVcpu": 8,
        "singleCardRamInGb": 32,
        "singleCardVramInGb": 32,
    }
    listing.body = {"code": 10000, "data": [item, {**item, "gpuType": "NVIDIA_L4_24G", "region": "eu-1"}]}
    return recorded


SETS: Mapping[str, Callable[[], RecordedSet]] = {
    "lambda": small_lambda,
    "yotta": yotta_with_list,
    "runpod with a key": partial(small_runpod, with_key=True),
    "runpod without a key": partial(small_runpod, with_key=False),
}


_small_set = cache(lambda name: SETS[name]())

# The fetchers ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to one answer of a set."""

    answer: int
    """Its number in the set."""

    edits: tuple[Edit, ...] = ()
    """Changes of its JSON."""

    body: bytes | None = None
    """What comes in its place; None: nothing does."""

    status: int | None = None
    """Another status; None: that of the set."""

    retry_after: str | None = None
    """A Retry-After header."""


def changes_of(recorded: RecordedSet) -> SearchStrategy[tuple[Change, ...]]:
    """Changes of one or two of its answers; most of the time of their JSON, since that goes the deepest."""
    bodies = [exact_json(answer.body).encode() for answer in recorded.answers]
    options: list[SearchStrategy[Change]] = []
    for number, answer in enumerate(recorded.answers):
        changed = st.builds(Change, st.just(number), edits(answer.body))
        options += [changed, changed, changed, st.builds(Change, st.just(number), body=damaged(bodies))]
    statuses = st.sampled_from([200, 204, 301, 302, 400, 401, 404, 413, 429, 500, 503])
    failing = st.builds(
        Change, st.integers(0, len(bodies) - 1), status=statuses, body=damaged(bodies), retry_after=RETRY_AFTER
    )
    return st.lists(st.one_of(*options, failing), min_size=1, max_size=2).map(tuple)


def changed(name: str, changes: Sequence[Change]) -> RecordedSet:
    """The set of this name, with these changes."""
    recorded = _small_set(name)
    recorded = replace(recorded, answers=[replace(answer) for answer in recorded.answers])
    for change in changes:
        answer = recorded.answers[change.answer]
        if change.body is not None:
            answer.body = change.body
        elif not isinstance(answer.body, bytes):
            answer.body = edited(answer.body, change.edits)
        answer.status = answer.status if change.status is None else change.status
        if change.retry_after is not None:
            answer.headers = {**answer.headers, "Retry-After": change.retry_after}
    return recorded


def check_answers(name: str, changes: Sequence[Change]) -> None:
    """A FetchError, or offerings and skipped that are fit to be published."""
    try:
        fetched = changed(name, changes).fetch()
    except FetchError as exc:
        assert_one_line(str(exc))
    else:
        assert_usable(fetched)


def check_catalog(name: str, changes: Sequence[Change]) -> None:
    """What is accepted of a fetch is valid, and every published form of it says the same."""
    recorded = changed(name, changes)
    try:
        fetched = recorded.fetch()
        accepted = accept(recorded.cloud, fetched.offerings, fetched.skipped)
    except (FetchError, RefusedFetch) as exc:
        assert_one_line(str(exc))
    else:
        assert_published_as_it_is(recorded.cloud, accepted)


# What all of them read -------------------------------------------------------------------------------

RETRY_DATES = (
    "Wed, 25 Nov 2026 03:00:00 GMT",
    "Wednesday, 25-Nov-26 03:00:00 GMT",
    "25 Nov 2026 03:00 -0000",
    "120",
)
RETRY_AFTER = damaged_text(RETRY_DATES).filter(lambda text: len(text) < 4000)


def check_retry_after(text: str) -> None:
    """Seconds from now, or None."""
    seconds = retry_after_seconds({"retry-after": text})
    assert seconds is None or 0 <= seconds < 10**12


def check_json(body: bytes) -> None:
    """A document that everything can walk through, or a FetchError; errors are told in a line."""
    try:
        data = parse_json(body, "/path")
    except FetchError as exc:
        assert_one_line(str(exc))
    else:
        assert shape_of(data) is not None
    assert len(vendor_message(body)) <= 300
    assert b"a-key-that-nobody-has" not in scrubbed(body, "a-key-that-nobody-has")


def check_index(content: bytes) -> None:
    """A recorded set whose answers can be replayed, or a FetchError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "index.json").write_bytes(content)
        for file in (BUNDLED / "lambda").glob("*_types.json"):
            (folder / file.name).write_bytes(file.read_bytes())
        try:
            recorded = load_recorded(folder, "lambda")
            fetched = fetch_cloud(load_fetcher("lambda"), SessionOptions(replay=folder))
        except FetchError as exc:
            assert_one_line(str(exc).replace(name, ""))
        else:
            assert recorded.as_of.tzinfo is not None
            assert_usable(fetched)


KEY = "secret_name_0a1b2c3d4e5f.6a7b8c9d"
KEY_FILES = (
    f"api_key = {KEY}\n", f"[default] # mine\napi_key = \"{KEY}\"\n", f"orgId=1\napikey={KEY}\n", f"{KEY}\n",
    f"[other]\napi_key = no\n\n[default]\napiKey: '{KEY}' ; x\n",
)  # fmt: skip


def check_key_file(content: bytes) -> None:
    """A key that a header can carry, or CredentialsMissing, in which nothing of the file is told."""
    with tempfile.TemporaryDirectory() as home:
        for credentials in (Yotta.credentials, LambdaCloud.credentials, RunPod.credentials):
            path = Path(home) / credentials.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            try:
                key = find_key(credentials, {}, Path(home))
            except FetchError as exc:
                assert_one_line(str(exc).replace(KEY[:12], "\n"))
            else:
                assert key is not None
                assert key.text.isascii()
                assert key.text.isprintable()
                assert 0 < len(key.text) <= 512
                assert KEY[:12] not in repr(key)


DOCUMENTED = fixture("lambda/documented-instance-types-1.10.0.json")
INDEX = json.loads((BUNDLED / "lambda" / "index.json").read_text(encoding="utf-8"))
TARGETS = (
    *(Target(f"answers: {name}", changes_of(make()), partial(check_answers, name)) for name, make in SETS.items()),
    *(
        Target(f"catalog: {name}", changes_of(make()), partial(check_catalog, name), 5)
        for name, make in SETS.items()
    ),
    Target("Retry-After", RETRY_AFTER, check_retry_after),
    Target("JSON of any answer", damaged_json(DOCUMENTED) | damaged(TOKENS), check_json),
    Target("recorded index", damaged_json(INDEX), check_index),
    Target("key file", damaged([text.encode() for text in KEY_FILES]), check_key_file),
)
