"""RunPod REST v2 as documented."""

from __future__ import annotations

import pytest
import requests

from tests.emulator import KEYS, Emulator, by_id
from tests.emulator.limits import RUNPOD_WINDOWS
from tests.emulator.routes import RUNPOD_CPUS, RUNPOD_DATA_CENTERS, RUNPOD_GPUS, Route
from tests.test_emulator.client import send

A40 = "NVIDIA A40"


def assert_problem(answer: requests.Response, status: int, detail: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status)
    assert detail in body["detail"]
    assert body["title"]


@pytest.mark.parametrize(
    ("route", "query", "member"),
    [
        (RUNPOD_GPUS, "", "gpus"),
        (RUNPOD_GPUS, "?include=AVAILABILITY&product=POD&count=1", "gpus"),
        (RUNPOD_CPUS, "", "cpus"),
        (RUNPOD_CPUS, "?include=AVAILABILITY&product=SERVERLESS&vcpuCount=8", "cpus"),
        (RUNPOD_DATA_CENTERS, "", "dataCenters"),
        (RUNPOD_DATA_CENTERS, "?include=GPU_AVAILABILITY,CPU_AVAILABILITY", "dataCenters"),
        (RUNPOD_DATA_CENTERS, "?include=GPU_AVAILABILITY&include=CPU_AVAILABILITY&regions=EUROPE", "dataCenters"),
    ],
)
def test_lists(emulator: Emulator, route: Route, query: str, member: str) -> None:
    recorded = {
        "gpus": emulator.data.runpod_gpus,
        "cpus": emulator.data.runpod_cpus,
        "dataCenters": emulator.data.runpod_data_centers,
    }
    answer = send(emulator, route, query=query)
    assert answer.status_code == 200
    assert answer.json() == {member: recorded[member]}


def test_headers_of_every_answer(emulator: Emulator) -> None:
    answers = [send(emulator, RUNPOD_GPUS), send(emulator, RUNPOD_GPUS, headers={})]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    assert answers[1].headers["RateLimit"].startswith('"minute";r=58;t=60, "hour";r=2998;t=3600, "day";r=')
    policy = '"minute";q=60;w=60, "hour";q=3000;w=3600, "day";q=50000;w=86400'
    assert answers[1].headers["RateLimit-Policy"] == policy


def test_stock_only_if_included(emulator: Emulator) -> None:
    stock = [{"id": "US-KS-2", "name": "US Kansas 2", "availability": "HIGH"}]
    by_id(emulator.data.runpod_gpus, A40).update(availability="HIGH", dataCenters=stock)
    site = by_id(emulator.data.runpod_data_centers, "US-KS-2")
    site.update(gpuAvailability=[{"id": A40, "name": "A40", "availability": "HIGH"}], cpuAvailability=[])

    def gpu(query: str) -> dict[str, object]:
        return dict(by_id(send(emulator, RUNPOD_GPUS, query=query).json()["gpus"], A40))

    assert not gpu("").keys() & {"availability", "dataCenters"}
    assert gpu("?include=AVAILABILITY&product=POD")["dataCenters"] == stock
    answered = send(emulator, RUNPOD_DATA_CENTERS, query="?include=CPU_AVAILABILITY").json()["dataCenters"]
    assert by_id(answered, "US-KS-2")["cpuAvailability"] == []
    assert "gpuAvailability" not in by_id(answered, "US-KS-2")


@pytest.mark.parametrize(
    ("route", "query", "detail"),
    [
        (RUNPOD_GPUS, "?include=AVAILABILITY", "product is required"),
        (RUNPOD_GPUS, "?include=STOCK&product=POD", "include must be one of"),
        (RUNPOD_GPUS, "?include=AVAILABILITY&product=VM", "product must be one of"),
        (RUNPOD_GPUS, "?include=AVAILABILITY&product=POD&count=0", "count must be"),
        (RUNPOD_GPUS, "?include=AVAILABILITY&product=POD&count=one", "count must be"),
        (RUNPOD_GPUS, "?include=AVAILABILITY&product=POD&cloud=ALL", "cloud must be"),
        (RUNPOD_GPUS, "?count=1", "requires include"),
        (RUNPOD_GPUS, "?include=AVAILABILITY&product=POD&cudaVersions=12.8&minCudaVersion=12.4", "exclusive"),
        (RUNPOD_GPUS, "?page=2", "unknown parameter"),
        (RUNPOD_CPUS, "?product=CLUSTER", "product must be one of"),
        (RUNPOD_CPUS, "?vcpuCount=6", "power of two"),
        (RUNPOD_CPUS, "?vcpuCount=1", "power of two"),
        (RUNPOD_DATA_CENTERS, "?include=AVAILABILITY", "include must be one of"),
        (RUNPOD_DATA_CENTERS, "?regions=MARS", "regions must be one of"),
        (RUNPOD_DATA_CENTERS, "?globalNetwork=yes", "globalNetwork must be"),
    ],
)
def test_parameter_rules(emulator: Emulator, route: Route, query: str, detail: str) -> None:
    assert_problem(send(emulator, route, query=query), 400, detail)


def test_a_key_is_required(emulator: Emulator) -> None:
    assert_problem(send(emulator, RUNPOD_GPUS, headers={}), 401, "missing bearer token")
    assert_problem(send(emulator, RUNPOD_GPUS, headers={"Authorization": "Bearer no"}), 401, "invalid bearer token")
    only_header = {"X-Api-Key": KEYS["runpod"]}
    assert_problem(send(emulator, RUNPOD_GPUS, headers=only_header), 401, "missing bearer token")


def test_other_methods_and_paths(emulator: Emulator) -> None:
    answer = send(emulator, ("POST", RUNPOD_GPUS[1]), body={})
    assert_problem(answer, 405, "POST")
    assert answer.headers["Allow"] == "GET"
    assert_problem(send(emulator, ("GET", "/runpod/v2/pods")), 404, "not found")
    assert send(emulator, ("HEAD", RUNPOD_GPUS[1])).status_code == 405


def test_minute_window_is_enforced_if_asked_for() -> None:
    with Emulator(enforce_rate_limit=True) as strict, requests.Session() as session:
        for _ in range(RUNPOD_WINDOWS[0][1]):
            session.get(strict.url(RUNPOD_CPUS), timeout=5)
        answer = send(strict, RUNPOD_CPUS)
        assert_problem(answer, 429, "rate limit exceeded")
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["RateLimit"].startswith('"minute";r=0;')
        assert [violation.rule for violation in strict.violations] == ["rate-limit"]
