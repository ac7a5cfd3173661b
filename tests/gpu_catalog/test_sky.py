"""SkyPilot's functions on our catalogs. That SkyPilot answers the same is `python -m tests.contract`."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpu_catalog import Catalog, NotOffered, Offering, sky
from gpu_catalog.offers import grouped
from gpu_catalog.snapshot import CloudOffers, Snapshot


def offering(instance_type: str, region: str, price: str, **facts: Any) -> Offering:
    known: dict[str, Any] = {
        "cloud": "fluffy", "vcpus": 8.0, "memory_gib": 32.0, "accelerator_name": "L4", "accelerator_count": 1.0,
        "accelerator_vendor": "NVIDIA", "gpu_memory_mib": 24576,
    }  # fmt: skip
    return Offering(
        instance_type=instance_type, region=region, price_usd_per_hour=Decimal(price), **(known | facts)
    )


def catalog_of(*offerings: Offering) -> Catalog:
    clouds = {name: CloudOffers(name, grouped([o for o in offerings if o.cloud == name]))
              for name in dict.fromkeys(o.cloud for o in offerings)}  # fmt: skip
    return Catalog(Path(), Snapshot(clouds, None, None))


ZONED = catalog_of(
    offering("small", "US", "1", zone="us-a", spot_price_usd_per_hour=Decimal("0.4")),
    offering("small", "US", "1", zone="us-b", spot_price_usd_per_hour=Decimal("0.4")),
    offering("small", "de", "0.9", zone="de-a"),
    offering("big", "US", "3.5", zone="us-a", accelerator_count=4.0, vcpus=32.0, memory_gib=256.0),
    offering("part", "US", "0.3", zone="us-a", accelerator_count=0.5),
    offering("cpu", "US", "0.1", zone="us-a", accelerator_name=None, accelerator_count=None, gpu_memory_mib=None),
)


def test_types_and_sizes() -> None:
    assert sky.instance_type_exists("small", "fluffy", ZONED) is True
    assert sky.instance_type_exists("SMALL", "fluffy", ZONED) is False
    assert sky.instance_type_exists("small", None, ZONED) == [True]
    assert sky.get_vcpus_mem_from_instance_type("big", "fluffy", ZONED) == (32.0, 256.0)
    assert sky.get_accelerators_from_instance_type("big", "fluffy", ZONED) == {"L4": 4}
    assert sky.get_accelerators_from_instance_type("part", "fluffy", ZONED) == {"L4": 0.5}
    assert sky.get_accelerators_from_instance_type("cpu", "fluffy", ZONED) is None


@pytest.mark.parametrize(
    ("spot", "region", "zone", "price"),
    [(False, None, None, 0.9), (False, "us", None, 1.0), (False, "us", "us-b", 1.0), (True, None, None, 0.4),
     (False, None, "de-a", 0.9)],
)  # fmt: skip
def test_hourly_cost(spot: bool, region: str | None, zone: str | None, price: float) -> None:
    assert sky.get_hourly_cost("small", spot, region, zone, "fluffy", ZONED) == price


@pytest.mark.parametrize(
    ("spot", "region", "zone"),
    [(True, "de", None), (False, "fr", None), (False, "de", "us-a"), (False, None, "US-A")],
)
def test_no_hourly_cost(spot: bool, region: str | None, zone: str | None) -> None:
    with pytest.raises(ValueError, match=r"not found in|No SpotPrice"):
        sky.get_hourly_cost("small", spot, region, zone, "fluffy", ZONED)


def test_sites() -> None:
    assert sky.validate_region_zone("us", "us-a", "fluffy", ZONED) == ("US", "us-a")
    assert sky.validate_region_zone(None, "de-a", "fluffy", ZONED) == ("de", "de-a")
    assert sky.validate_region_zone(None, None, "fluffy", ZONED) == (None, None)
    with pytest.raises(NotOffered, match="Invalid zone 'de-a' for region 'US'"):
        sky.validate_region_zone("US", "de-a", "fluffy", ZONED)
    with pytest.raises(NotOffered, match="Invalid region 'uss'; did you mean us"):
        sky.validate_region_zone("uss", None, "fluffy", ZONED)


def test_regions_come_cheapest_first_with_their_zones() -> None:
    regions = sky.get_region_zones_for_instance_type("small", False, "fluffy", ZONED)
    assert regions == [
        sky.Region("de", (sky.Zone("de-a"),)),
        sky.Region("US", (sky.Zone("us-a"), sky.Zone("us-b"))),
    ]
    spot = sky.get_region_zones_for_instance_type("small", True, "fluffy", ZONED)
    assert spot == [sky.Region("US", (sky.Zone("us-a"), sky.Zone("us-b")))]
    assert sky.get_region_zones_for_instance_type("none", False, "fluffy", ZONED) == []


def test_lambda_tries_the_us_first_and_has_a_default_size() -> None:
    rows = [offering("t", region, "1", cloud="lambda") for region in ("asia-1", "us-1")]
    rows += [offering("wide", "asia-1", "2", cloud="lambda", vcpus=30.0, memory_gib=200.0)]
    catalog = catalog_of(*rows)

    regions = sky.get_region_zones_for_instance_type("t", False, "lambda", catalog)
    assert regions == [sky.Region("us-1"), sky.Region("asia-1")]
    assert sky.get_default_instance_type(clouds="lambda", catalog=catalog) == "wide"
    assert sky.get_default_instance_type(cpus="8", clouds="lambda", catalog=catalog) == "t"
    with pytest.raises(NotOffered, match="Lambda does not support zones"):
        sky.get_default_instance_type(zone="z", clouds="lambda", catalog=catalog)


def test_the_default_of_yotta_ignores_the_region() -> None:
    catalog = catalog_of(offering("t", "us-1", "1", cloud="yotta"))
    assert sky.get_default_instance_type(region="nowhere", clouds="yotta", catalog=catalog) == "t"
    other = catalog_of(offering("t", "us-1", "1"))
    assert sky.get_default_instance_type(region="nowhere", clouds="fluffy", catalog=other) is None


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"acc_name": "l4", "acc_count": 1}, (["small"], [])),
        ({"acc_name": "L4", "acc_count": 1.005}, (["small"], [])),
        ({"acc_name": "L.", "acc_count": 4}, (["big"], [])),
        ({"acc_name": "L4", "acc_count": 2}, (None, ["L4:4"])),
        ({"acc_name": "L", "acc_count": 0.5}, (None, ["L4:0.50", "L4:1", "L4:4"])),
        ({"acc_name": "L4", "acc_count": 1, "region": "fr"}, (None, [])),
        ({"acc_name": "L4", "acc_count": 1, "zone": "US-B"}, (["small"], [])),
        ({"acc_name": "L4", "acc_count": 4, "use_spot": True}, ([], [])),
        ({"acc_name": "L4", "acc_count": 4, "cpus": "4"}, ([], [])),
        ({"acc_name": "L4", "acc_count": 4, "cpus": "4+", "memory": "8x"}, (["big"], [])),
        ({"acc_name": "L4", "acc_count": 4, "memory": "9x"}, ([], [])),
        ({"acc_name": "L4", "acc_count": 1, "max_hourly_cost": 0.5}, ([], [])),
        ({"acc_name": "L4", "acc_count": 1, "max_hourly_cost": 0.5, "use_spot": True}, (["small"], [])),
    ],
)
def test_types_for_an_accelerator(asked: dict[str, Any], answer: object) -> None:
    assert sky.get_instance_type_for_accelerator(**asked, clouds="fluffy", catalog=ZONED) == answer


@pytest.mark.parametrize("asked", [{"cpus": "x"}, {"memory": "4y"}, {"cpus": ""}, {"acc_name": "("}])
def test_malformed_questions_say_what_would_be_right(asked: dict[str, str]) -> None:
    question: dict[str, Any] = {"acc_name": "L4", "acc_count": 1} | asked
    with pytest.raises(NotOffered, match=r"is a number|regular expression"):
        sky.get_instance_type_for_accelerator(**question, clouds="fluffy", catalog=ZONED)


def test_listing() -> None:
    (lines,) = sky.list_accelerators(quantity_filter=1, clouds="fluffy", catalog=ZONED).values()
    assert lines == [sky.InstanceTypeInfo("fluffy", "small", "L4", 1.0, 8.0, 24.0, 32.0, 0.9, lines[0][8], "de")]
    assert math.isnan(lines[0].spot_price)
    everywhere = sky.list_accelerators(name_filter="L", region_filter="U", all_regions=True, catalog=ZONED)
    assert [(line.instance_type, line.region) for line in everywhere["L4"]] == [
        ("part", "US"), ("small", "US"), ("big", "US"),
    ]  # fmt: skip
    assert sky.list_accelerators(name_filter="l4", catalog=ZONED) == {}
    assert set(sky.list_accelerators(name_filter="l4", case_sensitive=False, catalog=ZONED)) == {"L4"}


def test_an_unknown_cloud_is_named() -> None:
    with pytest.raises(NotOffered, match="no catalog of cloud 'cumulus'; there are fluffy"):
        sky.instance_type_exists("small", "cumulus", ZONED)


def test_rtx5090_has_32_gib_in_the_published_catalogs() -> None:
    for lines in sky.list_accelerators(clouds=None, catalog=Catalog.load()).values():
        assert all(line.device_memory and line.device_memory > 1 for line in lines)
    (lines,) = sky.list_accelerators(name_filter="^RTX5090$", clouds="yotta", catalog=Catalog.load()).values()
    assert {line.device_memory for line in lines} == {32.0}
