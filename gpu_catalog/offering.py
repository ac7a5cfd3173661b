"""The two things that a fetch results in: offerings, and what was skipped with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """One thing one can rent: an instance type in a region (and zone), with its price.

    `(instance_type, region, zone)` is the key within a cloud and schema version.
    """

    cloud: str
    """Cloud name as SkyPilot's catalog folders have it, lower case: `yotta`, `lambda`, `runpod`."""

    instance_type: str
    """Exactly what the cloud's launch API wants, e.g. `gpu_8x_h100_sxm5` or `8x_H100-SXM_SECURE`."""

    region: str
    """Region as the cloud spells it; an ISO 3166 country code on RunPod."""

    zone: str | None = None
    """Availability zone (RunPod: data center id). None on clouds without zones, in every row or in none."""

    vcpus: float
    """Virtual CPUs of the whole instance."""

    memory_gib: float
    """Main memory of the whole instance in GiB (the cloud's GB figure where it does not say which it means)."""

    price_usd_per_hour: Decimal
    """On-demand price of the whole instance, USD per hour, above zero, at most six decimals."""

    spot_price_usd_per_hour: Decimal | None = None
    """Spot price of the whole instance, USD per hour. None where there is no spot or it is not known."""

    accelerator_name: str | None = None
    """Canonical name from `accelerators.csv`, e.g. `A100-80GB`. None for a CPU instance."""

    accelerator_count: float | None = None
    """Accelerators in the whole instance; None exactly where `accelerator_name` is None."""

    accelerator_vendor: str | None = None
    """Maker of the accelerator as GpuInfo's Manufacturer, e.g. `NVIDIA`."""

    gpu_memory_mib: int | None = None
    """Memory of ONE accelerator in MiB (API figure in GB x 1024)."""

    arch: str | None = None
    """CPU architecture, `x86_64` or `arm64`; None when the cloud does not say."""

    instance_type_v7: str | None = None
    """Instance type in schema v7 where it differs from `instance_type` (Yotta); None where it is the same."""

    in_stock: bool | None = None
    """Whether it could be had when the API answered; None when the cloud does not say. Not in `vms.csv`."""

    launchable: bool = True
    """False where SkyPilot's launcher does not know the name, so that only other readers can use the row."""

    listing: str | None = None
    """The cloud's own id of what this row was made from, e.g. RunPod's GPU id `NVIDIA H100 80GB HBM3`."""

    source: str | None = None
    """Where the price came from: an endpoint, or a rate card with its public source."""

    observed_at: str | None = None
    """When the price was seen, UTC, `2026-11-22T02:30:00Z`; for a sample or a rate card the date of the fact."""

    marks: tuple[str, ...] = ()
    """What a buyer should know about the figures, sorted: see `MARKS`."""

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What identifies the row within its cloud."""
        return (self.instance_type, self.region, self.zone)

    @property
    def price_usd_per_gpu_hour(self) -> Decimal | None:
        """On-demand price of one accelerator, USD per hour, to six decimals; None for a CPU instance."""
        return None if self.accelerator_count is None else per_gpu(self.price_usd_per_hour, self.accelerator_count)


def per_gpu(price_usd_per_hour: Decimal, accelerator_count: float) -> Decimal:
    """What one accelerator of an instance costs, USD per hour, to six decimals.

    The only place where an instance price becomes a price per GPU.
    """
    return round(price_usd_per_hour / Decimal(str(accelerator_count)), 6)


MARKS = {
    "derived": "vCPUs or memory are SkyPilot's published figure, not the cloud's",
    "hand-entered": "the price was written down by somebody, not fetched",
    "inferred": "vCPUs or memory were scaled linearly from another count, or the pairing of names is a conclusion",
    "minimum": "vCPUs or memory are the least the cloud offered at that moment; it moves",
    "new-accelerator": "the accelerator is not in accelerators.csv; its name was made by the documented rule",
    "stale": "the price is older than the limit for hand-entered rates",
}
"""Every mark that an `Offering` may carry, with its meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something listed that did not become a row, and why. Counted, reported and published in the manifest."""

    cloud: str
    """Cloud name, as in `Offering.cloud`."""

    listing: str
    """The cloud's own id of the thing, or the instance type where the row itself was at fault."""

    rule: str
    """Short name of the rule that it broke, e.g. `no-price`, `not-offered`, `price-in-band`."""

    reason: str
    """One sentence for people, with the value that was at fault."""

    broken: bool
    """True for a defect in the data: it counts towards refusing the fetch. False for what the cloud itself marks
    as not offered or unpriced, and for what our own tables do not know yet."""

    accelerator: str | None = None
    """Accelerator concerned, if known: the canonical name, else the cloud's."""

    rows: int = 1
    """How many catalog rows are missing because of it (0 when that cannot be known)."""
