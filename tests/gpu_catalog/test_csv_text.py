"""Rows found without taking the file apart are those that the `csv` module reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadCatalogFile, estimate_cost
from gpu_catalog.csv_text import CsvText, is_plain
from tests.fuzz.mutation import damaged_text
from tests.gpu_catalog.test_skypilot_csv import AWS, CPU_ROW, GPU_ROW

CELLS = st.text(st.sampled_from('ab1,"\n\r \0'), max_size=4)
QUOTED = CELLS.map(lambda cell: '"' + cell.replace('"', '""') + '"')
LINES = st.lists(st.lists(CELLS | QUOTED | st.just(""), min_size=1, max_size=11).map(",".join), max_size=6)


def read_whole(text: str) -> list[list[str]] | None:
    """What the `csv` module reads below the header; None where it refuses."""
    try:
        return [row for row in list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:] if row]
    except csv.Error:
        return None


@given(
    damaged_text((AWS, AWS[:-1], AWS.replace("\n", "\r\n"), f'"{AWS}'))
    | LINES.map(lambda lines: AWS + "\n".join(lines))
)
def test_rows_and_places_are_what_the_csv_module_reads(text: str) -> None:
    expected = read_whole(text)
    try:
        found = CsvText(text, "some file")
    except BadCatalogFile:  # Its header too may be at fault.
        return
    assert expected is not None
    assert found.rows == expected
    for column in range(len(found.header)):
        by_cell: dict[str, list[list[str]]] = {}
        for row in expected:
            if len(row) > column and row[column]:
                by_cell.setdefault(row[column], []).append(row)
        places = found.places(column)
        assert [(cell, found.at(places[cell])) for cell in places] == list(by_cell.items())


@given(LINES.map(lambda lines: AWS + "\n".join(lines)))
def test_what_the_csv_module_refuses_is_never_plain(text: str) -> None:
    if read_whole(text) is None:
        assert not is_plain(text)
        with pytest.raises(BadCatalogFile, match="some file, line"):
            CsvText(text, "some file")


PLAIN = ("", "\n", "a", "a,b\n", AWS, AWS[:-1], f"{AWS}\n\n", '"a","b"\n"c"', '"a,b"', '"",""\n', '\n"a"\n')
NOT_PLAIN = {
    "a line end of its own": AWS.replace("\n", "\r"), "a line end within a cell": 'a\n"b\nc",d\n',
    "a quote within a quoted cell": 'a\n"b""c"\n', "a quote within a cell": 'a\nb"c\n',
    "a blank before": 'a\n "b"\n', "a blank behind": 'a\n"b" ,c\n', "never closed": f'{AWS}"x',
    "a zero byte": "a\nb\0\n",
    "a cell above the limit": f"{AWS}{'x' * csv.field_size_limit()}x\n",
    "a quoted cell above the limit": f'{AWS}"{"x" * csv.field_size_limit()}x"',
}  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain_texts(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize("why", NOT_PLAIN)
def test_texts_that_are_not_plain(why: str) -> None:
    assert not is_plain(NOT_PLAIN[why])


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_an_estimate_takes_apart_only_the_rows_of_its_accelerator(
    line_end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Path.home() / ".sky/catalogs/v8/aws/vms.csv"
    where.parent.mkdir(parents=True)
    text = AWS + f"{CPU_ROW}\n" * 500 + GPU_ROW.replace("A100", "V100") + "\n" + GPU_ROW
    where.write_bytes(text.replace("\n", line_end).encode())
    estimate_cost("A100:8", cloud="lambda")  # Our own tables are read.
    taken_apart: list[str] = []

    def counting(lines: Iterable[str], *, strict: bool) -> Iterator[list[str]]:
        for row in real_reader(lines, strict=strict):
            taken_apart.append(",".join(row[:2]))
            yield row

    real_reader = csv.reader
    monkeypatch.setattr(csv, "reader", counting)
    assert estimate_cost("A100:8", cloud="aws").hourly_cost == 21.957642
    assert taken_apart == ["InstanceType,AcceleratorName", "p4d.24xlarge,A100", "p4d.24xlarge,A100"]
