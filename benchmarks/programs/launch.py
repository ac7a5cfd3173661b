"""`python -IS launch.py REPORT COMMAND...`: run a command and write what it took to the file REPORT, as JSON.

A process of its own, and a small one: the peak memory that the kernel reports for a child is never less than that
of the process which started it. Linux: elsewhere it is counted in other units.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Exit as the command did."""
    report, *command = sys.argv[1:]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    figures = {
        "wall_seconds": time.perf_counter() - started,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
    }
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes as long as the rest
        json.dump(figures, file)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()
