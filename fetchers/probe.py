"""`fetch-catalog CLOUD --probe`: for whoever first has a key.

Every endpoint is asked once, and the report says, scrubbed of keys and personal data, how the answers compare
with what the bundled samples assume, and what they answer of the questions that the public documents left open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fetchers.answers import RawAnswer, parse_json
from fetchers.errors import FetchError, UnexpectedAnswer
from fetchers.probe_plans import PLANS, Ask, Seen, said
from fetchers.registry import load_fetcher
from fetchers.replay import BUNDLED, load_recorded
from fetchers.session import Session, SessionOptions
from fetchers.shapes import shape_differences, shape_of
from gpu_catalog.texts import printable

_TOLD_HEADERS = ("content-type", "retry-after", "cache-control", "etag", "age", "server")
_TOLD_PREFIXES = ("ratelimit", "x-ratelimit")
_NOT_A_KEY = "not-a-key-gpu-catalog-probe"


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one cloud's endpoints answered."""

    cloud: str
    """Cloud name."""

    reached: bool
    """Whether at least one endpoint answered with a status 2xx."""

    endpoints: list[dict[str, Any]] = field(default_factory=list)
    """Per endpoint: request, status, headers, how its shape differs from the assumed one, or the error."""

    questions: list[tuple[str, str]] = field(default_factory=list)
    """Open question and what the answers say of it."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "cloud": self.cloud,
            "reached": self.reached,
            "endpoints": self.endpoints,
            "questions": [{"question": question, "answer": answer} for question, answer in self.questions],
        }


def probe_cloud(cloud: str, options: SessionOptions) -> ProbeReport:
    """Ask every endpoint of a cloud once. Never raises a FetchError: a missing key is a line of the report."""
    if cloud not in PLANS:
        no_plan = "no questions are known of this cloud; --record DIR saves what it answers"
        return ProbeReport(cloud, reached=False, endpoints=[{"request": "-", "error": no_plan}])
    try:
        session = Session(load_fetcher(cloud), options)
    except FetchError as exc:
        return ProbeReport(cloud, reached=False, endpoints=[{"request": "-", "error": str(exc)}])
    try:
        seen = {ask.name: _asked(session, ask) for ask in PLANS[cloud].asks}
    finally:
        session.close()
    return ProbeReport(
        cloud,
        reached=any(200 <= answer.status < 300 for answer in seen.values()),
        endpoints=[_described(cloud, ask, seen[ask.name]) for ask in PLANS[cloud].asks],
        questions=[(question, _answered(answer, seen)) for question, answer in PLANS[cloud].questions],
    )


def probe_text(report: ProbeReport) -> str:
    """The report for people."""
    lines = [f"# {report.cloud}"]
    for endpoint in report.endpoints:
        lines.append(f"{endpoint['request']}: {endpoint.get('error') or endpoint['status']}")
        lines += [f"    {name}: {value}" for name, value in endpoint.get("headers", {}).items()]
        lines += [f"    {line}" for line in endpoint.get("shape", [])]
    for question, answer in report.questions:
        lines += [f"? {question}", f"  {answer}"]
    return "".join(f"{printable(line)}\n" for line in lines)


def _asked(session: Session, ask: Ask) -> Seen:
    key = _NOT_A_KEY if ask.bad_key else None if ask.with_key else ""
    try:
        raw = session.look(ask.method, session.base_url(ask.variable) + ask.path, dict(ask.query), ask.body, key)
    except FetchError as exc:
        return Seen(0, {}, None, str(exc))
    headers = {name: session.scrubbed(value.encode()).decode() for name, value in _headers(raw).items()}
    return Seen(raw.status, headers, _parsed(session.scrubbed(raw.body)), None)


def _described(cloud: str, ask: Ask, seen: Seen) -> dict[str, Any]:
    request = f"{ask.method} {ask.path or '/graphql'}" + (" (with a wrong key)" if ask.bad_key else "")
    if seen.error:
        return {"request": request, "error": seen.error}
    description = {"request": request, "status": seen.status, "headers": dict(seen.headers)}
    if seen.data is None:
        return description | {"shape": ["no JSON"]}
    shape = shape_of(seen.data)
    compared = ask.sampled and seen.status == 200 and not ask.bad_key
    assumed = _assumed_shape(cloud, ask) if compared else None
    if assumed is None:
        return description | {"shape": [f"{path} ({' or '.join(sorted(kinds))})" for path, kinds in shape.items()]}
    return description | {"shape": shape_differences(shape, assumed) or ["as assumed"]}


def _assumed_shape(cloud: str, ask: Ask) -> dict[str, frozenset[str]] | None:
    """Shape of the bundled sample for the same endpoint; None where there is none with status 200."""
    recorded = load_recorded(BUNDLED, cloud)
    for entry in recorded.answers:
        if (
            entry["method"] == ask.method
            and entry["path"].endswith(ask.path or "/graphql")
            and entry["status"] == 200
        ):
            return shape_of(_parsed((recorded.folder / entry["body"]).read_bytes()))
    return None


def _answered(answer: Any, seen: Mapping[str, Seen]) -> str:
    try:
        return str(answer(seen))
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, ArithmeticError):
        failed = [f"{name}: {said(one)}" for name, one in seen.items() if one.status != 200 and name != "bad key"]
        why = f" ({'; '.join(failed)})" if failed else ""
        return f"not answered: the answers do not have the form for it{why}"


def _headers(raw: RawAnswer) -> dict[str, str]:
    told = {name.lower(): value for name, value in raw.headers.items()}
    return {
        name: value
        for name, value in sorted(told.items())
        if name in _TOLD_HEADERS or name.startswith(_TOLD_PREFIXES)
    }


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body, "")
    except UnexpectedAnswer:
        return None
