"""Validating a `vms.csv` as it would be on disk, ours or a foreign one."""

from __future__ import annotations

from functools import lru_cache

from gpu_catalog.accelerators import AcceleratorTable, accelerator_table
from gpu_catalog.gpu_info import parse_gpu_info
from gpu_catalog.numbers import parse_price, parse_quantity
from gpu_catalog.offering import Offering
from schemas.columns import ZONE_COLUMN, column_names, versions_until
from schemas.cross_row_rules import cross_row_findings
from schemas.csv_text import CsvText, read_csv_text
from schemas.frame import catalog_frame
from schemas.report import Finding, Report
from schemas.suites import check_frame

# A catalog of 100,000 rows has a few hundred different figures.
_price = lru_cache(maxsize=8192)(parse_price)
_quantity = lru_cache(maxsize=8192)(parse_quantity)


def validate_catalog(content: bytes, cloud: str, version: str, table: AcceleratorTable | None = None) -> Report:
    """Check a `vms.csv` against every rule of its schema version.

    First the form of the file, then the expectations on its rows, then, on the rows that passed, the rules that
    compare rows. Nothing about the content raises.

    Args:
        content: the bytes of the file.
        cloud: cloud whose catalog it is; some accelerators have another memory there.
        version: schema version, `v7` or `v8`.
        table: accelerators to compare with; the bundled table by default.

    Raises:
        SchemaError: no such schema version.
        MissingExtra: pandas or Great Expectations is not installed.
    """
    text = read_csv_text(content, [column_names(version, has_zones) for has_zones in (False, True)])
    findings = list(text.findings)
    if text.header:
        findings += _row_findings(text, cloud, version, table or accelerator_table())
    findings.sort(key=lambda finding: finding.row or 0)
    return Report(cloud=cloud, version=version, rows=text.row_count, findings=tuple(findings))


def _row_findings(text: CsvText, cloud: str, version: str, table: AcceleratorTable) -> list[Finding]:
    suites = [*versions_until(version), *(["zones"] if ZONE_COLUMN in text.header else [])]
    findings = check_frame(catalog_frame(text.header, text.rows, cloud, table), suites)
    at_fault = {finding.row for finding in findings}
    if None in at_fault:
        return findings
    passed = {
        number: _offering(dict(zip(text.header, cells, strict=True)), cloud)
        for number, cells in text.rows.items()
        if number not in at_fault
    }
    return findings + cross_row_findings(passed)


def _offering(cells: dict[str, str], cloud: str) -> Offering:
    """The offering of a row that passed all expectations."""
    name, spot = cells["AcceleratorName"], cells["SpotPrice"]
    gpu = parse_gpu_info(cells["GpuInfo"]) if name else None
    return Offering(
        cloud=cloud,
        instance_type=cells["InstanceType"],
        region=cells["Region"],
        zone=cells.get(ZONE_COLUMN),
        vcpus=_quantity(cells["vCPUs"], "vCPUs"),
        memory_gib=_quantity(cells["MemoryGiB"], "MemoryGiB"),
        price_usd_per_hour=_price(cells["Price"]),
        spot_price_usd_per_hour=_price(spot) if spot else None,
        accelerator_name=name or None,
        accelerator_count=_quantity(cells["AcceleratorCount"], "AcceleratorCount") if name else None,
        accelerator_vendor=gpu.vendor if gpu else None,
        gpu_memory_mib=gpu.memory_mib if gpu else None,
        arch=cells.get("Arch") or None,
    )
