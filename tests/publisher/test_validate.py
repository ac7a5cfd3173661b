"""`publish-catalog validate` on paths that do not say what they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.publisher.commands import publish
from tests.samples import CATALOGS

YOTTA = CATALOGS / "v8/yotta/vms.csv"


def test_a_file_is_told_by_its_path_or_by_options(tmp_path: Path) -> None:
    assert publish("validate", YOTTA).exit_code == 0
    alone = shutil.copy(YOTTA, tmp_path / "vms.csv")
    assert publish("validate", alone, "--cloud", "yotta", "--schema", "v8").exit_code == 0
    said = publish("validate", alone, "--cloud", "yotta")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "is not in its path; name it with --schema" in said.stderr


@pytest.mark.parametrize("options", [("--cloud", "yotta"), ("--schema", "v8")])
def test_options_are_for_one_file(options: tuple[str, str]) -> None:
    said = publish("validate", CATALOGS, *options)
    assert said.exit_code == 1
    assert "are for a single file" in said.stderr


def test_where_there_is_nothing_to_check(tmp_path: Path) -> None:
    said = publish("validate", tmp_path)
    assert said.exit_code == 1
    assert f"no vms.csv below {tmp_path}" in said.stderr


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "v8/yotta/vms.csv").mkdir(parents=True)
    said = publish("validate", tmp_path)
    assert said.exit_code == 1
    assert "cannot be read (Is a directory)" in said.stderr
