"""The FluffyCloud package, installed as pip installs it, fetched from its own emulator and from its recordings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "fluffycloud" / "package"
FETCH = "from publisher.cli import fetch_catalog; fetch_catalog()"
ADD = "from publisher.cli import publish_catalog; publish_catalog()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the package, from a copy of its source."""
    place = tmp_path_factory.mktemp("fluffycloud")
    source = place / "source"
    subprocess.run(["cp", "-r", str(PACKAGE), str(source)], check=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(place / "installed"), str(source)], check=True)
    return place / "installed"


def run(installed: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Python with the package on its path, in the folder above it."""
    variables = {**os.environ, "PYTHONPATH": str(installed), **(env or {})}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=installed.parent)


@pytest.fixture(scope="module")
def address(installed: Path) -> Iterator[str]:
    """FluffyCloud's own emulator, running."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "fluffycloud_catalog.emulator", "--port", str(port)]
    emulator = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(installed)})
    assert emulator.stdout is not None
    emulator.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    emulator.terminate()
    emulator.wait()


def test_its_own_tests_pass(installed: Path) -> None:
    ran = run(installed, "-m", "pytest", "-c", os.devnull, "-p", "no:cacheprovider", str(PACKAGE / "tests"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "9 passed" in ran.stdout.splitlines()[-1]


def test_live_and_recorded_it_writes_the_same_rows_as_the_list_by_hand(installed: Path, address: str) -> None:
    live = {"FLUFFYCLOUD_BASE_URL": address, "FLUFFYCLOUD_API_KEY": "fluffy-example-key"}
    by_hand = PACKAGE.parent / "by_hand" / "vms.csv"
    for ran in (
        run(installed, "-c", FETCH, "fluffycloud", "--output", "live", env=live),
        run(installed, "-c", FETCH, "fluffycloud", "--recorded", "--output", "recorded"),
        # Under another name, since a cloud that is fetched is not added.
        run(installed, "-c", ADD, "add", "nimbus", str(by_hand), "--output", "by-hand"),
    ):
        assert ran.returncode == 0, ran.stderr
    places = ("live/v8/fluffycloud", "recorded/v8/fluffycloud", "by-hand/v8/nimbus")
    texts = {(installed.parent / place / "vms.csv").read_text() for place in places}
    assert [text.count("\n") for text in texts] == [9]


def test_a_wrong_key_is_one_line(installed: Path, address: str) -> None:
    wrong = {"FLUFFYCLOUD_BASE_URL": address, "FLUFFYCLOUD_API_KEY": "wrong-key-of-somebody"}
    ran = run(installed, "-c", FETCH, "fluffycloud", "--output", "wrong", env=wrong)
    assert ran.returncode == 1
    assert "fluffycloud: key rejected" in ran.stderr
    assert "wrong-key-of-somebody" not in ran.stderr + ran.stdout
