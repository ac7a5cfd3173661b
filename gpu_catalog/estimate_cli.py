"""The command `estimate-cost`, which is also `gpu-catalog estimate`: thin calls of documented functions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

import gpu_catalog
from gpu_catalog.batch_cli import batch_answered, task_answered
from gpu_catalog.cloud_names import display_name
from gpu_catalog.command_line import print_json
from gpu_catalog.compare_cli import compare_answered
from gpu_catalog.cost_estimate import HOURS_PER_MONTH
from gpu_catalog.errors import GpuCatalogError
from gpu_catalog.estimate import estimate, not_found
from gpu_catalog.market import Market, open_market
from gpu_catalog.matching import priced
from gpu_catalog.priced_offer import PricedOffer
from gpu_catalog.prices import rank
from gpu_catalog.question import Question, ask, parse_gpu
from gpu_catalog.texts import number, plain_dollars, plain_number, printable, table

_STOCK = {True: "yes", False: "no", None: "?"}
_HEADER = ("CLOUD", "REGION", "ZONE", "INSTANCE_TYPE", "GPU", "QTY", "DEVICE_MEM", "ON-DEMAND", "SPOT", "SAVES",
           "STOCK", "AS_OF")  # fmt: skip
_RIGHT = frozenset({5, 6, 7, 8, 9})
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What was typed."""

    gpu: str | None
    """GPU, with or without a count."""

    instance_type: str | None
    """Instance type."""

    clouds: tuple[str, ...]
    """Clouds as people write them; none for all."""

    region: str | None
    """Region."""

    zone: str | None
    """Availability zone."""

    spot: bool
    """Whether the spot price is asked for."""

    nodes: int
    """Instances."""

    hours: float | None
    """How long."""

    min_gpu_memory: float | None
    """GB that each GPU must have."""

    max_price: float | None
    """USD per hour that all nodes may cost."""

    every: bool
    """Whether to list the cheapest of each cloud."""

    top: int | None
    """How many of the cheapest offers to list."""

    monthly: bool
    """Whether to say what a month costs."""

    compare: bool
    """Whether the table of GPUs by clouds is asked for."""

    batch: str | None
    """File with a JSON array of NodeConfig objects; - for standard input."""

    task: Path | None
    """A SkyPilot task file."""

    root: str | None
    """The folder of catalogs to read; None for all of this machine."""

    as_json: bool
    """Whether to print JSON."""

    def question(self) -> Question:
        """The single question."""
        return ask(
            self.gpu, instance_type=self.instance_type, cloud=self.clouds, region=self.region, zone=self.zone,
            use_spot=self.spot, num_nodes=self.nodes, hours=self.hours, min_gpu_memory_gib=self.min_gpu_memory,
            max_price_usd_per_hour=None if self.max_price is None else Decimal(str(self.max_price)),
        )  # fmt: skip


@click.command("estimate", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
               epilog="""\b
    Examples:
      estimate-cost A100:1
      estimate-cost H100:8 --spot --cloud aws --cloud gcp --hours 12
      estimate-cost RTX4090 --top 5
      estimate-cost --instance-type gpu_8x_h100_sxm5 --nodes 2 --monthly
      estimate-cost --compare
      estimate-cost --task train.yaml
      estimate-cost --batch - --json < nodes.json""")  # fmt: skip
