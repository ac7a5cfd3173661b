"""Fetchers: one file per cloud, each from API bytes to offerings and skipped, behind one HTTP session.

A package of its own can bring another cloud: `Fetcher` is the interface, `registry` finds it, `contract` tests it.
"""

from __future__ import annotations

from fetchers.base import ANY_INSTANCE_TYPE, Fetcher, Unusable
from fetchers.credentials import Credentials
from fetchers.errors import (
    BadFetcher,
    BadSetting,
    CredentialsMissing,
    CredentialsRejected,
    FetchError,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from fetchers.registry import load_fetcher, registry
from fetchers.replay import BUNDLED
from fetchers.running import Fetched, fetch_cloud
from fetchers.session import Session, SessionOptions

__all__ = [
    "ANY_INSTANCE_TYPE",
    "BUNDLED",
    "BadFetcher",
    "BadSetting",
    "Credentials",
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
    "Unusable",
    "fetch_cloud",
    "load_fetcher",
    "registry",
]
