"""A `vms.csv` written by hand: any order of columns, blank prices, and what it is told when it is wrong."""

from __future__ import annotations

import csv
import io
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import HandWritten, read_hand_written, validate_catalog

HEADER = "InstanceType,Region,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,Price,SpotPrice"
GOOD = "a-1,r-1,16,120,A100,1,1.79,"
WHEN = "2026-11-20T00:00:00Z"


def read(*rows: str, header: str = HEADER) -> HandWritten:
    return read_hand_written("\n".join([header, *rows, ""]).encode(), "fluffycloud", "a price list", WHEN)


def findings(*rows: str, header: str = HEADER) -> list[tuple[str, int | None, str | None]]:
    return [(one.rule, one.row, one.column) for one in read(*rows, header=header).report.findings]


def test_a_row_becomes_an_offering_with_what_the_table_knows() -> None:
    hand = read("fluffy-8h100,cumulus-1,192,1440,h100,8,23.92,11.5")
    (offering,) = hand.offerings
    assert hand.report.ok
    assert (offering.accelerator_name, offering.accelerator_vendor, offering.gpu_memory_mib) == (
        "H100",
        "NVIDIA",
        81920,
    )
    assert (offering.price_usd_per_hour, offering.spot_price_usd_per_hour) == (Decimal("23.92"), Decimal("11.5"))
    assert (offering.source, offering.observed_at, offering.marks) == ("a price list", WHEN, ("hand-entered",))
    for version, content in hand.files.items():
        assert validate_catalog(content, "fluffycloud", version).ok


def test_columns_come_in_any_order_and_in_the_guides_spelling() -> None:
    cells = {
        "Price": "3.2", "GPUInfo": "{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}", "Region": "r-1",
        "vCPUs": "8", "InstanceType": "a-1", "MemoryGiB": "64", "AcceleratorCount": "2", "AcceleratorName": "A100",
        "AvailabilityZone": "", "SpotPrice": "",
    }  # fmt: skip
    names = list(cells)
    reference = None
    for seed in range(5):
        random.Random(seed).shuffle(names)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([names, [cells[name] for name in names]])
        hand = read_hand_written(text.getvalue().encode(), "fluffycloud", "a price list", WHEN)
        assert hand.report.ok, hand.report.to_text()
        assert reference in {None, hand.files["v8"]}
        reference = hand.files["v8"]
    assert b"AvailabilityZone" not in (reference or b"")


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER}\n{GOOD}\n",
        f"{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\n{GOOD}",
        f"{HEADER}\n{GOOD}\n,,,,,,,\n,,,,,,,\n",
        f"{HEADER}\n{GOOD}\n\n \n",
        f"{HEADER}\n\n,,,,,,,\n,,,,,,,\n{GOOD}\n",
        HEADER.replace(",", " , ") + "\n" + GOOD.replace(",", " , ") + "\n",
    ],
    ids=["byte order mark", "CRLF", "no end", "blank rows", "blank lines", "blank between", "spaces"],
)
def test_what_spreadsheets_and_editors_do_to_a_file_is_no_fault(content: str) -> None:
    hand = read_hand_written(content.encode(), "fluffycloud", "a price list", WHEN)
    assert hand.report.ok, hand.report.to_text()
    assert hand.files == read(GOOD).files


def test_an_unknown_price_is_skipped_with_its_row() -> None:
    hand = read(GOOD, "b-1,r-1,16,120,B200,1,,")
    assert hand.report.ok
    assert [one.instance_type for one in hand.offerings] == ["a-1"]
    assert [(skip.listing, skip.rule, skip.broken, skip.accelerator) for skip in hand.skipped] == [
        ("b-1", "no-price", False, "B200")
    ]
    assert "row 3" in hand.skipped[0].reason


