"""Whether a fetched folder says the same in all the places in which it says it.

Hashes prove that files are those of the manifest, not that they belong together: a file of another fetch, an edited
one whose hash was made anew, or entries of the manifest that claim what the offers do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from gpu_catalog.manifest import CloudEntry
from gpu_catalog.offering import Offering
from publisher.publication import CloudCatalog
from schemas import convert, offers_jsonl
from schemas.writers import row_order, rows_csv

SAMPLE_SOURCE = "sample: "
"""What the source of a price from the bundled responses begins with."""


def disagreements(
    cloud: str, entry: CloudEntry, offerings: Sequence[Offering], files: Mapping[str, tuple[bytes, int]]
) -> Iterator[str]:
    """What does not follow from the offers of the newest schema version, one clause each.

    Args:
        cloud: cloud name.
        entry: its entry in the manifest, fetched by this version of gpu-catalog as all files were.
        offerings: what its newest `offers.jsonl` says.
        files: content and number of rows of its files by path.
    """
    newest = max((name for name in files if name.endswith("/offers.jsonl")), default="")
    if any(offering.cloud != cloud for offering in offerings):
        yield f"{newest} has offers of another cloud"

    @cache
    def rows_of(version: str) -> list[Offering]:
        return sorted(convert(offerings, version), key=row_order)

    written: tuple[list[Offering], bytes] | None = None
    for name, (content, rows) in sorted(files.items()):
        version, _, file = name.split("/")
        wanted = content
        if file == "vms.csv":
            wanted = rows_csv(rows_of(version), version)
        elif file == "offers.jsonl":
            if written is None or written[0] != rows_of(version):  # Most clouds have the same in every version.
                written = rows_of(version), offers_jsonl(rows_of(version))
            wanted = written[1]
        if content != wanted:
            yield f"{name} is not what {newest} says"
        elif file == "vms.csv" and rows != content.count(b"\n") - 1:
            yield f"{name} has not the {rows} rows of the manifest"
    facts = _facts(cloud, entry, offerings)
    claims = (field for field in facts.__slots__ if getattr(facts, field) != getattr(entry, field))
    yield from (f"the manifest's {field} of {cloud} is not what {newest} says" for field in claims)
    if entry.kind == "live" and any((offering.source or "").startswith(SAMPLE_SOURCE) for offering in offerings):
        yield f"prices of {cloud} are samples, and the manifest calls them live"


def _facts(cloud: str, entry: CloudEntry, offerings: Sequence[Offering]) -> CloudEntry:
    """The entry as it follows from the offers; what they cannot tell is taken from `entry`."""
    catalog = CloudCatalog(
        cloud=cloud,
        kind=entry.kind or "live",
        offerings=offerings,
        skipped=entry.skipped,
        warnings=entry.warnings,
        csv_by_version={},
        display_name=entry.display_name,
    )
    return replace(catalog.entry, state=entry.state, reason=entry.reason, fetcher_version=entry.fetcher_version)
