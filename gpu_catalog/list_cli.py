"""`gpu-catalog list` and `gpu-catalog why`: what is in the catalog, and why."""

from __future__ import annotations

import json
import sys
from typing import Any, get_args

import click

from gpu_catalog.catalog import Catalog
from gpu_catalog.cloud_names import display_name
from gpu_catalog.command_line import about, float_or_none, footer, json_option, root_option, told_errors
from gpu_catalog.listing import Line, Sort, list_lines, why
from gpu_catalog.offering import MARKS, Offering
from gpu_catalog.texts import dollars, number, printable, table

_STOCK = {True: "yes", False: "no", None: "?"}


@click.command("list", short_help="Show instance types with a GPU and their prices.", epilog="""\b
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
@root_option
@json_option
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
    with told_errors(as_json):
        catalog = Catalog.load(root)
        lines = list_lines(catalog, gpu, clouds=clouds, region=region, count=count, spot_only=spot,
                           all_regions=all_regions, sort=sort)  # fmt: skip
    if as_json:
        click.echo(json.dumps({**about(catalog), "offers": [_line_json(line) for line in lines]}, indent=1))
        return
    if not lines:
        click.echo("Nothing in the catalog fits; leave out an option to see more.", err=True)
        sys.exit(1)
    header = ("GPU", "QTY", "CLOUD", "INSTANCE_TYPE", "DEVICE_MEM", "vCPUs", "HOST_MEM", "PRICE", "SPOT", "$/GPU-H",
              "REGION", "STOCK", "AS_OF")  # fmt: skip
    click.echo(table(header, [_cells(line) for line in lines], right=frozenset({1, 4, 5, 6, 7, 8, 9})))
    click.echo(footer(catalog), err=True)


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
        "price_usd_per_hour": float_or_none(line.offering.price_usd_per_hour),
        "spot_price_usd_per_hour": float_or_none(line.offering.spot_price_usd_per_hour),
        "price_usd_per_gpu_hour": float_or_none(line.offering.price_usd_per_gpu_hour),
        "regions": list(line.regions),
        "in_stock": line.offering.in_stock,
        "source": line.offering.source,
        "observed_at": line.offering.observed_at,
        "marks": list(line.offering.marks),
        "launchable": line.offering.launchable,
    }


@click.command("why", short_help="Say why a GPU is, or is not, in the catalog.", epilog="""\b
    Examples:
      gpu-catalog why RTX5090
      gpu-catalog why gpu_8x_h100_sxm5
      gpu-catalog why 'NVIDIA A30'""")  # fmt: skip
@click.argument("name")
@root_option
@json_option
def why_command(name: str, root: str | None, as_json: bool) -> None:
    """Say why a GPU or instance type is, or is not, in the catalog.

    NAME is an accelerator, an instance type or a cloud's own id. Exit codes: 0 it is there; 1 it is not.
    """
    with told_errors(as_json):
        catalog = Catalog.load(root)
        found = why(catalog, name)
    if as_json:
        document = {
            **about(catalog),
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
