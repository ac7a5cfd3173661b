"""Nights of the nightly job in a row, against clouds that fail and a market that moves.

python -m tests.trust.soak --nights 500

One request in ten is answered by a fault, one push in twenty is killed. A reader looks on all the time: it may
never get anything but whole, valid publications of one fetch per cloud, with prices that stood in the market. The
same seed plays the same market, faults and kills again.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import time_machine
from click.testing import Result

from gpu_catalog.manifest import Manifest, read_manifest
from publisher.store import open_store
from tests.emulator import KEYS, Emulator
from tests.publisher.commands import fetch, publish
from tests.publisher.s3 import S3Server
from tests.trust.chaos import Chaos
from tests.trust.dying import push_and_die
from tests.trust.market import CLOUDS, Market
from tests.trust.onlooker import Onlooker
from tests.trust.series import Step, history_problems

DEADLINE_SECONDS, QUIET_DEADLINE_SECONDS = 2, 60
FAULT_SHARE = 0.1
KILLED_SHARE = 0.05
MOST_WRITES = 50
"""A push that changes all three clouds makes as many; a killed one dies at one of them."""
PRUNED_EVERY, KEPT = 20, 10


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of some nights."""

    seed: int
    """Of everything that was drawn."""

    nights: int
    """Nightly jobs that ran, the quiet one at the end included."""

    requests: int
    """HTTP requests of all fetches."""

    faults: Mapping[str, int]
    """How often each kind of fault was played."""

    publications: int
    """Publications that readers were pointed to."""

    outcomes: Mapping[str, int]
    """What became of a cloud in a night: `fresh`, `kept` or `failed` (not fetched), `held back`, `refused`; or of a
    whole night: `nothing fetched`, `killed, old stands`, `killed, new stands`, `killed too late`."""

    reads: int
    """How often a reader looked."""

    violations: tuple[str, ...]
    """What nobody may ever see, each with its night; the run ends with the first night that has one."""

    seconds: float
    """How long it took."""

    def to_text(self) -> str:
        """For people."""
        lines = [f"{self.nights} nights in {self.seconds:.0f} s, seed {self.seed}: {self.requests} requests, "
                 f"{sum(self.faults.values())} faults, {self.publications} publications, {self.reads} reads, "
                 f"{len(self.violations)} violations"]  # fmt: skip
        for title, counts in (("clouds and nights", self.outcomes), ("faults", self.faults)):
            lines.append(f"{title}: " + ", ".join(f"{name} {counts[name]}" for name in sorted(counts)))
        return "\n".join([*lines, *self.violations])


