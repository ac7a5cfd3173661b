"""Lambda Cloud as documented."""

from __future__ import annotations

import base64

import pytest

from tests.emulator import KEYS, Emulator, Violation
from tests.emulator.routes import LAMBDA_IMAGES, LAMBDA_REGIONS, LAMBDA_TYPES, Route
from tests.test_emulator.client import send

KEY = KEYS["lambda"]


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_types_are_an_object_by_name(emulator: Emulator) -> None:
    answer = send(emulator, LAMBDA_TYPES)
    assert answer.status_code == 200
    types = answer.json()["data"]
    assert types == emulator.data.lambda_types
    assert all(entry["instance_type"]["name"] == name for name, entry in types.items())


def test_prices_can_be_changed_and_fields_dropped(emulator: Emulator) -> None:
    kind = emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]
    kind["price_cents_per_hour"] = "131"
    del kind["specs"]["gpus"]
    answered = send(emulator, LAMBDA_TYPES).json()["data"]["gpu_1x_a10"]["instance_type"]
    assert answered["price_cents_per_hour"] == "131"
    assert "gpus" not in answered["specs"]


def test_regions_and_images_name_the_same_regions(emulator: Emulator) -> None:
    regions = send(emulator, LAMBDA_REGIONS).json()["data"]
    assert len(regions) == 17
    assert [image["region"] for image in send(emulator, LAMBDA_IMAGES).json()["data"]] == regions


@pytest.mark.parametrize("route", [("GET", "/lambda/api/v1/nothing"), ("DELETE", LAMBDA_TYPES[1])])
def test_unknown_route(emulator: Emulator, route: Route) -> None:
    answer = send(emulator, route)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "global/not-found")


@pytest.mark.parametrize("value", [f"Bearer {KEY}", basic(f"{KEY}:"), f"Basic {KEY}"])
def test_documented_forms_of_the_key(emulator: Emulator, value: str) -> None:
    assert send(emulator, LAMBDA_TYPES, headers={"Authorization": value}).status_code == 200


@pytest.mark.parametrize("value", [None, "Bearer wrong", "Bearer ", basic("wrong:"), KEY, f"Token {KEY}"])
def test_other_keys_are_refused(emulator: Emulator, value: str | None) -> None:
    answer = send(emulator, LAMBDA_TYPES, headers={"Authorization": value} if value else {})
    assert answer.status_code == 401
    assert answer.json()["error"].keys() == {"code", "message", "suggestion"}
    assert answer.json()["error"]["code"] == "global/invalid-api-key"


def test_one_request_per_second_is_counted(emulator: Emulator) -> None:
    assert [send(emulator, LAMBDA_TYPES).status_code, send(emulator, LAMBDA_REGIONS).status_code] == [200, 200]
    assert emulator.violations == [Violation("rate-limit", LAMBDA_REGIONS)]


def test_one_request_per_second_is_enforced_if_asked_for() -> None:
    with Emulator(enforce_rate_limit=True) as strict:
        assert send(strict, LAMBDA_TYPES).status_code == 200
        answer = send(strict, LAMBDA_TYPES)
        assert (answer.status_code, answer.text) == (429, "error code: 1015")
        assert "Retry-After" not in answer.headers
