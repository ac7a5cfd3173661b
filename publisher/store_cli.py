"""The commands of `publish-catalog` on what is published: verify, diff, push, and those that look after a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpu_catalog.cloud_names import display_name
from gpu_catalog.texts import printable
from publisher.add_cli import add_command
from publisher.command_errors import told_in_one_line

if TYPE_CHECKING:
    from gpu_catalog.manifest import CloudEntry

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


@click.command("verify", epilog="""\b
    Examples:
      publish-catalog verify catalogs
      publish-catalog verify s3://prices/gpu-catalog""")  # fmt: skip
@click.argument("place")
@_json
def verify_command(place: str, as_json: bool) -> None:
    """Recompute every hash at PLACE and compare it with the manifests.

    PLACE is a folder that fetch-catalog wrote, or a store: a folder or s3://bucket/prefix. Of a store, the pointer,
    every publication and the copies at the familiar paths are checked.

    Exit codes: 0 all agrees; 1 something does not, one line each.
    """
    with told_in_one_line(as_json=as_json):
        from publisher.upkeep import verify_place

        problems = verify_place(place)
    if as_json:
        click.echo(json.dumps({"place": place, "problems": problems}, indent=1))
    elif problems:
        for problem in problems:
            click.echo(printable(problem), err=True)
    else:
        click.echo(f"{place}: all files are as the manifest says")
    sys.exit(1 if problems else 0)


@click.command(
    "diff",
    epilog="""\b
    Examples:
      publish-catalog diff HEAD:catalogs catalogs
      publish-catalog diff HEAD~1:catalogs HEAD:catalogs --markdown >> "$GITHUB_STEP_SUMMARY"
      publish-catalog diff s3://prices/gpu-catalog fetched --exit-code --summary""",
)
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--markdown", "form", flag_value="markdown", help="Print a table in Markdown for each cloud.")
@click.option("--json", "form", flag_value="json", help="Print one JSON document and nothing else.")
@click.option("--summary", "form", flag_value="summary", help="Print one line.")
@click.option("--exit-code", is_flag=True, help="End with 1 when there is a difference.")
@click.option("--store", metavar="PLACE", help="Where A and B are publications, when they are ids of such.")
def diff_command(before: str, after: str, form: str | None, exit_code: bool, store: str | None) -> None:
    """Show what differs between the catalogs at A and those at B, as buyers see it.

    A and B are folders of catalogs, s3://bucket/prefix, ids of publications in the store --store, or REV:PATH, a
    folder in a git revision (PATH: catalogs). Compared are instance types, prices and regions; stock, times and
    sources are no differences.

    Exit codes: 0 both could be read; 1 one could not (a line on standard error says why) or, with --exit-code,
    there is a difference; 2 wrong usage.
    """
    with told_in_one_line(as_json=form == "json"):
        from publisher.comparing import catalogs_at
        from publisher.diff import diff

        found = diff(catalogs_at(before, store), catalogs_at(after, store))
    if form == "json":
        click.echo(json.dumps(found.to_dict(), indent=1))
    elif form == "markdown":
        click.echo(found.to_markdown())
    else:
        click.echo(found.summary if form == "summary" else found.to_text())
    sys.exit(1 if exit_code and not found.is_empty else 0)


@click.command("push", epilog="""\b
    Examples:
      publish-catalog push out s3://prices/gpu-catalog
      publish-catalog push catalogs ~/store --allow-sample
      publish-catalog push out s3://prices/gpu-catalog --accept-drift 'H100 cut of 20 November'""")  # fmt: skip
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("place")
@click.option("--allow-sample", is_flag=True, help="Publish sample data too; its prices are not today's.")
@click.option("--accept-drift", metavar="REASON", help="Let what would be held back pass, of all clouds in SOURCE; "
              "the reason is published.")  # fmt: skip
@click.option("--summary", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Append "
              "Markdown: a table of the clouds, and the differences.")  # fmt: skip
