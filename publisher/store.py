"""Where publications are kept: named objects of bytes with compare-and-swap, in an S3 bucket or in a folder."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gpu_catalog.manifest import is_plain_path
from publisher.errors import StoreProblem

ENDPOINT_VARIABLE = "GPU_CATALOG_S3_ENDPOINT"
MAX_OBJECT_BYTES = 256 * 1024 * 1024
LONGEST_KEY = 500
"""Characters; S3 takes 1024 bytes with the prefix."""

LONGEST_NAME = 200
"""Characters between two `/`; most file systems take 255 bytes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as it was read."""

    content: bytes
    """All of it."""

    version: str
    """What `put_if_match` compares; opaque (ETag on S3, SHA-256 in a folder). The same bytes have the same version,
    so it does not tell that an object was changed and changed back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object as it is listed."""

    key: str
    """Its whole key, below the store's place."""

    size_bytes: int
    """Its length."""

    modified_at: datetime
    """When it was last written, UTC, by the clock of the store."""


class Store(ABC):
    """A place that keeps objects under keys: plain relative paths (`is_key`).

    Promised, to any number of threads, processes and (on S3) machines:
    - an object is read whole, as one writer wrote it, also while it is replaced or its writer is killed;
    - what a verb wrote or deleted is seen by every later `get` and `list`;
    - `put_if_absent` never overwrites, `put_if_match` replaces only the version that it names: of several writers
      at once exactly one gets True;
    - S3 checks the SHA-256 of what is sent; what is received is held against the checksum that S3 keeps of it.

    Not promised:
    - several objects at once: write what is pointed to first and the pointer last;
    - locks: machines that share a folder over a network have only what its file system gives to flock, link and
      rename;
    - detecting what somebody changed behind our back in a folder: keep a hash of it in another object;
    - True for every write that happened. A write whose answer got lost is recognised while it stands; when another
      writer has replaced it by then, it is False. After a StoreProblem the outcome is not known;
    - history: `delete` and `put_if_match` forget what was there, unless the bucket is versioned;
    - a bucket of a service that ignores `If-Match` and `If-None-Match` (AWS and most others do not).

    No key may be the folder of another one (`v8` beside `v8/x`): S3 would keep both, a folder refuses.
    """

    place: str
    """Where it is, for people: a path or `s3://bucket/prefix`."""

    @abstractmethod
    def get(self, key: str) -> Stored | None:
        """The object, None when there is none.

        Raises:
            StoreProblem: it cannot be read, fails its checksum, has more than MAX_OBJECT_BYTES, or the key is bad.
        """

    @abstractmethod
    def put_if_absent(self, key: str, content: bytes) -> bool:
        """Write a new object. False: there is one already, which stays as it is, whatever it holds.

        Raises:
            StoreProblem: it cannot be written, has more than MAX_OBJECT_BYTES, or the key is bad.
        """

    @abstractmethod
    def put_if_match(self, key: str, content: bytes, version: str) -> bool:
        """Replace an object that still is of this version. False: it is another one by now, or gone.

        Raises:
            StoreProblem: as for `put_if_absent`.
        """

    @abstractmethod
    def list(self, prefix: str) -> Iterator[Entry]:
        """All objects whose key begins with these characters, sorted by key; `""` is everything.

        What is there and cannot be ours (other names, symbolic links) is passed over. Objects that come or go
        meanwhile may be listed or not.

        Raises:
            StoreProblem: it cannot be listed, also while iterating, or the prefix begins no key.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none.

        Raises:
            StoreProblem: it cannot be removed, or the key is bad.
        """


def open_store(place: str | Path) -> Store:
    """The store at `s3://bucket/prefix`, or in a folder, which is made when the first object is put.

    Nothing is asked of S3 yet. GPU_CATALOG_S3_ENDPOINT names another endpoint than Amazon's, https unless it is on
    this machine; keys and region come from where boto3 looks for them.

    Raises:
        StoreProblem: no place that we know how to use.
    """
    text = str(place)
    if not text or not text.isprintable():
        raise StoreProblem(f"{text[:80]!r} is no place for a store; name a folder or s3://bucket/prefix")
    if isinstance(place, str) and "://" in place:
        if not place.startswith("s3://"):
            scheme = place.partition("://")[0]
            raise StoreProblem(f"{scheme[:20]}:// is no place for a store; name a folder or s3://bucket/prefix")
        from publisher.s3_store import open_s3

        return open_s3(place, os.environ.get(ENDPOINT_VARIABLE) or None)
    from publisher.folder_store import FolderStore

    return FolderStore(Path(place))


def is_key(path: str) -> bool:
    """Whether a path is a plain one; `=` is allowed within names, for `cloud=lambda` as dataset readers want it."""
    return is_plain_path(path.replace("=", "-"))


def check_key(key: str) -> str:
    """The key, if every store can keep it.

    Raises:
        StoreProblem: no plain relative path, or too long.
    """
    if not is_key(key):
        raise StoreProblem(f"key {key[:80]!r} is no plain relative path; use letters, digits and ._-= between /")
    if len(key) > LONGEST_KEY or max(map(len, key.split("/"))) > LONGEST_NAME:
        raise StoreProblem(f"key {key[:80]!r}... is too long; {LONGEST_KEY} characters, {LONGEST_NAME} in a name")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix, if it is empty or begins some key: `v8`, `v8/` and `v8/ru` all do.

    Raises:
        StoreProblem: it begins none.
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def check_size(size_bytes: int, where: str) -> None:
    """Refuse what is too large to be held in memory.

    Raises:
        StoreProblem: more than MAX_OBJECT_BYTES.
    """
    if size_bytes > MAX_OBJECT_BYTES:
        raise StoreProblem(f"{where}: {size_bytes} bytes, {MAX_OBJECT_BYTES} are allowed; split it or remove it")
