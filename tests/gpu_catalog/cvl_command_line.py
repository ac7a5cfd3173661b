"""A command line of the shape of CVL's, with the lines of `docs/cvl.md` in it: what `test_cvl.py` drives.

Written from what was observed of CVL at commit 828f33c1, not copied from it: the same flags, the same trailing
REMAINDER, the same flags dug out of it, the same order of configurations. Nothing is ever started; what CVL would
have started is written down in `LAUNCHED` and printed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

LAUNCHED: list[dict[str, Any]] = []
"""What would have been started, in order."""

RUNNERS = ("local", "sagemaker", "ssh", "k8s", "skypilot")
RUNNER_DEFAULTS: dict[str, dict[str, Any]] = {
    "sagemaker": {"instance_type": "ml.g5.xlarge", "instance_count": 1, "max_run_minutes": 60, "spot": False},
    "k8s": {"gpu": 1},
    "skypilot": {"gpu": "A10G:1", "use_spot": False},
    "ssh": {"gpu_ids": None},
}
_DUG_OUT = ("runner", "instance_type", "output_path", "input_path", "region", "max_run_minutes", "role_arn")
_OVERRIDES = ("instance_type", "output_path", "input_path", "region", "max_run_minutes", "role_arn", "gpu", "cloud")


def create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cvl")
    commands = parser.add_subparsers(dest="command")

    commands.add_parser("list").add_argument("--keyword", "-k")

    run_parser = commands.add_parser("run")
    run_parser.add_argument("example")
    run_parser.add_argument("preset")
    run_parser.add_argument("-w", "--work-dir")
    for switch in ("--no-live", "--simple-display", "--no-docker", "--spot"):
        run_parser.add_argument(switch, action="store_true")
    run_parser.add_argument("--runner", choices=RUNNERS, default="local")
    for flag in ("--instance-type", "--output-path", "--input-path", "--region", "--role-arn", "--gpu", "--cloud"):
        run_parser.add_argument(flag)
    run_parser.add_argument("--max-run-minutes", type=int)
    try:
        from gpu_catalog.cvl import add_estimate_cost_argument
    except ImportError:
        pass  # main() says how to install it
    else:
        add_estimate_cost_argument(run_parser)
    run_parser.add_argument("extra_args", nargs=argparse.REMAINDER)

    deploy_parser = commands.add_parser("deploy")
    deploy_parser.add_argument("example")
    deploy_parser.add_argument("--platform", choices=["cerebrium", "modal"], default="cerebrium")
    deploy_parser.add_argument("--gpu", choices=["T4", "L4", "A10", "L40", "A100", "A100_80GB", "H100"])
    deploy_parser.add_argument("--dry-run", action="store_true")
    try:
        from gpu_catalog.cvl import add_estimate_cost_argument
    except ImportError:
        pass
    else:
        add_estimate_cost_argument(deploy_parser)
    return parser


def _extract_runner_args(args: argparse.Namespace) -> argparse.Namespace:
    """Take the flags of `_DUG_OUT`, each with a value of its own, and `--spot` out of the script's arguments."""
    flags = {"--" + name.replace("_", "-"): name for name in _DUG_OUT}
    waiting, left = list(args.extra_args), []
    while waiting:
        argument = waiting.pop(0)
        if argument in flags and waiting:
            value = waiting.pop(0)
            setattr(args, flags[argument], int(value) if argument == "--max-run-minutes" else value)
        elif argument == "--spot":
            args.spot = True
        else:
            left.append(argument)
    args.extra_args = left
    return args


def _section(file: Path, runner: str) -> dict[str, Any]:
    """What a configuration file says about a runner."""
    if not file.is_file():
        return {}
    import yaml

    said: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return said.get(runner) or {}


def get_runner_config(runner: str, example_path: Path, cli_overrides: dict[str, Any]) -> dict[str, Any]:
    """Flags, then the example's file, then the user's, then the defaults; the runner's name is not in it."""
    return {
        **RUNNER_DEFAULTS.get(runner, {}),
        **_section(Path.home() / ".cvl" / "config.yaml", runner),
        **_section(example_path / "cvl.yaml", runner),
        **{key: value for key, value in cli_overrides.items() if value is not None},
    }


def cmd_run(args: argparse.Namespace) -> int:
    if getattr(args, "estimate_cost", False):
        return cmd_run_remote(args, args.runner)
    args = _extract_runner_args(args)
    if args.runner != "local":
        return cmd_run_remote(args, args.runner)
    return _launch({"runner": "local", "preset": args.preset, "script": args.extra_args})


def cmd_run_remote(args: argparse.Namespace, runner: str) -> int:
    example_path = Path("examples") / args.example
    if not example_path.is_dir():
        sys.stderr.write(f"Error: Example '{args.example}' not found\n")
        return 1
    cli_overrides = {name: getattr(args, name) for name in _OVERRIDES} | {"spot": args.spot or None}
    config = get_runner_config(runner, example_path, cli_overrides)
    if getattr(args, "estimate_cost", False):
        from gpu_catalog.cvl import print_estimate

        return print_estimate({**config, "runner": runner})
    return _launch({**config, "runner": runner, "preset": args.preset, "script": args.extra_args})


def cmd_deploy(args: argparse.Namespace) -> int:
    if getattr(args, "estimate_cost", False):
        from gpu_catalog.cvl import print_estimate

        return print_estimate({"platform": args.platform, "gpu": args.gpu})
    return _launch({"platform": args.platform, "gpu": args.gpu})


def _launch(job: dict[str, Any]) -> int:
    LAUNCHED.append(job)
    sys.stdout.write(f"LAUNCHED {job}\n")
    return 0


def main() -> int:
    parser = create_parser()
    argv = sys.argv[1:]
    if any(word.startswith("--estimate-cost") for word in argv):
        try:
            from gpu_catalog.cvl import hoisted
        except ImportError:
            print("Error: no cost estimate without its package: pip install gpu-catalog", file=sys.stderr)  # noqa: T201
            return 1
        argv = hoisted(argv)
    args = parser.parse_args(argv)
    if getattr(args, "estimate_cost", False) and "--estimate-cost" not in argv:
        parser.error("--estimate-cost must be written in full")
    if args.command == "run":
        return cmd_run(args)
    if args.command == "deploy":
        return cmd_deploy(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
