"""A reader that knows nothing of our code: it follows the pointer and holds every file against its hash.

What it got is judged afterwards, since a publication never changes: do all rules hold, do its files say the same,
and did every price really stand in the market on one night?
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gpu_catalog import Catalog
from publisher.folder_store import FolderStore
from publisher.store import Store
from schemas import validate_catalog
from schemas.parquet import read_parquet
from tests.trust.market import Prices

BETWEEN_READS_SECONDS = 0.01


class Violation(Exception):
    """What no reader may ever see."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One publication as a reader got it."""

    manifest: Mapping[str, Any]
    """Its manifest, parsed."""

    files: Mapping[str, bytes]
    """Every file that the manifest lists, by its path."""

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.manifest["id"])

    def offers(self, cloud: str, version: str = "v8") -> list[dict[str, Any]]:
        """What `offers.jsonl` says, prices exactly."""
        text = self.files.get(f"{version}/{cloud}/offers.jsonl", b"").decode()
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    def prices(self, cloud: str) -> Prices:
        """USD per hour by (instance type, region)."""
        return {
            (offer["instance_type"], region): Decimal(offer["price_usd_per_hour"])
            for offer in self.offers(cloud)
            for region in offer["regions"]
        }


def look(store: Store) -> Seen | None:
    """What a reader gets who follows the pointer; None before the first publication.

    Raises:
        Violation: the publication is not there, not whole or not the one that is pointed to.
    """
    pointer = store.get("latest.json")
    if pointer is None:
        return None
    facts = json.loads(pointer.content)
    content = _read(store, f"publications/{facts['id']}/manifest.json", facts["sha256"])
    manifest = json.loads(content)
    if manifest["id"] != facts["id"]:
        raise Violation(f"the pointer says {facts['id']}, its manifest {manifest['id']}")
    listed = {**manifest["files"], **manifest["parquet"]}
    return Seen(
        manifest,
        {
            name: _read(store, f"publications/{facts['id']}/{name}", entry["sha256"])
            for name, entry in listed.items()
        },
    )


def _read(store: Store, key: str, sha256: str) -> bytes:
    stored = store.get(key)
    if stored is None:
        raise Violation(f"{key} is not there")
    if hashlib.sha256(stored.content).hexdigest() != sha256:
        raise Violation(f"{key} is another file than its hash says")
    return stored.content


class Onlooker:
    """Reads in a thread while others publish, and keeps what it got."""

    def __init__(self, store: Store) -> None:
        self.reads = 0
        self.violations: list[str] = []
        self.unjudged: dict[str, Seen] = {}
        """Publications that nobody has judged yet, by id."""
        self._judged: set[str] = set()
        self._store = store

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Read all the time meanwhile, and once at the end."""
        stop = threading.Event()
        thread = threading.Thread(target=self._watch, args=(stop,), name="onlooker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.look()

    def look(self) -> Seen | None:
        """Read once, as a stranger does and, in a folder, with our own reader too."""
        try:
            seen = look(self._store)
            if seen is not None:
                if isinstance(self._store, FolderStore):
                    _ = Catalog.load(self._store.path).clouds
                if seen.id not in self._judged:
                    self.unjudged[seen.id] = seen
        except Exception as exc:  # noqa: BLE001 - whatever a reader stumbles over is what we are here to find
            self.violations.append(f"{type(exc).__name__}: {exc}")
            return None
        self.reads += 1
        return seen

    def judge(self, known: Mapping[str, list[Prices]]) -> None:
        """Hold what was read against the rules, against itself and against the market."""
        for publication, seen in self.unjudged.items():
            self.violations += [f"{publication}: {wrong}" for wrong in _wrong(seen, known)]
            self._judged.add(publication)
        self.unjudged.clear()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(BETWEEN_READS_SECONDS):
            self.look()


def _wrong(seen: Seen, known: Mapping[str, list[Prices]]) -> Iterator[str]:
    for cloud, entry in seen.manifest["clouds"].items():
        if entry["state"] != "failed":
            # The rules of v7 are among those of v8, and a run of them takes a fifth of a second: v7 has to say the
            # same here, and `publish-catalog validate` looks at it now and then.
            report = validate_catalog(seen.files[f"v8/{cloud}/vms.csv"], cloud, "v8")
            if not report.ok:
                yield f"{cloud}: {report.to_text()}"
            for version in seen.manifest["schemas"]:
                yield from _contradictions(seen, cloud, version)
            yield from _untrue_prices(seen, cloud, known[cloud])


def _contradictions(seen: Seen, cloud: str, version: str) -> Iterator[str]:
    """Whether the files of a cloud are of one fetch: CSV, JSON lines and Parquet, and those of both versions."""
    offers = seen.offers(cloud, version)
    said = {
        (offer["instance_type"], region, zone): Decimal(offer["price_usd_per_hour"])
        for offer in offers
        for region, zones in offer["regions"].items()
        for zone in zones or [""]
    }
    rows = csv.DictReader(io.StringIO(seen.files[f"{version}/{cloud}/vms.csv"].decode()))
    in_csv = {
        (row["InstanceType"], row["Region"], row.get("AvailabilityZone") or ""): Decimal(row["Price"])
        for row in rows
    }
    in_parquet = {
        (row.instance_type, row.region, row.zone or ""): row.price_usd_per_hour
        for row in read_parquet(seen.files[f"{version}/{cloud}/vms.parquet"])
    }
    in_newest = {
        (offer["instance_type_v7"] or offer["instance_type"], region, Decimal(offer["price_usd_per_hour"]))
        for offer in seen.offers(cloud)
        for region in offer["regions"]
    }
    if not said == in_csv == in_parquet:
        yield f"{version} of {cloud}: offers.jsonl, vms.csv and vms.parquet are not of one fetch"
    if version == "v7" and in_newest != {(name, region, price) for (name, region, _), price in said.items()}:
        yield f"{cloud}: v7 and v8 are not of one fetch"


def _untrue_prices(seen: Seen, cloud: str, known: list[Prices]) -> Iterator[str]:
    """The gate keeps an accelerator as a whole: all of its prices must have stood on one and the same night."""
    groups: dict[str, Prices] = defaultdict(dict)
    for offer in seen.offers(cloud):
        if offer["spot_price_usd_per_hour"] is not None:
            yield f"{cloud}: {offer['instance_type']} has a spot price, and there was no spot"
        group = groups[offer["accelerator_name"] or offer["listing"]]
        group |= {
            (offer["instance_type"], region): Decimal(offer["price_usd_per_hour"]) for region in offer["regions"]
        }
    for name, prices in groups.items():
        if not any(prices.items() <= night.items() for night in reversed(known)):
            yield f"{cloud}: the prices of {name} never stood together: {dict(list(prices.items())[:3])}"
