"""What every fetcher is held against, as a class of tests that a package's own tests inherit.

    class TestFluffyCloud(FetcherContract):
        fetcher_class = FluffyCloud

The tests need the fetcher's recorded answers, and no network but loopback. They run under pytest, which nothing
here imports.
"""

from __future__ import annotations

import copy
import io
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from fetchers import Fetched, Fetcher, FetchError, SessionOptions, fetch_cloud, registry
from fetchers.registry import GROUP, why_no_fetcher
from fetchers.replay import INDEX_NAME, RecordedSet, load_recorded
from gpu_catalog import Catalog
from gpu_catalog.cloud_names import why_no_new_cloud
from gpu_catalog.offering import Offering
from publisher.loopback import served
from publisher.push import push
from publisher.run import RunRequest, exit_code, run
from publisher.store import open_store
from publisher.verify import verify_folder
from schemas import RefusedFetch, accept
from schemas.columns import SCHEMA_VERSIONS, column_names

_CANARY = "canary-key-0123456789"
_ODD_BODIES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"<html>busy</html>",
    b'{"data": null}',
    b"\xff\xfe",
    b"{" * 5000,
)
_ODD_STATUSES = (400, 401, 403, 404, 429, 500, 503)
_ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**30, "", " ", "0", "-1", "1,000", "NA", "../x", "\u0000", "x" * 5000, [], {},
)  # fmt: skip
_CHANGED_SETS = 300
_ACCEPTED_SETS = 10
_SECONDS = 2.0  # For an answer that is asked for again and again.


