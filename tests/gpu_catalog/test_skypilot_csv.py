"""SkyPilot's own files: what is read, what is passed over, and when a whole file is refused."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadCatalogFile
from gpu_catalog.prices import PriceLine, Site
from gpu_catalog.skypilot_csv import SkyPilotRows, price_or_none

COLUMNS = (
    "InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "GpuInfo", "Price", "SpotPrice",
    "Region", "AvailabilityZone", "Arch",
)  # fmt: skip
GPU_INFO = "{'Gpus': [{'Name': 'A100', 'MemoryInfo': {'SizeInMiB': 40960}}], 'TotalGpuMemoryInMiB': 327680}"
CPU_ROW = "c7i.12xlarge,,,48.0,96.0,,2.4192,0.357700,ap-northeast-2,apne2-az1,x86_64"
GPU_ROW = f'p4d.24xlarge,A100,8.0,96.0,1152.0,"{GPU_INFO}",21.957642,8.5,us-east-1,use1-az1,x86_64'
AWS = f"{','.join(COLUMNS)}\n{CPU_ROW}\n{GPU_ROW}\n"
USUAL = dict(zip(COLUMNS, next(csv.reader([GPU_ROW])), strict=True))


def text_of(*rows: dict[str, str]) -> str:
    """A file of GPU rows that differ from the one above in these cells."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([COLUMNS, *({**USUAL, **row}.values() for row in rows)])
    return file.getvalue()


def rows_of(*rows: dict[str, str], cloud: str = "aws") -> SkyPilotRows:
    return SkyPilotRows(text_of(*rows), cloud)


def site(region: str, zone: str = "") -> Site:
    return Site(stock_order=1, not_us_first=False, region=region, zone=zone)


def test_a_row_is_a_line_with_all_that_it_says() -> None:
    rows = SkyPilotRows(AWS, "aws")

    assert rows.with_gpu("a100") == rows.of_type("p4d.24xlarge")
    assert rows.with_gpu("a100") == [
        PriceLine(
            instance_type="p4d.24xlarge", gpu="A100", gpu_count=8.0, gpu_memory_mib=40960, vcpus=96.0,
            memory_gib=1152.0, on_demand=Decimal("21.957642"), spot=Decimal("8.5"),
            sites=(site("us-east-1", "use1-az1"),),
        )
    ]  # fmt: skip
    (cpu,) = rows.of_type("c7i.12xlarge")
    assert (cpu.gpu, cpu.gpu_count, cpu.gpu_memory_mib) == (None, None, None)
    assert (cpu.vcpus, cpu.on_demand, cpu.spot) == (48.0, Decimal("2.4192"), Decimal("0.3577"))
    assert rows.check() == (2, 0)
    assert (rows.with_gpu("h100"), rows.of_type("p5.48xlarge")) == ([], [])


def test_form_does_not_matter_where_pandas_does_not_mind() -> None:
    expected = SkyPilotRows(AWS, "aws")
    turned = [[f'"{cell}"' for cell in reversed(["x", *cells])] for cells in csv.reader(AWS.splitlines())]
    for text in (
        AWS.replace("\n", "\r\n"), "\ufeff" + AWS, AWS + "\n", AWS + "\r\n\r\n", AWS.replace("\n", "\n\n"),
        AWS[:-1], "".join(",".join(cells) + "\n" for cells in turned),
    ):  # fmt: skip
        rows = SkyPilotRows(text, "aws")
        assert rows.check() == (2, 0)
        for instance_type in ("p4d.24xlarge", "c7i.12xlarge"):
            assert rows.of_type(instance_type) == expected.of_type(instance_type) != []


@pytest.mark.parametrize(
    ("cell", "price"),
    [("2.4192", "2.4192"), ("0.357700", "0.3577"), ("8", "8"), ("1e-1", "0.1"), ("0.36979999999999996", "0.3698"),
     ("2.9339084", "2.933908"), ("0.0000014", "0.000001"), ("1000000", "1000000")],
)  # fmt: skip
def test_a_price_is_rounded_to_six_decimals(cell: str, price: str) -> None:
    assert price_or_none(cell) == Decimal(price)
    assert [line.on_demand for line in rows_of({"Price": cell}).with_gpu("a100")] == [Decimal(price)]


