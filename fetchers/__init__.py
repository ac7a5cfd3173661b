"""Fetchers: one file per cloud, each from API bytes to offerings and skipped, behind one HTTP session."""

from __future__ import annotations

from fetchers.base import Fetched, Fetcher, fetch_cloud
from fetchers.errors import (
    BadSetting,
    CredentialsMissing,
    CredentialsRejected,
    FetchError,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from fetchers.lambda_cloud import LambdaCloud
from fetchers.replay import BUNDLED
from fetchers.runpod import RunPod
from fetchers.session import Session, SessionOptions
from fetchers.yotta import Yotta

FETCHERS: dict[str, Fetcher] = {fetcher.name: fetcher for fetcher in (Yotta(), LambdaCloud(), RunPod())}
"""Every cloud that can be fetched, by name."""

__all__ = [
    "BUNDLED",
    "FETCHERS",
    "BadSetting",
    "CredentialsMissing",
    "CredentialsRejected",
    "FetchError",
    "Fetched",
    "Fetcher",
    "RateLimited",
    "Session",
    "SessionOptions",
    "Unavailable",
    "UnexpectedAnswer",
    "fetch_cloud",
]
