"""Nights of the real workflow: its own steps, against emulated clouds, an emulated bucket and a bare git remote.

What is played and not run: GitHub's actions, `gh`, and GitHub itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpu_catalog import Catalog, sky
from gpu_catalog.manifest import Manifest, read_manifest
from gpu_catalog.sync import sync
from publisher.store import open_store
from publisher.upkeep import log, verify_store
from publisher.verify import verify_folder
from tests.e2e.actions import ROOT, Job, Runner, Step
from tests.emulator import KEYS, Body, Emulator, Status, routes
from tests.publisher.s3 import CREDENTIALS, S3Server

TOKEN = "ghs_emulated_token_3e7f"
CANARIES = (*KEYS.values(), TOKEN, CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
VENDOR_KEYS = {f"{cloud.upper()}_API_KEY": key for cloud, key in KEYS.items()}
A10 = "gpu_1x_a10"
REVOKED = ("a-key-that-was-revoked",)


@dataclass(frozen=True, kw_only=True, repr=False)
class Night:
    """What one night left behind."""

    fetch: Job
    publish: Job
    calls: list[dict[str, Any]]
    """Calls of `gh`, without the question for open issues that every night asks."""

    commits: list[str]
    """Subjects of the commits that came to the remote, oldest first."""

    price: Decimal
    """Of an A10, for a reader who syncs from the bucket."""

    price_in_git: Decimal
    """The same, for a reader of the remote's newest commit."""

    manifest: Manifest
    """Of the synced publication."""

    @property
    def outcome(self) -> tuple[dict[str, str], list[Step]]:
        """Outputs of the fetching job, and what failed."""
        return self.fetch.outputs, self.fetch.failures + self.publish.failures

    @property
    def commands(self) -> list[str]:
        """What `gh` was asked to do."""
        return [call["command"] for call in self.calls]

    @property
    def states(self) -> dict[str, str]:
        """State of each cloud."""
        return {cloud: entry.state for cloud, entry in self.manifest.clouds.items()}


