"""What `gpu-catalog list` and `why` find, asked without a terminal."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gpu_catalog import Catalog
from gpu_catalog.errors import NotOffered
from gpu_catalog.listing import accelerator_named, list_lines, suggestion, why
from tests.gpu_catalog.trees import info, tree
from tests.samples import CATALOGS


@pytest.fixture(scope="module")
def samples() -> Catalog:
    return Catalog.load(CATALOGS)


@pytest.fixture(scope="module")
def with_spot(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Four types, named by their order in price; two have a spot price."""
    rows = [
        ("third", "L4", "1", "4", "16", info("L4", 23040), "0.80", "0.30", "r", "r-a"),
        ("first", "T4", "1", "4", "16", info("T4", 16384), "0.50", "", "r", "r-a"),
        ("fourth", "H100", "8", "96", "1152", info("H100", 81920, "8"), "80.0", "0.20", "s", "s-a"),
        ("second", "A10", "2", "8", "32", info("A10", 24576, "2"), "1.20", "", "s", "s-a"),
    ]
    return Catalog.load(tree(tmp_path_factory.mktemp("spot"), {"somecloud": rows}))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("H100", "H100"), ("h100", "H100"), (" h_100 ", "H100"), ("rtx 4090", "RTX4090"), ("RTX-4090", "RTX4090"),
        ("rtx2000ada", "RTX2000-Ada"), ("H100 SXM", "H100-SXM"), ("A100_80GB", "A100-80GB"),
        ("a10080gb", "A100-80GB"),
    ],
)  # fmt: skip
def test_a_name_may_be_spelled_as_one_likes(text: str, name: str, samples: Catalog) -> None:
    assert accelerator_named(samples, text) == name


def test_a_name_of_the_same_card_is_taken_where_the_catalog_has_only_that(tmp_path: Path) -> None:
    rows = [("t", "RTXA6000", "1", "8", "64", info("RTXA6000", 49152), "1", "", "r", "z")]
    assert accelerator_named(Catalog.load(tree(tmp_path, {"somecloud": rows})), "A6000") == "RTXA6000"


def test_an_unknown_name_is_told_its_neighbours(samples: Catalog) -> None:
    with pytest.raises(
        NotOffered, match="no accelerator 'H10' in the catalog; did you mean H100, H100-NVL, H100-SXM"
    ):
        accelerator_named(samples, "H10")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("a1", "; did you mean A10, A100, BA1, MI-A1?"),
        ("A10", "; did you mean A100, BA1?"),
        ("H20O", "; did you mean H200?"),
        ("zzz", "; look around"),
        ("", "; look around"),
    ],
)
def test_what_begins_so_comes_first_and_what_is_short(wanted: str, said: str) -> None:
    assert suggestion(wanted, ["MI-A1", "A100", "BA1", "A10", "H200"], "look around") == said


def test_at_most_six_names_are_suggested() -> None:
    said = suggestion("x", [f"x{number}" for number in range(9)])
    assert said == "; did you mean x0, x1, x2, x3, x4, x5?"


def test_without_a_gpu_each_accelerator_of_a_cloud_is_there_at_its_least_price_per_gpu(samples: Catalog) -> None:
    lines = list_lines(samples)
    found = [(line.offering.cloud, line.offering.accelerator_name) for line in lines]
    assert len(found) == len(set(found))
    (a100,) = (line for line in lines if found[lines.index(line)] == ("lambda", "A100"))
    assert a100.offering.price_usd_per_gpu_hour == Decimal("1.99")
    per_gpu = [line.offering.price_usd_per_gpu_hour or Decimal(0) for line in lines]
    assert per_gpu == sorted(per_gpu)


def test_a_gpu_is_listed_by_instance_type_or_by_region(samples: Catalog) -> None:
    lines = list_lines(samples, "a100", clouds=["LAMBDA"])
    types = {"gpu_1x_a100", "gpu_1x_a100_sxm4", "gpu_2x_a100", "gpu_4x_a100", "gpu_8x_a100"}
    assert {line.offering.instance_type for line in lines} == types
    assert {len(line.regions) for line in lines} == {17}
    everywhere = list_lines(samples, "a100", clouds=["lambda"], all_regions=True)
    assert len(everywhere) == 17 * len(types)
    assert all(line.regions == (line.offering.region,) for line in everywhere)


def test_a_region_a_count_and_a_cloud_narrow_the_list(samples: Catalog) -> None:
    lines = list_lines(samples, "H100", region="US-east-1")
    assert {(line.offering.cloud, line.regions) for line in lines} == {("lambda", ("us-east-1",))}
    assert {line.offering.accelerator_count for line in list_lines(samples, "A100", count=8)} == {8}
    assert list_lines(samples, "A100", count=3) == []
    assert {line.offering.cloud for line in list_lines(samples, clouds=["yotta"])} == {"yotta"}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"clouds": ["cumulus"]}, "no cloud 'cumulus' in the catalog; there are lambda, runpod, yotta"),
        ({"region": "us-est-1"}, "no region 'us-est-1' in these clouds; did you mean"),
        ({"region": "AU", "clouds": ["lambda"]}, "no region 'AU' in these clouds"),
    ],
)
def test_a_place_that_is_not_there_is_refused(question: dict[str, object], said: str, samples: Catalog) -> None:
    with pytest.raises(NotOffered, match=said):
        list_lines(samples, **question)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["first", "second", "third", "fourth"]),
        ({"sort": "spot"}, ["fourth", "third", "first", "second"]),
        ({"sort": "gpu-memory"}, ["fourth", "second", "third", "first"]),
        ({"spot_only": True}, ["third", "fourth"]),
        ({"count": 2}, ["second"]),
        ({"region": "S", "all_regions": True}, ["second", "fourth"]),
    ],
    ids=str,
)
def test_orders_and_filters(options: dict[str, object], names: list[str], with_spot: Catalog) -> None:
    lines = list_lines(with_spot, **options)  # type: ignore[arg-type]
    assert [line.offering.instance_type for line in lines] == names


@pytest.mark.parametrize(
    ("name", "lines", "rules"),
    [
        ("gpu_1x_a10", 1, []), ("GPU 1x A10", 1, []), ("1x_RTX5090_SECURE", 3, []),
        ("NVIDIA A30", 0, ["not-offered"]), ("a30", 0, ["not-offered"]), ("A100_80GB", 9, []), ("a10080gb", 9, []),
    ],
)  # fmt: skip
def test_why_finds_rows_and_what_became_none(name: str, lines: int, rules: list[str], samples: Catalog) -> None:
    found = why(samples, name)
    assert ([entry.rule for entry in found.skipped], found.nearest) == (rules, None)
    assert len(found.offerings) == lines


def test_why_tells_the_nearest_names_of_what_it_does_not_know(samples: Catalog) -> None:
    found = why(samples, "gpu_1x_a11")
    assert (found.offerings, found.skipped) == ((), ())
    assert found.nearest is not None
    assert found.nearest.startswith("did you mean gpu_1x_a10")
    assert "NVIDIA A30" in (why(samples, "NVIDIA A31").nearest or "")
