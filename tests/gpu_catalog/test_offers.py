"""Offers: rows put together by what they have in common, and taken apart again without loss."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given

from gpu_catalog.offering import Offering
from gpu_catalog.offers import grouped, parse_offers
from schemas import offers_jsonl
from schemas.writers import row_order
from tests.strategies import fetched

POD = Offering(
    cloud="runpod",
    instance_type="1x_L4_SECURE",
    region="US",
    zone="US-KS-2",
    vcpus=12.0,
    memory_gib=50.0,
    price_usd_per_hour=Decimal("0.39"),
    in_stock=True,
)
ELSEWHERE = [
    replace(POD, zone="US-TX-3", in_stock=False),
    replace(POD, region="NO", zone="EU-NO-1", in_stock=None),
]


def test_an_offer_knows_its_sites_and_their_stock() -> None:
    (offer,) = grouped([POD, *ELSEWHERE])
    assert offer.regions == {"US": ("US-KS-2", "US-TX-3"), "NO": ("EU-NO-1",)}
    assert offer.stock == {"US-KS-2": True, "US-TX-3": False}
    assert list(offer.offerings()) == [POD, *ELSEWHERE]
    assert [offer.at("US", "US-TX-3"), offer.at("US", "US-KS-2"), offer.at("NO", "EU-NO-1")] == [
        ELSEWHERE[0], POD, ELSEWHERE[1],
    ]  # fmt: skip
    assert (offer.region_named("us"), offer.region_named("NO"), offer.region_named("SE")) == ("US", "NO", None)


def test_without_zones_stock_is_that_of_the_region() -> None:
    somewhere = replace(POD, zone=None)
    (offer,) = grouped([somewhere, replace(somewhere, region="NO", in_stock=False)])
    assert (offer.regions, offer.stock) == ({"US": (), "NO": ()}, {"US": True, "NO": False})
    assert offer.at("NO").in_stock is False


@given(fetched())
def test_grouped_offers_hold_every_row(rows: list[Offering]) -> None:
    taken_apart = [offering for offer in grouped(rows) for offering in offer.offerings()]
    assert sorted(taken_apart, key=row_order) == sorted(rows, key=row_order)


@given(fetched())
def test_written_offers_are_read_as_they_were(rows: list[Offering]) -> None:
    read = parse_offers(offers_jsonl(rows).decode("utf-8"))
    assert sorted((row for offer in read for row in offer.offerings()), key=row_order) == sorted(
        rows, key=row_order
    )
    for offer in read:
        assert offer.offering == next(offer.offerings())
