"""The GpuInfo cell: what we write SkyPilot reads, and nothing that could harm a reader is accepted."""

from __future__ import annotations

import ast
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadGpuInfo, GpuInfo, format_gpu_info, parse_gpu_info
from gpu_catalog.gpu_info import MAX_CELL_CHARS
from tests.gpu_catalog.hostile import within

CELL = (
    "{'Gpus': [{'Name': 'H100', 'Manufacturer': 'NVIDIA', 'Count': 8, 'MemoryInfo': {'SizeInMiB': 81920}}], "
    "'TotalGpuMemoryInMiB': 655360}"
)
WITHOUT_MAKER = CELL.replace("'Manufacturer': 'NVIDIA', ", "")


def test_the_cell_is_written_in_skypilots_form() -> None:
    assert format_gpu_info("H100", "NVIDIA", 8.0, 81920) == CELL
    assert format_gpu_info("H100", None, 8, 81920) == WITHOUT_MAKER


def test_what_the_cell_says() -> None:
    assert parse_gpu_info(CELL) == GpuInfo("H100", "NVIDIA", 8, 81920, 655360)
    assert parse_gpu_info(WITHOUT_MAKER).vendor is None
    assert parse_gpu_info(CELL.replace("'", '"')) == parse_gpu_info(CELL)


def test_published_cells_of_skypilot_are_read() -> None:
    yotta = (
        "{'Gpus': [{'Name': 'RTX5090', 'Manufacturer': 'Nvidia', 'Count': 1.0, "
        "'MemoryInfo': {'SizeInMiB': 32607}}], "
        "'TotalGpuMemoryInMiB': 65214}"
    )
    assert parse_gpu_info(yotta) == GpuInfo("RTX5090", "Nvidia", 1.0, 32607, 65214)


@given(
    st.text("aZ09- .()[]{}'+/\u00e4", min_size=1, max_size=40).filter(lambda name: "\\" not in repr(name)),
    st.none() | st.sampled_from(["NVIDIA", "AMD", "D'Arc", "[[[[[[[[", "}}", ""]),
    st.integers(1, 1024).map(float) | st.sampled_from([0.1, 0.125, 0.25, 0.5, 1.5]),
    st.integers(1024, 1024 * 1024),
)
def test_what_is_written_reads_back_and_skypilot_reads_it(
    name: str, vendor: str | None, count: float, memory_mib: int
) -> None:
    cell = format_gpu_info(name, vendor, count, memory_mib)

    assert parse_gpu_info(cell) == GpuInfo(name, vendor, count, memory_mib, round(memory_mib * count))
    assert ast.literal_eval(cell)["Gpus"][0]["MemoryInfo"]["SizeInMiB"] == memory_mib
    assert "\n" not in cell


