"""From what a fetch brought to what may be published: bad rows are skipped, a bad fetch is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpu_catalog.accelerators import AcceleratorTable
from gpu_catalog.offering import Offering, Skipped
from schemas.columns import NEWEST, SCHEMA_VERSIONS
from schemas.conversion import convert_with_places
from schemas.csv_text import FIRST_ROW
from schemas.errors import RefusedFetch
from schemas.limits import Limits, default_limits, listing_of
from schemas.report import Finding, one_line
from schemas.validation import validate_catalog
from schemas.writers import row_order, rows_csv


@dataclass(frozen=True, slots=True)
class Accepted:
    """What may be published of one cloud."""

    offerings: tuple[Offering, ...]
    """The offerings that broke no rule, sorted as in the catalog."""

    skipped: tuple[Skipped, ...]
    """What the fetcher skipped, then what broke a rule here."""

    files: Mapping[str, bytes]
    """The `vms.csv` by schema version; each passes `validate_catalog`."""


def accept(
    cloud: str,
    offerings: Sequence[Offering],
    skipped: Sequence[Skipped],
    *,
    table: AcceleratorTable | None = None,
    limits: Limits | None = None,
) -> Accepted:
    """Write the catalogs of all schema versions, leaving out what breaks a rule in any of them.

    A row that breaks a rule is left out of every version and counted as skipped, one `Skipped` per instance type
    and rule. That repeats until nothing is found; it ends, since every round leaves out at least one row.

    Raises:
        RefusedFetch: a defect of the whole file, contradictory offers, nothing or no accelerator left, or more of
            it broken than `limits` allow. One sentence.
    """
    kept = sorted(offerings, key=row_order)
    broken: list[tuple[Offering, Finding]] = []
    while True:
        if not any(offering.accelerator_name for offering in kept):
            what = "only CPU instances are" if kept else "nothing is"
            raise RefusedFetch(f"{what} left to publish; {_example((*skipped, *_skipped(cloud, broken)))}")
        files, faults = _written(cloud, kept, table)
        if not faults:
            break
        broken += [(kept[place], finding) for place, finding in faults.items()]
        kept = [offering for place, offering in enumerate(kept) if place not in faults]
    all_skipped = (*skipped, *_skipped(cloud, broken))
    if exceeded := (limits or default_limits()).exceeded_by(kept, all_skipped):
        raise RefusedFetch(f"too much is broken: {', '.join(exceeded)}; {_example(all_skipped)}")
    return Accepted(tuple(kept), all_skipped, files)


def _written(
    cloud: str, offerings: Sequence[Offering], table: AcceleratorTable | None
) -> tuple[dict[str, bytes], dict[int, Finding]]:
    """Write and validate the file of each version, newest first.

    Returns the files, or, once one has findings, the first finding for each place in `offerings` that is at fault.
    """
    files = {}
    for version in reversed(SCHEMA_VERSIONS):
        pairs = sorted(convert_with_places(offerings, version), key=lambda pair: row_order(pair[1]))
        files[version] = rows_csv([row for _, row in pairs], version)
        if version != NEWEST and all(row is offerings[place] for place, row in pairs):
            continue  # The same rows have passed the newest version's rules, which are all of these and more.
        faults: dict[int, Finding] = {}
        for finding in validate_catalog(files[version], cloud, version, table).findings:
            if finding.row is None or finding.fatal:
                raise RefusedFetch(f"schema {version}: {finding}")
            faults.setdefault(pairs[finding.row - FIRST_ROW][0], finding)
        if faults:
            return {}, faults
    return files, {}


def _skipped(cloud: str, broken: Sequence[tuple[Offering, Finding]]) -> list[Skipped]:
    """One Skipped per listing, instance type and rule, with the sentence of its first row."""
    groups: dict[tuple[str, str, str], list[tuple[Offering, Finding]]] = {}
    for offering, finding in broken:
        key = (listing_of(offering), offering.instance_type, finding.rule)
        groups.setdefault(key, []).append((offering, finding))
    return [
        Skipped(
            cloud=cloud,
            listing=listing,
            rule=rule,
            reason=str(group[0][1]),
            broken=True,
            accelerator=group[0][0].accelerator_name,
            rows=len(group),
        )
        for (listing, _, rule), group in groups.items()
    ]


def _example(skipped: Sequence[Skipped]) -> str:
    """The first thing that was broken, for the message of a refusal."""
    broken = next((skip for skip in skipped if skip.broken), None)
    return one_line(f"first: {broken.listing}: {broken.reason}") if broken else "nothing was broken"
