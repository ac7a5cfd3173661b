"""One bad row: skipped and said, the rest published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator, by_id
from tests.publisher.commands import fetch, publish

BAD_PRICES: list[Any] = [None, 0, -5, float("nan"), "cheap", 123_456_789]


@pytest.fixture(autouse=True)
def _few_sites(emulator: Emulator) -> None:
    """RunPod at three of its sites: the rules are the same, the runs are short."""
    del emulator.data.runpod_data_centers[3:]


def published(folder: Path, cloud: str) -> tuple[set[str], list[dict[str, Any]]]:
    """Instance types in the v8 catalog, and the manifest's skipped entries that were broken."""
    lines = (folder / "v8" / cloud / "offers.jsonl").read_text().splitlines()
    entry = json.loads((folder / "manifest.json").read_text())["clouds"][cloud]
    return {json.loads(line)["instance_type"] for line in lines}, [
        skip for skip in entry["skipped"] if skip["broken"]
    ]


def fetched(emulator: Emulator, folder: Path, *clouds: str) -> str:
    """Fetch, assert that all went well and the folder verifies; what was said on standard error."""
    result = fetch(*clouds, "--output", folder, env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert publish("verify", folder).exit_code == 0
    return result.stderr


@pytest.mark.parametrize("price", BAD_PRICES, ids=repr)
def test_a_bad_price_costs_one_entry(price: Any, emulator: Emulator, tmp_path: Path) -> None:
    emulator.data.lambda_types["gpu_1x_gh200"]["instance_type"]["price_cents_per_hour"] = price
    by_id(emulator.data.runpod_gpus, "NVIDIA B200")["price"]["secure"] = price
    said = fetched(emulator, tmp_path, "lambda", "runpod")
    types, skipped = published(tmp_path, "lambda")
    assert len(types) == 24
    assert "gpu_1x_gh200" not in types
    assert {skip["listing"] for skip in skipped} == {"gpu_1x_gh200"}
    assert "lambda: skipped gpu_1x_gh200: " in said
    types, skipped = published(tmp_path, "runpod")
    assert len(types) == 255
    assert not any("B200" in name for name in types)
    assert {skip["listing"] for skip in skipped} == {"NVIDIA B200"}
    assert "runpod: skipped NVIDIA B200: " in said


def no_name(emulator: Emulator) -> None:
    del emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["name"]
    del by_id(emulator.data.runpod_gpus, "NVIDIA L4")["id"]


def no_size(emulator: Emulator) -> None:
    emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["specs"]["vcpus"] = None
    by_id(emulator.data.runpod_gpus, "NVIDIA L4")["memory"] = "large"


def no_object(emulator: Emulator) -> None:
    emulator.data.lambda_types["gpu_1x_a10"] = 17
    by_id(emulator.data.runpod_gpus, "NVIDIA L4").clear()


def unsafe_name(emulator: Emulator) -> None:
    emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["name"] = "=cmd|'/C calc'!A0"
    by_id(emulator.data.runpod_gpus, "NVIDIA L4").update(id="../../etc", name="../../etc")


def wrong_memory(emulator: Emulator) -> None:
    emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["gpu_description"] = "A10 (48 GB PCIe)"
    by_id(emulator.data.runpod_gpus, "NVIDIA L4")["memory"] = 24_576


@pytest.mark.parametrize("change", [no_name, no_size, no_object, unsafe_name, wrong_memory])
def test_a_bad_entry_costs_itself(change: Callable[[Emulator], None], emulator: Emulator, tmp_path: Path) -> None:
    change(emulator)
    fetched(emulator, tmp_path, "lambda", "runpod")
    types, skipped = published(tmp_path, "lambda")
    assert len(types) == 24
    assert len({skip["listing"] for skip in skipped}) == 1
    types, skipped = published(tmp_path, "runpod")
    assert len(types) == 253
    assert len({skip["listing"] for skip in skipped}) == 1


def test_a_duplicate_is_dropped_and_said(emulator: Emulator, tmp_path: Path) -> None:
    emulator.data.lambda_types["the same again"] = emulator.data.lambda_types["gpu_1x_a10"]
    emulator.data.runpod_gpus.append(by_id(emulator.data.runpod_gpus, "NVIDIA L4"))
    said = fetched(emulator, tmp_path, "lambda", "runpod")
    for cloud, count, listing in (("lambda", 25, "gpu_1x_a10"), ("runpod", 263, "NVIDIA L4")):
        types, skipped = published(tmp_path, cloud)
        assert len(types) == count
        assert {skip["rule"] for skip in skipped} == {"duplicate-row"}
        assert f"{cloud}: skipped {listing}" in said


def test_bad_items_of_yottas_optional_list_are_skipped(emulator: Emulator, tmp_path: Path) -> None:
    good = {"gpuType": "NVIDIA_L4_24G", "region": "us-east-1", "cloudType": "SECURE", "singleCardPrice": "0.35",
            "singleCardVcpu": 8, "singleCardRamInGb": 32, "singleCardVramInGb": 24}  # fmt: skip
    bad: list[dict[str, Any]] = [{"singleCardPrice": price} for price in BAD_PRICES]
    bad += [{"gpuType": None}, {"region": ""}, {"singleCardVcpu": None}, {"cloudType": "PRIVATE"}]
    emulator.data.yotta_gpus = [
        good,
        *({**good, "region": f"us-west-{n}", **change} for n, change in enumerate(bad)),
    ]
    fetched(emulator, tmp_path, "yotta")
    types, broken = published(tmp_path, "yotta")
    assert {name for name in types if "L4" in name} == {
        "1x8v32g_NVIDIA_L4_24G_SECURE", "2x16v64g_NVIDIA_L4_24G_SECURE",
        "4x32v128g_NVIDIA_L4_24G_SECURE", "8x64v256g_NVIDIA_L4_24G_SECURE",
    }  # fmt: skip
    assert len(types) == 12
    assert not broken


def test_a_price_as_text_is_a_documented_price(emulator: Emulator, tmp_path: Path) -> None:
    emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["price_cents_per_hour"] = "129"
    fetched(emulator, tmp_path, "lambda")
    assert len(published(tmp_path, "lambda")[0]) == 25


def test_an_unknown_gpu_with_name_size_and_price_is_a_row(emulator: Emulator, tmp_path: Path) -> None:
    gpu = json.loads(json.dumps(by_id(emulator.data.runpod_gpus, "NVIDIA L4")))
    gpu.update(id="NVIDIA RTX PRO 9000 Rubin", name="RTX PRO 9000", memory=256)
    emulator.data.runpod_gpus.append(gpu)
    details = json.loads(json.dumps(by_id(emulator.data.graphql_gpu_types, "NVIDIA L4")))
    details.update(id=gpu["id"], c1={"minVcpu": 32, "minMemory": 300, "stockStatus": "Low"})
    emulator.data.graphql_gpu_types.append(details)
    said = fetched(emulator, tmp_path, "runpod")
    types, skipped = published(tmp_path, "runpod")
    assert "1x_RTXPRO9000_SECURE" in types
    assert not skipped
    assert "NVIDIA RTX PRO 9000 Rubin is not in accelerators.csv; published as RTXPRO9000" in said
