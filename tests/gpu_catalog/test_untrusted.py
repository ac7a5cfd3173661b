"""A folder of catalogs whose hashes agree, made by somebody who wishes its reader ill."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import pytest

from gpu_catalog import (
    BadCatalogFile,
    Catalog,
    GpuCatalogError,
    csv_text,
    estimate_cost,
    history,
    offers,
    reading,
)
from gpu_catalog.errors import CannotInstall
from gpu_catalog.install import install
from gpu_catalog.manifest import LONGEST_PATH, MAX_MANIFEST_BYTES, parse_manifest, read_manifest
from gpu_catalog.pointer import MAX_POINTER_BYTES, parse_pointer
from gpu_catalog.reading import parse_vms_csv
from gpu_catalog.skypilot_csv import SkyPilotRows
from gpu_catalog.task_file import parse_tasks
from tests.gpu_catalog.hostile import within
from tests.gpu_catalog.test_catalog import publications
from tests.gpu_catalog.trees import AWS, tree
from tests.samples import CATALOGS

TERABYTE = 1 << 40
Damage = Callable[[Path], object]


@pytest.fixture(autouse=True)
def _alarm() -> Iterator[None]:
    """A reader that waits for ever fails."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    former = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CATALOGS, tmp_path / "catalogs", ignore=shutil.ignore_patterns("*.parquet"))


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Give a file other content, and the manifest its hash."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    document = json.loads((folder / "manifest.json").read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    document["files"][name] = {"sha256": digest, "size_bytes": len(content), "rows": 1}
    (folder / "manifest.json").write_text(json.dumps(document))


# What is no file, or too large -----------------------------------------------------------------------


