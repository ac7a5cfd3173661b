"""Accelerators that the table does not know."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from schemas import vms_csv
from schemas.new_accelerators import line_to_add, nearest, unknown_accelerators
from schemas.validation import validate_catalog
from tests.schemas.examples import CPU, H100, TABLE, h100s


def test_a_known_accelerator_and_none_are_no_news() -> None:
    assert list(unknown_accelerators([H100, CPU], TABLE)) == []
    assert validate_catalog(vms_csv([*h100s(2), CPU], "v8"), "somecloud", "v8", TABLE, with_notes=True).notes == ()


def test_the_line_to_add_has_a_band_around_all_prices_of_the_accelerator() -> None:
    offerings = [
        replace(H100, accelerator_name="H1000", price_usd_per_hour=price * H100.price_usd_per_hour)
        for price in (1, 3)
    ]
    assert line_to_add("H1000", [*offerings, H100]).startswith("H1000,NVIDIA,80,0.6225,29.88,")
    assert line_to_add("H1000", []).startswith("H1000,VENDOR,MEMORY_GIB,USD_PER_GPU_HOUR_MIN,USD_PER_GPU_HOUR_MAX,")


def test_the_nearest_name_is_that_without_the_maker() -> None:
    assert nearest("NVIDIA GeForce RTX 5090", TABLE) == "RTX5090"
    assert nearest("Trainium", TABLE) is None


def test_rows_that_are_wrong_otherwise_say_nothing_about_accelerators() -> None:
    new = replace(H100, instance_type="1x_H1000", accelerator_name="H1000")
    wrong = replace(new, instance_type="1x_H2000", accelerator_name="H2000", region="NA")
    content = vms_csv([*h100s(2), new, wrong], "v8")
    assert validate_catalog(content, "somecloud", "v8", TABLE).notes == ()
    report = validate_catalog(content, "somecloud", "v8", TABLE, with_notes=True)
    assert [finding.rule for finding in report.findings] == ["no-missing-text"]
    assert [note.partition(" ")[0] for note in report.notes] == ["H1000"]


def test_a_price_out_of_the_general_band_is_explained_by_the_note() -> None:
    dear = replace(H100, instance_type="1x_H1000", accelerator_name="H1000", price_usd_per_hour=Decimal(60))
    content = vms_csv([*h100s(2), dear], "v8").replace(b"\n", b"\r\n")
    report = validate_catalog(content, "somecloud", "v8", TABLE, with_notes=True)
    assert [finding.rule for finding in report.findings] == ["line-endings", "price-in-band"]
    assert [note.partition(" ")[0] for note in report.notes] == ["H1000"]


def test_of_very_many_the_first_are_told() -> None:
    many = [replace(H100, accelerator_name=f"H{number}") for number in range(1000, 1100)]
    told = list(unknown_accelerators(many, TABLE))
    assert len(told) == 21
    assert told[0].startswith("H1000 is not in the accelerator table")
    assert told[-1] == "80 further accelerators are not in the accelerator table"
