"""A fetch that waits, seen from outside: no key in a process list, nothing left behind when it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.emulator import KEYS, Emulator, Stall
from tests.publisher.commands import digests
from tests.trust.matrix import FIRST_ROUTES

PROC = Path("/proc")


def command_lines() -> bytes:
    """Of all processes that we may see."""
    read = []
    for file in PROC.glob("[0-9]*/cmdline"):
        try:
            read.append(file.read_bytes())
        except OSError:
            continue  # It has ended.
    return b"\n".join(read)


@pytest.mark.skipif(not PROC.is_dir(), reason="no /proc to look into")
def test_no_key_in_the_process_list_and_nothing_left_when_ended(emulator: Emulator, tmp_path: Path) -> None:
    for route in FIRST_ROUTES.values():
        emulator.faults[route] = [Stall(60, forever=True)]
    program = str(Path(sys.executable).with_name("fetch-catalog"))
    command = [program, "all", "--output", "catalogs", "--record", "kept"]
    started = subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | emulator.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        until = time.monotonic() + 60
        while any(emulator.counts[route] == 0 for route in FIRST_ROUTES.values()):
            assert time.monotonic() < until
            time.sleep(0.05)
        seen = command_lines()
        assert b"fetch-catalog" in seen
        assert not [key for key in KEYS.values() if key.encode() in seen]
        started.send_signal(signal.SIGTERM)
        printed, _ = started.communicate(timeout=60)
    finally:
        started.kill()
    assert started.returncode == -signal.SIGTERM, printed
    assert digests(tmp_path / "catalogs") == {}
    recorded = b"".join(file.read_bytes() for file in (tmp_path / "kept").rglob("*.json"))
    printed += recorded  # What was answered until then.
    assert not [key for key in KEYS.values() if key.encode() in printed]
    assert b"Traceback" not in printed
