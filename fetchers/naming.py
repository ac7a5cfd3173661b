"""From a cloud's GPU id to the canonical accelerator, with one rule for what the table does not know."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fetchers.base import Unusable
from gpu_catalog.accelerators import Accelerator, accelerator_table, without_maker

_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9-]{0,63}", re.ASCII)
_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}


@dataclass(frozen=True, slots=True)
class ResolvedAccelerator:
    """What we call a cloud's GPU."""

    name: str
    """Canonical name, or the one made by `name_from_display`."""

    vendor: str | None
    """Maker; None when neither the table nor the cloud says."""

    known: Accelerator | None
    """Its row in the table; None for one that is not there."""

    listed: bool
    """Whether the table has the cloud's own id; if not, whoever runs the fetch is warned."""

    @property
    def marks(self) -> frozenset[str]:
        """The mark that a row of it carries, if any."""
        if self.known is None:
            return frozenset({"new-accelerator"})
        return frozenset() if self.listed else frozenset({"inferred"})


def resolve_accelerator(
    cloud: str, cloud_id: str, display_name: str, vendor: str | None = None
) -> ResolvedAccelerator:
    """Find `cloud_id` in the accelerator table, else make a name from `display_name`.

    Raises:
        Unusable: no name can be made, or the one that is made belongs to another GPU of this cloud.
    """
    table = accelerator_table()
    known = table.known_to(cloud, cloud_id)
    if known is not None:
        return ResolvedAccelerator(known.name, known.vendor, known, listed=True)
    name = name_from_display(display_name)
    if not _NAME.fullmatch(name):
        raise Unusable("no-name", f"{display_name[:60]!r} gives no accelerator name")
    known = table.named(name)
    if known is None:
        return ResolvedAccelerator(name, _VENDORS.get((vendor or "").lower()), None, listed=False)
    if any(alias_cloud == cloud for alias_cloud, _ in known.aliases):
        raise Unusable("name-taken", f"its name {name} belongs to another GPU of this cloud; add it to the table")
    return ResolvedAccelerator(known.name, known.vendor, known, listed=False)


def name_from_display(display_name: str) -> str:
    """A name in SkyPilot's way: `RTX PRO 6000` gives `RTXPRO6000`, `RTX 4000 Ada` gives `RTX4000-Ada`.

    The maker's own name in front is dropped, so that no accelerator is called NVIDIA.
    """
    name = without_maker(display_name).replace("RTX PRO ", "RTXPRO").replace("RTX ", "RTX")
    return re.sub(r"[\s_]+", "-", name)
