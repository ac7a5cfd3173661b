"""A user's own prices: what wins, what they make of a line, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog.errors import BadSettings
from gpu_catalog.own_prices import read_own_prices
from gpu_catalog.prices import CloudPrices, PriceLine, Site, Source
from gpu_catalog.skypilot_csv import SkyPilotRows
from tests.gpu_catalog.hostile import outcome

LINE = PriceLine(
    instance_type="p5.48xlarge", gpu="H100", gpu_count=8.0, on_demand=Decimal(80), spot=Decimal(20),
    sites=(Site(1, False, "us-east-1", ""),),
)  # fmt: skip
CPU = replace(LINE, instance_type="m7i.large", gpu=None, gpu_count=None)
SPOT_ONLY, NO_SPOT = replace(LINE, on_demand=None), replace(LINE, spot=None)
EVERYTHING = """
[aws]
discount_percent = 12
spot_discount_percent = 0.5

[aws.accelerators.H100]
price_usd_per_gpu_hour = 2.5
spot_price_usd_per_gpu_hour = 1.25

[aws.instance_types."P5.48xlarge"]
price_usd_per_hour = 25.0
spot_price_usd_per_hour = 11
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "overrides.toml"


def applied(path: Path, text: str, line: PriceLine = LINE, cloud: str = "aws") -> PriceLine:
    path.write_text(text, encoding="utf-8")
    return read_own_prices(path).of(cloud)(line)


@pytest.mark.parametrize(
    ("text", "line", "on_demand", "spot", "said"),
    [
        ("[aws]\ndiscount_percent = 12", LINE, "70.4", "20", "12 % off for aws"),
        ("[aws]\ndiscount_percent = 12.5", LINE, "70", "20", "12.5 % off for aws"),
        ("[aws]\nspot_discount_percent = 50", LINE, "80", "10", "spot 50 % off for aws"),
        ("[EC2]\ndiscount_percent = 10\nspot_discount_percent = 0", LINE, "72", "20", "10 % off for aws"),
        ("[aws]\ndiscount_percent = 10", SPOT_ONLY, None, "20", None),
        ("[aws]\nspot_discount_percent = 10", NO_SPOT, "80", None, None),
        ("[aws]\ndiscount_percent = 0", LINE, "80", "20", None),
        ("[aws]", LINE, "80", "20", None),
        ("[aws.accelerators.H100]\nprice_usd_per_gpu_hour = 2.5", LINE, "20", "20", "own price for H100 on aws"),
        ("[aws.accelerators.h-100]\nspot_price_usd_per_gpu_hour = 1", NO_SPOT, "80", "8",
         "own price for h-100 on aws"),
        ("[aws.accelerators.H100]\ndiscount_percent = 50", LINE, "40", "20", "50 % off for H100 on aws"),
        ("[aws.accelerators.A100]\nprice_usd_per_gpu_hour = 2.5", LINE, "80", "20", None),
        ("[aws.accelerators.H100]\nprice_usd_per_gpu_hour = 2.5", CPU, "80", "20", None),
        ("[aws.accelerators.'-']\nprice_usd_per_gpu_hour = 2.5", CPU, "80", "20", None),
        ("[aws.instance_types.'P5.48XLARGE']\nprice_usd_per_hour = 25.0", LINE, "25", "20",
         "own price for P5.48XLARGE on aws"),
        ("[aws.instance_types.'m7i.large']\nprice_usd_per_hour = 1", CPU, "1", "20",
         "own price for m7i.large on aws"),
        ("[aws.instance_types.'p5.48xlarge']\nprice_usd_per_hour = 80", LINE, "80", "20", None),
        ("[gcp]\ndiscount_percent = 12", LINE, "80", "20", None),
    ],
)  # fmt: skip
def test_what_a_rule_makes_of_a_line(
    path: Path, text: str, line: PriceLine, on_demand: str | None, spot: str | None, said: str | None
) -> None:
    expected = [price if price is None else Decimal(price) for price in (on_demand, spot)]
    assert applied(path, text, line) == replace(line, on_demand=expected[0], spot=expected[1], own_price=said)


@pytest.mark.parametrize(
    ("line", "prices"),
    [(LINE, ("25", "11")), (replace(LINE, instance_type="other"), ("20", "10")), (CPU, ("70.4", "19.9"))],
    ids=["instance type", "accelerator", "cloud"],
)
def test_what_names_an_instance_type_wins_then_an_accelerator_then_the_cloud(
    path: Path, line: PriceLine, prices: tuple[str, str]
) -> None:
    found = applied(path, EVERYTHING, line)
    assert (found.on_demand, found.spot) == tuple(map(Decimal, prices))


def test_a_price_per_gpu_counts_fractions_of_one(path: Path) -> None:
    text = "[aws.accelerators.L4]\nprice_usd_per_gpu_hour = 0.8"
    assert applied(path, text, replace(LINE, gpu="L4", gpu_count=0.125)).on_demand == Decimal("0.1")


