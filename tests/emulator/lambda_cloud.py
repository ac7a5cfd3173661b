"""Lambda Cloud: instance types, regions and images."""

from __future__ import annotations

from tests.emulator import routes
from tests.emulator.auth import accepts
from tests.emulator.data import Data
from tests.emulator.messages import Reply, Request, json_reply


def error(status: int, code: str, message: str, suggestion: str | None = None) -> Reply:
    """An error in Lambda's envelope."""
    body = {"code": code, "message": message}
    return json_reply(status, {"error": body | ({"suggestion": suggestion} if suggestion else {})})


def too_many_requests() -> Reply:
    """Over the limit. Neither body nor headers are documented; this text was seen in 2022."""
    return Reply(429, b"error code: 1015", {"Content-Type": "text/plain; charset=UTF-8"})


def answer(request: Request, data: Data) -> Reply:
    """Answer a request below Lambda's prefix."""
    if not accepts(request, "lambda", "bearer", "basic"):
        return error(
            401,
            "global/invalid-api-key",
            "API key was invalid, expired, or deleted.",
            "Check your API key or create a new one, then try again.",
        )
    bodies = {
        routes.LAMBDA_TYPES: data.lambda_types,
        routes.LAMBDA_REGIONS: data.lambda_regions,
        routes.LAMBDA_IMAGES: data.lambda_images,
    }
    if request.route not in bodies:
        return error(404, "global/not-found", "The requested resource was not found.")
    return json_reply(200, {"data": bodies[request.route]})
