"""Corruptions of what lies in a folder or store, every hash made anew: what reads it must notice by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpu_catalog.manifest import publication_id
from tests.trust.corruption import Corruption, publication, pushed, read, repoint, synced

Change = Callable[[Path], object]
Document = dict[str, Any]

OFFERS, CSV, OLD_CSV = "v8/lambda/offers.jsonl", "v8/lambda/vms.csv", "v7/lambda/vms.csv"


def hashed_anew(folder: Path) -> Document:
    """The manifest of a folder with the sizes and hashes of the files as they are now, and the id to match."""
    manifest: Document = json.loads((folder / "manifest.json").read_bytes())
    for name, entry in manifest["files"].items():
        content = (folder / name).read_bytes()
        entry.update(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    csvs = {name: entry["sha256"] for name, entry in manifest["files"].items() if name.endswith("/vms.csv")}
    manifest["id"] = publication_id(manifest["observed_at"], csvs)
    return manifest


def in_fetched(name: str, edit: Callable[[str], str]) -> Change:
    """Another text of a file of a fetched folder."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert edit(text) != text, "nothing was changed"
        (folder / name).write_text(edit(text))
        (folder / "manifest.json").write_text(json.dumps(hashed_anew(folder)))

    return change


def in_fetched_manifest(edit: Callable[[Document], object]) -> Change:
    """Another manifest of a fetched folder."""

    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        edit(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return change


def in_store(name: str, edit: Callable[[bytes], bytes]) -> Change:
    """Another content of a file of the publication that a store points to; its id stays."""

    def change(store: Path) -> None:
        folder = publication(store)
        content = (folder / name).read_bytes()
        assert edit(content) != content, "nothing was changed"
        (folder / name).write_bytes(edit(content))
        manifest = hashed_anew(folder) | {"id": folder.name}
        repoint(store, json.dumps(manifest).encode())

    return change


def in_manifest(edit: Callable[[Document], object]) -> Change:
    """Another manifest of the publication that a store points to."""

    def change(store: Path) -> None:
        manifest = json.loads((publication(store) / "manifest.json").read_bytes())
        edit(manifest)
        repoint(store, json.dumps(manifest).encode())

    return change


def manifest_text(edit: Callable[[bytes], bytes]) -> Change:
    """Other bytes of that manifest."""
    return lambda store: repoint(store, edit((publication(store) / "manifest.json").read_bytes()))


def in_pointer(**fields: object) -> Change:
    """Another pointer."""

    def change(store: Path) -> None:
        pointer = json.loads((store / "latest.json").read_bytes())
        (store / "latest.json").write_text(json.dumps(pointer | fields))

    return change


def renamed_file(name: str) -> Callable[[Document], None]:
    """A file of the manifest under another name."""

    def edit(manifest: Document) -> None:
        manifest["files"][name] = manifest["files"].pop(CSV)

    return edit


def renamed_cloud(name: str) -> Callable[[Document], None]:
    """A cloud of the manifest under another name."""

    def edit(manifest: Document) -> None:
        manifest["clouds"][name] = manifest["clouds"].pop("lambda")

    return edit


def file_of_another_publication(store: Path) -> None:
    """One file is that of the first publication, under the second one's manifest."""
    second = publication(store)
    (first,) = (folder for folder in second.parent.iterdir() if folder != second)
    (second / OFFERS).write_bytes((first / OFFERS).read_bytes())


def pointer_to_the_first_with_the_hash_of_the_second(store: Path) -> None:
    second = publication(store)
    (first,) = (folder for folder in second.parent.iterdir() if folder != second)
    in_pointer(id=first.name)(store)


def first_under_the_name_of_the_second(store: Path) -> None:
    """A downgrade: readers believe that they have the newest."""
    second = publication(store)
    (first,) = (folder for folder in second.parent.iterdir() if folder != second)
    second.rename(store / "aside")
    first.rename(second)
    repoint(store, (second / "manifest.json").read_bytes())


def sized(name: str, size_bytes: int) -> Change:
    """A file grown to a size by blanks; sparse, so that it costs no disk."""

    def change(store: Path) -> None:
        with (publication(store) / name).open("r+b") as file:
            file.truncate(size_bytes)

    return change


def another_price(text: str) -> str:
    return text.replace(",1.29\n", ",1.28\n")


def first_field(key: str, value: object) -> Callable[[bytes], bytes]:
    """Another value at a key of the first line of `offers.jsonl`."""

    def edit(content: bytes) -> bytes:
        line, rest = content.split(b"\n", 1)
        return json.dumps(json.loads(line) | {key: value}).encode() + b"\n" + rest

    return edit


def as_sample(text: str) -> str:
    return text.replace('"source": "', '"source": "sample: ')


def sampled(folder: Path) -> None:
    """The offers of a sample, of both versions and in the manifest, under the word live."""
    for name in (OFFERS, OFFERS.replace("v8", "v7")):
        (folder / name).write_text(as_sample((folder / name).read_text()))
    manifest = hashed_anew(folder)
    entry = manifest["clouds"]["lambda"]
    entry["sources"] = [f"sample: {source}" for source in entry["sources"]]
    (folder / "manifest.json").write_text(json.dumps(manifest))


PUSHED = [
    ("a price changed in one schema version", in_fetched(OLD_CSV, another_price), f"{OLD_CSV} is not what"),
    ("offers that disagree with the catalog", in_fetched(OFFERS, lambda text: text.replace("1.29", "1.28")),
     f"{OLD_CSV.replace('vms.csv', 'offers.jsonl')} is not what"),
    ("a file of the other schema version", in_fetched(CSV, lambda text: text.replace(",x86_64\n", ",\n")),
     f"{CSV} is not what"),
    ("rows out of order", in_fetched(CSV, lambda text: "\n".join([*(lines := text.split("\n"))[:-3], lines[-2],
                                                                   lines[-3], ""])), f"{CSV} is not what"),
    ("offers of another cloud", in_fetched(OFFERS, lambda text: text.replace('"cloud": "lambda"',
     '"cloud": "aws"')),
     "offers of another cloud"),
    ("prices called newer than they are", in_fetched_manifest(
        lambda manifest: manifest["clouds"]["lambda"].update(observed_at="2026-12-02T04:00:00Z")), "observed_at"),
    ("a wrong number of rows in the manifest", in_fetched_manifest(
        lambda manifest: manifest["files"][CSV].update(rows=7)), "has not the 7 rows"),
    ("samples under the word live", sampled, "samples"),
    ("samples as they are", in_fetched_manifest(
        lambda manifest: manifest["clouds"]["lambda"].update(kind="sample")), "--allow-sample"),
    ("a file that the manifest does not list", lambda folder: (folder / "v8/lambda/images.csv").write_text("x\n"),
     "not in the manifest"),
    ("a file that is not there", lambda folder: (folder / CSV).unlink(), "cannot be read"),
    ("an id of other files", in_fetched_manifest(lambda manifest: manifest.update(id="x")), "but its files give"),
]  # fmt: skip

READ = [
    ("a manifest that is not there", lambda store: (publication(store) / "manifest.json").unlink(),
     "cannot be read"),
    ("a manifest of a later format", in_manifest(lambda manifest: manifest.update(format=2)), "newer than"),
    ("a manifest with a key twice", manifest_text(lambda text: b'{"id": "x", ' + text[1:]), "is there twice"),
    ("a manifest with NaN", manifest_text(lambda text: b'{"age": NaN, ' + text[1:]), "NaN is no number"),
    ("a manifest too deep", manifest_text(lambda text: b'{"x": ' + b"[" * 100_000 + text), ""),
    ("a manifest of 100 MB", manifest_text(lambda text: text + b" " * 100_000_000), "larger than"),
    ("a manifest in UTF-16", manifest_text(lambda text: text.decode().encode("utf-16")), "utf-8"),
    ("a manifest cut off", manifest_text(lambda text: text[:500]), ""),
    ("a manifest that is a list", manifest_text(lambda text: b"[]"), "not an object"),
    ("a wrong size in the manifest", in_manifest(lambda manifest: manifest["files"][CSV].update(size_bytes=1)),
     "the manifest says 1"),
    ("a negative size in the manifest",
     in_manifest(lambda manifest: manifest["files"][CSV].update(size_bytes=-1)),
     "size_bytes is not a count"),
    ("a wrong hash in the manifest",
     in_manifest(lambda manifest: manifest["files"][OFFERS].update(sha256="0" * 64)),
     "not the file of the manifest"),
    ("a listed file that is not there", in_manifest(lambda manifest: manifest["files"].update(
        {"v8/aws/vms.csv": manifest["files"][CSV]})), "listed in the manifest, but"),
    ("a file path that leads out", in_manifest(renamed_file("../vms.csv")), "path '../vms.csv'"),
    ("an absolute file path", in_manifest(renamed_file("/etc/passwd")), "path '/etc/passwd'"),
    ("a file path with a backslash", in_manifest(renamed_file("v8\\lambda\\vms.csv")), "is not of the form"),
    ("a file path on a drive", in_manifest(renamed_file("C:/vms.csv")), "path 'C:/vms.csv'"),
    ("a file path with NUL", in_manifest(renamed_file("v8/lambda/vms.csv\0.txt")), "is not of the form"),
    ("a file that would replace the pointer", in_manifest(renamed_file("latest.json")), "not that of a catalog"),
    ("a file in another publication", in_manifest(renamed_file("publications/x/vms.csv")), "not that of a catalog"),
    ("a cloud that leads out", in_manifest(renamed_cloud("../lambda")), "cloud name '../lambda'"),
    ("a cloud in upper case", in_manifest(renamed_cloud("Lambda")), "cloud name 'Lambda'"),
    ("a cloud called common", in_manifest(renamed_cloud("common")), "can be called common"),
    ("a pointer that leads out", in_pointer(id="../../etc"), "is no publication id"),
    ("a pointer to nothing", in_pointer(id="20260101T000000Z-000000000000"), "cannot be read"),
    ("a pointer with a wrong hash", in_pointer(sha256="0" * 64), "not the manifest that latest.json points to"),
    ("a pointer to an older publication", pointer_to_the_first_with_the_hash_of_the_second,
     "not the manifest that latest.json points to"),
    ("an older publication in the newest one's place", first_under_the_name_of_the_second, "the manifest of"),
    ("a pointer with a key twice", lambda store: (store / "latest.json").write_bytes(
        b'{"id": "x", ' + (store / "latest.json").read_bytes()[1:]), "is there twice"),
    ("a mixture of two publications", file_of_another_publication, "the manifest says"),
    ("offers grown beyond all use", sized(OFFERS, 300 * 1024 * 1024), "the manifest says"),
    ("offers of another cloud, read", in_store(OFFERS, first_field("cloud", "aws")), "offers of 'aws'"),
    ("offers with a price of zero", in_store(OFFERS, first_field("price_usd_per_hour", 0)), "not above zero"),
    ("offers with an infinite price", in_store(OFFERS, first_field("price_usd_per_hour", float("inf"))),
     "no number of JSON"),
    ("offers with a price in words", in_store(OFFERS, first_field("price_usd_per_hour", "$0.20")),
     "not a plain number"),
    ("offers without a region", in_store(OFFERS, first_field("regions", {})), "regions is empty"),
    ("offers with a key twice", in_store(OFFERS, lambda content: content.replace(
        b'{"cloud"', b'{"price_usd_per_hour": 9, "cloud"', 1)), "is there twice"),
    ("offers cut off", in_store(OFFERS, lambda content: content[:-10]), "cut off"),
    ("offers that begin with a byte order mark", in_store(OFFERS, lambda content: b"\xef\xbb\xbf" + content),
     "line 1"),
]  # fmt: skip

SYNCED = [
    ("a mixture of two publications, synced", file_of_another_publication, "not the file of the manifest"),
    ("a pointer with a wrong hash, synced", in_pointer(sha256="0" * 64), "is not the manifest"),
    ("an older publication in the newest one's place, synced", first_under_the_name_of_the_second,
     "is the manifest of"),
    ("a file path that leads out, synced", in_manifest(renamed_file("../../x")), "path '../../x'"),
    ("a manifest of 100 MB, synced", manifest_text(lambda text: text + b" " * 100_000_000), "larger than"),
]  # fmt: skip

CORRUPT_PUBLICATIONS = [
    Corruption(name, stage, change, error, saying)
    for stage, error, corruptions in (
        (pushed, "CannotPush", PUSHED),
        (read, "BadCatalogFile", READ),
        (synced, "SyncFailed", SYNCED),
    )
    for name, change, saying in corruptions
]
