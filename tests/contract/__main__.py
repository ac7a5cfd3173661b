"""`python -m tests.contract`: our published catalogs through real SkyPilot clients, answer by answer.

For each client: a process of its own per cloud, with a private home that holds our files, and the network cut.
Prints one line per client and cloud; exit code 1 when an answer differs, 0 otherwise, also where a client cannot be
installed (it says so).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gpu_catalog import Catalog
from tests.contract import estimates, new_cloud
from tests.contract.clients import CLIENTS, CannotInstall, answers, python_of
from tests.contract.compare import verdict
from tests.contract.questions import Question, question, random_questions, walk
from tests.samples import CATALOGS

SEED = 20261122
CHOICES = {"A100:1": "lambda", "H100:8": "runpod", "RTX5090:4": "yotta"}
"""What the optimizer must choose of the three clouds, by the prices of the samples."""


def main() -> int:
    """Ask all clients; 0 when every answer is right."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__.splitlines()[0])
    parser.add_argument("--catalogs", type=Path, default=CATALOGS, help="folder to check")
    parser.add_argument("--short", action="store_true", help="two zones per region, 2,000 random questions")
    options = parser.parse_args()
    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        runs = [pool.submit(check_client, release, options.catalogs, short=options.short) for release in CLIENTS]
        failures = sum(run.result() for run in runs)
    print("every answer is right" if not failures else f"{failures} answers differ")  # noqa: T201
    return 1 if failures else 0


def check_client(release: str, catalogs: Path, *, short: bool) -> int:
    """Number of answers of one client that differ from ours."""
    client = CLIENTS[release]
    try:
        python = python_of(release)
    except CannotInstall as exc:
        print(f"SKIPPED: {exc}", flush=True)  # noqa: T201
        return 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        _installed(home, catalogs, client.schema)
        # The same files, read as a bare tree: our answers come from the CSV too.
        catalog = Catalog.load(home / ".sky" / "catalogs" / client.schema)
        failures = 0
        for cloud in client.clouds:
            questions = list(walk(catalog.clouds[cloud], 2 if short else None))
            failures += _judge(f"{release} {client.schema}/{cloud} walk", python, home, catalog, questions)
        clouds = [catalog.clouds[cloud] for cloud in client.clouds]
        number = 2_000 if short else 20_000
        questions = list(random_questions(SEED, number, clouds, client))
        failures += _judge(f"{release} {client.schema} random", python, home, catalog, questions)
        failures += _estimates(release, python, home)
        failures += _new_cloud(release, python, home)
        return failures + _optimizer(release, python, home, catalog)


def _installed(home: Path, catalogs: Path, schema: str) -> None:
    place = home / ".sky" / "catalogs" / schema
    for cloud in CLIENTS["0.14.1"].clouds:
        (place / cloud).mkdir(parents=True)
        shutil.copy(catalogs / schema / cloud / "vms.csv", place / cloud / "vms.csv")
    shutil.copytree(catalogs / "v8" / "common", place / "common")


def _judge(what: str, python: Path, home: Path, catalog: Catalog, questions: list[Question]) -> int:
    started = time.monotonic()
    given = answers(python, home, [json.dumps(asked) for asked in questions])
    counts: Counter[str] = Counter()
    for asked, answer in zip(questions, given, strict=True):
        result = verdict(catalog, asked, json.loads(answer))
        kind, _, detail = result.partition(": ")
        counts[result if kind == "explained" else kind] += 1
        if kind == "different" and counts[kind] <= 5:
            print(f"{what}: {asked}: {detail}", flush=True)  # noqa: T201
    shown = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
    print(f"{what}: {len(questions)} questions: {shown} ({time.monotonic() - started:.0f} s)", flush=True)  # noqa: T201
    return counts["different"]


def _estimates(release: str, python: Path, home: Path) -> int:
    """Every estimate must be what SkyPilot lists."""
    clouds = CLIENTS[release].clouds
    given = answers(python, home, [json.dumps(estimates.listing(cloud)) for cloud in clouds])
    listed = {cloud: json.loads(answer)["value"] for cloud, answer in zip(clouds, given, strict=True)}
    # Only the clouds that the client knows: with no cloud named an estimate asks all that there are.
    place = home / "asked"
    for cloud in clouds:
        shutil.copytree(home / ".sky" / "catalogs" / CLIENTS[release].schema / cloud, place / cloud)
    found = list(estimates.differences(listed, place))
    for difference in found[:5]:
        print(f"{release} estimates: {difference}", flush=True)  # noqa: T201
    names = sum(map(len, listed.values()))
    print(f"{release} estimates: {names} accelerators of {len(clouds)} clouds, {len(found)} differ", flush=True)  # noqa: T201
    return len(found)


def _new_cloud(release: str, python: Path, home: Path) -> int:
    """SkyPilot's generic functions must read the hand-written example as it is meant."""
    folder, schema = home / "new-cloud", CLIENTS[release].schema
    new_cloud.publish(folder)
    place = home / ".sky" / "catalogs" / schema / new_cloud.CLOUD
    shutil.copytree(folder / schema / new_cloud.CLOUD, place)

    def ask(questions: Sequence[Question]) -> list[Any]:
        given = map(json.loads, answers(python, home, list(map(json.dumps, questions))))
        return [answer.get("value", answer) for answer in given]

    number, found = new_cloud.differences(ask, place)
    for difference in found[:5]:
        print(f"{release} new cloud: {difference}", flush=True)  # noqa: T201
    print(f"{release} new cloud: {number} questions, {len(found)} answers differ", flush=True)  # noqa: T201
    return len(found)


def _optimizer(release: str, python: Path, home: Path, catalog: Catalog) -> int:
    """The optimizer must choose the cheapest of all clouds that the client knows."""
    clouds = list(CLIENTS[release].clouds)
    asked = [text for text, cloud in CHOICES.items() if cloud in clouds]
    questions = [json.dumps(question("optimized", accelerators=text, clouds=clouds)) for text in asked]
    failures = 0
    for text, answer in zip(asked, answers(python, home, questions), strict=True):
        name, _, count = text.partition(":")
        best = min(
            (offer.offering for cloud in clouds for offer in catalog.offers(name, float(count), cloud=cloud)),
            key=lambda offering: offering.price_usd_per_hour,
        )
        found = json.loads(answer).get("value")
        right = found is not None and found[0] == CHOICES[text] == best.cloud
        if not right or found[2] != float(best.price_usd_per_hour):
            failures += 1
            print(f"{release} optimizer: {text}: {answer:.300}, not {best.cloud}")  # noqa: T201
    print(f"{release} optimizer: {len(asked)} choices, {failures} wrong", flush=True)  # noqa: T201
    return failures


if __name__ == "__main__":
    sys.exit(main())
