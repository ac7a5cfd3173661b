"""What only S3 can go through: its errors, lost answers, odd objects of others, pages, and how it is opened."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

import publisher.s3_store
from publisher.errors import StoreProblem
from publisher.s3_store import S3Store, open_s3
from publisher.store import open_store
from tests.publisher.s3 import CREDENTIALS, S3Server, aws_fixture, s3_fixture, server_fixture  # noqa: F401

SECRETS = re.compile("AKID|SECRET-never|hunter2")


def message_of(problem: pytest.ExceptionInfo[StoreProblem]) -> str:
    """The message, which is one line with a next step and without credentials."""
    message = str(problem.value)
    assert message.isprintable()
    assert "; " in message
    assert not SECRETS.search(message)
    return message


def bucket_of(place: str) -> str:
    return place.split("/")[2]


@pytest.fixture
def stub(nobodys_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Answers in place of Amazon's; every one that is queued must be asked for."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    import boto3

    with Stubber(boto3.session.Session().client("s3", region_name="eu-central-1")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@contextmanager
def web_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# What is sent and what is read.


def test_objects_lie_below_the_prefix_with_their_checksum(s3: S3Server) -> None:
    place = s3.new_place("some/prefix")
    store = open_store(f"{place}/")
    assert store.place == place
    store.put_if_absent("v8/a.csv", b"x")
    head = s3.client().head_object(Bucket=bucket_of(place), Key="some/prefix/v8/a.csv", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="
    stored = store.get("v8/a.csv")
    assert stored is not None
    assert stored.version == head["ETag"]


def test_a_store_may_be_a_whole_bucket(s3: S3Server) -> None:
    store = open_store(s3.new_place(""))
    store.put_if_absent("a", b"x")
    assert [entry.key for entry in store.list("")] == ["a"]


def test_a_prefix_does_not_see_its_neighbour(s3: S3Server) -> None:
    place = s3.new_place("prefix")
    open_store(f"{place}-2").put_if_absent("a", b"x")
    assert list(open_store(place).list("")) == []


def test_objects_of_others_with_odd_keys_are_passed_over(s3: S3Server) -> None:
    place = s3.new_place("p")
    odd = [
        "a b",
        "é",
        "x//y",
        ".hidden",
        "../up",
        "a/",
        "+%2F",
        "%41",
        "ctl\x01a",
        "back\\slash",
        "?q=1",
        "#h",
        "",
        "/a",
    ]
    client = s3.client()
    for key in odd:
        client.put_object(Bucket=bucket_of(place), Key=f"p/{key}", Body=b"theirs")
    store = open_store(place)
    store.put_if_absent("a/b", b"ours")
    assert [entry.key for entry in store.list("")] == ["a/b"]


def test_all_pages_are_listed(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store, wanted = open_store(s3.new_place()), [f"v8/{number:04}" for number in range(110)]
    for key in wanted:
        store.put_if_absent(key, b"x")
    # 11 pages without a rest, then some with one.
    for page_keys in (10, 50, 3):
        monkeypatch.setattr(publisher.s3_store, "PAGE_KEYS", page_keys)
        assert [entry.key for entry in store.list("")] == wanted
    assert [entry.key for entry in store.list("v8/00")] == wanted[:100]


def test_what_does_not_fit_its_checksum_is_not_given_out(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where boto3 is configured to check only what it must."""
    monkeypatch.setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
    place = s3.new_place()
    other = "PPTEQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="
    s3.client().put_object(
        Bucket=bucket_of(place), Key="catalogs/a", Body=b"x", ChecksumAlgorithm="SHA256", ChecksumSHA256=other
    )
    with pytest.raises(StoreProblem) as caught:
        open_store(place).get("a")
    assert "cannot read" in message_of(caught)
    assert "checksum mismatch" in message_of(caught)


def test_an_answer_that_breaks_off_is_not_given_out(s3: S3Server) -> None:
    place = s3.new_place()
    open_store(place).put_if_absent("a", b"x" * 1000)
    with web_server(passing_on(s3, cut=True)) as endpoint, pytest.raises(StoreProblem) as caught:
        open_s3(place, endpoint).get("a")
    assert "cannot be reached or broke off" in message_of(caught)


# Answers that get lost.


