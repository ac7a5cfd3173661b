"""Targets: what is published, as readers and publishers read it back."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from gpu_catalog import BadCatalogFile, parse_manifest
from gpu_catalog.history import history_jsonl, parse_history, replayed
from gpu_catalog.offers import parse_offers
from gpu_catalog.pointer import Pointer, parse_pointer
from gpu_catalog.price_series import series
from gpu_catalog.reading import decoded, parse_vms_csv
from schemas import read_hand_written, validate_catalog, validate_images, vms_csv
from schemas.images import IMAGE_COLUMNS
from schemas.writers import row_order
from tests.contract.new_cloud import EXAMPLE
from tests.fuzz.mutation import damaged, damaged_csv, damaged_json, damaged_lines
from tests.fuzz.promises import assert_explained, assert_meaningful
from tests.fuzz.publishing import assert_the_same_in_every_form, assert_valid_rows
from tests.fuzz.target import Target
from tests.gpu_catalog.hostile import has_documented_kinds, outcome
from tests.gpu_catalog.price_changes import change
from tests.samples import CATALOGS


def head(name: str, *lines: int) -> bytes:
    """These lines of a file of the samples."""
    content = (CATALOGS / name).read_bytes().splitlines(keepends=True)
    return b"".join(content[line] for line in lines)


V8_ZONES = head("v8/runpod/vms.csv", 0, 1, 2, 3, 4000, -1)
V8_PLAIN = head("v8/lambda/vms.csv", 0, 1, 2, 30, -1)
V8_YOTTA = head("v8/yotta/vms.csv", 0, 1, 2, -1)
V7_ZONES = head("v7/runpod/vms.csv", 0, 1, 5000)
OFFERS = (
    head("v8/runpod/offers.jsonl", 0) + head("v8/yotta/offers.jsonl", 0, -1) + head("v8/lambda/offers.jsonl", 0)
)


BY_HAND = (EXAMPLE / "vms.csv").read_bytes()


def text_of(content: bytes) -> str:
    """As every reader of a file begins."""
    return decoded(content, "file")


def check_vms_csv(content: bytes) -> None:
    """Rows that mean something, or one refusal for the whole file."""
    rows = outcome(lambda: parse_vms_csv(text_of(content), "runpod"), refusal=BadCatalogFile)
    for row in rows or ():
        assert_meaningful(row)


def check_validation(cloud: str, version: str, content: bytes) -> None:
    """Findings for people; where there are none, every row can be read, written and read again."""
    report = validate_catalog(content, cloud, version)
    assert all("\n" not in line for line in map(str, report.findings))
    json.dumps(report.to_dict())
    if report.ok:
        rows = parse_vms_csv(text_of(content), cloud)
        assert len(rows) == report.rows
        assert_valid_rows(rows)
        assert_the_same_in_every_form(rows)
        assert parse_vms_csv(vms_csv(rows, version).decode(), cloud) == sorted(rows, key=row_order)


def check_hand_written(content: bytes) -> None:
    """Findings for people; where there are none, a catalog of every version without any."""
    hand = read_hand_written(content, "somecloud", "a list", "2026-11-20T00:00:00Z")
    assert all("\n" not in line for line in map(str, hand.report.findings))
    json.dumps(hand.report.to_dict())
    for skip in hand.skipped:
        assert_explained(skip)
    if hand.report.ok:
        assert_valid_rows(hand.offerings)
        for version, text in hand.files.items():
            assert validate_catalog(text, "somecloud", version).ok


def check_images(content: bytes) -> None:
    """Findings for people, whatever it is."""
    report = validate_images(content, "somecloud")
    assert all("\n" not in line for line in map(str, report.findings))
    json.dumps(report.to_dict())
    assert not report.ok or report.rows


def check_offers(content: bytes) -> None:
    """Offers that mean something and can be written again, or one refusal for the whole file."""
    offers = outcome(lambda: parse_offers(text_of(content)), refusal=BadCatalogFile)
    for offer in offers or ():
        for offering in offer.offerings():
            assert_meaningful(offering)


def check_history(content: bytes) -> None:
    """Changes that give the same file again and whose prices can be shown, or one refusal."""
    changes = outcome(lambda: parse_history(text_of(content)), refusal=BadCatalogFile)
    if changes:
        assert all(map(has_documented_kinds, changes))
        again = parse_history(history_jsonl(changes).decode())
        assert list(dict.fromkeys(again)) == list(dict.fromkeys(changes))  # What is said twice is written once.
        assert replayed(again) == replayed(changes)
        assert all(price > 0 for prices in replayed(changes).values() for price in prices.values())
        assert sum(len(one.changes) * len(one.regions) for one in series(changes)) == len(changes)


def check_manifest(content: bytes) -> None:
    """A manifest that gives the same again, none of whose names leaves the folder, or one refusal."""
    manifest = outcome(parse_manifest, content, refusal=BadCatalogFile)
    if manifest is not None:
        assert has_documented_kinds(manifest)
        assert parse_manifest(manifest.to_json()) == manifest
        inside = Path("/folder")
        for name in (*manifest.files, *manifest.parquet, *manifest.clouds, manifest.id):
            assert inside in Path(f"/folder/{name}").resolve().parents


def check_pointer(content: bytes) -> None:
    """A pointer that gives the same again, whose id is the name of a folder, or one refusal."""
    pointer = outcome(parse_pointer, content, refusal=BadCatalogFile)
    if pointer is not None:
        assert has_documented_kinds(pointer)
        assert parse_pointer(pointer.to_json()) == pointer
        assert Path(f"/folder/{pointer.id}").resolve().parent == Path("/folder")


HISTORY = history_jsonl(
    [change(1, "1.5", "r1"), change(1, "1.5", "r2"), change(2, None, "r1"), change(3, "0.65", "r1", kind="spot"),
     change(3, "0.04", "r1", instance_type="cpu_4x", accelerator=None, accelerator_count=None)]
)  # fmt: skip
POINTER = json.loads(
    Pointer(
        id="20261122T000000Z-0123456789ab", sha256="0" * 64, checked_at="2026-11-22T00:00:00Z",
        confirmed={"lambda": "2026-11-22T00:00:00Z"}, held_back={"yotta": "2026-11-22T00:00:00Z 0a1b"},
    ).to_json()
)  # fmt: skip
MANIFEST = json.loads((CATALOGS / "manifest.json").read_text(encoding="utf-8"))
IMAGES = (
    f"{','.join(IMAGE_COLUMNS)}\nskypilot:gpu-ubuntu-2204,us-east-1,ubuntu,22.04,ami-0b43efcb5366f38d0,20250910\n"
    "skypilot:gpu-ubuntu-2204,us-west-1,ubuntu,22.04,ami-0b43efcb5366f38d1,20250911\n"
).encode()

TARGETS = (
    Target("vms.csv", damaged_csv(V8_ZONES) | damaged((V8_PLAIN, V7_ZONES)), check_vms_csv),
    Target("vms.csv by hand", damaged_csv(BY_HAND), check_hand_written, 10),
    Target("valid vms.csv with zones", damaged_csv(V8_ZONES), partial(check_validation, "runpod", "v8"), 6),
    Target("valid vms.csv", damaged_csv(V8_PLAIN), partial(check_validation, "lambda", "v8"), 6),
    Target("valid vms.csv of v7", damaged_csv(V7_ZONES), partial(check_validation, "runpod", "v7"), 6),
    Target("images.csv", damaged_csv(IMAGES), check_images, 6),
    Target("offers.jsonl", damaged_lines(OFFERS), check_offers),
    Target("history.jsonl", damaged_lines(HISTORY), check_history),
    Target("manifest.json", damaged_json(MANIFEST), check_manifest),
    Target("latest.json", damaged_json(POINTER), check_pointer),
)
