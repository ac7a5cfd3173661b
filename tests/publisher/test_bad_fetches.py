"""Settings and structures that make no catalog: one clear line, the right exit code, every byte as it was.

What goes wrong on the way to a cloud is in `tests/trust/faults.py`.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Body, DripBody, Emulator, Status, routes
from tests.publisher.commands import digests, fetch, reasons


def test_no_key(emulator: Emulator, catalogs: Path) -> None:
    before = digests(catalogs)
    result = fetch("yotta", "lambda", "--output", catalogs)
    assert result.exit_code == 1
    assert digests(catalogs) == before
    assert "no API key of Yotta; set YOTTA_API_KEY" in result.stderr
    assert "no API key of Lambda; set LAMBDA_API_KEY" in result.stderr
    assert not emulator.requests


def test_a_wrong_key(emulator: Emulator, catalogs: Path) -> None:
    wrong = {name: "wrong-key" if name.endswith("_KEY") else value for name, value in emulator.environ.items()}
    before = digests(catalogs)
    result = fetch("all", "--output", catalogs, env=wrong)
    assert result.exit_code == 1
    assert digests(catalogs) == before
    assert all("key rejected" in reason for reason in reasons(result).values())
    assert "wrong-key" not in result.output


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://192.0.2.1", "plain http is allowed to this machine only"),
        ("ftp://127.0.0.1", "is not https"),
        ("cloud.lambda.ai", "is not https"),
        ("https://", "is not https"),
        ("https://[nonsense", "is not https"),
        ("https://someone:secret@127.0.0.1", "holds a user name or a query"),
        ("https://127.0.0.1/?key=secret", "holds a user name or a query"),
    ],
)
def test_a_base_url_that_must_not_be_asked(url: str, message: str, emulator: Emulator, catalogs: Path) -> None:
    before = digests(catalogs)
    result = fetch("lambda", "--output", catalogs, env={**emulator.environ, "LAMBDA_BASE_URL": url})
    assert result.exit_code == 1
    assert message in result.stderr
    assert "secret" not in result.output
    assert digests(catalogs) == before


Change = Callable[[Any, Any], None]


def every_price(value: Any) -> Callable[[Emulator], None]:
    def change(emulator: Emulator) -> None:
        for entry in emulator.data.lambda_types.values():
            entry["instance_type"]["price_cents_per_hour"] = value
        for gpu in emulator.data.runpod_gpus:
            gpu["price"]["secure"] = value
        for cpu in emulator.data.runpod_cpus:
            cpu["price"]["securePerVcpu"] = value

    return change


def without(*fields: str) -> Callable[[Emulator], None]:
    def change(emulator: Emulator) -> None:
        for entry in emulator.data.lambda_types.values():
            for field in fields:
                entry["instance_type"].pop(field, None)
        for item in [*emulator.data.runpod_gpus, *emulator.data.runpod_cpus]:
            for field in fields:
                item.pop(field, None)

    return change


def wrong_types(emulator: Emulator) -> None:
    emulator.data.lambda_types = [17, "x"]
    emulator.data.runpod_gpus = {"a": 1}


def not_json_numbers(emulator: Emulator) -> None:
    """NaN and Infinity, which Python writes and JSON does not know."""
    every_price(float("nan"))(emulator)
    for cpu in emulator.data.runpod_cpus:
        cpu["price"]["securePerVcpu"] = float("inf")


def two_prices(emulator: Emulator) -> None:
    """The same offer twice, with different prices."""
    twin = json.loads(json.dumps(emulator.data.lambda_types["gpu_1x_a10"]))
    twin["instance_type"]["price_cents_per_hour"] = 300
    emulator.data.lambda_types["another key"] = twin
    gpu = json.loads(json.dumps(next(gpu for gpu in emulator.data.runpod_gpus if gpu["id"] == "NVIDIA L4")))
    gpu["price"]["secure"] = 0.9
    emulator.data.runpod_gpus.insert(0, gpu)


STRUCTURES: dict[str, tuple[Callable[[Emulator], None], str]] = {
    "no fields": (
        without("price_cents_per_hour", "specs", "name", "price", "memory", "id", "vcpu"),
        "left to publish",
    ),
    "wrong types": (wrong_types, "is not a"),
    "price 0 in every row": (every_price(0), "left to publish"),
    "negative price in every row": (every_price(-4), "left to publish"),
    "text as price in every row": (every_price("cheap"), "left to publish"),
    "absurd price in every row": (every_price(10**40), "left to publish"),
    "price out of any band in every row": (every_price(999_999), "left to publish"),
    "NaN and Infinity": (not_json_numbers, "left to publish"),
    "one offer at two prices": (two_prices, "contradictory-offer"),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_structure_that_is_no_catalog(name: str, emulator: Emulator, catalogs: Path) -> None:
    change, message = STRUCTURES[name]
    change(emulator)
    before = digests(catalogs)
    result = fetch("lambda", "runpod", "--output", catalogs, env=emulator.environ)
    assert result.exit_code == 1, result.output
    assert digests(catalogs) == before
    said = reasons(result)
    assert set(said) == {"lambda", "runpod"}
    assert all(message in reason for reason in said.values()), said


@pytest.mark.parametrize("types", [[], None, 17, "text", {}, [{}], [17], [{"gpuType": 4}]])
def test_a_yotta_list_that_is_none(types: Any, emulator: Emulator, catalogs: Path) -> None:
    emulator.data.yotta_types = types
    before = digests(catalogs)
    result = fetch("yotta", "--output", catalogs, env=emulator.environ)
    assert result.exit_code == 1, result.output
    assert digests(catalogs) == before
    assert "/v2/vms/types" in reasons(result)["yotta"]


def test_half_of_the_entries_broken_is_refused(emulator: Emulator, catalogs: Path) -> None:
    for entry in list(emulator.data.lambda_types.values())[::2]:
        del entry["instance_type"]["price_cents_per_hour"]
    for gpu in emulator.data.runpod_gpus[::2]:
        gpu.pop("price")
    before = digests(catalogs)
    result = fetch("lambda", "runpod", "--output", catalogs, env=emulator.environ)
    assert result.exit_code == 1, result.output
    assert digests(catalogs) == before
    assert all("too much is broken" in reason for reason in reasons(result).values())


def test_one_bad_cloud_does_not_stop_the_others(emulator: Emulator, catalogs: Path) -> None:
    emulator.faults[routes.LAMBDA_TYPES] = [Body(gzip.compress(b"{}"))]
    before = digests(catalogs)
    result = fetch("all", "--output", catalogs, env=emulator.environ)
    assert result.exit_code == 3, result.output
    after = digests(catalogs)
    assert {path for path in after if "/lambda/" in path and after[path] != before[path]} == set()
    manifest = json.loads((catalogs / "manifest.json").read_text())
    states = {cloud: entry["state"] for cloud, entry in manifest["clouds"].items()}
    assert states == {"yotta": "fresh", "lambda": "kept", "runpod": "fresh"}
    assert manifest["clouds"]["lambda"]["observed_at"] == "2026-05-28T00:00:00Z"
    assert "JSON" in manifest["clouds"]["lambda"]["reason"]


def test_what_there_is_a_substitute_for_uses_half_of_the_time(emulator: Emulator, tmp_path: Path) -> None:
    """Else nothing is left to make rows of what the other answers said."""
    emulator.faults[routes.RUNPOD_GRAPHQL] = [DripBody(100)]
    result = fetch("runpod", "--output", tmp_path, "--deadline", "6", env=emulator.environ)
    assert result.exit_code == 0, result.output
    waited = re.search(
        r"GraphQL gave no pod sizes \(/runpod/graphql was not done after ([0-9.]+) s\)", result.stderr
    )
    assert waited is not None
    assert 3 <= float(waited[1]) < 5


def test_regions_that_never_end_leave_time_for_those_of_the_images(emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults[routes.LAMBDA_REGIONS] = [DripBody(100)]
    result = fetch("lambda", "--output", tmp_path, "--deadline", "6", env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert "regions are those of /images, since /regions failed: " in result.stderr


def test_retry_after_is_honoured_and_backoff_is_never_less(emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults[routes.YOTTA_TYPES] = [
        Status(429, headers={"Retry-After": "1"}),
        Status(503, headers={"Retry-After": "0"}),
    ]
    assert fetch("yotta", "--output", tmp_path, env=emulator.environ).exit_code == 0
    times = [request.at_seconds for request in emulator.requests if request.route == routes.YOTTA_TYPES]
    assert times[1] - times[0] >= 1.0
    assert times[2] - times[1] >= 0.5  # the second backoff is a random share, at least half, of one second


def test_a_region_that_no_catalog_can_hold_costs_itself(emulator: Emulator, tmp_path: Path) -> None:
    emulator.data.lambda_regions += [{"name": "NA", "description": ""}, {"name": "us east", "description": ""}]
    result = fetch("lambda", "--output", tmp_path, env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert "regions whose names no catalog can hold, left out: NA, us east" in result.stderr
    assert (tmp_path / "v8/lambda/vms.csv").read_text().count("\n") == 1 + 25 * 17


def test_a_key_that_the_server_echoes_reaches_no_message(emulator: Emulator, tmp_path: Path) -> None:
    key = 'a "quoted" key'.replace(" ", "-")
    emulator.faults[routes.YOTTA_TYPES] = [Body(json.dumps({"code": 10001, "message": f"bad key {key}"}))]
    env = {**emulator.environ, "YOTTA_API_KEY": key}
    result = fetch("yotta", "--output", tmp_path, "--record", tmp_path / "answers", env=env)
    assert result.exit_code == 1
    assert "bad key [key]" in result.stderr
    saved = "".join(file.read_text() for file in (tmp_path / "answers").rglob("*.json"))
    assert "quoted" not in result.output + saved