@click.argument("gpu", required=False, metavar="[GPU[:COUNT]]")
@click.option("--spot", is_flag=True, help="Spot price; on-demand never takes its place.")
@click.option("--cloud", "clouds", multiple=True, help="Only this cloud (ec2 is aws); may be repeated.")
@click.option("--region", help="Only this region; case is ignored.")
@click.option("--zone", help="Only this availability zone.")
@click.option("--nodes", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Instances.")
@click.option("--hours", metavar="H", type=click.FloatRange(min=0), help="How long; adds a total.")
@click.option("--instance-type", help="Instead of a GPU, or together with one.")
@click.option("--all", "every", is_flag=True, help="Also a table: the cheapest of each cloud (JSON always has it).")
@click.option("--top", metavar="N", type=click.IntRange(min=1), help="Also a table: the N cheapest offers.")
@click.option("--monthly", is_flag=True, help=f"Also the cost of a month ({HOURS_PER_MONTH} hours).")
@click.option("--max-price", metavar="USD", type=_ABOVE_ZERO, help="Most that all nodes may cost, USD per hour.")
@click.option("--min-gpu-memory", metavar="GB", type=_ABOVE_ZERO, help="That each GPU must have; name none then.")
@click.option("--compare", is_flag=True, help="Table of GPUs by clouds, USD per GPU-hour, on-demand / spot.")
@click.option("--batch", metavar="FILE", help="Price a JSON array of NodeConfig objects; - "
              "for standard input.")  # fmt: skip
@click.option("--task", type=click.Path(path_type=Path), metavar="FILE", help="Price a SkyPilot task file (needs "
              "the extra gpu-catalog[task]).")  # fmt: skip
@click.option("--root", metavar="PLACE", help="Read this folder of catalogs and nothing else (default: all that "
              "this machine has).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.version_option(gpu_catalog.__version__, prog_name="estimate-cost")
def estimate_command(**options: Any) -> None:
    """Say what a job will cost, by the prices on this machine. No network is used.

    Prices come from our catalogs, and for other clouds from SkyPilot's: those that `gpu-catalog sync --upstream`
    fetched, else those under ~/.sky; own prices from ~/.config/gpu-catalog/overrides.toml are laid over them. Names
    must match as a whole, and instances with exactly COUNT GPUs must exist. --batch and --task go with --hours,
    --root and --json only.

    Exit codes: 0 there is a price (--batch: the batch was read); 1 there is none, or the question is malformed;
    2 wrong usage.
    """
    typed = _Options(**options)
    _check(typed)
    if sys.stdout is None:  # Closed: nobody would get the answer.
        sys.exit(1)
    try:
        code = _answered(typed)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # Whoever read had enough; click ends quietly.
    except OSError as exc:
        click.echo(f"Error: cannot write standard output: {exc.strerror}", err=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _answered(typed: _Options) -> int:
    """Answer what was typed; returns the exit code."""
    try:
        if typed.batch is not None:
            return batch_answered(typed.batch, typed.root, typed.hours, as_json=typed.as_json)
        if typed.task is not None:
            return task_answered(typed.task, typed.root, typed.hours, as_json=typed.as_json)
        return _compare(typed) if typed.compare else _single(typed)
    except GpuCatalogError as exc:
        return _fail(str(exc), typed)


def _fail(reason: str, typed: _Options) -> int:
    if typed.as_json:
        print_json(not_found(Question(), reason).to_dict())
    else:
        click.echo(f"Error: {printable(reason)}", err=True)
    return 1


def _check(typed: _Options) -> None:
    """Refuse options that do not go together, as click would.

    Raises:
        UsageError: they do not.
    """
    empty = {"--cloud": "" in typed.clouds, "--region": typed.region == "", "--zone": typed.zone == "",
             "--instance-type": typed.instance_type == "", "--root": typed.root == ""}  # fmt: skip
    for name, is_empty in empty.items():
        if is_empty:
            raise click.UsageError(f"{name} is empty; leave it out, or name one")
    modes = {"--batch": typed.batch, "--task": typed.task, "--compare": typed.compare or None}
    chosen = [name for name, value in modes.items() if value is not None]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} do not go together")
    named = typed.gpu is not None or typed.instance_type is not None or typed.min_gpu_memory is not None
    if not chosen and not named:
        raise click.UsageError("name a GPU such as A100:1, or --instance-type; -h tells what else there is")
    asks = {"a GPU": typed.gpu, "--instance-type": typed.instance_type, "--cloud": typed.clouds or None,
           "--region": typed.region, "--zone": typed.zone, "--spot": typed.spot or None,
           "--nodes": None if typed.nodes == 1 else typed.nodes, "--min-gpu-memory": typed.min_gpu_memory,
           "--max-price": typed.max_price, "--all": typed.every or None, "--top": typed.top,
           "--monthly": typed.monthly or None, "--hours": typed.hours if typed.compare else None}  # fmt: skip
    taken = {"a GPU", "--cloud", "--region", "--zone", "--min-gpu-memory"} if typed.compare else set()
    given = [name for name, value in asks.items() if value is not None and name not in taken]
    if chosen and given:
        raise click.UsageError(f"{chosen[0]} does not go together with {', '.join(given)}")


def _single(typed: _Options) -> int:
    question = typed.question()
    market = open_market(typed.root)
    found = estimate(question, market)
    top = []
    if found.found and typed.top is not None:
        top = _cheapest(question, market, typed.top)
    monthly = None if found.hourly_cost is None else round(found.hourly_cost * HOURS_PER_MONTH, 6)
    if typed.as_json:
        document = found.to_dict()
        if typed.monthly:
            document["monthly_cost"] = plain_number(monthly)
        if typed.top is not None:
            document["top"] = [offer.to_dict() for offer in top]
        print_json(document)
    elif found.found:
        first, *further = str(found).splitlines()
        if typed.monthly and monthly is not None:
            further.insert(1, f"  ${plain_dollars(monthly)}/month ({HOURS_PER_MONTH} h)")
        click.echo("\n".join((first, *further)))
        if typed.every or typed.top is not None:
            click.echo()
            click.echo(_offers_table(top or found.offers))
    else:
        click.echo(f"No price: {found}", err=True)
    return 0 if found.found else 1


def _cheapest(question: Question, market: Market, number_of: int) -> list[PricedOffer]:
    found = sorted(priced(question, market, []), key=rank(use_spot=question.use_spot))
    return [match.offer(use_spot=question.use_spot) for match in found[:number_of]]


def _offers_table(offers: Sequence[PricedOffer]) -> str:
    rows = [
        (
            display_name(offer.cloud), offer.region, offer.zone or "-", offer.instance_type, offer.gpu or "-",
            number(offer.gpu_count),
            "-" if offer.gpu_memory_gib is None else f"{number(offer.gpu_memory_gib)}GB",
            plain_dollars(offer.on_demand_price), plain_dollars(offer.spot_price),
            "-" if offer.savings_percent is None else f"{number(offer.savings_percent)}%",
            _STOCK[offer.in_stock], offer.prices_as_of or "-",
        )
        for offer in offers
    ]  # fmt: skip
    return table(_HEADER, rows, right=_RIGHT)


def _compare(typed: _Options) -> int:
    name, count = (None, None) if typed.gpu is None else parse_gpu(typed.gpu)
    asked = ask(name, cloud=typed.clouds, region=typed.region, zone=typed.zone, any_gpu=True,
                min_gpu_memory_gib=typed.min_gpu_memory)  # fmt: skip
    return compare_answered(replace(asked, gpu_count=count), typed.root, as_json=typed.as_json)


if __name__ == "__main__":
    estimate_command()
