"""A world for nights of the workflow: emulated clouds, an emulated bucket and a bare git remote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from gpu_catalog import Catalog, sky
from gpu_catalog.manifest import Manifest, read_manifest
from gpu_catalog.sync import sync
from tests.e2e.actions import ROOT, Job, Runner, Step
from tests.emulator import KEYS, Emulator, routes
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
