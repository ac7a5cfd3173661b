"""The accelerator table: the lookups, the reader, and the bundled data itself."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from gpu_catalog import Accelerator, BadCatalogFile, accelerator_table
from gpu_catalog.accelerators import GENERAL_BAND_USD_PER_GPU_HOUR, TABLE_FILE, read_accelerator_table
from gpu_catalog.lambda_cloud import parse_instance_type

CLOUDS = {"yotta", "lambda", "runpod"}
TABLE = accelerator_table()
ROWS = list(TABLE)
ALIASES = [(accelerator, cloud, text) for accelerator in ROWS for cloud, text in accelerator.aliases]
RECORDED = resources.files("fetchers") / "recorded"
SKYPILOT_RUNPOD_NAMES = {
    "A100-80GB",
    "A100-80GB-SXM",
    "A30",
    "A40",
    "B200",
    "H100",
    "H100-NVL",
    "H100-SXM",
    "H200-SXM",
    "L4",
    "L40",
    "L40S",
    "MI300X",
    "RTX2000-Ada",
    "RTX3070",
    "RTX3080",
    "RTX3080Ti",
    "RTX3090",
    "RTX3090Ti",
    "RTX4000-Ada",
    "RTX4000-Ada-SFF",
    "RTX4070Ti",
    "RTX4080",
    "RTX4080SUPER",
    "RTX4090",
    "RTX5000-Ada",
    "RTX5080",
    "RTX5090",
    "RTX6000-Ada",
    "RTXA2000",
    "RTXA4000",
    "RTXA4500",
    "RTXA5000",
    "RTXA6000",
    "V100-16GB-FHHL",
    "V100-16GB-PCIe",
    "V100-16GB-SXM2",
    "V100-32GB-SXM2",
    "RTXPRO4500",
    "RTXPRO6000",
    "RTXPRO6000-WK",
}
"""`GPU_NAME_MAP` of SkyPilot 0.14.1, `sky/provision/runpod/utils.py`."""


def recorded(name: str) -> Any:
    """One recorded answer, prices as Decimal."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"), parse_float=Decimal)