@pytest.mark.parametrize(
    "cell",
    [
        "", " ", "A40", "null", "80", "[]", "{}", "{'Gpus': []}", "{'Gpus': 1}", "{'Gpus': {}}", "{'Gpus': 'H100'}",
        "{'Gpus': [[]]}", "{'Gpus': [1]}", "{'Gpus': ['H100']}", "{'Gpus': [{}]}", "{[]: 1}", "{{}: 1}", "{'Gpus'}",
        CELL.replace("81920", "'81920'"), CELL.replace("81920", "0"), CELL.replace("81920", "-1"),
        CELL.replace("81920", "81920.0"), CELL.replace("81920", "None"), CELL.replace("81920", "True"),
        CELL.replace("81920", "1j"), CELL.replace("81920", "1e400"), CELL.replace("81920", "9" * 1500),
        CELL.replace("81920", "[81920]"), CELL.replace("{'SizeInMiB': 81920}", "81920"),
        CELL.replace("655360", "0"), CELL.replace("655360", "'655360'"), CELL.replace(": 8,", ": 0,"),
        CELL.replace(": 8,", ": True,"), CELL.replace(": 8,", ": '8',"), CELL.replace(": 8,", ": 1e999,"),
        CELL.replace("'H100'", "100"), CELL.replace("'H100'", "b'H100'"), CELL.replace("'H100'", "None"),
        CELL.replace("'NVIDIA'", "1"), CELL.replace("'NVIDIA'", "['NVIDIA']"),
        CELL[:-1], CELL + "}", CELL + CELL, CELL + "\0", "\ufeff" + CELL, CELL + " if True else {}", f"({CELL}, 1)",
        f"{CELL}['Gpus']", f"dict({CELL})", f"[{CELL} for _ in [1]][0]", f"{{**{CELL}}}", f"f'{CELL[1:-1]}'",
        CELL.replace("'H100'", "'H100' + ''"), CELL.replace("'H100'", "__import__('os').name"), CELL + " # comment",
        CELL.replace("81920", "\u0668\u0661\u0669\u0662\u0660"), CELL.replace("81920", "81_920"), "\ud800",
        CELL.replace("H100", "\ud800"), CELL.replace("NVIDIA", "\x0eVIDIA"), CELL.replace("H100", "H\u2028"),
        CELL.replace("NVIDIA", "NVIDIA\u202e"), CELL.replace("H100", "H\u200b100"),
        CELL.replace("}}], ", "}}, {'Name': 'A100', 'Count': 8, 'MemoryInfo': {'SizeInMiB': 40960}}], "),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_skypilot_could_not_read_is_refused(cell: str) -> None:
    with pytest.raises(BadGpuInfo):
        parse_gpu_info(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "[" * 1900, "[" * 900 + "]" * 900, "{'a':" * 300 + "1" + "}" * 300, "(" * 1900,
        "{']'*9: " * 200 + "1" + "}" * 200, "[']'," * 300 + "]" * 300, "-" * 1900 + "1", "~" * 1900 + "1",
        "not " * 450 + "1", "+".join("1" * 900), "lambda:" * 250 + "1", "a." * 900 + "a",
        "a if b else " * 150 + "c", "0x" + "f" * 1900, "9" * 1999, "1e" + "9" * 1900, "'" * 1999, '"""' * 600,
        "f'{" * 400, "# " * 900, "\\\n" * 900, "\n" * 1900, "\0" * 1900, "x" * 10**7, "await " * 300 + "x",
        "{**" * 500, "*" * 1900, "," * 1900, ":" * 1900,
    ],
    ids=lambda cell: ascii(cell[:8]),
)  # fmt: skip
def test_deep_and_long_cells_are_refused_at_once(cell: str) -> None:
    limit = sys.getrecursionlimit()
    with within(2), pytest.raises(BadGpuInfo):
        parse_gpu_info(cell)
    assert sys.getrecursionlimit() == limit


def test_depth_is_limited_where_the_shape_is_right() -> None:
    assert parse_gpu_info(CELL[:-1] + ", 'Later': [[[1]]]}").name == "H100"
    with pytest.raises(BadGpuInfo, match="deeper"):
        parse_gpu_info(CELL[:-1] + f", 'Later': {'[' * 6}1{']' * 6}}}")


def test_length_is_limited_to_what_a_cell_needs() -> None:
    assert len(CELL) * 5 < MAX_CELL_CHARS
    assert parse_gpu_info(CELL.ljust(MAX_CELL_CHARS)) == parse_gpu_info(CELL)
    with pytest.raises(BadGpuInfo, match="longer"):
        parse_gpu_info(CELL.ljust(MAX_CELL_CHARS + 1))


@pytest.mark.parametrize(
    "cell", ["{'\\d': 1}", "{'a': 1if 1else 2}", CELL.replace("H100", "H\\d100"), "{'a': 0xfor 1}"]
)
def test_a_foreign_cell_causes_no_warning_on_stderr(cell: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(BadGpuInfo):
            parse_gpu_info(cell)
    assert caught == []


def test_brackets_inside_a_name_are_text() -> None:
    assert parse_gpu_info(CELL.replace("H100", "[" * 20)).name == "[" * 20
