"""A fetcher of another package that misbehaves harms only its own cloud, and is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fetchers import SessionOptions
from publisher.push import push
from publisher.run import RunRequest, exit_code, run
from publisher.store import open_store
from publisher.verify import verify_folder
from tests.emulator import Emulator
from tests.plugins.installed import GOOD, fetcher, install
from tests.samples import CLOUDS

BAD = {
    "raises": ("raise ValueError('sk-secret')", "a defect in the fetcher of puff 1.0: ValueError in fetch"),
    "exits": ("import sys; sys.exit(0)", "a defect in the fetcher of puff 1.0: SystemExit in fetch"),
    "interrupts": ("raise KeyboardInterrupt", "a defect in the fetcher of puff 1.0: KeyboardInterrupt in fetch"),
    "hangs": ("import time; time.sleep(60); yield", "no answer within 2 s (fetcher of puff 1.0)"),
    "never ends": ("while True: yield offering()", "not done within 2 s"),
    "returns nothing": ("return None", "nothing that yields offerings (fetcher of puff 1.0)"),
    "yields nothing": ("return; yield", "nothing is left to publish"),
    "yields numbers": ("yield 7", "gave a int, neither Offering nor Skipped"),
    "yields its own kind": ("yield type('Offering', (), {})()", "gave a Offering, neither Offering nor Skipped"),
    "float money": ("yield offering(price_usd_per_hour=1.5)", "price_usd_per_hour as float, not Decimal"),
    "no name": ("yield offering(instance_type=None)", "instance_type as NoneType, not str"),
    "a list as region": ("yield offering(region=['r'])", "region as list, not str"),
    "another cloud": ("yield offering(cloud='lambda')", "gave offerings of lambda"),
    "a zone": ("yield offering(zone='z-1')", "declares has_zones = False, and 1 rows have one"),
    "spot": ("yield offering(spot_price_usd_per_hour=Decimal('1'))", "declares has_spot = False"),
    "unknown mark": ("yield offering(marks=('cheap',))", "or as no mark of gpu_catalog.MARKS"),
    "a path as type": ("yield offering(instance_type='../../x')", "nothing is left to publish"),
    "a vanishing region": ("yield offering(region='NA')", "nothing is left to publish"),
    "price 0": ("yield offering(price_usd_per_hour=Decimal(0))", "nothing is left to publish"),
    "price NaN": ("yield offering(price_usd_per_hour=Decimal('NaN'))", "price_usd_per_hour as a number"),
    "price sNaN": ("yield offering(price_usd_per_hour=Decimal('sNaN'))", "price_usd_per_hour as a number"),
    "endless size": ("yield offering(vcpus=float('inf'))", "Offering.vcpus as a number that is none"),
    "huge whole size": ("yield offering(memory_gib=10**400)", "Offering.memory_gib as a number that is none"),
    "half a character": ("yield offering(source='\\ud800')", "gave Offering.source as text"),
    "endless text": ("yield offering(listing='x' * 10**6)", "gave Offering.listing as text"),
    "no time": ("yield offering(observed_at=None)", "gave an offering without observed_at"),
    "no moment": ("yield offering(observed_at='yesterday')", "an observed_at that is not of the form"),
    "too much skipped": (
        "yield offering()\n        for n in range(10**5): "
        "yield Skipped(cloud='puffcloud', listing=str(n), rule='x', reason='y', broken=False)",
        "or 10000 skipped ones",
    ),
    "endless rule": (
        "yield Skipped(cloud='puffcloud', listing='l', rule='x' * 10**7, reason='y', broken=False)",
        "gave Skipped.rule as text that cannot be published",
    ),
    "two prices": (
        "yield offering(); yield offering(price_usd_per_hour=Decimal('1.6'))", "contradictory-offer",
    ),
    "a skipped of no kind": (
        "yield offering(); yield Skipped(cloud='puffcloud', listing=3, rule='x', reason='y', broken=False)",
        "gave Skipped.listing as int, not str",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "why"), BAD.values(), ids=BAD)
def test_it_harms_only_itself_and_is_named(
    place: Path, tmp_path: Path, emulator: Emulator, body: str, why: str
) -> None:
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud", f"        {body}"))
    options = SessionOptions(environ=emulator.environ, deadline_seconds=2)
    results = run(RunRequest(clouds=("puffcloud", "lambda"), output=tmp_path / "out", session=options))
    states = {result.cloud: result.entry for result in results}
    assert states["lambda"].state == "fresh"
    assert states["puffcloud"].state == "failed"
    assert why in (states["puffcloud"].reason or "")
    assert "sk-secret" not in (states["puffcloud"].reason or "")
    assert exit_code(results) == 3
    assert verify_folder(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob("*puffcloud*"))


def test_sizes_may_be_whole_numbers_and_are_published_as_floats(place: Path, tmp_path: Path) -> None:
    body = "        yield offering(vcpus=8, memory_gib=32, accelerator_count=1)"
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud", body))
    run(RunRequest(clouds=("puffcloud",), output=tmp_path / "out"))
    assert push(tmp_path / "out", open_store(str(tmp_path / "store"))).changed
    row = (tmp_path / "store/v8/puffcloud/vms.csv").read_text().splitlines()[1]
    assert row.startswith("a-1,A100,1.0,8.0,32.0,")


def test_the_key_is_in_nothing_that_is_published(place: Path, tmp_path: Path) -> None:
    code = fetcher("puffcloud", "        yield offering(source='GET /x?key=canary-key-0123')").replace(
        "credentials = None", "credentials = Credentials('PUFF_KEY', '.puff', ('key',))"
    )
    install(place, "puff", {"puffcloud": "Fetcher"}, f"from fetchers import Credentials\n{code}")
    options = SessionOptions(environ={"PUFF_KEY": "canary-key-0123"})
    (result,) = run(RunRequest(clouds=("puffcloud",), output=tmp_path, session=options))
    assert "gave the API key in Offering.source" in (result.entry.reason or "")
    assert "canary" not in (result.entry.reason or "")


def test_a_process_ends_though_a_fetcher_left_threads_behind(place: Path) -> None:
    body = """
        import concurrent.futures, time
        pool = concurrent.futures.ThreadPoolExecutor()
        pool.submit(time.sleep, 600).result()
        yield offering()"""
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud", body))
    ran = fetch_catalog(place, "puffcloud", "--deadline", "2", "--dry-run")
    assert ran.returncode == 1
    assert "no answer within 2 s (fetcher of puff 1.0)" in ran.stderr


def test_a_good_one_is_published_beside_ours(place: Path, tmp_path: Path, emulator: Emulator) -> None:
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud"))
    options = SessionOptions(environ=emulator.environ)
    results = run(RunRequest(clouds=("puffcloud", "lambda"), output=tmp_path, session=options))
    assert exit_code(results) == 0
    assert verify_folder(tmp_path) == []
    assert (tmp_path / "v8/puffcloud/vms.csv").read_text().splitlines()[1].startswith("a-1,A100,1.0,8.0,32.0,")
    assert "['Lambda', 'puffcloud of a test']" in (tmp_path / "v8/common/accelerators.csv").read_text()


def test_an_accelerator_that_the_table_does_not_know_is_marked(place: Path, tmp_path: Path) -> None:
    body = "        yield offering(accelerator_name='PUFF9000')"
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud", body))
    run(RunRequest(clouds=("puffcloud",), output=tmp_path))
    offers = [json.loads(line) for line in (tmp_path / "v8/puffcloud/offers.jsonl").read_text().splitlines()]
    assert [offer["marks"] for offer in offers] == [["new-accelerator"]]


SCRIPT = "from publisher.cli import fetch_catalog_script; fetch_catalog_script()"


def fetch_catalog(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with the packages of a folder installed."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            SCRIPT,
            *arguments,
        ],
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
        cwd=place.parent,
        env={**os.environ, "PYTHONPATH": str(place)},
    )


def test_what_a_package_prints_or_registers_wrongly_stays_out_of_the_document(place: Path) -> None:
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud", f"        print('hello')\n{GOOD}"))
    install(place, "evil", {"../x": "Fetcher", "lambda": "Fetcher"}, "raise SystemExit('imported')")
    ran = fetch_catalog(place, "puffcloud", "lambda", "--dry-run", "--json")
    document = json.loads(ran.stdout)
    assert document["clouds"]["puffcloud"]["state"] == "fresh"
    assert document["clouds"]["lambda"]["reason"].startswith("no API key of Lambda")
    assert [line.split(",")[0] for line in document["refused_fetchers"]] == [
        "evil 1.0 registers '../x'", "evil 1.0 registers 'lambda'",
    ]  # fmt: skip
    assert ran.returncode == 3
    assert ran.stderr == "hello\n"


def test_all_includes_it_and_says_what_is_left_out(place: Path) -> None:
    install(place, "puff", {"puffcloud": "Fetcher", "Puff": "Fetcher"}, fetcher("puffcloud"))
    ran = fetch_catalog(place, "all", "--recorded", "--output", "out")
    assert ran.returncode == 3
    assert "warning: puff 1.0 registers 'Puff', which is no name of a cloud" in ran.stderr
    assert "puffcloud: the fetcher of puffcloud brings no recorded answers (fetcher of puff 1.0)" in ran.stderr
    written = {path.parent.name for path in (place.parent / "out").glob("v8/*/vms.csv")}
    assert written >= set(CLOUDS)
    assert "puffcloud" not in written


def test_asking_for_a_refused_name_says_who_registers_it(place: Path) -> None:
    install(place, "evil", {"../x": "Fetcher"}, "raise SystemExit('imported')")
    ran = fetch_catalog(place, "../x")
    assert ran.returncode == 2
    assert "no cloud '../x'; evil 1.0 registers '../x', which is no name of a cloud" in ran.stderr.replace(
        "\n", " "
    )


def test_a_probe_knows_no_questions_to_it(place: Path) -> None:
    install(place, "puff", {"puffcloud": "Fetcher"}, "raise SystemExit('imported')")
    ran = fetch_catalog(place, "puffcloud", "--probe")
    assert ran.returncode == 1
    assert "no questions are known of this cloud; --record DIR saves what it answers" in ran.stdout
