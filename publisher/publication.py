"""From validated offerings to the files of a folder and their manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import gpu_catalog
from gpu_catalog.cloud_names import display_name, known_clouds
from gpu_catalog.manifest import CloudEntry, FileEntry, Kind, Manifest, publication_id
from gpu_catalog.offering import Offering, Skipped
from publisher.errors import FolderProblem
from publisher.folder import Folder
from schemas import NEWEST, common_accelerators_csv, common_metadata_csv, convert, offers_jsonl, vms_parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudCatalog:
    """One cloud's accepted offerings, ready to be written."""

    cloud: str
    """Cloud name."""

    kind: Kind
    """`live` or `sample`."""

    offerings: Sequence[Offering]
    """All that validation let pass."""

    skipped: Sequence[Skipped]
    """All that did not become a row."""

    warnings: Sequence[str]
    """What whoever runs the fetch should look at."""

    csv_by_version: Mapping[str, bytes]
    """The validated text of `vms.csv` in each schema version to write."""

    display_name: str | None = None
    """The cloud's name for people, for clouds that `clouds.csv` does not know."""

    images: bytes | None = None
    """The validated text of `images.csv`; None leaves the one alone that may be there."""

    @property
    def entry(self) -> CloudEntry:
        """Its entry in the manifest."""
        return CloudEntry(
            state="fresh",
            kind=self.kind,
            observed_at=max(offering.observed_at or "" for offering in self.offerings),
            fetcher_version=gpu_catalog.__version__,
            rows=len(self.offerings),
            instance_types=len({offering.instance_type for offering in self.offerings}),
            accelerators=len({o.accelerator_name for o in self.offerings if o.accelerator_name}),
            sources=tuple(sorted({offering.source for offering in self.offerings if offering.source})),
            warnings=tuple(self.warnings),
            skipped=tuple(sorted(self.skipped, key=lambda skip: (skip.listing, skip.rule, skip.reason))),
            display_name=None if self.cloud in known_clouds() else self.display_name,
        )

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Content and number of rows by path."""
        files = {}
        written: list[tuple[list[Offering], bytes, bytes]] = []
        for version, csv_text in self.csv_by_version.items():
            rows = convert(self.offerings, version)
            if not written or written[-1][0] != rows:  # Most clouds have the same rows in every version.
                written.append((rows, offers_jsonl(rows), vms_parquet(rows)))
            _, offers, parquet = written[-1]
            place = f"{version}/{self.cloud}"
            files[f"{place}/vms.csv"] = (csv_text, len(rows))
            files[f"{place}/offers.jsonl"] = (offers, offers.count(b"\n"))
            files[f"{place}/vms.parquet"] = (parquet, len(rows))
            if self.images is not None:
                files[f"{place}/images.csv"] = (self.images, self.images.count(b"\n") - 1)
        return files


def publish(folder: Folder, catalog: CloudCatalog) -> Manifest:
    """Replace one cloud in the folder, its `v8/common` files and its manifest; all else stays as it is.

    Raises:
        FolderProblem: nothing was changed.
    """
    files = catalog.files()
    with folder.locked():
        before = folder.manifest()
        _check_versions(catalog, before)
        if NEWEST in catalog.csv_by_version:
            files |= _common_files(folder, catalog, before)
        manifest = _manifest(before, {catalog.cloud: catalog.entry}, files)
        folder.replace({path: content for path, (content, _) in files.items()}, manifest)
    return manifest


def _check_versions(catalog: CloudCatalog, before: Manifest | None) -> None:
    """One entry of the manifest describes all of a cloud's files: none may be left from an earlier fetch.

    Raises:
        FolderProblem: the folder holds the cloud in a version that is not to be written now.
    """
    paths = (path.split("/") for path in (before.files if before else ()))
    there = {version for version, cloud, *_ in paths if cloud == catalog.cloud}
    if left := sorted(there - set(catalog.csv_by_version)):
        raise FolderProblem(
            f"the folder holds {catalog.cloud} in schema {', '.join(left)} too, which would be left behind; "
            "write all of its versions, or name another --output folder"
        )


def mark_unfetched(folder: Folder, reasons: Mapping[str, str]) -> None:
    """Note in the manifest which clouds could not be fetched: kept where a good catalog stands, else failed.

    Raises:
        FolderProblem: nothing was changed.
    """
    with folder.locked():
        before = folder.manifest()
        entries = {cloud: unfetched_entry(before, cloud, reason) for cloud, reason in reasons.items()}
        folder.replace({}, _manifest(before, entries, {}))


def unfetched_entry(before: Manifest | None, cloud: str, reason: str) -> CloudEntry:
    """The entry of a cloud whose fetch failed, given what the folder held."""
    entry = before.clouds.get(cloud) if before else None
    if entry is None or entry.kind is None:
        return CloudEntry(state="failed", reason=reason)
    return replace(entry, state="kept", reason=reason)


def _common_files(folder: Folder, catalog: CloudCatalog, before: Manifest | None) -> dict[str, tuple[bytes, int]]:
    """`v8/common/`: every accelerator of every published cloud, in the form that SkyPilot reads."""
    offerings = {catalog.cloud: list(catalog.offerings)}
    called = {catalog.cloud: catalog.display_name}
    for cloud, entry in before.clouds.items() if before else ():
        if cloud != catalog.cloud:
            offerings[cloud] = folder.offers(cloud)
            called[cloud] = entry.display_name
    names = {
        display_name(cloud, called[cloud]): sorted({o.accelerator_name for o in listed if o.accelerator_name})
        for cloud, listed in offerings.items()
    }
    contents = {
        f"{NEWEST}/common/accelerators.csv": common_accelerators_csv(names),
        f"{NEWEST}/common/metadata.csv": common_metadata_csv([o for listed in offerings.values() for o in listed]),
    }
    return {path: (content, content.count(b"\n") - 1) for path, content in contents.items()}


def _manifest(
    before: Manifest | None,
    entries: Mapping[str, CloudEntry],
    new_files: Mapping[str, tuple[bytes, int]],
) -> Manifest:
    """The manifest of the folder once `new_files` are in it."""
    clouds = {**(before.clouds if before else {}), **entries}
    described = {path: FileEntry.of(content, rows) for path, (content, rows) in new_files.items()}
    files = {**(before.files if before else {}), **_ending(described, ".parquet", wanted=False)}
    parquet = {**(before.parquet if before else {}), **_ending(described, ".parquet", wanted=True)}
    observed_at = max(entry.observed_at or "" for entry in clouds.values())
    csv_digests = {path: entry.sha256 for path, entry in files.items() if path.endswith("/vms.csv")}
    return Manifest(
        id=publication_id(observed_at, csv_digests),
        kind="sample" if any(entry.kind == "sample" for entry in clouds.values()) else "live",
        observed_at=observed_at,
        schemas=tuple(sorted({path.partition("/")[0] for path in csv_digests})),
        clouds=clouds,
        files=files,
        parquet=parquet,
    )


def _ending(entries: Mapping[str, FileEntry], suffix: str, *, wanted: bool) -> dict[str, FileEntry]:
    return {path: entry for path, entry in entries.items() if path.endswith(suffix) is wanted}
