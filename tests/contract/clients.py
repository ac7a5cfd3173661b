"""The SkyPilot clients, each in a virtual environment of its own that is kept between runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class CannotInstall(Exception):
    """The client is not to be had on this machine."""


@dataclass(frozen=True, slots=True)
class Client:
    """A released SkyPilot."""

    schema: str
    """Catalog schema that it reads."""

    requirements: tuple[str, ...]
    """What pip installs."""

    clouds: tuple[str, ...]
    """Those of our clouds that it knows."""

    takes_price_limit: bool
    """Whether its functions have `max_hourly_cost`."""


CLIENTS = {
    "0.14.1": Client("v8", ("skypilot==0.14.1",), ("yotta", "lambda", "runpod"), True),
    # 0.10 imports greenlet, which SQLAlchemy 2.1 no longer brings.
    "0.10.3.post2": Client("v7", ("skypilot==0.10.3.post2", "greenlet"), ("lambda", "runpod"), False),
}


def environments() -> Path:
    """Folder of the environments: GPU_CATALOG_CONTRACT_ENVS, else in the user's cache."""
    if chosen := os.environ.get("GPU_CATALOG_CONTRACT_ENVS"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-catalog-contract"


def python_of(release: str) -> Path:
    """The interpreter of a client's environment, installed when it is not there yet.

    Raises:
        CannotInstall: pip could not; the message is its last line.
    """
    return ready_python(f"skypilot-{release}", CLIENTS[release].requirements, "import sky.catalog")


def ready_python(name: str, requirements: Sequence[str], check: str) -> Path:
    """The interpreter of the environment of that name, installed when it is not there yet.

    Args:
        name: of its folder, without the Python version.
        requirements: what pip installs.
        check: a program that runs when all is well.

    Raises:
        CannotInstall: as `python_of`.
    """
    place = environments() / f"{name}-py{sys.version_info.major}.{sys.version_info.minor}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(place)],
            [str(python), "-m", "pip", "install", "-q", *requirements],
            [str(python), "-c", check],
        ):
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode:
                last = (run.stderr.strip().splitlines() or ["no output"])[-1]
                raise CannotInstall(f"{name} cannot be installed here: {last}")
        (place / "complete").touch()
    return python


def environment(home: Path) -> Mapping[str, str]:
    """Variables of a client's process: a private home, nobody's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SKY")}
    return {
        **kept, "HOME": str(home), "SKY_RUNTIME_DIR": str(home), "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
    }  # fmt: skip


def answers(python: Path, home: Path, questions: Sequence[str]) -> list[str]:
    """What the client answers to questions, one JSON text each, in a process of its own."""
    script = Path(__file__).with_name("answer.py")
    run = subprocess.run(
        [str(python), str(script)],
        input="".join(question + "\n" for question in questions),
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = run.stdout.splitlines()
    if run.returncode or len(lines) != len(questions):
        tail = "\n".join(run.stderr.splitlines()[-5:])
        raise RuntimeError(
            f"{len(lines)} answers to {len(questions)} questions, exit code {run.returncode}\n{tail}"
        )
    return lines
