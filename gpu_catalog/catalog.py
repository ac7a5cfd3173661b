"""The reader: published catalogs as something to ask.

A root is a folder of ours (`latest.json` and `publications/`, or `manifest.json` and the files it lists), or a bare
tree of `vms.csv` files. A catalog is read whole before any of it is seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from gpu_catalog.errors import BadCatalogFile, NoCatalog
from gpu_catalog.manifest import Manifest
from gpu_catalog.numbers import COUNT_TOLERANCE
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer
from gpu_catalog.pointer import PUBLICATIONS
from gpu_catalog.roots import find_root, synced_copy, url_of
from gpu_catalog.snapshot import CloudOffers, Snapshot, is_current, read_snapshot


class Catalog:
    """Published catalogs of all clouds in one place, for lookups.

    `refresh()` moves to a newer publication: it is read and checked whole, then takes the place of the old one in
    a single step. What cannot be read changes nothing and is told in `problem`.
    """

    def __init__(self, root: Path, snapshot: Snapshot) -> None:
        self.root = root
        """The folder it reads."""
        self.problem: str | None = None
        """Why the last `refresh()` kept the old publication; None when it did not have to."""
        self._snapshot = snapshot
        self._url: str | None = None

    @classmethod
    def load(cls, root: str | os.PathLike[str] | None = None) -> Catalog:
        """Read the catalogs at `root`, else at GPU_CATALOG_ROOT, else the synced cache, else the bundled copy.

        Args:
            root: a folder, or a `file://`, `https://` (on loopback also `http://`) URL. What is at a URL is synced
                into a cache of its own first; when that fails, the last good copy there is read and `problem` set.

        Raises:
            NoCatalog: there is no catalog at the place; the message says what would be one.
            BadCatalogFile: there is one that is damaged, of a newer format, or a mixture of two publications.
        """
        folder, problem = find_root(root)
        catalog = cls(folder, read_snapshot(folder))
        catalog.problem = problem
        catalog._url = url_of(root)
        return catalog

    @property
    def clouds(self) -> Mapping[str, CloudOffers]:
        """What each cloud offers, by cloud name."""
        return self._snapshot.clouds

    @property
    def snapshot(self) -> Snapshot:
        """What is being read now; hold on to it to ask several questions about the same publication."""
        return self._snapshot

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of what is being read; None for a bare tree."""
        return self._snapshot.manifest

    @property
    def folder(self) -> Path:
        """The folder that holds the files being read: the root, or the publication that it points to."""
        pointed = self._snapshot.pointer is not None and self.manifest is not None
        return self.root / PUBLICATIONS / self.manifest.id if pointed and self.manifest else self.root

    def refresh(self) -> bool:
        """Read the root again (a URL is synced first); True when something new is now being read, whole.

        Raises nothing for a root that went bad: the last good publication stays, `problem` says why.
        """
        problem = None
        try:
            if self._url is not None:
                _, problem = synced_copy(self._url)
            if is_current(self.root, self._snapshot):
                self.problem = problem
                return False
            snapshot = read_snapshot(self.root)
        except (BadCatalogFile, NoCatalog, OSError) as exc:
            self.problem = str(exc)
            return False
        self.problem = problem
        changed = snapshot.manifest is None or self.manifest is None or snapshot.manifest.id != self.manifest.id
        self._snapshot = snapshot
        return changed

    def offers(self, accelerator: str, count: float = 1, *, cloud: str | None = None) -> Iterator[Offer]:
        """All offers of `count` accelerators of this name (whole name, case ignored) in one instance."""
        name = accelerator.lower()
        clouds = self.clouds.values() if cloud is None else filter(None, [self.clouds.get(cloud.lower())])
        for offered in clouds:
            for offer in offered.by_accelerator.get(name, ()):
                if abs((offer.offering.accelerator_count or 0) - count) <= COUNT_TOLERANCE:
                    yield offer

    def cheapest(
        self, accelerator: str, count: float = 1, *, cloud: str | None = None, use_spot: bool = False
    ) -> Offering | None:
        """The cheapest offering of `count` accelerators of this name, or None.

        On equal price the first in the order of clouds and of their catalogs. With `use_spot` only offerings with a
        known spot price count.
        """
        best: tuple[Decimal, Offering] | None = None
        for offer in self.offers(accelerator, count, cloud=cloud):
            facts = offer.offering
            price = facts.spot_price_usd_per_hour if use_spot else facts.price_usd_per_hour
            if price is not None and (best is None or price < best[0]):
                best = price, facts
        return best and best[1]
