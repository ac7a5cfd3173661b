"""A store in an S3 bucket, of Amazon or of anybody who speaks its protocol and honours conditional writes."""

from __future__ import annotations

import ipaddress
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timezone
from typing import Any
from urllib.parse import urlsplit

# This module is imported by `open_store` alone, and only for an s3:// place; boto3 itself waits for `open_s3`.
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

from gpu_catalog.manifest import is_plain_path
from publisher.errors import StoreProblem
from publisher.store import ENDPOINT_VARIABLE, Entry, Store, Stored, check_key, check_prefix, check_size, is_key

PAGE_KEYS = 1000
"""Keys that one request lists; S3 gives at most 1000."""

ATTEMPTS = 4
"""Of every request, the first one included; boto3 waits up to 20 s between two."""

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
"""Between two pieces of an answer."""

CONFLICT_PAUSES_SECONDS = (0.1, 0.3, 1.0, 3.0)
"""Before each new try of a write that S3 would not decide (409)."""

WRITE_ID = "gpu-catalog-write"
"""Object metadata that tells our own write from another one of the same bytes."""

_PIECE_BYTES = 1024 * 1024
_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.ASCII)
_CREDENTIAL_ERRORS = re.compile("Credential|Token|Profile|SSO|Login")
_NO_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_RIGHTS = "s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"
_REFUSALS = {
    ("NoSuchBucket",): "there is no such bucket; create it or name another one",
    (
        "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestExpired", "SignatureDoesNotMatch",
        "TokenRefreshRequired", "UnrecognizedClientException",
    ): f"the credentials are refused; {_NO_CREDENTIALS}, to ones that are valid now",
    ("RequestTimeTooSkewed",): "the clock of this machine is wrong; set it",
    ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "301", "307"):
        "the bucket is in another region; set AWS_DEFAULT_REGION to the bucket's",
    ("BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"):
        "checksum mismatch, the bytes were damaged on the way and nothing was changed; run again",
    ("NotImplemented",): "this service lacks conditional writes; use another one",
    ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403"):
        f"denied; give these credentials {_RIGHTS}",
    ("SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError", "500", "503"):
        f"S3 is not able to after {ATTEMPTS} attempts; run again later",
}  # fmt: skip
"""Codes of error answers (the HTTP status where an answer has no body), what they mean and what to do."""


def open_s3(place: str, endpoint: str | None = None) -> S3Store:
    """The store at `s3://bucket/prefix`, at Amazon or at another endpoint. Nothing is asked of it yet.

    Raises:
        StoreProblem: the place or the endpoint is not of its form, or boto3's configuration is unusable.
    """
    found = _PLACE.fullmatch(place)
    prefix = (found[2] or "").rstrip("/") if found else ""
    if not found or (prefix and not is_plain_path(prefix)):
        # Not repeated: somebody may have put a key into it.
        raise StoreProblem("the s3:// place is not of the form s3://bucket/prefix, of plain names; correct it")
    if endpoint:
        _check_endpoint(endpoint)
    with _explained("open", place, endpoint or "S3"):
        client = _client(endpoint)
    # boto3 takes an endpoint from AWS_ENDPOINT_URL and its configuration file too.
    _check_endpoint(client.meta.endpoint_url)
    return S3Store(client, found[1], prefix)


def _client(endpoint: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        proxies={} if endpoint and _is_loopback(endpoint) else None,
        # Bucket names as host names need a wildcard certificate, which other services seldom have.
        s3={"addressing_style": "path"} if endpoint else None,
    )
    session = boto3.session.Session()
    # Services other than Amazon's need some region to sign with.
    region = session.region_name or ("us-east-1" if endpoint else None)
    return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)


