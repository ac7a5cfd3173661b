"""The commands `fetch-catalog` and `publish-catalog`: thin calls of documented functions.

Heavy libraries are imported by the functions that use them, so `--help` answers at once. Errors and exit codes
are mapped here and nowhere else.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

import gpu_catalog
from gpu_catalog.texts import printable
from publisher.progress import progress_lines, terminal
from publisher.store_cli import COMMANDS

if TYPE_CHECKING:
    from fetchers import SessionOptions
    from publisher.run import RunRequest

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_EXTRA = ("great_expectations", "pandas", "pyarrow", "rich")
_VERSIONS = ("v7", "v8")


class _Folder(click.Path):  # type: ignore[type-arg,unused-ignore]
    """A folder; an empty text, as an unset shell variable gives, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, if it is not empty."""
        if value == "":
            self.fail("an empty path.", param, ctx)
        return super().convert(value, param, ctx)


_FOLDER = _Folder(file_okay=False, path_type=Path)
_EXISTING_FOLDER = _Folder(exists=True, file_okay=False, path_type=Path)


class _Clouds(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A cloud's name, or `all`."""

    name = "cloud"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name in lower case; an unknown one is a usage error that suggests the nearest."""
        from fetchers import registry

        known = [*registry().accepted, "all"]
        if value.lower() not in known:
            if "," in value:
                self.fail(f"no cloud {value!r}; separate clouds by spaces.", param, ctx)
            near = difflib.get_close_matches(value.lower(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}."
            refused = [line for line in registry().refused if repr(value) in line]
            self.fail("; ".join([f"no cloud {value!r}", *refused, hint]), param, ctx)
        return value.lower()


class _Versions(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Schema versions, separated by commas."""

    name = "versions"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The versions asked for, in their own order."""
        asked = {version.strip() for version in value.split(",")} if isinstance(value, str) else set(value)
        if not asked or not asked <= set(_VERSIONS):
            self.fail(f"{value!r} is not a comma-separated list of {', '.join(_VERSIONS)}.", param, ctx)
        return tuple(version for version in _VERSIONS if version in asked)


@click.command(
    "fetch-catalog",
    context_settings=_CONTEXT,
    epilog="""\b
    Examples:
      fetch-catalog all --recorded             no key, no network: bundled sample data
      fetch-catalog yotta                      live; needs YOTTA_API_KEY
      fetch-catalog lambda runpod --output my-catalogs --schema v8
      fetch-catalog runpod --dry-run --json    look, do not write
      fetch-catalog all --record answers && fetch-catalog all --replay answers

    \b
    Keys: YOTTA_API_KEY or ~/.yotta/credentials, LAMBDA_API_KEY or ~/.lambda_cloud/lambda_keys,
    RUNPOD_API_KEY or ~/.runpod/config.toml (RunPod also answers without a key).

    \b
    Exit codes: 0 every asked cloud is fresh; 3 some are, the others keep their last good catalog;
    1 none is, nothing was written; 2 wrong usage.""",
)
@click.argument("clouds", nargs=-1, required=True, type=_Clouds(), metavar="CLOUD...")
@click.option("--output", type=_FOLDER, default=Path("catalogs"), show_default=True, help="Folder to publish into.")
@click.option("--recorded", is_flag=True, help="Answer from the bundled sample responses.")
@click.option("--replay", type=_EXISTING_FOLDER, metavar="DIR", help="Answer from what --record saved.")
@click.option("--record", type=_FOLDER, metavar="DIR", help="Save the live answers, scrubbed of keys.")
@click.option(
    "--schema", "versions", type=_Versions(), default=",".join(_VERSIONS), show_default=True,
    help="Schema versions to write.",
)  # fmt: skip
@click.option(
    "--sites", type=click.Choice(["all", "in-stock"]), default="all", show_default=True,
    help="in-stock leaves out rows that are out of stock now.",
)  # fmt: skip
@click.option(
    "--deadline", type=click.FloatRange(min=1, max=3600), default=60.0, show_default=True, metavar="SECONDS",
    help="For each cloud, retries included.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Fetch and validate, write nothing.")
@click.option("--probe", is_flag=True, help="Ask each live endpoint once and report what its answers look like.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.version_option(gpu_catalog.__version__, prog_name="fetch-catalog")
def fetch_catalog(
    clouds: tuple[str, ...],
    output: Path,
    recorded: bool,
    replay: Path | None,
    record: Path | None,
    versions: tuple[str, ...],
    sites: str,
    deadline: float,
    dry_run: bool,
    probe: bool,
    as_json: bool,
) -> None:
    """Fetch the offerings of GPU clouds, validate them and write their price catalogs.

    CLOUD is yotta, lambda, runpod, the name of a cloud that an installed package brings, or all.
    """
    _check_combination(recorded, replay, record, probe, sites)
    _check_extra("fetch-catalog")
    from fetchers import SessionOptions, registry
    from publisher.run import RunRequest

    names = tuple(registry().accepted) if "all" in clouds else tuple(dict.fromkeys(clouds))
    options = SessionOptions(deadline_seconds=deadline, recorded=recorded, replay=replay, record=record)
    if probe:
        _probe(names, options, as_json, every="all" in clouds)
    request = RunRequest(
        clouds=names,
        output=output,
        session=options,
        versions=versions,
        sites="in-stock" if sites == "in-stock" else "all",
        dry_run=dry_run,
    )
    _fetch(request, as_json)


def fetch_catalog_script() -> NoReturn:
    """`fetch-catalog` as a process, which ends when its work is done: everything is on disk by then.

    A fetcher that was left behind may have threads of its own, for which Python would wait without end.
    """
    status: str | int | None = 0
    try:
        fetch_catalog()
    except SystemExit as exc:
        status = exc.code
    sys.stdout.flush()
    sys.stderr.flush()
    if threading.active_count() > 1:
        os._exit(status if isinstance(status, int) else 0 if status is None else 1)
    sys.exit(status)


def _check_combination(recorded: bool, replay: Path | None, record: Path | None, probe: bool, sites: str) -> None:
    chosen = [
        name
        for name, value in (
            ("--recorded", recorded),
            ("--replay", replay),
            ("--record", record),
            ("--probe", probe),
        )
        if value
    ]
    if len(chosen) > 1 and set(chosen) != {"--record", "--probe"}:
        raise click.UsageError(f"{' and '.join(chosen)} do not go together.")
    if recorded and sites == "in-stock":
        raise click.UsageError(
            "--recorded and --sites in-stock do not go together: samples say nothing about stock."
        )


def _fetch(request: RunRequest, as_json: bool) -> NoReturn:
    """Run, print the closing table or document, exit with the code of DESIGN."""
    from fetchers import registry
    from publisher.errors import PublishError
    from publisher.report import remarks, results_json, results_table
    from publisher.run import exit_code, run

    refused = registry().refused
    try:
        # What a fetcher of another package prints must not end up in the document.
        with progress_lines(request.clouds, quiet=as_json) as notify, redirect_stdout(sys.stderr):
            results = run(request, notify)
    except PublishError as exc:
        _fail(str(exc), as_json)
    code = exit_code(results)
    written = None if request.dry_run or code == 1 else str(request.output)
    if as_json:
        click.echo(results_json(results, written, refused))
    else:
        terminal(stderr=False).print(results_table(results))
        for line in (*(f"warning: {line}" for line in refused), *remarks(results)):
            click.echo(printable(line), err=True)
        click.echo(f"wrote {written}" if written else "no catalog was written", err=True)
        if request.session.record is not None:
            click.echo(f"answers saved in {request.session.record}", err=True)
    sys.exit(code)


def _probe(names: tuple[str, ...], options: SessionOptions, as_json: bool, *, every: bool) -> NoReturn:
    from fetchers.probe import probe_cloud, probe_text
    from fetchers.probe_plans import PLANS

    reports = [probe_cloud(name, options) for name in (PLANS if every else names)]
    if as_json:
        click.echo(json.dumps([report.to_dict() for report in reports], indent=1))
    else:
        click.echo("\n".join(probe_text(report) for report in reports))
    sys.exit(0 if all(report.reached for report in reports) else 1)


@click.group("publish-catalog", context_settings=_CONTEXT)
@click.version_option(gpu_catalog.__version__, prog_name="publish-catalog")
def publish_catalog() -> None:
    """Check, compare and publish catalogs."""


@publish_catalog.command(
    "validate",
    epilog="""\b
    Examples:
      publish-catalog validate catalogs
      publish-catalog validate ~/.sky/catalogs/v8/lambda/vms.csv --cloud lambda --schema v8""",
)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--cloud", help="Cloud of a single file (default: the name of its folder).")
@click.option("--schema", "version", type=click.Choice(_VERSIONS), help="Schema version (default: from the path).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def validate(path: Path, cloud: str | None, version: str | None, as_json: bool) -> None:
    """Check a vms.csv or images.csv, or every one in a folder, against all rules.

    Exit codes: 0 all rules hold; 1 at least one is broken, each finding with row, column, value and rule.
    """
    _check_extra("publish-catalog validate")
    from publisher.validate import CannotValidate, validate_path

    try:
        reports = validate_path(path, cloud, version)
    except CannotValidate as exc:
        _fail(str(exc), as_json)
    if as_json:
        click.echo(json.dumps([report.to_dict() for report in reports], indent=1))
    else:
        for report in reports:
            click.echo(report.to_text())
    sys.exit(0 if all(report.ok for report in reports) else 1)


for command in COMMANDS:
    publish_catalog.add_command(command)


def _check_extra(command: str) -> None:
    """One clear line when the light installation is asked to produce catalogs."""
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        what = f"{command} needs the extra `fetch` (no {missing[0]} here)"
        raise click.ClickException(f"{what}: pip install 'gpu-catalog[fetch]'")


def _fail(message: str, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"exit_code": 1, "error": message}))
    else:
        click.echo(f"Error: {printable(message)}", err=True)
    sys.exit(1)
