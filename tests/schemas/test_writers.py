from __future__ import annotations

import json
import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from gpu_catalog.offering import Offering
from gpu_catalog.offers import parse_offers as parse_lines
from gpu_catalog.reading import parse_vms_csv
from schemas import (
    SCHEMA_VERSIONS,
    common_accelerators_csv,
    common_metadata_csv,
    convert,
    offers_jsonl,
    vms_csv,
)
from tests.schemas.examples import CPU, H100, RTX5090
from tests.strategies import fetched

EIGHT = replace(
    H100, instance_type="8x_H100_SECURE", accelerator_count=8.0, vcpus=208.0, price_usd_per_hour=Decimal("19.92")
)


def parse_offers(text: str) -> list[Offering]:
    """Every site spelled out, as `read_offers` does."""
    return [offering for offer in parse_lines(text) for offering in offer.offerings()]


def by_key(offerings: list[Offering]) -> list[Offering]:
    return sorted(offerings, key=lambda offering: str(offering.key))


def test_vms_csv_to_the_byte() -> None:
    spot = replace(EIGHT, spot_price_usd_per_hour=Decimal("10"), arch="x86_64")

    assert vms_csv([spot, CPU, H100], "v8").decode() == (
        "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,SpotPrice,Price,Arch\n"
        "1x_H100_SECURE,H100,1.0,26.0,200.0,\"{'Gpus': [{'Name': 'H100', 'Manufacturer': 'NVIDIA', 'Count': 1, "
        "'MemoryInfo': {'SizeInMiB': 81920}}], 'TotalGpuMemoryInMiB': 81920}\",us-east-1,,2.49,\n"
        "8x_H100_SECURE,H100,8.0,208.0,200.0,\"{'Gpus': [{'Name': 'H100', 'Manufacturer': 'NVIDIA', 'Count': 8, "
        "'MemoryInfo': {'SizeInMiB': 81920}}], 'TotalGpuMemoryInMiB': 655360}\",us-east-1,10.0,19.92,x86_64\n"
        "cpu_4x_general,,,4.0,16.0,,us-east-1,,0.2,\n"
    )


def test_zones_bring_their_column() -> None:
    zoned = [replace(H100, region="US", zone=zone) for zone in ("US-KS-10", "US-KS-2")]

    lines = vms_csv(zoned, "v7").decode().splitlines()

    assert lines[0].endswith(",Price,AvailabilityZone")
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["US-KS-2", "US-KS-10"]


def test_numbers_in_names_sort_as_numbers() -> None:
    types = ["10x_A100", "2x_A100", "1x_A100", "A100", "10x_A40"]
    rows = vms_csv([replace(H100, instance_type=name) for name in types], "v8").decode().splitlines()[1:]

    assert [row.partition(",")[0] for row in rows] == ["1x_A100", "2x_A100", "10x_A40", "10x_A100", "A100"]


def test_an_accelerator_of_unknown_memory_has_no_gpu_info() -> None:
    assert ",200.0,,us-east-1," in vms_csv([replace(H100, gpu_memory_mib=None)], "v8").decode()


def test_half_a_surrogate_pair_from_json_is_written_not_raised() -> None:
    strange = replace(H100, listing="\ud800", region="r\ud800")

    assert b"r\\ud800" in vms_csv([strange], "v8")
    assert parse_offers(offers_jsonl([strange]).decode()) == [strange]


@given(fetched())
def test_vms_csv_reads_back(offerings: list[Offering]) -> None:
    for version in SCHEMA_VERSIONS:
        rows = [
            Offering(
                cloud=row.cloud,
                instance_type=row.instance_type,
                region=row.region,
                zone=row.zone,
                vcpus=row.vcpus,
                memory_gib=row.memory_gib,
                price_usd_per_hour=row.price_usd_per_hour,
                spot_price_usd_per_hour=row.spot_price_usd_per_hour,
                accelerator_name=row.accelerator_name,
                accelerator_count=row.accelerator_count,
                accelerator_vendor=row.accelerator_vendor,
                gpu_memory_mib=row.gpu_memory_mib,
                arch=row.arch if version == "v8" else None,
            )
            for row in convert(offerings, version)
        ]
        read = parse_vms_csv(vms_csv(offerings, version).decode(), "somecloud")
        assert by_key(read) == by_key(rows)


@given(fetched())
def test_offers_jsonl_reads_back_exactly(offerings: list[Offering]) -> None:
    assert by_key(parse_offers(offers_jsonl(offerings).decode())) == by_key(offerings)


@given(fetched())
def test_order_of_the_offerings_does_not_matter(offerings: list[Offering]) -> None:
    shuffled = random.Random(0).sample(offerings, len(offerings))

    assert vms_csv(shuffled, "v8") == vms_csv(offerings, "v8")
    assert offers_jsonl(shuffled) == offers_jsonl(offerings)


def test_an_offers_line_has_all_fields_and_the_sites() -> None:
    stock = {"US-KS-2": True, "US-KS-10": False, "EU-RO-1": None}
    offerings = [replace(EIGHT, region=zone[:2], zone=zone, in_stock=yes) for zone, yes in stock.items()]

    (line,) = offers_jsonl(offerings).decode().splitlines()
    offer = json.loads(line)

    assert list(offer)[:2] == ["cloud", "instance_type"]
    assert list(offer)[-4:] == ["price_usd_per_gpu_hour", "regions", "in_stock", "out_of_stock"]
    assert offer["regions"] == {"EU": ["EU-RO-1"], "US": ["US-KS-2", "US-KS-10"]}
    assert (offer["in_stock"], offer["out_of_stock"]) == (["US-KS-2"], ["US-KS-10"])
    assert '"price_usd_per_hour": 19.92,' in line
    assert offer["price_usd_per_gpu_hour"] == 2.49


def test_offers_without_zones_name_regions_as_sites() -> None:
    offerings = [replace(H100, in_stock=True), replace(H100, region="us-west-1", in_stock=False)]

    offer = json.loads(offers_jsonl(offerings))

    assert offer["regions"] == {"us-east-1": [], "us-west-1": []}
    assert (offer["in_stock"], offer["out_of_stock"]) == (["us-east-1"], ["us-west-1"])


@pytest.mark.parametrize("price", ["0.000001", "0.65", "999999.999999", "1000000", "0.1"])
def test_prices_keep_their_decimals_in_json(price: str) -> None:
    (read,) = parse_offers(offers_jsonl([replace(H100, price_usd_per_hour=Decimal(price))]).decode())

    assert read.price_usd_per_hour == Decimal(price)


def test_common_accelerators_is_what_skypilot_publishes() -> None:
    content = common_accelerators_csv({"Yotta": ["RTX5090", "H100"], "Lambda": ["H100"]})

    assert content.decode() == "AcceleratorName,Clouds\nH100,\"['Lambda', 'Yotta']\"\nRTX5090,['Yotta']\n"


def test_common_metadata_has_the_least_memory_of_one_device() -> None:
    smaller = replace(RTX5090, gpu_memory_mib=32607, accelerator_vendor=None)
    b300 = [replace(H100, accelerator_name="B300", gpu_memory_mib=gib * 1024) for gib in (288, 262)]
    unknown = replace(H100, accelerator_name="X1", gpu_memory_mib=None)

    content = common_metadata_csv([RTX5090, smaller, H100, CPU, unknown, *b300])

    assert content.decode() == "GPU,MemoryGB,Manufacturer\nB300,262,nvidia\nH100,80,nvidia\nRTX5090,32,nvidia\n"
