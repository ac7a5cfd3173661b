"""The market behind an emulator: it moves from night to night, and it remembers what every price really was.

The figures that it starts from are the bundled ones, fewer of them: a night is to take a second, not ten.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from fetchers.tables import data_rows
from gpu_catalog.reading import read_offers
from tests.emulator import Data, by_id
from tests.samples import CATALOGS

Prices: TypeAlias = dict[tuple[str, str], Decimal]
"""USD per hour of the whole instance, by (instance type, region)."""

CLOUDS = ("yotta", "lambda", "runpod")

_RUNPOD_GPUS = (
    "NVIDIA A40",
    "NVIDIA L4",
    "NVIDIA H200",
    "NVIDIA GeForce RTX 4090",
    "NVIDIA A100 80GB PCIe",
    "NVIDIA RTX PRO 5000 Blackwell",
)
_RUNPOD_CPUS = ("cpu3c", "cpu5g")
_RUNPOD_SITES = ("AP-JP-1", "CA-MTL-1", "EU-CZ-1", "US-TX-3")
_YOTTA_GPUS = {
    # (code, region): USD per GPU-hour, vCPUs and GB per GPU. The first two are also in the bundled rate card.
    ("NVIDIA_GeForce_RTX_5090_32G", "us-central-2"): ("0.65", 30, 115),
    ("NVIDIA_GeForce_RTX_5090_32G", "us-east-2"): ("0.65", 14, 119),
    ("NVIDIA_H100_80G", "eu-2"): ("2.56", 30, 120),
    ("NVIDIA_H200_141G", "eu-3"): ("3.75", 44, 185),
}
_RATE_CARD = [key for key in _YOTTA_GPUS if key[0] == "NVIDIA_GeForce_RTX_5090_32G"]
_COUNTS = (1, 2, 4, 8)


@dataclass(slots=True)
class Model:
    """One accelerator or CPU line of one cloud, whose price moves as a whole."""

    cloud: str
    """Who rents it out."""

    name: str
    """The cloud's own name of it."""

    drift: float = 1.0
    """What the nights have made of its first price."""

    jumped: bool = False
    """Whether it costs 2.2 times as much: further than the drift gate lets pass at once."""

    offered: bool = True
    """Whether it is on the list."""

    @property
    def factor(self) -> Decimal:
        """Of its first price."""
        return Decimal(str(round(self.drift, 4))) * (Decimal("2.2") if self.jumped else 1)