@_json
def push_command(
    source: Path, place: str, allow_sample: bool, accept_drift: str | None, summary: Path | None, as_json: bool
) -> None:
    """Publish the folder SOURCE, which fetch-catalog wrote, into a store: immutable, pointer last.

    PLACE is a folder or s3://bucket/prefix. A cloud that moved too far against its last good live catalog keeps
    that one; the same change on the next run is accepted. Unchanged content only records the check.

    Exit codes: 0 published or unchanged, all fresh; 3 published, but a cloud was kept, failed, held back or is too
    old; 1 nothing was published, unless the line says `is published`.
    """
    with told_in_one_line(as_json=as_json):
        from publisher.diff import diff
        from publisher.push import push
        from publisher.store import open_store

        if summary is not None:
            with summary.open("a", encoding="utf-8"):
                pass  # What cannot be written is found before anything is published.
        result = push(source, open_store(place), allow_sample=allow_sample, accept_drift=accept_drift)
        differences = diff(result.before, result.after)
    if summary is not None:
        notes = "".join(f"- {note}\n" for note in (*result.notes, *result.alarms))
        parts = (
            f"## {result.manifest.id}", differences.summary, _clouds_table(result.clouds), notes,
            differences.to_markdown(),
        )  # fmt: skip
        with summary.open("a", encoding="utf-8") as file:
            file.write("\n\n".join(filter(None, parts)) + "\n")
    if as_json:
        click.echo(json.dumps({
            "exit_code": result.exit_code, "id": result.manifest.id, "changed": result.changed,
            "notes": result.notes, "alarms": result.alarms, "diff": differences.to_dict(),
        }, indent=1))  # fmt: skip
    else:
        what = "published" if result.changed else "unchanged, the check is recorded"
        click.echo(f"{result.manifest.id}: {what}: {differences.summary}")
        for note in (*result.notes, *(f"ALARM: {alarm}" for alarm in result.alarms)):
            click.echo(printable(note), err=True)
    sys.exit(result.exit_code)


def _clouds_table(clouds: Mapping[str, CloudEntry]) -> str:
    """A line for each cloud, in Markdown."""
    lines = ["| cloud | state | rows | instance types | prices of |", "| --- | --- | ---: | ---: | --- |"]
    for cloud, entry in sorted(clouds.items()):
        cells = (display_name(cloud), entry.state, entry.rows, entry.instance_types, entry.observed_at or "-")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


@click.command("log")
@click.argument("place")
@_json
def log_command(place: str, as_json: bool) -> None:
    """List the publications of a store, newest first; * is the one that readers follow."""
    with told_in_one_line(as_json=as_json):
        from publisher.store import open_store
        from publisher.upkeep import log

        lines = log(open_store(place))
    if as_json:
        click.echo(json.dumps([
            {"id": line.manifest.id, "written_at": line.written_at.isoformat(), "latest": line.is_latest,
             "kind": line.manifest.kind, "previous": line.manifest.previous,
             "clouds": {name: entry.state for name, entry in line.manifest.clouds.items()}}
            for line in lines
        ], indent=1))  # fmt: skip
        return
    if not lines:
        click.echo(f"{place}: nothing is published here", err=True)
    for line in lines:
        clouds = ", ".join(f"{name} {entry.state}" for name, entry in sorted(line.manifest.clouds.items()))
        mark = "*" if line.is_latest else " "
        click.echo(f"{mark} {line.manifest.id}  {line.written_at:%Y-%m-%d %H:%M}  {line.manifest.kind}  {clouds}")


@click.command("rollback")
@click.argument("place")
@click.argument("publication", metavar="ID")
def rollback_command(place: str, publication: str) -> None:
    """Let readers follow an earlier publication again; ID is one of those that `log` lists."""
    with told_in_one_line(as_json=False):
        from publisher.store import open_store
        from publisher.upkeep import rollback

        manifest = rollback(open_store(place), publication)
    click.echo(f"{place}: readers follow {manifest.id} again, prices of {printable(manifest.observed_at)}")


@click.command("prune")
@click.argument("place")
@click.option("--keep", type=click.IntRange(min=1), required=True, metavar="N", help="Newest publications to keep.")
def prune_command(place: str, keep: int) -> None:
    """Delete all publications but the newest N and the one that readers follow."""
    with told_in_one_line(as_json=False):
        from publisher.store import open_store
        from publisher.upkeep import prune

        deleted = prune(open_store(place), keep)
    click.echo(f"{place}: {len(deleted)} deleted")


@click.command("export")
@click.argument("place")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_command(place: str, folder: Path) -> None:
    """Write the latest publication of a store into FOLDER, as git holds it (without Parquet)."""
    with told_in_one_line(as_json=False):
        from publisher.store import open_store
        from publisher.upkeep import export

        manifest = export(open_store(place), folder)
    click.echo(f"{folder}: {manifest.id}")


@click.command("watch")
@click.argument("place")
@click.option("--max-hours", type=click.IntRange(1, 8760), default=36, show_default=True,
              metavar="H", help="Since the last check.")  # fmt: skip
def watch_command(place: str, max_hours: int) -> None:
    """Exit with 1 and one line when a store was not checked for too long; for cron and the watchdog workflow."""
    with told_in_one_line(as_json=False):
        from publisher.store import open_store
        from publisher.upkeep import overdue

        problem = overdue(open_store(place), timedelta(hours=max_hours))
    if problem is not None:
        click.echo(f"ALARM: {printable(problem)}", err=True)
        sys.exit(1)
    click.echo(f"{place}: checked within {max_hours} hours")


COMMANDS = (
    add_command,
    verify_command,
    diff_command,
    push_command,
    log_command,
    rollback_command,
    prune_command,
    export_command,
    watch_command,
)
