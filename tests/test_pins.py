"""What the workflows with keys or rights install: pinned, hashed, and what pyproject.toml asks for."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.actions import INSTALL, ROOT, WORKFLOWS, workflow

REQUIREMENTS = ROOT / ".github" / "nightly" / "requirements.txt"
PIN = re.compile(r"([a-z0-9][a-z0-9-]*)==([0-9][0-9a-z.]*)((?: --hash=sha256:[0-9a-f]{64})+)")
NIGHTLY: Mapping[str, str] = {
    "python_version": "3.12",
    "python_full_version": "3.12.11",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "extra": "",
}
"""The markers' view of the machine that installs them."""


def pinned_lines() -> Iterator[str]:
    """Each entry on one line, without comments."""
    text = re.sub(r"^ *#.*\n", "", REQUIREMENTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return (" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines())


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """Version by name."""
    found = [PIN.fullmatch(line) for line in pinned_lines()]
    return {match[1]: match[2] for match in found if match}


def project() -> dict[str, object]:
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    parsed: dict[str, object] = toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return parsed


def asked_for() -> list[str]:
    """What the project needs to be built, to run, and for `[fetch]`."""
    found: dict[str, object] = project()
    build, said = found["build-system"], found["project"]
    assert isinstance(build, dict)
    assert isinstance(said, dict)
    return [*build["requires"], *said["dependencies"], *said["optional-dependencies"]["fetch"]]


def broken(requirements: list[str], pins: Mapping[str, str], extra: str = "") -> list[str]:
    """Those that no pin satisfies."""
    needed = [Requirement(text) for text in requirements]
    here = [need for need in needed if need.marker is None or need.marker.evaluate({**NIGHTLY, "extra": extra})]
    versions = [(need, pins.get(canonicalize_name(need.name))) for need in here]
    return [str(need) for need, version in versions if version is None or version not in need.specifier]


def test_every_entry_is_one_version_with_hashes_and_there_is_nothing_else() -> None:
    lines = list(pinned_lines())
    assert len(lines) > 20
    assert [line for line in lines if not PIN.fullmatch(line)] == [], "an option, a URL, a path, a range or no hash"
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))


def test_no_address_or_path_stands_in_the_file_beside_the_command_that_makes_it() -> None:
    text = REQUIREMENTS.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "/" in line] == ["#    .github/nightly/pin.sh"]


def test_what_the_project_asks_for_is_pinned_to_a_version_that_it_allows(pins: dict[str, str]) -> None:
    assert broken(asked_for(), pins) == []


def test_what_the_pinned_releases_ask_for_is_pinned_too(pins: dict[str, str]) -> None:
    """Of those that run these tests in the same version; CI installs all of them."""
    checked = 0
    for name, version in pins.items():
        try:
            here = distribution(name)
        except PackageNotFoundError:
            continue
        if here.version == version:
            checked += 1
            assert broken(here.requires or [], pins) == [], name
    assert checked, "nothing of this environment is of a pinned version: run pin.sh --upgrade"


def test_a_missing_or_forbidden_version_would_be_seen(pins: dict[str, str]) -> None:
    assert broken(["requests>=2", "no-such-thing", "click<1", 'tomli; python_version < "3.11"'], pins) == [
        "no-such-thing",
        "click<1",
    ]


@pytest.mark.parametrize("name", ["nightly.yml", "watchdog.yml"])
def test_jobs_with_keys_or_rights_install_only_so(name: str) -> None:
    for job in workflow(name)["jobs"].values():
        runs = [step["run"] for step in job["steps"] if "run" in step]
        assert [
            run for run in runs if re.search(r"\b(pip|pipx|uv|uvx|npm|npx|curl|wget|apt(-get)?|install)\b", run)
        ] == [INSTALL]
        python = [step["with"]["python-version"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
        assert python == [NIGHTLY["python_version"]]


def test_installing_takes_hashed_wheels_and_then_the_project_without_any_download() -> None:
    commands = [line for line in (ROOT / INSTALL).read_text(encoding="utf-8").splitlines() if "pip " in line]
    assert commands == [
        "pip install --require-hashes --only-binary :all: --requirement .github/nightly/requirements.txt",
        "pip install --no-index --no-deps --no-build-isolation .",
    ]


def test_ci_installs_the_pins_and_asks_what_is_known_against_them() -> None:
    runs = " ".join(step.get("run", "") for step in workflow("ci.yml")["jobs"]["pins"]["steps"])
    assert INSTALL in runs
    assert "pip-audit --strict --require-hashes --disable-pip" in runs
    assert (WORKFLOWS / "pins.yml").is_file()
