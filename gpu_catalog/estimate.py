"""What a job will cost, worked out from the catalogs that this machine has. No network, nothing printed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from gpu_catalog.cloud_names import display_name
from gpu_catalog.cost_estimate import NOT_INCLUDED, Confidence, CostEstimate
from gpu_catalog.errors import GpuCatalogError
from gpu_catalog.market import Market, open_market
from gpu_catalog.matching import NoPrice, best_per_cloud, cheaper_synonym
from gpu_catalog.prices import Match
from gpu_catalog.question import Question, ask
from gpu_catalog.texts import capital, plain_dollars

SAGEMAKER_PREFIX = "ml."


def estimate_cost(
    gpu: str | Mapping[str, float] | None = None,
    *,
    instance_type: str | None = None,
    cloud: str | Sequence[str] | None = None,
    region: str | None = None,
    zone: str | None = None,
    use_spot: bool = False,
    num_nodes: int = 1,
    hours: float | None = None,
    disk_size: int | None = None,
    catalog_dir: str | os.PathLike[str] | None = None,
) -> CostEstimate:
    """Estimate what a job will cost, by the prices that this machine has.

    Args:
        gpu: `"A100:1"`, `"A100"` (one), `"RTX 4090:2"`, `{"T4": 1}`; the whole name must match, without regard to
            case, blanks, `-` and `_`, and instances with exactly this count must exist.
        instance_type: instead of a GPU, or together with one; then a GPU without a count may be any number.
        cloud: name or names, as people write them (`ec2` is aws); None for all.
        region: case is ignored.
        zone: case is ignored.
        use_spot: ask for the spot price; on-demand never takes its place.
        num_nodes: instances; they multiply the price.
        hours: how long; adds a total, the hourly price stays.
        disk_size: GB per instance; accepted, not priced.
        catalog_dir: read the catalogs in this folder, and no other source or setting on this machine.

    Returns:
        An answer. What cannot be answered is one with `found=False` and the reason.

    Raises:
        BadQuestion: a ValueError, for a malformed question only: an invalid count or name, `num_nodes` below 1,
            negative hours, neither a GPU nor an instance type.
    """
    question = ask(gpu, instance_type=instance_type, cloud=cloud, region=region, zone=zone, use_spot=use_spot,
                   num_nodes=num_nodes, hours=hours, disk_size=disk_size)  # fmt: skip
    try:
        market = open_market(catalog_dir)
    except GpuCatalogError as exc:
        return not_found(question, str(exc))
    return estimate(question, market)


def estimate(question: Question, market: Market) -> CostEstimate:
    """The answer of a market to a question."""
    if question.instance_type is not None and question.instance_type.lower().startswith(SAGEMAKER_PREFIX):
        return not_found(question, _why_no_sagemaker(question, market))
    notes: list[str] = []
    try:
        best = best_per_cloud(question, market, notes)
    except NoPrice as exc:
        return not_found(question, "; ".join((str(exc), *notes)))
    if (cheaper := cheaper_synonym(question, market, best[0])) is not None:
        notes.append(cheaper)
    now, today = _now()
    age_days = _age_days(best[0], today)
    return CostEstimate(
        question=question,
        offers=tuple(match.offer(use_spot=question.use_spot) for match in best),
        reason=None,
        warnings=(*notes, *_warnings(question, market, best[0], age_days)),
        confidence_level=_confidence(question, best[0], age_days, market.max_age_days),
        estimated_at=now,
    )


def not_found(question: Question, reason: str) -> CostEstimate:
    """The answer when there is no price: the question as it was understood, and why."""
    now, _ = _now()
    return CostEstimate(
        question=question, offers=(), reason=reason, warnings=(), confidence_level="low", estimated_at=now
    )


def _why_no_sagemaker(question: Question, market: Market) -> str:
    """SageMaker's instances are EC2's at a price of their own, which no catalog has."""
    ec2 = (question.instance_type or "").lower().removeprefix(SAGEMAKER_PREFIX)
    found = estimate(replace(question, instance_type=ec2, clouds=("aws",), max_price_usd_per_hour=None), market)
    said = f"no prices for SageMaker ({question.instance_type}), which is 20 to 30 % dearer than EC2"
    if found.hourly_cost is None:
        return f"{said}; the EC2 price of {ec2} is not known either: {found.reason}"
    spot = "spot" if question.use_spot else "on-demand"
    return f"{said}; EC2's {ec2} is {plain_dollars(found.hourly_cost)} dollars an hour {spot} in {found.region}"


def _confidence(question: Question, best: Match, age_days: int | None, max_age_days: float) -> Confidence:
    line, source = best.line, best.prices.source
    if age_days is None or age_days > max_age_days or source.is_sample or line.by_hand:
        return "low"
    return "medium" if question.use_spot or line.own_price or source.is_dated_by_file else "high"


def _warnings(question: Question, market: Market, best: Match, age_days: int | None) -> list[str]:
    name, line, source = display_name(best.prices.cloud), best.line, best.prices.source
    said = []
    if line.own_price:
        said.append(f"{capital(line.own_price)}: not the list price")
    if source.is_sample:
        said.append(f"Sample data, not today's prices ({name})")
        if (other := market.also_in(best.prices.cloud)) is not None:
            said.append(f"Other prices of {name} are in {other}; --root {other.parents[1]} reads them")
    if age_days is None:
        said.append(f"Nobody said how old the prices of {name} are")
    elif age_days > market.max_age_days:
        said.append(f"The prices of {name} are {age_days} days old")
    elif source.is_dated_by_file:
        said.append(f"The date is that of the file; the prices of {name} may be older")
    if line.by_hand:
        said.append(f"The price of {name} was entered by hand, from a price list")
    if not line.launchable:
        said.append(f"SkyPilot's launcher does not know {line.instance_type}")
    if not question.clouds:
        said.append("SkyPilot uses only clouds enabled by `sky check`, which are not known here")
    disk = question.disk_size
    said.append(
        NOT_INCLUDED if disk is None else f"Compute only; the disk of {disk} GB and egress are not included"
    )
    return said


def _age_days(match: Match, today: date) -> int | None:
    as_of = match.prices.source.as_of or match.line.observed_at or ""
    try:
        return max(0, (today - date.fromisoformat(as_of[:10])).days)
    except ValueError:
        return None


def _now() -> tuple[str, date]:
    """This moment and day, UTC: `2026-11-22T01:31:02Z`."""
    return _written(int(time.time()))


@lru_cache(maxsize=1)
def _written(seconds: int) -> tuple[str, date]:
    moment = time.gmtime(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment), date(*moment[:3])
