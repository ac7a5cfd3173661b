"""Replays of history: clouds that fail, answers cut short, fetchers that say all is well. See `history.py`."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from gpu_catalog.manifest import read_manifest
from publisher.push import push
from publisher.store import open_store
from publisher.upkeep import overdue
from tests.e2e.actions import WORKFLOWS, workflow
from tests.emulator import Body, Emulator, ShortBody, Status, by_id, routes
from tests.publisher.commands import digests, fetch, publish
from tests.publisher.nights import night, without
from tests.test_imports import ORDER, ROOT
from tests.trust.asked import fetched, lambda_price, offers, price, skipped


def test_02_skypilot_10400_one_preset_without_a_price(emulator: Emulator, tmp_path: Path) -> None:
    """One bad entry costs itself and is counted; prices that nobody could renew for days are an alarm."""
    lambda_price(emulator, "gpu_1x_gh200", None)
    fetched(emulator, tmp_path / "fetched", "lambda")
    assert len(offers(tmp_path / "fetched", "lambda")) == 24
    assert skipped(tmp_path / "fetched", "lambda") == {"gpu_1x_gh200": "no-price"}

    store = open_store(str(tmp_path / "store"))
    push(night(tmp_path / "night", 1, {"lambda": ()}), store)
    for number, is_alarm in ((3, False), (5, True)):
        failed = night(tmp_path / f"night-{number}", number, {"yotta": ()}, failed={"lambda": "HTTP 503"})
        result = push(failed, store, now=datetime(2026, 12, number, 3, tzinfo=timezone.utc))
        assert (result.exit_code, bool(result.alarms)) == (3, is_alarm)
    nobody_since = datetime(2026, 12, 7, tzinfo=timezone.utc)
    assert "not checked since 2026-12-05T03:00:00Z" in str(overdue(store, timedelta(hours=36), now=nobody_since))


def test_03_skypilot_catalog_186_one_part_that_does_not_answer(emulator: Emulator, catalogs: Path) -> None:
    """What fails costs itself: the rest is fresh in every schema version, its last good part stays with its age."""
    before = digests(catalogs)
    emulator.faults[routes.LAMBDA_REGIONS] = [Status(403, forever=True)]
    emulator.faults[routes.YOTTA_TYPES] = [Status(404, forever=True)]
    lambda_price(emulator, "gpu_1x_a10", 139)
    said = fetched(emulator, catalogs, "yotta", "lambda", code=3)
    assert "regions are those of /images, since /regions failed" in said

    clouds = read_manifest(catalogs).clouds
    assert (clouds["lambda"].state, clouds["yotta"].state) == ("fresh", "kept")
    assert clouds["yotta"].observed_at == "2026-03-27T00:00:00Z"
    for version in ("v7", "v8"):
        assert ",1.39" in (catalogs / version / "lambda/vms.csv").read_text()
        name = f"{version}/yotta/vms.csv"
        assert digests(catalogs)[name] == before[name]


def test_04_skypilot_catalog_180_the_fetcher_of_the_old_schema(emulator: Emulator, tmp_path: Path) -> None:
    """A cloud is asked once, and every schema version is written from the same answers."""
    fetched(emulator, tmp_path, "yotta", "lambda")
    assert set(emulator.counts.values()) == {1}
    columns = {}
    for version in ("v7", "v8"):
        lines = (tmp_path / version / "lambda/vms.csv").read_text().splitlines()
        assert len(lines) == 1 + 25 * 17
        columns[version] = lines[0].split(",")
    assert columns["v8"] == [*columns["v7"], "Arch"]


def test_16_gpuhunt_255_a_list_that_was_cut_short(emulator: Emulator, tmp_path: Path) -> None:
    """An answer that is not whole is none; a list that is whole and much too short is not published."""
    fetched(emulator, tmp_path / "fetched", "lambda")
    before = digests(tmp_path / "fetched")
    emulator.faults[routes.LAMBDA_TYPES] = [ShortBody(forever=True)]
    result = fetch("lambda", "--output", tmp_path / "fetched", "--deadline", "2", env=emulator.environ)
    assert result.exit_code == 1
    assert "was cut off" in result.stderr
    assert digests(tmp_path / "fetched") == before

    store = open_store(str(tmp_path / "store"))
    push(night(tmp_path / "whole", 1, {"lambda": ()}), store)
    lost = [f"gpu_{count}x_{name}" for count in (1, 2, 4, 8) for name in ("a100", "h100_sxm5", "a6000")]
    short = push(night(tmp_path / "short", 2, {"lambda": [without(*lost)]}), store)
    assert (short.changed, short.exit_code) == (False, 3)
    assert "instance types are lost" in short.notes[0]
    assert "gpu_8x_h100_sxm5" in offers(tmp_path / "store", "lambda")


def test_22_gpuhunt_251_the_failure_of_one_stops_all(emulator: Emulator, tmp_path: Path) -> None:
    """Every cloud is fetched and published on its own, and the exit code and the log say which one failed."""
    emulator.faults[routes.RUNPOD_GPUS] = [Body("<html>maintenance</html>", "text/html", forever=True)]
    said = fetched(emulator, tmp_path / "fetched", "all", code=3)
    assert "runpod: " in said
    assert "an HTML page" in said
    states = {cloud: entry.state for cloud, entry in read_manifest(tmp_path / "fetched").clouds.items()}
    assert states == {"yotta": "fresh", "lambda": "fresh", "runpod": "failed"}

    result = publish("push", tmp_path / "fetched", tmp_path / "store")
    assert (result.exit_code, "runpod: failed: " in result.stderr) == (3, True)
    assert price(tmp_path / "store", "gpu_8x_h100_sxm5") > 30


def test_26_gpuhunt_providers_runpod_py_answers_that_shift(emulator: Emulator, tmp_path: Path) -> None:
    """An answer keeps the key of its question: what fails leaves a gap and moves nothing else."""
    emulator.faults[routes.YOTTA_TYPES] = [Status(404)]  # The first of the clouds that are asked side by side.
    details = by_id(emulator.data.graphql_gpu_types, "NVIDIA L4")
    for count in (1, 3, 4):  # Nothing about two.
        details[f"c{count}"] = {"minVcpu": 10 * count + 1, "minMemory": 50 * count + 1, "stockStatus": "Low"}
    details["c2"] = None
    fetched(emulator, tmp_path, "all", code=3)

    pods = {count: offers(tmp_path, "runpod")[f"{count}x_L4_SECURE"].offering for count in (1, 2, 3, 4)}
    assert [(pods[count].vcpus, pods[count].memory_gib) for count in (1, 3, 4)] == [(11, 51), (31, 151), (41, 201)]
    assert set(pods[2].marks) == {"inferred", "minimum"}
    assert {offer.offering.cloud for offer in offers(tmp_path, "lambda").values()} == {"lambda"}
    assert set(read_manifest(tmp_path).clouds) == {"yotta", "lambda", "runpod"}
    assert read_manifest(tmp_path).clouds["yotta"].state == "failed"


def test_27_gpuhunt_providers_azure_py_endless_retries(emulator: Emulator, tmp_path: Path) -> None:
    """One policy for all: four tries, a pause before each also where the answer names none, one deadline."""
    emulator.faults[routes.YOTTA_TYPES] = [Status(429)] * 12
    result = fetch("yotta", "--output", tmp_path, "--deadline", "30", env=emulator.environ)
    assert result.exit_code == 1
    times = [request.at_seconds for request in emulator.requests if request.route == routes.YOTTA_TYPES]
    assert len(times) == 4
    assert all(later - earlier >= 0.25 for earlier, later in itertools.pairwise(times))


def test_32_sc_data_dumps_skypilot_catalog_workflows_foreign_code_with_the_token() -> None:
    """Code is pinned; who runs the fetch has the clouds' keys and cannot write, who writes asks no cloud."""
    nightly = workflow("nightly.yml")
    fetching, publishing = nightly["jobs"]["fetch"], nightly["jobs"]["publish"]
    assert nightly["permissions"] == {}
    assert fetching["permissions"] == {"contents": "read"}
    assert publishing["permissions"]["contents"] == "write"
    assert "secrets." in json.dumps(fetching)
    assert "secrets." not in json.dumps(publishing)
    assert "fetch-catalog" not in json.dumps(publishing)
    for file in WORKFLOWS.glob("*.yml"):
        used = [line.split("@")[1].split()[0] for line in file.read_text().splitlines() if "uses:" in line]
        assert used
        assert all(len(commit) == 40 for commit in used)
        assert "repository:" not in file.read_text(), "a checkout of somebody else's code"