def huge(path: Path) -> None:
    """More than any memory; sparse, so that it costs nothing."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(TERABYTE)


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def as_listed(folder: Path, name: str, damage: Damage) -> None:
    """Damage a file, and let the manifest say that its size is right."""
    damage(folder / name)
    document = json.loads((folder / "manifest.json").read_bytes())
    document["files"][name]["size_bytes"] = (folder / name).stat().st_size
    (folder / "manifest.json").write_text(json.dumps(document))


DAMAGES = [huge, pipe, device]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["latest.json", "publications/{id}/manifest.json"])
def test_a_pointer_or_manifest_that_cannot_be_held_is_refused(name: str, damage: Damage, folder: Path) -> None:
    root = publications(folder)
    damage(root / name.format(id=read_manifest(folder).id))
    with pytest.raises(GpuCatalogError):
        Catalog.load(root)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_manifest_without_a_pointer_that_cannot_be_held_is_refused(damage: Damage, folder: Path) -> None:
    damage(folder / "manifest.json")
    with pytest.raises(GpuCatalogError, match=r"manifest\.json"):
        read_manifest(folder)


@pytest.mark.parametrize("damage", DAMAGES)
def test_offers_that_cannot_be_held_are_refused(damage: Damage, folder: Path) -> None:
    as_listed(folder, "v8/lambda/offers.jsonl", damage)
    with pytest.raises(BadCatalogFile, match=r"offers\.jsonl: (larger than|not a regular file)"):
        Catalog.load(folder)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bare_catalog_that_cannot_be_held_is_refused(damage: Damage, tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"aws": AWS})
    damage(root / "aws" / "vms.csv")
    with pytest.raises(BadCatalogFile, match=r"vms\.csv: (larger than|not a regular file)"):
        Catalog.load(root)
    assert not estimate_cost("A10G:1", catalog_dir=root).found


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_stands_beside_a_bare_catalog_is_not_waited_for(damage: Damage, tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"aws": AWS})
    damage(root / "aws" / "source.json")
    assert estimate_cost("A10G:1", catalog_dir=root).found


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_catalog_that_cannot_be_held_is_not_installed(damage: Damage, folder: Path, tmp_path: Path) -> None:
    as_listed(folder, "v8/yotta/vms.csv", damage)
    with pytest.raises(GpuCatalogError, match=r"vms\.csv: (larger than|not a regular file)"):
        install(folder, ["yotta"], tmp_path / "home", allow_sample=True)
    assert not (tmp_path / "home").exists()


def test_no_more_than_a_manifest_or_pointer_may_be_is_parsed() -> None:
    with pytest.raises(BadCatalogFile, match="larger than"):
        parse_manifest(b" " * (MAX_MANIFEST_BYTES + 1))
    with pytest.raises(BadCatalogFile, match="larger than"):
        parse_pointer(b" " * (MAX_POINTER_BYTES + 1))


# More than a catalog has -----------------------------------------------------------------------------

HEADER = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,SpotPrice,Price"
ROW = "a,,,1,1,,r,,1"


@pytest.mark.parametrize("parse", [parse_vms_csv, SkyPilotRows])
def test_a_hundred_thousand_columns_are_refused_at_once(parse: Callable[[str, str], object]) -> None:
    columns = ",".join(map(str, range(100_000)))
    with within(5), pytest.raises(BadCatalogFile, match="more than 100 columns"):
        parse(f"{HEADER},{columns}\n", "aws")


@pytest.mark.parametrize("parse", [parse_vms_csv, SkyPilotRows])
def test_rows_are_limited(parse: Callable[[str, str], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    monkeypatch.setattr(csv_text, "MAX_ROWS", 3)
    parse(f"{HEADER}\n" + f"{ROW}\n" * 3, "aws")
    with pytest.raises(BadCatalogFile, match="more than 3 rows"):
        parse(f"{HEADER}\n" + f"{ROW}\n" * 4, "aws")


def test_lines_and_changes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MAX_LINES", 3)
    with pytest.raises(BadCatalogFile, match="more than 3 lines"):
        offers.parse_offers("{}\n" * 4)
    monkeypatch.setattr(history, "MAX_CHANGES", 3)
    line = json.dumps({
        "cloud": "lambda", "instance_type": "a", "kind": "spot", "price_usd_per_hour": 1, "publication": "p",
        "valid_from": "2026-11-22T02:30:00Z", "accelerator": None, "accelerator_count": None,
        "regions": ["a", "b", "c", "d"],
    })  # fmt: skip
    with pytest.raises(BadCatalogFile, match="more than 3 changes"):
        history.parse_history(f"{line}\n")


@pytest.mark.parametrize("key", ["instance_type", "accelerator_name", "region", "zone", "cloud"])
def test_a_name_of_a_page_is_refused(key: str, folder: Path) -> None:
    line = json.loads((folder / "v8/runpod/offers.jsonl").read_text().splitlines()[0])
    if key in {"region", "zone"}:
        line["regions"] = {"r" * (201 if key == "region" else 1): ["z" * (201 if key == "zone" else 1)]}
    else:
        line[key] = "n" * 201
    with pytest.raises(BadCatalogFile, match="longer than 200 characters"):
        offers.parse_offers(json.dumps(line) + "\n")


@pytest.mark.parametrize(
    "text", ["9" * 5000, "1e999999999", "-1e999999999", "1e-999999999", "1" + "0" * 4000, "NaN"]
)
@pytest.mark.parametrize("key", ["price_usd_per_hour", "vcpus", "gpu_memory_mib", "accelerator_count"])
def test_a_number_without_end_is_refused_in_one_short_line(key: str, text: str, folder: Path) -> None:
    line = json.loads((folder / "v8/runpod/offers.jsonl").read_text().splitlines()[0])
    line[key] = "HERE"
    with within(5), pytest.raises(BadCatalogFile) as caught:
        offers.parse_offers(json.dumps(line).replace('"HERE"', text) + "\n")
    assert len(str(caught.value)) < 300


# Names that lead elsewhere ---------------------------------------------------------------------------

ELSEWHERE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "C:\\x",
    "a\0b",
    "a\nb",
    "~",
    "-/..",
    "x" * 101,
    "\u2025",
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_id_cannot_lead_out_of_the_folder_or_be_too_long_for_one(name: str) -> None:
    pointer = {"id": name, "sha256": "0" * 64, "checked_at": "2026-11-22T02:30:00Z"}
    with pytest.raises(BadCatalogFile, match="is no publication id"):
        parse_pointer(json.dumps(pointer).encode())
    document = json.loads((CATALOGS / "manifest.json").read_bytes())
    with pytest.raises(BadCatalogFile, match="is not of the form"):
        parse_manifest(json.dumps({**document, "id": name}).encode())


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["v8/a", "v8/a/b"], "is a file and the folder of another"),
        (["v8/lambda", "v8/lambda/vms.csv"], "is a file and the folder of another"),
        (["v8/" + "x" * LONGEST_PATH], "longer than"),
    ],
)
def test_files_that_no_folder_can_hold_are_refused(paths: list[str], said: str) -> None:
    document = json.loads((CATALOGS / "manifest.json").read_bytes())
    document["files"] = {path: {"sha256": "0" * 64, "size_bytes": 1, "rows": 1} for path in paths}
    with pytest.raises(BadCatalogFile, match=said):
        parse_manifest(json.dumps(document).encode())


def test_a_pointer_that_names_one_publication_and_holds_another_is_refused(folder: Path) -> None:
    """Else what is asked and what is installed could be two different ones."""
    document = json.loads((folder / "manifest.json").read_bytes())
    root = publications(folder)
    place = root / "publications" / document["id"] / "manifest.json"
    place.write_text(json.dumps({**document, "id": "another"}))
    pointer = json.loads((root / "latest.json").read_bytes())
    pointer["sha256"] = hashlib.sha256(place.read_bytes()).hexdigest()
    (root / "latest.json").write_text(json.dumps(pointer))
    with pytest.raises(BadCatalogFile, match="the manifest of another"):
        Catalog.load(root)


# What would be run, or would break what runs ---------------------------------------------------------

CELLS = [
    "[" * 5000 + "]" * 5000, "-" * 100_000 + "1", "__import__('os').system('id')", "['a' + 'b']", "{'AWS'}",
    "'AWS'", "['AWS', 1]", "['A\\x57S']", "", "[", "['a',]" + " " * 50_000 + "x", "('AWS',)", "[b'AWS']",
    "[f'{1}']",
]  # fmt: skip


@pytest.mark.parametrize("cell", CELLS, ids=range(len(CELLS)))
def test_a_list_of_clouds_is_read_by_its_form(cell: str, folder: Path, tmp_path: Path) -> None:
    content = f'AcceleratorName,Clouds\nA100,"{cell}"\n'.encode()
    rewrite(folder, "v8/common/accelerators.csv", content)
    with within(5), pytest.raises(CannotInstall, match=r"accelerators\.csv: not a list of accelerators") as caught:
        install(folder, ["yotta"], tmp_path / "home", allow_sample=True)
    assert len(str(caught.value)) < 500
    assert not (tmp_path / "home").exists()


FILES = [b"", b"AcceleratorName\nA100\n", b"\xff\xfe", b"AcceleratorName,Clouds\nA100\n", b"\0", b'"']


@pytest.mark.parametrize("content", FILES, ids=range(len(FILES)))
def test_what_is_no_list_of_accelerators_is_refused_or_empty(content: bytes, folder: Path, tmp_path: Path) -> None:
    rewrite(folder, "v8/common/accelerators.csv", content)
    with suppress(GpuCatalogError):
        install(folder, ["yotta"], tmp_path / "home", allow_sample=True)


@pytest.mark.parametrize("schema", ["v7", "v8"])
@pytest.mark.parametrize("cell", ["{" * 3000, "__import__('os')", "None", "{'Gpus': []}"])
def test_a_cell_that_skypilot_would_die_of_is_not_installed(
    cell: str, schema: str, folder: Path, tmp_path: Path
) -> None:
    name = f"{schema}/yotta/vms.csv"
    header, row, *_ = (folder / name).read_text().splitlines()
    before, _, rest = row.partition('"')
    rewrite(folder, name, f'{header}\n{before}"{cell}"{rest.rpartition(chr(34))[2]}\n'.encode())
    with pytest.raises(BadCatalogFile, match="line 2: GpuInfo"):
        install(folder, ["yotta"], tmp_path / "home", allow_sample=True)
    assert not (tmp_path / "home").exists()


def test_merges_of_merges_in_a_task_double_nothing() -> None:
    """PyYAML before 6.0.4 would make 2^40 keys of it."""
    doubled = "\n".join(f"a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))
    with within(5):
        [task] = parse_tasks(f"a0: &a0 {{accelerators: A100}}\n{doubled}\nresources: {{<<: *a39}}\n")
    assert [choice.label for choice in task.choices] == ["A100"]