def test_a_discount_says_nothing_of_itself_where_an_own_price_stands(path: Path) -> None:
    text = "[aws.accelerators.H100]\nprice_usd_per_gpu_hour = 2\ndiscount_percent = 10"
    found = outcome(applied, path, text, refusal=BadSettings)
    assert found is None or (found.on_demand, found.own_price) == (16, "own price for H100 on aws")


def test_all_lines_of_a_cloud_are_at_own_prices(path: Path) -> None:
    path.write_text(EVERYTHING)
    header = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region"
    rows = SkyPilotRows(f"{header}\np5.48xlarge,H100,8,192,2048,,80,20,r\np5.4xlarge,H100,1,16,256,,10,,r\n", "aws")
    cloud = CloudPrices("aws", Source("test"), rows, read_own_prices(path).of("aws"))

    assert [(line.on_demand, line.spot) for line in cloud.with_gpu("h100")] == [
        (25, 11),
        (Decimal("2.5"), Decimal("1.25")),
    ]
    assert list(cloud.all_with_gpu()) == cloud.with_gpu("h100")
    assert [line.on_demand for line in cloud.of_type("P5.4xlarge")] == [Decimal("2.5")]


def test_without_a_file_there_are_no_own_prices(tmp_path: Path) -> None:
    assert read_own_prices(tmp_path / "overrides.toml").of("aws")(LINE) is LINE


@pytest.mark.parametrize("percent", ["100", "-1", "100.0", "1e9", "inf", "-inf", "nan", "-nan", '"12"', "true",
                                     "[12]",
                                     "2026-01-01", "0x" + "f" * 4000])  # fmt: skip
def test_what_is_no_discount_is_refused(path: Path, percent: str) -> None:
    for key in ("discount_percent", "spot_discount_percent"):
        with pytest.raises(BadSettings, match="aws: a discount is"):
            applied(path, f"[aws]\n{key} = {percent}")


@pytest.mark.parametrize("price", ["0", "-1", "inf", "nan", "true", '"$2"', "1000001", "0.1234567", "[2]", "{}"])
def test_what_is_no_price_is_refused(path: Path, price: str) -> None:
    for key in ("price_usd_per_gpu_hour", "spot_price_usd_per_gpu_hour"):
        with pytest.raises(BadSettings, match=rf"overrides\.toml: H100 on aws: {key}: price"):
            applied(path, f"[ec2.accelerators.H100]\n{key} = {price}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aws = 12", "aws is not below a cloud"), ("[[aws]]\ndiscount_percent = 1", "aws is not below a cloud"),
        ("[aws]\naccelerators = 3", "aws.accelerators is not a section"),
        ("[aws.accelerators]\nH100 = 3", "H100 on aws is"),
        ("[aws]\ndiscount = 12", "unknown key 'discount'"), ("[aws]\nprice_usd_per_hour = 1", "unknown key"),
        ("[aws.accelerators.H100]\nprice_usd_per_hour = 1", "unknown key 'price_usd_per_hour'; there are"),
        ("[aws.instance_types.x]\nprice_usd_per_gpu_hour = 1", "unknown key 'price_usd_per_gpu_hour'; there are"),
        ("[aws.accelerator.H100]\nprice_usd_per_gpu_hour = 1", "unknown key 'accelerator'"),
        ("[aws]\n'' = 1", "unknown key ''"), ("[aws\n", "cannot be read"), ("[aws]\n[aws]\n", "cannot be read"),
        ("[aws]\nx = " + "[" * 100_000, "cannot be read"), ('[aws.accelerators."a\\nb"]\nx = 1', "unknown key 'x'"),
        ("[aws]\ndiscount_percent = 1e999999999999999999999", "cannot be read"),
        ("[aws]\ndiscount_percent = 1\n[EC2]\ndiscount_percent = 2", "aws"),
        ("[aws.accelerators.H100]\ndiscount_percent = 1\n[aws.accelerators.h-100]\ndiscount_percent = 2", "on aws"),
    ],
    ids=lambda value: value[:60],
)  # fmt: skip
def test_what_is_no_rule_is_refused_on_one_line_that_names_the_file(path: Path, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message) as caught:
        applied(path, text)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"[aws]\n# \xe4\n")
    for path in (tmp_path, tmp_path / "latin"):
        with pytest.raises(BadSettings, match="cannot be read"):
            read_own_prices(path)


PERCENTS = st.decimals(0, "99.9999", places=4)
PRICES = st.decimals("0.000001", 1_000_000, places=6)


@given(PRICES, PERCENTS, PERCENTS)
def test_a_discounted_price_is_above_zero_and_within_a_millionth(
    path: Path, listed: Decimal, percent: Decimal, spot_percent: Decimal
) -> None:
    text = f"[aws]\ndiscount_percent = {percent}\nspot_discount_percent = {spot_percent}"
    found = applied(path, text, replace(LINE, on_demand=listed, spot=listed))

    for price, off in ((found.on_demand, percent), (found.spot, spot_percent)):
        assert price is not None
        assert 0 < price <= listed
        assert abs(price - listed * (1 - off / 100)) <= Decimal("0.000001")
    assert found.spot_saving_percent is not None
    assert (found.own_price is None) == ((found.on_demand, found.spot) == (listed, listed))
