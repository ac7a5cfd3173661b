"""GCP: a GPU and the host machine it needs are two rows of the catalog, priced apart; nobody can rent one alone.

Which hosts carry which GPU is `gcp_hosts.csv` beside this module (SkyPilot 0.14.1). The price is that of the GPU
row and of a host row in the same region and zone; never the sum of two minima from different places.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path

from gpu_catalog.accelerators import name_key
from gpu_catalog.numbers import COUNT_TOLERANCE
from gpu_catalog.prices import LineTest, PriceLine, any_line
from gpu_catalog.skypilot_csv import SkyPilotRows

_TABLE = Path(__file__).with_name("gcp_hosts.csv")
_ANY = "*"
ATTACHABLE = ("n1-standard-", "n1-highmem-", "n1-highcpu-")
"""Families to which GPUs are attached; they are rented without GPUs too."""
_WITH_GPUS = ("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-")
"""Families that never come without GPUs; one that the table does not know cannot be priced."""
_GIB_PER_VCPU = 4
"""Memory that a host of the n1 family must have, per vCPU that the GPU asks for."""


@dataclass(frozen=True, slots=True)
class _Hosts:
    """What carries so many GPUs of one model."""

    accelerator: str
    """Name of the model, or `*` for every model without rows of its own."""

    count: int
    """GPUs."""

    names: tuple[str, ...]
    """Exactly these machines, which come with no other GPU; empty where any n1 machine of the size will do."""

    vcpus: int
    """vCPUs of the least n1 machine; 0 where names are given."""


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[_Hosts, ...]]:
    """What carries each model, by its `name_key`."""
    rows: dict[str, list[_Hosts]] = defaultdict(list)
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names = tuple(filter(None, row["host"].split(";")))
            hosts = _Hosts(row["accelerator"], int(row["count"]), names, int(row["host_vcpus"] or 0))
            rows[name_key(hosts.accelerator)].append(hosts)
    return {key: tuple(hosts) for key, hosts in rows.items()}


def _hosts_for(gpu: str, count: float) -> _Hosts | None:
    rows = _table().get(name_key(gpu)) or _table()[_ANY]
    return next((hosts for hosts in rows if abs(hosts.count - count) <= COUNT_TOLERANCE), None)


class GcpRows:
    """GCP's file: the rows of SkyPilot's form, put together into what can be rented."""

    def __init__(self, rows: SkyPilotRows) -> None:
        self._rows = rows
        self._by_place: dict[_Hosts, _ByPlace] = {}
        self.gpu_names: Mapping[str, str] = rows.gpu_names

    @property
    def regions(self) -> Mapping[str, str]:
        """The catalog's spelling of every region, by its name in lower case."""
        return self._rows.regions

    @property
    def instance_types(self) -> Collection[str]:
        """Every host machine."""
        return self._rows.instance_types

    @cached_property
    def _attachable(self) -> list[PriceLine]:
        return list(self._rows.of_types_with(ATTACHABLE))

    def with_gpu(self, key: str, fits: LineTest = any_line) -> Sequence[PriceLine]:
        """Lines with an accelerator: in each zone with the host of a size that has the lowest on-demand price."""
        lines: list[PriceLine] = []
        for gpu in self._rows.with_gpu(key):
            if not gpu.instance_type:
                lines += filter(fits, self._put_together(gpu, fits))
            elif fits(gpu):
                lines.append(gpu)
        return lines

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """Lines of a host machine: with its GPUs where it never comes without them."""
        hosts = self._rows.of_type(instance_type)
        if whole := [line for line in hosts if line.gpu is not None]:
            return whole
        carried = next((h for rows in _table().values() for h in rows if instance_type in h.names), None)
        if carried is None:
            return [] if instance_type.startswith(_WITH_GPUS) else hosts
        by_place = _cheapest_by_place(hosts)
        return [
            line
            for gpu in self._rows.with_gpu(name_key(carried.accelerator))
            if not gpu.instance_type and abs((gpu.gpu_count or 0) - carried.count) <= COUNT_TOLERANCE
            for line in _with_hosts(gpu, by_place)
        ]

    def _put_together(self, gpu: PriceLine, fits: LineTest) -> Iterator[PriceLine]:
        hosts = _hosts_for(gpu.gpu or "", gpu.gpu_count or 0)
        if hosts is None:
            return iter(())
        if fits is not any_line:
            sized = (line for line in self._fitting(hosts) if fits(line))
            return _with_hosts(gpu, _cheapest_by_place(sized))
        if hosts not in self._by_place:
            self._by_place[hosts] = _cheapest_by_place(self._fitting(hosts))
        return _with_hosts(gpu, self._by_place[hosts])

    def _fitting(self, hosts: _Hosts) -> Iterator[PriceLine]:
        for name in hosts.names:
            yield from self._rows.of_type(name)
        if not hosts.names:
            for line in self._attachable:
                if (line.vcpus or 0) >= hosts.vcpus and (line.memory_gib or 0) >= _GIB_PER_VCPU * hosts.vcpus:
                    yield line


_ByPlace = Mapping[tuple[str, str], PriceLine]


def _cheapest_by_place(hosts: Iterable[PriceLine]) -> _ByPlace:
    """The host with the lowest on-demand price in each region and zone."""
    best: dict[tuple[str, str], PriceLine] = {}
    prices: dict[tuple[str, str], Decimal] = {}
    for host in hosts:
        if host.on_demand is not None and host.gpu is None:
            for site in host.sites:
                place = (site.region, site.zone)
                if place not in prices or host.on_demand < prices[place]:
                    best[place], prices[place] = host, host.on_demand
    return best


def _with_hosts(gpu: PriceLine, by_place: _ByPlace) -> Iterator[PriceLine]:
    """The GPU line with the host of each of its zones; a zone without a host offers nothing."""
    for site in gpu.sites:
        if (host := by_place.get((site.region, site.zone))) is not None:
            yield replace(
                host,
                gpu=gpu.gpu,
                gpu_count=gpu.gpu_count,
                gpu_memory_mib=gpu.gpu_memory_mib,
                on_demand=_sum(gpu.on_demand, host.on_demand),
                spot=_sum(gpu.spot, host.spot),
                sites=(site,),
            )


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Unknown when either part is."""
    return None if one is None or other is None else one + other