def bundled(column: str) -> list[str]:
    """A column of the table as it stands in the file."""
    with TABLE_FILE.open(encoding="utf-8", newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def known(cloud: str, text: str) -> Accelerator:
    accelerator = TABLE.known_to(cloud, text)
    assert accelerator is not None, f"{cloud} calls it {text!r}, and the table does not know it"
    return accelerator


# The lookups


def test_case_never_matters() -> None:
    h100 = TABLE.named("H100")

    assert h100 is not None
    assert TABLE.named("h100") is h100
    assert TABLE.known_to("runpod", "nvidia h100 pcie") is h100
    assert TABLE.named("H100 ") is None


def test_an_alias_belongs_to_its_cloud() -> None:
    assert known("lambda", "H100 80GB").name == "H100"
    assert TABLE.known_to("runpod", "H100 80GB") is None
    assert TABLE.known_to("", "H100 80GB") is None


def test_memory_is_what_the_cloud_states() -> None:
    b300 = known("yotta", "NVIDIA_B300_262G")

    assert (b300.memory_gib_on("yotta"), b300.memory_gib_on("runpod"), b300.memory_gib_on("new")) == (262, 288, 288)


def test_an_unknown_name_has_the_general_band() -> None:
    assert TABLE.price_band("NO-SUCH-CARD") == GENERAL_BAND_USD_PER_GPU_HOUR
    low, high = TABLE.price_band("h100")
    assert GENERAL_BAND_USD_PER_GPU_HOUR[0] <= low < high <= GENERAL_BAND_USD_PER_GPU_HOUR[1]


# The reader

HEADER = TABLE_FILE.read_text(encoding="utf-8").splitlines()[0]
ROW = "X1,NVIDIA,80,0.5,9.5,,,yotta:78,yotta:X1_80G;lambda:x1,,test"


@pytest.mark.parametrize(
    "text",
    [
        "name\nX1\n",
        f"{HEADER}\n{ROW.replace(',80,', ',eighty,')}\n",
        f"{HEADER}\n{ROW.replace(',0.5,', ',cheap,')}\n",
        f"{HEADER}\n{ROW.replace('yotta:78', 'yotta')}\n",
        f"{HEADER}\nX1,NVIDIA\n",
        f"{HEADER}\n{ROW.replace('NVIDIA', chr(0xD800))}\n",
        f"{HEADER}\n{ROW.replace('NVIDIA', 'x' * 200_000)}\n",
    ],
    ids=["columns", "memory", "band", "override", "short", "not UTF-8", "long"],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(errors="surrogatepass"))

    with pytest.raises(BadCatalogFile, match=r"table\.csv, line \d"):
        read_accelerator_table(path)


def test_a_table_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{HEADER}\n{ROW}\n", encoding="utf-8")

    (row,) = read_accelerator_table(path)

    assert row == Accelerator(
        name="X1",
        vendor="NVIDIA",
        memory_gib=80.0,
        usd_per_gpu_hour_min=Decimal("0.5"),
        usd_per_gpu_hour_max=Decimal("9.5"),
        synonym_of=None,
        runpod_launch_name=None,
        memory_overrides={"yotta": 78.0},
        aliases=(("yotta", "X1_80G"), ("lambda", "x1")),
        source="test",
    )


# The bundled data


def test_names_are_sorted_and_unique() -> None:
    names = bundled("name")

    assert names == sorted(names, key=str.casefold)
    assert len({name.casefold() for name in names}) == len(names) == len(ROWS)


def test_aliases_are_unique_within_their_cloud() -> None:
    keys = [(cloud, text.casefold()) for _, cloud, text in ALIASES]

    assert sorted(keys) == sorted(set(keys))
    assert {cloud for cloud, _ in keys} == CLOUDS
    assert all(text == text.strip() != "" for _, text in keys)


def test_an_alias_that_is_a_name_is_that_of_the_same_card() -> None:
    for accelerator, cloud, text in ALIASES:
        named = TABLE.named(text)
        if named is not None:
            same = {accelerator.name, accelerator.synonym_of, named.synonym_of} - {None}
            assert named.memory_gib == accelerator.memory_gib or named.name in same, (cloud, text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_is_sound(row: Accelerator) -> None:
    assert re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9-]*", row.name)
    assert row.name.casefold() not in {"na", "nan", "null", "none", "nvidia", "amd", "gpu"}
    assert row.vendor.isalnum()
    assert row.source.strip()
    assert 1 <= row.memory_gib <= 512
    low, high = row.usd_per_gpu_hour_min, row.usd_per_gpu_hour_max
    assert 0 < low < high <= 100
    assert high / low >= 4  # a narrower band would refuse market moves
    assert max(-low.as_tuple().exponent, -high.as_tuple().exponent) <= 6  # type: ignore[operator]
    assert set(row.memory_overrides) <= CLOUDS
    assert all(abs(gib / row.memory_gib - 1) <= 0.1 for gib in row.memory_overrides.values())


@pytest.mark.parametrize("row", [row for row in ROWS if row.synonym_of], ids=lambda row: row.name)
def test_a_synonym_points_to_a_row_that_is_none_itself_and_agrees_with_it(row: Accelerator) -> None:
    target = TABLE.named(row.synonym_of or "")

    assert target is not None
    assert target.name == row.synonym_of
    assert target is not row
    assert target.memory_gib == row.memory_gib
    assert target.vendor == row.vendor


def test_runpod_launch_names_are_unique_and_known_to_the_launcher() -> None:
    names = [row.runpod_launch_name for row in ROWS if row.runpod_launch_name]

    assert sorted(names) == sorted(set(names))
    assert set(names) == SKYPILOT_RUNPOD_NAMES


def test_every_row_that_runpod_launches_is_known_to_it_by_an_id() -> None:
    for row in ROWS:
        if row.runpod_launch_name:
            assert any(cloud == "runpod" for cloud, _ in row.aliases), row.name


@pytest.mark.parametrize(
    ("name", "usd_per_gpu_hour"),
    [
        ("B200", "6.79"), ("B300", "7.89"), ("H200-SXM", "4.59"), ("H100", "2.89"), ("H100-SXM", "3.29"),
        ("H100-SXM", "3.99"), ("A100-80GB", "1.39"), ("A100-80GB-SXM", "1.79"), ("MI300X", "2.39"),
        ("L40S", "0.99"), ("RTX4090", "0.74"), ("RTX4090", "0.38"), ("RTX2000-Ada", "0.24"),
        ("RTXPRO6000", "2.09"), ("RTX5090", "0.99"), ("RTX5090", "0.65"), ("H100", "3.99"), ("H100", "4.29"),
        ("A100", "1.99"), ("A100-80GB", "2.79"), ("B200", "6.99"), ("GH200", "2.29"), ("V100", "0.79"),
        ("RTX6000", "0.69"), ("A10", "1.29"), ("A6000", "1.09"), ("H100", "2.56"), ("A100-80GB", "1.48"),
    ],
)  # fmt: skip
def test_bands_hold_public_prices_and_catch_errors_of_unit(name: str, usd_per_gpu_hour: str) -> None:
    price = Decimal(usd_per_gpu_hour)
    low, high = TABLE.price_band(name)

    assert low <= price <= high
    assert not low <= price * 100 <= high, "cents taken for dollars"
    assert not low <= price / 100 <= high, "dollars taken for cents"
    assert not low <= price / 3600 <= high, "a price per second"


# The recorded answers: what the clouds list we know, at the memory that they state and a plausible price


def lambda_types() -> list[tuple[str, str, int, Decimal]]:
    """(name, model with memory, GiB, USD per GPU-hour) of Lambda's GPU types."""
    types = []
    for entry in recorded("lambda/instance_types.json")["data"].values():
        details = entry["instance_type"]
        gpus = details["specs"]["gpus"]
        if gpus:
            match = re.match(r"(.+) \((\d+) GB", details["gpu_description"])
            assert match is not None, details
            price = Decimal(details["price_cents_per_hour"]) / 100 / gpus
            types.append((details["name"], f"{match[1]} {match[2]}GB", int(match[2]), price))
    return types


@pytest.mark.parametrize(("name", "model", "gib", "price"), lambda_types())
def test_every_lambda_type_resolves_by_description_and_by_name(
    name: str, model: str, gib: int, price: Decimal
) -> None:
    accelerator = known("lambda", model)
    parsed = parse_instance_type(name)
    part = name.partition("x_")[2]

    assert known("lambda", part) is accelerator
    assert parsed.gpu_memory_gb in (None, gib)
    assert accelerator.memory_gib_on("lambda") == pytest.approx(gib, rel=0.07)
    assert accelerator.usd_per_gpu_hour_min <= price <= accelerator.usd_per_gpu_hour_max


@pytest.mark.parametrize(
    "gpu", [gpu for gpu in recorded("runpod/catalog_gpus.json")["gpus"] if gpu["secure"]], ids=lambda gpu: gpu["id"]
)
def test_every_secure_runpod_gpu_resolves_by_id_and_by_name(gpu: dict[str, Any]) -> None:
    accelerator = known("runpod", gpu["id"])

    assert known("runpod", gpu["name"]) is accelerator
    assert accelerator.vendor.casefold() == gpu["manufacturer"].casefold()
    assert accelerator.memory_gib_on("runpod") == pytest.approx(gpu["memory"], rel=0.07)
    assert accelerator.usd_per_gpu_hour_min <= gpu["price"]["secure"] <= accelerator.usd_per_gpu_hour_max


@pytest.mark.parametrize(
    "gpu",
    [
        gpu
        for gpu in recorded("runpod/graphql.json")["data"]["gpuTypes"]
        if gpu["secureCloud"] or gpu["communityCloud"]
    ],
    ids=lambda gpu: gpu["id"],
)
def test_every_offered_runpod_gpu_of_the_graphql_answer_resolves(gpu: dict[str, Any]) -> None:
    assert known("runpod", gpu["id"]).memory_gib_on("runpod") == pytest.approx(gpu["memoryInGb"], rel=0.07)


@pytest.mark.parametrize("code", [entry["gpuType"] for entry in recorded("yotta/vms_types.json")["data"]])
def test_every_yotta_code_resolves_and_states_the_memory(code: str) -> None:
    stated = re.search(r"_(\d+)G$", code)

    assert stated is not None
    assert known("yotta", code).memory_gib_on("yotta") == pytest.approx(int(stated[1]), rel=0.07)


def test_every_yotta_alias_states_about_the_memory_of_its_row() -> None:
    stated = [
        (accelerator, match)
        for accelerator, cloud, text in ALIASES
        if cloud == "yotta" and (match := re.search(r"_(\d+)G$", text))
    ]
    assert len(stated) > 10
    for accelerator, match in stated:
        # B200 and B300 have two codes each: 180 and 192, 262 and 288.
        assert accelerator.memory_gib_on("yotta") == pytest.approx(int(match[1]), rel=0.1), match.string
