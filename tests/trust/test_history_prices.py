"""Replays of history: prices that were wrong, missing or made up. See `history.py`."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from gpu_catalog import Catalog, estimate_cost
from tests.emulator import Emulator, by_id
from tests.gpu_catalog.trees import AWS, GCP, tree
from tests.publisher.commands import digests, publish
from tests.publisher.nights import night, without
from tests.trust.asked import (
    copied,
    fetched,
    lambda_price,
    offers,
    price,
    skipped,
)

H100_SXM5 = [f"gpu_{count}x_h100_sxm5" for count in (1, 2, 4, 8)]


def test_01_skypilot_3615_a_gpu_at_0_dollars(emulator: Emulator, tmp_path: Path) -> None:
    """A price is above zero or unknown; what has none is no row, and never the cheapest."""
    lambda_price(emulator, "gpu_1x_h100_pcie", 0)
    by_id(emulator.data.runpod_gpus, "NVIDIA H100 NVL")["price"]["secure"] = 0
    fetched(emulator, tmp_path / "ours", "lambda", "runpod")

    assert skipped(tmp_path / "ours", "lambda") == {"gpu_1x_h100_pcie": "no-price"}
    assert skipped(tmp_path / "ours", "runpod") == {"NVIDIA H100 NVL": "no-price"}
    best = Catalog.load(tmp_path / "ours").cheapest("H100")
    assert best is not None
    assert best.price_usd_per_hour > 1

    skypilots = tree(tmp_path / "skypilots", {"aws": AWS})  # Its p5.48xlarge is at 0.
    answer = estimate_cost("H100:8", cloud="aws", catalog_dir=skypilots)
    assert (answer.found, answer.hourly_cost) == (False, None)


def test_08_skypilot_9156_the_least_bid_as_the_price(emulator: Emulator, tmp_path: Path) -> None:
    """A price per GPU-hour outside of the known band is no row; a spot price that nobody sells at is unknown."""
    by_id(emulator.data.runpod_gpus, "NVIDIA B200")["price"]["secure"] = 0.01
    by_id(emulator.data.graphql_gpu_types, "NVIDIA H200")["secureSpotPrice"] = 0.01
    fetched(emulator, tmp_path, "runpod")

    assert skipped(tmp_path, "runpod") == {"NVIDIA B200": "price-in-band"}
    catalog = Catalog.load(tmp_path)
    assert catalog.cheapest("B200") is None
    assert catalog.cheapest("H200-SXM") is not None
    assert catalog.cheapest("H200-SXM", use_spot=True) is None


def test_12_dstack_1890_the_price_of_the_instance_in_a_field_per_gpu(emulator: Emulator, tmp_path: Path) -> None:
    """Rows have the price of the instance, worked out in one place; spot is at most on-demand."""
    details = {gpu["id"]: gpu for gpu in emulator.data.graphql_gpu_types}
    details["NVIDIA B200"]["secureSpotPrice"] = 3.5
    details["NVIDIA H200"]["secureSpotPrice"] = 8 * 2.5
    fetched(emulator, tmp_path, "runpod")

    found = offers(tmp_path, "runpod")
    per_gpu = found["1x_B200_SECURE"].offering.price_usd_per_hour
    for count in range(1, 9):
        pod = found[f"{count}x_B200_SECURE"].offering
        assert pod.price_usd_per_hour == count * per_gpu
        assert pod.spot_price_usd_per_hour is not None
        assert float(pod.spot_price_usd_per_hour) == count * 3.5
        assert found[f"{count}x_H200-SXM_SECURE"].offering.spot_price_usd_per_hour is None

    file = tmp_path / "v8/runpod/vms.csv"
    file.write_text(file.read_text().replace(",7.0,", ",56.0,"))  # The bid for two, four times.
    result = publish("validate", file)
    assert result.exit_code == 1
    assert "spot-at-most-price" in result.output


def test_13_skypilot_catalog_44_one_to_eight_gpus_at_one_price(emulator: Emulator, tmp_path: Path) -> None:
    """More GPUs cost more, and a row stands once."""
    emulator.data.lambda_types["the same again"] = emulator.data.lambda_types["gpu_1x_a10"]
    fetched(emulator, tmp_path, "lambda")
    rows = (tmp_path / "v8/lambda/vms.csv").read_text().splitlines()
    assert len(rows) == len(set(rows)) == 1 + 25 * 17

    del emulator.data.lambda_types["the same again"]
    for name in H100_SXM5:
        lambda_price(emulator, name, 429)
    said = fetched(emulator, tmp_path, "lambda", code=1)
    assert "price-rises-with-count" in said
    assert [price(tmp_path, name) for name in H100_SXM5[:2]] == [Decimal("4.29"), Decimal("8.38")]


def test_15_infracost_3263_prices_that_flip(emulator: Emulator, tmp_path: Path) -> None:
    """One offer has one price, whatever the order of the answer; two prices for it refuse the fetch."""
    fetched(emulator, tmp_path, "lambda", "runpod")
    before = {name: digest for name, digest in digests(tmp_path).items() if name.endswith("vms.csv")}
    data = emulator.data
    data.lambda_types = dict(reversed(data.lambda_types.items()))
    for items in (data.lambda_regions, data.runpod_gpus, data.runpod_cpus, data.runpod_data_centers):
        items.reverse()
    fetched(emulator, tmp_path, "lambda", "runpod")
    assert {name: digests(tmp_path)[name] for name in before} == before

    for place in (0, len(data.runpod_gpus)):
        twin = copied(by_id(data.runpod_gpus, "NVIDIA L4"))
        twin["price"]["secure"] *= 1.1
        data.runpod_gpus.insert(place, twin)
    said = fetched(emulator, tmp_path, "runpod", code=1)
    assert "contradictory-offer" in said
    assert {name: digests(tmp_path)[name] for name in before} == before


def test_18_skypilot_3136_a_missing_price_ends_the_run(emulator: Emulator, tmp_path: Path) -> None:
    """An entry without a price is left out, counted and named; too many of them refuse the fetch."""
    lambda_price(emulator, "gpu_1x_gh200", None)
    said = fetched(emulator, tmp_path, "lambda")
    assert "lambda: skipped gpu_1x_gh200: price_cents_per_hour is missing [no-price]" in said
    assert skipped(tmp_path, "lambda") == {"gpu_1x_gh200": "no-price"}
    before = digests(tmp_path)

    for name in ("gpu_1x_a10", "gpu_1x_a6000", "gpu_1x_rtx6000"):
        lambda_price(emulator, name, None)
    assert "too much is broken" in fetched(emulator, tmp_path, "lambda", code=1)
    assert digests(tmp_path) == before


def test_19_sc_crawler_113_a_new_family_without_a_price(emulator: Emulator, tmp_path: Path) -> None:
    """A new GPU passes with a warning once it has a price; a sum that lacks a part is no price."""
    for number, cents in ((1, None), (2, 900)):
        new = copied(emulator.data.lambda_types["gpu_1x_b200_sxm6"])
        new["instance_type"].update(
            name=f"gpu_{number}x_r200", gpu_description="R200 (288 GB)", price_cents_per_hour=cents
        )
        new["instance_type"]["specs"]["gpus"] = number
        emulator.data.lambda_types[new["instance_type"]["name"]] = new
    said = fetched(emulator, tmp_path / "ours", "lambda")
    assert skipped(tmp_path / "ours", "lambda") == {"gpu_1x_r200": "no-price"}
    assert "the GPU of gpu_2x_r200 is not in accelerators.csv; published as R200" in said
    assert price(tmp_path / "ours", "gpu_2x_r200") == 9

    unpriced_host = [("", *row[1:6], "", *row[7:]) if row[0] == "" else (*row[:7], "", *row[8:]) for row in GCP]
    for gpus, use_spot in (("A100:1", True), ("L4:1", True), ("A100:1", False)):
        parts = tree(tmp_path / "parts", {"gcp": unpriced_host})
        assert not estimate_cost(gpus, cloud="gcp", use_spot=use_spot, catalog_dir=parts).found
        assert estimate_cost(gpus, cloud="gcp", use_spot=use_spot, catalog_dir=tree(tmp_path, {"gcp": GCP})).found


def test_20_skypilot_catalog_177_a_gpu_with_a_host_that_cannot_carry_it(tmp_path: Path) -> None:
    """What is offered can be rented as it is: a GPU is priced with a host that carries it, in its own zone."""
    clouds = tree(tmp_path, {"gcp": GCP})
    a100 = estimate_cost("A100:1", cloud="gcp", catalog_dir=clouds)
    assert (a100.instance_type, a100.zone, a100.hourly_cost) == ("a2-highgpu-1g", "us-central1-a", 2.93 + 0.74)
    elsewhere = estimate_cost("A100:1", cloud="gcp", region="europe-west4", catalog_dir=clouds)
    assert not elsewhere.found, "the GPU is in europe-west4-b, its host in europe-west4-a"

    header = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,SpotPrice,Price"
    (tmp_path / "vms.csv").write_text(f"{header}\n,A100,1,,,,us-central1,,2.93\n")
    result = publish("validate", tmp_path / "vms.csv", "--cloud", "gcp", "--schema", "v7")
    assert "instance-type-filled" in result.output


def test_36_infracost_3270_a_missing_price_as_a_saving(emulator: Emulator, tmp_path: Path) -> None:
    """What is unknown enters no sum and no comparison: a price that vanished is not a price that fell."""
    whole = night(tmp_path / "whole", 1, {"lambda": ()})
    poorer = night(tmp_path / "poorer", 2, {"lambda": [without("gpu_1x_a10")]})
    diff = json.loads(publish("diff", whole, poorer, "--json").stdout)
    assert (diff["summary"], diff["changed"]) == ("1 removed", [])

    spot = estimate_cost("A10:1", cloud="lambda", use_spot=True, hours=10, catalog_dir=whole)
    assert (spot.found, spot.total_cost, spot.savings_percent) == (False, None, None)
    on_demand = estimate_cost("A10:1", cloud="lambda", catalog_dir=whole)
    assert (on_demand.hourly_cost, on_demand.savings_percent) == (1.29, None)
