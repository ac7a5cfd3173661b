"""The probe: every endpoint once, every open question answered, no key in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fetchers import BUNDLED, SessionOptions
from fetchers.probe import ProbeReport, probe_cloud, probe_text
from fetchers.probe_plans import PLANS
from fetchers.session import REPLAY_KEY
from tests.fetchers.recordings import Recorded, RecordedSet, bundled
from tests.fetchers.runpod_sets import two_sites
from tests.samples import CLOUDS

KEY = REPLAY_KEY.text
EXCEPTIONS = ("Error", "Exception", "Traceback", "Decimal(")


def probe(recorded: RecordedSet, folder: Path) -> ProbeReport:
    return probe_cloud(recorded.cloud, SessionOptions(replay=recorded.write(folder)))


def answers(report: ProbeReport) -> dict[str, str]:
    """By the first word that tells a question from the others."""
    return dict(report.questions)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_bundled_answers_are_as_assumed_and_answer_every_question(cloud: str) -> None:
    report = probe_cloud(cloud, SessionOptions(replay=BUNDLED))
    assert report.reached
    assert len(report.endpoints) == len(PLANS[cloud].asks)
    assert [question for question, _ in report.questions] == [question for question, _ in PLANS[cloud].questions]
    text = probe_text(report)
    assert not any(word in text for word in EXCEPTIONS)
    for endpoint, ask in zip(report.endpoints, PLANS[cloud].asks, strict=True):
        in_set = any(answer.path.endswith(ask.path) for answer in bundled(cloud).answers)
        if in_set and ask.sampled and endpoint["status"] == 200 and not ask.bad_key:
            assert endpoint["shape"] == ["as assumed"], endpoint["request"]
    assert json.loads(json.dumps(report.to_dict()))["cloud"] == cloud


def test_what_was_not_answered_says_which_endpoint_it_hangs_on() -> None:
    report = probe_cloud("runpod", SessionOptions(replay=BUNDLED))
    community = answers(report)["Sites of community stock?"]
    assert community.startswith("not answered: ")
    assert "community: HTTP 404" in community
    assert answers(report)["Does v2 maxCount equal GraphQL's?"] == "differing (v2, GraphQL): none"


def test_a_missing_key_is_a_line_of_the_report(tmp_path: Path) -> None:
    report = probe_cloud("lambda", SessionOptions(environ={}, home=tmp_path))
    assert not report.reached
    assert "LAMBDA_API_KEY" in probe_text(report)


def test_no_network_is_a_line_per_endpoint(tmp_path: Path) -> None:
    environ = {"RUNPOD_BASE_URL": "https://127.0.0.1:1/v2", "RUNPOD_GRAPHQL_URL": "https://127.0.0.1:1/graphql"}
    report = probe_cloud("runpod", SessionOptions(environ=environ, home=tmp_path, deadline_seconds=5))
    assert not report.reached
    assert len(report.endpoints) == len(PLANS["runpod"].asks)
    assert all("error" in endpoint for endpoint in report.endpoints)
    assert not any(word in probe_text(report) for word in EXCEPTIONS)


ODD_BODIES: list[Any] = [
    b"", b"<html>", b"[]", b"null", b"7", {"data": None}, {"data": [None, 1, "x"]}, {"data": {"a": {}}},
    {"gpus": [{}], "cpus": [{}], "dataCenters": [{}], "data": {"gpuTypes": [{}], "dataCenters": None}},
    {"data": [{"gpuType": {}, "regions": None}]}, b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900,
    {"gpus": [{"id": "x", "price": {"secure": float("inf")}, "secure": False, "maxCount": {"secure": []}}]},
]  # fmt: skip


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_odd_answer_never_ends_the_probe(cloud: str, body: Any, tmp_path: Path) -> None:
    recorded = bundled(cloud)
    for answer in recorded.answers:
        answer.status, answer.body = 200, body
    report = probe(recorded, tmp_path)
    assert len(report.questions) == len(PLANS[cloud].questions)
    assert not any(word in probe_text(report) for word in EXCEPTIONS)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_report_holds_the_key_or_a_person(cloud: str, tmp_path: Path) -> None:
    recorded = two_sites() if cloud == "runpod" else bundled(cloud)
    for answer in recorded.answers:
        answer.headers |= {"ETag": f"W/{KEY}", "RateLimit": f'"{KEY}";r=1', "Server": KEY}
        answer.body["message"] = f"hello {KEY}"
        answer.body[f"field {KEY}"] = {"email": "me@example.org", "orgId": "org-77"}
    recorded.answers.append(
        Recorded(path="/openapi/v1/vms/type", body={"code": 10000, "data": [{KEY: KEY, "email": "me@example.org"}]})
    )
    text = probe_text(probe(recorded, tmp_path))
    assert "ratelimit" in text.lower()
    assert "[key]" in text
    assert KEY not in text
    assert "me@example.org" not in text
    assert "org-77" not in text


def test_a_changed_shape_is_told_by_path(tmp_path: Path) -> None:
    recorded = bundled("lambda")
    for entry in recorded["/instance-types"].body["data"].values():
        del entry["instance_type"]["architecture"]
        entry["instance_type"]["price_cents_per_hour"] = "129"
        entry["instance_type"]["spot"] = True
    report = probe(recorded, tmp_path)
    assert report.endpoints[0]["shape"] == [
        "not there: data.*.instance_type.architecture (string)",
        "other type: data.*.instance_type.price_cents_per_hour is string, assumed number",
        "new: data.*.instance_type.spot (boolean)",
    ]


def test_yottas_open_questions_are_answered_from_the_answers(tmp_path: Path) -> None:
    recorded = bundled("yotta").without("/gpus/list")
    priced = {"code": 10000, "data": [{"gpuType": "NVIDIA_GeForce_RTX_5090_32G", "singleCardPrice": "0.65"}]}
    recorded.answers += [
        Recorded(method="POST", path="/openapi/v1/gpus/list", body=priced),
        Recorded(path="/openapi/v1/vms/type", body=priced),
    ]
    told = answers(probe(recorded, tmp_path))
    assert told["Is /openapi/v1/gpus/list served; its fields and GPU codes?"] == (
        "served; 1 items; fields gpuType, singleCardPrice; codes NVIDIA_GeForce_RTX_5090_32G; "
        "legacy: ['NVIDIA_GeForce_RTX_5090_32G']"
    )
    assert told["Do /openapi/v1/vms/type and /v2/vms/type give prices, spot, counts?"] == (
        "type v1: HTTP 200, application/json, fields gpuType, singleCardPrice; type v2: HTTP 404, no media type"
    )


def test_runpods_unit_question_is_answered_by_the_ratio(tmp_path: Path) -> None:
    recorded = two_sites()
    unit = [
        {"id": "a", "securePrice": 2, "u2": {"uninterruptablePrice": 4}},
        {"id": "b", "securePrice": 0, "u2": None},
    ]
    recorded.answers.append(Recorded(method="POST", path="/graphql", body={"data": {"gpuTypes": unit}}))
    told = answers(probe(recorded, tmp_path))
    assert told["Unit of uninterruptablePrice?"].startswith("price of 2 GPUs over securePrice: [2.0] ")
