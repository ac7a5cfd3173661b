"""Recorded answers: served back through the fetchers' own session, and saved from live ones.

A recorded set is a folder with `index.json` and one file per body. The bundled sets (`fetchers/recorded/`) are
composed from public figures and of kind `sample`; what `--record` saves is of kind `live`.
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from fetchers.answers import OBSERVED_AT_HEADER, SOURCE_HEADER, RawAnswer
from fetchers.errors import BadSetting
from fetchers.exchange import Request
from gpu_catalog.manifest import Kind

BUNDLED = Path(__file__).parent / "recorded"
INDEX_NAME = "index.json"
INDEX_FORMAT = 1

_PERSONAL = re.compile(
    r"(?i)^(e-?mail|(org|user|account|client|tenant)_?(id|name)|.*(token|secret|password|api_?key))$"
)
_KEPT_HEADERS = ("content-type", "retry-after")


@dataclass(frozen=True, slots=True)
class RecordedSet:
    """The index of a recorded set and where its bodies lie."""

    folder: Path
    """Folder of `index.json`."""

    cloud: str
    """Cloud that it is a recording of."""

    kind: Kind
    """`sample` for composed answers, `live` for captured ones."""

    as_of: datetime
    """What counts as now when it is replayed."""

    with_key: bool
    """Whether the answers are those to requests with a key (without one a cloud is asked for other things)."""

    answers: list[dict[str, Any]]
    """Entries of the index, in the order of the requests."""


def load_recorded(folder: Path, cloud: str) -> RecordedSet:
    """Read the set of one cloud, from `folder` itself or from its subfolder named after the cloud.

    Raises:
        BadSetting: there is none for this cloud, or its index cannot be read.
    """
    place = folder / cloud if (folder / cloud / INDEX_NAME).exists() else folder
    path = place / INDEX_NAME
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != INDEX_FORMAT or index["cloud"] != cloud or index["kind"] not in ("live", "sample"):
            raise BadSetting(f"{path} is no recorded set of {cloud}", "record one with --record")
        as_of = datetime.fromisoformat(index["as_of"].replace("Z", "+00:00"))
        if as_of.tzinfo is None:
            raise ValueError("as_of has no time zone")
        with_key = index.get("with_key", True) is True
        return RecordedSet(place, cloud, index["kind"], as_of, with_key, _checked_answers(index["answers"]))
    except FileNotFoundError as exc:
        raise BadSetting(f"no recorded answers of {cloud} in {folder}", "record some with --record") from exc
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise BadSetting(f"{path} cannot be read ({exc})", "record the set again") from exc


def _checked_answers(answers: Any) -> list[dict[str, Any]]:
    """The entries of an index; ValueError or KeyError where one lacks what a replay needs."""
    for entry in answers:
        texts = [entry[name] for name in ("method", "path", "body", "observed_at", "source")]
        objects = [entry.get(name, {}) for name in ("query", "headers")]
        pairs = [item for pair in objects for item in (*pair.keys(), *pair.values())]
        if not all(isinstance(text, str) for text in texts + pairs) or not isinstance(entry["status"], int):
            raise ValueError("an answer has a field of the wrong type")
    return list(answers)


class ReplayAdapter(BaseAdapter):
    """A requests transport that answers from a recorded set.

    Answers to the same method, path and query come in the order they were recorded, the last one again and
    again; a request that was never recorded gets a 404.
    """

    def __init__(self, recorded: RecordedSet) -> None:
        super().__init__()
        self._recorded = recorded
        self._queues: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        for entry in recorded.answers:
            self._queues[_request_key(entry["method"], entry["path"], entry.get("query", {}))].append(entry)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the adapter interface of requests
        timeout: object = None,  # noqa: ARG002
        verify: object = True,  # noqa: ARG002
        cert: object = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Build the response that belongs to the request."""
        parts = urlsplit(request.url or "")
        queue = self._queues.get(_request_key(request.method or "", parts.path, dict(parse_qsl(parts.query))), [])
        entry = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else None
        response = requests.Response()
        response.request = request
        response.url = request.url or ""
        response.status_code = entry["status"] if entry else 404
        if entry:
            response.headers.update(entry.get("headers", {}))
        observed_at = entry["observed_at"] if entry else self._recorded.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
        response.headers[OBSERVED_AT_HEADER] = observed_at
        if entry and self._recorded.kind == "sample":
            response.headers[SOURCE_HEADER] = f"sample: {entry['source']}"
        body = self._body(entry) if entry else b'{"message": "not in the recorded set"}'
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""

    def _body(self, entry: dict[str, Any]) -> bytes:
        path: Path = self._recorded.folder / entry["body"]
        if path.parent != self._recorded.folder:
            raise BadSetting(f"{entry['body']!r} leaves the recorded set", "record the set again")
        try:
            return path.read_bytes()
        except (OSError, ValueError) as exc:
            raise BadSetting(f"{path} cannot be read ({exc})", "record the set again") from exc


