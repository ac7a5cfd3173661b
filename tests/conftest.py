"""Fixtures for all tests: nobody's keys, nobody's home, one good folder of catalogs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fetchers import BUNDLED, SessionOptions, registry
from publisher.run import RunRequest, run
from tests.emulator import Emulator
from tests.samples import CLOUDS

# No deadline: the first example pays for an import, and a slow machine is no defect of the code.
settings.register_profile("tests", deadline=None, max_examples=25)
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def _no_clouds_of_others() -> None:
    """`all` means ours here; what others bring is installed by the tests that are about it."""
    if others := {one.package.partition(" ")[0] for one in registry().accepted.values() if not one.is_ours}:
        pytest.exit(f"the tests are about our own clouds: pip uninstall {' '.join(sorted(others))}", returncode=1)


@pytest.fixture(autouse=True)
def _nobodys_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys, base URLs and key files of whoever runs the tests are out of reach."""
    for name in ("YOTTA", "LAMBDA", "RUNPOD"):
        for setting in ("API_KEY", "BASE_URL", "GRAPHQL_URL"):
            monkeypatch.delenv(f"{name}_{setting}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def recorded_catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `fetch-catalog all --recorded` writes; not to be changed."""
    folder = tmp_path_factory.mktemp("recorded") / "catalogs"
    run(RunRequest(clouds=CLOUDS, output=folder, session=SessionOptions(replay=BUNDLED)))
    return folder


@pytest.fixture
def catalogs(recorded_catalogs: Path, tmp_path: Path) -> Path:
    """A copy of the recorded catalogs, to be changed at will."""
    folder = tmp_path / "catalogs"
    shutil.copytree(recorded_catalogs, folder)
    return folder


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The three APIs on loopback, with the figures of the bundled responses."""
    with Emulator() as running:
        yield running
