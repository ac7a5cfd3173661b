"""What the workflows may do: pinned actions, least permissions, keys only where they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.actions import ROOT, WORKFLOWS, workflow

NAMES = sorted(file.name for file in WORKFLOWS.glob("*.yml"))
PINNED = re.compile(r"[a-z0-9-]+/[a-z0-9-]+@[0-9a-f]{40}")
JOBS = [(name, job) for name in NAMES for job in workflow(name)["jobs"]]

PERMISSIONS = {
    ("nightly.yml", "fetch"): {"contents": "read"},
    ("nightly.yml", "publish"): {"contents": "write", "id-token": "write", "issues": "write"},
    ("pins.yml", "look"): {"contents": "read", "issues": "write"},
    ("watchdog.yml", "watch"): {"contents": "read", "id-token": "write", "issues": "write"},
}
SECRETS = {("nightly.yml", "fetch"): {"YOTTA_API_KEY", "LAMBDA_API_KEY", "RUNPOD_API_KEY"}}
"""By job; the others have none."""


def texts(value: Any) -> Iterator[str]:
    """Every text in a parsed file, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)


def job_of(name: str, job: str) -> dict[str, Any]:
    definition: dict[str, Any] = workflow(name)["jobs"][job]
    return definition


def test_there_are_the_workflows_that_this_file_knows() -> None:
    assert NAMES == ["ci.yml", "nightly.yml", "pins.yml", "watchdog.yml"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_starts_a_workflow_that_could_give_a_stranger_its_rights(name: str) -> None:
    allowed = {"push", "pull_request"} if name == "ci.yml" else {"workflow_dispatch"}
    assert set(workflow(name)["on"]) == allowed | {"schedule"}


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_to_a_commit_whose_version_is_said(name: str) -> None:
    for line in (WORKFLOWS / name).read_text(encoding="utf-8").splitlines():
        if "uses:" in line:
            action, _, version = line.partition("uses:")[2].partition(" # ")
            assert PINNED.fullmatch(action.strip()), line
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version), line


def test_an_action_has_the_same_pin_everywhere() -> None:
    used = {text for name in NAMES for text in texts(workflow(name)) if PINNED.fullmatch(text)}
    assert len({text.partition("@")[0] for text in used}) == len(used)


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_has_the_permissions_that_it_needs_and_no_others(name: str, job: str) -> None:
    top = workflow(name)["permissions"]
    assert top == ({"contents": "read"} if name == "ci.yml" else {})
    assert job_of(name, job).get("permissions", top) == PERMISSIONS.get((name, job), top)


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_only_the_fetching_step_has_the_keys_of_the_clouds(name: str, job: str) -> None:
    definition = job_of(name, job)
    named = {found for text in texts(definition) for found in re.findall(r"secrets\.(\w+)", text)}
    assert named == SECRETS.get((name, job), set())
    assert "secrets" not in str(workflow(name).get("env", "")) + str(definition.get("env", ""))
    holders = [step.get("name") for step in definition["steps"] if "secrets." in str(step)]
    assert holders == (["Fetch"] if named else [])
    assert not any("toJSON" in text or "inherit" in text for text in texts(definition))


def test_the_fetching_job_cannot_reach_the_store_or_write_to_the_repository() -> None:
    said = " ".join(texts(job_of("nightly.yml", "fetch"))).lower()
    assert not [word for word in ("aws", "place", "github.token", "write") if word in said]


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_ends_and_a_checkout_leaves_no_token_behind(name: str, job: str) -> None:
    definition = job_of(name, job)
    assert definition["timeout-minutes"] <= 20
    checkouts = [step for step in definition["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_no_expression_becomes_part_of_a_script(name: str, job: str) -> None:
    assert not [step for step in job_of(name, job)["steps"] if "${{" in step.get("run", "")]


def test_nights_wait_for_each_other_and_are_not_cut_short() -> None:
    for name in ("nightly.yml", "watchdog.yml"):
        assert workflow(name)["concurrency"]["cancel-in-progress"] is False
        minute = workflow(name)["on"]["schedule"][0]["cron"].split()[0]
        assert int(minute) % 5, "full hours are crowded"


def test_scripts_are_executable_and_stop_at_the_first_error() -> None:
    scripts = sorted((ROOT / ".github" / "nightly").glob("*.sh"))
    assert len(scripts) == 4
    for script in scripts:
        assert script.stat().st_mode & 0o111
        text = script.read_text(encoding="utf-8")
        assert text.startswith("#!/usr/bin/env bash\n")
        assert "\nset -euo pipefail\n" in text
