"""A new publication: its files and manifest out of the clouds' shares, and writing it, the manifest last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from gpu_catalog.cloud_names import display_name
from gpu_catalog.history import changes, parse_history
from gpu_catalog.manifest import MANIFEST_NAME, FileEntry, Manifest, publication_id
from gpu_catalog.offers import Offer
from publisher.errors import BadPublication, LostRace
from publisher.history import appended, changes_parquet
from publisher.publications import Latest, csv_digests, place_of, read_file, read_manifest_of
from publisher.shares import Files, Share
from publisher.store import Store
from schemas import NEWEST, common_accelerators_csv, common_metadata_csv


def assembled(
    shares: Mapping[str, Share], store: Store, latest: Latest | None, before: Mapping[str, Sequence[Offer]]
) -> tuple[Manifest, Files]:
    """The manifest of a publication of these shares, and all files that it lists.

    Args:
        shares: by cloud.
        store: where the series of price changes so far are read from.
        latest: what the publication is to follow; None for the first one.
        before: what `latest` offers, by cloud.

    Raises:
        BadPublication, StoreProblem: a series cannot be read.
    """
    files = {name: file for share in shares.values() for name, file in share.files.items()}
    observed_at = max(share.entry.observed_at or "" for share in shares.values())
    digests = share_digests(shares)
    publication = publication_id(observed_at, digests)
    schemas = tuple(sorted({name.partition("/")[0] for name in digests}))
    if NEWEST in schemas:
        files |= _common(shares)
    files |= _histories(shares, store, latest, before, publication)
    described = {name: FileEntry.of(content, rows) for name, (content, rows) in sorted(files.items())}
    manifest = Manifest(
        id=publication,
        kind="sample" if any(share.entry.kind == "sample" for share in shares.values()) else "live",
        observed_at=observed_at,
        schemas=schemas,
        clouds={cloud: share.entry for cloud, share in shares.items()},
        files={name: entry for name, entry in described.items() if not name.endswith(".parquet")},
        parquet={name: entry for name, entry in described.items() if name.endswith(".parquet")},
        previous=latest.manifest.id if latest else None,
    )
    return manifest, files


def _common(shares: Mapping[str, Share]) -> Files:
    """`v8/common/`: every accelerator of every cloud, in the form that SkyPilot reads."""
    offerings = [offer.offering for share in shares.values() for offer in share.offers]
    names = {
        display_name(cloud, share.entry.display_name): sorted(
            {name for o in share.offers if (name := o.offering.accelerator_name)}
        )
        for cloud, share in shares.items()
    }
    contents = {
        f"{NEWEST}/common/accelerators.csv": common_accelerators_csv(names),
        f"{NEWEST}/common/metadata.csv": common_metadata_csv(offerings),
    }
    return {name: (content, content.count(b"\n") - 1) for name, content in contents.items()}


def _history_file(cloud: str) -> str:
    return f"history/{cloud}.jsonl"


def _histories(
    shares: Mapping[str, Share],
    store: Store,
    latest: Latest | None,
    before: Mapping[str, Sequence[Offer]],
    publication: str,
) -> Files:
    """The series of price changes of every live cloud, this publication's added to it."""
    files: Files = {}
    for cloud, share in shares.items():
        if share.entry.kind != "live":
            continue
        name, old = _history_file(cloud), None
        former: Sequence[Offer] | None = None
        if latest is not None and name in latest.manifest.files:
            old = read_file(store, latest.manifest, name)
            former = before[cloud]
        valid_from = share.entry.observed_at or ""
        new = changes(former, share.offers, cloud=cloud, valid_from=valid_from, publication=publication)
        content = appended(old, new)
        if content:
            files[name] = (content, content.count(b"\n"))
    return files


def share_digests(shares: Mapping[str, Share]) -> dict[str, str]:
    """The sha256 of each `vms.csv`, as `csv_digests` of the manifest to be made."""
    files = {name: file for share in shares.values() for name, file in share.files.items()}
    return {
        name: FileEntry.of(content, rows).sha256
        for name, (content, rows) in files.items()
        if name.endswith("/vms.csv")
    }


def write_publication(store: Store, manifest: Manifest, files: Files) -> tuple[Manifest, str]:
    """Write a publication, its manifest last; returns the manifest that stands under its id, and its sha256.

    One that stands under this id already, of a publisher that came no further, is taken as it is.

    Raises:
        BadPublication: there is another one under this id, or it cannot be read.
        LostRace: another publisher is writing one under this id, or has written it to follow another one.
        StoreProblem: the store cannot be written.
    """
    key = place_of(manifest.id, MANIFEST_NAME)
    if store.get(key) is None:
        for name, (content, _) in sorted(files.items()):
            if not store.put_if_absent(place_of(manifest.id, name), content):
                held = store.get(place_of(manifest.id, name))
                if held is None or held.content != content:
                    raise LostRace(f"{store.place}: another publisher is writing {manifest.id}, or was killed at "
                                   "it; run it again, in an hour at the latest it is cleaned up")  # fmt: skip
        store.put_if_absent(key, manifest.to_json())
    stored = store.get(key)
    sha256 = hashlib.sha256(stored.content if stored else b"").hexdigest()
    standing = read_manifest_of(store, manifest.id, sha256)
    if csv_digests(standing) != csv_digests(manifest):
        raise BadPublication(f"{store.place}: another publication stands at {key}; remove it")
    if standing.previous != manifest.previous:
        # Its history lacks the publication that came between; nothing that stands is ever changed.
        raise LostRace(f"{store.place}: {manifest.id} was written before, as the successor of {standing.previous}; "
                       "fetch and push again, or roll back to it")  # fmt: skip
    _complete(store, standing, files)
    return standing, sha256


def _complete(store: Store, manifest: Manifest, files: Files) -> None:
    """Put back what was deleted before the manifest stood, by somebody who took it for a killed publisher's."""
    there = {entry.key for entry in store.list(place_of(manifest.id))}
    for name, entry in {**manifest.files, **manifest.parquet}.items():
        key = place_of(manifest.id, name)
        if key not in there:
            content, rows = files.get(name, (b"", 0))
            if FileEntry.of(content, rows) != entry:
                raise BadPublication(f"{store.place}: {key} is not there; fetch and push again")
            store.put_if_absent(key, content)


def write_changes(store: Store, manifest: Manifest) -> None:
    """Write the Parquet record of what a publication changed, if it is not there yet.

    Raises:
        BadPublication, StoreProblem: its series cannot be read, or the store cannot be written.
        MissingExtra: there is no pyarrow.
    """
    for cloud in manifest.clouds:
        name = _history_file(cloud)
        if name in manifest.files:
            key = f"history/cloud={cloud}/{manifest.id}.parquet"
            text = read_file(store, manifest, name).decode("utf-8")
            # Years of other publications' lines need not be parsed for the few of this one.
            own = "".join(f"{line}\n" for line in text.split("\n") if manifest.id in line)
            if own and store.get(key) is None:
                new = [change for change in parse_history(own, name) if change.publication == manifest.id]
                if new:
                    store.put_if_absent(key, changes_parquet(new))
