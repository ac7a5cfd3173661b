"""What is promised of whatever a parser returns, whatever it was given."""

from __future__ import annotations

import math

from fetchers import Fetched
from gpu_catalog import MARKS, Offering, Skipped
from gpu_catalog.numbers import MAX_PRICE_USD_PER_HOUR, PRICE_DECIMALS
from tests.gpu_catalog.hostile import has_documented_kinds


def assert_one_line(text: str | None) -> None:
    """It can be printed and published as it is."""
    assert text is None or (text.isprintable() and text == text.strip() and text.encode())


def assert_meaningful(offering: Offering) -> None:
    """What every reader may rely on besides the kinds of the fields."""
    assert has_documented_kinds(offering)
    assert offering.instance_type
    assert offering.region
    assert offering.zone != ""
    for price in (offering.price_usd_per_hour, offering.spot_price_usd_per_hour):
        assert price is None or 0 < price <= MAX_PRICE_USD_PER_HOUR
        assert price is None or price == round(price, PRICE_DECIMALS)
    assert (offering.accelerator_name is None) == (offering.accelerator_count is None)
    assert (offering.price_usd_per_gpu_hour is None) == (offering.accelerator_count is None)
    for size in (offering.vcpus, offering.memory_gib, offering.accelerator_count, offering.gpu_memory_mib):
        assert size is None or (math.isfinite(size) and size > 0)


def assert_publishable(offering: Offering) -> None:
    """What a fetcher may yield."""
    assert_meaningful(offering)
    for text in (offering.instance_type, offering.instance_type_v7, offering.region, offering.zone,
                 offering.accelerator_name, offering.accelerator_vendor, offering.listing):  # fmt: skip
        assert_one_line(text)
    assert offering.arch in (None, "x86_64", "arm64")
    assert set(offering.marks) <= set(MARKS)
    assert list(offering.marks) == sorted(offering.marks)


def assert_explained(skip: Skipped) -> None:
    """A reason that people can read, for something that they can find."""
    assert has_documented_kinds(skip)
    for text in (skip.listing, skip.rule, skip.reason, skip.accelerator):
        assert_one_line(text)
    assert skip.listing
    assert skip.rule
    assert skip.reason
    assert len(skip.listing) + len(skip.reason) < 1000
    assert skip.rows >= 0


def assert_usable(fetched: Fetched) -> None:
    """A fetch that came to its end."""
    for offering in fetched.offerings:
        assert_publishable(offering)
    for skip in fetched.skipped:
        assert_explained(skip)
    for warning in fetched.warnings:
        assert_one_line(warning)
    assert len(fetched.offerings) < 5_000
