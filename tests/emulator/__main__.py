"""`python -m tests.emulator --port 8000`: serve until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.emulator.emulator import Emulator


def main(arguments: list[str] | None = None) -> int:
    """Print the environment of a client on stdout, then serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 for a free one")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--recorded", type=Path, metavar="DIR", help="recorded sets to answer from")
    parser.add_argument("--enforce-rate-limit", action="store_true", help="answer 429 over the documented limits")
    options = parser.parse_args(arguments)
    try:
        emulator = Emulator(
            host=options.host,
            port=options.port,
            recorded=options.recorded,
            enforce_rate_limit=options.enforce_rate_limit,
        )
    except (OSError, ValueError, KeyError) as exc:
        parser.error(str(exc))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with emulator:
        sys.stdout.writelines(f"{name}={value}\n" for name, value in emulator.environ.items())
        sys.stdout.flush()
        sys.stderr.write("paste these after `set -a`; Ctrl-C stops\n")
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
