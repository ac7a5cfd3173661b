"""Validating `images.csv`, which SkyPilot reads to turn an image tag into the image of a region."""

from __future__ import annotations

from schemas.csv_text import read_csv_text
from schemas.frame import text_frame
from schemas.report import Report
from schemas.suites import expectations_of, failing, findings_of

IMAGE_COLUMNS = ("Tag", "Region", "OS", "OSVersion", "ImageId", "CreationDate")


def validate_images(content: bytes, cloud: str) -> Report:
    """Check an `images.csv`; nothing about the content raises.

    Raises:
        MissingExtra: pandas or Great Expectations is not installed.
    """
    text = read_csv_text(content, [IMAGE_COLUMNS])
    findings = list(text.findings)
    if text.header:
        frame = text_frame(IMAGE_COLUMNS, text.header, text.rows)
        findings += findings_of(failing(expectations_of(["images"]), frame), frame)
    findings.sort(key=lambda finding: finding.row or 0)
    return Report(cloud=cloud, version="images.csv", rows=text.row_count, findings=tuple(findings))
