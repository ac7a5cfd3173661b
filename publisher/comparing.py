"""The catalogs at a place: a folder, a publication in a store, or a folder in a git revision."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from gpu_catalog.errors import GpuCatalogError
from gpu_catalog.manifest import is_plain_path
from gpu_catalog.offers import Offer
from gpu_catalog.snapshot import read_snapshot
from gpu_catalog.texts import printable
from publisher.errors import PublishError
from publisher.folder import nobody_writing
from publisher.publications import offers_of
from publisher.store import open_store

Catalogs: TypeAlias = Mapping[str, Sequence[Offer]]
"""What each cloud offers, by cloud name."""

DEFAULT_PATH = "catalogs"

_REVISION = re.compile(r"((?:[^:{]|\{[^}]*\})+)(?::(.*))?", re.DOTALL)
"""A revision and a path; a colon in braces (`main@{12:00}`) is part of the revision."""
_PUBLICATION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}", re.ASCII)
_BLOB = re.compile(rb"100(?:644|755) blob ([0-9a-f]+)\t(.+)", re.DOTALL)


def catalogs_at(place: str, store: str | None = None) -> Catalogs:
    """Read the catalogs at a place whole.

    Args:
        place: a folder (of ours, or a bare tree of `vms.csv`); `s3://bucket/prefix`, the latest publication there;
            the id of a publication in `store`; or `REV:PATH`, a folder in a revision of the git repository around
            the working directory; without a path it is `catalogs`. What could be both is the folder.
        store: where publication ids are looked up: a folder or `s3://bucket/prefix`.

    Raises:
        PublishError: there is no such place, or it cannot be read or holds no catalogs.
    """
    if place.startswith("s3://"):
        return offers_of(open_store(place))
    if not place:
        raise PublishError("an empty place; name a folder of catalogs, or REV:PATH in git")
    if _is_folder(place):
        with nobody_writing(Path(place)):
            return _read(Path(place), printable(place))
    if _PUBLICATION.fullmatch(place):
        if store is None:
            raise PublishError(f"{place}: a publication id; name the store it is in with --store")
        return offers_of(open_store(store), place)
    if "://" in place:
        next_step = "`gpu-catalog sync` it and name the cache"
        raise PublishError(f"{_shown(place)}: neither a folder nor REV:PATH in git; {next_step}")
    with tempfile.TemporaryDirectory(prefix="gpu-catalog-") as folder:
        _copy_from_git(place, Path(folder))
        return _read(Path(folder), _shown(place))


def _is_folder(place: str) -> bool:
    try:
        return Path(place).is_dir()
    except (OSError, ValueError):  # Longer than a path can be; a NUL in it.
        return False


def _shown(place: str) -> str:
    return printable(place[:200])


def _read(folder: Path, shown: str) -> Catalogs:
    try:
        return {cloud: offered.offers for cloud, offered in read_snapshot(folder).clouds.items()}
    except GpuCatalogError as exc:
        raise PublishError(str(exc).replace(str(folder), shown)) from exc


def _copy_from_git(place: str, target: Path) -> None:
    """Write the files of a folder in a git revision into `target`, with the bytes that were committed.

    Not by `git archive`, which applies the user's line endings and the repository's `export-subst`: files would not
    have the hashes of their manifest. Links, submodules and names that lead out of the folder are left out.
    """
    parts = _REVISION.fullmatch(place)
    if parts is None or "\0" in place:
        raise PublishError(f"{_shown(place)}: neither a folder nor REV:PATH in git")
    revision, path = parts[1], parts[2] or DEFAULT_PATH
    commit = _object(f"{revision}^{{commit}}")
    if commit is None:
        raise PublishError(f"{_shown(place)}: no such folder, and git knows no revision {_shown(revision)}")
    tree = _object(f"{commit}:{path}")
    if tree is None or _git("cat-file", "-t", tree).strip() != b"tree":
        raise PublishError(f"{_shown(place)}: there is no folder {_shown(path)} in {_shown(revision)}")
    blobs = dict(_blobs(tree))
    for name, content in zip(blobs, _contents(list(blobs.values())), strict=True):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)


def _object(name: str) -> str | None:
    """Id of the object that git calls so; None when there is none."""
    answer = _run("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    if answer.returncode == 0:
        return answer.stdout.decode("ascii").strip()
    if answer.stderr.strip():  # Without an error of git itself, --quiet says nothing.
        raise _failed(answer)
    return None


def _blobs(tree: str) -> Iterator[tuple[str, str]]:
    """Path and id of every file below a tree that a folder of catalogs can have."""
    for entry in _git("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        found = _BLOB.fullmatch(entry)
        if found and is_plain_path(name := found[2].decode("utf-8", "replace")):
            yield name, found[1].decode("ascii")


def _contents(ids: Sequence[str]) -> Iterator[bytes]:
    """The bytes of each object, in the order of the ids."""
    text = _git("cat-file", "--batch", given="".join(f"{name}\n" for name in ids).encode())
    position = 0
    for name in ids:
        end = text.index(b"\n", position)
        header = text[position:end].split(b" ")
        if len(header) != 3:
            raise PublishError(f"git has no object {name}; `git fetch` and `git fsck` may help")
        position = end + 1 + int(header[2]) + 1
        yield text[end + 1 : position - 1]


def _git(*arguments: str, given: bytes = b"") -> bytes:
    answer = _run(*arguments, given=given)
    if answer.returncode:
        raise _failed(answer)
    return answer.stdout


def _run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    git = shutil.which("git")
    if git is None:
        raise PublishError("no folder of this name, and git is not installed, so it cannot be a revision")
    return subprocess.run(  # noqa: S603  no shell; what a user wrote comes after --end-of-options
        [git, *arguments], input=given, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )


def _failed(answer: subprocess.CompletedProcess[bytes]) -> PublishError:
    said = answer.stderr.decode("utf-8", "replace").strip().splitlines() or ["it did not say why"]
    return PublishError(f"git: {printable(said[0])[:300]}")
