"""One run of `fetch-catalog`: fetch side by side, judge, publish each cloud as it comes, and say how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from fetchers import Fetched, FetchError, SessionOptions
from gpu_catalog.manifest import CloudEntry, Manifest
from gpu_catalog.offering import Offering
from publisher.errors import PublishError
from publisher.fetching import FetchOutcome, defect, fetch_side_by_side
from publisher.folder import Folder
from publisher.publication import CloudCatalog, mark_unfetched, publish, unfetched_entry
from publisher.steady import with_steady_sizes
from schemas import SCHEMA_VERSIONS, RefusedFetch, SchemaError, accept, preload

Sites = Literal["all", "in-stock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What was asked for."""

    clouds: Sequence[str]
    """Cloud names, each once."""

    output: Path
    """Folder to publish into."""

    session: SessionOptions = field(default_factory=SessionOptions)
    """Network or recordings, deadline, keys."""

    versions: Sequence[str] = SCHEMA_VERSIONS
    """Schema versions to write; both are validated in any case."""

    sites: Sites = "all"
    """`in-stock` leaves out rows that the cloud says are out of stock now."""

    dry_run: bool = False
    """Fetch and validate, write nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudResult:
    """How the run ended for one cloud."""

    cloud: str
    """Cloud name."""

    entry: CloudEntry
    """State, counts, skipped, warnings and reason, as in the manifest."""

    cheapest_usd_per_gpu_hour: Decimal | None
    """Lowest on-demand price per accelerator fetched now; None when nothing was."""

    requests_made: int | None
    """HTTP requests, retries included; None when the fetch failed."""

    seconds: float
    """From the start of the run until the cloud was written, or had failed."""


def run(request: RunRequest, notify: Callable[[str, str], None] = lambda _cloud, _text: None) -> list[CloudResult]:
    """Fetch, validate and publish; returns one result per asked cloud, in the order asked.

    A cloud that fails harms no other and leaves its files as they were. When no cloud is fresh nothing is written.

    Raises:
        PublishError: the folder cannot be written or its manifest not be read; nothing was fetched.
    """
    folder = Folder(request.output)
    if not request.dry_run:
        folder.check_place()
    before = folder.manifest()
    results = {result.cloud: result for result in _results(request, folder, before, notify)}
    unfetched = {
        cloud: result.entry.reason or "" for cloud, result in results.items() if result.entry.state != "fresh"
    }
    if unfetched and len(unfetched) < len(results) and not request.dry_run:
        try:
            mark_unfetched(folder, unfetched)
        except PublishError as exc:
            # What is fresh is published; that the manifest does not name the failure is said here.
            results |= {
                cloud: _with_reason(results[cloud], f"(not noted in the manifest: {exc})") for cloud in unfetched
            }
    return [results[cloud] for cloud in request.clouds]


def exit_code(results: Sequence[CloudResult]) -> int:
    """0: every asked cloud fresh; 3: some fresh; 1: none."""
    fresh = [result.entry.state == "fresh" for result in results]
    return 0 if all(fresh) else 3 if any(fresh) else 1


def _results(
    request: RunRequest, folder: Folder, before: Manifest | None, notify: Callable[[str, str], None]
) -> Iterator[CloudResult]:
    """One result per cloud, in the order in which the fetches end."""
    started = time.monotonic()
    outcomes = fetch_side_by_side(request.clouds, request.session, notify)
    preload()  # Seconds of imports, while the clouds answer.
    for outcome in outcomes:
        try:
            result = _published(request, folder, before, outcome, notify, started)
            notify(outcome.cloud, f"{result.entry.rows} rows")
            yield result
        except Exception as exc:  # noqa: BLE001 - whatever one fetcher gave must not stop the others
            foreseen = isinstance(exc, (FetchError, RefusedFetch, PublishError, SchemaError))
            notify(outcome.cloud, "failed")
            yield CloudResult(
                cloud=outcome.cloud,
                entry=unfetched_entry(before, outcome.cloud, str(exc if foreseen else defect(outcome.cloud, exc))),
                cheapest_usd_per_gpu_hour=None,
                requests_made=None,
                seconds=time.monotonic() - started,
            )


def _with_reason(result: CloudResult, addition: str) -> CloudResult:
    return replace(result, entry=replace(result.entry, reason=f"{result.entry.reason} {addition}"))


def _published(
    request: RunRequest,
    folder: Folder,
    before: Manifest | None,
    outcome: FetchOutcome,
    notify: Callable[[str, str], None],
    started: float,
) -> CloudResult:
    """Judge one fetch and write it.

    Raises:
        FetchError, RefusedFetch, PublishError: the cloud is not fresh; its files are as they were.
    """
    fetched = outcome.result
    if isinstance(fetched, FetchError):
        raise fetched
    notify(outcome.cloud, f"validating {len(fetched.offerings)} rows")
    catalog = _judged(request, outcome.cloud, fetched, _steadied(folder, before, outcome.cloud, fetched))
    if not request.dry_run:
        publish(folder, catalog)
    per_gpu = [offering.price_usd_per_gpu_hour for offering in catalog.offerings]
    return CloudResult(
        cloud=outcome.cloud,
        entry=catalog.entry,
        cheapest_usd_per_gpu_hour=min((price for price in per_gpu if price is not None), default=None),
        requests_made=fetched.requests_made,
        seconds=time.monotonic() - started,
    )


def _steadied(folder: Folder, before: Manifest | None, cloud: str, fetched: Fetched) -> Sequence[Offering]:
    """A sample neither is steadied nor steadies: its bytes depend on nothing but itself."""
    entry = before.clouds.get(cloud) if before else None
    if fetched.kind != "live" or entry is None or entry.kind != "live":
        return fetched.offerings
    return with_steady_sizes(fetched.offerings, folder.offers(cloud))


def _judged(request: RunRequest, cloud: str, fetched: Fetched, offerings: Sequence[Offering]) -> CloudCatalog:
    """Validate; rows that break a rule are skipped, a fetch that breaks too much is refused."""
    warnings = list(fetched.warnings)
    if request.sites == "in-stock":
        kept = [offering for offering in offerings if offering.in_stock is not False]
        unknown = sum(offering.in_stock is None for offering in kept)
        said = f"{len(offerings) - len(kept)} rows out of stock now were left out"
        warnings.append(f"--sites in-stock: {said}" + (f"; the stock of {unknown} is not known" if unknown else ""))
        offerings = kept
    accepted = accept(cloud, offerings, fetched.skipped)
    return CloudCatalog(
        cloud=cloud,
        kind=fetched.kind,
        offerings=accepted.offerings,
        skipped=accepted.skipped,
        warnings=warnings,
        csv_by_version={version: accepted.files[version] for version in request.versions},
        display_name=fetched.display_name,
    )