@dataclass
class Soak:
    """The world that the nights share."""

    home: Path
    place: str
    """Of the store."""

    seed: int
    emulator: Emulator
    environ: Mapping[str, str] = field(default_factory=dict)
    """What leads to the store."""

    fault_share: float = FAULT_SHARE
    """Of the requests."""

    killed_share: float = KILLED_SHARE
    """Of the pushes."""

    def __post_init__(self) -> None:
        self.store = open_store(self.place)
        self.onlooker = Onlooker(self.store)
        self.market = Market(data=self.emulator.data, seed=f"{self.seed} market")
        self.steps: dict[str, Step] = {}
        self.faults: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.violations: list[str] = []
        self.began_at = datetime.now(timezone.utc)
        self.export = self.home / "catalogs"

    def run(self, nights: int) -> Report:
        """So many nights, and a quiet one after which everything must be in order."""
        started = time.monotonic()
        number = 0
        for number in range(1, nights + 1):
            quiet = number == nights
            with time_machine.travel(self.began_at + timedelta(days=number)):
                try:
                    self._night(number, quiet=quiet)
                    if number % PRUNED_EVERY == 0 or quiet:
                        self._prune()
                except Exception as exc:
                    raise RuntimeError(f"night {number} of --seed {self.seed} broke off") from exc
            if quiet and not self.violations:
                self._check_history()
                self._check_secrets()
            if self._found(number):
                break
        return Report(
            seed=self.seed,
            nights=number,
            requests=len(self.emulator.requests),
            faults=self.faults,
            publications=len(self.steps),
            outcomes=self.outcomes,
            reads=self.onlooker.reads,
            violations=tuple(self.violations),
            seconds=time.monotonic() - started,
        )

    def _found(self, number: int) -> bool:
        """Whether there is a violation; each one says how to see it again."""
        found = self.violations + self.onlooker.violations
        self.violations = [f"night {number} of --seed {self.seed}: {violation}" for violation in found]
        return bool(found)

    def _night(self, number: int, *, quiet: bool) -> None:
        self.market.move()
        chaos = Chaos(f"{self.seed} {number}", 0 if quiet else self.fault_share, self.faults)
        self.emulator.chaos = chaos
        fetched = self.home / "fetched"
        shutil.rmtree(fetched, ignore_errors=True)
        if self.export.exists():
            shutil.copytree(self.export, fetched)
        deadline = QUIET_DEADLINE_SECONDS if quiet else DEADLINE_SECONDS
        result = fetch("all", "--output", fetched, "--deadline", str(deadline), env=self._clouds())
        self._check_output(result, 0, 1, 3)
        if result.exit_code == 1:  # as in the workflow: nothing is handed on
            self.outcomes["nothing fetched"] += 1
            return
        dice = random.Random(f"{self.seed} {number} death")
        if not quiet and dice.random() < self.killed_share:
            self._die(fetched, dice)
        else:
            self._publish(read_manifest(fetched), fetched, chaos)
        self._judge()

    def _clouds(self) -> dict[str, str]:
        return {**self.emulator.environ, "HOME": str(self.home)}

    def _die(self, fetched: Path, dice: random.Random) -> None:
        """The push is killed, and with it the job."""
        before = self.onlooker.look()
        with self.onlooker.watching():
            exit_code = push_and_die(
                fetched,
                self.place,
                environ=self.environ,
                now=datetime.now(timezone.utc),
                dies_at=dice.randint(1, MOST_WRITES),
                after=dice.random() < 0.5,
            )
        after = self.onlooker.look()
        moved = (before.id if before else None) != (after.id if after else None)
        stands = f"killed, {'new' if moved else 'old'} stands"
        self.outcomes["killed too late" if exit_code == 0 else stands] += 1
        if exit_code not in (0, -signal.SIGKILL):
            self.violations.append(f"a push that was to be killed failed before; it ended with {exit_code}")

    def _publish(self, folder: Manifest, fetched: Path, chaos: Chaos) -> None:
        with self.onlooker.watching():
            pushed = publish("push", fetched, self.place, "--summary", self.home / "summary.md")
            self._check_output(pushed, 0, 3)
            self._check_output(publish("export", self.place, self.export), 0)
        states = self._states(folder, pushed)
        self.outcomes.update(states.values())
        if seen := self.onlooker.look():
            # Where nothing went wrong and nothing was held back, the whole list is there, at tonight's prices.
            unharmed = [cloud for cloud in CLOUDS if states[cloud] == "fresh" and cloud not in chaos.hit]
            wrong = [cloud for cloud in unharmed if seen.prices(cloud) != self.market.nights[-1][cloud]]
            self.violations += [f"{cloud} is fresh, and not as its market was this night" for cloud in wrong]
        self._check_output(publish("verify", self.place), 0)
        self._check_output(publish("verify", self.export), 0)

    @staticmethod
    def _states(folder: Manifest, pushed: Result) -> dict[str, str]:
        """What became of each cloud."""
        states: dict[str, str] = {cloud: folder.clouds[cloud].state for cloud in CLOUDS}
        for cloud in [cloud for cloud in CLOUDS if states[cloud] == "fresh"]:
            notes = " ".join(line for line in pushed.stderr.splitlines() if line.startswith(f"{cloud}: "))
            if "kept: " in notes:
                states[cloud] = "refused" if "kept: refused: " in notes else "held back"
        return states

    def _judge(self) -> None:
        """What any reader got this night."""
        self.steps |= {publication: Step.of(seen) for publication, seen in self.onlooker.unjudged.items()}
        self.onlooker.judge({cloud: self.market.known(cloud) for cloud in CLOUDS})

    def _prune(self) -> None:
        with self.onlooker.watching():
            self._check_output(publish("prune", self.place, "--keep", str(KEPT)), 0)
        self._check_output(publish("verify", self.place), 0)
        self._check_output(publish("validate", self.export), 0)

    def _check_output(self, result: Result, *exit_codes: int) -> None:
        if result.exit_code not in exit_codes:
            self.violations.append(f"exit code {result.exit_code}: {result.output}")
        if any(key in result.output for key in KEYS.values()):
            self.violations.append("a key is printed")

    def _check_history(self) -> None:
        latest = self.onlooker.look()
        assert latest is not None
        self.violations += history_problems(self.store, latest, self.steps)

    def _check_secrets(self) -> None:
        """No key is in anything that was written, none was sent where it does not belong."""
        contents = {entry.key: self.store.get(entry.key) for entry in self.store.list("")}
        texts = {key: stored.content for key, stored in contents.items() if stored is not None}
        texts |= {str(path): path.read_bytes() for path in self.home.rglob("*") if path.is_file()}
        leaks = [where for where, text in texts.items() if any(key.encode() in text for key in KEYS.values())]
        self.violations += [f"a key is in {where}" for where in leaks]
        rules = {violation.rule for violation in self.emulator.violations} & {"key-in-url", "foreign-key"}
        self.violations += [f"a request broke the rule {rule}" for rule in sorted(rules)]
        self.violations += [f"the emulator itself failed: {error!r}" for error in self.emulator.errors]


def soak(
    nights: int,
    seed: int,
    *,
    s3: bool = False,
    fault_share: float = FAULT_SHARE,
    killed_share: float = KILLED_SHARE,
) -> Report:
    """So many nights into a new store, in a folder or in a bucket on loopback."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place, environ = str(home / "store"), {}
        if s3:
            server = stack.enter_context(S3Server())
            environ = server.environ
            os.environ.update(environ)
            place = server.new_place()
        emulator = stack.enter_context(Emulator())
        return Soak(home, place, seed, emulator, environ, fault_share, killed_share).run(nights)


def main(arguments: list[str] | None = None) -> int:
    """Print the report; exit code 1 after a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.trust.soak", description=__doc__)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1, help="of the market, the faults and the kills")
    parser.add_argument("--faults", type=float, default=FAULT_SHARE, help="share of the requests")
    parser.add_argument("--kills", type=float, default=KILLED_SHARE, help="share of the pushes")
    parser.add_argument("--s3", action="store_true", help="publish into a bucket on loopback, not into a folder")
    options = parser.parse_args(arguments)
    report = soak(
        options.nights, options.seed, s3=options.s3, fault_share=options.faults, killed_share=options.kills
    )
    print(report.to_text())  # noqa: T201
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
