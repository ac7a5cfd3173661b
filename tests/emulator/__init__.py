"""The three clouds' APIs on one loopback port, as far as they are documented.

    with Emulator() as emulator:
        emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["price_cents_per_hour"] = 0
        emulator.faults[routes.RUNPOD_GPUS] = [Status(500), Stall(30, forever=True)]
        run(environ=emulator.environ)
        assert emulator.counts[routes.LAMBDA_TYPES] == 1

What the documentation leaves open is answered in one plausible way, and the code says so there. The emulator is
stricter than the documentation where that finds mistakes of a client: unknown query parameters are refused.
"""

from tests.emulator import routes
from tests.emulator.auth import KEYS
from tests.emulator.data import Data, by_id
from tests.emulator.emulator import Emulator
from tests.emulator.faults import (
    Body,
    BrokenChunks,
    DripBody,
    DripHeaders,
    Fault,
    GzipBomb,
    HugeBody,
    Latency,
    Redirect,
    Reset,
    ShortBody,
    Stall,
    Status,
    TruncatedGzip,
)
from tests.emulator.messages import Reply, Request, Violation
from tests.emulator.misleading import (
    Changed,
    Echo,
    Jitter,
    Raw,
    RetryAt,
    SkewedClock,
    WrongLength,
    WrongType,
    halved,
    renamed,
)

__all__ = [
    "KEYS",
    "Body",
    "BrokenChunks",
    "Changed",
    "Data",
    "DripBody",
    "DripHeaders",
    "Echo",
    "Emulator",
    "Fault",
    "GzipBomb",
    "HugeBody",
    "Jitter",
    "Latency",
    "Raw",
    "Redirect",
    "Reply",
    "Request",
    "Reset",
    "RetryAt",
    "ShortBody",
    "SkewedClock",
    "Stall",
    "Status",
    "TruncatedGzip",
    "Violation",
    "WrongLength",
    "WrongType",
    "by_id",
    "halved",
    "renamed",
    "routes",
]
