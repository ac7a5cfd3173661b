"""The command `gpu-catalog`: thin calls of documented functions, and those that fetch and install catalogs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import gpu_catalog
from gpu_catalog.catalog import Catalog
from gpu_catalog.cloud_names import cloud_named, display_name
from gpu_catalog.command_line import json_option, root_option, told_errors
from gpu_catalog.estimate_cli import estimate_command
from gpu_catalog.history_cli import history_command
from gpu_catalog.list_cli import list_command, why_command
from gpu_catalog.places import sky_home
from gpu_catalog.texts import printable

if TYPE_CHECKING:
    from gpu_catalog.install import Change

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group("gpu-catalog", context_settings=_CONTEXT)
@click.version_option(gpu_catalog.__version__, prog_name="gpu-catalog")
def main() -> None:
    """Prices of GPU clouds: look them up, and give them to SkyPilot."""


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
@json_option
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
    with told_errors(as_json):
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
    with told_errors(as_json):
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
@root_option
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
    with told_errors():
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

    with told_errors():
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


for command in (estimate_command, list_command, why_command, history_command):
    main.add_command(command)


if __name__ == "__main__":
    main()
