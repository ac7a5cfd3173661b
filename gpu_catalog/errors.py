"""Everything that `gpu_catalog` raises on purpose.

One base, `GpuCatalogError`; the rest say which kind of input was at fault. All of them are ValueErrors too,
because each one means "this text does not say what it should".
"""

from __future__ import annotations


class GpuCatalogError(ValueError):
    """Base of every error that this package raises."""


class BadPrice(GpuCatalogError):
    """A figure that is no usable price: not a number, not above zero, not finite, or too many decimals."""


class BadQuantity(GpuCatalogError):
    """A count or size that is no plain positive number."""


class BadGpuInfo(GpuCatalogError):
    """A GpuInfo cell that SkyPilot could not read."""


class BadInstanceType(GpuCatalogError):
    """An instance type that does not follow its cloud's grammar."""


class BadCatalogFile(GpuCatalogError):
    """A `vms.csv`, `offers.jsonl` or manifest that does not parse to its end."""


class NoCatalog(GpuCatalogError):
    """A place where a catalog was looked for and none is."""


class NotOffered(GpuCatalogError):
    """A question about an instance type, region, zone or price that the catalog does not have."""


class CannotInstall(GpuCatalogError):
    """Catalogs that cannot be put where SkyPilot reads them, or taken away again."""


class SyncFailed(GpuCatalogError):
    """No site had a publication that could be verified, or the cache cannot be written."""


class BadSettings(GpuCatalogError):
    """The user's `config.toml` or `overrides.toml` cannot be read or says something that it cannot."""


class BadQuestion(GpuCatalogError):
    """A question for a price that is malformed: it could be answered by no catalog."""


class BadTask(GpuCatalogError):
    """A task file that cannot be read, or that names nothing to be priced."""