def _check_endpoint(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and parts.username is None and not (parts.query or parts.fragment)
        good = good and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(url)))
    except ValueError:
        good = False
    if not good:
        allowed = "an https:// URL (http:// only on loopback) without a user name in it"
        raise StoreProblem(f"the S3 endpoint is not {allowed}; correct {ENDPOINT_VARIABLE} or AWS_ENDPOINT_URL")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class S3Store(Store):
    """Objects below a prefix of a bucket. One instance may be used by many threads."""

    def __init__(
        self, client: Any, bucket: str, prefix: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """`client` is boto3's, `prefix` without the last `/`, empty for the whole bucket."""
        self.place = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = client
        self._bucket = bucket
        self._base = f"{prefix}/" if prefix else ""
        self._sleep = sleep

    def get(self, key: str) -> Stored | None:  # noqa: D102
        address = self._address(key)
        with self._explained("read", key):
            try:
                answer = self._client.get_object(**address, ChecksumMode="ENABLED")
            except ClientError as exc:
                if _code(exc) == "NoSuchKey":
                    return None
                raise
            # Not `with answer["Body"]`, which gives the bare stream, without checksum and length.
            with closing(answer["Body"]) as body:
                check_size(answer.get("ContentLength") or 0, f"{self.place}/{key}")
                content = b""
                # To the end, also past what was announced: only there boto3 compares the checksum.
                while piece := body.read(_PIECE_BYTES):
                    content += piece
                    check_size(len(content), f"{self.place}/{key}")
            return Stored(content, answer["ETag"])

    def put_if_absent(self, key: str, content: bytes) -> bool:  # noqa: D102
        return self._put(key, content, {"IfNoneMatch": "*"})

    def put_if_match(self, key: str, content: bytes, version: str) -> bool:  # noqa: D102
        return self._put(key, content, {"IfMatch": version})

    def list(self, prefix: str) -> Iterator[Entry]:  # noqa: D102
        return self._entries(check_prefix(prefix))

    def delete(self, key: str) -> None:  # noqa: D102
        address = self._address(key)
        with self._explained("delete", key):
            self._client.delete_object(**address)

    def _address(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._base + check_key(key)}

    def _entries(self, prefix: str) -> Iterator[Entry]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._base + prefix, PaginationConfig={"PageSize": PAGE_KEYS}
        )
        with self._explained("list", prefix):
            for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._base)
                    if is_key(key):
                        yield Entry(key, item["Size"], item["LastModified"].astimezone(timezone.utc))

    def _put(self, key: str, content: bytes, condition: dict[str, str]) -> bool:
        address = self._address(key)
        check_size(len(content), f"{self.place}/{key}")
        write_id = uuid.uuid4().hex
        for pause in (*CONFLICT_PAUSES_SECONDS, None):
            with self._explained("write", key):
                try:
                    answer = self._client.put_object(
                        **address,
                        Body=content,
                        ChecksumAlgorithm="SHA256",
                        Metadata={WRITE_ID: write_id},
                        **condition,
                    )
                except ClientError as exc:
                    status = _status(exc)
                    if status == 412:
                        return self._is_ours(address, write_id)
                    if status == 404 and _code(exc) == "NoSuchKey":
                        return False
                    if status != 409:
                        raise
                else:
                    return bool(answer["ETag"])
            # S3 saw two writers at once and decided for neither; asked again, it decides.
            if pause is not None:
                self._sleep(pause)
        raise StoreProblem(f"{self.place}/{key}: others keep writing it, nothing was changed; run again")

    def _is_ours(self, address: dict[str, str], write_id: str) -> bool:
        """Whether what is in the way is this very write: the answer to it got lost, and boto3 sent it again."""
        try:
            metadata = self._client.head_object(**address).get("Metadata", {})
        except ClientError as exc:
            if _status(exc) == 404:
                return False
            raise
        return bool(metadata.get(WRITE_ID) == write_id)

    @contextmanager
    def _explained(self, verb: str, key: str) -> Iterator[None]:
        with _explained(verb, f"{self.place}/{key}", self._client.meta.endpoint_url):
            yield


@contextmanager
def _explained(verb: str, what: str, endpoint: str) -> Iterator[None]:
    """What botocore raises becomes a StoreProblem of one line.

    The texts of others are left out: they may repeat a key, and an endpoint may say anything.
    """
    try:
        yield
    except ClientError as exc:
        raise StoreProblem(f"cannot {verb} {what}: {_refusal(exc)}") from exc
    except (FlexibleChecksumError, ChecksumError) as exc:
        damaged = "checksum mismatch, what came is not what was stored"
        raise StoreProblem(f"cannot {verb} {what}: {damaged}; run again, then restore it") from exc
    except (BotoConnectionError, HTTPClientError, IncompleteReadError, OSError) as exc:
        missed = f"{endpoint} cannot be reached or broke off ({type(exc).__name__})"
        next_step = f"check the network and {ENDPOINT_VARIABLE}, then run again"
        raise StoreProblem(f"cannot {verb} {what}: {missed}; {next_step}") from exc
    except (ResponseParserError, KeyError) as exc:
        strange = f"{endpoint} does not answer as S3 does"
        raise StoreProblem(f"cannot {verb} {what}: {strange}; check {ENDPOINT_VARIABLE}") from exc
    except (BotoCoreError, ValueError) as exc:
        name = type(exc).__name__
        if _CREDENTIAL_ERRORS.search(name):
            raise StoreProblem(f"cannot {verb} {what}: no credentials ({name}); {_NO_CREDENTIALS}") from exc
        unusable = f"boto3 cannot be used as it is configured ({name})"
        raise StoreProblem(f"cannot {verb} {what}: {unusable}; check AWS_* and ~/.aws/config") from exc


def _refusal(exc: ClientError) -> str:
    """What an error answer means and what to do about it."""
    code = _code(exc)
    for codes, meaning in _REFUSALS.items():
        if code in codes:
            return f"{code}: {meaning}"
    return f"refused ({code}, status {_status(exc)}); look the code up in the documentation of S3"


def _code(exc: ClientError) -> str:
    """S3's word for the error; it comes from the network, so only letters and digits of it are shown."""
    return re.sub(r"[^A-Za-z0-9]", "", str(exc.response.get("Error", {}).get("Code", "")))[:40]


def _status(exc: ClientError) -> int:
    return int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
