"""Publishing a folder that `fetch-catalog` wrote: gate, write, point; what readers follow is moved last.

Each cloud is taken from the folder when it was fetched now and the drift gate lets it pass, else from the latest
publication of the store. No row is validated again: the folder must be as its manifest says, and its files must say
the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from gpu_catalog.cloud_names import display_name
from gpu_catalog.collector import paused_collector
from gpu_catalog.manifest import MANIFEST_NAME, CloudEntry, Manifest, read_manifest
from gpu_catalog.offers import Offer
from gpu_catalog.pointer import POINTER_NAME, Pointer
from publisher.assembly import assembled, share_digests, write_changes, write_publication
from publisher.errors import BadPublication, CannotPush, StoreProblem
from publisher.publications import (
    Latest,
    copy_to_familiar_paths,
    csv_digests,
    move_pointer,
    read_latest,
    read_offers,
    unfinished,
)
from publisher.shares import Share, share_of
from publisher.store import Store
from publisher.verify import verify_folder
from schemas.errors import MissingExtra

ALARM_DAYS = 3
"""Age past which prices that could not be fetched again are an alarm, although they are still published."""
LEFTOVERS_AFTER = timedelta(hours=1)
"""Age past which the files of a publication without a manifest are taken for those of a killed publisher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What came of a push."""

    manifest: Manifest
    """The publication that the pointer points to now."""

    changed: bool
    """Whether it is a new one; else only the check was recorded."""

    clouds: Mapping[str, CloudEntry] = field(default_factory=dict)
    """How this push found each cloud; an unchanged publication's manifest says how it was when it was made."""

    before: Mapping[str, Sequence[Offer]] = field(default_factory=dict)
    """What the former publication offered, by cloud."""

    after: Mapping[str, Sequence[Offer]] = field(default_factory=dict)
    """What this one offers, by cloud."""

    notes: tuple[str, ...] = ()
    """What needs someone's eye: what was kept, failed or held back, one sentence each."""

    alarms: tuple[str, ...] = ()
    """Clouds whose prices are older than ALARM_DAYS, one sentence each."""

    @property
    def exit_code(self) -> int:
        """0: all fresh; 3: something was kept, failed, held back or is too old."""
        return 3 if self.notes or self.alarms else 0


@paused_collector()
def push(
    source: Path,
    store: Store,
    *,
    allow_sample: bool = False,
    accept_drift: str | None = None,
    now: datetime | None = None,
) -> Pushed:
    """Publish the folder `source` into the store.

    Raises:
        CannotPush: the folder is not fit for it; nothing was written.
        LostRace: another publisher was faster; what it published stands.
        BadPublication, StoreProblem: the store cannot be read or written; the former publication stands, or, once
            the pointer was moved, the whole new one. The next push does what is missing.
    """
    now = now or datetime.now(timezone.utc)
    candidate = _candidate(source, allow_sample=allow_sample)
    latest = read_latest(store)
    if latest is None and store.get(MANIFEST_NAME) is not None:
        raise BadPublication(
            f"{store.place}: a {MANIFEST_NAME}, but no {POINTER_NAME}: a folder of fetch-catalog, or a store that "
            "lost its pointer; name another place, or write the pointer with `publish-catalog rollback`"
        )
    if latest is not None:
        write_changes(store, latest.manifest)  # A publisher that was killed after its pointer has not.
    for key in list(unfinished(store, now - LEFTOVERS_AFTER)):
        store.delete(key)
    clouds = sorted({*candidate.clouds, *(latest.manifest.clouds if latest else ())})
    former = latest.manifest if latest else None
    before = {cloud: read_offers(store, former, cloud) for cloud in former.clouds} if former else {}
    shares = {
        cloud: share_of(cloud, source, candidate, store, latest, before.get(cloud, []), accept_drift)
        for cloud in clouds
    }
    if not any(share.entry.kind for share in shares.values()):
        raise CannotPush(f"{source}: no cloud in it has a catalog, and the store has none either")
    changed = latest is None or not _looks_the_same(shares, latest.manifest)
    if latest is None or changed:
        manifest, sha256 = write_publication(store, *assembled(shares, store, latest, before))
    else:
        manifest, sha256 = latest.manifest, latest.pointer.sha256
    pointer = Pointer(
        id=manifest.id, sha256=sha256, checked_at=_utc(now), confirmed=_confirmed(shares, latest),
        held_back={cloud: share.held_back for cloud, share in shares.items() if share.held_back is not None},
    )  # fmt: skip
    move_pointer(store, latest, pointer)
    try:
        write_changes(store, manifest)
        copy_to_familiar_paths(store, manifest, former)
    except (BadPublication, MissingExtra, StoreProblem) as exc:
        raise StoreProblem(f"{manifest.id} is published, but not yet copied everywhere; push again: {exc}") from exc
    return Pushed(
        manifest=manifest,
        changed=changed,
        clouds={cloud: share.entry for cloud, share in shares.items()},
        before=before,
        after={cloud: share.offers for cloud, share in shares.items()},
        notes=tuple(_notes(shares)),
        alarms=tuple(_alarms(shares, pointer, candidate.observed_at, now)),
    )


