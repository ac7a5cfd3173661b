"""Yotta Labs: Pods, from three inputs, since no single one has both prices and sizes.

(a) `GET /v2/vms/types`: which GPU is where, in stock or not; required. (b) `POST /openapi/v1/gpus/list`: prices
and sizes of its items are INFERRED, no public answer is known; optional, read with tolerance. (c) the bundled rate
card, dated and sourced. Price and size come from (b), else from (c); (a) never removes a row, because it may list
virtual machines only (INFERRED), and SkyPilot launches Pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fetchers.answers import Answer
from fetchers.base import ANY_INSTANCE_TYPE, Unusable, list_of_objects, member, shown, text_or_none
from fetchers.credentials import Credentials
from fetchers.errors import CredentialsRejected, FetchError, Unavailable, UnexpectedAnswer
from fetchers.naming import ResolvedAccelerator, resolve_accelerator
from fetchers.replay import BUNDLED
from fetchers.session import Session
from fetchers.yotta_offers import STALE_AFTER_DAYS, PodOffer, RateCard, folded, offers_from_listing, rate_card
from gpu_catalog.offering import Offering, Skipped
from gpu_catalog.yotta import YottaInstanceType, YottaInstanceTypeV7

POD_GPU_COUNTS = (1, 2, 4, 8)
"""The API takes powers of two; the published catalog has these four."""

_SUCCESS = 10000
LISTING_QUERY = {
    "regions": [],
    "minSingleCardVramInGb": 1,
    "maxSingleCardVramInGb": 300,
    "minSingleCardRamInGb": 1,
    "maxSingleCardRamInGb": 300,
}
"""The one body that the official example (yottactl 0.1.6) sends: all four bounds are mandatory there."""
_CODE = re.compile(r"(?:(NVIDIA|AMD|AWS)_)?(?:GeForce_)?(.+)_(\d{1,4})G", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Stock:
    """One GPU in one region, as (a) lists it."""

    gpu_code: str
    region: str
    available: bool | None


class Yotta:
    """Fetcher of Yotta Labs."""

    name = "yotta"
    display_name = "Yotta"
    base_urls: Mapping[str, str] = {"YOTTA_BASE_URL": "https://api.yottalabs.ai"}
    credentials = Credentials("YOTTA_API_KEY", ".yotta/credentials", ("apikey",), header=("X-Api-Key", "{key}"))
    min_interval_seconds = 0.0
    has_zones = False
    has_spot = False
    instance_type_pattern = ANY_INSTANCE_TYPE  # Made and parsed by gpu_catalog.yotta, which validation asks.
    recorded = BUNDLED / "yotta"

    def fetch(self, session: Session) -> Iterator[Offering | Skipped]:
        """Yield the Offerings of each priced and sized Pod offer, and what is listed without a Pod price."""
        base = session.base_url("YOTTA_BASE_URL")
        stock = _stock(session.get(f"{base}/v2/vms/types"))
        card = rate_card()
        listed, problems = self._listed(session, base)
        for listing, why in problems:
            yield self._skipped(listing, why)
        merged = {offer.key: offer for offer in card.offers} | _completed(listed, card)
        self._warn_of_stale(session, merged)
        names_v7: dict[tuple[str, str, str], PodOffer] = {}
        for offer in sorted(merged.values(), key=lambda offer: (offer.region, offer.gpu_code, offer.cloud_type)):
            try:
                yield from self._pods(session, offer, stock, names_v7)
            except Unusable as exc:
                yield self._skipped(f"{offer.gpu_code} {offer.region}", exc)
        yield from self._not_pods(card)
        yield from self._without_pod_price(stock, merged)

    def _listed(self, session: Session, base: str) -> tuple[list[PodOffer], list[tuple[str, Unusable]]]:
        """Offers of (b), and its items that are none. Everything but a rejected key falls back to the rate card."""
        try:
            answer = session.post(f"{base}/openapi/v1/gpus/list", LISTING_QUERY, has_substitute=True)
            offers, problems = offers_from_listing(_data(answer, "/openapi/v1/gpus/list"), answer)
        except CredentialsRejected:
            raise
        except FetchError as exc:
            session.warn(f"prices and sizes are those of the rate card: {exc.what}")
            return [], []
        if not any(offer.price for offer in offers):
            session.warn(
                "prices and sizes are those of the rate card: no item of gpus/list has a price and a region"
            )
        return offers, problems

    def _pods(
        self,
        session: Session,
        offer: PodOffer,
        stock: list[_Stock],
        names_v7: dict[tuple[str, str, str], PodOffer],
    ) -> Iterator[Offering]:
        """The Pods of one offer, one per GPU count.

        Raises:
            Unusable: it lacks a price or a size, cannot be named, or its v7 name is taken.
        """
        price, vcpus, memory_gb = offer.checked()
        accelerator, memory_mib = self._accelerator(session, offer)
        taken_by = names_v7.setdefault((accelerator.name, offer.region, offer.cloud_type), offer)
        if taken_by is not offer:
            raise Unusable("name-taken", f"{taken_by.gpu_code} has the same v7 name in {offer.region}")
        for count in POD_GPU_COUNTS:
            name = YottaInstanceType(count, vcpus * count, memory_gb * count, offer.gpu_code, offer.cloud_type)
            yield Offering(
                cloud=self.name,
                instance_type=str(name),
                instance_type_v7=str(YottaInstanceTypeV7(count, accelerator.name, offer.cloud_type)),
                region=offer.region,
                vcpus=float(name.vcpus),
                memory_gib=float(name.memory_gb),
                price_usd_per_hour=price * count,
                accelerator_name=accelerator.name,
                accelerator_count=float(count),
                accelerator_vendor=accelerator.vendor,
                gpu_memory_mib=memory_mib,
                in_stock=_available(stock, offer),
                listing=f"{offer.gpu_code} {offer.region}",
                source=offer.source,
                observed_at=offer.observed_at,
                marks=tuple(sorted(offer.marks(session.as_of) | accelerator.marks)),
            )

    def _accelerator(self, session: Session, offer: PodOffer) -> tuple[ResolvedAccelerator, int]:
        """Canonical accelerator, and MiB of one GPU: from the listing, else the suffix of the code."""
        match = _CODE.fullmatch(offer.gpu_code)
        memory_gb = offer.gpu_memory_gb or (int(match[3]) if match else 0)
        if memory_gb == 0:
            raise Unusable("no-size", f"GPU memory of {offer.gpu_code} is in neither the listing nor its code")
        display = match[2].replace("_", " ") if match else offer.gpu_code
        accelerator = resolve_accelerator(self.name, offer.gpu_code, display, match[1] if match else None)
        if not accelerator.listed:
            session.warn(f"{offer.gpu_code} is not in accelerators.csv; published as {accelerator.name}")
        return accelerator, memory_gb * 1024

    def _warn_of_stale(self, session: Session, offers: dict[Any, PodOffer]) -> None:
        dates = sorted({offer.observed_at[:10] for offer in offers.values() if offer.marks(session.as_of)})
        if dates:
            session.warn(
                f"rates of {', '.join(dates)} are older than {STALE_AFTER_DAYS} days; check yotta_rate_card.csv"
            )

    def _not_pods(self, card: RateCard) -> Iterator[Skipped]:
        """Figures of other products that the rate card keeps, so that nobody takes them for Pod prices again."""
        for row in card.other_products:
            listing = " ".join(filter(None, (row["gpu_code"], row["region"], row["product"])))
            yield self._skipped(listing, Unusable("not-a-pod-price", row["note"]))

    def _without_pod_price(self, stock: list[_Stock], offers: dict[Any, PodOffer]) -> Iterator[Skipped]:
        """What (a) lists and no source prices as a Pod."""
        regions: dict[str, list[str]] = {}
        for entry in stock:
            if not any(_same_gpu(entry.gpu_code, offer.gpu_code) and entry.region == offer.region
                       for offer in offers.values()):  # fmt: skip
                regions.setdefault(entry.gpu_code, []).append(entry.region)
        for code, where in sorted(regions.items()):
            listed = ", ".join(sorted(set(filter(None, where)))) or "no region"
            yield self._skipped(
                code, Unusable("no-pod-price", f"listed in {listed}; no source has a Pod price for it")
            )

    def _skipped(self, listing: str, why: Unusable) -> Skipped:
        # None of this counts as broken: (b) is optional, and what has no Pod price is not a defect of the API.
        return Skipped(cloud=self.name, listing=listing, rule=why.rule, reason=str(why), broken=False, rows=0)


def _data(answer: Answer, what: str) -> Any:
    """`data` of the envelope; business errors come with HTTP 200.

    Raises:
        UnexpectedAnswer, Unavailable: no envelope, or a code other than success.
    """
    code = member(answer.data, "code", what)
    if code == _SUCCESS:
        return member(answer.data, "data", what)
    said = f"{what} answered code {shown(code, most=20)} ({shown(answer.data.get('message', ''), most=200)})"
    if code == 10002:
        raise Unavailable(said, "a system error of Yotta; try again later")
    raise UnexpectedAnswer(said, "check the key and the base URL; else report this")


def _stock(answer: Answer) -> list[_Stock]:
    """The entries of (a). Regions come as objects (documented) or as plain names (an official test has that)."""
    entries = []
    for item in list_of_objects(_data(answer, "/v2/vms/types"), "`data` of /v2/vms/types"):
        code = text_or_none(item.get("gpuType"))
        regions = item.get("regions")
        if code is None:
            continue
        for region in regions if isinstance(regions, list) and regions else [None]:
            details = region if isinstance(region, dict) else {"region": region}
            available = details.get("available")
            name = text_or_none(details.get("region")) or ""
            entries.append(_Stock(code, name, available if isinstance(available, bool) else None))
    if not entries:
        raise UnexpectedAnswer("/v2/vms/types names no GPU", "the API may have changed; report this")
    return entries


def _available(stock: list[_Stock], offer: PodOffer) -> bool | None:
    """Whether (a) says the offer's GPU is to be had in its region; None when it does not list it."""
    said = [
        entry.available
        for entry in stock
        if entry.region == offer.region
        and entry.available is not None
        and _same_gpu(entry.gpu_code, offer.gpu_code)
    ]
    return any(said) if said else None


def _same_gpu(one: str, other: str) -> bool:
    """Whether two codes, legacy or current, name one GPU."""
    return folded(one) == folded(other)


def _completed(listed: list[PodOffer], card: RateCard) -> dict[tuple[str, str, str], PodOffer]:
    """Offers of (b), with what they lack taken from the rate card's row for the same GPU, region and cloud type.

    The code is then the rate card's: only its legacy codes are evidenced in names that launch.
    """
    by_key = {offer.key: offer for offer in card.offers}
    completed = {}
    for offer in listed:
        row = by_key.get(offer.key)
        if row is not None:
            sized = offer.vcpus is not None and offer.memory_gb is not None
            offer = replace(  # noqa: PLW2901
                offer if offer.price is not None else replace(row, gpu_memory_gb=offer.gpu_memory_gb),
                gpu_code=row.gpu_code,
                vcpus=offer.vcpus if sized else row.vcpus,
                memory_gb=offer.memory_gb if sized else row.memory_gb,
            )
        completed[offer.key] = offer
    return completed
