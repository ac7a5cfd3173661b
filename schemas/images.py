"""Validating `images.csv`, which SkyPilot reads to turn an image tag into the image of a region."""

from __future__ import annotations

from collections.abc import Collection

from schemas.csv_text import read_csv_text
from schemas.frame import text_frame
from schemas.report import Report
from schemas.suites import expectations_of, failing, findings_of

IMAGE_COLUMNS = ("Tag", "Region", "OS", "OSVersion", "ImageId", "CreationDate")


def validate_images(content: bytes, cloud: str, regions: Collection[str] | None = None) -> Report:
    """Check an `images.csv`; nothing about the content raises.

    Args:
        content: the file.
        cloud: whose images they are.
        regions: those of the cloud's instance types, where they are known; an image elsewhere is noted.

    Raises:
        MissingExtra: pandas or Great Expectations is not installed.
    """
    text = read_csv_text(content, [IMAGE_COLUMNS])
    findings = list(text.findings)
    if text.header:
        frame = text_frame(IMAGE_COLUMNS, text.header, text.rows)
        findings += findings_of(failing(expectations_of(["images"]), frame), frame)
    findings.sort(key=lambda finding: finding.row or 0)
    notes: list[str] = []
    if regions is not None and not findings:
        place = text.header.index("Region")
        elsewhere = sorted({cells[place] for cells in text.rows.values()} - set(regions))
        notes = [f"no instance type is in {region!r}, so nobody will ask for its images" for region in elsewhere]
    return Report(
        cloud=cloud, version="images.csv", rows=text.row_count, findings=tuple(findings), notes=tuple(notes)
    )
