"""What to ask: every row of a catalog through every function, and random questions from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from gpu_catalog.snapshot import CloudOffers
from tests.contract.clients import Client

Question = dict[str, Any]


def question(function: str, **arguments: Any) -> Question:
    return {"function": function, "arguments": arguments}


def walk(offered: CloudOffers, zones_per_region: int | None = None) -> Iterator[Question]:
    """Every instance type, region and zone of a cloud (or so many zones per region) through every function."""
    cloud = offered.cloud
    for name, offers in offered.by_instance_type.items():
        for function in ("instance_type_exists", "get_vcpus_mem_from_instance_type",
                         "get_accelerators_from_instance_type"):  # fmt: skip
            yield question(function, instance_type=name, clouds=cloud)
        for use_spot in (False, True):
            yield question(
                "get_region_zones_for_instance_type", instance_type=name, use_spot=use_spot, clouds=cloud
            )
            yield _cost(cloud, name, use_spot=use_spot)
        yield question("resources_cost", cloud=cloud, instance_type=name)
        for offer in offers:
            for region, zones in offer.regions.items():
                yield _cost(cloud, name, region)
                for zone in zones[:zones_per_region]:
                    yield _cost(cloud, name, region, zone)
    yield from _walk_sites(offered)
    yield from _walk_accelerators(offered)


def _cost(
    cloud: str, name: str, region: str | None = None, zone: str | None = None, *, use_spot: bool = False
) -> Question:
    return question(
        "get_hourly_cost", instance_type=name, use_spot=use_spot, region=region, zone=zone, clouds=cloud
    )


def _walk_sites(offered: CloudOffers) -> Iterator[Question]:
    regions: dict[str, set[str]] = {}
    for offer in offered.offers:
        for region, zones in offer.regions.items():
            regions.setdefault(region, set()).update(zones)
    for region, found in regions.items():
        for zone in (None, *sorted(found)):
            for asked in (region, None):
                yield question("validate_region_zone", region_name=asked, zone_name=zone, clouds=offered.cloud)
        yield question("get_default_instance_type", region=region, clouds=offered.cloud)


def _walk_accelerators(offered: CloudOffers) -> Iterator[Question]:
    cloud = offered.cloud
    for all_regions in (False, True):
        yield question("list_accelerators", all_regions=all_regions, clouds=cloud)
    for offers in offered.by_accelerator.values():
        name = offers[0].offering.accelerator_name
        regions = sorted({region for offer in offers for region in offer.regions})
        for count in sorted({offer.offering.accelerator_count or 0 for offer in offers}):
            for region in (None, *regions):
                yield question("get_instance_type_for_accelerator", acc_name=name, acc_count=count, region=region,
                               clouds=cloud)  # fmt: skip


def random_questions(seed: int, number: int, catalog: Sequence[CloudOffers], client: Client) -> Iterator[Question]:
    """So many questions, among them ones that must fail: names that do not exist, wrong case, odd sizes."""
    dice = random.Random(seed)
    askers = [_Asker(dice, offered, client) for offered in catalog]
    for _ in range(number):
        yield dice.choice(askers).ask()


class _Asker:
    """Asks about one cloud, mostly about what is there."""

    def __init__(self, dice: random.Random, offered: CloudOffers, client: Client) -> None:
        self.dice, self.cloud, self.client = dice, offered.cloud, client
        self.types = list(offered.by_instance_type)
        self.accelerators = sorted({o.offering.accelerator_name or "" for o in offered.offers} - {""})
        self.regions = sorted({region for o in offered.offers for region in o.regions})
        self.zones = sorted({zone for o in offered.offers for zones in o.regions.values() for zone in zones})
        self.sizes = sorted({(o.offering.vcpus, o.offering.memory_gib) for o in offered.offers})

    def ask(self) -> Question:
        asks = (self._cost, self._cost, self._type, self._site, self._default, self._for_accelerator)
        # Listing parses every row in SkyPilot: too slow to be asked as often as the rest.
        ask = self._list if self.dice.random() < 0.01 else self.dice.choice(asks)
        return ask()

    def _spoilt(self, text: str) -> str:
        """Usually the text itself, else one that is near it or far from it."""
        cut = self.dice.randrange(len(text) + 1)
        forms = (text.lower(), text.upper(), text[:cut], text + "x", "", "nowhere", text[cut:] + text[:cut], "A.*")
        return self.dice.choice(forms) if self.dice.random() < 0.2 else text

    def _maybe(self, options: Sequence[str]) -> str | None:
        return self._spoilt(self.dice.choice(options)) if options and self.dice.random() < 0.5 else None

    def _spot(self) -> bool:
        return self.dice.random() < 0.2

    def _type_name(self) -> str:
        return self._spoilt(self.dice.choice(self.types))

    def _size(self) -> dict[str, str]:
        vcpus, memory = self.dice.choice(self.sizes)
        size: dict[str, str] = {}
        if self.dice.random() < 0.4:
            size["cpus"] = f"{vcpus:g}" + self.dice.choice(("", "+", "+", "x", "?"))
        if self.dice.random() < 0.4:
            size["memory"] = self.dice.choice((f"{memory:g}", f"{memory:g}+", "4x", "2.5x", "many"))
        return size

    def _limit(self) -> dict[str, float]:
        if not self.client.takes_price_limit or self.dice.random() < 0.7:
            return {}
        return {"max_hourly_cost": self.dice.choice((0.01, 0.5, 2.0, 10.0, 100.0))}

    def _zone(self) -> str | None:
        zones = self.zones or ["zone-1"]
        return self._spoilt(self.dice.choice(zones)) if self.dice.random() < 0.25 else None

    def _cost(self) -> Question:
        return _cost(self.cloud, self._type_name(), self._maybe(self.regions), self._zone(), use_spot=self._spot())

    def _type(self) -> Question:
        names = ("instance_type_exists", "get_vcpus_mem_from_instance_type", "get_accelerators_from_instance_type")
        if self.dice.random() < 0.3:
            return question("get_region_zones_for_instance_type", instance_type=self._type_name(),
                            use_spot=self._spot(), clouds=self.cloud)  # fmt: skip
        return question(self.dice.choice(names), instance_type=self._type_name(), clouds=self.cloud)

    def _site(self) -> Question:
        return question("validate_region_zone", region_name=self._maybe(self.regions), zone_name=self._zone(),
                        clouds=self.cloud)  # fmt: skip

    def _default(self) -> Question:
        spot = {"use_spot": self._spot()} if self.client.takes_price_limit else {}
        return question("get_default_instance_type", **self._size(), **self._limit(), **spot,
                        region=self._maybe(self.regions), zone=self._zone(), clouds=self.cloud)  # fmt: skip

    def _for_accelerator(self) -> Question:
        return question(
            "get_instance_type_for_accelerator",
            acc_name=self._spoilt(self.dice.choice(self.accelerators)),
            acc_count=self.dice.choice((1, 1, 2, 4, 8, 3, 16, 0.5, 1.005, 0)),
            **self._size(), **self._limit(), use_spot=self._spot(),
            region=self._maybe(self.regions), zone=self._zone(), clouds=self.cloud,
        )  # fmt: skip

    def _list(self) -> Question:
        return question(
            "list_accelerators",
            gpus_only=self.dice.random() < 0.8,
            name_filter=self._maybe(self.accelerators),
            region_filter=self._maybe(self.regions),
            quantity_filter=self.dice.choice((None, 1, 8, 3)),
            case_sensitive=self.dice.random() < 0.5,
            all_regions=self.dice.random() < 0.5,
            clouds=self.cloud,
        )
