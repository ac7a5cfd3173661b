"""What a user would take instead, each in an environment of its own that is kept between runs."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import GPUHUNT, SKYPILOT
from tests.contract.clients import ready_python

VERSIONS = {SKYPILOT: "0.14.1", GPUHUNT: "0.1.34"}


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, installed when it is not there yet.

    Raises:
        CannotInstall: pip could not.
    """
    version = VERSIONS[peer]
    if peer == SKYPILOT:
        requirements, check = (f"skypilot[runpod]=={version}",), "import sky.catalog, runpod"
    else:
        requirements, check = (f"gpuhunt=={version}",), "import gpuhunt.providers.runpod"
    return ready_python(f"bench-{peer.lower()}-{version}", requirements, check)
