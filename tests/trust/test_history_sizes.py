"""Replays of history: names, sizes and places that were wrong. See `history.py`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from gpu_catalog import Catalog, estimate_cost, sky
from gpu_catalog.gpu_info import parse_gpu_info
from gpu_catalog.manifest import read_manifest
from tests.emulator import Emulator, by_id
from tests.gpu_catalog.trees import AWS, tree
from tests.publisher.commands import publish
from tests.samples import CATALOGS
from tests.trust.asked import copied, fetched, lambda_price, lambda_type, offers, skipped


def test_09_skypilot_4652_a_gpu_called_nvidia(emulator: Emulator, tmp_path: Path) -> None:
    """Names come from one table; a maker's name is none, and a name that the table lacks passes with a warning."""
    for name, description in (("gpu_1x_h200", "NVIDIA (141 GB SXM5)"), ("gpu_1x_b400", "NVIDIA B400 (288 GB)")):
        new = copied(emulator.data.lambda_types["gpu_1x_b200_sxm6"])
        new["instance_type"].update(name=name, gpu_description=description)
        emulator.data.lambda_types[name] = new
    said = fetched(emulator, tmp_path, "lambda")

    assert skipped(tmp_path, "lambda") == {"gpu_1x_h200": "accelerator-name-specific"}
    assert "the GPU of gpu_1x_b400 is not in accelerators.csv; published as B400" in said
    assert offers(tmp_path, "lambda")["gpu_1x_b400"].offering.marks == ("new-accelerator",)

    file = tmp_path / "v8/lambda/vms.csv"
    file.write_text(file.read_text().replace("B400", "NVIDIA"))
    assert "accelerator-name-specific" in publish("validate", file).output


def test_10_gpuhunt_91_the_memory_of_another_gpu_or_of_all(emulator: Emulator, tmp_path: Path) -> None:
    """The memory of a known GPU is within 7 % of what its maker says, else it is no row."""
    gpus = emulator.data.runpod_gpus
    by_id(gpus, "NVIDIA L40S")["memory"] = 46  # 4 % less than 48, as drivers say it.
    for gpu_id, memory_gb in (("NVIDIA L40", 8 * 48), ("NVIDIA L4", 22)):
        right = by_id(gpus, gpu_id)["memory"]
        by_id(gpus, gpu_id)["memory"] = memory_gb
        fetched(emulator, tmp_path, "runpod")
        assert skipped(tmp_path, "runpod") == {gpu_id: "gpu-memory-known"}
        catalog = Catalog.load(tmp_path)
        assert catalog.cheapest(gpu_id.removeprefix("NVIDIA "), cloud="runpod") is None
        assert catalog.cheapest("L40S", cloud="runpod") is not None
        by_id(gpus, gpu_id)["memory"] = right


def test_11_skypilot_3434_device_memory_of_one_or_of_all(catalogs: Path) -> None:
    """Memory of one GPU and of all GPUs have names of their own, and mean the same on every cloud."""
    listed = sky.list_accelerators(name_filter="^(H100|RTX5090|A100)$", catalog=Catalog.load(catalogs))
    sizes = {name: {line.device_memory for line in lines} for name, lines in listed.items()}
    assert sizes == {"A100": {40}, "H100": {80}, "RTX5090": {32}}
    assert {line.accelerator_count for line in listed["H100"]} >= {1, 8}
    assert {line.cloud for lines in listed.values() for line in lines} == {"Lambda", "RunPod", "Yotta"}

    for file in catalogs.rglob("vms.csv"):
        with file.open(newline="") as text:
            cells = {row["GpuInfo"] for row in csv.DictReader(text)} - {""}
        for info in map(parse_gpu_info, cells):
            assert info.total_memory_mib == info.count * info.memory_mib
    file = catalogs / "v8/lambda/vms.csv"
    file.write_text(file.read_text().replace("'TotalGpuMemoryInMiB': 655360", "'TotalGpuMemoryInMiB': 81920"))
    assert "gpu-info-total" in publish("validate", file).output


