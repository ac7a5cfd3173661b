"""gpu-catalog: prices of GPU clouds that one can trust.

The light half of the project: what reads catalogs and knows names, sizes and units. It imports the standard
library only; the halves that produce catalogs (`schemas`, `fetchers`, `publisher`) import it, never the
other way round. What is listed in `__all__` is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gpu_catalog.errors import (
    BadCatalogFile,
    BadGpuInfo,
    BadInstanceType,
    BadPrice,
    BadQuantity,
    BadQuestion,
    BadSettings,
    BadTask,
    CannotInstall,
    GpuCatalogError,
    NoCatalog,
    NotOffered,
    SyncFailed,
)

if TYPE_CHECKING:
    from gpu_catalog.accelerators import Accelerator, AcceleratorTable, accelerator_table
    from gpu_catalog.catalog import Catalog
    from gpu_catalog.cost_estimate import CostEstimate
    from gpu_catalog.estimate import estimate_cost
    from gpu_catalog.gpu_info import GpuInfo, format_gpu_info, parse_gpu_info
    from gpu_catalog.manifest import Manifest, parse_manifest, read_manifest
    from gpu_catalog.offering import MARKS, Offering, Skipped
    from gpu_catalog.offers import Offer
    from gpu_catalog.priced_offer import PricedOffer
    from gpu_catalog.reading import read_offers, read_vms_csv

__version__ = "0.1.0"

__all__ = [
    "MARKS",
    "Accelerator",
    "AcceleratorTable",
    "BadCatalogFile",
    "BadGpuInfo",
    "BadInstanceType",
    "BadPrice",
    "BadQuantity",
    "BadQuestion",
    "BadSettings",
    "BadTask",
    "CannotInstall",
    "Catalog",
    "CostEstimate",
    "GpuCatalogError",
    "GpuInfo",
    "Manifest",
    "NoCatalog",
    "NotOffered",
    "Offer",
    "Offering",
    "PricedOffer",
    "Skipped",
    "SyncFailed",
    "accelerator_table",
    "estimate_cost",
    "format_gpu_info",
    "parse_gpu_info",
    "parse_manifest",
    "read_manifest",
    "read_offers",
    "read_vms_csv",
]

_HOMES = {
    "accelerators": "Accelerator AcceleratorTable accelerator_table",
    "catalog": "Catalog",
    "cost_estimate": "CostEstimate",
    "priced_offer": "PricedOffer",
    "estimate": "estimate_cost",
    "gpu_info": "GpuInfo format_gpu_info parse_gpu_info",
    "manifest": "Manifest parse_manifest read_manifest",
    "offering": "MARKS Offering Skipped",
    "offers": "Offer",
    "reading": "read_offers read_vms_csv",
}
"""Module by module, the names that it gives to the package."""


def __getattr__(name: str) -> object:
    """Import what is asked for; a command that reads prices need not load what installs them."""
    for module, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(importlib.import_module(f"gpu_catalog.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """All names, imported or not."""
    return sorted({*globals(), *__all__})
