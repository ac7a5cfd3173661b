from __future__ import annotations

import pytest

from schemas import validate_images

HEADER = "Tag,Region,OS,OSVersion,ImageId,CreationDate\n"
GOOD = "skypilot:gpu-ubuntu-2204,us-east-1,ubuntu,22.04,ami-0b43efcb5366f38d0,20250910\n"
OTHER = GOOD.replace("us-east-1", "us-west-1")


def rules(text: str) -> list[str]:
    return sorted(finding.rule for finding in validate_images(text.encode(), "somecloud").findings)


def test_a_good_file_passes() -> None:
    report = validate_images((HEADER + GOOD + OTHER).encode(), "somecloud")

    assert report.ok
    assert (report.rows, report.version) == (2, "images.csv")


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("tag-filled", "skypilot:gpu-ubuntu-2204", ""),
        ("tag-name", "skypilot:", ""),
        ("tag-name", "gpu-ubuntu", "gpu ubuntu"),
        ("region-filled", "us-east-1", ""),
        ("region-name", "us-east-1", "us/east"),
        ("no-missing-text", "us-east-1", "NA"),
        ("image-id-filled", "ami-0b43efcb5366f38d0", ""),
        ("no-missing-text", "ami-0b43efcb5366f38d0", "null"),
        ("creation-date", "20250910", "yesterday"),
        ("creation-date", "20250910", "20250231"),
        ("creation-date", "20250910", "2025910"),
    ],
)
def test_damages(rule: str, old: str, new: str) -> None:
    assert set(rules(HEADER + GOOD.replace(old, new) + OTHER)) == {rule}


def test_damages_of_the_file() -> None:
    assert rules(HEADER) == ["has-rows"]
    assert rules(HEADER.replace("Tag,Region", "Region,Tag") + GOOD) == ["columns"]
    assert rules("") == ["not-empty"]
    assert rules(HEADER + GOOD + GOOD) == ["duplicate-row"]
    assert rules(HEADER + GOOD + GOOD.replace("ami-0", "ami-1")) == ["one-image-per-tag"] * 2