def _candidate(source: Path, *, allow_sample: bool) -> Manifest:
    if problems := verify_folder(source):
        raise CannotPush(f"{source}: {problems[0]}" + ("" if ";" in problems[0] else "; fetch it again"))
    manifest = read_manifest(source)
    samples = [cloud for cloud, entry in manifest.clouds.items() if entry.kind == "sample"]
    if samples and not allow_sample:
        names = ", ".join(map(display_name, samples))
        raise CannotPush(f"{source}: sample data ({names}), not today's prices; --allow-sample publishes it")
    return manifest


def _looks_the_same(shares: Mapping[str, Share], standing: Manifest) -> bool:
    """Whether buyers would see no difference, and no cloud that is fresh again is still called kept."""
    kinds = {cloud: share.entry.kind for cloud, share in shares.items() if share.entry.kind}
    if kinds != {cloud: entry.kind for cloud, entry in standing.clouds.items() if entry.kind}:
        return False
    if share_digests(shares) != csv_digests(standing):
        return False
    is_newer = max(share.entry.observed_at or "" for share in shares.values()) > standing.observed_at
    return not is_newer or not any(
        standing.clouds[cloud].state == "kept" and shares[cloud].entry.state == "fresh" for cloud in kinds
    )


def _confirmed(shares: Mapping[str, Share], latest: Latest | None) -> dict[str, str]:
    """By cloud, when its prices were last seen to be these."""
    before = latest.pointer.confirmed if latest else {}
    found = {
        cloud: share.confirmed or before.get(cloud) or share.entry.observed_at for cloud, share in shares.items()
    }
    return {cloud: moment for cloud, moment in found.items() if moment is not None}


def _notes(shares: Mapping[str, Share]) -> list[str]:
    notes = []
    for cloud, share in shares.items():
        if share.entry.state != "fresh":
            notes.append(f"{cloud}: {share.entry.state}: {share.entry.reason}")
        elif share.held_back is not None:
            notes += [f"{cloud}: {warning}" for warning in share.entry.warnings if " kept: " in warning]
    return notes


def _alarms(shares: Mapping[str, Share], pointer: Pointer, folder_at: str, now: datetime) -> list[str]:
    """A cloud that was fetched now is as new as its folder: prices of a rate card have the date of the card."""
    oldest = _utc(now - timedelta(days=ALARM_DAYS))
    return [
        f"{cloud}: prices last seen {pointer.confirmed[cloud]}, more than {ALARM_DAYS} days ago"
        for cloud, share in shares.items()
        if share.entry.kind == "live"
        and pointer.confirmed.get(cloud, "9") < oldest
        and (share.confirmed is None or folder_at < oldest)
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
