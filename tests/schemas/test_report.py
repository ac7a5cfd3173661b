from __future__ import annotations

import json

from schemas import Finding, Report

CELL = Finding(rule="price-range", message="Price is above 0.", row=3, key="1x us", column="Price", value="-1.0")
FILE = Finding(rule="utf-8", message="The file is UTF-8 text.")


def report(*findings: Finding) -> Report:
    return Report(cloud="yotta", version="v8", rows=9, findings=findings)


def test_a_report_without_findings_is_ok() -> None:
    assert report().ok
    assert report().to_text() == "yotta v8: 9 rows, ok"


def test_one_line_per_finding() -> None:
    assert report(FILE, CELL).to_text().splitlines() == [
        "yotta v8: 9 rows, 2 findings",
        "  file: utf-8: The file is UTF-8 text.",
        "  row 3, Price '-1.0': price-range: Price is above 0. (1x us)",
    ]


def test_many_findings_are_cut_and_counted() -> None:
    lines = report(*[CELL] * 60).to_text(max_lines=2).splitlines()

    assert lines[3:] == ["  ... and 58 more"]


def test_foreign_text_stays_on_one_short_line() -> None:
    nasty = Finding(
        rule="region-name", message="m", row=2, column="Region", value="a\n\x1b[31m" + "b" * 500, key="a\n\x1b"
    )
    (_, line) = report(nasty).to_text().splitlines()

    assert "\x1b" not in line
    assert len(line) < 200


def test_the_dict_is_json() -> None:
    data = json.loads(json.dumps(report(CELL).to_dict()))

    assert data["ok"] is False
    assert data["findings"][0]["rule"] == "price-range"
    assert data["findings"][0]["row"] == 3
