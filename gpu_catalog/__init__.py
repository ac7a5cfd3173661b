"""gpu-catalog: prices of GPU clouds that one can trust.

The light half of the project: what reads catalogs and knows names, sizes and units. It imports the standard
library only; the halves that produce catalogs (`schemas`, `fetchers`, `publisher`) import it, never the
other way round.
"""

from __future__ import annotations

from gpu_catalog.accelerators import Accelerator, AcceleratorTable, accelerator_table
from gpu_catalog.catalog import Catalog
from gpu_catalog.errors import (
    BadCatalogFile,
    BadGpuInfo,
    BadInstanceType,
    BadPrice,
    BadQuantity,
    CannotInstall,
    GpuCatalogError,
    NoCatalog,
    NotOffered,
    SyncFailed,
)
from gpu_catalog.gpu_info import GpuInfo, format_gpu_info, parse_gpu_info
from gpu_catalog.manifest import Manifest, parse_manifest, read_manifest
from gpu_catalog.offering import MARKS, Offering, Skipped
from gpu_catalog.offers import Offer
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
    "CannotInstall",
    "Catalog",
    "GpuCatalogError",
    "GpuInfo",
    "Manifest",
    "NoCatalog",
    "NotOffered",
    "Offer",
    "Offering",
    "Skipped",
    "SyncFailed",
    "accelerator_table",
    "format_gpu_info",
    "parse_gpu_info",
    "parse_manifest",
    "read_manifest",
    "read_offers",
    "read_vms_csv",
]
