"""The manifest: lossless, strict, and no way out of its folder."""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadCatalogFile, Manifest, Skipped, parse_manifest, read_manifest
from gpu_catalog.manifest import MANIFEST_FORMAT, MAX_MANIFEST_BYTES, CloudEntry, FileEntry, publication_id
from tests.gpu_catalog.hostile import has_documented_kinds, texts, within

counts = st.integers(0, 10**9)
optional_texts = st.none() | texts
tuples = st.lists(texts, max_size=2).map(tuple)
skips = st.builds(
    Skipped,
    cloud=texts,
    listing=texts,
    rule=texts,
    reason=texts,
    broken=st.booleans(),
    accelerator=optional_texts,
    rows=counts,
)
cloud_entries = st.builds(
    CloudEntry,
    state=st.sampled_from(["fresh", "kept", "failed"]),
    reason=optional_texts,
    kind=st.sampled_from([None, "live", "sample"]),
    observed_at=optional_texts,
    fetcher_version=optional_texts,
    rows=counts,
    instance_types=counts,
    accelerators=counts,
    sources=tuples,
    warnings=tuples,
    skipped=st.lists(skips, max_size=2).map(tuple),
    display_name=st.sampled_from([None, "FluffyCloud", "A b.c_d-9"]),
)
file_maps = st.dictionaries(
    st.sampled_from(["v9/manifest", "v8/yotta/vms.csv", "v7/lambda/offers.jsonl", "a-b_c.d/E.0"]),
    st.builds(FileEntry.of, st.binary(max_size=8), counts),
    max_size=2,
)
manifests = st.builds(
    Manifest,
    id=st.sampled_from(["20261122T023000Z-0123456789ab", "-0123456789ab"]),
    kind=st.sampled_from(["live", "sample"]),
    observed_at=texts,
    schemas=st.sampled_from([(), ("v8",), ("v7", "v8")]),
    clouds=st.dictionaries(st.sampled_from(["yotta", "lambda", "x-1_y"]), cloud_entries, max_size=2),
    files=file_maps,
    parquet=file_maps,
    previous=st.sampled_from([None, "20261121T023000Z-0123456789ab"]),
    format=st.just(MANIFEST_FORMAT),
)

MANIFEST = Manifest(
    id="20261122T000000Z-0123456789ab",
    kind="sample",
    observed_at="2026-11-22T00:00:00Z",
    schemas=("v7", "v8"),
    clouds={
        "yotta": CloudEntry(
            state="fresh",
            kind="sample",
            observed_at="2026-11-22T00:00:00Z",
            fetcher_version="0.1.0",
            rows=2,
            instance_types=1,
            display_name="Yotta",
            accelerators=1,
            sources=("rate card",),
            warnings=("stale",),
            skipped=(Skipped(cloud="yotta", listing="X", rule="no-price", reason="no price", broken=False),),
        ),
        "lambda": CloudEntry(state="failed", reason="no key"),
    },
    files={"v8/yotta/vms.csv": FileEntry.of(b"a\nb\nc\n", 2)},
    parquet={"v8/yotta/vms.parquet": FileEntry.of(b"PAR1", 2)},
    previous="20261121T000000Z-0123456789ab",
)
DATA: dict[str, Any] = json.loads(MANIFEST.to_json())


def changed(*path: str | int, to: object) -> bytes:
    """The manifest with the value at `path` replaced."""
    data = json.loads(MANIFEST.to_json())
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(data).encode()


@given(manifests)
def test_every_manifest_reads_back_exactly_and_in_the_same_bytes(manifest: Manifest) -> None:
    content = manifest.to_json()

    assert parse_manifest(content) == manifest
    assert parse_manifest(content).to_json() == content
    assert has_documented_kinds(manifest)


def test_the_round_trip_covers_every_field() -> None:
    read = parse_manifest(MANIFEST.to_json())
    assert read == MANIFEST
    (skip,) = MANIFEST.clouds["yotta"].skipped
    for entry, data in (
        (MANIFEST, DATA),
        (MANIFEST.clouds["yotta"], DATA["clouds"]["yotta"]),
        (skip, DATA["clouds"]["yotta"]["skipped"][0]),
        (MANIFEST.files["v8/yotta/vms.csv"], DATA["files"]["v8/yotta/vms.csv"]),
    ):
        assert {field.name for field in fields(entry)} == set(data)


def test_the_bytes_do_not_depend_on_the_order_of_entries() -> None:
    turned = Manifest(
        id=MANIFEST.id,
        kind=MANIFEST.kind,
        observed_at=MANIFEST.observed_at,
        schemas=MANIFEST.schemas,
        clouds=dict(reversed(list(MANIFEST.clouds.items()))),
        files=MANIFEST.files,
        parquet=MANIFEST.parquet,
        previous=MANIFEST.previous,
    )
    assert turned.to_json() == MANIFEST.to_json()
    assert MANIFEST.to_json().endswith(b"}\n")
    assert b"\r" not in MANIFEST.to_json()


