"""Why there is no price, in one sentence that names the nearest thing there is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from gpu_catalog.accelerators import accelerator_table, name_key, synonym_keys
from gpu_catalog.cloud_names import display_name, known_clouds, why_no_prices
from gpu_catalog.listing import suggestion
from gpu_catalog.market import Market
from gpu_catalog.prices import CloudPrices, Match, PriceLine
from gpu_catalog.question import Question
from gpu_catalog.texts import dollars, number

MOST_NAMED = 6
MOST_REGIONS = 20
SEE_ALL = "`estimate-cost --compare` shows what there is"

_AS_PEOPLE_WRITE = re.compile(r"(\d+) ?x ?(\w.*)", re.IGNORECASE)

Entry = tuple[CloudPrices, PriceLine]


def clouds(names: Sequence[str], market: Market) -> str:
    """Why none of these clouds can be asked."""
    fetchable = [name for name in names if name in known_clouds() and not why_no_prices(name)]
    absent = [name for name in fetchable if name not in market.problems]
    said = [_cloud(name, market) for name in names if name not in absent]
    if absent:
        there = ", ".join(cloud for cloud in market if cloud not in market.problems)
        sync = f"`gpu-catalog sync --upstream {','.join(absent)}` fetches SkyPilot's"
        said.append(f"no prices for {', '.join(absent)} here, only for {there}; {sync}")
    return "; ".join(said) or "no catalog of any cloud on this machine"


def _cloud(name: str, market: Market) -> str:
    if why := why_no_prices(name):
        return f"no prices for {name}: {why}"
    if problem := market.problems.get(name):
        return f"no prices for {name}: {problem}"
    there = f"there are {', '.join(market)}"
    return f"unknown cloud {name[:80]!r}{suggestion(name, [*market, *known_clouds()], there)}"


def name(question: Question, market: Market, asked: Sequence[CloudPrices]) -> str:
    """Why no asked cloud has such an accelerator or instance type."""
    where = _where(asked, market)
    if question.instance_type is not None:
        return _no_instance_type(question, question.instance_type, asked, where)
    if question.gpu is None:
        return f"no accelerator on {where}"
    key = name_key(question.gpu)
    keys = {key, *synonym_keys(key)}
    elsewhere = [
        f"{display_name(cloud)} has {found}"
        for cloud in market
        if (prices := market.cloud(cloud)) is not None and prices not in asked
        for found in [prices.gpu_names[k] for k in keys if k in prices.gpu_names][:1]
    ]
    if elsewhere:
        return f"no {question.gpu} on {where}; {', '.join(elsewhere[:MOST_NAMED])}"
    said = f"no accelerator {question.gpu!r} on {where}"
    if written := _AS_PEOPLE_WRITE.fullmatch(question.gpu):
        return f"{said}; write {written[2]}:{written[1]}"
    if any(prices.of_type(question.gpu) for prices in asked):
        return f"{said}; it is an instance type: --instance-type {question.gpu}"
    more = "`gpu-catalog sync --upstream aws,gcp,azure` fetches more clouds"
    there = more if accelerator_table().named(question.gpu) else SEE_ALL
    return said + suggestion(question.gpu, {full for prices in asked for full in prices.gpu_names.values()}, there)


def _no_instance_type(question: Question, wanted: str, asked: Sequence[CloudPrices], where: str) -> str:
    if any(prices.of_type(wanted) for prices in asked):
        return f"{wanted} on {where} has no {question.gpu}"
    types = {known for prices in asked for known in prices.instance_types}
    if wanted.lower() in {known.lower() for known in types}:
        return f"the rows of {wanted} on {where} break a rule, so there is no price to trust"
    return f"no instance type {wanted!r} on {where}{suggestion(wanted, types, SEE_ALL)}"


def count(question: Question, market: Market, asked: Sequence[CloudPrices], named: Sequence[Entry]) -> str:
    """Why no instance has so many: the counts that there are."""
    there: dict[str, dict[float, str]] = defaultdict(dict)
    for prices, line in named:
        there[prices.cloud][line.gpu_count or 0] = f"{line.gpu}:{number(line.gpu_count)}"
    listed = (f"{cloud} has {', '.join(sizes[n] for n in sorted(sizes))}" for cloud, sizes in there.items())
    counts = "; ".join(listed)
    if question.instance_type is not None:
        return f"{question.instance_type} does not have {_gpu(question)}; {counts}"
    return f"no instance with {_gpu(question)} on {_where(asked, market)}; {counts}{_same_card(question, asked)}"


def _same_card(question: Question, asked: Sequence[CloudPrices]) -> str:
    """A further clause about the same card under another name, where that has the count asked for."""
    found = {
        f"{prices.cloud} has {line.gpu}:{number(line.gpu_count)}"
        for prices in asked
        for key in synonym_keys(name_key(question.gpu or ""))
        for line in prices.with_gpu(key)
        if question.gpu_count is not None and line.gpu_count == question.gpu_count
    }
    return f"; under another name of the same card {', '.join(sorted(found))}" if found else ""


def place(question: Question, market: Market, asked: Sequence[CloudPrices], counted: Sequence[Entry]) -> str:
    """Why it is not in that region or zone: no such place, or where it is instead."""
    what, where = _what(question), _where(asked, market)
    regions = {lower: full for prices in asked for lower, full in prices.regions.items()}
    if question.region is not None and question.region.lower() not in regions:
        names = sorted(regions.values())
        shown = f"there are {', '.join(names[:MOST_REGIONS])}{' and more' if len(names) > MOST_REGIONS else ''}"
        return f"no region {question.region!r} on {where}{suggestion(question.region, names, shown)}"
    there = sorted({site.region for _, line in counted for site in line.sites})
    if question.zone is not None and (
        question.region is None or question.region.lower() in {r.lower() for r in there}
    ):
        wanted = (question.region or "").lower()
        zones = {s.zone for _, line in counted for s in line.sites if s.zone and wanted in ("", s.region.lower())}
        elsewhere = {s.region for _, line in counted for s in line.sites if s.zone.lower() == question.zone.lower()}
        if elsewhere:
            return f"zone {question.zone} on {where} is in {', '.join(sorted(elsewhere))}, not in {question.region}"
        if not zones:
            return f"{what} on {where} is priced by region, not by zone; leave the zone out"
        return f"no {what} in zone {question.zone!r} on {where}{suggestion(question.zone, zones, SEE_ALL)}"
    more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
    return f"no {what} in {question.region} on {where}; it is in {', '.join(there[:MOST_NAMED])}{more}"


def size(question: Question, market: Market, sited: Sequence[Match]) -> str:
    """Why none is large enough: what the largest has."""
    wanted = [
        text
        for text, value in (
            (f"{question.vcpus} vCPUs", question.vcpus),
            (f"{question.memory_gib} GiB of memory", question.memory_gib),
            (f"{number(question.min_gpu_memory_gib)} GB per GPU", question.min_gpu_memory_gib),
        )
        if value is not None
    ]
    lines = [match.line for match in sited]
    there = (f"the nearest have up to {number(max(line.vcpus or 0 for line in lines))} vCPUs, "
             f"{number(max(line.memory_gib or 0 for line in lines))} GiB and "
             f"{number(max(line.gpu_memory_mib or 0 for line in lines) / 1024)} GB per GPU")  # fmt: skip
    return f"no {_what(question)} on {_where(_clouds_of(sited), market)} with {' and '.join(wanted)}; {there}"


def kind(question: Question, market: Market, fitting: Sequence[Match]) -> str:
    """Why there is no price of the kind asked for: the price of the other kind, in words."""
    other = [
        (price, match.prices.cloud, match.site.region)
        for match in fitting
        if (price := match.line.price(use_spot=not question.use_spot)) is not None
    ]
    asked_for, known = ("spot", "on-demand") if question.use_spot else ("on-demand", "spot")
    said = f"no {asked_for} price is known for {_what(question)} on {_where(_clouds_of(fitting), market)}"
    if not other:
        return said
    price, cloud, region = min(other)
    cost = dollars(price * question.num_nodes)
    return f"{said}; {known} it is {cost} dollars an hour ({display_name(cloud)} {region})"


def _clouds_of(matches: Sequence[Match]) -> list[CloudPrices]:
    return list(dict.fromkeys(match.prices for match in matches))


def _what(question: Question) -> str:
    return question.instance_type or _gpu(question) or "accelerator"


def _gpu(question: Question) -> str:
    if question.gpu is None or question.gpu_count is None:
        return question.gpu or ""
    return f"{question.gpu}:{number(question.gpu_count)}"


def _where(asked: Sequence[CloudPrices], market: Market) -> str:
    if len(asked) == len(list(market)) > 1:
        return "any cloud here"
    return ", ".join(display_name(prices.cloud) for prices in asked)
