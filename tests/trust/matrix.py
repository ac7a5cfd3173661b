"""The fault matrix: every fault, every cloud, on a first run and over a good catalog, each cell one real fetch.

Cells run side by side in processes of their own, since many of them only wait.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import shutil
import socket
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from tests.emulator import KEYS, Emulator, routes
from tests.emulator.certificates import server_tls
from tests.emulator.routes import Route
from tests.publisher.commands import digests, fetch, publish
from tests.trust.faults import CASES, GRAPHQL_ALONE, GRAPHQL_BESIDE_REST, OPTIONAL, REQUIRED, Case

State = Literal["first run", "over a good catalog"]

STATES: tuple[State, ...] = ("first run", "over a good catalog")

FIRST_ROUTES: Mapping[str, Route] = {
    "yotta": routes.YOTTA_TYPES,
    "lambda": routes.LAMBDA_TYPES,
    "runpod": routes.RUNPOD_GPUS,
}

FURTHER_ROUTES: tuple[tuple[str, Route, Sequence[Case]], ...] = (
    ("yotta", routes.YOTTA_GPUS, OPTIONAL),
    ("lambda", routes.LAMBDA_REGIONS, OPTIONAL),
    ("runpod", routes.RUNPOD_CPUS, REQUIRED),
    ("runpod", routes.RUNPOD_DATA_CENTERS, REQUIRED),
    ("runpod", routes.RUNPOD_GRAPHQL, (*OPTIONAL, *GRAPHQL_BESIDE_REST)),
)
"""Cloud, route, and what is played on it."""

GRACE_SECONDS = 20
"""On top of the deadline, on a machine that plays several cells at once."""

WORK_SECONDS = 40
"""For validating and writing what was fetched, on such a machine."""

_SIDE_BY_SIDE = 5

_VARIABLES = {"yotta": "YOTTA_BASE_URL", "lambda": "LAMBDA_BASE_URL", "runpod": "RUNPOD_BASE_URL"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One fetch of the matrix."""

    case: Case
    """The fault and what must come of it."""

    cloud: str
    """Cloud name."""

    state: State
    """What the output folder holds before."""

    route: Route
    """Where the fault is played."""

    with_key: bool = True
    """Whether the client has keys."""

    @property
    def name(self) -> str:
        """Unique in the matrix."""
        return f"{self.case.name} - {self.route[1]}{'' if self.with_key else ' without key'} - {self.state}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a cell."""

    cell: Cell
    """Which one."""

    exit_code: int
    """Of `fetch-catalog`."""

    line: str
    """The line on standard error that says why; "" when there is none."""

    seconds: float
    """Wall time of the command."""

    problems: tuple[str, ...]
    """What is not as it must be; empty when all is well."""


def cells() -> list[Cell]:
    """The whole matrix, one row after the other."""
    played = [(case, cloud, route, True) for case in CASES for cloud, route in FIRST_ROUTES.items()]
    played += [(case, cloud, route, True) for cloud, route, cases in FURTHER_ROUTES for case in cases]
    played += [(case, "runpod", routes.RUNPOD_GRAPHQL, False) for case in GRAPHQL_ALONE]
    return [
        Cell(case=case, cloud=cloud, state=state, route=route, with_key=with_key)
        for case, cloud, route, with_key in played
        for state in STATES
    ]


def start(wanted: Sequence[Cell], pool: ProcessPoolExecutor) -> dict[str, Future[Outcome]]:
    """Begin with these cells, those that wait first; futures by the cell's name."""
    in_order = sorted(wanted, key=lambda cell: cell.case.deadline_seconds)
    return {cell.name: pool.submit(play, cell) for cell in in_order}


def new_pool() -> ProcessPoolExecutor:
    """Processes to play cells in, which have the libraries loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.trust.matrix", "great_expectations", "pandas", "pyarrow"])
    return ProcessPoolExecutor(max_workers=_SIDE_BY_SIDE, mp_context=context, initializer=_as_nobody)


def _as_nobody() -> None:
    """No keys, base URLs or key files of whoever runs this."""
    for variable in [name for name in os.environ if name.startswith(("YOTTA_", "LAMBDA_", "RUNPOD_"))]:
        del os.environ[variable]
    os.environ["HOME"] = tempfile.mkdtemp()


# One cell -----------------------------------------------------------------------------------------


def play(cell: Cell) -> Outcome:
    """Fetch with the fault and look at everything that came of it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        output = place / "catalogs"
        if cell.state == "over a good catalog":
            shutil.copytree(_good_catalog(cell.cloud), output)
        with _server(cell, place) as (emulator, environ):
            return _played(cell, place, output, emulator, environ)


