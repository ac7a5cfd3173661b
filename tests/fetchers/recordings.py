"""Recorded sets for tests: the bundled one of a cloud, changed where the test says so, or one from scratch.

Bodies are parsed with exact numbers (every fraction a Decimal) and written back with the same digits.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from fetchers import BUNDLED, Fetched, SessionOptions, fetch_cloud, load_fetcher

AS_OF = "2026-11-22T00:00:00Z"
FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(kw_only=True)
class Recorded:
    """One answer of a set."""

    path: str
    body: Any
    """A parsed document, or the bytes as they are."""

    method: str = "GET"
    query: dict[str, str] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    observed_at: str = "2026-11-20T02:30:00Z"
    source: str = "made for a test"

    def content(self) -> bytes:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else exact_json(self.body).encode()

    def fail(self, status: int, body: Any = b"") -> None:
        """Turn it into an error."""
        self.status, self.body = status, body


@dataclass(kw_only=True)
class RecordedSet:
    """A recorded set that can be changed, written and fetched from."""

    cloud: str
    answers: list[Recorded]
    kind: str = "live"
    as_of: str = AS_OF
    with_key: bool = True

    def __getitem__(self, path: str) -> Recorded:
        """The first answer whose path ends so."""
        return next(answer for answer in self.answers if answer.path.endswith(path))

    def without(self, path: str) -> RecordedSet:
        """Itself, after the answers whose path ends so are gone: they get a 404."""
        self.answers = [answer for answer in self.answers if not answer.path.endswith(path)]
        return self

    def index(self) -> dict[str, Any]:
        """What `index.json` says."""
        entries = [
            {
                "method": answer.method,
                "path": answer.path,
                "query": answer.query,
                "status": answer.status,
                "headers": answer.headers,
                "body": f"{number}.json",
                "observed_at": answer.observed_at,
                "source": answer.source,
            }
            for number, answer in enumerate(self.answers)
        ]
        return {
            "format": 1,
            "cloud": self.cloud,
            "kind": self.kind,
            "as_of": self.as_of,
            "with_key": self.with_key,
            "answers": entries,
        }

    def write(self, folder: Path) -> Path:
        """Write it below `folder`, as `--replay` wants it; returns `folder`."""
        place = folder / self.cloud
        place.mkdir(parents=True, exist_ok=True)
        for number, answer in enumerate(self.answers):
            (place / f"{number}.json").write_bytes(answer.content())
        (place / "index.json").write_text(json.dumps(self.index()), encoding="utf-8")
        return folder

    def fetch(self) -> Fetched:
        """What the cloud's fetcher makes of it."""
        with tempfile.TemporaryDirectory() as folder:
            return fetch_cloud(load_fetcher(self.cloud), SessionOptions(replay=self.write(Path(folder))))


def bundled(cloud: str, kind: str = "live") -> RecordedSet:
    """A copy of the bundled set of a cloud; of kind `live` unless told, so that stock is not dropped."""
    recorded = copy.deepcopy(_bundled(cloud))
    recorded.kind = kind
    return recorded


@lru_cache(maxsize=8)
def _bundled(cloud: str) -> RecordedSet:
    folder = BUNDLED / cloud
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    answers = [
        Recorded(**{**entry, "body": exact(json_text=(folder / entry["body"]).read_text(encoding="utf-8"))})
        for entry in index["answers"]
    ]
    return RecordedSet(cloud=cloud, answers=answers)


def fixture(name: str) -> Any:
    """A parsed file below `tests/fixtures`."""
    return exact((FIXTURES / name).read_text(encoding="utf-8"))


def exact(json_text: str) -> Any:
    """A parsed document, every fraction as a Decimal."""
    return json.loads(json_text, parse_float=Decimal)


def exact_json(value: Any) -> str:
    """The JSON text of a document with Decimals in it; a NaN is written as `NaN`, which JSON does not know."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {exact_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact_json, value)) + "]"
    return json.dumps(value)


Change = Callable[[dict[str, Any]], None]
"""What a test does to an object of a body."""


def setting(path: str, value: Any) -> Change:
    """Set a value, by the keys to it: `specs.gpus`."""
    *parents, last = path.split(".")

    def change(item: dict[str, Any]) -> None:
        for key in parents:
            item = item[key]
        item[last] = value

    return change


def leaving_out(path: str) -> Change:
    """Take a key away."""
    *parents, last = path.split(".")

    def change(item: dict[str, Any]) -> None:
        for key in parents:
            item = item[key]
        del item[last]

    return change
