"""Publishers that are killed leave the old or the new publication, whole; `make soak` kills many more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("times", "options"), [(16, []), (4, ["--s3"])], ids=["folder", "s3"])
def test_a_killed_push_leaves_the_old_or_the_new_publication_and_the_next_one_succeeds(
    times: int, options: list[str]
) -> None:
    command = [sys.executable, "-m", "tests.publisher.killed", "--times", str(times), *options]
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    found = re.search(r"(\d+) left the old publication, (\d+) the new one whole", result.stdout)
    assert found is not None
    assert int(found[1]) + int(found[2]) == times
