"""What it costs to start: the help of every command, the import, and the whole main job on recorded answers."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from benchmarks.measure import OURS, Command, Series, bare_python, interleaved, measured, of_command
from gpu_catalog.cli import main as gpu_catalog
from gpu_catalog.estimate_cli import estimate_command
from publisher.cli import fetch_catalog, publish_catalog

COMMANDS: dict[str, click.Command] = {
    "fetch-catalog": fetch_catalog,
    "publish-catalog": publish_catalog,
    "gpu-catalog": gpu_catalog,
    "estimate-cost": estimate_command,
}
HELP, IMPORT, JOB = "--help", "import gpu_catalog", "fetch-catalog all --recorded"
JOB_RUNS = 5


def measure(runs: int, *, quick: bool = False) -> list[Series]:
    """Every command's help, the import and the job.

    Raises:
        Failed: a command failed.
    """
    asked = helps()[:2] if quick else helps()
    subjects = [bare_python("startup", HELP)]
    subjects += [of_command("startup", HELP, " ".join(words), help_command(words)) for words in asked]
    interleaved(subjects, lambda _: runs, warm_up=True)
    imports = [
        bare_python("startup", IMPORT),
        of_command("startup", IMPORT, OURS, Command(arguments=[sys.executable, "-c", "import gpu_catalog"])),
    ]
    interleaved(imports, lambda _: runs, warm_up=True)
    job = [(Series(part="startup", case=JOB, who=OURS, command=JOB), whole_job)]
    interleaved(job, lambda _: min(runs, JOB_RUNS), warm_up=not quick)
    return [series for series, _ in [*subjects, *imports, *job]]


def helps() -> list[list[str]]:
    """The words of every command and subcommand."""
    found = []
    for name, command in COMMANDS.items():
        subcommands = sorted(command.commands) if isinstance(command, click.Group) else []
        found += [[name], *([name, subcommand] for subcommand in subcommands)]
    return found


def help_command(words: list[str]) -> Command:
    """What asks for a command's help."""
    program, *subcommand = words
    return Command(arguments=[Path(sys.executable).with_name(program), *subcommand, "--help"])


def whole_job() -> tuple[dict[str, float], dict[str, object]]:
    """Fetch, validate and publish all clouds into a new folder."""
    with tempfile.TemporaryDirectory() as output:
        program = Path(sys.executable).with_name("fetch-catalog")
        return measured(Command(arguments=[program, "all", "--recorded", "--output", output]))