@pytest.mark.parametrize("cell", [
    "", "0", "0.0", "0.00", "-0", "0.0000001", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A",
    "<NA>",
])  # fmt: skip
def test_a_blank_zero_or_missing_price_is_unknown_and_breaks_nothing(cell: str) -> None:
    rows = rows_of({"Price": cell, "SpotPrice": cell}, {"InstanceType": "spot-only", "Price": cell})

    assert price_or_none(cell) is None
    assert [(line.on_demand, line.spot) for line in rows.of_type("spot-only")] == [(None, Decimal("8.5"))]
    assert not [line for line in rows.of_type("p4d.24xlarge") if line.on_demand or line.spot == 0]
    assert rows.check() == (2, 0)


NO_PRICES = (
    "$1.99", "1,000", "1.000,5", "inf", "-inf", "Infinity", "-1", "-0.000001", "abc", "1000000.1", "1e7", "1e9999",
    "1e999999999999999999999", "9" * 5000, "0x10", "1_000", "\u0661", "\uff11", "true", "NAN", "-nan", "sNaN",
    "NaN1",
)  # fmt: skip


@pytest.mark.parametrize("cell", NO_PRICES, ids=lambda cell: ascii(cell[:30]))
def test_what_is_no_price_breaks_its_row_only(cell: str) -> None:
    with pytest.raises(BadCatalogFile, match="price"):
        price_or_none(cell)
    for column in ("Price", "SpotPrice"):
        rows = rows_of({column: cell}, {"InstanceType": "good"})
        assert len(list(rows.defects())) == 1
        assert [line.instance_type for line in rows.with_gpu("a100")] == ["good"]


