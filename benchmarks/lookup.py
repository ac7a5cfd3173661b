"""The cheapest instance with so many of a GPU, on any cloud: in a new process, in a running one, and in batches.

Everybody reads the same rows, the published ones alone or with those of a made-up cloud of AWS's size, and must
give the same answers.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.layouts import CATALOGS, LARGE_CLOUD, OURS_AS_GPUHUNT, gpuhunt_site, skypilot_home
from benchmarks.measure import (
    BARE,
    GPUHUNT,
    OURS,
    PROGRAMS,
    ROOT,
    SKYPILOT,
    Command,
    Failed,
    Series,
    bare_python,
    interleaved,
    of_command,
)
from benchmarks.peers import python_of
from benchmarks.programs.asking import QUESTIONS

CATALOG = f"{OURS}, Catalog.cheapest"
PUBLISHED, LARGE = "published", "and 70,000 rows"
WARM = {OURS: 2_000, CATALOG: 2_000, SKYPILOT: 30, GPUHUNT: 10}
"""How often a question is asked again in a process."""
WARM_RUNS = 3
"""Processes of the warm figure, which is a median in each."""
BATCH = 10_000
BATCH_CASE = f"batch of {BATCH:,}"


def measure(runs: int, *, quick: bool = False) -> list[Series]:
    """All programs, cold and warm, over both sets of rows.

    Raises:
        Failed: a program failed, or two gave different answers.
        CannotInstall: a peer cannot be had.
    """
    found: list[Series] = []
    with tempfile.TemporaryDirectory() as folder:
        for case in (PUBLISHED, LARGE):
            place = Path(folder) / case.replace(" ", "-")
            skypilot_home(place / "home", large=case == LARGE)
            gpuhunt_site(place / "gpuhunt", place / "home")
            cold = [
                bare_python("lookup", f"cold, {case}"),
                *(of_command("lookup", f"cold, {case}", who, command(who, place, 0)) for who in subjects(case)),
            ]
            interleaved(cold, lambda _: runs, warm_up=True)
            warm = [
                of_command("lookup", f"warm, {case}", who, command(who, place, 3 if quick else WARM[who]))
                for who in subjects(case)
            ]
            interleaved(warm, lambda _: min(runs, WARM_RUNS), warm_up=False)
            agree([series for series, _ in [*cold, *warm] if series.who != BARE])
            found += [series for series, _ in [*cold, *warm]]
    batch = [of_command("lookup", BATCH_CASE, OURS, batch_command())]
    interleaved(batch, lambda _: runs, warm_up=True)
    return [*found, batch[0][0]]


def subjects(case: str) -> list[str]:
    """Who is asked. Our `Catalog` holds what we publish, and no other cloud."""
    return [OURS, *([CATALOG] if case == PUBLISHED else []), SKYPILOT, GPUHUNT]


def command(who: str, place: Path, warm: int) -> Command:
    """What asks one program."""
    clouds = [
        "yotta",
        "lambda",
        "runpod",
        *([LARGE_CLOUD] if (place / f"home/.sky/catalogs/v8/{LARGE_CLOUD}").exists() else []),
    ]
    home = place / "home"
    environ = {
        "PYTHONPATH": str(ROOT), "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"), "GPU_CATALOG_ROOT": str(CATALOGS),
        "SKYPILOT_DISABLE_USAGE_COLLECTION": "1", "GPUHUNT_CATALOG_URL": (place / "gpuhunt").as_uri(),
    }  # fmt: skip
    programs: dict[str, list[str | Path]] = {
        OURS: [sys.executable, PROGRAMS / "lookup_ours.py", "estimate", str(warm)],
        CATALOG: [sys.executable, PROGRAMS / "lookup_ours.py", "catalog", str(warm)],
    }
    if who == SKYPILOT:
        programs[who] = [python_of(who), PROGRAMS / "lookup_skypilot.py", str(warm), *clouds]
    elif who == GPUHUNT:
        asked = [OURS_AS_GPUHUNT[cloud] for cloud in clouds]
        programs[who] = [python_of(who), PROGRAMS / "lookup_gpuhunt.py", str(warm), *asked]
    return Command(arguments=programs[who], environ=environ, cwd=home, reports=True)


def agree(found: list[Series]) -> None:
    """See that all gave the same answer to the same question.

    Raises:
        Failed: they did not.
    """
    for gpu, count in QUESTIONS:
        question = f"{gpu}:{count}"
        answers = {series.who: series.answers[question] for series in found if question in series.answers}
        if len({json.dumps(answer) for answer in answers.values()}) != 1 or None in answers.values():
            raise Failed(f"different answers to {question}: {answers}")


def batch_command() -> Command:
    """The command over a batch of the three questions, again and again."""
    nodes = [{"provider": "", "region": "", "gpu": gpu, "gpu_count": count} for gpu, count in QUESTIONS]
    batch = json.dumps((nodes * BATCH)[:BATCH]).encode()
    estimate = Path(sys.executable).with_name("estimate-cost")
    return Command(arguments=[estimate, "--batch", "-", "--json", "--root", CATALOGS], stdin=batch)