class Recorder:
    """Saves the answers of one cloud's live run as a recorded set, scrubbed of the key and of personal data."""

    def __init__(self, folder: Path, cloud: str, key: str | None, public_path: Callable[[str], str]) -> None:
        """Answers go to `folder/cloud`; `public_path` gives the path of a URL on the cloud's public host."""
        self._folder = folder / cloud
        self._cloud = cloud
        self._key = key
        self._public_path = public_path
        self._answers: list[dict[str, Any]] = []
        self._one_at_a_time = Lock()

    def save(self, request: Request, raw: RawAnswer) -> None:
        """Add one answer and write the index anew, so that an interrupted run leaves a usable set."""
        with self._one_at_a_time:
            self._save(request, raw)

    def _save(self, request: Request, raw: RawAnswer) -> None:
        path = self._public_path(request.url)
        name = f"{len(self._answers) + 1:02d}-{re.sub('[^a-z0-9]+', '-', path.lower()).strip('-')}.json"
        headers = {key: value for key, value in raw.headers.items() if key.lower() in _KEPT_HEADERS}
        self._answers.append(
            {
                "method": request.method,
                "path": path,
                "query": dict(request.query),
                "status": raw.status,
                "headers": headers,
                "body": name,
                "observed_at": raw.observed_at,
                "source": f"{request.method} {path}",
            }
        )
        index = {
            "format": INDEX_FORMAT,
            "cloud": self._cloud,
            "kind": "live",
            "as_of": raw.observed_at,
            "with_key": self._key is not None,
            "note": "captured by fetch-catalog --record; key and personal data scrubbed",
            "answers": self._answers,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(scrubbed(raw.body, self._key))
            half = self._folder / f".{INDEX_NAME}"
            half.write_bytes((json.dumps(index, indent=1) + "\n").encode())
            half.replace(self._folder / INDEX_NAME)
        except OSError as exc:
            what = f"cannot write {exc.filename or self._folder} ({exc.strerror})"
            raise BadSetting(what, "name another --record folder") from exc


def scrubbed(body: bytes, key: str | None) -> bytes:
    """The body without the key wherever it stands, and without the values of fields that name a person.

    A JSON body keeps its exact numbers.
    """
    text = body.decode("utf-8", "replace")
    for form in {key, json.dumps(key)[1:-1]} if key else ():
        text = text.replace(form, "[key]")
    try:
        # Numbers stay the text they are, so that nothing is rounded on the way to the file.
        data = json.loads(text, parse_float=_NumberText, parse_int=_NumberText, parse_constant=_NumberText)
        clean = _without_personal(data)
        return text.encode() if clean == data else _json_text(clean).encode()
    except (ValueError, RecursionError):
        return text.encode()


class _NumberText(str):
    """A JSON number as its own text."""

    __slots__ = ()


def _without_personal(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "[scrubbed]" if _PERSONAL.match(key) and item is not None else _without_personal(item)
            for key, item in value.items()
        }
    return [_without_personal(item) for item in value] if isinstance(value, list) else value


def _json_text(value: Any) -> str:
    if isinstance(value, _NumberText):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_text, value)) + "]"
    return json.dumps(value)


def _request_key(method: str, path: str, query: Mapping[str, str]) -> tuple[Any, ...]:
    return (method.upper(), path, tuple(sorted(query.items())))
