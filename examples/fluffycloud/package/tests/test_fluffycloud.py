"""FluffyCloud keeps to what gpu-catalog asks of a fetcher, and says what the API says."""

from __future__ import annotations

from decimal import Decimal

from fluffycloud_catalog import FluffyCloud

from fetchers import SessionOptions, fetch_cloud
from publisher.contract import FetcherContract


class TestFluffyCloud(FetcherContract):
    """Everything that validation, publication and SkyPilot need."""

    fetcher_class = FluffyCloud


def test_a_price_per_gpu_becomes_that_of_the_instance() -> None:
    fetched = fetch_cloud(FluffyCloud(), SessionOptions(recorded=True))
    prices = {(one.instance_type, one.region): one.price_usd_per_hour for one in fetched.offerings}
    assert prices["fluffy-8h100", "stratus-2"] == Decimal("25.52")
    assert prices["fluffy-4cpu", "stratus-2"] == Decimal("0.13")


def test_what_has_no_price_is_skipped_with_the_reason() -> None:
    fetched = fetch_cloud(FluffyCloud(), SessionOptions(recorded=True))
    assert [(skip.listing, skip.rule) for skip in fetched.skipped] == [("fluffy-1b200", "no-price")]
