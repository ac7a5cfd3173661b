"""Which cloud answers a request, and what holds for all answers of a cloud."""

from __future__ import annotations

from uuid import uuid4

from tests.emulator import lambda_cloud, routes, runpod, runpod_graphql, yotta
from tests.emulator.auth import cloud_of
from tests.emulator.data import Data
from tests.emulator.limits import Verdict
from tests.emulator.messages import Reply, Request

_KEY_IN_URL = "a key does not belong in a URL"


def answer(request: Request, data: Data, verdict: Verdict) -> Reply:
    """The normal answer to any request."""
    if request.path == routes.RUNPOD_GRAPHQL[1]:
        return _graphql(request, data)
    match cloud_of(request.path):
        case "yotta":
            return _yotta(request, data)
        case "lambda":
            return _lambda(request, data, verdict)
        case "runpod":
            return _runpod(request, data, verdict)
    return Reply(404, b"no cloud answers here\n", {"Content-Type": "text/plain"})


def _yotta(request: Request, data: Data) -> Reply:
    if request.key_in_url:
        return yotta.envelope(400, _KEY_IN_URL, yotta.BAD_PARAMETERS)
    return yotta.answer(request, data)


def _lambda(request: Request, data: Data, verdict: Verdict) -> Reply:
    if verdict.exceeded:
        return lambda_cloud.too_many_requests()
    if request.key_in_url:
        return lambda_cloud.error(400, "global/invalid-parameters", _KEY_IN_URL)
    return lambda_cloud.answer(request, data)


def _graphql(request: Request, data: Data) -> Reply:
    if request.key_in_url:
        return runpod_graphql.errors(400, _KEY_IN_URL)
    return runpod_graphql.answer(request, data)


def _runpod(request: Request, data: Data, verdict: Verdict) -> Reply:
    """REST v2, with the headers that each of its answers carries."""
    if verdict.exceeded:
        wait = {"Retry-After": str(verdict.retry_after_seconds)}
        reply = runpod.problem(429, "rate limit exceeded for the minute window", wait)
    elif request.key_in_url:
        reply = runpod.problem(400, _KEY_IN_URL)
    else:
        reply = runpod.answer(request, data)
    reply.headers |= {"x-request-id": str(uuid4()), **verdict.headers}
    return reply