@pytest.mark.parametrize(
    ("column", "cell", "defect"),
    [
        ("InstanceType", "", "InstanceType is blank"), ("Region", "", "Region is blank"),
        ("AcceleratorCount", "", "not blank together"), ("AcceleratorName", "", "not blank together"),
        ("AcceleratorCount", "eight", "AcceleratorCount"), ("AcceleratorCount", "0", "AcceleratorCount"),
        ("AcceleratorCount", "-8", "AcceleratorCount"), ("AcceleratorCount", "NAN", "AcceleratorCount"),
        ("Region", "NA", "valid name"), ("Region", "None", "valid name"), ("AvailabilityZone", "nan", "valid name"),
        ("InstanceType", "null", "valid name"), ("AcceleratorName", "None", "valid name"),
        ("Region", "a\nb", "valid name"),
        ("InstanceType", "p4d\x1b[31m", "valid name"), ("AcceleratorName", "A100\0", "valid name"),
        ("AvailabilityZone", "a\u202eb", "valid name"), ("InstanceType", "x" * 201, "valid name"),
    ],
    ids=lambda value: ascii(value[:30]),
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_no_line_and_is_told_on_one_line(column: str, cell: str, defect: str) -> None:
    rows = rows_of({}, {column: cell})

    assert [line.sites for line in rows.with_gpu("a100")] == [(site("us-east-1", "use1-az1"),)]
    (said,) = rows.defects()
    assert said.startswith("row 2: ")
    assert defect in said
    assert said.isprintable()
    assert len(said) < 200


@pytest.mark.parametrize("damage", ["p4d.24xlarge,A100\n", GPU_ROW + ",one more\n", "# comment\n", "x\n"])
def test_a_short_or_long_row_is_passed_over(damage: str) -> None:
    rows = SkyPilotRows(AWS + damage, "aws")

    assert len(list(rows.defects())) == 1
    assert len(rows.with_gpu("a100")) == len(rows.of_type("p4d.24xlarge")) == 1
    assert set(rows.regions) == {"ap-northeast-2", "us-east-1"}


def test_only_on_gcp_a_gpu_may_be_without_a_machine() -> None:
    assert len(rows_of({"InstanceType": ""}, cloud="gcp").with_gpu("a100")) == 1
    assert rows_of({"InstanceType": ""}, cloud="azure").with_gpu("a100") == []
    blank = {"InstanceType": "", "AcceleratorName": "", "AcceleratorCount": ""}
    assert list(rows_of(blank, cloud="gcp").defects()) == ["row 1: InstanceType is blank"]


def test_rows_that_differ_by_place_only_are_one_line_whatever_their_order_or_number() -> None:
    places = [("us-east-1", "b"), ("us-east-1", "a"), ("eu-west-1", ""), ("us-east-1", "b")]
    cells = [{"Region": region, "AvailabilityZone": zone} for region, zone in places]

    first, dearer = rows_of(*cells, {"Price": "30", "Region": "us-west-2"}).with_gpu("a100")
    assert (dearer.on_demand, dearer.sites) == (Decimal(30), (site("us-west-2", "use1-az1"),))
    assert first.sites == (site("eu-west-1"), site("us-east-1", "a"), site("us-east-1", "b"))


def test_names_are_found_by_key_and_given_as_spelled_without_tpus() -> None:
    rows = rows_of(
        {"AcceleratorName": "A100-80GB", "InstanceType": "X.Large", "Region": "US-East"},
        {"AcceleratorName": "a100_80gb", "InstanceType": "y"},
        {"AcceleratorName": "tpu-v6e-8", "InstanceType": "TPU-VM"},
    )
    assert rows.gpu_names == {"a10080gb": "A100-80GB"}
    assert [line.gpu for line in rows.with_gpu("a10080gb")] == ["A100-80GB", "a100_80gb"]
    assert rows.with_gpu("tpuv6e8") == []
    assert list(rows.instance_types) == ["X.Large", "y"]
    assert [line.instance_type for line in rows.of_type("x.large")] == ["X.Large"]
    assert rows.regions == {"us-east": "US-East", "us-east-1": "us-east-1"}


@pytest.mark.parametrize(
    "cells",
    [
        {"InstanceType": "VM.Standard.E4.Flex$_2_8", "AvailabilityZone": "AF-CASABLANCA-1-AD-1"},
        {"InstanceType": "1H100.80S.32V_FIN-03_500", "Region": "Finland 3"},
        {"InstanceType": "GPU+", "Region": "East Coast (NY2)"},  # Paperspace
        {"Region": "France, FR, EU"}, {"Region": ", US, NA"}, {"Region": "B\u00e1cs-Kiskun, HU, EU"},  # Vast
        {"AcceleratorName": "", "AcceleratorCount": "0", "GpuInfo": ""},  # Nebius, where there is no accelerator
    ],
    ids=ascii,
)  # fmt: skip
def test_what_published_catalogs_write_is_not_broken(cells: dict[str, str]) -> None:
    rows = rows_of(cells)

    assert list(rows.defects()) == []
    (line,) = rows.of_type({**USUAL, **cells}["InstanceType"].lower())
    assert line.gpu == ({**USUAL, **cells}["AcceleratorName"] or None)
    assert line.sites[0].region == {**USUAL, **cells}["Region"]


@pytest.mark.parametrize(
    ("gpu_info", "memory"),
    [(GPU_INFO, 40960), ("{'SizeInMiB': 48}", None), ("{'SizeInMiB': 655360}", None),
     ('{"Gpus": [{"MemoryInfo": {"SizeInMiB": 81920}}]}', 81920), ("A100", None), ("", None),
     ("{'Gpus': [{'MemoryInfo': {'SizeInMiB': None}}]}", None), ("{'SizeInMiB': '40960'}", None),
     ("{'SizeInMiB': 40960.0}", 40960), ("{'SizeInMiB': -1}", None), ("{'SizeInMiB': 0}", None),
     ("{'SizeInMiB': " + "9" * 5000 + "}", None), ("__import__('os')", None)],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_memory_of_an_unknown_card_comes_from_gpu_info_if_one_card_can_have_it(
    gpu_info: str, memory: int | None
) -> None:
    (line,) = rows_of({"AcceleratorName": "X9000", "GpuInfo": gpu_info}).with_gpu("x9000")
    assert line.gpu_memory_mib == memory


@pytest.mark.parametrize("written", ["", "48", "655360", "40536"])
def test_memory_of_a_known_card_is_that_of_our_table(written: str) -> None:
    (line,) = rows_of({"GpuInfo": f"{{'SizeInMiB': {written}}}"}).with_gpu("a100")
    assert line.gpu_memory_mib == 40960


@pytest.mark.parametrize("size", ["", "NA", "0", "lots", "-4", "inf"])
def test_an_unknown_size_does_not_break_a_row(size: str) -> None:
    (line,) = rows_of({"vCPUs": size, "MemoryGiB": size}).with_gpu("a100")
    assert (line.vcpus, line.memory_gib) == (None, None)


def test_a_file_is_good_while_at_most_a_twentieth_of_its_rows_is_broken() -> None:
    assert rows_of(*[{}] * 19, {"Region": "NA"}).check() == (20, 1)
    said = r"^vms\.csv: 2 of 39 rows are broken, first row 1: 'NA' is not a valid name$"
    with pytest.raises(BadCatalogFile, match=said):
        rows_of(*[{"Region": "NA"}] * 2, *[{}] * 37).check()


@pytest.mark.parametrize(
    "rows",
    [[], [{"Price": "", "SpotPrice": ""}], [{"Price": "0", "SpotPrice": "0"}], [{"AcceleratorName": "tpu-v6e-8"}],
     [{"AcceleratorName": "", "AcceleratorCount": ""}]],
    ids=["no rows", "no prices", "zeros", "TPUs only", "CPUs only"],
)  # fmt: skip
def test_a_file_without_a_priced_accelerator_is_not_good(rows: list[dict[str, str]]) -> None:
    with pytest.raises(BadCatalogFile, match=f"no accelerator with a price in {len(rows)} rows"):
        rows_of(*rows).check()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'InstanceType' is missing"), ("\n" + AWS, "'InstanceType' is missing"),
        (CPU_ROW + "\n", "'InstanceType' is missing"), ("<html>404</html>\n", "'InstanceType' is missing"),
        *((AWS.replace(name, "Other", 1), f"'{name}' is missing") for name in COLUMNS[:9]),
        (AWS.replace("Arch", "Price", 1), "'Price' is there twice"), (AWS + "x" * 200_000 + "\n", "field"),
        (AWS + f"{CPU_ROW}\n" * 99 + f'"never closed,{CPU_ROW}\n' + f"{CPU_ROW}\n" * 99, "end of data"),
    ],
    ids=lambda value: value[:40],
)  # fmt: skip
def test_what_is_no_catalog_is_refused_and_named(text: str, message: str) -> None:
    with pytest.raises(BadCatalogFile, match=message) as caught:
        SkyPilotRows(text, "aws", "some file").check()
    assert str(caught.value).startswith("some file")


CHOICES = {
    "InstanceType": ["one", "Two"], "Region": ["r1", "r2", "NA"], "AvailabilityZone": ["z1", "z2"],
    "Price": ["", "0", "1.5", "1.50", "2", "$2"], "SpotPrice": ["", "0.0", "0.5", "inf"],
}  # fmt: skip


@given(
    st.lists(st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in CHOICES.items()}), max_size=8)
)
def test_lines_say_what_the_csv_module_reads(rows: list[dict[str, str]]) -> None:
    expected = {
        tuple(row[name] for name in list(CHOICES)[:3])
        + tuple(float(row[name] or 0) or None for name in COLUMNS[6:8])
        for row in csv.DictReader(io.StringIO(text_of(*rows)))
        if not {"NA", "$2", "inf"} & set(row.values())
    }
    found = {
        (line.instance_type, place.region, place.zone, *(p and float(p) for p in (line.on_demand, line.spot)))
        for line in rows_of(*rows).with_gpu("a100")
        for place in line.sites
    }
    assert found == expected
