from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gpu_catalog.gpu_info import format_gpu_info
from schemas import Report, SchemaError, suites, validate_catalog, vms_csv
from tests.schemas.examples import CPU, H100, RTX5090, TABLE, h100s

Row = dict[str, str]


def validate(content: bytes, version: str = "v8", cloud: str = "somecloud") -> Report:
    return validate_catalog(content, cloud, version, TABLE)


def rows_of(content: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def content_of(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def gpu_info(name: str = "H100", count: float = 1, memory_mib: int = 81920) -> str:
    return format_gpu_info(name, "NVIDIA", count, memory_mib)


NO_GPU = {"AcceleratorName": "", "AcceleratorCount": "", "GpuInfo": ""}

# What is written into cells of an otherwise good row, and the one rule that must find it.
CELL_DAMAGES = [
    ("instance-type-filled", {"InstanceType": ""}),
    ("instance-type-name", {"InstanceType": "1x H100"}),
    ("instance-type-name", {"InstanceType": "-1x_H100"}),
    ("instance-type-name", {"InstanceType": "=1x_H100"}),
    ("instance-type-name", {"InstanceType": "x" * 201}),
    ("no-missing-text", {"InstanceType": "null"}),
    ("no-missing-text", {"Region": "NA"}),
    ("no-missing-text", {"Region": "None"}),
    ("no-missing-text", {"AvailabilityZone": "nan"}),
    ("accelerator-name", {"AcceleratorName": "H100+", "GpuInfo": gpu_info("H100+")}),
    ("accelerator-name", {"AcceleratorName": "RTX_6000", "GpuInfo": gpu_info("RTX_6000")}),
    ("accelerator-name-has-letter", {"AcceleratorName": "5090", "GpuInfo": gpu_info("5090")}),
    ("accelerator-name-specific", {"AcceleratorName": "NVIDIA", "GpuInfo": gpu_info("NVIDIA")}),
    ("accelerator-name-specific", {"AcceleratorName": "gpu", "GpuInfo": gpu_info("gpu")}),
    ("no-missing-text", {"AcceleratorName": "NaN", "GpuInfo": gpu_info("NaN")}),
    ("count-with-name", {"AcceleratorCount": ""}),
    ("count-number", {"AcceleratorCount": "one"}),
    ("count-range", {"AcceleratorCount": "0.0", "GpuInfo": "{'Gpus': []}"}),
    ("count-range", {"AcceleratorCount": "512.0", "GpuInfo": gpu_info(count=512), "Price": "1000.0"}),
    ("count-whole", {"AcceleratorCount": "1.5", "GpuInfo": gpu_info(count=1.5)}),
    ("vcpus-filled", {"vCPUs": ""}),
    ("vcpus-number", {"vCPUs": "8 vCPU"}),
    ("vcpus-range", {"vCPUs": "0.0"}),
    ("vcpus-range", {"vCPUs": "-8.0"}),
    ("memory-filled", {"MemoryGiB": ""}),
    ("memory-number", {"MemoryGiB": "80GB"}),
    ("memory-number", {"MemoryGiB": "inf"}),
    ("memory-range", {"MemoryGiB": "204800.0"}),
    ("memory-per-vcpu", {"vCPUs": "0.5"}),
    ("memory-per-vcpu", {"vCPUs": "200.0", "MemoryGiB": "26.0"}),
    ("gpu-info-with-name", {"GpuInfo": ""}),
    ("gpu-info-with-name", {"AcceleratorName": "", "AcceleratorCount": ""}),
    ("gpu-info-parses", {"GpuInfo": "A40"}),
    ("gpu-info-parses", {"GpuInfo": "null"}),
    ("gpu-info-parses", {"GpuInfo": "{'Gpus': []}"}),
    ("gpu-info-parses", {"GpuInfo": "__import__('os')"}),
    ("gpu-info-parses", {"GpuInfo": "[" * 1000}),
    ("gpu-info-parses", {"GpuInfo": gpu_info().replace("81920", "'81920'")}),
    ("gpu-info-name", {"GpuInfo": gpu_info("H200")}),
    ("gpu-info-count", {"GpuInfo": gpu_info(count=8)}),
    (
        "gpu-info-total",
        {"GpuInfo": gpu_info().replace("'TotalGpuMemoryInMiB': 81920", "'TotalGpuMemoryInMiB': 655360")},
    ),
    ("gpu-memory-range", {"AcceleratorName": "X1", "GpuInfo": gpu_info("X1", memory_mib=80)}),
    ("gpu-memory-range", {"AcceleratorName": "X1", "GpuInfo": gpu_info("X1", memory_mib=655360)}),
    ("gpu-memory-known", {"GpuInfo": gpu_info(memory_mib=40960)}),
    ("gpu-memory-known", {"AcceleratorName": "B300", "GpuInfo": gpu_info("B300", memory_mib=262 * 1024)}),
    ("region-filled", {"Region": ""}),
    ("region-name", {"Region": "us east 1"}),
    ("region-name", {"Region": "../../etc"}),
    ("zone-filled", {"AvailabilityZone": ""}),
    ("zone-name", {"AvailabilityZone": "zone 1"}),
    ("spot-price-number", {"SpotPrice": "-"}),
    ("spot-price-range", {"SpotPrice": "0.0"}),
    ("spot-at-most-price", {"SpotPrice": "2.5"}),
    ("spot-price-share", {"SpotPrice": "0.0249"}),
    ("price-filled", {"Price": ""}),
    ("price-number", {"Price": "$2.49"}),
    ("price-number", {"Price": "2.4900001"}),
    ("price-number", {"Price": "1e1"}),
    ("price-number", {"Price": "2,49"}),
    ("price-number", {"Price": "\u0662.0"}),
    ("price-range", {"Price": "0.0"}),
    ("price-range", {"Price": "-2.49"}),
    ("price-in-band", {"Price": "0.0249"}),
    ("price-in-band", {"Price": "249.0"}),
    ("price-in-band", {"AcceleratorName": "X1", "GpuInfo": gpu_info("X1"), "Price": "0.01"}),
    ("cpu-price-in-band", {**NO_GPU, "Price": "249.0"}),
    ("cpu-price-in-band", {**NO_GPU, "Price": "0.0249"}),
    ("arch", {"Arch": "x86"}),
    ("one-line-rows", {"Region": "us\neast"}),
    ("one-line-rows", {"InstanceType": "1x\r\nH100"}),
]


@pytest.fixture(scope="module")
def damaged() -> Report:
    """The report on one catalog with every damage in a row of its own, and a good row after each."""
    rows = []
    for number, (_, cells) in enumerate(CELL_DAMAGES):
        for name, changes in (("bad", cells), ("good", {})):
            offering = replace(
                H100, instance_type=f"{name}{number}", region=f"{name}-{number}", zone=f"zone-{name}-{number}"
            )
            (row,) = rows_of(vms_csv([offering], "v8"))
            rows.append(row | changes)
    return validate(content_of(rows))


@pytest.mark.parametrize(
    "number", range(len(CELL_DAMAGES)), ids=[f"{rule}-{cells}"[:60] for rule, cells in CELL_DAMAGES]
)
def test_each_damage_is_found_by_its_rule(damaged: Report, number: int) -> None:
    rule, _ = CELL_DAMAGES[number]
    findings = [finding for finding in damaged.findings if finding.row == 2 + 2 * number]

    assert rule in {finding.rule for finding in findings}
    assert not any(finding.fatal for finding in findings)


def test_good_rows_between_the_damaged_ones_are_not_touched(damaged: Report) -> None:
    assert {finding.row for finding in damaged.findings} == {2 + 2 * number for number in range(len(CELL_DAMAGES))}
    assert damaged.rows == 2 * len(CELL_DAMAGES)


def test_a_finding_names_row_key_column_value_and_reason(damaged: Report) -> None:
    number = CELL_DAMAGES.index(("price-in-band", {"Price": "0.0249"}))
    (finding,) = [finding for finding in damaged.findings if finding.row == 2 + 2 * number]

    assert (finding.column, finding.value) == ("Price", "0.0249")
    assert finding.key == f"bad{number} bad-{number} zone-bad-{number}"
    assert "usd_per_gpu_hour 0.0249, band_min 0.5." in finding.message


def test_a_blank_cell_is_shown_as_blank(damaged: Report) -> None:
    number = CELL_DAMAGES.index(("price-filled", {"Price": ""}))
    (finding,) = [finding for finding in damaged.findings if finding.row == 2 + 2 * number]

    assert finding.value is None
    assert f"row {2 + 2 * number}, Price blank: price-filled: " in str(finding)


GOOD = vms_csv([H100, CPU, RTX5090, *h100s(3)], "v8")


@pytest.mark.parametrize("version", ["v7", "v8"])
def test_good_catalogs_pass(version: str) -> None:
    plain = [H100, CPU, RTX5090, replace(H100, instance_type="8x_H100_SECURE", accelerator_count=8.0, arch="x86_64",
             price_usd_per_hour=Decimal("19.92"), spot_price_usd_per_hour=Decimal("19.92"))]  # fmt: skip
    zoned = [replace(offering, zone=f"{offering.region}-a") for offering in plain]

    for offerings in (plain, zoned):
        report = validate(vms_csv(offerings, version), version)
        assert report.ok, report.to_text()
        assert report.rows == 4


def test_memory_is_compared_with_what_this_cloud_states() -> None:
    content = vms_csv([replace(H100, accelerator_name="B300", gpu_memory_mib=262 * 1024)], "v8")

    assert validate(content, cloud="yotta").ok
    assert [finding.rule for finding in validate(content).findings] == ["gpu-memory-known"]


@pytest.mark.parametrize(
    ("cloud", "instance_type", "rules"),
    [
        ("runpod", "1x_H100_SECURE", []),
        ("runpod", "2x_H100_COMMUNITY", ["type-says-count"]),
        ("runpod", "gpu_1x_h100", ["type-grammar"]),
        ("yotta", "1x26v200g_NVIDIA_H100_80G_SECURE", []),
        ("yotta", "2x26v201g_NVIDIA_H100_80G_SECURE", ["type-says-count", "type-says-memory"]),
        ("yotta", "1x27v200g_NVIDIA_H100_80G_SECURE", ["type-says-vcpus"]),
        ("yotta", "1x_H100_SECURE", []),
        ("lambda", "gpu_8x_h100_sxm5", []),
    ],
)
def test_names_of_our_making_say_what_the_row_says(cloud: str, instance_type: str, rules: list[str]) -> None:
    report = validate(vms_csv([replace(H100, instance_type=instance_type)], "v8"), cloud=cloud)

    assert [finding.rule for finding in report.findings] == rules


def test_an_accelerator_outside_the_table_passes() -> None:
    assert validate(vms_csv([replace(H100, accelerator_name="X1", gpu_memory_mib=123 * 1024)], "v8")).ok


HEADER, FIRST = GOOD.split(b"\n")[:2]

# Whole files, and the one rule about them.
FILE_DAMAGES = [
    ("not-empty", b""),
    ("utf-8", GOOD.replace(b"us-east-1", b"us-\xff-1")),
    ("utf-8", GOOD.decode().encode("utf-16")),
    ("columns", GOOD.replace(b"InstanceType,AcceleratorName", b"AcceleratorName,InstanceType")),
    ("columns", GOOD.replace(b",Arch\n", b",Architecture\n")),
    ("columns", GOOD.replace(b"SpotPrice,", b"")),
    ("columns", b"\n" + GOOD),
    ("columns", b"\n"),
    ("columns", b"<html>no catalog here</html>\n"),
    ("no-comment", b"# generated\n" + GOOD),
    ("no-byte-order-mark", b"\xef\xbb\xbf" + GOOD),
    ("line-endings", GOOD.replace(b"\n", b"\r\n")),
    ("line-endings", GOOD.replace(b"\n", b"\r") + b"\n"),
    ("newline-at-end", GOOD[:-1]),
    ("parses", GOOD + b'"unfinished\n'),
    ("parses", GOOD + b"a" * 200_000 + b"\n"),
    ("has-rows", HEADER + b"\n"),
    ("has-accelerator", vms_csv([CPU], "v8")),
]


@pytest.mark.parametrize(("rule", "content"), FILE_DAMAGES, ids=[rule for rule, _ in FILE_DAMAGES])
def test_damages_of_the_file(rule: str, content: bytes) -> None:
    findings = validate(content).findings

    assert rule in {finding.rule for finding in findings if finding.row is None}


# Lines after a good catalog, and the rule that finds them; none of these can be mended by leaving out the row.
FATAL_LINES = [
    ("row-length", FIRST + b",extra"),
    ("row-length", b"1x_H100_SECURE,H100"),
    ("row-length", b""),
    ("no-comment", b"# the end"),
    ("contradictory-offer", FIRST.replace(b",0.65,", b",0.66,")),
]


@pytest.mark.parametrize(("rule", "line"), FATAL_LINES, ids=[rule for rule, _ in FATAL_LINES])
def test_damages_that_no_row_can_be_left_out_for(rule: str, line: bytes) -> None:
    findings = [finding for finding in validate(GOOD + line + b"\n").findings if finding.rule == rule]

    assert findings
    assert all(finding.fatal and finding.row is not None for finding in findings)


def test_a_repeated_row_is_found_once_and_not_fatal() -> None:
    (finding,) = validate(GOOD + FIRST + b"\n").findings

    assert (finding.rule, finding.row, finding.fatal) == ("duplicate-row", 8, False)
    assert "It is row 2 again." in finding.message


def test_rows_are_compared_with_each_other() -> None:
    dearer = [replace(offering, region="us", zone=f"us-{n}") for n, offering in enumerate([H100] * 3)]
    dearer[2] = replace(dearer[2], price_usd_per_hour=Decimal("2.5"))

    (finding,) = validate(vms_csv(dearer, "v8")).findings

    assert (finding.rule, finding.row) == ("one-price-per-region", 4)


def test_unknown_version_is_the_only_error_that_raises() -> None:
    with pytest.raises(SchemaError):
        validate_catalog(GOOD, "somecloud", "v9")


def test_threads_do_not_mix_verdicts() -> None:
    bad = GOOD.replace(b",2.49,", b",-2.49,")

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda content: validate(content).ok, [GOOD, bad] * 3))

    assert verdicts == [True, False] * 3


def test_a_row_that_passes_loosened_expectations_and_cannot_be_read_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As if someone had thrown out the rules about the memory of an instance."""
    for file in suites.SUITE_FOLDER.glob("*.json"):
        suite = json.loads(file.read_text())
        kept = [rule for rule in suite["expectations"] if not rule["meta"]["rule"].startswith("memory-")]
        (tmp_path / file.name).write_text(json.dumps({**suite, "expectations": kept}))
    monkeypatch.setattr(suites, "SUITE_FOLDER", tmp_path)
    row = {**rows_of(vms_csv([H100], "v8"))[0], "MemoryGiB": "200 GB"}

    report = validate(content_of([row]))

    assert [(finding.rule, finding.row) for finding in report.findings] == [("readable", 2)]
