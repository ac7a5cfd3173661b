"""`python -m tests.guide`: run every command of docs/adding-a-cloud.md as it stands and compare what it prints.

In a copy of the checkout and a fresh environment, in one shell. `--environment DIR` takes an environment where
`pip install '.[fetch]'` was run already, and leaves out the two commands that make one. Exit code 1 at the first
difference.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.guide.page import ROOT, Command, commands, differs

SET_UP = 2
"""Commands at the beginning that make the environment."""


def main() -> int:
    """0 when every command printed what the page says."""
    parser = argparse.ArgumentParser(prog="python -m tests.guide", description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path, help="use this one, in which gpu-catalog[fetch] is installed")
    environment = parser.parse_args().environment
    asked = commands()[SET_UP if environment else 0 :]
    with tempfile.TemporaryDirectory() as place:
        checkout = Path(place) / "checkout"
        ignored = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT, checkout, ignore=ignored)
        return _follow(asked, checkout, environment)


def _follow(asked: list[Command], checkout: Path, environment: Path | None) -> int:
    nobodys = ("FLUFFYCLOUD_", "GPU_CATALOG_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(nobodys)}
    variables |= {"HOME": str(checkout.parent), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    if environment is not None:
        variables["PATH"] = f"{environment.resolve() / 'bin'}{os.pathsep}{variables['PATH']}"
    shell = subprocess.Popen(
        ["bash", "-c", "".join(f"{{ {one.text}\n}} 2>&1\necho \"$? @@@\"\n" for one in asked)],
        stdout=subprocess.PIPE, text=True, cwd=checkout, env=variables, start_new_session=True,
    )  # fmt: skip
    assert shell.stdout is not None
    try:
        for command in asked:
            print(f"$ {command.text}", flush=True)  # noqa: T201
            printed = []
            for line in shell.stdout:
                if line.endswith("@@@\n"):
                    status = int(line.split()[0])
                    break
                printed.append(line)
            else:
                return _failed("the shell ended")
            problem = f"exit code {status}" if status else differs(command.output, "".join(printed))
            if problem:
                print("".join(printed), end="")  # noqa: T201
                return _failed(problem)
        print(f"{len(asked)} commands, every one as the page says")  # noqa: T201
        return 0
    finally:
        os.killpg(shell.pid, signal.SIGTERM)  # With the emulator that the page leaves in the background.
        shell.wait()


def _failed(why: str) -> int:
    print(why, file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
