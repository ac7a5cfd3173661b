"""Nights of the real workflow: its own steps, against emulated clouds, an emulated bucket and a bare git remote.

What is played and not run: GitHub's actions, `gh`, and GitHub itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from gpu_catalog import Catalog
from gpu_catalog.sync import sync
from publisher.store import open_store
from publisher.upkeep import log, verify_store
from publisher.verify import verify_folder
from tests.e2e.world import CANARIES, REVOKED, VENDOR_KEYS, Night, World, git, let_everybody_read
from tests.emulator import Body, Emulator, Status, routes
from tests.publisher.s3 import S3Server


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
