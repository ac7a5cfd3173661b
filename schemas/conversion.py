"""From offerings to the rows of one schema version. Fetched once, converted down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from gpu_catalog.offering import Offering
from schemas.columns import SCHEMA_VERSIONS, versions_until


def convert(offerings: Iterable[Offering], version: str) -> list[Offering]:
    """Return the offerings as `version` has them, in their order; see `convert_with_places`."""
    return [row for _, row in convert_with_places(offerings, version)]


def convert_with_places(offerings: Iterable[Offering], version: str) -> list[tuple[int, Offering]]:
    """Return pairs (place of an offering in `offerings`, the row that it becomes in `version`), in their order.

    In v8 each offering is its own row, unchanged. In v7 several instance types may be one (`instance_type_v7`), and
    a type must have one size: all its rows get the least vCPUs and memory of any of them. Where several of them
    are on offer at one site, the smallest (of these the cheapest) becomes the row and the others have none.

    Raises:
        SchemaError: no such schema version.
    """
    offerings = list(offerings)
    if versions_until(version) == SCHEMA_VERSIONS:
        return list(enumerate(offerings))
    least: dict[str, tuple[float, float]] = {}
    smallest: dict[tuple[str, str, str | None], tuple[float, float, Decimal, str]] = {}
    for offering in offerings:
        name = offering.instance_type_v7
        if name is not None:
            vcpus, memory_gib = least.get(name, (offering.vcpus, offering.memory_gib))
            least[name] = (min(vcpus, offering.vcpus), min(memory_gib, offering.memory_gib))
            site = (name, offering.region, offering.zone)
            smallest[site] = min(smallest.get(site, _size(offering)), _size(offering))

    pairs = []
    for place, offering in enumerate(offerings):
        name = offering.instance_type_v7
        if name is None:
            pairs.append((place, offering))
        elif smallest[name, offering.region, offering.zone][-1] == offering.instance_type:
            vcpus, memory_gib = least[name]
            row = replace(offering, instance_type=name, instance_type_v7=None, vcpus=vcpus, memory_gib=memory_gib)
            pairs.append((place, row))
    return pairs


def _size(offering: Offering) -> tuple[float, float, Decimal, str]:
    return (offering.vcpus, offering.memory_gib, offering.price_usd_per_hour, offering.instance_type)
