"""`publish-catalog add`: from a hand-written vms.csv to what readers, stores and SkyPilot's folder get."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner

from gpu_catalog import Catalog, estimate_cost
from gpu_catalog.cli import main as gpu_catalog
from gpu_catalog.manifest import read_manifest
from publisher.push import push
from publisher.store import open_store
from publisher.verify import verify_folder
from tests.publisher.commands import digests, publish

BY_HAND = Path(__file__).resolve().parents[2] / "examples" / "fluffycloud" / "by_hand"
VMS, IMAGES = BY_HAND / "vms.csv", BY_HAND / "images.csv"
WHERE = ("--as-of", "2026-11-20", "--source", "https://fluffycloud.example/pricing")


def test_it_becomes_a_catalog_of_both_versions(tmp_path: Path) -> None:
    result = publish("add", "nimbus", VMS, "--images", IMAGES, "--output", tmp_path, *WHERE)
    assert result.exit_code == 0
    assert result.stdout == "nimbus: 8 rows, 5 instance types, 2 accelerators, prices of 2026-11-20\n"
    assert "nimbus: Price is blank in row 8: not known" in result.stderr
    assert verify_folder(tmp_path) == []
    entry = read_manifest(tmp_path).clouds["nimbus"]
    assert (entry.state, entry.kind, entry.observed_at) == ("fresh", "live", "2026-11-20T00:00:00Z")
    assert entry.sources == ("https://fluffycloud.example/pricing",)
    for version in ("v7", "v8"):
        assert (tmp_path / version / "nimbus/images.csv").read_bytes() == IMAGES.read_bytes()
        assert (tmp_path / version / "nimbus/vms.csv").read_text().count("\n") == 9
    best = Catalog.load(tmp_path).cheapest("H100", 8)
    assert best is not None
    assert (best.cloud, best.instance_type) == ("nimbus", "fluffy-8h100")
    answer = estimate_cost("H100:8", catalog_dir=tmp_path)
    assert answer.hourly_cost == 23.92
    assert "The price of nimbus was entered by hand, from a price list" in answer.warnings


def test_it_stands_beside_fetched_clouds_and_replaces_only_itself(catalogs: Path, tmp_path: Path) -> None:
    before = digests(catalogs)
    publish("add", "nimbus", VMS, "--output", catalogs, "--display-name", "Nimbus")
    after = digests(catalogs)
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {"manifest.json", "v8/common/accelerators.csv"}  # the same GPUs are known already
    assert "'Nimbus'" in (catalogs / "v8/common/accelerators.csv").read_text()
    dearer = tmp_path / "vms.csv"
    dearer.write_text(VMS.read_text().replace("1.79", "1.89"))
    publish("add", "nimbus", dearer, "--output", catalogs, "--display-name", "Nimbus")
    assert ",1.89," in (catalogs / "v8/nimbus/vms.csv").read_text()
    assert verify_folder(catalogs) == []


def test_an_image_list_stays_when_only_prices_are_added(tmp_path: Path) -> None:
    publish("add", "nimbus", VMS, "--images", IMAGES, "--output", tmp_path)
    publish("add", "nimbus", VMS, "--output", tmp_path)
    assert (tmp_path / "v8/nimbus/images.csv").read_bytes() == IMAGES.read_bytes()
    assert verify_folder(tmp_path) == []


@time_machine.travel(datetime(2026, 11, 25, 12, tzinfo=timezone.utc), tick=False)
def test_it_can_be_pushed_and_keeps_its_name_and_images(tmp_path: Path) -> None:
    folder, store = tmp_path / "catalogs", tmp_path / "store"
    publish("add", "nimbus", VMS, "--images", IMAGES, "--output", folder, "--display-name", "Nimbus")
    pushed = push(folder, open_store(str(store)))
    assert pushed.exit_code == 0
    assert pushed.manifest.clouds["nimbus"].display_name == "Nimbus"
    assert "['Nimbus']" in (store / "v8/common/accelerators.csv").read_text()
    assert (store / "v8/nimbus/images.csv").read_bytes() == IMAGES.read_bytes()
    assert not push(folder, open_store(str(store))).changed


def test_it_can_be_installed_for_skypilot_with_its_images(tmp_path: Path) -> None:
    folder, home = tmp_path / "catalogs", tmp_path / "home"
    publish("add", "nimbus", VMS, "--images", IMAGES, "--output", folder)
    arguments = ["install", "--clouds", "nimbus", "--root", str(folder), "--sky-home", str(home)]
    result = CliRunner().invoke(gpu_catalog, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert (home / ".sky/catalogs/v8/nimbus/images.csv").read_bytes() == IMAGES.read_bytes()
    assert (home / ".sky/catalogs/v8/nimbus/vms.csv").exists()


def test_what_is_wrong_is_told_by_row_and_nothing_is_written(tmp_path: Path) -> None:
    bad = tmp_path / "vms.csv"
    bad.write_text(VMS.read_text().replace(",1.79,", ",$1.79,").replace("cumulus-1,192", "NA,192"))
    result = publish("add", "nimbus", bad, "--output", tmp_path / "out")
    assert result.exit_code == 1
    assert (
        "row 2, Price '$1.79': readable: price '$1.79' is not a plain number; write a plain number" in result.stderr
    )
    assert "nothing was written; mend this and run it again" in result.stderr
    assert not (tmp_path / "out").exists()


def test_images_from_a_spreadsheet_are_published_in_our_form(tmp_path: Path) -> None:
    saved = tmp_path / "images.csv"
    saved.write_bytes(b"\xef\xbb\xbf" + IMAGES.read_bytes().replace(b"\n", b"\r\n") + b",,,,,\r\n,,,,,")
    assert publish("add", "nimbus", VMS, "--images", saved, "--output", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out/v8/nimbus/images.csv").read_bytes() == IMAGES.read_bytes()


def test_images_where_no_machine_is_are_noted_and_published(tmp_path: Path) -> None:
    images = tmp_path / "images.csv"
    images.write_text(IMAGES.read_text().replace("stratus-2", "stratus-9"))
    result = publish("add", "nimbus", VMS, "--images", images, "--output", tmp_path / "out")
    assert result.exit_code == 0
    assert "note: no instance type is in 'stratus-9', so nobody will ask for its images" in result.stderr


def test_images_are_not_held_against_machines_that_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "vms.csv").write_text(VMS.read_text().replace(",3.19,", ",$3.19,").replace(",25.52,", ",?,"))
    result = publish(
        "add", "nimbus", tmp_path / "vms.csv", "--images", IMAGES, "--output", tmp_path / "out", "--json"
    )
    assert [report["notes"] for report in json.loads(result.stdout)["reports"]] == [[], []]


def test_wrong_images_stop_it_too(tmp_path: Path) -> None:
    bad = tmp_path / "images.csv"
    bad.write_text(IMAGES.read_text().replace("img-cumulus-gpu-7", ""))
    result = publish("add", "nimbus", VMS, "--images", bad, "--output", tmp_path / "out")
    assert result.exit_code == 1
    assert "nimbus images.csv: 4 rows, 1 findings" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("cloud", "said"),
    [
        ("../x", "'../x' is no name of a cloud: 2 to 32 lower-case letters and digits, a letter first"),
        ("common", "'common' has another meaning here"),
        ("Nimbus", "is no name of a cloud"),
        ("ec2", "'ec2' is another name of aws"),
        ("lambda", "lambda is fetched (gpu-catalog "),
    ],
)
def test_a_name_that_cannot_be_is_refused(cloud: str, said: str, tmp_path: Path) -> None:
    result = publish("add", cloud, VMS, "--output", tmp_path / "out")
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as-of", "2999-01-01"), "that day has not come yet"),
        (("--as-of", "yesterday"), "does not match the format"),
        (("--display-name", "a/b"), "1 to 40 letters"),
        (("--source", "two\nlines"), "one line of at most 500 characters"),
        (("--images", "nowhere.csv"), "does not exist"),
        (("--source", "https://me:secret@example.com/"), "a URL with a user name or password"),
    ],
)
def test_wrong_options_are_wrong_usage(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = publish("add", "nimbus", VMS, "--output", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_name_of_another_cloud_is_refused(tmp_path: Path) -> None:
    result = publish("add", "nimbus", VMS, "--output", tmp_path / "out", "--display-name", "lambda")
    assert result.exit_code == 1
    assert "lambda is what lambda is called; give --display-name another" in result.stderr


def test_a_dry_run_writes_nothing_and_json_says_it_all(tmp_path: Path) -> None:
    result = publish("add", "nimbus", VMS, "--output", tmp_path / "out", "--dry-run", "--json")
    document = json.loads(result.stdout)
    assert (document["exit_code"], document["output"], document["entry"]["rows"]) == (0, None, 8)
    assert result.stderr == ""
    assert not (tmp_path / "out").exists()
    bad = publish("add", "common", VMS, "--output", tmp_path / "out", "--json")
    assert json.loads(bad.stdout) == {"exit_code": 1, "error": "'common' has another meaning here"}


def test_validate_says_the_line_that_makes_an_accelerator_known(tmp_path: Path) -> None:
    rows = VMS.read_text().splitlines()
    rows = [rows[0] + ",GpuInfo", "a-1,r-1,16,120,H1000,2,4,,96GB"]
    (tmp_path / "vms.csv").write_text("\n".join(rows) + "\n")
    added = publish("add", "nimbus", tmp_path / "vms.csv", "--output", tmp_path / "out")
    checked = publish("validate", tmp_path / "out")
    assert checked.exit_code == 0
    said = (
        "H1000 is not in the accelerator table: its price is only held against 0.02 to 50 USD per GPU-hour. "
        "Is it H100? If not, add to accelerators.csv: H1000,VENDOR,96,0.5,8.0,"
    )
    assert f"warning: {said}" in added.stderr
    assert f"note: {said}" in checked.stdout
    reports = json.loads(publish("validate", tmp_path / "out", "--json").stdout)
    assert [len(report["notes"]) for report in reports] == [1, 1]
