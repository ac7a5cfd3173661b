"""`publish-catalog add`: a hand-written `vms.csv` becomes the catalog of a cloud, held against every rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

from fetchers import registry
from gpu_catalog.cloud_names import other_cloud_called, why_no_new_cloud
from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.manifest import CloudEntry
from gpu_catalog.reading import file_bytes
from publisher.errors import CannotAdd
from publisher.folder import Folder
from publisher.publication import CloudCatalog, publish
from schemas import Report, read_hand_written, validate_images
from schemas.hand_written import plain_csv


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRequest:
    """What was asked for."""

    cloud: str
    """Name of the cloud."""

    vms: Path
    """The hand-written `vms.csv`."""

    output: Path
    """Folder to publish into."""

    images: Path | None = None
    """An `images.csv` to publish beside it."""

    display_name: str | None = None
    """The cloud's name for people, where `clouds.csv` does not know it."""

    source: str | None = None
    """Where its prices come from; the name of the file when nobody says."""

    as_of: date | None = None
    """Day on which the prices were looked up; None for today (UTC)."""

    dry_run: bool = False
    """Check, write nothing."""


@dataclass(frozen=True, slots=True)
class Added:
    """How it ended."""

    reports: Sequence[Report]
    """The verdict on each file; nothing was written unless all are ok."""

    entry: CloudEntry | None
    """The cloud's entry in the manifest; None when the files are not ok."""


def add(request: AddRequest) -> Added:
    """Read, validate and publish into the folder; the catalog that was there is replaced.

    Raises:
        CannotAdd: the name cannot be that of a new cloud, or a file cannot be read.
        PublishError: the folder cannot be written.
    """
    if problem := why_no_new_cloud(request.cloud):
        raise CannotAdd(f"{request.cloud[:80]!r} {problem}")
    if (fetched := registry().accepted.get(request.cloud)) is not None:
        raise CannotAdd(f"{request.cloud} is fetched ({fetched.package}): run `fetch-catalog {request.cloud}`")
    if request.display_name and (other := other_cloud_called(request.display_name, request.cloud)):
        raise CannotAdd(f"{request.display_name} is what {other} is called; give --display-name another")
    folder = Folder(request.output)
    if not request.dry_run:
        folder.check_place()
    day = request.as_of or datetime.now(timezone.utc).date()
    observed_at = f"{day.isoformat()}T00:00:00Z"
    source = request.source or f"{request.vms.name}, written by hand"
    hand = read_hand_written(_content(request.vms), request.cloud, source, observed_at)
    reports = [hand.report]
    images = None
    if request.images is not None:
        images = plain_csv(_content(request.images))
        regions = {row.region for row in hand.offerings} if hand.report.ok else None
        reports.append(validate_images(images, request.cloud, regions))
    if not all(report.ok for report in reports):
        return Added(reports, None)
    catalog = CloudCatalog(
        cloud=request.cloud,
        kind="live",
        offerings=hand.offerings,
        skipped=hand.skipped,
        warnings=hand.warnings,
        csv_by_version=hand.files,
        display_name=request.display_name,
        images=images,
    )
    if not request.dry_run:
        publish(folder, catalog)
    return Added(reports, catalog.entry)


def _content(path: Path) -> bytes:
    try:
        return file_bytes(path)
    except BadCatalogFile as exc:
        raise CannotAdd(str(exc)) from exc
    except OSError as exc:
        raise CannotAdd(f"{path} cannot be read ({exc.strerror}); name a file") from exc
