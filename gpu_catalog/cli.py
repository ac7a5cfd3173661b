"""The command `gpu-catalog`: thin calls of documented functions. Errors become exit codes here and nowhere else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

import gpu_catalog
from gpu_catalog.catalog import Catalog
from gpu_catalog.cloud_names import cloud_named, display_name
from gpu_catalog.errors import BadQuestion, GpuCatalogError
from gpu_catalog.estimate_cli import estimate_command
from gpu_catalog.listing import Line, Sort, list_lines, why
from gpu_catalog.offering import MARKS, Offering
from gpu_catalog.places import sky_home
from gpu_catalog.texts import dollars, number, printable, table

if TYPE_CHECKING:
    from gpu_catalog.install import Change
    from gpu_catalog.price_series import Series

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_STOCK = {True: "yes", False: "no", None: "?"}

_root = click.option("--root", metavar="PLACE", help="Folder or URL (default: GPU_CATALOG_ROOT, the synced "
                     "cache, the bundled copy).")  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


@click.group("gpu-catalog", context_settings=_CONTEXT)
@click.version_option(gpu_catalog.__version__, prog_name="gpu-catalog")
def main() -> None:
    """Prices of GPU clouds: look them up, and give them to SkyPilot."""


@contextmanager
def _errors(as_json: bool = False) -> Iterator[None]:
    """One line on standard error, or a JSON object on standard output; exit code 1."""
    try:
        yield
    except GpuCatalogError as exc:
        if as_json:
            click.echo(json.dumps({"exit_code": 1, "error": str(exc)}))
        else:
            click.echo(f"Error: {printable(str(exc))}", err=True)
        sys.exit(1)


@main.command("list", short_help="Show instance types with a GPU and their prices.", epilog="""\b
    Examples:
      gpu-catalog list                      every accelerator, cheapest offer per cloud
      gpu-catalog list H100 --count 8
      gpu-catalog list RTX4090 --cloud runpod --all-regions""")  # fmt: skip
@click.argument("gpu", required=False)
@click.option("--cloud", "clouds", multiple=True, help="Only this cloud; may be repeated.")
@click.option("--region", help="Only what this region offers; case is ignored.")
@click.option("--spot", is_flag=True, help="Only what has a known spot price.")
@click.option("--count", type=click.FloatRange(min=0, min_open=True), help="Only this many accelerators.")
@click.option("--all-regions", is_flag=True, help="One line per region.")
@click.option("--sort", type=click.Choice(get_args(Sort)), default="price", show_default=True,
              help="price and spot: lowest first; gpu-memory: most first.")  # fmt: skip
@_root
@_json
def list_command(
    gpu: str | None,
    clouds: tuple[str, ...],
    region: str | None,
    spot: bool,
    count: float | None,
    all_regions: bool,
    sort: Sort,
    root: str | None,
    as_json: bool,
) -> None:
    """Show instance types with a GPU and their prices, cheapest per GPU-hour first.

    Memory is that of one GPU. Prices are USD per hour of the whole instance, $/GPU-H of one GPU; "-" is unknown.
    STOCK is what the cloud said when it was asked, in the region shown; "?" where it says nothing.
    """
    with _errors(as_json):
        catalog = Catalog.load(root)
        lines = list_lines(catalog, gpu, clouds=clouds, region=region, count=count, spot_only=spot,
                           all_regions=all_regions, sort=sort)  # fmt: skip
    if as_json:
        click.echo(json.dumps({**_about(catalog), "offers": [_line_json(line) for line in lines]}, indent=1))
        return
    if not lines:
        click.echo("Nothing in the catalog fits; leave out an option to see more.", err=True)
        sys.exit(1)
    header = ("GPU", "QTY", "CLOUD", "INSTANCE_TYPE", "DEVICE_MEM", "vCPUs", "HOST_MEM", "PRICE", "SPOT", "$/GPU-H",
              "REGION", "STOCK", "AS_OF")  # fmt: skip
    click.echo(table(header, [_cells(line) for line in lines], right=frozenset({1, 4, 5, 6, 7, 8, 9})))
    click.echo(_footer(catalog), err=True)


def _cells(line: Line) -> tuple[str, ...]:
    facts = line.offering
    more = f" +{len(line.regions) - 1}" if len(line.regions) > 1 else ""
    memory = "-" if facts.gpu_memory_mib is None else f"{facts.gpu_memory_mib / 1024:g}GB"
    return (
        facts.accelerator_name or "-", number(facts.accelerator_count), display_name(facts.cloud),
        facts.instance_type, memory, number(facts.vcpus), f"{facts.memory_gib:g}GB",
        dollars(facts.price_usd_per_hour), dollars(facts.spot_price_usd_per_hour),
        dollars(facts.price_usd_per_gpu_hour), line.regions[0] + more, _STOCK[facts.in_stock],
        (facts.observed_at or "-")[:10],
    )  # fmt: skip


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "accelerator": line.offering.accelerator_name,
        "accelerator_count": line.offering.accelerator_count,
        "cloud": line.offering.cloud,
        "instance_type": line.offering.instance_type,
        "gpu_memory_mib": line.offering.gpu_memory_mib,
        "vcpus": line.offering.vcpus,
        "memory_gib": line.offering.memory_gib,
        "price_usd_per_hour": _float(line.offering.price_usd_per_hour),
        "spot_price_usd_per_hour": _float(line.offering.spot_price_usd_per_hour),
        "price_usd_per_gpu_hour": _float(line.offering.price_usd_per_gpu_hour),
        "regions": list(line.regions),
        "in_stock": line.offering.in_stock,
        "source": line.offering.source,
        "observed_at": line.offering.observed_at,
        "marks": list(line.offering.marks),
        "launchable": line.offering.launchable,
    }


def _float(price: Any) -> float | None:
    return None if price is None else float(price)


def _about(catalog: Catalog) -> dict[str, Any]:
    """Where the answer comes from and how old it is."""
    manifest = catalog.manifest
    return {
        "root": str(catalog.root),
        "publication": manifest.id if manifest else None,
        "kind": manifest.kind if manifest else None,
        "observed_at": manifest.observed_at if manifest else None,
        "problem": catalog.problem,
    }


def _footer(catalog: Catalog) -> str:
    manifest = catalog.manifest
    if manifest is None:
        return f"prices from {printable(str(catalog.root))}: no manifest, so their age is unknown"
    sample = "; sample data, not today's prices" if manifest.kind == "sample" else ""
    kept = f"; not refreshed: {printable(catalog.problem)}" if catalog.problem else ""
    return f"prices observed up to {printable(manifest.observed_at)} ({_age(manifest.observed_at)}){sample}{kept}"


def _age(observed_at: str) -> str:
    try:
        then = datetime.fromisoformat(observed_at.replace("Z", "+00:00"))
        days = (datetime.now(timezone.utc) - then).days
    except (ValueError, TypeError):
        return "age unknown"
    return "today" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"


@main.command("why", short_help="Say why a GPU is, or is not, in the catalog.", epilog="""\b
    Examples:
      gpu-catalog why RTX5090
      gpu-catalog why gpu_8x_h100_sxm5
      gpu-catalog why 'NVIDIA A30'""")  # fmt: skip
@click.argument("name")
@_root
@_json
def why_command(name: str, root: str | None, as_json: bool) -> None:
    """Say why a GPU or instance type is, or is not, in the catalog.

    NAME is an accelerator, an instance type or a cloud's own id. Exit codes: 0 it is there; 1 it is not.
    """
    with _errors(as_json):
        catalog = Catalog.load(root)
        found = why(catalog, name)
    if as_json:
        document = {
            **_about(catalog),
            "offers": [_line_json(line) for line in found.offerings],
            "skipped": [
                {"cloud": s.cloud, "listing": s.listing, "rule": s.rule, "reason": s.reason} for s in found.skipped
            ],
            "nearest": found.nearest,
        }
        click.echo(json.dumps(document, indent=1))
    else:
        for line in found.offerings:
            click.echo(_told(line))
        for entry in found.skipped:
            click.echo(printable(f"{display_name(entry.cloud)}: {entry.listing}: skipped: {entry.reason} "
                                 f"(rule {entry.rule})"))  # fmt: skip
        if found.nearest:
            click.echo(f"{printable(name)}: neither offered nor skipped; {printable(found.nearest)}", err=True)
    sys.exit(0 if found.offerings else 1)


def _told(line: Line) -> str:
    """A row, its source and its marks, in a few lines."""
    facts = line.offering
    shown = ", ".join(line.regions[:6]) + (f" and {len(line.regions) - 6} more" if len(line.regions) > 6 else "")
    text = [
        f"{display_name(facts.cloud)}: {facts.instance_type}: {dollars(facts.price_usd_per_hour)} USD/h in {shown}",
        f"  from: {facts.source or 'not said'}, observed {facts.observed_at or 'at an unknown time'}",
        *(f"  {mark}: {MARKS.get(mark, 'a mark of a newer version')}" for mark in facts.marks),
        *_launch_note(facts),
    ]
    return "\n".join(printable(part) for part in text)


def _launch_note(facts: Offering) -> list[str]:
    return (
        [] if facts.launchable else ["  SkyPilot's launcher does not know this name: only other readers can use it"]
    )


@main.command("history", short_help="Show how the prices of a GPU went.", epilog="""\b
    Examples:
      gpu-catalog history H100:8
      gpu-catalog history "rtx 4090" --cloud runpod --since 2026-09-01""")  # fmt: skip
@click.argument("gpu", metavar="GPU[:N]")
@click.option("--cloud", help="Only this cloud.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only changes since this day, "
              "UTC, e.g. 2026-09-01.")  # fmt: skip
@_root
@_json
def history_command(gpu: str, cloud: str | None, since: datetime | None, root: str | None, as_json: bool) -> None:
    """Show how the prices of a GPU went, in every publication of the root so far.

    Prices are USD per hour of the whole instance; "-" is no longer offered. CHANGE % is against the price before.
    Exit codes: 0 shown; 1 no history, no such GPU, or no change since DATE; 2 wrong usage.
    """
    from gpu_catalog.price_series import read_history, series
    from gpu_catalog.question import parse_gpu

    try:
        name, count = parse_gpu(gpu)
    except BadQuestion as exc:
        raise click.UsageError(str(exc)) from exc
    with _errors(as_json):
        catalog = Catalog.load(root)
        found = series(read_history(catalog), name, count, cloud=cloud and cloud_named(cloud),
                       since=since and since.date())  # fmt: skip
    if as_json:
        click.echo(json.dumps({**_about(catalog), "series": [_series_json(one) for one in found]}, indent=1))
        return
    if not found:
        click.echo("Nothing in the history fits; leave out the count or an option to see more.", err=True)
        sys.exit(1)
    header = ("DATE", "CLOUD", "INSTANCE_TYPE", "KIND", "PRICE", "CHANGE %", "REGIONS")
    rows = [cells for one in found for cells in _history_cells(one)]
    click.echo(table(header, rows, right=frozenset({4, 5})))
    click.echo(_footer(catalog), err=True)


def _history_cells(one: Series) -> Iterator[tuple[str, ...]]:
    more = f" +{len(one.regions) - 3}" if len(one.regions) > 3 else ""
    regions = ", ".join(one.regions[:3]) + more
    for change, percent in one.steps():
        moved = "-" if percent is None else f"{percent:+.1f}"
        yield (change.valid_from[:10], display_name(change.cloud), change.instance_type, change.kind,
               dollars(change.price), moved, regions)  # fmt: skip


def _series_json(one: Series) -> dict[str, Any]:
    first = one.changes[0]
    return {
        "cloud": first.cloud,
        "instance_type": first.instance_type,
        "accelerator": first.accelerator,
        "accelerator_count": first.accelerator_count,
        "kind": first.kind,
        "regions": list(one.regions),
        "price_before_usd_per_hour": _float(one.before),
        "changes": [
            {
                "valid_from": change.valid_from,
                "price_usd_per_hour": _float(change.price),
                "change_percent": None if percent is None else float(round(percent, 4)),
                "publication": change.publication,
            }
            for change, percent in one.steps()
        ],
    }


@main.command("sync", short_help="Fetch the latest publication into the cache.", epilog="""\b
    Examples:
      gpu-catalog sync https://prices.example.com/gpu-catalog
      gpu-catalog sync https://a.example.com/c https://mirror.example.com/c
      gpu-catalog sync --upstream aws,gcp,azure""")  # fmt: skip
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder to sync into (default: "
              "GPU_CATALOG_CACHE, else gpu-catalog in the user's cache).")  # fmt: skip
@click.option("--upstream", metavar="CLOUDS", help="Fetch SkyPilot's hosted catalogs of these clouds, separated by "
              "commas, for estimates.")  # fmt: skip
@_json
def sync_command(urls: tuple[str, ...], cache: Path | None, upstream: str | None, as_json: bool) -> None:
    """Fetch the latest publication from the first URL that has it whole, and read it from now on.

    Without a URL: GPU_CATALOG_URL, else `url` in ~/.config/gpu-catalog/config.toml. What cannot be verified is not
    taken, and the last good publication stays. Exit codes: 0 up to date; 1 no URL could be used.

    With --upstream the URLs are those of SkyPilot's catalogs; without one: GPU_CATALOG_UPSTREAM_URLS, else
    `upstream_urls` in config.toml, else where SkyPilot gets them. Exit code 3: only some of the clouds.
    """
    if upstream is not None:
        _sync_upstream(upstream, urls, cache, as_json=as_json)
        return
    with _errors(as_json):
        from gpu_catalog.places import configured_urls, default_cache
        from gpu_catalog.sync import sync

        result = sync(urls or configured_urls(), cache or default_cache())
    if as_json:
        click.echo(json.dumps({"id": result.id, "url": result.url, "changed": result.changed,
                               "observed_at": result.observed_at, "files": result.downloaded_files,
                               "bytes": result.downloaded_bytes}, indent=1))  # fmt: skip
    elif result.changed:
        click.echo(f"{result.id}: {result.downloaded_files} files, {result.downloaded_bytes / 1e6:.1f} MB from "
                   f"{printable(result.url)}; prices of {printable(result.observed_at)}")  # fmt: skip
    else:
        click.echo(f"{result.id}: up to date; prices of {printable(result.observed_at)}")


def _sync_upstream(clouds: str, urls: tuple[str, ...], cache: Path | None, *, as_json: bool) -> None:
    names = [cloud_named(name) for name in clouds.split(",") if name.strip()]
    if not names:
        raise click.UsageError("--upstream names no cloud")
    with _errors(as_json):
        from gpu_catalog.places import default_cache
        from gpu_catalog.upstream import sync_upstream, upstream_urls

        results = sync_upstream(list(dict.fromkeys(names)), cache or default_cache(), urls or upstream_urls())
    failed = [result for result in results if result.problem is not None]
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], indent=1))
    for result in () if as_json else results:
        if result.problem is not None:
            click.echo(f"Error: {result.cloud}: {printable(result.problem)}", err=True)
        elif result.changed:
            left_out = f", {result.broken} of them broken and left out" if result.broken else ""
            rows = "1 row" if result.rows == 1 else f"{result.rows} rows"
            click.echo(f"{result.cloud}: {rows}{left_out}, from {printable(result.url or '')}")
        else:
            click.echo(f"{result.cloud}: up to date, {printable(result.url or '')}")
    if failed:
        sys.exit(1 if len(failed) == len(results) else 3)


_sky_home = click.option("--sky-home", "home", type=click.Path(path_type=Path), help="Folder whose .sky SkyPilot "
                         "uses (default: SKY_RUNTIME_DIR, else the home).")  # fmt: skip
_dry_run = click.option("--dry-run", is_flag=True, help="Only tell what would be done.")


@main.command("install", short_help="Put catalogs where SkyPilot reads them.", epilog="""\b
    Examples:
      gpu-catalog install                          Yotta
      gpu-catalog install --clouds yotta,lambda --dry-run""")  # fmt: skip
@click.option("--clouds", default="yotta", show_default=True, metavar="NAMES", help="Clouds, separated by commas.")
@click.option("--allow-sample", is_flag=True, help="Install sample data too; its prices are not today's.")
@_root
@_sky_home
@_dry_run
def install_command(clouds: str, allow_sample: bool, root: str | None, home: Path | None, dry_run: bool) -> None:
    """Put catalogs where SkyPilot reads them, with a backup of what is there.

    Schema v7 is read by SkyPilot 0.10.0 to 0.10.3.post2, v8 by 0.10.5 and later (Yotta by 0.12.0 and later).
    SkyPilot refreshes Lambda and RunPod by itself every 7 hours; installing those stops that until `uninstall`.
    """
    from gpu_catalog import install as installing

    names = [name.strip().lower() for name in clouds.split(",") if name.strip()]
    if not names:
        raise click.UsageError("--clouds names no cloud")
    with _errors():
        folder = Catalog.load(root).folder
        changes = installing.install(folder, names, home or sky_home(), allow_sample=allow_sample,
                                     dry_run=dry_run)  # fmt: skip
    _tell(changes, dry_run=dry_run)
    if stopped := [display_name(name) for name in names if name in installing.REFRESHED_BY_SKYPILOT]:
        click.echo(f"SkyPilot no longer refreshes {', '.join(stopped)} by itself: install again when there are new "
                   "prices, or `gpu-catalog uninstall`")  # fmt: skip
    click.echo("v7 is read by SkyPilot 0.10.0 to 0.10.3.post2, v8 by 0.10.5 and later (Yotta by 0.12.0 and later)")
    click.echo("a running API server keeps its old catalogs: restart it with `sky api stop`")


@main.command("uninstall", short_help="Undo what install did.")
@_sky_home
@_dry_run
def uninstall_command(home: Path | None, dry_run: bool) -> None:
    """Put back what was there before `gpu-catalog install`; files that you edited since are kept."""
    from gpu_catalog import install as installing

    with _errors():
        changes = installing.uninstall(home or sky_home(), dry_run=dry_run)
    if not changes:
        click.echo("nothing of ours is installed there")
    else:
        _tell(changes, dry_run=dry_run)
        click.echo("a running API server keeps its old catalogs: restart it with `sky api stop`")


def _tell(changes: Sequence[Change], *, dry_run: bool) -> None:
    for change in changes:
        would = "would " if dry_run and change.action not in {"same", "keep"} else ""
        note = f" ({change.note})" if change.note else ""
        click.echo(printable(f"{would}{change.action} {change.path}{note}"))


main.add_command(estimate_command)


if __name__ == "__main__":
    main()
