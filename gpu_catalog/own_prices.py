"""The user's own prices: discounts and negotiated rates, laid over the catalogs' list prices.

`~/.config/gpu-catalog/overrides.toml`, by cloud; what names an instance type takes the place of what names an
accelerator, and that of what holds for the whole cloud. Prices are those of the whole instance, on GCP of the GPU
with its host.

    [aws]
    discount_percent = 12                      # of the on-demand price
    spot_discount_percent = 0

    [aws.accelerators.H100]
    price_usd_per_gpu_hour = 2.5               # every instance with H100s: times their number

    [lambda.instance_types.gpu_8x_h100_sxm5]
    price_usd_per_hour = 25.0                  # the whole instance
    spot_price_usd_per_hour = 11.0
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from gpu_catalog.accelerators import name_key
from gpu_catalog.cloud_names import cloud_named
from gpu_catalog.errors import BadSettings, GpuCatalogError
from gpu_catalog.numbers import PRICE_DECIMALS, parse_price
from gpu_catalog.places import read_toml
from gpu_catalog.prices import PriceLine, as_listed
from gpu_catalog.texts import printable, shown

OVERRIDES_NAME = "overrides.toml"
"""In `places.config_folder()`."""

_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_Key = tuple[str, str, str]
"""Cloud, kind of rule, and what it holds for."""
_GROUPS = ("accelerators", "instance_types")


@dataclass(frozen=True, slots=True)
class _Rule:
    """What holds for one cloud, accelerator or instance type; None where nothing is said."""

    where: str
    """For people: `aws`, `H100 on aws`."""

    discount_percent: Decimal | None
    """Off the on-demand price."""

    spot_discount_percent: Decimal | None
    """Off the spot price."""

    on_demand: Decimal | None
    """Own on-demand price, USD per hour: of the instance, or of one GPU for an accelerator."""

    spot: Decimal | None
    """Own spot price, of the same scope."""

    per_gpu: bool
    """Whether the prices are those of one GPU."""

    def applied(self, line: PriceLine) -> PriceLine:
        """The line at its own prices."""
        scale = Decimal(str(line.gpu_count)) if self.per_gpu and line.gpu_count else Decimal(1)
        on_demand = _price(line.on_demand, self.on_demand, self.discount_percent, scale)
        spot = _price(line.spot, self.spot, self.spot_discount_percent, scale)
        if (on_demand, spot) == (line.on_demand, line.spot):
            return line
        return replace(line, on_demand=on_demand, spot=spot, own_price=f"{self._said()} for {self.where}")

    def _said(self) -> str:
        discounts = {
            "": self.discount_percent if self.on_demand is None else None,
            "spot ": self.spot_discount_percent if self.spot is None else None,
        }
        said = [f"{kind}{percent.normalize():f} % off" for kind, percent in discounts.items() if percent]
        own = ["own price"] if self.on_demand is not None or self.spot is not None else []
        return ", ".join(own + said)


def _price(listed: Decimal | None, own: Decimal | None, percent: Decimal | None, scale: Decimal) -> Decimal | None:
    if own is not None:
        return (own * scale).quantize(_STEP).normalize()
    if listed is None or percent is None:
        return listed
    return max((listed * (100 - percent) / 100).quantize(_STEP).normalize(), _STEP)  # A price is never 0.


class OwnPrices:
    """All overrides of a user."""

    def __init__(self, rules: Mapping[_Key, _Rule]) -> None:
        self._rules = rules

    def clouds(self) -> set[str]:
        """The clouds that rules are about."""
        return {cloud for cloud, _, _ in self._rules}

    def of(self, cloud: str) -> Callable[[PriceLine], PriceLine]:
        """What turns a cloud's line into the same line at the user's prices."""
        rules = {key[1:]: rule for key, rule in self._rules.items() if key[0] == cloud}

        def applied(line: PriceLine) -> PriceLine:
            rule = next((rules[key] for key in _keys(cloud, line) if key in rules), None)
            return line if rule is None else rule.applied(line)

        return applied if rules else as_listed


def _keys(cloud: str, line: PriceLine) -> Iterator[tuple[str, str]]:
    """What rules may hold for a line, the most specific first."""
    # The own price of a machine of GCP that is rented without GPUs too says nothing of it with one.
    if cloud != "gcp" or line.gpu is None or not _is_attachable(line.instance_type):
        yield "instance_types", line.instance_type.lower()
    if line.gpu is not None:
        yield "accelerators", name_key(line.gpu)
    yield "", ""


def _is_attachable(instance_type: str) -> bool:
    from gpu_catalog.gcp import ATTACHABLE  # Whoever asks has read GCP's file with it.

    return instance_type.startswith(ATTACHABLE)


def read_own_prices(path: Path) -> OwnPrices:
    """Read an `overrides.toml`; without one there are no own prices.

    Raises:
        BadSettings: it cannot be read, is no TOML, or says something that is no rule; the message names the place.
    """
    sections = read_toml(path)
    rules: dict[_Key, _Rule] = {}
    try:
        for key, rule in _rules(sections):
            if key in rules:
                raise BadSettings(f"{rule.where} is there twice, as {rules[key].where} too")
            rules[key] = rule
    except BadSettings as exc:
        raise BadSettings(f"{path}: {printable(str(exc)[:400])}") from exc
    return OwnPrices(rules)


def _rules(data: Mapping[str, Any]) -> Iterator[tuple[_Key, _Rule]]:
    for written, section in data.items():
        cloud = cloud_named(written)
        if not isinstance(section, dict):
            raise BadSettings(f"{written} is not below a cloud; write e.g. [aws] above it")
        own = {key: value for key, value in section.items() if key not in _GROUPS}
        if own:
            yield (cloud, "", ""), _rule(own, cloud, priced=False, per_gpu=False)
        for group in _GROUPS:
            for name, entry in _members(section.get(group, {}), f"{written}.{group}").items():
                key = name_key(name) if group == "accelerators" else name.lower()
                where = f"{name} on {cloud}"
                rule = _rule(_members(entry, where), where, priced=True, per_gpu=group == "accelerators")
                yield (cloud, group, key), rule


def _members(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadSettings(f"{where} is not a section")
    return value


def _rule(entry: Mapping[str, Any], where: str, *, priced: bool, per_gpu: bool) -> _Rule:
    unit = "usd_per_gpu_hour" if per_gpu else "usd_per_hour"
    prices = (f"price_{unit}", f"spot_price_{unit}") if priced else ()
    known = ("discount_percent", "spot_discount_percent", *prices)
    for key in entry:
        if key not in known:
            raise BadSettings(f"{where}: unknown key {key!r}; there are {', '.join(known)}")
    on_demand, spot = (_own(entry.get(key), where, key) for key in (*prices, "", "")[:2])
    return _Rule(
        where=where,
        discount_percent=_percent(entry.get("discount_percent"), where),
        spot_discount_percent=_percent(entry.get("spot_discount_percent"), where),
        on_demand=on_demand,
        spot=spot,
        per_gpu=per_gpu,
    )


def _own(value: object, where: str, key: str) -> Decimal | None:
    try:
        return None if value is None else parse_price(value)
    except GpuCatalogError as exc:
        raise BadSettings(f"{where}: {key}: {exc}") from exc


def _percent(value: object, where: str) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not Decimal(value).is_finite():
        raise BadSettings(f"{where}: a discount is a number of percent, not {shown(value)}")
    if not 0 <= value < 100:
        raise BadSettings(f"{where}: a discount is at least 0 and below 100 percent, not {shown(value)}")
    return Decimal(value)
