"""Reading catalogs: the whole file, or a refusal that names the line. Round trips are tested with the writers."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpu_catalog import BadCatalogFile, Offering, read_offers, read_vms_csv
from gpu_catalog.offers import MAX_LINE_CHARS
from gpu_catalog.offers import parse_offers as parse_lines
from gpu_catalog.reading import parse_vms_csv
from tests.gpu_catalog.hostile import outcome, within


def parse_offers(text: str) -> list[Offering]:
    """Every site spelled out, as `read_offers` does."""
    return [offering for offer in parse_lines(text) for offering in offer.offerings()]


COLUMNS = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,SpotPrice,Price"
GPU_INFO = (
    "\"{'Gpus': [{'Name': 'H100', 'Manufacturer': 'NVIDIA', 'Count': 8, 'MemoryInfo': {'SizeInMiB': 81920}}], "
    "'TotalGpuMemoryInMiB': 655360}\""
)
GPU_ROW = f"8x_H100-SXM_SECURE,H100-SXM,8.0,160.0,1000.0,{GPU_INFO},US,20.5,26.32"
CPU_ROW = "cpu5c-4-8,,,4.0,8.0,,US,,0.14"
V7 = f"{COLUMNS},AvailabilityZone\n{GPU_ROW},US-KS-2\n{CPU_ROW},US-KS-2\n"
V8 = f"{COLUMNS},Arch\n{GPU_ROW},x86_64\n{CPU_ROW},\n"

LINE: dict[str, Any] = {
    "cloud": "runpod",
    "instance_type": "8x_H100-SXM_SECURE",
    "vcpus": 160.0,
    "memory_gib": 1000.0,
    "price_usd_per_hour": 26.32,
    "spot_price_usd_per_hour": None,
    "accelerator_name": "H100-SXM",
    "accelerator_count": 8.0,
    "accelerator_vendor": "NVIDIA",
    "gpu_memory_mib": 81920,
    "arch": None,
    "instance_type_v7": None,
    "launchable": True,
    "listing": "NVIDIA H100 80GB HBM3",
    "source": "GET /v2/catalog/gpus",
    "observed_at": "2026-07-01T00:00:00Z",
    "marks": ["derived"],
    "price_usd_per_gpu_hour": 3.29,
    "regions": {"US": ["US-KS-2", "US-TX-1", "US-TX-3"], "SE": ["EU-SE-1"]},
    "in_stock": ["US-KS-2"],
    "out_of_stock": ["EU-SE-1"],
}
OFFERS = json.dumps(LINE) + "\n"


def offers(**changes: object) -> str:
    return json.dumps({**LINE, **changes}) + "\n"


# vms.csv


def test_a_row_of_vms_csv() -> None:
    gpu, cpu = parse_vms_csv(V7, "runpod")

    assert gpu == Offering(
        cloud="runpod",
        instance_type="8x_H100-SXM_SECURE",
        region="US",
        zone="US-KS-2",
        vcpus=160.0,
        memory_gib=1000.0,
        price_usd_per_hour=Decimal("26.32"),
        spot_price_usd_per_hour=Decimal("20.5"),
        accelerator_name="H100-SXM",
        accelerator_count=8.0,
        accelerator_vendor="NVIDIA",
        gpu_memory_mib=81920,
    )
    assert (cpu.accelerator_name, cpu.accelerator_count, cpu.spot_price_usd_per_hour) == (None, None, None)
    assert [row.arch for row in parse_vms_csv(V8, "runpod")] == ["x86_64", None]


def test_form_does_not_matter_where_skypilot_does_not_mind() -> None:
    expected = parse_vms_csv(V8, "runpod")

    assert parse_vms_csv(V8.replace("\n", "\r\n"), "runpod") == expected
    cells = [line.split(",") for line in f"Extra,{COLUMNS},Arch\nx,{CPU_ROW},\n".splitlines()]
    turned = "".join(",".join(reversed(line)) + "\n" for line in cells)
    assert parse_vms_csv(turned, "runpod") == expected[1:]
    assert parse_vms_csv(f"{COLUMNS}\n", "runpod") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cut off"),
        ("\n", "'InstanceType' is missing"),
        ("\ufeff" + V8, "'InstanceType' is missing"),
        ("# comment\n" + V8, "line 1: column 'InstanceType' is missing"),
        (f"{COLUMNS.replace('SpotPrice,', '')}\n", "'SpotPrice' is missing"),
        (f"{COLUMNS},Price\n{CPU_ROW},0.01\n", "'Price' is there twice"),
        (V8[:-1], "cut off"),
        (V8 + "cpu5c", "cut off"),
        (V8 + "\n", "line 4: 0 cells under 10 columns"),
        (V8 + "# comment\n", "line 4: 1 cells"),
        (V8 + CPU_ROW + "\n", "line 4: 9 cells under 10 columns"),
        (V8 + CPU_ROW + ',"x\n', "end of data"),
        (V8 + CPU_ROW + ',"x"y\n', "line 4"),
        (V8 + CPU_ROW + "," + "x" * 200_000 + "\n", "field"),
        (V8.replace(",0.14,", ",,"), "line 3: price is missing"),
        (V8.replace(",0.14,", ",0,"), "line 3: price '0' is not above zero"),
        (V8.replace(",0.14,", ",nan,"), "line 3: price 'nan'"),
        (V8.replace(",0.14,", ",Infinity,"), "line 3: price 'Infinity'"),
        (V8.replace(",0.14,", ",$0.14,"), "line 3: price"),
        (V8.replace(",0.14,", ",\u0661,"), "line 3: price"),
        (V8.replace(",20.5,", ",-20.5,"), "line 2: price"),
        (V8.replace(",8.0,160.0", ",0.0,160.0"), "line 2: AcceleratorCount"),
        (V8.replace(",8.0,160.0", ",1e-300,160.0"), "line 2: AcceleratorCount"),
        (
            V8.replace(",8.0,160.0", ",,160.0"),
            "line 2: AcceleratorName and AcceleratorCount are not blank together",
        ),
        (V8.replace(",H100-SXM,", ",,"), "line 2: AcceleratorName and AcceleratorCount are not blank together"),
        (V8.replace(",160.0", ","), "line 2: vCPUs is missing"),
        (V8.replace(",1000.0", ",1e400"), "line 2: MemoryGiB"),
        (V8.replace("81920", "None"), "line 2: GpuInfo"),
        (V8.replace(",US,,", ",,,"), "line 3: Region is blank"),
        (V8.replace("cpu5c-4-8", ""), "line 3: InstanceType is blank"),
        (V7.replace("US-KS-2", ""), "line 2: AvailabilityZone is blank"),
    ],
)
def test_a_damaged_vms_csv_is_refused_as_a_whole_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadCatalogFile) as caught:
        parse_vms_csv(text, "runpod", "v8/runpod/vms.csv")

    assert str(caught.value).startswith("v8/runpod/vms.csv")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", [V7, V8], ids=["v7", "v8"])
def test_a_vms_csv_cut_anywhere_is_refused_or_has_lost_whole_rows(text: str) -> None:
    whole = parse_vms_csv(text, "runpod")
    read = [outcome(parse_vms_csv, text[:end], "runpod", refusal=BadCatalogFile) for end in range(len(text))]

    assert sum(rows is not None for rows in read) == 2
    assert all(rows is None or rows == whole[: len(rows)] for rows in read)


# offers.jsonl


def test_a_line_of_offers_gives_one_offering_per_site() -> None:
    read = parse_offers(OFFERS)

    assert [(row.region, row.zone, row.in_stock) for row in read] == [
        ("US", "US-KS-2", True),
        ("US", "US-TX-1", None),
        ("US", "US-TX-3", None),
        ("SE", "EU-SE-1", False),
    ]
    assert read[0] == Offering(
        cloud="runpod",
        instance_type="8x_H100-SXM_SECURE",
        region="US",
        zone="US-KS-2",
        vcpus=160.0,
        memory_gib=1000.0,
        price_usd_per_hour=Decimal("26.32"),
        accelerator_name="H100-SXM",
        accelerator_count=8.0,
        accelerator_vendor="NVIDIA",
        gpu_memory_mib=81920,
        in_stock=True,
        listing="NVIDIA H100 80GB HBM3",
        source="GET /v2/catalog/gpus",
        observed_at="2026-07-01T00:00:00Z",
        marks=("derived",),
    )


def test_a_region_without_zones_is_one_site() -> None:
    (row,) = parse_offers(offers(regions={"us-east-1": []}, in_stock=[], out_of_stock=["us-east-1"]))

    assert (row.region, row.zone, row.in_stock) == ("us-east-1", None, False)


def test_keys_of_a_later_version_are_passed_over() -> None:
    assert parse_offers(offers(carbon={"g": 1}, zone="x", in_region=None)) == parse_offers(OFFERS)


def test_line_ends_inside_strings_end_no_line() -> None:
    text = json.dumps({**LINE, "source": "a\u2028b\x85c\rd"}, ensure_ascii=False) + "\n"

    assert {row.source for row in parse_offers(text)} == {"a\u2028b\x85c\rd"}
    assert parse_offers("") == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("price_usd_per_hour", None), ("price_usd_per_hour", 0), ("price_usd_per_hour", True),
        ("price_usd_per_hour", "free"), ("price_usd_per_hour", float("nan")), ("price_usd_per_hour", float("inf")),
        ("price_usd_per_hour", 0.1234567), ("price_usd_per_hour", [1]), ("spot_price_usd_per_hour", 0),
        ("spot_price_usd_per_hour", ""), ("vcpus", None), ("vcpus", 0), ("memory_gib", None),
        ("memory_gib", "lots"), ("memory_gib", -1), ("accelerator_count", None), ("accelerator_count", 1e-300),
        ("accelerator_count", {}), ("accelerator_name", None), ("accelerator_name", 100), ("accelerator_name", ""),
        ("accelerator_vendor", ["NVIDIA"]), ("gpu_memory_mib", "80 GB"), ("gpu_memory_mib", -1),
        ("gpu_memory_mib", 0.5), ("gpu_memory_mib", float("nan")), ("gpu_memory_mib", True), ("arch", 64),
        ("instance_type_v7", 7), ("launchable", "no"), ("launchable", None), ("launchable", 1), ("listing", {}),
        ("source", 1), ("observed_at", 20261122), ("marks", "stale"), ("marks", None), ("marks", [1]),
        ("marks", {"stale": 1}), ("cloud", None), ("cloud", ""), ("instance_type", None), ("instance_type", ""),
        ("instance_type", ["a"]), ("regions", None), ("regions", {}), ("regions", []), ("regions", "US"),
        ("regions", {"": []}), ("regions", {"US": None}), ("regions", {"US": "US-KS-2"}),
        ("regions", {"US": [None]}), ("regions", {"US": [""]}), ("regions", {"US": [1]}),
        ("regions", {"US": {"US-KS-2": 1}}), ("in_stock", None), ("in_stock", "US"), ("in_stock", [[]]),
        ("in_stock", [1]), ("out_of_stock", {"US-KS-2": True}),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused_with_its_line(key: str, value: object) -> None:
    with pytest.raises(BadCatalogFile, match=r"^offers\.jsonl, line 2: "):
        parse_offers(OFFERS + offers(**{key: value}))


@pytest.mark.parametrize("key", sorted(set(LINE) - {"price_usd_per_gpu_hour"}))
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(BadCatalogFile, match=f"line 1: '{key}' is missing"):
        parse_offers(json.dumps({name: value for name, value in LINE.items() if name != key}) + "\n")


@pytest.mark.parametrize(
    "text",
    [
        OFFERS[:-1], OFFERS[:-2] + "\n", "\n", OFFERS + "\n", "[]\n", "null\n", "1\n", '"x"\n', "{}\n",
        "\ufeff" + OFFERS, "\0\n", "{'a': 1}\n", OFFERS.replace("26.32", "1e999999999999999999999"),
        OFFERS.replace("26.32", "1e-999999999999999999999"), OFFERS.replace("160.0", "1e400"),
        OFFERS.replace("26.32", "9" * 5000), OFFERS.replace("26.32", "\u0661"),
        OFFERS.replace("26.32", "-Infinity"), OFFERS.replace("\n", " {}\n"),
    ],
    ids=lambda text: ascii(text[-12:]),
)  # fmt: skip
def test_a_damaged_offers_file_is_refused(text: str) -> None:
    with pytest.raises(BadCatalogFile, match="offers"):
        parse_offers(text)


@pytest.mark.parametrize(
    "line", ["[" * 900_000, '{"a":' * 180_000, "9" * 999_999, "1." + "9" * 999_000, '"' + "\\u0000" * 150_000]
)
def test_deep_and_long_lines_are_refused_at_once(line: str) -> None:
    with within(3), pytest.raises(BadCatalogFile):
        parse_offers(line + "\n")


def test_the_length_of_a_line_is_limited() -> None:
    assert parse_offers(OFFERS[:-1].ljust(MAX_LINE_CHARS) + "\n") == parse_offers(OFFERS)
    with pytest.raises(BadCatalogFile, match="longer"):
        parse_offers(OFFERS[:-1].ljust(MAX_LINE_CHARS + 1) + "\n")


# Files


@pytest.mark.parametrize(
    ("read", "content"),
    [(lambda path: read_vms_csv(path, "runpod"), V8), (read_offers, OFFERS)],
    ids=["vms.csv", "offers.jsonl"],
)
def test_files_are_read_as_utf_8_and_named_in_messages(
    tmp_path: Path, read: Callable[[Path], list[Offering]], content: str
) -> None:
    path = tmp_path / "some file"
    path.write_bytes(content.replace("x86_64", "\u00e4rm").encode())
    assert read(path)
    for damaged in (
        content.encode().replace(b"NVIDIA", b"NVIDIA\xff"),
        content.encode("utf-16"),
        b"\x80" + content.encode(),
        b"PK\x03\x04\0\0\n",
    ):
        path.write_bytes(damaged)
        with pytest.raises(BadCatalogFile, match="some file"):
            read(path)