class FetcherContract:
    """All that validation, publication and SkyPilot need of a fetcher; set `fetcher_class`."""

    fetcher_class: ClassVar[type[Any]]

    def test_it_is_a_fetcher_and_registered_under_its_name(self) -> None:
        """The interface is complete, the name can be published, and the entry point is the class."""
        fetcher = self.fetcher_class()
        _check(why_no_fetcher(fetcher, fetcher.name))
        problem = why_no_new_cloud(fetcher.name)
        _check(f"{fetcher.name!r} {problem}" if problem else None)
        registered = registry().accepted.get(fetcher.name)
        refused = [line for line in registry().refused if repr(fetcher.name) in line]
        _check(None if registered else f"no entry point {fetcher.name!r} of {GROUP}; {' '.join(refused)}")
        _check(
            None if registered and registered.entry_point.load() is self.fetcher_class else "another is registered"
        )

    def test_its_recorded_answers_give_offerings_that_break_no_rule(self) -> None:
        """Every offering can be published and says where and when its price was seen."""
        fetched = self._fetched()
        name = self.fetcher_class.name
        accepted = accept(name, fetched.offerings, fetched.skipped)
        broken = [skip for skip in accepted.skipped if skip.broken]
        _check(f"{broken[0].listing}: {broken[0].reason} [{broken[0].rule}]" if broken else None)
        for offering in fetched.offerings:
            _check(None if offering.source and offering.observed_at else f"{offering.key} has no source or time")

    def test_the_same_answers_give_the_same_offerings(self) -> None:
        """Nothing of the clock, of chance or of an earlier fetch is in them."""
        _check(None if self._fetched() == self._fetched() else "two fetches of the same answers differ")

    def test_it_publishes_what_readers_and_skypilot_read(self, tmp_path: Path) -> None:
        """From its recorded answers to a folder, to a store, to lookups; and each CSV as pandas reads it."""
        name = self.fetcher_class.name
        folder, store = tmp_path / "catalogs", tmp_path / "store"
        results = run(RunRequest(clouds=(name,), output=folder, session=SessionOptions(recorded=True)))
        _check(results[0].entry.reason if exit_code(results) else None)
        _check("; ".join(verify_folder(folder)) or None)
        push(folder, open_store(str(store)), allow_sample=True)
        catalog = Catalog.load(store)
        for offering in self._fetched().offerings:
            if offering.accelerator_name and offering.accelerator_count:
                best = catalog.cheapest(offering.accelerator_name, offering.accelerator_count)
                at_most = offering.price_usd_per_hour
                _check(None if best and best.price_usd_per_hour <= at_most else f"{offering.key} is not found")
        for version in SCHEMA_VERSIONS:
            self._check_for_skypilot((folder / version / name / "vms.csv").read_bytes(), version)

    def test_a_bad_answer_is_an_error_of_ours(self, tmp_path: Path) -> None:
        """Each answer in turn becomes an error page, nothing, or something else than it should be."""
        recorded = self._recorded()
        for place in range(len(recorded.answers)):
            half = (recorded.folder / recorded.answers[place]["body"]).read_bytes()
            for number, body in enumerate((*_ODD_BODIES, half[: len(half) // 2])):
                self._survives(_changed(recorded, tmp_path / f"{place}-{number}", place, body, 200))
            for status in _ODD_STATUSES:
                self._survives(_changed(recorded, tmp_path / f"{place}-s{status}", place, b"no", status))

    def test_a_changed_answer_gives_offerings_or_an_error_of_ours(self, tmp_path: Path) -> None:
        """Hundreds of times a few values of an answer are replaced by ones that no cloud should send."""
        chance, recorded = random.Random(20261125), self._recorded()  # noqa: S311 - the same ones every time
        for number in range(_CHANGED_SETS):
            place = chance.randrange(len(recorded.answers))
            body = json.loads((recorded.folder / recorded.answers[place]["body"]).read_bytes())
            spots = list(_spots(body))
            for spot in chance.sample(spots, min(len(spots), chance.randint(1, 4))):
                _replace(body, spot, copy.deepcopy(chance.choice(_ODD_VALUES)))
            text = json.dumps(body).encode()
            fetched = self._survives(_changed(recorded, tmp_path / str(number), place, text, 200))
            if fetched is not None and number < _ACCEPTED_SETS:
                try:
                    accept(self.fetcher_class.name, fetched.offerings, fetched.skipped)
                except RefusedFetch:
                    continue  # Right: too much of it is broken.

    def test_the_live_path_gives_the_same_and_keeps_the_key(self) -> None:
        """The recorded answers over real sockets; the key stands in its header and nowhere else."""
        fetcher: Fetcher = self.fetcher_class()
        recorded = self._recorded()
        with served(recorded, fetcher.base_urls) as server:
            environ = dict(server.base_urls)
            if fetcher.credentials and recorded.with_key:
                environ[fetcher.credentials.variable] = _CANARY
            live = fetch_cloud(fetcher, SessionOptions(environ=environ, deadline_seconds=30))
        _check(None if _CANARY not in repr(live) else "the key is in what it gives")
        _check(None if not server.missed else f"asked for what is not recorded: {server.missed[0]}")
        if fetcher.credentials and recorded.with_key:
            header, form = fetcher.credentials.header
            sent = {headers.get(header) for headers in server.headers}
            _check(None if form.format(key=_CANARY) in sent else f"no request had the key in {header}")
        same = _facts(live) == _facts(self._fetched())
        _check(None if same else "live and recorded answers give different offerings")

    def _recorded(self) -> RecordedSet:
        _check(None if self.fetcher_class.recorded else "it brings no recorded answers")
        return load_recorded(self.fetcher_class.recorded, self.fetcher_class.name)

    def _fetched(self) -> Fetched:
        return fetch_cloud(self.fetcher_class(), SessionOptions(recorded=True))

    def _survives(self, folder: Path) -> Fetched | None:
        """What the fetcher makes of a changed set; anything but a FetchError is a failure of the test."""
        try:
            return fetch_cloud(self.fetcher_class(), SessionOptions(replay=folder, deadline_seconds=_SECONDS))
        except FetchError as exc:
            _check(None if str(exc).isprintable() else f"an error of several lines: {str(exc)!r}")
            return None
        finally:
            shutil.rmtree(folder)

    def _check_for_skypilot(self, content: bytes, version: str) -> None:
        import pandas as pd

        table = pd.read_csv(io.BytesIO(content))
        wanted = column_names(version, self.fetcher_class.has_zones)
        _check(None if tuple(table.columns) == wanted else f"{version} has the columns {list(table.columns)}")
        for column in ("vCPUs", "MemoryGiB", "Price"):
            _check(
                None if table[column].dtype == float and table[column].gt(0).all() else f"{column} is not filled"
            )
        for column in ("InstanceType", "Region"):
            _check(None if table[column].notna().all() else f"pandas reads a {column} as missing")


def _check(problem: str | None) -> None:
    """Fail with the problem, if there is one."""
    if problem:
        raise AssertionError(problem)


def _facts(fetched: Fetched) -> list[Offering]:
    """What does not depend on when and where it was asked."""
    return [replace(one, source=None, observed_at=None, in_stock=None) for one in fetched.offerings]


def _changed(recorded: RecordedSet, folder: Path, place: int, body: bytes, status: int) -> Path:
    """A copy of the set in which one answer has another body and status."""
    shutil.copytree(recorded.folder, folder)
    index = json.loads((folder / INDEX_NAME).read_text(encoding="utf-8"))
    index["answers"][place] |= {"body": "changed.json", "status": status}
    (folder / "changed.json").write_bytes(body)
    (folder / INDEX_NAME).write_text(json.dumps(index), encoding="utf-8")
    return folder


def _spots(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON document, as keys and places."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*way, key)
        yield from _spots(member, (*way, key))


def _replace(document: Any, way: tuple[Any, ...], value: Any) -> None:
    """Put a value where a way leads, unless an earlier replacement has cut it off."""
    for key in way[:-1]:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(document, dict) or (isinstance(document, list) and way[-1] < len(document)):
        document[way[-1]] = value