def _played(cell: Cell, place: Path, output: Path, emulator: Emulator, environ: Mapping[str, str]) -> Outcome:
    before = digests(output)
    options = ("--output", output, "--record", place / "answers", "--deadline", str(cell.case.deadline_seconds))
    started = time.monotonic()
    try:
        result = fetch(cell.cloud, *options, env=environ)
    except Exception:  # noqa: BLE001 - whatever it is, it is a finding of this cell and not of the whole matrix
        crash = traceback.format_exc()
        return Outcome(cell=cell, exit_code=-1, line=crash, seconds=0.0, problems=("a traceback", crash))
    seconds = time.monotonic() - started
    said = [line for line in result.stderr.splitlines() if line.startswith(f"{cell.cloud}: ") and "; " in line]
    line = said[-1] if said and result.exit_code else ""
    problems = [
        *_ending_problems(cell, result.exit_code, line, before, output),
        *_request_problems(cell, emulator),
        *(["took too long"] if seconds > _most_seconds(cell.case) else []),
        *_leaks(cell.cloud, result.output, place),
    ]
    return Outcome(cell=cell, exit_code=result.exit_code, line=line, seconds=seconds, problems=tuple(problems))


def _most_seconds(case: Case) -> float:
    work = WORK_SECONDS if case.ending == "fresh" else 0
    return case.deadline_seconds + GRACE_SECONDS + work


def _ending_problems(cell: Cell, exit_code: int, line: str, before: dict[str, str], output: Path) -> Iterator[str]:
    """What is wrong with exit code, message and files."""
    if cell.case.ending == "fresh":
        if exit_code != 0:
            yield f"exit code {exit_code}: {line}"
        elif (verified := publish("verify", output)).exit_code != 0:
            yield f"what it wrote does not verify: {verified.output}"
        elif cell.case.held_by_drift and cell.state == "over a good catalog":
            yield from _drift_problems(cell.cloud, output)
        return
    if exit_code != 1:
        yield f"exit code {exit_code}, not 1"
    if cell.case.says not in line:
        yield f"says {line!r}, not {cell.case.says!r}"
    if digests(output) != before:
        yield "files were touched"


def _drift_problems(cloud: str, fetched: Path) -> Iterator[str]:
    """What is wrong unless the good catalog stays published when this one is pushed over it."""
    store = fetched.parent / "store"
    publish("push", _good_catalog(cloud), store)
    good = (store / f"v8/{cloud}/vms.csv").read_bytes()
    pushed = publish("push", fetched, store)
    if (store / f"v8/{cloud}/vms.csv").read_bytes() != good:
        yield f"half a catalog was published: {pushed.output}"


def _request_problems(cell: Cell, emulator: Emulator) -> Iterator[str]:
    """What is wrong with what was asked."""
    if cell.case.unreachable:
        return
    asked = emulator.counts[cell.route]
    if cell.case.ending == "at once" and not cell.case.certificate and asked != cell.case.requests:
        yield f"{asked} requests, not {cell.case.requests}"
    if asked > 4:  # attempts of the HTTP policy
        yield f"{asked} requests of one route"
    # Lambda's rate limit is counted from when a request has been read, which a slow machine moves.
    yield from (f"{broken.rule} at {broken.route}" for broken in emulator.violations if broken.rule != "rate-limit")
    yield from (f"the emulator failed: {error!r}" for error in emulator.errors)


def _leaks(cloud: str, printed: str, place: Path) -> Iterator[str]:
    """Where the cloud's key can be read."""
    key = KEYS[cloud]  # type: ignore[index]
    forms = {key, quote(key, safe=""), json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode().rstrip("=")}
    if any(form in printed for form in forms):
        yield "the key is in what was printed"
    for file in place.rglob("*"):
        if any(form in str(file) for form in forms) or (
            file.is_file() and any(form.encode() in file.read_bytes() for form in forms)
        ):
            yield f"the key is in {file.relative_to(place)}"


@contextmanager
def _server(cell: Cell, place: Path) -> Iterator[tuple[Emulator, dict[str, str]]]:
    """The emulator with its fault, and the environment of a client."""
    ca_file = place / "ca.pem"
    tls = server_tls(cell.case.certificate, ca_file) if cell.case.certificate else None
    with Emulator(tls=tls) as emulator:
        emulator.faults[cell.route] = list(cell.case.faults)
        environ = dict(emulator.environ)
        if tls is not None:
            environ["REQUESTS_CA_BUNDLE"] = str(ca_file)
        if cell.case.unreachable:
            environ[_VARIABLES[cell.cloud]] = f"http://127.0.0.1:{_free_port()}"
        if not cell.with_key:
            environ = {name: value for name, value in environ.items() if not name.endswith("_API_KEY")}
        yield emulator, environ


def _free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@cache
def _good_catalog(cloud: str) -> Path:
    """A live catalog of the cloud, fetched without a fault; once per process."""
    folder = Path(tempfile.mkdtemp()) / "catalogs"
    with Emulator() as emulator:
        assert fetch(cloud, "--output", folder, env=emulator.environ).exit_code == 0
    return folder