@dataclass
class World:
    """The clouds, the bucket, the remote and the machines of GitHub."""

    home: Path
    emulator: Emulator
    s3: S3Server
    place: str
    meanwhile: Callable[[], None] | None = None
    """Happens between the checkout of the publishing job and its push."""

    artifact: Path | None = None
    keys: Mapping[str, str] = field(default_factory=lambda: VENDOR_KEYS)

    def __post_init__(self) -> None:
        self.remote = self.home / "remote.git"
        self.gh_state = self.home / "gh.json"
        self.programs = self.home / "programs"
        self.programs.mkdir()
        shutil.copy(ROOT / "tests" / "e2e" / "gh.py", self.programs / "gh")
        (self.programs / "gh").chmod(0o755)
        self._plant_remote()
        self.runner = Runner(
            home=self.home / "machines",
            expressions={
                "github.token": TOKEN,
                "github.repository": "example/gpu-catalog",
                "vars.CATALOG_PLACE": self.place,
                "vars.AWS_ROLE": "arn:aws:iam::123456789012:role/gpu-catalog",
                "vars.AWS_REGION": "us-east-1",
                "inputs.staging": "",  # A scheduled run has no inputs.
                "inputs.staging && '-staging' || ''": "",
                "needs.fetch.outputs.exit_code": "",
            },
            environ={
                **routes.base_urls(self.emulator.origin),
                "GPU_CATALOG_S3_ENDPOINT": self.s3.url,
                "GH_STUB": str(self.gh_state),
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            programs=self.programs,
            actions={
                "actions/checkout": self._checkout,
                "actions/setup-python": lambda _job, _given: True,
                "actions/upload-artifact": self._upload,
                "actions/download-artifact": self._download,
                "aws-actions/configure-aws-credentials": self._take_role,
            },
        )

    def _plant_remote(self) -> None:
        """A repository with the files that the jobs read; its catalogs are the samples."""
        seed = self.home / "seed"
        shutil.copytree(ROOT / ".github", seed / ".github")
        shutil.copy(ROOT / ".gitignore", seed)
        shutil.copytree(ROOT / "tests" / "fixtures" / "catalogs", seed / "catalogs")
        git(self.home, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        git(seed, "init", "--quiet", "--initial-branch=main")
        self.commit_and_push(seed, "Begin")

    def commit_and_push(self, checkout: Path, message: str) -> None:
        """What a person does."""
        git(checkout, "add", "--all")
        git(checkout, "commit", "--quiet", "--message", message)
        git(checkout, "push", "--quiet", str(self.remote), "HEAD:main")

    def another_commit(self) -> None:
        """Somebody else pushes."""
        elsewhere = self.home / "elsewhere"
        git(self.home, "clone", "--quiet", str(self.remote), str(elsewhere))
        (elsewhere / "README.md").write_text("Hello\n", encoding="utf-8")
        self.commit_and_push(elsewhere, "Somebody else's")

    def _checkout(self, job: Job, given: Mapping[str, str]) -> bool:
        assert given["persist-credentials"] == "False"
        git(self.home, "clone", "--quiet", str(self.remote), str(job.workspace))
        return True

    def _upload(self, job: Job, given: Mapping[str, str]) -> bool:
        self.artifact = job.workspace.parent / "artifact"
        # As the action does: without hidden files.
        shutil.copytree(job.workspace / given["path"], self.artifact, ignore=shutil.ignore_patterns(".*"))
        return True

    def _download(self, job: Job, given: Mapping[str, str]) -> bool:
        if self.meanwhile is not None:
            self.meanwhile()
        if self.artifact is None:
            return False
        shutil.copytree(self.artifact, job.workspace / given["path"])
        return True

    def _take_role(self, job: Job, given: Mapping[str, str]) -> bool:
        job.environ |= {**CREDENTIALS, "AWS_REGION": given["aws-region"]}
        return True

    def night(self) -> Night:
        """Run the nightly workflow, then look at all that it left behind."""
        former, calls = self.subjects(), len(self.calls())
        self.artifact = None
        secrets = {f"secrets.{name}": key for name, key in self.keys.items()}
        fetch = self.runner.run("nightly.yml", "fetch", expressions=secrets)
        publish = self.runner.run("nightly.yml", "publish", needs=fetch)
        self.meanwhile = None
        self.emulator.faults.clear()
        cache = self.home / "reader"
        synced = sync([f"{self.s3.url}/{self.place.removeprefix('s3://')}"], cache)
        catalog = Catalog.load(cache)
        checkout = self.home / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        git(self.home, "clone", "--quiet", str(self.remote), str(checkout))
        return Night(
            fetch=fetch,
            publish=publish,
            calls=[call for call in self.calls()[calls:] if call["command"] != "issue list"],
            commits=self.subjects()[len(former) :],
            price=price(catalog),
            price_in_git=price(Catalog.load(checkout / "catalogs")),
            manifest=read_manifest(cache / "publications" / synced.id),
        )

    def subjects(self) -> list[str]:
        """Subjects of the remote's commits, oldest first."""
        return git(self.remote, "log", "--reverse", "--format=%s", "main").splitlines()

    def calls(self) -> list[dict[str, Any]]:
        """Every call of `gh` so far."""
        state = json.loads(self.gh_state.read_text("utf-8")) if self.gh_state.exists() else {"calls": []}
        calls: list[dict[str, Any]] = state["calls"]
        return calls

    def a10_costs(self, cents: int) -> None:
        """Lambda changes a price."""
        self.emulator.data.lambda_types[A10]["instance_type"]["price_cents_per_hour"] = cents


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular."""
    who = {f"GIT_{role}_{what}": f"test@{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


def let_everybody_read(s3: S3Server, place: str) -> None:
    """As a bucket that serves as a site."""
    bucket = place.removeprefix("s3://").partition("/")[0]
    read = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [read]}))


def price(catalog: Catalog) -> Decimal:
    """Of an A10 at Lambda."""
    found = sky.get_hourly_cost(A10, use_spot=False, region=None, zone=None, clouds="lambda", catalog=catalog)
    return Decimal(str(found))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with S3Server() as s3, Emulator() as emulator:
        place = s3.new_place()
        let_everybody_read(s3, place)
        yield World(tmp_path_factory.mktemp("world"), emulator, s3, place)


@pytest.fixture(scope="module")
def nights(world: World) -> dict[int, Night]:
    """Five nights, and a sixth on which no cloud answers."""
    emulator, nights = world.emulator, {}
    world.a10_costs(130)
    nights[1] = world.night()
    world.a10_costs(120)
    emulator.data.lambda_types["gpu_8x_h100_sxm5"]["instance_type"]["price_cents_per_hour"] += 24
    nights[2] = world.night()
    world.a10_costs(125)
    down = (routes.RUNPOD_GPUS, routes.RUNPOD_CPUS, routes.RUNPOD_DATA_CENTERS, routes.RUNPOD_GRAPHQL)
    emulator.faults |= {route: [Status(503, forever=True)] for route in down}
    world.meanwhile = world.another_commit
    nights[3] = world.night()
    emulator.faults[routes.LAMBDA_TYPES] = [Body("<html>Under maintenance, @everybody</html>", forever=True)]
    nights[4] = world.night()
    world.a10_costs(126)
    nights[5] = world.night()
    world.keys = dict.fromkeys(VENDOR_KEYS, *REVOKED)
    world.a10_costs(99)
    nights[6] = world.night()
    return nights


def test_the_first_night_replaces_the_samples_by_live_prices(nights: dict[int, Night]) -> None:
    night = nights[1]
    assert night.outcome == ({"exit_code": "0"}, [])
    assert night.manifest.kind == "live"
    assert (night.price, night.price_in_git) == (Decimal("1.3"), Decimal("1.3"))
    assert night.commits == ["Catalogs: 1 price changed (+0.8 %)"]
    assert night.publish.summary.startswith(f"## {night.manifest.id}\n\n296 added\n")
    assert night.calls == []


def test_the_second_night_begins_with_the_catalogs_of_the_first(nights: dict[int, Night]) -> None:
    """Else RunPod's sizes would move every night."""
    began = [night.fetch.steps[3].output for night in nights.values()]
    assert began == ["catalogs: sample\n"] + 5 * ["catalogs: live\n"]


def test_changed_prices_are_published_committed_and_summarised(nights: dict[int, Night]) -> None:
    night = nights[2]
    assert night.outcome == ({"exit_code": "0"}, [])
    assert (night.price, night.price_in_git) == (Decimal("1.2"), Decimal("1.2"))
    assert night.manifest.previous == nights[1].manifest.id
    assert night.commits == ["Catalogs: 2 prices changed (median -3.5 %)"]
    assert "| price | `gpu_1x_a10` | `A10` | 1 | on-demand | 1.30 | 1.20 | -7.7 |" in night.publish.summary
    assert night.calls == []


def test_a_cloud_that_is_down_is_kept_and_an_issue_opened_while_the_others_go_on(nights: dict[int, Night]) -> None:
    night = nights[3]
    assert night.outcome == ({"exit_code": "3"}, [])
    assert night.states == {"lambda": "fresh", "runpod": "kept", "yotta": "fresh"}
    assert night.price == Decimal("1.25")
    reason = "runpod: kept: /runpod/v2/catalog/gpus answered HTTP 503; try again later"
    assert f"- {reason}\n" in night.publish.summary
    assert "| RunPod | kept | " in night.publish.summary
    assert "| Lambda | fresh | " in night.publish.summary
    assert night.commands == ["label create", "issue create"]
    assert night.calls[1]["body"] == (
        "The job is at `success`, fetch-catalog ended with 3: "
        f"https://github.com/example/gpu-catalog/actions/runs/4711\n\n~~~text\n{reason}\n~~~\n"
    )


def test_a_commit_that_came_meanwhile_stays_and_ours_is_made_on_top_of_it(
    world: World, nights: dict[int, Night]
) -> None:
    night = nights[3]
    assert night.commits == ["Somebody else's", "Catalogs: 1 price changed (+4.2 %)"]
    assert night.price_in_git == Decimal("1.25")
    commit = git(world.remote, "log", "--format=%H", "--grep=4.2 %", "main").strip()
    assert "README.md" in git(world.remote, "ls-tree", "--name-only", commit)
    changed = git(world.remote, "show", "--format=", "--name-only", commit).splitlines()
    assert all(name.startswith("catalogs/") for name in changed)


def test_an_answer_that_is_garbage_changes_nothing_and_is_added_to_the_issue(nights: dict[int, Night]) -> None:
    night = nights[4]
    assert night.outcome == ({"exit_code": "3"}, [])
    assert (night.price, night.price_in_git) == (Decimal("1.25"), Decimal("1.25"))
    assert (night.commits, night.manifest.id[17:]) == ([], nights[3].manifest.id[17:]), "the same prices"
    states = {cloud: entry.state for cloud, entry in night.manifest.clouds.items()}
    assert states == {"lambda": "kept", "runpod": "fresh", "yotta": "fresh"}
    assert "\nno change\n" in night.publish.summary
    assert night.commands == ["issue comment"]
    assert "lambda: kept: /lambda/api/v1/instance-types answered with an HTML page" in night.calls[0]["body"]
    assert "runpod" not in night.calls[0]["body"]
    assert "@everybody" not in night.calls[0]["body"]


def test_when_all_is_well_again_the_issue_is_closed(nights: dict[int, Night]) -> None:
    night = nights[5]
    assert night.outcome == ({"exit_code": "0"}, [])
    assert set(night.states.values()) == {"fresh"}
    assert (night.price, night.price_in_git) == (Decimal("1.26"), Decimal("1.26"))
    assert night.commits == ["Catalogs: 1 price changed (+0.8 %)"]
    assert night.calls[0]["arguments"][:3] == ["issue", "close", "1"]
    assert len(night.calls) == 1


def test_a_night_without_any_cloud_is_red_opens_another_issue_and_moves_nothing(nights: dict[int, Night]) -> None:
    night = nights[6]
    assert night.fetch.outputs == {"exit_code": "1"}
    assert [step.name for step in night.fetch.failures] == ["Fetch"]
    assert [step.name for step in night.publish.failures] == ["actions/download-artifact"]
    assert [step.name for step in night.publish.steps][2:] == ["Issue"]
    assert (night.manifest.id, night.commits) == (nights[5].manifest.id, [])
    assert (night.price, night.price_in_git) == (Decimal("1.26"), Decimal("1.26"))
    assert night.commands == ["label create", "issue create"]
    assert night.calls[1]["body"].startswith("The job is at `failure`, fetch-catalog ended with 1: https://")


def test_every_commit_of_the_remote_holds_catalogs_that_verify(
    world: World, nights: dict[int, Night], tmp_path: Path
) -> None:
    for commit in git(world.remote, "log", "--format=%H", "main").split():
        git(world.remote, f"--work-tree={tmp_path}", "checkout", "--quiet", "--force", commit, "--", "catalogs")
        Catalog.load(tmp_path / "catalogs")
        assert verify_folder(tmp_path / "catalogs") == []


def test_the_store_verifies_after_all_nights(
    world: World, nights: dict[int, Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in world.s3.environ.items():
        monkeypatch.setenv(name, value)
    store = open_store(world.place)
    assert verify_store(store) == []
    assert [line.manifest.id for line in log(store)] == [nights[number].manifest.id for number in (5, 4, 3, 2, 1)]


def test_a_staging_run_publishes_elsewhere_and_touches_neither_git_nor_issues(
    world: World, nights: dict[int, Night], tmp_path: Path
) -> None:
    world.artifact = nights[5].fetch.workspace.parent / "artifact"
    before = (world.subjects(), world.calls())
    staging = {"inputs.staging": "true", "inputs.staging && '-staging' || ''": "-staging"}
    job = world.runner.run("nightly.yml", "publish", expressions=staging)
    assert job.ok, job.output
    assert job.steps[-1].name == "Publish"
    assert "296 added" in job.output
    assert (world.subjects(), world.calls()) == before
    reader = sync([f"{world.s3.url}/{world.place.removeprefix('s3://')}-staging"], tmp_path)
    assert reader.id == nights[5].manifest.id


def test_the_watchdog_opens_an_issue_when_nothing_is_published_and_closes_it_when_it_is(
    world: World, nights: dict[int, Night]
) -> None:
    nowhere = world.runner.run("watchdog.yml", "watch", expressions={"vars.CATALOG_PLACE": world.s3.new_place()})
    assert not nowhere.ok
    opened = world.calls()[-1]
    assert opened["arguments"][:4] == ["issue", "create", "--label", "watchdog"]
    assert "no latest.json: nothing is published here" in opened["body"]
    well = world.runner.run("watchdog.yml", "watch")
    assert well.ok, well.output
    assert world.calls()[-1]["command"] == "issue close"


def test_no_secret_is_in_any_output_object_commit_or_issue(world: World, nights: dict[int, Night]) -> None:
    bucket = world.place.removeprefix("s3://").partition("/")[0]
    client = world.s3.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    objects = [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    assert len(objects) > 50
    written = [
        *(text.encode() for text in (*world.runner.log, *keys)),
        git(world.remote, "log", "--all", "--patch", "--format=raw").encode(),
        world.gh_state.read_bytes(),
        *objects,
        *(file.read_bytes() for file in (world.home / "machines").rglob("*") if file.is_file()),
    ]
    assert not [canary for canary in (*CANARIES, *REVOKED) for text in written if canary.encode() in text]
    assert not world.emulator.violations
