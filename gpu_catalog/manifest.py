"""`manifest.json`: what a folder of catalogs holds, where it came from, and the hash of every file.

The publisher writes it last; readers check files against it. Nothing in it depends on the clock of the machine
that wrote it: the same data gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from gpu_catalog import json_values
from gpu_catalog.cloud_names import DISPLAY_NAME
from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.offering import Skipped
from gpu_catalog.pointer import PUBLICATIONS
from gpu_catalog.reading import file_bytes

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
LONGEST_PATH = 200
"""Characters of a path in it; what a file system cannot hold would look like a cache that cannot be written."""

Kind = Literal["live", "sample"]
State = Literal["fresh", "kept", "failed"]

_SAFE_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_SAFE_ID = re.compile(r"[A-Za-z0-9-][A-Za-z0-9._-]{0,99}", re.ASCII)
_SCHEMA = re.compile(r"v[1-9][0-9]{0,3}", re.ASCII)
_CLOUD_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_COMMON = "common"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One published file."""

    sha256: str
    """Hex digest of its bytes."""

    size_bytes: int
    """Its length."""

    rows: int
    """Data rows in it (lines without the header, or Parquet rows)."""

    @classmethod
    def of(cls, content: bytes, rows: int) -> FileEntry:
        """The entry that describes `content`."""
        return cls(hashlib.sha256(content).hexdigest(), len(content), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEntry:
    """One cloud's part of a publication."""

    state: State
    """`fresh`: fetched now; `kept`: the fetch failed and the last good catalog stands; `failed`: nothing stands."""

    reason: str | None = None
    """Why it is kept or failed; None when fresh."""

    kind: Kind | None = None
    """`live`, or `sample` for the bundled responses; None when failed."""

    observed_at: str | None = None
    """Newest `observed_at` of its offerings, UTC; None when failed."""

    fetcher_version: str | None = None
    """Version of gpu-catalog that fetched it."""

    rows: int = 0
    """Rows in the newest schema version."""

    instance_types: int = 0
    """Distinct instance types in the newest schema version."""

    accelerators: int = 0
    """Distinct accelerator names."""

    sources: tuple[str, ...] = ()
    """Where its prices came from, sorted."""

    warnings: tuple[str, ...] = ()
    """What whoever runs the fetch should look at."""

    skipped: tuple[Skipped, ...] = ()
    """What was listed and did not become a row, with the reason."""

    display_name: str | None = None
    """The cloud's name for people where `clouds.csv` does not know it; else None, and left out of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole `manifest.json`."""

    id: str
    """`<newest observed_at>-<digest of the CSV files>`."""

    kind: Kind
    """`sample` when any cloud's data is a sample, else `live`."""

    observed_at: str
    """Newest `observed_at` of all clouds, UTC."""

    schemas: tuple[str, ...]
    """Schema versions in the folder, e.g. `("v7", "v8")`."""

    clouds: Mapping[str, CloudEntry]
    """Entry by cloud name."""

    files: Mapping[str, FileEntry]
    """Entry by path relative to the folder, `/` as separator."""

    parquet: Mapping[str, FileEntry] = field(default_factory=dict)
    """The same for Parquet files: kept apart, since they are not committed to git and their bytes depend on the
    library that wrote them."""

    previous: str | None = None
    """Id of the publication before this one in its store; None for the first, and in a folder of one."""

    format: int = MANIFEST_FORMAT
    """Version of this form; a reader refuses a newer one."""

    def to_json(self) -> bytes:
        """The bytes of the file: sorted keys, one value a line, newline at the end."""
        document = asdict(self)
        if self.previous is None:
            del document["previous"]
        for entry in document["clouds"].values():
            if entry["display_name"] is None:
                del entry["display_name"]
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        # Half a surrogate pair from an API is `\\ud800` in JSON; UTF-8 cannot hold it in any other way.
        return text.encode(errors="backslashreplace")


def is_plain_path(path: str) -> bool:
    """Whether a path stays below its folder: plain names, `/` between them, none beginning with a dot."""
    return bool(_SAFE_PATH.fullmatch(path))


def publication_id(observed_at: str, csv_sha256: Mapping[str, str]) -> str:
    """Id of a publication: its newest `observed_at` and a digest of what buyers see, the CSV files by path."""
    lines = "".join(f"{path} {csv_sha256[path]}\n" for path in sorted(csv_sha256))
    return f"{re.sub('[-:]', '', observed_at)}-{hashlib.sha256(lines.encode()).hexdigest()[:12]}"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder.

    Raises:
        BadCatalogFile: there is none, or as `parse_manifest`.
    """
    path = folder / MANIFEST_NAME
    try:
        return parse_manifest(file_bytes(path, MAX_MANIFEST_BYTES), str(path))
    except FileNotFoundError as exc:
        raise BadCatalogFile(f"{path}: not there; `fetch-catalog` writes one") from exc
    except OSError as exc:
        raise BadCatalogFile(
            f"{path}: cannot be read ({exc.strerror}); mend it or fetch into another folder"
        ) from exc


def parse_manifest(content: bytes, where: str = MANIFEST_NAME) -> Manifest:
    """Read the bytes of a manifest; `where` names it in messages. Unknown keys are passed over.

    Raises:
        BadCatalogFile: no JSON, of a newer format, a field missing or of the wrong kind, or a path, id or
            name that leaves the folder.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise BadCatalogFile(f"{where}: larger than {MAX_MANIFEST_BYTES} bytes")
    try:
        data = json_values.loads(content.decode("utf-8"))
        if not isinstance(data, dict):
            raise BadCatalogFile("no manifest (not an object)")
        form = json_values.count(data, "format")
        if form == 0:
            raise BadCatalogFile("format 0 has never existed")
        if form > MANIFEST_FORMAT:
            raise BadCatalogFile(
                f"format {form} is newer than this version of gpu-catalog reads ({MANIFEST_FORMAT}); upgrade it"
            )
        previous = json_values.text_or_none({"previous": None, **data}, "previous")
        return Manifest(
            format=form,
            id=_plain(json_values.text(data, "id"), _SAFE_ID, "id"),
            kind=_one_of(data, "kind", get_args(Kind)),
            observed_at=json_values.text(data, "observed_at"),
            schemas=tuple(_plain(name, _SCHEMA, "schema") for name in json_values.texts(data, "schemas")),
            clouds=_clouds(json_values.members(data, "clouds")),
            files=_files(json_values.members(data, "files")),
            parquet=_files(json_values.members(data, "parquet")),
            previous=None if previous is None else _plain(previous, _SAFE_ID, "previous"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        reason = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
        raise BadCatalogFile(f"{where}: {reason}") from exc


def _clouds(entries: dict[str, Any]) -> dict[str, CloudEntry]:
    if _COMMON in entries:
        raise BadCatalogFile(f"no cloud can be called {_COMMON}: its folder holds the files of all")
    return {_plain(name, _CLOUD_NAME, "cloud name"): _cloud(json_values.members(entries, name)) for name in entries}


def _cloud(entry: dict[str, Any]) -> CloudEntry:
    skipped = entry["skipped"]
    if not isinstance(skipped, list):
        raise BadCatalogFile("skipped is not a list")
    called = json_values.text_or_none({"display_name": None, **entry}, "display_name")
    return CloudEntry(
        state=_one_of(entry, "state", get_args(State)),
        reason=json_values.text_or_none(entry, "reason"),
        kind=None if entry["kind"] is None else _one_of(entry, "kind", get_args(Kind)),
        observed_at=json_values.text_or_none(entry, "observed_at"),
        fetcher_version=json_values.text_or_none(entry, "fetcher_version"),
        rows=json_values.count(entry, "rows"),
        instance_types=json_values.count(entry, "instance_types"),
        accelerators=json_values.count(entry, "accelerators"),
        sources=json_values.texts(entry, "sources"),
        warnings=json_values.texts(entry, "warnings"),
        skipped=tuple(map(_skipped, skipped)),
        display_name=None if called is None else _plain(called, DISPLAY_NAME, "display name"),
    )


def _skipped(entry: dict[str, Any]) -> Skipped:
    return Skipped(
        cloud=json_values.text(entry, "cloud"),
        listing=json_values.text(entry, "listing"),
        rule=json_values.text(entry, "rule"),
        reason=json_values.text(entry, "reason"),
        broken=json_values.flag(entry, "broken"),
        accelerator=json_values.text_or_none(entry, "accelerator"),
        rows=json_values.count(entry, "rows"),
    )


def _files(entries: dict[str, Any]) -> dict[str, FileEntry]:
    files = {}
    for path in entries:
        entry = json_values.members(entries, _plain(path, _SAFE_PATH, "path"))
        # Copying such a file would replace a pointer or a manifest.
        if "/" not in path or path.startswith(f"{PUBLICATIONS}/"):
            raise BadCatalogFile(f"path {path[:80]!r} is not that of a catalog")
        sha256 = _plain(json_values.text(entry, "sha256"), _SHA256, "sha256")
        files[path] = FileEntry(sha256, json_values.count(entry, "size_bytes"), json_values.count(entry, "rows"))
    for path in files:
        if len(path) > LONGEST_PATH:
            raise BadCatalogFile(f"path {path[:80]!r}... is longer than {LONGEST_PATH} characters")
        if folder := next((str(above) for above in PurePosixPath(path).parents if str(above) in files), None):
            raise BadCatalogFile(f"path {folder[:80]!r} is a file and the folder of another")
    return files


def _plain(text: str, allowed: re.Pattern[str], what: str) -> str:
    """The text, if it can do no harm as (part of) a path."""
    if not allowed.fullmatch(text):
        raise BadCatalogFile(f"{what} {text[:80]!r} is not of the form {allowed.pattern}")
    return text


def _one_of(data: Mapping[str, Any], key: str, options: tuple[Any, ...]) -> Any:
    value = json_values.text(data, key)
    if value not in options:
        raise BadCatalogFile(f"{key} {value[:40]!r} is none of {', '.join(options)}")
    return value
