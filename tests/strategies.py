"""Hypothesis strategies for offerings, for reuse by every round trip."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gpu_catalog.offering import MARKS, Offering

# Explicit alphabets: the general ones of Hypothesis first build a table of all of Unicode, which takes seconds.
names = st.text("aZ019._-", min_size=1, max_size=12).map("n".__add__)
accelerator_names = st.text("AX0189-", max_size=8).map("A".__add__)
texts = st.text("aZ0 ,;'\"\\\n\r\t\0\u00e4\u20ac\u2028\U0001f4b8", max_size=12)
prices = st.integers(1, 10**12).map(lambda micros: Decimal(micros).scaleb(-6).normalize())
sizes = st.one_of(
    st.integers(1, 10_000).map(float),
    st.floats(0.001, 1_000_000, allow_nan=False).filter(lambda size: "e" not in repr(size)),
)
times = st.integers(0, 4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
)


@st.composite
def offerings(draw: DrawFn, sites: SearchStrategy[tuple[str, str | None]] | None = None) -> Offering:
    """One offering with every field in its documented range; `sites` gives (region, zone)."""
    region, zone = draw(sites if sites is not None else st.tuples(names, st.none()))
    price = draw(prices)
    has_gpu = draw(st.booleans())
    return Offering(
        cloud="somecloud",
        instance_type=draw(names),
        region=region,
        zone=zone,
        vcpus=draw(sizes),
        memory_gib=draw(sizes),
        price_usd_per_hour=price,
        spot_price_usd_per_hour=draw(st.none() | st.just(price)),
        accelerator_name=draw(accelerator_names) if has_gpu else None,
        accelerator_count=draw(st.sampled_from([0.5, 1.0, 2.0, 8.0, 10.0])) if has_gpu else None,
        accelerator_vendor=draw(st.none() | st.sampled_from(["NVIDIA", "AMD"])) if has_gpu else None,
        gpu_memory_mib=draw(st.integers(1024, 400 * 1024)) if has_gpu else None,
        arch=draw(st.sampled_from([None, "x86_64", "arm64"])),
        instance_type_v7=draw(st.none() | names),
        in_stock=draw(st.sampled_from([None, True, False])),
        launchable=draw(st.booleans()),
        listing=draw(st.none() | texts),
        source=draw(st.none() | texts),
        observed_at=draw(st.none() | times),
        marks=tuple(sorted(draw(st.sets(st.sampled_from(sorted(MARKS)))))),
    )


@st.composite
def fetched(draw: DrawFn) -> list[Offering]:
    """What a fetch may bring: unique keys, all offerings with zones or none, a zone in one region."""
    if draw(st.booleans()):
        zones = draw(st.dictionaries(names.map("z-".__add__), names, min_size=1, max_size=4))
        sites = st.sampled_from([(region, zone) for zone, region in zones.items()])
        return draw(st.lists(offerings(sites), max_size=8, unique_by=lambda offering: offering.key))
    return draw(st.lists(offerings(), max_size=8, unique_by=lambda offering: offering.key))
