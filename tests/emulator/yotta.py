"""Yotta: the documented GPU types of VMs, and the GPU list known from its SDK."""

from __future__ import annotations

from tests.emulator import routes
from tests.emulator.auth import accepts
from tests.emulator.data import Data
from tests.emulator.messages import Reply, Request, json_reply

SUCCESS = 10000
BAD_PARAMETERS = 10001
NOT_FOUND = 10007
BAD_KEY = 40001

_BOUNDS = ("minSingleCardVramInGb", "maxSingleCardVramInGb")


def envelope(status: int, message: str, code: int, data: object = None) -> Reply:
    """Any answer of Yotta, good or bad."""
    return json_reply(status, {"message": message, "code": code, "data": data})


def answer(request: Request, data: Data) -> Reply:
    """Answer a request below Yotta's prefix."""
    if not accepts(request, "yotta", "x-api-key"):
        # The real answer to a bad key is unknown; this one is from the tests of the SDK.
        return envelope(401, "Invalid API key", BAD_KEY)
    if request.route == routes.YOTTA_TYPES:
        return envelope(200, "success", SUCCESS, data.yotta_types)
    if request.route == routes.YOTTA_GPUS and data.yotta_gpus is not None:
        return _gpus(request, data)
    return envelope(404, "Record not exist", NOT_FOUND)


def _gpus(request: Request, data: Data) -> Reply:
    """The GPU list. The filters of the request are checked for their presence, not applied."""
    try:
        filters = request.json()
    except ValueError:
        filters = None
    if not isinstance(filters, dict) or any(not isinstance(filters.get(name), int) for name in _BOUNDS):
        return envelope(400, "Invalid request parameters", BAD_PARAMETERS)
    return envelope(200, "success", SUCCESS, data.yotta_gpus)
