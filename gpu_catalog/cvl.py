"""What CVL's command line calls for `cvl run ... --estimate-cost`; `docs/cvl.md` says where.

Importing this module costs nothing: the estimator is loaded when a price is asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu_catalog.cost_estimate import CostEstimate

FLAG = "--estimate-cost"

_ALWAYS_CVLS = frozenset({
    "--runner", "--instance-type", "--output-path", "--input-path", "--region", "--max-run-minutes", "--role-arn",
})  # fmt: skip
"""Flags with a value that `cvl run` takes out of the script's arguments whatever the runner."""
_SKYPILOTS = frozenset({"--gpu", "--cloud"})
"""Those that are CVL's only with `--runner skypilot`; scripts have a `--cloud` of their own."""
_SWITCHES = frozenset({"--spot", FLAG})

_NOTHING_TO_PRICE = {
    "local": "the runner local starts nothing that is billed; name another with --runner",
    "ssh": "the runner ssh starts nothing that is billed",
    "k8s": "of a k8s job only the number of GPUs is known, not the model",
}


def add_estimate_cost_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--estimate-cost` to the parser of `cvl run`."""
    parser.add_argument(FLAG, action="store_true", help="Say what this would cost per hour, and run nothing")


def hoisted(argv: Sequence[str]) -> list[str]:
    """The arguments of `cvl` with the flags that decide a price in front of EXAMPLE, where argparse sees them.

    `cvl run EXAMPLE PRESET ...` gives everything behind PRESET to the script, flags included, so that one that is
    written there would be ignored: the price of another GPU would be told, or the job run. A PRESET may be missing.
    Arguments without `--estimate-cost` come back as they are. With it, wherever it stands, nothing may run; what is
    behind a `--` is the script's and decides no price.
    """
    if list(argv[:1]) != ["run"] or not any(word.partition("=")[0] == FLAG for word in argv):
        return list(argv)
    own = list(argv[1 : argv.index("--")]) if "--" in argv else list(argv[1:])
    flags, rest, runner = _taken_out(own, _ALWAYS_CVLS)
    if runner == "skypilot":
        more, rest, _ = _taken_out(rest, _SKYPILOTS)
        flags += more
    # The last argument stands in for a missing PRESET; else it goes to a script that does not run.
    # The flag stands last: one before it that lacks its value cannot take EXAMPLE for it.
    return ["run", *flags, FLAG, *rest, "-"]


def _taken_out(arguments: Sequence[str], with_value: frozenset[str]) -> tuple[list[str], list[str], str | None]:
    """These flags, what is left, and the value of the last `--runner`."""
    flags: list[str] = []
    rest: list[str] = []
    runner = None
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if argument in _SWITCHES or name == FLAG:
            flags.append(argument)  # argparse refuses `--estimate-cost=yes`; a script must not get it, and run
        elif name in with_value:
            given = value if equals else next(waiting, None)
            flags.append(name if given is None else f"{name}={given}")
            runner = given if name == "--runner" else runner
        else:
            rest.append(argument)
    return flags, rest, runner


def print_estimate(config: Mapping[str, Any]) -> int:
    """Print what a CVL job would cost; never starts anything.

    Args:
        config: CVL's merged configuration and `runner` (for `cvl deploy`: `platform`). Read are gpu, cloud, region,
            spot, instance_type, num_nodes or instance_count, and max_run_minutes; None means that it was not said.

    Returns:
        Exit code: 0 with the estimate on standard output; 1 with the reason on standard error and nothing else.
    """
    try:
        found = _estimate(config)
    except ValueError as exc:
        return _refused(str(exc))
    if not found.found:
        return _refused(str(found))
    print(found)  # noqa: T201
    return 0


def _estimate(config: Mapping[str, Any]) -> CostEstimate:
    from gpu_catalog.cloud_names import cloud_named, why_no_prices
    from gpu_catalog.errors import BadQuestion
    from gpu_catalog.estimate import estimate_cost
    from gpu_catalog.texts import printable, shown

    for key in ("platform", "runner"):
        if config.get(key) is not None and not isinstance(config[key], str):
            raise BadQuestion(f"{key} {shown(config[key])} is not text")
    if platform := config.get("platform"):
        why = why_no_prices(cloud_named(platform)) or "it has no hourly prices of instances"
        raise BadQuestion(f"no prices for {printable(platform[:60])}: {why}")
    runner = config.get("runner") or "local"
    minutes = config.get("max_run_minutes")
    if minutes is not None and (isinstance(minutes, bool) or not isinstance(minutes, (int, float))):
        raise BadQuestion(f"max_run_minutes {shown(minutes)} is not a number of minutes")
    nodes = config.get("instance_count" if runner == "sagemaker" else "num_nodes")
    common: dict[str, Any] = {
        "region": config.get("region"),
        "use_spot": False if config.get("spot") is None else config["spot"],
        "num_nodes": 1 if nodes is None else nodes,
        "hours": None if minutes is None else minutes / 60,
    }
    if runner == "skypilot":
        return estimate_cost(config.get("gpu"), cloud=config.get("cloud"), **common)
    if runner == "sagemaker":
        return estimate_cost(instance_type=config.get("instance_type"), cloud="aws", **common)
    raise BadQuestion(_NOTHING_TO_PRICE.get(runner, f"no prices for the runner {printable(runner[:60])}"))


def _refused(reason: str) -> int:
    from gpu_catalog.texts import printable

    print(f"Error: {printable(reason)}", file=sys.stderr)  # noqa: T201
    return 1
