"""Offering and Skipped: what they promise to everyone who reads them."""

from __future__ import annotations

import ast
import re
from dataclasses import FrozenInstanceError, fields, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpu_catalog
from gpu_catalog import MARKS, Offering, Skipped
from gpu_catalog.numbers import MAX_PRICE_USD_PER_HOUR, parse_price, parse_quantity

PACKAGE = Path(gpu_catalog.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))

H100S = Offering(
    cloud="lambda",
    instance_type="gpu_8x_h100_sxm5",
    region="us-east-1",
    vcpus=208.0,
    memory_gib=1800.0,
    price_usd_per_hour=Decimal("31.92"),
    accelerator_name="H100",
    accelerator_count=8.0,
)


def test_the_marks_are_those_that_the_manual_explains() -> None:
    assert set(MARKS) == {"derived", "hand-entered", "inferred", "minimum", "new-accelerator", "stale"}


def documented_fields(path: Path) -> dict[str, dict[str, str | None]]:
    """By class, then by field: the text of the string that follows the field in the source, or None."""
    classes: dict[str, dict[str, str | None]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            classes[node.name] = {}
            for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    classes[node.name][statement.target.id] = _text(following)
    return classes


def _text(statement: ast.stmt | None) -> str | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value if isinstance(statement.value.value, str) else None
    return None


@pytest.mark.parametrize("kind", [Offering, Skipped], ids=lambda kind: kind.__name__)
def test_every_field_is_followed_by_its_docstring(kind: type[Offering] | type[Skipped]) -> None:
    documented = documented_fields(PACKAGE / "offering.py")[kind.__name__]

    assert list(documented) == [field.name for field in fields(kind)]
    assert [name for name, text in documented.items() if not text or len(text) < 10] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_field_of_every_class_is_documented(path: Path) -> None:
    undocumented = [
        f"{kind}.{name}"
        for kind, names in documented_fields(path).items()
        for name, text in names.items()
        if not text
    ]
    assert undocumented == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None
    assert docstring.splitlines()[0].endswith(".")


def test_figures_say_their_unit() -> None:
    documented = documented_fields(PACKAGE / "offering.py")["Offering"]
    units = {
        "memory_gib": "GiB",
        "gpu_memory_mib": "MiB",
        "price_usd_per_hour": "USD",
        "spot_price_usd_per_hour": "USD",
    }

    assert {name: unit for name, unit in units.items() if unit not in (documented[name] or "")} == {}


def test_marks_are_short_names_with_a_meaning() -> None:
    assert list(MARKS) == sorted(MARKS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", mark) for mark in MARKS)
    assert all(len(meaning) > 10 for meaning in MARKS.values())


def test_offerings_are_values() -> None:
    assert replace(H100S) == H100S
    assert len({H100S, replace(H100S), replace(H100S, region="us-west-1")}) == 2
    with pytest.raises(FrozenInstanceError):
        H100S.region = "us-west-1"  # type: ignore[misc]


def test_the_key_is_type_region_and_zone() -> None:
    assert H100S.key == ("gpu_8x_h100_sxm5", "us-east-1", None)
    assert replace(H100S, zone="a", price_usd_per_hour=Decimal(1)).key == ("gpu_8x_h100_sxm5", "us-east-1", "a")


def test_the_price_per_gpu() -> None:
    assert H100S.price_usd_per_gpu_hour == Decimal("3.99")
    assert replace(H100S, accelerator_count=0.5).price_usd_per_gpu_hour == Decimal("63.84")
    assert replace(H100S, accelerator_count=3.0).price_usd_per_gpu_hour == Decimal("10.64")
    assert replace(H100S, price_usd_per_hour=Decimal(1), accelerator_count=3.0).price_usd_per_gpu_hour == Decimal(
        "0.333333"
    )
    assert replace(H100S, accelerator_name=None, accelerator_count=None).price_usd_per_gpu_hour is None


@given(
    st.integers(1, int(MAX_PRICE_USD_PER_HOUR) * 10**6).map(lambda micros: parse_price(Decimal(micros).scaleb(-6))),
    st.floats(1e-6, 10**7).map(lambda count: parse_quantity(count, "n")),
)
def test_every_price_and_count_that_parses_gives_a_price_per_gpu(price: Decimal, count: float) -> None:
    per_gpu = replace(H100S, price_usd_per_hour=price, accelerator_count=count).price_usd_per_gpu_hour

    assert per_gpu is not None
    assert float(per_gpu) == pytest.approx(float(price) / count, rel=1e-9, abs=1e-6)
