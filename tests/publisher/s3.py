"""An S3 server (moto) on loopback for tests, in a process of its own.

from tests.publisher.s3 import S3Server, aws_fixture, s3_fixture, server_fixture  # noqa: F401

def test_it(s3: S3Server) -> None: open_store(s3.new_place())
"""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

_MOTO = """
import sys, threading
from moto.s3.responses import S3Response
from moto.server import main

# moto compares and writes in two steps, and its threads may change over between them. S3 does not.
one_at_a_time, put = threading.Lock(), S3Response.put_object
def put_object(self):
    with one_at_a_time:
        return put(self)
S3Response.put_object = put_object
main(sys.argv[1:])
"""


class S3Server:
    """`moto_server` with writes made atomic; a context manager. Ends by its own process id."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()

    def __enter__(self) -> S3Server:
        for _ in range(5):  # somebody may take the free port before moto does
            port = _free_port()
            self.url = f"http://127.0.0.1:{port}"
            command = [sys.executable, "-c", _MOTO, "-H", "127.0.0.1", "-p", str(port)]
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while self._process.poll() is None:
                if _answers(f"{self.url}/moto-api/"):
                    return self
                time.sleep(0.05)
        raise RuntimeError("moto_server does not start")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def environ(self) -> dict[str, str]:
        """What leads our code here, with credentials that moto does not look at."""
        return {**CREDENTIALS, "GPU_CATALOG_S3_ENDPOINT": self.url}

    def client(self) -> Any:
        """A client of its own, to look and to spoil from the side."""
        import boto3

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="side",
            aws_secret_access_key="side",
        )

    def new_place(self, prefix: str = "catalogs") -> str:
        """The place of an empty store, in a bucket of its own."""
        bucket = f"bucket-{next(self._numbers)}"
        self.client().create_bucket(Bucket=bucket)
        return f"s3://{bucket}/{prefix}".rstrip("/")


CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDTESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "SECRET-never-to-be-shown",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(name="s3_server", scope="module")
def server_fixture() -> Iterator[S3Server]:
    """One server for all tests of a module."""
    with S3Server() as server:
        yield server


@pytest.fixture(name="s3")
def s3_fixture(s3_server: S3Server, nobodys_aws: None, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, as the one that `open_store` finds."""
    for name, value in s3_server.environ.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(name="nobodys_aws")
def aws_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the AWS configuration of whoever runs the tests; no credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")] + ["GPU_CATALOG_S3_ENDPOINT"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
