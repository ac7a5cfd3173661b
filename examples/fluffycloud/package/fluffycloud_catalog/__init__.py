"""FluffyCloud for gpu-catalog: `GET /v1/plans`, page by page.

A plan is an instance type; its offers are its regions with their prices. GPU plans are priced per GPU, CPU plans
per instance; `ram_gb` and `memory_gb` are GiB written as GB; a price of null is one that FluffyCloud does not tell.
Source: https://docs.fluffycloud.example/api of 2026-11-20 (FluffyCloud is made up, and so is its documentation).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from fetchers import Credentials, Session, UnexpectedAnswer, Unusable
from fetchers.answers import Answer
from fetchers.base import is_site_name, list_of_objects, member, text_or_none
from gpu_catalog import Offering, Skipped
from gpu_catalog.accelerators import accelerator_table
from gpu_catalog.errors import BadPrice, BadQuantity
from gpu_catalog.numbers import parse_price, parse_quantity, parse_whole

MOST_PAGES = 50


class FluffyCloud:
    """Fetcher of FluffyCloud."""

    name = "fluffycloud"
    display_name = "FluffyCloud"
    base_urls: Mapping[str, str] = {"FLUFFYCLOUD_BASE_URL": "https://api.fluffycloud.example"}
    credentials = Credentials("FLUFFYCLOUD_API_KEY", ".fluffycloud/credentials", ("api_key",))
    min_interval_seconds = 0.0
    has_zones = False
    has_spot = True
    instance_type_pattern = r"fluffy-[1-9][0-9]{0,2}[a-z0-9]+"
    recorded = Path(__file__).parent / "recorded"

    def fetch(self, session: Session) -> Iterator[Offering | Skipped]:
        """Yield an Offering for each plan and region with a price, and a Skipped for each other one."""
        for answer, plan in _plans(session):
            listing = text_or_none(plan.get("id")) or "(no name)"
            offers = plan.get("offers")
            for offer in offers if isinstance(offers, list) else [None]:
                try:
                    yield _offering(answer, plan, offer)
                except Unusable as exc:
                    yield Skipped(
                        cloud=self.name,
                        listing=listing,
                        rule=exc.rule,
                        reason=str(exc),
                        broken=exc.rule != "no-price",  # That one is FluffyCloud's own word.
                    )


def _plans(session: Session) -> Iterator[tuple[Answer, dict[str, Any]]]:
    """Every plan with the page it stood on, following the API's own `next_page`."""
    url = session.base_url("FLUFFYCLOUD_BASE_URL") + "/v1/plans"
    page: int | None = 1
    for _ in range(MOST_PAGES):
        answer = session.get(url, {"page": str(page)})
        for plan in list_of_objects(member(answer.data, "plans", "/v1/plans"), "/v1/plans"):
            yield answer, plan
        page = member(answer.data, "next_page", "/v1/plans")
        if page is None:
            return
        if type(page) is not int:
            break
    raise UnexpectedAnswer("/v1/plans does not come to an end", "the API may have changed; report this")


def _offering(answer: Answer, plan: dict[str, Any], offer: Any) -> Offering:
    """One plan in one region.

    Raises:
        Unusable: name, size or price cannot be read, or is not told.
    """
    if not isinstance(offer, dict):
        raise Unusable("not-an-object", "an offer is not an object")
    name, region = text_or_none(plan.get("id")), text_or_none(offer.get("region"))
    if name is None or region is None or not is_site_name(region):
        raise Unusable("no-name", "plan or region has no name")
    gpu = plan.get("gpu")
    try:
        count = None if gpu is None else parse_whole(member(gpu, "count", "gpu"), "gpu.count")
        memory_mib = None if gpu is None else parse_whole(gpu.get("memory_gb"), "gpu.memory_gb") * 1024
        vcpus = parse_quantity(plan.get("cpus"), "cpus")
        memory_gib = parse_quantity(plan.get("ram_gb"), "ram_gb")
    except (BadQuantity, UnexpectedAnswer) as exc:
        raise Unusable("no-size", str(exc)) from exc
    known = None if gpu is None else accelerator_table().named(_accelerator_name(gpu.get("model")))
    if gpu is not None and known is None:
        raise Unusable("unknown-gpu", f"gpus.csv does not know the model {str(gpu.get('model'))[:60]!r}")
    scope = "usd_per_hour" if gpu is None else "usd_per_gpu_hour"
    return Offering(
        cloud=FluffyCloud.name,
        instance_type=name,
        region=region,
        vcpus=vcpus,
        memory_gib=memory_gib,
        price_usd_per_hour=_price(offer.get(scope), count, scope),
        spot_price_usd_per_hour=(
            None if offer.get(f"spot_{scope}") is None else _price(offer[f"spot_{scope}"], count, f"spot_{scope}")
        ),
        accelerator_name=known.name if known else None,
        accelerator_count=None if count is None else float(count),
        accelerator_vendor=known.vendor if known else None,
        gpu_memory_mib=memory_mib,
        in_stock=offer.get("in_stock") if isinstance(offer.get("in_stock"), bool) else None,
        listing=name,
        source=answer.source,
        observed_at=answer.observed_at,
    )


def _price(stated: Any, gpus: int | None, what: str) -> Decimal:
    """USD per hour of the whole instance."""
    if stated is None:
        raise Unusable("no-price", f"{what} is null: FluffyCloud tells no price")
    try:
        return parse_price(stated) * (gpus or 1)
    except BadPrice as exc:
        raise Unusable("bad-price", f"{what}: {exc}") from exc


def _accelerator_name(model: Any) -> str:
    with Path(__file__).with_name("gpus.csv").open(encoding="utf-8", newline="") as file:
        return {row["model"]: row["accelerator"] for row in csv.DictReader(file)}.get(str(model), "")
