"""Yotta as documented."""

from __future__ import annotations

import pytest

from tests.emulator import KEYS, Emulator
from tests.emulator.routes import YOTTA_GPUS, YOTTA_TYPES
from tests.test_emulator.client import send

BOUNDS = {"regions": [], "minSingleCardVramInGb": 1, "maxSingleCardVramInGb": 300}


def test_types_are_the_recorded_ones(emulator: Emulator) -> None:
    answer = send(emulator, YOTTA_TYPES)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert (body["message"], body["code"]) == ("success", 10000)
    assert body["data"] == emulator.data.yotta_types
    assert body["data"][0].keys() == {"gpuType", "regions"}
    assert body["data"][0]["regions"][0].keys() == {"region", "regionName", "available", "vmTypeId"}


def test_gpu_list_is_not_found_unless_a_test_fills_it(emulator: Emulator) -> None:
    answer = send(emulator, YOTTA_GPUS, body=BOUNDS)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (404, 10007, None)
    emulator.data.yotta_gpus = [{"gpuType": "NVIDIA_H100_80G", "singleCardPrice": "2.10"}]
    assert send(emulator, YOTTA_GPUS, body=BOUNDS).json()["data"] == emulator.data.yotta_gpus


@pytest.mark.parametrize("body", [None, [], {}, {"minSingleCardVramInGb": 1}])
def test_gpu_list_needs_the_mandatory_filters(emulator: Emulator, body: object) -> None:
    emulator.data.yotta_gpus = []
    answer = send(emulator, YOTTA_GPUS, body=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 10001)


@pytest.mark.parametrize("path", ["/yotta/v2/vms/types/", "/yotta/v2/gpu-types", "/yotta/"])
def test_unknown_route_has_the_envelope(emulator: Emulator, path: str) -> None:
    answer = send(emulator, ("GET", path))
    assert answer.status_code == 404
    assert answer.json().keys() == {"message", "code", "data"}


@pytest.mark.parametrize("name", ["X-Api-Key", "x-api-key", "X-API-KEY"])
def test_key_header_in_any_case(emulator: Emulator, name: str) -> None:
    assert send(emulator, YOTTA_TYPES, headers={name: KEYS["yotta"]}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Api-Key": "wrong"}, {"X-Api-Key": ""}, {"Authorization": f"Bearer {KEYS['yotta']}"}],
    ids=["none", "wrong", "empty", "bearer"],
)
def test_other_keys_are_refused(emulator: Emulator, headers: dict[str, str]) -> None:
    answer = send(emulator, YOTTA_TYPES, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["data"] is None