def test_34_skypilot_4890_printed_into_the_output_and_green(emulator: Emulator, tmp_path: Path) -> None:
    """Output is one document or none, failure is an exit code, and a file is what its manifest says or refused."""
    emulator.faults[routes.LAMBDA_TYPES] = [Status(404)]
    failed = fetch("lambda", "--output", tmp_path / "none", "--json", env=emulator.environ)
    assert (failed.exit_code, failed.stderr) == (1, "")
    assert json.loads(failed.stdout)["exit_code"] == 1
    assert not (tmp_path / "none").exists()

    fetched(emulator, tmp_path / "fetched", "lambda")
    for text in ("Fetching prices ...\n", ""):
        file = tmp_path / "fetched/v8/lambda/vms.csv"
        file.write_text(text + (file.read_text() if text else ""))
        result = publish("push", tmp_path / "fetched", tmp_path / "store")
        assert result.exit_code == 1
        assert "v8/lambda/vms.csv" in result.stderr
    assert not (tmp_path / "store/latest.json").exists()


def test_35_skypilot_9605_an_import_that_makes_directories(tmp_path: Path) -> None:
    """An import reads and writes no file of the user and asks nobody."""
    program = f"""
import importlib, pkgutil, socket, sys
sys.path.insert(0, {str(ROOT)!r})
def asked(*args, **kwargs):
    raise AssertionError("an import asks the network")
socket.socket.connect = socket.getaddrinfo = asked
for package in {ORDER!r}:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        importlib.import_module(module.name)
        print(module.name)
"""
    home = tmp_path / "home"
    home.mkdir()
    environ = {"HOME": str(home), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=home, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"publisher.push", "fetchers.http", "gpu_catalog.sync"} <= set(done.stdout.split())
    assert list(home.iterdir()) == []
