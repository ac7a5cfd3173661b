"""Each cloud's share of a publication: what was fetched now if the drift gate lets it pass, else what stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.manifest import CloudEntry, FileEntry, Manifest
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer, grouped, parse_offers
from publisher.agreement import disagreements
from publisher.drift import Decision, judge, merged
from publisher.errors import CannotPush
from publisher.publication import CloudCatalog
from publisher.publications import Latest, read_file
from publisher.store import Store
from schemas import vms_csv
from schemas.cross_row_rules import cross_row_findings

Files = dict[str, tuple[bytes, int]]
"""Content and number of rows, by path."""


@dataclass(frozen=True)
class Share:
    """One cloud's share of a publication."""

    entry: CloudEntry
    """Its entry in the manifest."""

    files: Files
    """Its files."""

    offers: Sequence[Offer]
    """What they say, of the newest schema version."""

    confirmed: str | None = None
    """When all of its prices were seen to be these; None when not all were now."""

    held_back: str | None = None
    """When it was observed, and digests of the change that the drift gate held back."""

    @cached_property
    def offerings(self) -> list[Offering]:
        """The same as `offers`, one by one."""
        return _offerings(self.offers)


def share_of(
    cloud: str,
    source: Path,
    candidate: Manifest,
    store: Store,
    latest: Latest | None,
    standing: Sequence[Offer],
    accept_drift: str | None,
) -> Share:
    """A cloud's share of the publication to be made from the folder `source`; `standing` is what `latest` offers.

    Raises:
        CannotPush: the folder lacks a file of the cloud, contradicts itself, or is older than what is published.
        BadPublication, StoreProblem: the store cannot be read.
    """
    now, before = candidate.clouds.get(cloud), latest.manifest.clouds.get(cloud) if latest else None
    if now is not None and now.state == "fresh" and before is not None and latest is not None:
        now = _unless_older(cloud, source, candidate, now, before, latest)
    if now is not None and now.state == "fresh":
        share = _from_folder(cloud, source, candidate)
        if latest is None or before is None or before.kind != "live" or now.kind != "live":
            return replace(share, confirmed=now.observed_at)
        return _gated(cloud, share, store, latest, standing, accept_drift)
    if latest is not None and before is not None and before.kind is not None:
        kept = _from_store(cloud, store, latest, standing)
        kept = replace(kept, held_back=latest.pointer.held_back.get(cloud))
        return kept if now is None else replace(kept, entry=replace(before, state="kept", reason=now.reason))
    if now is not None and now.kind is not None:
        return _from_folder(cloud, source, candidate)
    return Share(now or before or CloudEntry(state="failed"), {}, [])


def _unless_older(
    cloud: str, source: Path, candidate: Manifest, now: CloudEntry, before: CloudEntry, latest: Latest
) -> CloudEntry:
    """The entry of a fresh cloud; `kept` when a newer folder has older prices of it than are published.

    A fetch comes to that when it finds only what is dated, such as Yotta's rate card: no reason to stop the others.

    Raises:
        CannotPush: the whole folder is older than what is published, or has a sample where live prices are.
    """
    is_older = (now.observed_at or "") < (before.observed_at or "")
    ages = f"are older ({now.observed_at}) than the published ones ({before.observed_at})"
    if is_older and candidate.observed_at < latest.manifest.observed_at:
        raise CannotPush(
            f"{source}: the prices of {cloud} {ages}; fetch it again, or go back with `publish-catalog rollback`"
        )
    if (before.kind, now.kind) == ("live", "sample"):
        raise CannotPush(f"{source}: sample data of {cloud}, and live prices are published; name another place")
    return replace(now, state="kept", reason=f"the fetched prices {ages}, which stay") if is_older else now