def test_17_skypilot_catalog_37_a_region_in_another_case(emulator: Emulator, tmp_path: Path) -> None:
    """A region is spelled as one API spells it; what another API names and finds no partner is told."""
    emulator.data.lambda_types["gpu_1x_a10"]["regions_with_capacity_available"] = [{"name": "US-EAST-1"}]
    emulator.data.runpod_data_centers[0]["id"] = "ap-in-1"
    stock = next(entry for entry in emulator.data.yotta_types if entry["gpuType"] == "NVIDIA_RTX_A6000_48G")
    stock["regions"][0]["region"] = "US-WEST-1"
    said = fetched(emulator, tmp_path, "yotta", "lambda", "runpod")

    assert "lambda: warning: regions with capacity that /regions does not list, left out: US-EAST-1" in said
    assert "runpod: warning: sites without a known country, left out: ap-in-1" in said
    unmatched = {skip.listing: skip.reason for skip in read_manifest(tmp_path).clouds["yotta"].skipped}
    assert "US-WEST-1" in unmatched["NVIDIA_RTX_A6000_48G"]
    spellings = {
        region for region in offers(tmp_path, "lambda")["gpu_1x_a10"].regions if region.lower() == "us-east-1"
    }
    assert spellings == {"us-east-1"}
    assert estimate_cost("A10:1", region="US-East-1", catalog_dir=tmp_path).region == "us-east-1"


def test_21_skypilot_1461_zones_that_are_named_by_account(tmp_path: Path) -> None:
    """Zones are told apart by ids that mean the same for everybody; an account's own name gets nobody's price."""
    clouds = tree(tmp_path, {"aws": AWS})
    by_id_of_zone = estimate_cost("A100:8", cloud="aws", zone="usw2-az2", use_spot=True, catalog_dir=clouds)
    assert (by_id_of_zone.zone, by_id_of_zone.hourly_cost) == ("usw2-az2", 8.15)
    by_own_name = estimate_cost("A100:8", cloud="aws", zone="us-west-2b", use_spot=True, catalog_dir=clouds)
    assert not by_own_name.found
    assert "us-west-2b" in (by_own_name.reason or "")


def test_24_skypilot_9218_failover_into_dead_regions(emulator: Emulator, tmp_path: Path) -> None:
    """A price says nothing about stock: both are carried, and of equal prices the one in stock comes first."""
    for details in emulator.data.lambda_types.values():
        details["regions_with_capacity_available"] = []
    emulator.data.lambda_types["gpu_1x_a10"]["regions_with_capacity_available"] = [{"name": "us-west-3"}]
    fetched(emulator, tmp_path, "lambda", "runpod")

    a10 = offers(tmp_path, "lambda")["gpu_1x_a10"]
    assert {region for region, in_stock in a10.stock.items() if in_stock} == {"us-west-3"}
    answer = estimate_cost("A10:1", cloud="lambda", catalog_dir=tmp_path)
    assert (answer.region, answer.offers[0].in_stock) == ("us-west-3", True)

    b300 = estimate_cost("B300:1", cloud="runpod", catalog_dir=tmp_path)
    assert "SkyPilot's launcher does not know 1x_B300_SECURE" in b300.warnings


def test_33_skypilot_catalog_51_memory_in_bytes(emulator: Emulator, tmp_path: Path) -> None:
    """A size outside of what machines have is a wrong unit, and no row."""
    lambda_type(emulator, "gpu_1x_a10")["specs"]["memory_gib"] *= 2**30
    by_id(emulator.data.runpod_gpus, "NVIDIA L4")["memory"] *= 1024
    fetched(emulator, tmp_path, "lambda", "runpod")
    assert skipped(tmp_path, "lambda") == {"gpu_1x_a10": "no-size"}
    assert skipped(tmp_path, "runpod") == {"NVIDIA L4": "no-size"}

    lambda_type(emulator, "gpu_1x_a10")["specs"]["memory_gib"] = 200 * 1024
    fetched(emulator, tmp_path, "lambda")
    assert skipped(tmp_path, "lambda") == {"gpu_1x_a10": "memory-range"}


def test_31_sc_crawler_azure_py_what_is_absent_is_not_zero(emulator: Emulator, tmp_path: Path) -> None:
    """What an answer does not say is unknown: no stock, no size and no price of 0 is made of it."""
    del emulator.data.lambda_types["gpu_1x_a10"]["regions_with_capacity_available"]
    del lambda_type(emulator, "gpu_1x_a6000")["specs"]["vcpus"]
    lambda_price(emulator, "gpu_1x_gh200", 229)
    emulator.data.lambda_types["gpu_1x_gh200"]["regions_with_capacity_available"] = []
    fetched(emulator, tmp_path, "lambda")

    found = offers(tmp_path, "lambda")
    assert dict(found["gpu_1x_a10"].stock) == {}
    assert set(found["gpu_1x_gh200"].stock.values()) == {False}
    assert skipped(tmp_path, "lambda") == {"gpu_1x_a6000": "no-size"}
    line = next(
        json.loads(text)
        for text in (tmp_path / "v8/lambda/offers.jsonl").read_text().splitlines()
        if '"gpu_1x_a10"' in text
    )
    assert line["spot_price_usd_per_hour"] is None
    assert estimate_cost("A10:1", catalog_dir=CATALOGS).offers[0].in_stock is None