def test_half_a_surrogate_pair_from_an_api_is_written_not_raised() -> None:
    skip = Skipped(cloud="yotta", listing="\ud800", rule="no-name", reason="\udfff \u00e4", broken=True)
    manifest = Manifest(
        id="x",
        kind="live",
        observed_at="",
        schemas=(),
        clouds={"yotta": CloudEntry(state="fresh", skipped=(skip,))},
        files={},
    )
    assert parse_manifest(manifest.to_json()) == manifest


def test_keys_of_a_later_version_are_passed_over() -> None:
    data = json.loads(MANIFEST.to_json())
    for place in (
        data,
        data["clouds"]["yotta"],
        data["clouds"]["yotta"]["skipped"][0],
        data["files"]["v8/yotta/vms.csv"],
    ):
        place["later"] = [1]

    assert parse_manifest(json.dumps(data).encode()) == MANIFEST


def test_a_newer_format_asks_for_an_upgrade() -> None:
    with pytest.raises(BadCatalogFile, match=rf"format {MANIFEST_FORMAT + 1} .* upgrade"):
        parse_manifest(changed("format", to=MANIFEST_FORMAT + 1))


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "..", "../x", "v8/../../x", "v8/..", "v8//x", "v8/", "./x", ".lock", "v8/.tmp-x",
        "~/x", "C:\\x", "v8\\x", "x\n", "x\0", " x", "x y", "\u00e4", "v8/\u2024\u2024/x", "-rf", "%2e%2e/x",
    ],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("section", ["files", "parquet"])
def test_a_path_cannot_leave_the_folder(section: str, path: str) -> None:
    with pytest.raises(BadCatalogFile, match="path"):
        parse_manifest(changed(section, to={path: DATA["files"]["v8/yotta/vms.csv"]}))


@pytest.mark.parametrize("name", ["", "..", "a/b", "Yotta", "a\n", "\u00e4", "-a", "a b", "a.b"], ids=ascii)
def test_a_cloud_name_is_a_plain_folder_name(name: str) -> None:
    with pytest.raises(BadCatalogFile, match="cloud name"):
        parse_manifest(changed("clouds", to={name: DATA["clouds"]["yotta"]}))


@pytest.mark.parametrize(
    "publication", ["", ".", "..", "../x", "a/b", "a\\b", "a\n", "a b", "\u00e4", ".tmp-x"], ids=ascii
)
def test_an_id_is_a_plain_folder_name(publication: str) -> None:
    with pytest.raises(BadCatalogFile, match="id"):
        parse_manifest(changed("id", to=publication))


FILE = ("files", "v8/yotta/vms.csv")
SKIP = ("clouds", "yotta", "skipped", 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), None), (("format",), "1"), (("format",), True), (("format",), 0), (("format",), -1),
        (("format",), 1.0), (("id",), 1), (("kind",), None), (("kind",), "recorded"), (("kind",), ["live"]),
        (("kind",), {}), (("observed_at",), None), (("schemas",), "v8"), (("schemas",), None), (("schemas",), [8]),
        (("schemas",), ["../v8"]), (("schemas",), {"v8": 1}), (("clouds",), []), (("clouds",), None),
        (("clouds", "yotta"), None), (("clouds", "yotta"), []), (("clouds", "yotta"), "fresh"),
        (("clouds", "yotta", "state"), "new"), (("clouds", "yotta", "state"), None),
        (("clouds", "yotta", "state"), []), (("clouds", "yotta", "kind"), "recorded"),
        (("clouds", "yotta", "kind"), True), (("clouds", "yotta", "reason"), 1),
        (("clouds", "yotta", "observed_at"), 2026), (("clouds", "yotta", "fetcher_version"), [1]),
        (("clouds", "yotta", "rows"), "2"), (("clouds", "yotta", "rows"), -1), (("clouds", "yotta", "rows"), 1.5),
        (("clouds", "yotta", "rows"), None), (("clouds", "yotta", "rows"), True),
        (("clouds", "yotta", "instance_types"), float("inf")), (("clouds", "yotta", "accelerators"), []),
        (("clouds", "yotta", "sources"), "x"), (("clouds", "yotta", "sources"), [1]),
        (("clouds", "yotta", "warnings"), None), (("clouds", "yotta", "warnings"), {"a": 1}),
        (("clouds", "yotta", "skipped"), {}), (("clouds", "yotta", "skipped"), None),
        (("clouds", "yotta", "skipped"), ["x"]), (SKIP, None), ((*SKIP, "broken"), "no"), ((*SKIP, "broken"), 0),
        ((*SKIP, "rows"), "1"), ((*SKIP, "rows"), -1), ((*SKIP, "reason"), None), ((*SKIP, "cloud"), 1),
        ((*SKIP, "listing"), []), ((*SKIP, "rule"), 1), ((*SKIP, "accelerator"), 1), (("files",), []),
        (("files",), None), (("parquet",), "x"), (FILE, None), (FILE, []), ((*FILE, "sha256"), None),
        ((*FILE, "sha256"), "0" * 63), ((*FILE, "sha256"), "0" * 64 + "\n"), ((*FILE, "sha256"), "A" * 64),
        ((*FILE, "sha256"), "\u0660" * 64), ((*FILE, "size_bytes"), "6"), ((*FILE, "size_bytes"), -1),
        ((*FILE, "size_bytes"), 6.0), ((*FILE, "size_bytes"), True), ((*FILE, "rows"), float("inf")),
        ((*FILE, "rows"), float("nan")), ((*FILE, "rows"), None), ((*FILE, "rows"), 1e308),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(BadCatalogFile, match=r"^some/manifest\.json: "):
        parse_manifest(changed(*path, to=value), "some/manifest.json")