def passing_on(server: S3Server, *, lost: int = 0, cut: bool = False) -> type[BaseHTTPRequestHandler]:
    """A handler that passes all on to the server, loses the answers to the first PUTs, cuts bodies in half."""
    left = [lost]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            behind = HTTPConnection(server.url.removeprefix("http://"))
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            if self.command == "PUT" and left[0] > 0:
                left[0] -= 1
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            self.close_connection = cut or self.close_connection

        def handle_expect_100(self) -> bool:
            self.send_response_only(100)
            self.end_headers()
            return True

        do_GET = do_PUT = do_HEAD = forward  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


def test_a_write_whose_answer_got_lost_is_known_as_ours(s3: S3Server) -> None:
    """boto3 sends it again and gets 412, from our own object."""
    place = s3.new_place()
    with web_server(passing_on(s3, lost=1)) as endpoint:
        assert open_s3(place, endpoint).put_if_absent("pointer", b"1")
    with web_server(passing_on(s3, lost=1)) as endpoint:
        store = open_s3(place, endpoint)
        first = store.get("pointer")
        assert first is not None
        assert store.put_if_match("pointer", b"2", first.version)
        assert not store.put_if_absent("pointer", b"2"), "the same bytes by another write are not ours"
    second = open_store(place).get("pointer")
    assert second is not None
    assert second.content == b"2"


def test_a_write_that_never_gets_an_answer(s3: S3Server) -> None:
    with web_server(passing_on(s3, lost=publisher.s3_store.ATTEMPTS)) as endpoint:
        with pytest.raises(StoreProblem) as caught:
            open_s3(s3.new_place(), endpoint).put_if_absent("pointer", b"1")
        assert f"{endpoint} cannot be reached or broke off" in message_of(caught)


# Conflicts: S3 sees two writers at once and decides for neither.


def conflicts(stub: Stubber, count: int) -> None:
    for _ in range(count):
        stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)


def test_a_conflict_is_asked_again(stub: Stubber) -> None:
    pauses: list[float] = []
    store = S3Store(stub.client, "bucket", "", sleep=pauses.append)
    conflicts(stub, 2)
    stub.add_response("put_object", {"ETag": '"1"'})
    assert store.put_if_absent("pointer", b"x")
    conflicts(stub, 1)
    stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stub.add_response("head_object", {"Metadata": {"gpu-catalog-write": "another"}})
    assert not store.put_if_match("pointer", b"y", '"1"')
    assert len(pauses) == 3


def test_a_conflict_without_end_is_a_problem_and_not_false(stub: Stubber) -> None:
    pauses: list[float] = []
    store = S3Store(stub.client, "bucket", "", sleep=pauses.append)
    conflicts(stub, 5)
    with pytest.raises(StoreProblem) as caught:
        store.put_if_absent("pointer", b"x")
    assert "others keep writing it, nothing was changed; run again" in message_of(caught)
    assert pauses == list(publisher.s3_store.CONFLICT_PAUSES_SECONDS)


def test_what_was_in_the_way_may_be_gone_again(stub: Stubber) -> None:
    stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stub.add_client_error("head_object", "404", http_status_code=404)
    assert not S3Store(stub.client, "bucket", "").put_if_match("pointer", b"y", '"1"')


# Refusals.


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("NoSuchBucket", 404, "there is no such bucket; create it"),
        ("AccessDenied", 403, "denied; give these credentials s3:GetObject, s3:PutObject"),
        ("InvalidAccessKeyId", 403, "the credentials are refused; set AWS_ACCESS_KEY_ID"),
        ("ExpiredToken", 400, "the credentials are refused"),
        ("SignatureDoesNotMatch", 403, "the credentials are refused"),
        ("RequestTimeTooSkewed", 403, "the clock of this machine is wrong"),
        ("PermanentRedirect", 301, "the bucket is in another region; set AWS_DEFAULT_REGION"),
        ("AuthorizationHeaderMalformed", 400, "the bucket is in another region"),
        ("BadDigest", 400, "checksum mismatch, the bytes were damaged on the way and nothing was changed"),
        ("NotImplemented", 501, "this service lacks conditional writes"),
        ("SlowDown", 503, "S3 is not able to after 4 attempts; run again later"),
        ("Strange\nCode AKID=", 418, r"refused \(StrangeCode"),
    ],
)
def test_refusals_say_what_to_do(code: str, status: int, says: str, stub: Stubber) -> None:
    store = S3Store(stub.client, "bucket", "catalogs")
    text = "you sent AKIDTESTTESTTEST\nSECRET-never-to-be-shown"
    code = code.replace("AKID=", "")
    for method in ("get_object", "put_object", "put_object", "delete_object", "list_objects_v2"):
        stub.add_client_error(method, code, text, http_status_code=status)
    for verb in (
        lambda: store.get("a"),
        lambda: store.put_if_absent("a", b"x"),
        lambda: store.put_if_match("a", b"x", '"1"'),
        lambda: store.delete("a"),
        lambda: list(store.list("")),
    ):
        with pytest.raises(StoreProblem, match=says) as caught:
            verb()
        assert "s3://bucket/catalogs/" in message_of(caught)


