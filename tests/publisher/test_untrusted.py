"""What a cloud or a writer of the bucket says is printed harmlessly, and read no further than allowed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gpu_catalog.pointer import MAX_POINTER_BYTES
from tests.emulator import Emulator, Status, routes
from tests.gpu_catalog.test_untrusted_names import ESCAPES
from tests.publisher.commands import fetch, publish
from tests.publisher.nights import night


def harmless(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_what_a_cloud_answers_can_do_nothing_to_a_terminal(
    option: list[str], emulator: Emulator, tmp_path: Path
) -> None:
    emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["price_cents_per_hour"] = ESCAPES
    said = json.dumps({"error": {"code": ESCAPES, "message": f"[/red][bold]{ESCAPES}"}})
    emulator.faults[routes.RUNPOD_GPUS] = [Status(400, said, forever=True)]
    result = fetch("lambda", "runpod", "--output", tmp_path, *option, env=emulator.environ)
    assert result.exit_code == 3, result.output
    assert "pwned" in result.output
    assert harmless(result.output)


def test_what_a_probe_shows_can_do_nothing_either(emulator: Emulator) -> None:
    said = json.dumps({"error": {"code": ESCAPES, ESCAPES: ESCAPES}})
    emulator.faults[routes.LAMBDA_TYPES] = [Status(400, said, headers={"Server": "\x9b2J"}, forever=True)]
    assert harmless(fetch("lambda", "--probe", env=emulator.environ).output)


@pytest.mark.parametrize(
    "command", [["verify"], ["verify", "--json"], ["log"], ["watch"], ["rollback"]], ids=" ".join
)
def test_what_a_writer_of_the_bucket_says_can_do_nothing_to_a_terminal(command: list[str], tmp_path: Path) -> None:
    place = tmp_path / "store"
    assert publish("push", night(tmp_path / "night", 1, {"yotta": []}), place).exit_code == 0
    pointer = json.loads((place / "latest.json").read_bytes())
    path = place / "publications" / pointer["id"] / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["observed_at"] = manifest["clouds"]["yotta"]["observed_at"] = ESCAPES
    path.write_text(json.dumps(manifest))
    (place / "latest.json").write_text(json.dumps({**pointer, "checked_at": ESCAPES}))
    name, *options = command
    result = publish(name, place, *options, *[pointer["id"]] * (name == "rollback"))
    assert result.output
    assert harmless(result.output)


def test_a_pointer_of_megabytes_is_not_parsed(tmp_path: Path) -> None:
    tmp_path.joinpath("latest.json").write_bytes(b"[" * (MAX_POINTER_BYTES + 1))
    result = publish("watch", tmp_path)
    assert result.exit_code == 1
    assert "larger than" in result.stderr


@pytest.mark.parametrize("name", ["v8/yotta/vms.csv", "v8/yotta/offers.jsonl"])
def test_a_pipe_in_the_folder_is_a_problem_and_not_waited_for(name: str, tmp_path: Path) -> None:
    folder = night(tmp_path / "night", 1, {"yotta": []})
    (folder / name).unlink()
    os.mkfifo(folder / name)
    result = publish("verify", folder)
    assert result.exit_code == 1
    assert "not a regular file" in result.stderr
    if name.endswith(".csv"):
        assert "not a regular file" in publish("validate", folder).stderr
