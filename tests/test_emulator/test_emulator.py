"""The emulator itself: its log, its keys, its end, its command."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.emulator import KEYS, Emulator, Fault, HugeBody, Stall, Status, Violation, routes
from tests.emulator.data import BUNDLED
from tests.test_emulator.client import KEY_HEADERS, send

ROOT = Path(__file__).parents[2]


def wait_for(emulator: Emulator, count: int) -> None:
    ends_at = time.monotonic() + 5
    while len(emulator.requests) < count and time.monotonic() < ends_at:
        time.sleep(0.01)
    assert len(emulator.requests) == count


# The log ------------------------------------------------------------------------------------------


def test_requests_are_logged(emulator: Emulator) -> None:
    send(emulator, routes.YOTTA_GPUS, query="?a=1&a=2&b=", body={"regions": []})
    (request,) = emulator.requests
    assert request.route == routes.YOTTA_GPUS
    assert request.query == {"a": ["1", "2"], "b": [""]}
    assert request.json() == {"regions": []}
    assert request.key == "yotta"
    assert request.headers["x-api-key"] == KEYS["yotta"]


def test_whose_key_it_was(emulator: Emulator) -> None:
    for headers in ({}, {"Authorization": "Bearer other"}, KEY_HEADERS["runpod"]):
        send(emulator, routes.RUNPOD_CPUS, headers=headers)
    assert [request.key for request in emulator.requests] == [None, "unknown", "runpod"]
    assert not emulator.violations


def test_the_key_of_another_cloud_is_a_violation(emulator: Emulator) -> None:
    assert send(emulator, routes.LAMBDA_TYPES, headers=KEY_HEADERS["runpod"]).status_code == 401
    assert emulator.violations == [Violation("foreign-key", routes.LAMBDA_TYPES)]


@pytest.mark.parametrize("route", routes.ALL)
@pytest.mark.parametrize("query", ["?api_key=x", "?other={key}"])
def test_a_key_in_the_url_is_refused_and_noted(emulator: Emulator, route: routes.Route, query: str) -> None:
    key = KEYS["runpod"]
    answer = send(emulator, route, query=query.format(key=key), body={} if route[0] == "POST" else None)
    assert answer.status_code == 400
    assert key not in answer.text
    assert emulator.violations == [Violation("key-in-url", route)]


def test_counts_of_many_threads(emulator: Emulator) -> None:
    wanted = [routes.YOTTA_TYPES, routes.RUNPOD_GPUS] * 20
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda route: send(emulator, route).status_code, wanted))
    assert statuses == [200] * 40
    assert emulator.counts == {routes.YOTTA_TYPES: 20, routes.RUNPOD_GPUS: 20}


def test_every_answer_is_late_and_its_bytes_are_counted() -> None:
    with Emulator(latency_seconds=0.05) as emulator:
        emulator.faults[routes.LAMBDA_REGIONS] = [Status(503)]
        started = time.monotonic()
        answers = [send(emulator, route) for route in (routes.LAMBDA_TYPES, routes.RUNPOD_CPUS)]
        assert time.monotonic() - started >= 0.1
        bodies = sum(len(answer.content) for answer in answers)
        assert bodies < emulator.bytes_sent < bodies + 4000
        assert send(emulator, routes.LAMBDA_REGIONS).status_code == 503
        emulator.reset()
        assert emulator.bytes_sent == 0


def test_reset_forgets_everything(emulator: Emulator) -> None:
    emulator.data.yotta_types.clear()
    emulator.faults[routes.YOTTA_TYPES] = [Status(500, forever=True)]
    send(emulator, routes.YOTTA_TYPES, query="?key=1")
    emulator.reset()
    assert (emulator.requests, emulator.counts, emulator.violations) == ([], {}, [])
    assert send(emulator, routes.YOTTA_TYPES).json()["data"]


def test_instances_do_not_share_data(emulator: Emulator) -> None:
    with Emulator() as other:
        other.data.lambda_types.clear()
        assert send(other, routes.LAMBDA_TYPES).json() == {"data": {}}
        assert send(emulator, routes.LAMBDA_TYPES).json()["data"]


def test_senseless_data_is_answered_with_500_and_noted() -> None:
    with Emulator() as emulator:
        emulator.data.lambda_types = {1, 2}
        answer = send(emulator, routes.LAMBDA_TYPES)
        assert (answer.status_code, len(emulator.errors)) == (500, 1)
        assert "not JSON serializable" in answer.text


def test_paths_without_a_cloud(emulator: Emulator) -> None:
    assert send(emulator, ("GET", "/v2/vms/types"), headers={}).status_code == 404
    assert send(emulator, ("GET", "/runpod"), headers={}).status_code == 404


def test_recorded_sets_of_one_cloud(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED / "yotta", tmp_path / "yotta")
    types = tmp_path / "yotta" / "vms_types.json"
    types.write_text('{"message": "success", "code": 10000, "data": []}', encoding="utf-8")
    for folder in (tmp_path, tmp_path / "yotta"):
        with Emulator(recorded=folder) as emulator:
            assert send(emulator, routes.YOTTA_TYPES).json()["data"] == []
            assert send(emulator, routes.LAMBDA_TYPES).json()["data"]


# The sockets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "", "example.com", "::"])
def test_only_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)


def test_base_urls(emulator: Emulator) -> None:
    environ = emulator.environ
    assert environ["YOTTA_BASE_URL"] + "/v2/vms/types" == emulator.url(routes.YOTTA_TYPES)
    assert environ["LAMBDA_BASE_URL"] + "/api/v1/regions" == emulator.url(routes.LAMBDA_REGIONS)
    assert environ["RUNPOD_BASE_URL"] + "/catalog/gpus" == emulator.url(routes.RUNPOD_GPUS)
    assert environ["RUNPOD_GRAPHQL_URL"] == emulator.url(routes.RUNPOD_GRAPHQL)
    assert {environ[f"{name}_API_KEY"] for name in ("YOTTA", "LAMBDA", "RUNPOD")} == set(KEYS.values())


@pytest.mark.parametrize(
    ("headers", "status"), [({"Content-Length": "9999999"}, 413), ({"Transfer-Encoding": "chunked"}, 411)]
)
def test_bodies_that_it_does_not_read(emulator: Emulator, headers: dict[str, str], status: int) -> None:
    request = requests.Request("POST", emulator.url(routes.YOTTA_GPUS)).prepare()
    request.headers.update(headers)
    request.headers.pop("Content-Length" if status == 411 else "none", None)
    with requests.Session() as session:
        assert session.send(request, timeout=5).status_code == status


@pytest.mark.parametrize("fault", [Stall(60), HugeBody(10**15)], ids=["stall", "huge"])
def test_close_waits_for_no_fault(fault: Fault) -> None:
    before = threading.active_count()
    emulator = Emulator()
    emulator.start()
    emulator.faults[routes.YOTTA_TYPES] = [fault] * 5
    host, port = emulator.origin.removeprefix("http://").split(":")
    clients = [socket.create_connection((host, int(port))) for _ in range(6)]
    for client in clients[:5]:
        client.sendall(f"GET {routes.YOTTA_TYPES[1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_for(emulator, 5)
    started = time.monotonic()
    emulator.close()
    assert time.monotonic() - started < 10  # the faults last a minute; a slow machine is no defect
    ends_at = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < ends_at:
        time.sleep(0.01)
    assert threading.active_count() == before
    assert len(emulator.requests) == 5
    for client in clients:
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_close_without_start_and_twice() -> None:
    emulator = Emulator()
    emulator.close()
    emulator.close()


# The command --------------------------------------------------------------------------------------


def test_command_prints_the_environment_and_serves() -> None:
    command = [sys.executable, "-m", "tests.emulator", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        environ = dict(process.stdout.readline().strip().split("=", 1) for _ in range(7))
        headers = {"X-Api-Key": environ["YOTTA_API_KEY"]}
        answer = requests.get(environ["YOTTA_BASE_URL"] + "/v2/vms/types", headers=headers, timeout=5)
        assert answer.json()["code"] == 10000
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_command_refuses_other_hosts() -> None:
    command = [sys.executable, "-m", "tests.emulator", "--port", "0", "--host", "0.0.0.0"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert result.returncode == 2
    assert "loopback" in result.stderr
