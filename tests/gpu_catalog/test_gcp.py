"""GCP: a GPU and its host in one zone; expected prices are worked out again with the csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog.gcp import GcpRows
from gpu_catalog.prices import PriceLine
from gpu_catalog.skypilot_csv import SkyPilotRows

HEADER = (
    "InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,AvailabilityZone,Price,SpotPrice"
)
GPU_INFO = "\"{'Gpus': [{'Name': 'A100', 'MemoryInfo': {'SizeInMiB': 40960}}], 'TotalGpuMemoryInMiB': 40960}\""
HOST = "a2-highgpu-1g,12.0,85.0,,,,us-central1,us-central1-a,0.73948,0.36975"
GPU = f",,,A100,1,{GPU_INFO},us-central1,us-central1-a,2.933908,1.15"


def gcp(*rows: str) -> GcpRows:
    return GcpRows(SkyPilotRows("\n".join([HEADER, *rows, ""]), "gcp"))


def host(name: str, vcpus: object, memory: object, price: object = 1, zone: str = "r-a", spot: object = "") -> str:
    return f"{name},{vcpus},{memory},,,,{zone[:-2]},{zone},{price},{spot}"


def gpu(name: str, count: object, price: object = 10, zone: str = "r-a", spot: object = "") -> str:
    return f",,,{name},{count},,{zone[:-2]},{zone},{price},{spot}"


def prices(lines: Iterable[PriceLine]) -> list[tuple[str, str, str | None, str | None]]:
    """(host, zone, on demand, spot) of each line, in order."""

    def text(price: Decimal | None) -> str | None:
        return None if price is None else str(price)

    return sorted(
        (
            line.instance_type,
            line.sites[0].zone,
            text(line.on_demand),
            text(line.spot),
        )
        for line in lines
    )


def test_a_gpu_costs_itself_and_its_host_in_the_same_zone() -> None:
    (line,) = gcp(HOST, GPU).with_gpu("a100")

    assert (line.instance_type, line.gpu, line.gpu_count, line.gpu_memory_mib) == (
        "a2-highgpu-1g",
        "A100",
        1.0,
        40960,
    )
    assert (line.vcpus, line.memory_gib) == (12.0, 85.0)
    assert (line.on_demand, line.spot) == (Decimal("3.673388"), Decimal("1.51975"))
    assert [(place.region, place.zone) for place in line.sites] == [("us-central1", "us-central1-a")]


def test_prices_of_different_places_are_never_added() -> None:
    rows = gcp(
        host("a2-megagpu-16g", 96, 1360, 8.79698, "us-central1-a"), gpu("A100", 16, 50, "us-central1-a"),
        host("a2-megagpu-16g", 96, 1360, 9.68403, "europe-west4-a"), gpu("A100", 16, 40, "europe-west4-a"),
        host("a2-megagpu-16g", 96, 1360, 1, "us-west1-a"), gpu("A100", 16, 1, "us-west1-b"),
        gpu("A100", 16, 1, "me-west1-a"),
    )  # fmt: skip

    expected = [
        ("a2-megagpu-16g", "europe-west4-a", "49.68403", None),
        ("a2-megagpu-16g", "us-central1-a", "58.79698", None),
    ]
    assert prices(rows.with_gpu("a100")) == prices(rows.of_type("a2-megagpu-16g")) == expected


def test_a_zone_of_the_same_name_in_another_region_is_another_place() -> None:
    assert gcp(HOST.replace("us-central1,", "us-east1,"), GPU).with_gpu("a100") == []


FIXED = {
    **{("A100", n): (f"a2-highgpu-{n}g",) for n in (1, 2, 4, 8)},
    ("A100", 16): ("a2-megagpu-16g",),
    **{("A100-80GB", n): (f"a2-ultragpu-{n}g",) for n in (1, 2, 4, 8)},
    ("L4", 1): tuple(f"g2-standard-{size}" for size in (4, 8, 12, 16, 32)),
    ("L4", 2): ("g2-standard-24",),
    ("L4", 4): ("g2-standard-48",),
    ("L4", 8): ("g2-standard-96",),
    **{("H100", n): (f"a3-highgpu-{n}g",) for n in (1, 2, 4, 8)},
    ("H100-MEGA", 8): ("a3-megagpu-8g",),
    ("H200", 8): ("a3-ultragpu-8g",),
    ("B200", 8): ("a4-highgpu-8g",),
    **{("RTXPRO6000", n): (f"g4-standard-{48 * n}",) for n in (1, 2, 4, 8)},
}
N1 = {
    **{(name, n): 8 * n for name in ("V100", "P100") for n in (1, 2, 4, 8)},
    ("T4", 1): 4, ("T4", 2): 8, ("T4", 4): 48,
    ("K80", 1): 4, ("K80", 2): 8, ("K80", 4): 16, ("K80", 8): 32, ("K80", 16): 64,
    **{("P4", n): 8 * n for n in (1, 2, 4, 8, 16)},
}  # fmt: skip
MACHINES = sorted({name for names in FIXED.values() for name in names})


@pytest.mark.parametrize(("model", "count"), FIXED, ids=str)
def test_a_model_with_machines_of_its_own_takes_the_cheapest_of_exactly_those(model: str, count: int) -> None:
    names = FIXED[model, count]
    cheapest = names[-1]
    rows = gcp(
        gpu(model, f"{count}.0"), host("n1-standard-128", 128, 600, 0.01),
        *(host(name, 500, 5000, 2 if name == cheapest else 3 if name in names else 0.1) for name in MACHINES),
    )  # fmt: skip

    assert prices(rows.with_gpu(model.lower().replace("-", ""))) == [(cheapest, "r-a", "12", None)]
    for name in names:
        assert [line.gpu for line in rows.of_type(name)] == [model]
        assert prices(rows.of_type(name)) == [(name, "r-a", "12" if name == cheapest else "13", None)]


@pytest.mark.parametrize(("model", "count"), N1, ids=str)
def test_other_models_take_the_cheapest_n1_machine_that_is_large_enough(model: str, count: int) -> None:
    vcpus = N1[model, count]
    rows = gcp(
        gpu(model, count), host("n1-standard-y", vcpus, 4 * vcpus, 3),
        host("n1-highmem-y", 2 * vcpus, 13 * vcpus, 2), host("n1-highcpu-x", vcpus, 0.9 * vcpus, 0.1),
        host("n1-standard-s", vcpus - 1, 999, 0.2),
        host("n2-standard-y", 999, 9999), host("n1-ultramem-y", 999, 9999), host("a2-highgpu-1g", 999, 9999),
    )  # fmt: skip
    assert prices(rows.with_gpu(model.lower())) == [("n1-highmem-y", "r-a", "12", None)]

    exact = gcp(gpu(model, count), host("N1-Standard-Y", vcpus, 4 * vcpus, 3), host("n1-standard-z", "", ""))
    assert prices(exact.with_gpu(model.lower())) == [("N1-Standard-Y", "r-a", "13", None)]


@pytest.mark.parametrize(("model", "count"), [("A100", 3), ("L4", 0.125), ("T4", 8), ("H200", 1), ("V100", 16),
                                              ("P4", 32), ("A100", 1.02), ("H100-MEGA", 4)])  # fmt: skip
def test_a_count_outside_the_table_offers_nothing(model: str, count: float) -> None:
    machines = [host(name, 500, 5000) for name in MACHINES]
    rows = gcp(gpu(model, count), host("n1-standard-128", 128, 600), *machines)
    assert rows.with_gpu(model.lower().replace("-", "")) == []


@pytest.mark.parametrize(
    ("gpu_prices", "host_prices", "expected"),
    [((10, 4), (1, 0.5), ("11", "4.5")), ((10, ""), (1, 0.5), ("11", None)), ((10, 4), (1, ""), ("11", None)),
     (("", 4), (1, 0.5), (None, "4.5")), ((10, 0), (1, 0.5), ("11", None)), ((10, 4), (1, "0.0"), ("11", None))],
)  # fmt: skip
def test_a_sum_is_unknown_when_either_part_is(
    gpu_prices: tuple[object, ...], host_prices: tuple[object, ...], expected: tuple[str | None, ...]
) -> None:
    rows = gcp(gpu("A100", 1, gpu_prices[0], spot=gpu_prices[1]),
               host("a2-highgpu-1g", 12, 85, host_prices[0], spot=host_prices[1]))  # fmt: skip
    assert prices(rows.with_gpu("a100")) == prices(rows.of_type("a2-highgpu-1g"))
    assert [row[2:] for row in prices(rows.with_gpu("a100"))] == [expected]


def test_the_host_is_chosen_by_its_on_demand_price_even_for_spot() -> None:
    rows = gcp(
        gpu("L4", 1, spot=4), host("g2-standard-4", 4, 16, 1, spot=0.9), host("g2-standard-8", 8, 32, 2, spot=0.1)
    )
    assert prices(rows.with_gpu("l4")) == [("g2-standard-4", "r-a", "11", "4.9")]


def test_a_machine_has_its_gpus_only_where_it_never_comes_without() -> None:
    rows = gcp(HOST, GPU, host("n1-standard-8", 8, 52), gpu("V100", 1), host("a2-highgpu-2g", 24, 170))

    assert [line.gpu for line in rows.of_type("n1-standard-8")] == [None]
    assert prices(rows.of_type("n1-standard-8")) == [("n1-standard-8", "r-a", "1", None)]
    assert [line.gpu for line in rows.of_type("a2-highgpu-1g")] == ["A100"]
    assert rows.of_type("a2-highgpu-2g") == rows.of_type("a2-highgpu-3g") == []
    assert set(rows.instance_types) == {"a2-highgpu-1g", "n1-standard-8", "a2-highgpu-2g"}


@pytest.mark.parametrize("name", ["a3-edgegpu-8g", "a3-edgegpu-8g-nolssd"])
def test_a_gpu_machine_that_the_table_does_not_have_is_not_offered_at_the_price_of_its_bare_host(name: str) -> None:
    rows = gcp(host(name, 208, 1872, 9.46006), gpu("H100", 8, 78.5), host("n1-standard-8", 8, 52))
    assert all(line.gpu for line in rows.of_type(name))


@pytest.mark.parametrize("family", ["a2-", "a3-", "a4-", "a4x-", "g2-", "g4-"])
def test_a_bare_machine_of_a_family_with_gpus_is_not_offered(family: str) -> None:
    rows = gcp(host(f"{family}odd-8", 208, 1872), host(f"x{family}odd-8", 8, 32))
    assert rows.of_type(f"{family}odd-8") == []
    assert len(rows.of_type(f"x{family}odd-8")) == 1


@pytest.mark.parametrize("spelling", ["A100-80GB", "a100-80gb", "A100_80GB", "a100 80gb"])
def test_spelling_does_not_change_what_carries_a_gpu(spelling: str) -> None:
    rows = gcp(gpu(spelling, 1), host("a2-ultragpu-1g", 12, 170, 2), host("n1-standard-8", 8, 52, 0.4))
    assert prices(rows.with_gpu("a10080gb")) == [("a2-ultragpu-1g", "r-a", "12", None)]


def test_a_row_with_a_machine_and_a_gpu_is_priced_as_it_stands() -> None:
    rows = gcp(HOST.replace("85.0,,,", "85.0,A100,1,"), gpu("A100", 1, 10, "r-a"))

    for lines in (rows.with_gpu("a100"), rows.of_type("a2-highgpu-1g")):
        assert prices(lines) == [("a2-highgpu-1g", "us-central1-a", "0.73948", "0.36975")]


def test_a_row_that_is_there_twice_is_offered_once() -> None:
    assert len(gcp(HOST, GPU, GPU).with_gpu("a100")) == 1
    assert len(gcp(HOST, HOST, GPU).with_gpu("a100")) == 1


def test_tpus_are_no_gpus() -> None:
    rows = gcp(HOST, GPU, ",,,tpu-v6e-8,1,tpu-v6e-8,us-central1,us-central1-a,21.6,10.8")
    assert rows.gpu_names == {"a100": "A100"}
    assert rows.with_gpu("tpuv6e8") == []


ZONES = st.sampled_from(["r-a", "r-b", "s-a"])
COSTS = st.sampled_from(["", "0", "0.5", "1", "1.25", "3.999999"])
HOSTS = st.builds(
    host, st.sampled_from(["n1-standard-8", "n1-highmem-16", "n1-highcpu-96", "g2-standard-4", "g2-standard-8"]),
    st.sampled_from(["4", "8.0", "16", ""]), st.sampled_from(["16", "32.0", "60", ""]), COSTS, ZONES, COSTS,
)  # fmt: skip
GPUS = st.builds(gpu, st.sampled_from(["L4", "V100"]), st.sampled_from([1, 2]), COSTS, ZONES, COSTS)


@given(st.lists(HOSTS, max_size=8, unique_by=lambda row: (row.split(",")[0], row.split(",")[7])),
       st.lists(GPUS, max_size=6, unique_by=lambda row: (*row.split(",")[3:5], row.split(",")[7])))  # fmt: skip
def test_every_sum_is_that_of_an_independent_count(hosts: list[str], gpus: list[str]) -> None:
    table = list(csv.DictReader(io.StringIO("\n".join([HEADER, *hosts, *gpus]))))

    def cost(row: dict[str, str], column: str) -> Decimal | None:
        return Decimal(row[column] or 0) or None

    expected = []
    for wanted in (row for row in table if row["AcceleratorName"]):
        need = 8 * int(wanted["AcceleratorCount"])
        fits = [
            row
            for row in table
            if row["InstanceType"] and row["AvailabilityZone"] == wanted["AvailabilityZone"] and cost(row, "Price")
            and (
                wanted["AcceleratorCount"] == "1" and row["InstanceType"].startswith("g2-")
                if wanted["AcceleratorName"] == "L4"
                else row["InstanceType"].startswith("n1-")
                and float(row["vCPUs"] or 0) >= need and float(row["MemoryGiB"] or 0) >= 4 * need
            )
        ]  # fmt: skip
        if fits:
            dear, spot = cost(wanted, "Price"), cost(wanted, "SpotPrice")
            least = min(Decimal(row["Price"]) for row in fits)
            spots = {cost(row, "SpotPrice") for row in fits if Decimal(row["Price"]) == least}
            sums = {spot + other if spot and other else None for other in spots}
            expected.append((wanted["AvailabilityZone"], dear and dear + least, sums))

    rows = gcp(*hosts, *gpus)
    found = [
        (line.sites[0].zone, line.on_demand, line.spot) for key in ("l4", "v100") for line in rows.with_gpu(key)
    ]
    assert len(found) == len(expected)
    for zone, on_demand, spots in expected:
        assert any(place == zone and dear == on_demand and spot in spots for place, dear, spot in found)