@pytest.mark.parametrize("section", [(), ("clouds", "yotta"), SKIP, FILE], ids=str)
def test_a_missing_key_is_refused(section: tuple[str | int, ...]) -> None:
    place: Any = DATA
    for step in section:
        place = place[step]
    for key in place.keys() - {"previous", "display_name"}:
        rest = {name: value for name, value in place.items() if name != key}
        content = changed(*section, to=rest) if section else json.dumps(rest).encode()
        with pytest.raises(BadCatalogFile, match=key):
            parse_manifest(content)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0", b"\xff\xfe", b"null", b"[]", b"1", b"{", b"{}", b"\xef\xbb\xbf" + MANIFEST.to_json(),
        MANIFEST.to_json()[:-3], MANIFEST.to_json() + b"{}", MANIFEST.to_json().decode().encode("utf-16"),
        b"<html></html>", b'{"format": NaN}', b'{"format": 1e999999999999999999999}',
        b'{"format": ' + b"9" * 5000 + b"}", b'{"format": \xd9\xa1}', b"[" * 1_000_000, b'{"a":' * 1_000_000,
        b'{"format": ' + b"[" * 1_000_000, b"9" * 1_000_000,
    ],
    ids=lambda content: ascii(content[:16]),
)  # fmt: skip
def test_damaged_bytes_are_refused_at_once(content: bytes) -> None:
    with within(3), pytest.raises(BadCatalogFile, match=r"manifest\.json"):
        parse_manifest(content)


def test_a_folder_is_read_through_its_manifest(tmp_path: Path) -> None:
    with pytest.raises(BadCatalogFile, match="not there"):
        read_manifest(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_bytes(MANIFEST.to_json())
    assert read_manifest(tmp_path) == MANIFEST
    path.write_bytes(MANIFEST.to_json()[:100])
    with pytest.raises(BadCatalogFile, match=str(tmp_path)):
        read_manifest(tmp_path)
    with path.open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    with pytest.raises(BadCatalogFile, match="larger"):
        read_manifest(tmp_path)


def test_the_id_follows_the_csv_files_and_nothing_else() -> None:
    digests = {"v8/yotta/vms.csv": "a" * 64, "v8/lambda/vms.csv": "b" * 64}
    first = publication_id("2026-11-22T02:30:00Z", digests)

    assert first.startswith("20261122T023000Z-")
    assert publication_id("2026-11-22T02:30:00Z", dict(reversed(digests.items()))) == first
    swapped = {"v8/yotta/vms.csv": "b" * 64, "v8/lambda/vms.csv": "a" * 64}
    assert (
        len(
            {
                first,
                publication_id("2026-11-22T02:30:00Z", swapped),
                publication_id("2026-11-23T02:30:00Z", digests),
            }
        )
        == 3
    )
    assert parse_manifest(changed("id", to=first)).id == first


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\nb", "x" * 41, "\u202efluffy", 7])
def test_a_display_name_that_nobody_can_print_is_refused(name: object) -> None:
    data = copy.deepcopy(DATA)
    data["clouds"]["yotta"]["display_name"] = name
    with pytest.raises(BadCatalogFile, match="display"):
        parse_manifest(json.dumps(data).encode())


def test_a_cloud_without_a_display_name_has_no_such_key() -> None:
    assert "display_name" not in DATA["clouds"]["lambda"]
    assert parse_manifest(MANIFEST.to_json()).clouds["lambda"].display_name is None
