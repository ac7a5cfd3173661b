"""Fetching RunPod and Lambda from the emulator, each answer so many milliseconds late.

All fetchers see the same data. Since some ask site by site, and nothing is recorded of a site, every type is in
stock everywhere. Answers are made once and remembered, so that the emulator's own work is not measured. A request
to a real API costs more than the latency here: a TLS handshake above all, where a client opens a new connection.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measure import (
    GPUHUNT,
    OURS,
    PROGRAMS,
    SKYPILOT,
    Command,
    Run,
    Series,
    Subject,
    interleaved,
    measured,
)
from benchmarks.peers import python_of
from tests.emulator import Data, Emulator, Fault, Reply, Request

LATENCIES_MS = (0, 20, 100)
CLOUDS = ("runpod", "lambda")
PEERS = (SKYPILOT, GPUHUNT)
MOST_RUNS = {
    (OURS, "runpod"): {0: 3, 100: 3},
    (SKYPILOT, "runpod"): {0: 2, 20: 2, 100: 1},
    (GPUHUNT, "runpod"): {0: 5, 20: 5, 100: 3},
}
"""Runs by latency, where they are fewer: SkyPilot's fetch of RunPod takes minutes at 100 ms."""
LAMBDA_RUNS = 3
"""Its fetches are a request or two, and tell little."""


class RememberingEmulator(Emulator):
    """An emulator that makes every answer once. Its data must not be changed after the first request."""

    def __init__(self) -> None:
        super().__init__()
        in_stock_everywhere(self.data)
        self._answers: dict[object, Reply] = {}

    def received(self, request: Request) -> tuple[Fault | None, Callable[[], Reply]]:
        """As an emulator does, with the answer that was given before."""
        fault, answer = super().received(request)
        asked = (request.route, str(request.query), request.body, request.key)

        def remembered() -> Reply:
            if asked not in self._answers:
                self._answers[asked] = answer()
            reply = self._answers[asked]
            return replace(reply, headers=dict(reply.headers))

        return fault, remembered


def in_stock_everywhere(data: Data) -> None:
    """Fill in what is not recorded, so that every fetcher finds rows: stock, and sizes where they are unknown."""
    data.graphql_same_everywhere = True
    for gpu in data.graphql_gpu_types:
        gpu |= {"nodeGroupDatacenters": [], "clusterPrice": None}
        for count in range(1, (gpu["maxGpuCountSecureCloud"] or 0) + 1):
            listed = gpu.setdefault(f"c{count}", {})
            listed["stockStatus"] = "High"
            listed["minVcpu"] = listed.get("minVcpu") or 8 * count
            listed["minMemory"] = listed.get("minMemory") or 32 * count
    for flavor in data.graphql_cpu_flavors:
        flavor["diskLimitPerVcpu"] = 10
        for size in (value for key, value in flavor.items() if key[0] == "s" and key[1:].isdecimal()):
            size["stockStatus"] = "High"


def measure(runs: int, *, quick: bool = False) -> list[Series]:
    """All clouds at all latencies.

    Raises:
        Failed: a fetcher did not come to its end.
        CannotInstall: a peer cannot be had.
    """
    found: list[Series] = []
    with RememberingEmulator() as emulator, tempfile.TemporaryDirectory() as folder:
        for cloud in CLOUDS:
            for latency_ms in LATENCIES_MS[:2] if quick else LATENCIES_MS:
                emulator.latency_seconds = latency_ms / 1000
                case = f"{cloud}, {latency_ms} ms"
                subjects = [ours(case, cloud, emulator, Path(folder))]
                subjects += [theirs(peer, case, cloud, emulator, Path(folder)) for peer in PEERS]

                def many(who: str, cloud: str = cloud, latency_ms: int = latency_ms) -> int:
                    most = MOST_RUNS.get((who, cloud), {}).get(latency_ms, runs)
                    return min(runs, most, LAMBDA_RUNS if cloud == "lambda" else runs)

                # The first, unmeasured round also makes the answers.
                interleaved(subjects, many, warm_up=latency_ms == 0)
                found += [series for series, _ in subjects]
    return found


def ours(case: str, cloud: str, emulator: Emulator, folder: Path) -> tuple[Series, Subject]:
    """The fetcher alone for the time of the call, then the command with its validation and files."""
    alone = Command(
        arguments=[sys.executable, PROGRAMS / "fetch_ours.py", cloud],
        environ={**emulator.environ, "PYTHONPATH": str(PROGRAMS.parents[1])},
        reports=True,
    )

    def subject() -> tuple[Run, dict[str, Any]]:
        with counted(emulator) as counts:
            call, _ = measured(alone)
        with tempfile.TemporaryDirectory(dir=folder) as output:
            run, _ = measured(replace(whole, arguments=[*whole.arguments, "--output", output]))
        return {**run, "call_seconds": call["call_seconds"], "rows": call["rows"], **counts}, {}

    whole = Command(arguments=[Path(sys.executable).with_name("fetch-catalog"), cloud], environ=emulator.environ)
    return Series(part="fetch", case=case, who=OURS, command=str(whole)), subject


def theirs(peer: str, case: str, cloud: str, emulator: Emulator, folder: Path) -> tuple[Series, Subject]:
    """A peer's program, which writes its catalog too."""
    program = PROGRAMS / f"fetch_{peer.lower()}.py"
    command = Command(
        arguments=[python_of(peer), program, cloud, emulator.origin, folder],
        environ={
            **emulator.environ, "HOME": str(folder), "RUNPOD_API_BASE_URL": f"{emulator.origin}/runpod",
            "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
        },
        cwd=folder,
        reports=True,
    )  # fmt: skip

    def subject() -> tuple[Run, dict[str, Any]]:
        with counted(emulator) as counts:
            run, answers = measured(command)
        return {**run, **counts}, answers

    said = f"python {program.relative_to(PROGRAMS.parents[1])} {cloud}"
    return Series(part="fetch", case=case, who=peer, command=said), subject


@contextmanager
def counted(emulator: Emulator) -> Iterator[Run]:
    """Figures that are there after the block: `requests` and `bytes` of it."""
    counts: Run = {}
    requests, size = len(emulator.requests), emulator.bytes_sent
    yield counts
    counts |= {"requests": len(emulator.requests) - requests, "bytes": emulator.bytes_sent - size}
    if emulator.errors:
        raise emulator.errors[0]