def _gated(
    cloud: str, share: Share, store: Store, latest: Latest, standing: Sequence[Offer], accept_drift: str | None
) -> Share:
    # Only another fetch can bring a change back; the same one pushed again says nothing new.
    seen_at, _, proposal = latest.pointer.held_back.get(cloud, "").partition(" ")
    observed_at = share.entry.observed_at or ""
    before = _offerings(standing)
    decision = judge(
        cloud,
        before,
        share.offerings,
        held_back=proposal if seen_at < observed_at else None,
        accept_reason=accept_drift,
    )
    held_back = None if decision.proposal is None else f"{observed_at} {decision.proposal}"
    reason = {"accepted": None, "kept": decision.reason, "refused": f"refused: {decision.reason}"}[decision.verdict]
    if reason is None and decision.kept_accelerators:
        offerings = merged(before, share.offerings, decision.kept_accelerators)
        findings = cross_row_findings(dict(enumerate(offerings)))
        if not findings:
            return replace(_with_kept(cloud, share, offerings, decision), held_back=held_back)
        names = ", ".join(decision.kept_accelerators)
        reason = f"the last good rows of {names} do not go together with the others: {findings[0].message}"
    if reason is not None:
        kept = _from_store(cloud, store, latest, standing)
        return replace(kept, entry=replace(kept.entry, state="kept", reason=reason), held_back=held_back)
    if decision.reason:
        share = replace(share, entry=replace(share.entry, warnings=(*share.entry.warnings, decision.reason)))
    return replace(share, confirmed=share.entry.observed_at)


def _with_kept(cloud: str, share: Share, offerings: Sequence[Offering], decision: Decision) -> Share:
    """The cloud as fetched now, but with these offerings, in which what moved too far has its last good rows."""
    kept_texts = [f"{name} kept: {why}" for name, why in decision.kept_accelerators.items()]
    versions = sorted({name.partition("/")[0] for name in share.files if name.endswith("/vms.csv")})
    catalog = CloudCatalog(
        cloud=cloud,
        kind="live",
        offerings=offerings,
        skipped=share.entry.skipped,
        warnings=(*share.entry.warnings, *kept_texts),
        csv_by_version={version: vms_csv(offerings, version) for version in versions},
        display_name=share.entry.display_name,
    )
    entry = replace(catalog.entry, observed_at=share.entry.observed_at)
    return replace(share, entry=entry, files=catalog.files(), offers=grouped(offerings))


def _offerings(offers: Iterable[Offer]) -> list[Offering]:
    return [offering for offer in offers for offering in offer.offerings()]


def _from_folder(cloud: str, source: Path, manifest: Manifest) -> Share:
    files: Files = {}
    for name, entry in {**manifest.files, **manifest.parquet}.items():
        if name.split("/")[1:2] == [cloud] and (source / name).is_file():
            content = (source / name).read_bytes()
            if FileEntry.of(content, entry.rows) != entry:
                raise CannotPush(f"{source}: {name} was written while it was read; push again")
            files[name] = (content, entry.rows)
    newest = max((name for name in files if name.endswith("/offers.jsonl")), default=None)
    if newest is None:
        raise CannotPush(f"{source}: no offers.jsonl of {cloud} in it; fetch it again")
    own, offers = manifest.clouds[cloud], _offers(source, newest, files[newest][0])
    share = Share(own, files, offers)
    if own.state == "fresh" and (problem := next(disagreements(cloud, own, share.offerings, files), None)):
        raise CannotPush(f"{source}: {problem}; fetch it again")
    return share


def _offers(source: Path, name: str, content: bytes) -> list[Offer]:
    try:
        return parse_offers(content.decode("utf-8"), name)
    except (BadCatalogFile, UnicodeDecodeError) as exc:
        raise CannotPush(f"{source}: {exc}; fetch it again") from exc


def _from_store(cloud: str, store: Store, latest: Latest, standing: Sequence[Offer]) -> Share:
    manifest = latest.manifest
    files: Files = {
        name: (read_file(store, manifest, name), entry.rows)
        for name, entry in {**manifest.files, **manifest.parquet}.items()
        if name.split("/")[1:2] == [cloud]
    }
    return Share(manifest.clouds[cloud], files, standing)
