"""Keys: environment over file, every form of the clouds' own key files, and nothing of a key in any message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fetchers import CredentialsMissing, FetchError, Session, SessionOptions, load_fetcher
from fetchers.credentials import MAX_KEY_FILE_BYTES, Key, find_key
from fetchers.exchange import Request
from fetchers.lambda_cloud import LambdaCloud
from fetchers.runpod import RunPod
from fetchers.yotta import Yotta

KEY = "secret_name_0a1b2c3d4e5f.6a7b8c9d"
YOTTA, LAMBDA, RUNPOD = Yotta.credentials, LambdaCloud.credentials, RunPod.credentials


def write(home: Path, source_file: str, text: str | bytes, mode: int = 0o600) -> None:
    path = home / source_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)


@pytest.mark.parametrize(
    ("cloud", "name", "variable"),
    [
        ("yotta", "Yotta", "YOTTA_API_KEY"),
        ("lambda", "Lambda", "LAMBDA_API_KEY"),
        ("runpod", "RunPod", "RUNPOD_API_KEY"),
    ],
)
def test_a_cloud_is_called_so_and_its_key_is_in_the_documented_variable(
    cloud: str, name: str, variable: str, tmp_path: Path
) -> None:
    fetcher = load_fetcher(cloud)
    assert fetcher.credentials is not None
    key = find_key(fetcher.credentials, {variable: KEY}, tmp_path)
    assert (fetcher.display_name, key and key.text) == (name, KEY)


@pytest.mark.parametrize(("cloud", "needs_key"), [("yotta", True), ("lambda", True), ("runpod", False)])
def test_who_answers_without_a_key(cloud: str, needs_key: bool, tmp_path: Path) -> None:
    options = SessionOptions(environ={}, home=tmp_path)
    if needs_key:
        with pytest.raises(CredentialsMissing):
            Session(load_fetcher(cloud), options)
    else:
        assert not Session(load_fetcher(cloud), options).has_key


LAMBDA_FILES = [
    f"api_key = {KEY}\n",
    f"api_key={KEY}",
    f"api_key: {KEY}\n",
    f"api_key :{KEY}\n",
    f"  API_KEY   =   {KEY}  \r\n",
    f"\ufeffapi_key = {KEY}\n",
    f'api_key = "{KEY}"\n',
    f"api_key = '{KEY}'  # quoted\n",
    f"api_key = {KEY} # my key\n",
    f"api_key = {KEY}\t; mine\n",
    f"# comment\n; another\n\nname = me\napi_key = {KEY}\napi_key = second\n",
    f"[default]\napi_key = {KEY}\n",
    f"[other]\napi_key = wrong\n[ Default ]\napi_key = {KEY}\n",
    f"{KEY}\n",
    f"  {KEY}\r\n",
    f"# my key\n'{KEY}'\n",
]


@pytest.mark.parametrize("text", LAMBDA_FILES)
def test_a_lambda_key_file_is_read_leniently(text: str, tmp_path: Path) -> None:
    write(tmp_path, LAMBDA.file, text)
    key = find_key(LAMBDA, {}, tmp_path)
    assert key
    assert (key.text, key.found_in, key.warning) == (KEY, "~/.lambda_cloud/lambda_keys", None)


@pytest.mark.parametrize("text", [f"orgId=1\napikey={KEY}\n", f"userId=1\r\napikey = {KEY}\r\n", f"apikey={KEY}"])
def test_a_yotta_file_is_that_of_skypilot(text: str, tmp_path: Path) -> None:
    write(tmp_path, YOTTA.file, text)
    key = find_key(YOTTA, {}, tmp_path)
    assert key
    assert key.text == KEY


@pytest.mark.parametrize(
    "text",
    [f'[default]\napi_key = "{KEY}"\n', f'apikey = "{KEY}"\napiurl = "https://x"\n', f"apiKey: {KEY}\n",
     f'[other]\napi_key = "no"\n\n[default] # mine\napi_key = "{KEY}"\n'],
)  # fmt: skip
def test_a_runpod_file_is_that_of_its_sdk_or_of_runpodctl(text: str, tmp_path: Path) -> None:
    write(tmp_path, RUNPOD.file, text)
    key = find_key(RUNPOD, {}, tmp_path)
    assert key
    assert key.text == KEY


@pytest.mark.parametrize("value", [KEY, f" {KEY}\n", f'"{KEY}"', f"{KEY} # from the console"])
def test_the_environment_wins(value: str, tmp_path: Path) -> None:
    write(tmp_path, LAMBDA.file, "api_key = other\n")
    key = find_key(LAMBDA, {"LAMBDA_API_KEY": value}, tmp_path)
    assert key
    assert (key.text, key.found_in) == (KEY, "LAMBDA_API_KEY")


@pytest.mark.parametrize("value", ["", "  ", "''", "# nothing"])
def test_a_blank_variable_is_none(value: str, tmp_path: Path) -> None:
    write(tmp_path, LAMBDA.file, f"api_key = {KEY}\n")
    key = find_key(LAMBDA, {"LAMBDA_API_KEY": value}, tmp_path)
    assert key
    assert key.found_in == "~/.lambda_cloud/lambda_keys"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_a_warning(mode: int, tmp_path: Path) -> None:
    write(tmp_path, YOTTA.file, f"apikey={KEY}", mode)
    key = find_key(YOTTA, {}, tmp_path)
    assert key
    assert key.warning == "others can read ~/.yotta/credentials; run: chmod 600 ~/.yotta/credentials"
    session = Session(load_fetcher("yotta"), SessionOptions(environ={}, home=tmp_path))
    session.close()
    assert session.warnings == [key.warning]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# nothing\n", "api_key =\n", "api_key = ''", "api_key = # no\n", "key = x\n",
             f"[other]\napi_key = {KEY}\n", "two\nlines\n"],
)  # fmt: skip
def test_a_file_without_a_key_is_named(text: str, tmp_path: Path) -> None:
    write(tmp_path, LAMBDA.file, text)
    with pytest.raises(CredentialsMissing, match="has no line `api_key = KEY`"):
        find_key(LAMBDA, {}, tmp_path)


def test_a_key_file_without_a_key_is_a_warning_where_none_is_needed(tmp_path: Path) -> None:
    write(tmp_path, ".runpod/config.toml", "[default\nbroken")
    session = Session(load_fetcher("runpod"), SessionOptions(environ={}, home=tmp_path))
    session.close()
    assert not session.has_key
    assert session.warnings[0].startswith("asked without a key: ~/.runpod/config.toml has no line `api_key = KEY`")


def test_a_bare_key_is_for_lambda_only(tmp_path: Path) -> None:
    write(tmp_path, YOTTA.file, KEY)
    with pytest.raises(CredentialsMissing, match="has no line `apikey = KEY`"):
        find_key(YOTTA, {}, tmp_path)


def test_no_file_and_no_home_are_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_key(LAMBDA, {}, tmp_path) is None
    write(tmp_path, ".lambda_cloud", "a file where the folder belongs")
    assert find_key(LAMBDA, {}, tmp_path) is None
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert find_key(LAMBDA, {}) is None


BAD_FILES: list[bytes] = [
    b"api_key = " + KEY.encode() + b"\x00tail\n",
    b"api_key = " + KEY.encode() + b"\x1b[31m\n",
    b"api_key = two words\n",
    "api_key = gehe\u00efm\n".encode(),
    b"api_key = " + KEY.encode() * 20 + b"\n",
    b"\xff\xfe" + KEY.encode("utf-16-le"),
    b"x" * (MAX_KEY_FILE_BYTES + 1),
]


@pytest.mark.parametrize("content", BAD_FILES, ids=range(len(BAD_FILES)))
def test_what_can_be_no_key_is_refused_in_one_line_without_it(content: bytes, tmp_path: Path) -> None:
    write(tmp_path, LAMBDA.file, content)
    with pytest.raises(CredentialsMissing) as caught:
        find_key(LAMBDA, {}, tmp_path)
    message = str(caught.value)
    assert message.isprintable()
    assert "~/.lambda_cloud/lambda_keys" in message
    assert KEY not in message


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / LAMBDA.file).mkdir(parents=True)
    with pytest.raises(CredentialsMissing, match="cannot be read"):
        find_key(LAMBDA, {}, tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, LAMBDA.file, KEY, mode=0)
    with pytest.raises(CredentialsMissing, match="cannot be read"):
        find_key(LAMBDA, {}, tmp_path)


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "\u00e9", "x" * 600])
def test_a_variable_that_can_be_no_key_is_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(CredentialsMissing, match="what YOTTA_API_KEY holds is no API key"):
        find_key(YOTTA, {"YOTTA_API_KEY": value}, tmp_path)


@pytest.mark.parametrize("cloud", ["yotta", "lambda"])
def test_no_key_says_where_one_may_lie(cloud: str, tmp_path: Path) -> None:
    source = {"yotta": YOTTA, "lambda": LAMBDA}[cloud]
    with pytest.raises(CredentialsMissing) as caught:
        Session(load_fetcher(cloud), SessionOptions(environ={}, home=tmp_path))
    assert source.variable in str(caught.value)
    assert f"~/{source.file}" in str(caught.value)


def test_runpod_needs_no_key(tmp_path: Path) -> None:
    session = Session(load_fetcher("runpod"), SessionOptions(environ={}, home=tmp_path))
    session.close()
    assert not session.has_key


def test_a_key_shows_in_no_repr_and_no_message(tmp_path: Path) -> None:
    assert KEY not in repr(Key(KEY, "LAMBDA_API_KEY"))
    environ = {"LAMBDA_API_KEY": KEY, "LAMBDA_BASE_URL": "https://127.0.0.1:1"}
    session = Session(load_fetcher("lambda"), SessionOptions(environ=environ, home=tmp_path, deadline_seconds=0.2))
    with pytest.raises(FetchError) as caught:
        session.get(session.base_url("LAMBDA_BASE_URL") + "/api/v1/regions")
    session.close()
    assert KEY not in repr(caught.value)
    assert KEY not in repr(session)
    assert KEY not in repr(SessionOptions(environ=environ))
    assert KEY not in repr(Request(method="GET", url="https://example.com", key_header=("Authorization", KEY)))