def test_no_such_bucket(s3: S3Server) -> None:
    store = open_store("s3://nobodys-bucket/catalogs")
    for verb in (lambda: store.get("a"), lambda: store.put_if_absent("a", b"x"), lambda: list(store.list(""))):
        with pytest.raises(StoreProblem, match="no such bucket") as caught:
            verb()
        message_of(caught)


def test_no_credentials(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    place = s3.new_place()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StoreProblem) as caught:
        open_store(place).get("a")
    assert "no credentials (NoCredentialsError); set AWS_ACCESS_KEY_ID" in message_of(caught)


def test_half_of_the_credentials(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreProblem) as caught:
        open_store("s3://bucket").get("a")
    assert "no credentials (PartialCredentialsError)" in message_of(caught)


def test_a_profile_that_is_not_there(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreProblem) as caught:
        open_store("s3://bucket")
    assert "(ProfileNotFound)" in message_of(caught)


def test_a_configuration_that_cannot_be_read(
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "config").write_text("no section hunter2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(StoreProblem) as caught:
        open_store("s3://bucket")
    assert "boto3 cannot be used as it is configured (ConfigParseError)" in message_of(caught)


def test_an_endpoint_where_nobody_listens(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher.s3_store, "ATTEMPTS", 1)
    with socket.socket() as taken:  # bound and not listening: refused, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StoreProblem) as caught:
            open_s3("s3://bucket/catalogs", endpoint).get("a")
    assert f"{endpoint} cannot be reached" in message_of(caught)


@pytest.mark.parametrize("content", [b"<html>hunter2</html>", b""])
def test_an_endpoint_that_is_no_s3(content: bytes, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Website(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with web_server(Website) as endpoint:
        store = open_s3("s3://bucket", endpoint)
        for verb in (lambda: store.get("a"), lambda: store.put_if_absent("a", b"x")):
            with pytest.raises(StoreProblem, match="does not answer as S3 does") as caught:
                verb()
            message_of(caught)


# Opening.


@pytest.mark.parametrize(
    "place",
    ["s3://", "s3:///prefix", "s3://AKIDKEY:hunter2@bucket/x", "s3://b", "s3://Bucket/x", "s3://bucket/../x",
     "s3://bucket//x", "s3://bucket/a b", "s3://bucket/.x", "s3://arn:aws:s3:::bucket", "s3://bucket?x=hunter2"],
)  # fmt: skip
def test_what_is_no_bucket_and_prefix(place: str) -> None:
    with pytest.raises(StoreProblem, match="not of the form s3://bucket/prefix") as caught:
        open_store(place)
    message_of(caught)


@pytest.mark.parametrize("variable", ["GPU_CATALOG_S3_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:9000", "http://minio.example", "https://me:hunter2@minio.example"]
)
def test_endpoints_that_are_refused(variable: str, url: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPU_CATALOG_S3_ENDPOINT")
    monkeypatch.setenv(variable, url)
    with pytest.raises(StoreProblem, match="the S3 endpoint is not an https://") as caught:
        open_store("s3://bucket/x")
    message_of(caught)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:9000", "https://", "http://[::1", "https://x?k=hunter2"]
)
def test_endpoints_that_are_none(url: str) -> None:
    with pytest.raises(StoreProblem, match="the S3 endpoint is not an https://") as caught:
        open_s3("s3://bucket/x", url)
    message_of(caught)


def test_amazon_is_asked_in_its_region_and_with_limits(stub: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    client: Any = open_s3("s3://bucket/x")._client
    assert client.meta.endpoint_url == "https://s3.eu-north-1.amazonaws.com"
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (10, 60)
    assert config.retries["total_max_attempts"] == 4
    assert config.retries["mode"] == "standard"


def test_a_proxy_is_not_asked_for_loopback(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    place = s3.new_place()
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    assert open_store(place).put_if_absent("a", b"x")


def test_versions_are_etags_of_the_bytes(s3: S3Server) -> None:
    store = open_store(s3.new_place())
    store.put_if_absent("a", b"x")
    stored = store.get("a")
    assert stored is not None
    assert stored.version == f'"{hashlib.md5(b"x", usedforsecurity=False).hexdigest()}"'
