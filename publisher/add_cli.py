"""The command `publish-catalog add`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from gpu_catalog.cloud_names import DISPLAY_NAME
from gpu_catalog.texts import printable
from publisher.command_errors import told_in_one_line

if TYPE_CHECKING:
    from publisher.adding import Added

LONGEST_SOURCE = 500
"""Characters of what `--source` says."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _day(_context: click.Context, _option: click.Parameter, value: datetime | None) -> datetime | None:
    if value is not None and value.date() > datetime.now(timezone.utc).date():
        raise click.BadParameter("that day has not come yet.")
    return value


def _name(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not DISPLAY_NAME.fullmatch(value):
        raise click.BadParameter("1 to 40 letters, digits, blanks, dots, hyphens and underscores.")
    return value


def _line(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (value.strip() and value.isprintable() and len(value) <= LONGEST_SOURCE):
        raise click.BadParameter(f"one line of at most {LONGEST_SOURCE} characters.")
    if value is not None and "@" in urlsplit(value.strip()).netloc:
        raise click.BadParameter("a URL with a user name or password; it is published.")
    return value


@click.command("add", epilog="""\b
    Examples:
      publish-catalog add fluffycloud vms.csv
      publish-catalog add fluffycloud vms.csv --images images.csv --as-of 2026-11-20 \\
          --source https://fluffycloud.example/pricing --display-name FluffyCloud""")  # fmt: skip
@click.argument("cloud")
@click.argument("vms", metavar="VMS.CSV", type=_FILE)
@click.option("--images", metavar="IMAGES.CSV", type=_FILE, help="Publish an images.csv beside it.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=Path("catalogs"),
              show_default=True, help="Folder to publish into.")  # fmt: skip
@click.option("--display-name", metavar="NAME", callback=_name, help="What people call it, as in SkyPilot.")
@click.option("--source", metavar="TEXT", callback=_line, help="Where the prices stand, e.g. a URL.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", callback=_day,
              help="When the prices were looked up (default: today).")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def add_command(
    cloud: str,
    vms: Path,
    images: Path | None,
    output: Path,
    display_name: str | None,
    source: str | None,
    as_of: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish a vms.csv that was written by hand as the catalog of CLOUD, in both schema versions.

    Columns: InstanceType, vCPUs, MemoryGiB, Region and Price, and where they apply AcceleratorName,
    AcceleratorCount, SpotPrice, AvailabilityZone, Arch and GpuInfo; in any order. Prices are USD per hour of the
    whole instance; one that is not known is left blank, and its row is left out. GpuInfo may be left out for
    accelerators that the table knows. Every rule of fetched catalogs holds here too.

    Exit codes: 0 published; 1 something is wrong, each finding with row, column, value and rule, and nothing was
    written; 2 wrong usage.
    """
    from publisher.adding import AddRequest, add

    request = AddRequest(
        cloud=cloud, vms=vms, images=images, output=output, display_name=display_name, source=source,
        as_of=as_of.date() if as_of else None, dry_run=dry_run,
    )  # fmt: skip
    with told_in_one_line(as_json=as_json):
        added = add(request)
    written = str(output) if added.entry is not None and not dry_run else None
    if as_json:
        click.echo(json.dumps({
            "exit_code": 0 if added.entry else 1, "output": written,
            "entry": asdict(added.entry) if added.entry else None,
            "reports": [report.to_dict() for report in added.reports],
        }, indent=1))  # fmt: skip
    else:
        _tell(cloud, added, written)
    sys.exit(0 if added.entry else 1)


def _tell(cloud: str, added: Added, written: str | None) -> None:
    """What came of it, for people."""
    entry = added.entry
    if entry is None:
        for report in added.reports:
            if not report.ok:
                click.echo(report.to_text(), err=True)
        click.echo("nothing was written; mend this and run it again", err=True)
        return
    notes = [f"note: {note}" for report in added.reports for note in report.notes]
    for line in (*(skip.reason for skip in entry.skipped), *(f"warning: {one}" for one in entry.warnings), *notes):
        click.echo(printable(f"{cloud}: {line}"), err=True)
    counts = f"{entry.rows} rows, {entry.instance_types} instance types, {entry.accelerators} accelerators"
    click.echo(f"{cloud}: {counts}, prices of {(entry.observed_at or '')[:10]}")
    click.echo(f"wrote {written}" if written else "no catalog was written", err=True)