@pytest.mark.parametrize(
    ("row", "rule", "column"),
    [
        ("a-1,r-1,16,120,A100,1,0,", "readable", "Price"),
        ("a-1,r-1,16,120,A100,1,$1.79,", "readable", "Price"),
        ('a-1,r-1,16,120,A100,1,"1,79",', "readable", "Price"),
        ("a-1,r-1,16,120,A100,1,N/A,", "readable", "Price"),
        ("a-1,r-1,16,120,A100,1,-1,", "readable", "Price"),
        ("a-1,r-1,16,120,A100,1,1.79,free", "readable", "SpotPrice"),
        ("a-1,r-1,,120,A100,1,1.79,", "readable", "vCPUs"),
        ("a-1,r-1,16,120 GB,A100,1,1.79,", "readable", "MemoryGiB"),
        ("a-1,,16,120,A100,1,1.79,", "readable", "Region"),
        (",r-1,16,120,A100,1,1.79,", "readable", "InstanceType"),
        ("a-1,r-1,16,120,A100,,1.79,", "readable", None),
        ("a-1,r-1,16,120,,1,1.79,", "readable", None),
        ("a-1,r-1,16,120,PUFF9000,1,1.79,", "accelerator-known", "AcceleratorName"),
        ("a-1,NA,16,120,A100,1,1.79,", "no-missing-text", "Region"),
        ("a-1,r-1,16,120,A100,1,1.79,2.5", "spot-at-most-price", "SpotPrice"),
        ("a-1,r-1,16,120,A100,8,1.79,", "price-in-band", "Price"),
        ("a/1,r-1,16,120,A100,1,1.79,", "instance-type-name", "InstanceType"),
        ("a\x00,r-1,16,120,A100,1,,", "readable", "InstanceType"),
        ("a-1,r-1,16", "row-length", None),
    ],
)
def test_a_wrong_row_is_named_by_its_place_in_the_file(row: str, rule: str, column: str | None) -> None:
    found = findings("z-1,r-9,16,120,A100,1,1.79,", row)
    assert (rule, 3, column) in found


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("InstanceType,Region,vCPUs,MemoryGiB", "missing: Price"),
        (HEADER + ",Colour", "unknown: Colour"),
        (HEADER + ",Price", "twice: Price"),
        (HEADER.replace(",", ";"), "separated by commas, not by ';'"),
        (HEADER.replace(",", "\t"), "separated by commas, not by '\\t'"),
        ("", "missing: InstanceType"),
        (",".join([HEADER] * 20), "more than 100"),
    ],
)
def test_a_wrong_header_says_which_columns(header: str, said: str) -> None:
    (finding,) = read(GOOD, header=header).report.findings
    assert finding.rule == "columns"
    assert said in finding.message


def test_a_blank_price_is_advised_instead_of_a_zero() -> None:
    (finding,) = read("a-1,r-1,16,120,A100,1,0,").report.findings
    assert "leave it blank only when it is not known" in finding.message


def test_a_mixture_of_zones_and_none_is_a_fault() -> None:
    header = HEADER + ",AvailabilityZone"
    assert findings(GOOD + ",z-1", "a-1,r-2,16,120,A100,1,1.79,,", header=header)
    assert not findings(GOOD + ",z-1", "a-1,r-2,16,120,A100,1,1.79,,z-2", header=header)


def test_a_name_that_is_nearly_known_gets_a_hint() -> None:
    for name, near in (("NVIDIA H100", "H100"), ("h100_sxm5", "H100-SXM")):
        (finding,) = read(f"a-1,r-1,16,120,{name},1,2,").report.findings
        assert f"Is it {near}? If not" in finding.message


def test_a_new_accelerator_needs_its_memory_and_gets_a_line_for_the_table() -> None:
    header = HEADER + ",GpuInfo"
    (finding,) = read("a-1,r-1,16,120,PUFF9000,1,2,,", header=header).report.findings
    assert "PUFF9000,VENDOR,MEMORY_GIB,USD_PER_GPU_HOUR_MIN" in finding.message
    hand = read("a-1,r-1,16,120,PUFF9000,2,4,,96GB", header=header)
    assert hand.report.ok, hand.report.to_text()
    assert hand.offerings[0].marks == ("hand-entered", "new-accelerator")
    assert hand.warnings == (
        "PUFF9000 is not in the accelerator table: its price is only held against 0.02 to 50 USD per GPU-hour. "
        "Is it P6000? If not, add to accelerators.csv: PUFF9000,VENDOR,96,0.5,8.0,,,,,"
        "WHERE_THE_PRICES_STAND_AND_WHEN,WHERE_NAME_AND_MEMORY_STAND",
    )


@pytest.mark.parametrize(
    ("cell", "mib"),
    [
        ("40GB", 40960),
        ("40 GiB", 40960),
        ('"{""Gpus"": [{""MemoryInfo"": {""SizeInMiB"": 40960}}]}"', 40960),
        ("{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}", 40960),
        ("", 40960),
        ("40", None),
        ("40000000GB", None),
        ("NVIDIA A100 40GB", None),
    ],
)
def test_gpu_info_is_the_memory_of_one_device_in_any_usual_form(cell: str, mib: int | None) -> None:
    hand = read(f"a-1,r-1,16,120,A100,2,3.58,,{cell}", header=HEADER + ",GpuInfo")
    assert [one.gpu_memory_mib for one in hand.offerings] == ([mib] if mib else [])
    assert hand.report.ok is (mib is not None)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\x00", b'"', b"\n" * 100, b"a" * 300_000])
def test_no_content_raises(content: bytes) -> None:
    assert not read_hand_written(content, "fluffycloud", "a price list", WHEN).report.ok


@given(st.lists(st.lists(st.text(max_size=8), max_size=9), max_size=4))
def test_no_rows_raise(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = f"{HEADER}\n{GOOD}\n{text.getvalue()}".encode(errors="replace")
    hand = read_hand_written(content, "fluffycloud", "a price list", WHEN)
    assert hand.report.findings or hand.offerings