@dataclass(kw_only=True)
class Market:
    """Three clouds whose prices, lists and stock move; `data` is what the emulator answers from."""

    data: Data
    """Its first content is where the market begins; `move` fills it anew."""

    seed: str
    """Of every move."""

    nights: list[dict[str, Prices]] = field(default_factory=list)
    """What every price really was, by night and cloud."""

    glitch: str | None = None
    """The cloud that names cents as dollars tonight. It is an error of its API: `nights` has the right prices."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lambda: dict[str, Any] = dict(self.data.lambda_types)
        self._gpus = [by_id(self.data.runpod_gpus, name) for name in _RUNPOD_GPUS]
        self._cpus = [by_id(self.data.runpod_cpus, name) for name in _RUNPOD_CPUS]
        self.data.runpod_data_centers = [by_id(self.data.runpod_data_centers, name) for name in _RUNPOD_SITES]
        self.data.graphql_gpu_types = [by_id(self.data.graphql_gpu_types, name) for name in _RUNPOD_GPUS]
        names = [("lambda", _lambda_model(entry)) for entry in self._lambda.values()]
        names += [("runpod", name) for name in (*_RUNPOD_GPUS, *_RUNPOD_CPUS)]
        names += [("yotta", code) for code, _ in _YOTTA_GPUS]
        self._models = {key: Model(*key) for key in names}
        # Those of the rate card stay: Yotta's fetcher would offer them from the card.
        self._absent = self._random.sample([m for m in self._models.values() if m.name not in _cards()], k=3)
        for model in self._absent:
            model.offered = False

    def move(self) -> None:
        """Another night: what it brings is seeded."""
        for model in self._models.values():
            if self._random.random() < 0.4:
                model.drift = min(1.2, max(0.85, model.drift * self._random.uniform(0.97, 1.03)))
        if self._random.random() < 0.15:
            model = self._random.choice(list(self._models.values()))
            model.jumped = not model.jumped
        if self._random.random() < 0.15:  # one comes, another goes
            comes = self._absent.pop(0)
            goes = self._random.choice([m for m in self._models.values() if m.offered and m.name not in _cards()])
            comes.offered, goes.offered = True, False
            self._absent.append(goes)
        self.glitch = self._random.choice(CLOUDS) if self._random.random() < 0.05 else None
        self.nights.append({"yotta": self._yotta(), "lambda": self._lambda_cloud(), "runpod": self._runpod()})

    def known(self, cloud: str) -> list[Prices]:
        """The prices of a cloud as they were together, night by night; of Yotta, also those of the rate card."""
        card = [_yotta_pods(key, Decimal(_YOTTA_GPUS[key][0])) for key in _RATE_CARD]
        former = [{name: price for pods in card for name, price in pods.items()}] if cloud == "yotta" else []
        return former + [night[cloud] for night in self.nights]

    def _of(self, cloud: str, name: str) -> Model:
        return self._models[cloud, name]

    def _shown(self, cloud: str, price: Decimal) -> Decimal:
        """The price as the API says it tonight."""
        return price * 100 if cloud == self.glitch else price

    def _yotta(self) -> Prices:
        prices: Prices = {}
        self.data.yotta_gpus = []
        for (code, region), (first, vcpus, memory_gb) in _YOTTA_GPUS.items():
            model = self._of("yotta", code)
            if model.offered:
                price = round(Decimal(first) * model.factor, 3)
                prices |= _yotta_pods((code, region), price)
                self.data.yotta_gpus.append({
                    "gpuType": code, "region": region, "cloudType": "SECURE",
                    "singleCardPrice": str(self._shown("yotta", price)),
                    "singleCardVcpu": vcpus, "singleCardRamInGb": memory_gb,
                })  # fmt: skip
        return prices

    def _lambda_cloud(self) -> Prices:
        prices: Prices = {}
        self.data.lambda_types = {}
        for name, entry in self._lambda.items():
            model = self._of("lambda", _lambda_model(entry))
            if model.offered:
                cents = round(entry["instance_type"]["price_cents_per_hour"] * model.factor)
                shown = entry["instance_type"] | {
                    "price_cents_per_hour": int(self._shown("lambda", Decimal(cents)))
                }
                regions = [region for region in self.data.lambda_regions if self._random.random() < 0.3]
                self.data.lambda_types[name] = {"instance_type": shown, "regions_with_capacity_available": regions}
                prices |= {(name, region["name"]): Decimal(cents) / 100 for region in self.data.lambda_regions}
        return prices

    def _runpod(self) -> Prices:
        prices: Prices = {}
        self.data.runpod_gpus, self.data.runpod_cpus = [], []
        names, countries = _runpod_names(), {row["id"]: row["country"] for row in data_rows("runpod_sites")}

        def offer(listing: str, size: int, price: Decimal) -> None:
            prices.update({(names[listing, size], countries[site]): price for site in _RUNPOD_SITES})

        for entry in self._gpus:
            model = self._of("runpod", entry["id"])
            if model.offered:
                price = round(Decimal(str(entry["price"]["secure"])) * model.factor, 2)
                shown = float(self._shown("runpod", price))
                stock = [
                    {"id": site, "availability": self._random.choice(("HIGH", "LOW", "NONE"))}
                    for site in _RUNPOD_SITES
                ]
                self.data.runpod_gpus.append(
                    entry
                    | {"price": entry["price"] | {"secure": shown}, "availability": "LOW", "dataCenters": stock}
                )
                # GraphQL repeats the price as that of spot: there is none.
                by_id(self.data.graphql_gpu_types, entry["id"]).update(securePrice=shown, secureSpotPrice=shown)
                for count in range(1, entry["maxCount"]["secure"] + 1):
                    offer(entry["id"], count, price * count)
        for entry in self._cpus:
            model = self._of("runpod", entry["id"])
            if model.offered:
                price = round(Decimal(str(entry["price"]["securePerVcpu"])) * model.factor, 4)
                shown = float(self._shown("runpod", price))
                self.data.runpod_cpus.append(entry | {"price": entry["price"] | {"securePerVcpu": shown}})
                for vcpus in (2, 4, 8, 16, 32):
                    offer(entry["id"], vcpus, price * vcpus)
        return prices


def _cards() -> set[str]:
    return {code for code, _ in _RATE_CARD}


def _lambda_model(entry: Mapping[str, Any]) -> str:
    """Types of one GPU move together; a CPU type has no GPU."""
    facts = entry["instance_type"]
    return str(facts["gpu_description"] if facts["specs"]["gpus"] else facts["name"])


def _yotta_pods(key: tuple[str, str], price: Decimal) -> Prices:
    code, region = key
    _, vcpus, memory_gb = _YOTTA_GPUS[key]
    return {
        (f"{count}x{vcpus * count}v{memory_gb * count}g_{code}_SECURE", region): price * count for count in _COUNTS
    }


def _runpod_names() -> dict[tuple[str, int], str]:
    """Instance type by RunPod's id and the number of GPUs, or of vCPUs: those of the samples, which launch."""
    return {
        (str(row.listing), int(row.accelerator_count or row.vcpus)): row.instance_type
        for row in read_offers(CATALOGS / "v8" / "runpod" / "offers.jsonl")
    }
