"""What fits a question: narrowed by name, count, place and size, to lines with a price or to the reason why not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gpu_catalog.accelerators import is_tpu, name_key, synonym_keys
from gpu_catalog.cloud_names import display_name
from gpu_catalog.market import Market
from gpu_catalog.prices import CloudPrices, LineTest, Match, PriceLine, Site, any_line, has_count, rank
from gpu_catalog.question import Question
from gpu_catalog.sizes import size_test
from gpu_catalog.texts import capital, dollars

if TYPE_CHECKING:
    from gpu_catalog.reasons import Entry


class NoPrice(Exception):
    """Nothing fits, or nothing that fits has a price; the text says why. Becomes `CostEstimate.reason`."""


def best_per_cloud(question: Question, market: Market, notes: list[str]) -> list[Match]:
    """Of what fits and has a price of the kind asked for, the best of each cloud, best first.

    Adds to `notes` what to warn of.

    Raises:
        NoPrice: as `priced`.
    """
    order = rank(use_spot=question.use_spot)
    if (indexed := _indexed(question, market)) is not None:
        return sorted(indexed, key=order)
    best: dict[str, Match] = {}
    for match in sorted(priced(question, market, notes), key=order):
        best.setdefault(match.prices.cloud, match)
    return list(best.values())


def _indexed(question: Question, market: Market) -> list[Match] | None:
    """The same, in no order, where only an accelerator is asked for and there is nothing to tell about it.

    None where there is, or where nothing is found.
    """
    gpu, count = question.gpu, question.gpu_count
    if gpu is None or count is None or question.narrows_further or is_tpu(gpu):
        return None
    key, found = name_key(gpu), []
    for name in question.clouds or market:
        prices = market.cloud(name)
        if prices is None:
            return None
        if (best := prices.cheapest(key, count, use_spot=question.use_spot)) is not None:
            found.append(best)
    return found or None


def priced(question: Question, market: Market, notes: list[str]) -> list[Match]:
    """Everything that fits and has a price of the kind asked for, in no order. Adds to `notes` what to warn of.

    Raises:
        NoPrice: there is nothing, or it costs more than the question allows.
    """
    from gpu_catalog import reasons  # Here and below: what an index answers does without.

    fitting = matching(question, market, notes)
    found = [match for match in fitting if match.line.price(use_spot=question.use_spot) is not None]
    if not found:
        raise NoPrice(reasons.kind(question, market, fitting))
    limit = question.max_price_usd_per_hour
    if limit is not None:
        best = min(found, key=rank(use_spot=question.use_spot))
        found = [match for match in found if _cost(match, question) <= limit]
        if not found:
            cost, place = dollars(_cost(best, question)), f"{display_name(best.prices.cloud)} {best.site.region}"
            raise NoPrice(f"the cheapest is ${cost}/hr ({place}), above ${dollars(limit)}")
    return found


def _cost(match: Match, question: Question) -> Decimal:
    """USD per hour of all nodes of a match that has a price."""
    return (match.line.price(use_spot=question.use_spot) or Decimal(0)) * question.num_nodes


def matching(question: Question, market: Market, notes: list[str]) -> list[Match]:
    """Everything that fits, with or without a price, in no order. Adds to `notes` what to warn of.

    Raises:
        NoPrice: nothing does.
    """
    from gpu_catalog import reasons

    if question.gpu is not None and is_tpu(question.gpu):
        raise NoPrice(f"{question.gpu}: TPUs are not priced: SkyPilot itself says that its TPU prices need fixing")
    clouds = _asked_clouds(question, market, notes)
    keys = _names(question, clouds, notes)
    named = list(_lines(question, clouds, keys, any_line))
    if not named:
        raise NoPrice(reasons.name(question, market, clouds))
    counted = [entry for entry in named if has_count(entry[1], question.gpu_count)]
    if not counted:
        raise NoPrice(reasons.count(question, market, clouds, named))
    sited = _at_sites(counted, question)
    if not sited:
        raise NoPrice(reasons.place(question, market, clouds, counted))
    fits = _size(question)
    if fits is any_line:
        return sited
    lines = _lines(question, clouds, keys, fits)
    sized = _at_sites([entry for entry in lines if has_count(entry[1], question.gpu_count)], question)
    if not sized:
        raise NoPrice(reasons.size(question, market, sited))
    return sized


def _asked_clouds(question: Question, market: Market, notes: list[str]) -> list[CloudPrices]:
    from gpu_catalog import reasons

    found, missing = [], []
    for name in question.clouds or market:
        prices = market.cloud(name)
        if prices is not None:
            found.append(prices)
        else:
            missing.append(name)
    if not found:
        raise NoPrice(reasons.clouds(missing, market))
    if missing:
        notes.append(capital(reasons.clouds(missing, market)))
    return found


def _names(question: Question, clouds: Iterable[CloudPrices], notes: list[str]) -> Collection[str]:
    """Keys of the accelerator: its own where an asked cloud has it, else those of other names of the same card."""
    if question.gpu is None:
        return ()
    key = name_key(question.gpu)
    if not any(key in prices.gpu_names for prices in clouds):
        there = {k: p.gpu_names[k] for k in synonym_keys(key) for p in clouds if k in p.gpu_names}
        if there:
            names = ", ".join(sorted(there.values()))
            notes.append(f"{question.gpu} is offered under another name of the same card: {names}")
            return there
    return (key,)


def _lines(
    question: Question, clouds: Iterable[CloudPrices], keys: Collection[str], fits: LineTest
) -> Iterator[Entry]:
    for prices in clouds:
        if question.instance_type is not None:
            lines = _of_type(prices, question.instance_type, keys, fits)
        elif keys:
            lines = (line for key in keys for line in prices.with_gpu(key, fits))
        else:
            lines = prices.all_with_gpu(fits)
        for line in lines:
            yield prices, line


def _of_type(prices: CloudPrices, instance_type: str, keys: Collection[str], fits: LineTest) -> Iterator[PriceLine]:
    """Lines of an instance type, with one of these accelerators if there are any."""
    there = False
    for line in prices.of_type(instance_type):
        if (not keys or name_key(line.gpu or "") in keys) and fits(line):
            there = True
            yield line
    if keys and not there:
        # A machine of GCP to which a GPU can be attached has none by itself.
        def is_it(line: PriceLine) -> bool:
            return line.instance_type.lower() == instance_type.lower() and fits(line)

        for key in keys:
            yield from prices.with_gpu(key, is_it)


def _at_sites(entries: Iterable[Entry], question: Question) -> list[Match]:
    return [Match(*entry, site) for entry in entries if (site := _site(entry[1], question)) is not None]


def _site(line: PriceLine, question: Question) -> Site | None:
    """The preferred site of a line among those asked for."""
    if question.region is None and question.zone is None:
        return line.sites[0]
    region, zone = (question.region or "").lower(), (question.zone or "").lower()
    for site in line.sites:
        if (not region or site.region.lower() == region) and (not zone or site.zone.lower() == zone):
            return site
    return None


def _size(question: Question) -> LineTest:
    """Whether a line is large enough; `any_line` when nothing is asked for."""
    least = question.min_gpu_memory_gib
    if question.vcpus is None and question.memory_gib is None and least is None:
        return any_line
    has_size = size_test(question.vcpus, question.memory_gib)

    def fits(line: PriceLine) -> bool:
        if least is not None and line.gpu is not None and (line.gpu_memory_mib or 0) < least * 1024:
            return False
        return has_size(line.vcpus, line.memory_gib)

    return fits


def cheaper_synonym(question: Question, market: Market, best: Match) -> str | None:
    """A sentence about the same card under another name, if that is cheaper than `best`: told, never chosen."""
    key = name_key(question.gpu or "")
    others = synonym_keys(key)
    if not others or name_key(best.line.gpu or "") != key:
        return None
    clouds = [prices for name in question.clouds or market if (prices := market.cloud(name)) is not None]
    for other in sorted({other for prices in clouds for other in others if other in prices.gpu_names}):
        try:
            found = best_per_cloud(replace(question, gpu=other), market, [])[0]
        except NoPrice:
            continue
        if name_key(found.line.gpu or "") == other and _cost(found, question) < _cost(best, question):
            place = f"{display_name(found.prices.cloud)} {found.site.region}"
            cost = f"{found.line.gpu} at ${dollars(_cost(found, question))}/hr ({place})"
            return f"Cheaper under another name of the same card: {cost}"
    return None
