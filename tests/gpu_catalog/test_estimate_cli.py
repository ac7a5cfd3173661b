"""`estimate-cost`, as a command: what is printed where, exit codes, tables, wrong input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gpu_catalog.cli import main
from gpu_catalog.estimate_cli import estimate_command
from tests.gpu_catalog.answers import checked, parsed
from tests.gpu_catalog.trees import AWS, GCP, tree
from tests.samples import CATALOGS

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _our_catalogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))


@pytest.fixture
def clouds(tmp_path: Path) -> str:
    return str(tree(tmp_path / "clouds", {"aws": AWS, "gcp": GCP}))


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(estimate_command, arguments, input=stdin)


def test_the_first_line_is_that_of_the_contract() -> None:
    result = run("A100:1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == "Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)"


def test_it_is_gpu_catalog_estimate_too() -> None:
    result = CliRunner().invoke(main, ["estimate", "A100:1"])
    assert result.stdout == run("A100:1").stdout


def test_the_installed_command_runs_and_loads_no_requests(tmp_path: Path) -> None:
    code = "import sys; from gpu_catalog.estimate_cli import estimate_command as c; c(['A100:1'], standalone_mode=False)"
    program = (
        f"import atexit, sys; atexit.register(lambda: sys.stderr.write(str('requests' in sys.modules)))\n{code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.startswith("Estimated cost: $1.99/hr (")
    assert done.stderr == "False"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["A100:x"], "Error: 'A100:x' is not NAME or NAME:COUNT with a count above 0, e.g. A100:8"),
        (["A100:0"], "Error: 'A100:0': the count is not above 0; write e.g. A100:8"),
        ([":1"], "Error: ':1' names no accelerator; write e.g. A100:8"),
        (["A100:1:1"], "Error: 'A100:1:1' is not NAME or NAME:COUNT with a count above 0, e.g. A100:8"),
        ([""], "Error: neither a GPU nor an instance type: name one, e.g. A100:1"),
        (["A100", "--hours", "nan"], "Error: hours nan is not a number of hours from 0 to 1000000000"),
        (["A100:1e9"], "No price: no instance with A100:1000000000 on any cloud here; lambda has A100:1, A100:2, A100:4, A100:8"),
        (["A100", "--spot"], "No price: no spot price is known for A100:1 on Lambda; on-demand it is 1.99 dollars an hour (Lambda us-east-1)"),
        (["H100:8", "--max-price", "20"], "No price: the cheapest is $23.12/hr (RunPod AU), above $20.00"),
        (["H100:8", "--max-price", "46", "--nodes", "2"], "No price: the cheapest is $46.24/hr (RunPod AU), above $46.00"),
        (["--batch", "/nowhere/at/all"], "Error: /nowhere/at/all: cannot be read (No such file or directory)"),
        (["--batch", "/"], "Error: /: cannot be read (Is a directory)"),
        (["8xH100"], "No price: no accelerator '8xH100' on any cloud here; write H100:8"),
        (["gpu_1x_a10"], "No price: no accelerator 'gpu_1x_a10' on any cloud here; it is an instance type: --instance-type gpu_1x_a10"),
        (["T4"], "No price: no accelerator 'T4' on any cloud here; `gpu-catalog sync --upstream aws,gcp,azure` fetches more clouds"),
        (["K80"], "No price: no accelerator 'K80' on any cloud here; `gpu-catalog sync --upstream aws,gcp,azure` fetches more clouds"),
        (["H100:4", "--instance-type", "gpu_8x_h100_sxm5"], "No price: gpu_8x_h100_sxm5 does not have H100:4; lambda has H100:8"),
        (["RTX4090", "--zone", "OC-AU-1", "--region", "US"], "No price: zone OC-AU-1 on any cloud here is in AU, not in US"),
        (["V100", "--cloud", "aws", "--cloud", "gcp", "--cloud", "modal"], "No price: no prices for modal: it bills by the second and is in no instance catalog; no prices for aws, gcp here, only for lambda, runpod, yotta; `gpu-catalog sync --upstream aws,gcp` fetches SkyPilot's"),
        (["A100", "--root", "/nowhere"], "Error: /nowhere: no such folder; name one with catalogs in it, or run `gpu-catalog sync`"),
        (["--min-gpu-memory", "500"], "No price: no accelerator on any cloud here with 500 GB per GPU; the nearest have up to 255 vCPUs, 2900 GiB and 288 GB per GPU"),
    ],
)  # fmt: skip
def test_without_a_price_there_is_one_line_on_standard_error(arguments: list[str], error: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.sub(r"up to \d+ vCPUs, \d+ GiB", "up to 255 vCPUs, 2900 GiB", result.stderr) == error + "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["A100", "--nodes", "0"], ["A100", "--hours", "-1"], ["A100", "--nodes", "x"], ["A100", "--top", "0"],
        ["A100", "--what"], ["A100", "B200"], ["A100", "--batch", "-"], ["--compare", "--task", "t.yaml"],
        ["--compare", "--hours", "2"], ["--cloud", ""], ["A100", "--region", ""], ["A100", "--max-price", "0"],
        ["--task", "t.yaml", "--spot"],
    ],
)  # fmt: skip
def test_wrong_options_are_exit_code_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


@pytest.mark.parametrize("question", ["A100:1", "A100:x", "nope", "", ":", "H100:1e9", "tpu-v3-8"])
def test_json_is_one_object_on_standard_output_whatever_is_asked(question: str) -> None:
    result = run(question, "--json")
    answer = checked(parsed(result.stdout))
    assert (result.exit_code, result.stderr) == (0 if answer["found"] else 1, "")
    assert answer["found"] == (question == "A100:1")


def test_a_month_and_the_cheapest_of_each_cloud_and_the_top(clouds: str) -> None:
    result = run("L4", "--monthly", "--all", "--root", clouds)
    lines = result.stdout.splitlines()
    assert lines[2] == "  $518.30/month (730 h)"
    assert [line.split()[:3] for line in lines[-2:]] == [
        ["GCP", "us-central1", "us-central1-a"], ["AWS", "us-east-1", "use1-az1"]
    ]  # fmt: skip
    assert lines[-1].split()[6:10] == ["24GB", "0.8048", "-", "-"]

    answer = checked(parsed(run("A10G", "--top", "2", "--monthly", "--json", "--root", clouds).stdout))
    assert [offer["instance_type"] for offer in answer["top"]] == ["g5.xlarge", "g5.2xlarge"]
    assert answer["monthly_cost"] == 734.38


def test_a_gpu_can_be_asked_for_by_its_memory(clouds: str) -> None:
    answer = checked(parsed(run("--min-gpu-memory", "40", "--json", "--root", clouds).stdout))
    assert (answer["provider"], answer["options"][0]["gpu"], answer["cost_per_hour"]) == ("gcp", "A100", 3.67)


def test_the_table_of_gpus_by_clouds(clouds: str) -> None:
    lines = run("--compare", "--root", clouds).stdout.splitlines()
    assert lines[:2] == ["USD per GPU-hour, on-demand / spot, cheapest size", "GPU        AWS              GCP"]
    table = {line.split()[0]: re.split(r"\s{2,}", line)[1:] for line in lines[2:]}
    assert table["A100"] == ["4.10 / 1.02", "3.67 / 1.52"]
    assert table["V100"] == ["-", "2.95 / 0.8400"]
    assert table["Trainium2"] == ["- / 0.2562", "-"]
    document = parsed(run("A100:8", "--compare", "--json", "--root", clouds).stdout)
    assert document["gpus"] == {"A100": {"aws": {"on_demand": 4.096575, "spot": 1.01875}}}
    assert run("nope", "--compare", "--root", clouds).exit_code == 1


NODES: list[Any] = [
    {"provider": "", "region": "", "gpu": "A100", "gpu_count": 1, "use_spot": False, "disk_size": 0, "node_id": "n1"},
    {"gpu": "H100", "gpu_count": 8, "provider": "lambda"}, {"gpu": "nope"}, {}, 7, None, [], "A100",
    {"gpu": "A100", "gpu_count": -1}, {"gpu": "A100", "gpu_count": "two"}, {"gpu": ["A100"]},
]  # fmt: skip


def test_a_batch_is_answered_object_by_object_in_order() -> None:
    result = run("--batch", "-", "--json", stdin=json.dumps(NODES))
    answers = [checked(answer) for answer in parsed(result.stdout)]
    assert (result.exit_code, result.stderr) == (0, "")
    assert [answer["cost_per_hour"] for answer in answers] == [1.99, 31.92, *[None] * 9]
    assert all(answer["reason"] for answer in answers[2:])
    table = run("--batch", "-", stdin=json.dumps(NODES)).stdout.splitlines()
    assert table[1 + len(NODES)].startswith("  Sample data, not today's prices (Lambda)")
    assert table[1].split()[:7] == ["1", "A100", "1", "Lambda", "us-east-1", "gpu_1x_a100", "1.99"]
    assert table[3].split()[:7] == ["3", "nope", "1", "-", "-", "-", "-"]


def test_hours_hold_for_every_member_of_a_batch() -> None:
    [answer] = parsed(run("--batch", "-", "--json", "--hours", "2", stdin='[{"gpu": "A100"}]').stdout)
    assert (answer["hours"], answer["estimated_cost"]) == (2, 3.98)


@pytest.mark.parametrize("stdin", [b"", b"{}", b"[1, 2", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_a_batch_that_is_no_array_is_one_line(stdin: bytes) -> None:
    result = run("--batch", "-", stdin=stdin)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"Error: a batch is [^\n]*\n", result.stderr)
    assert not checked(parsed(run("--batch", "-", "--json", stdin=stdin).stdout))["found"]


TASK = """
name: train
num_nodes: 2
resources:
  any_of:
    - {infra: aws, accelerators: A100:8}
    - {infra: gcp/us-central1, accelerators: A100:1}
    - {infra: k8s/mine, accelerators: A100:1}
setup: pip install .
"""


def test_a_task_file_is_priced_with_all_its_choices(tmp_path: Path, clouds: str) -> None:
    task = tmp_path / "task.yaml"
    task.write_text(TASK)
    result = run("--task", str(task), "--root", clouds)
    lines = result.stdout.splitlines()
    assert (result.exit_code, result.stderr) == (0, "")
    assert lines[0] == "Estimated cost: $7.34/hr (2 nodes, GCP us-central1 on-demand)"
    assert "Task train, choices cheapest first:" in lines
    assert [line.split("  ")[0] for line in lines[-3:]] == [
        "A100:1 on gcp/us-central1", "A100:8 on aws", "A100:1 on k8s/mine"
    ]  # fmt: skip
    assert "already paid for" in lines[-1]

    [told] = parsed(run("--task", str(task), "--hours", "2", "--json", "--root", clouds).stdout)["tasks"]
    assert (told["name"], told["order"]) == ("train", "cheapest")
    assert checked(told["answer"])["estimated_cost"] == 14.68
    assert [checked(choice["answer"])["found"] for choice in told["choices"]] == [True, True, False]


def test_a_task_without_a_price_prints_nothing_on_standard_output(tmp_path: Path) -> None:
    task = tmp_path / "task.yaml"
    task.write_text("resources: {accelerators: Nope:3}")
    result = run("--task", str(task))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no accelerator 'Nope' on any cloud here" in result.stderr
    document = parsed(run("--task", str(task), "--json").stdout)
    assert (document["found"], len(document["tasks"])) == (False, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:\n\t- b", "not valid YAML: while scanning for the next token"),
        ("- a\n- b", "a task is a mapping with `resources:`, not a list"),
        ("", "there is no task in it"),
        ("a: *missing", "not valid YAML: found undefined alias"),
        (" " * 10_000_000, "larger than 131072 bytes, which is more than a task"),
    ],
)
def test_a_bad_task_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    task = tmp_path / "task.yaml"
    task.write_text(text)
    result = run("--task", str(task))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {task}: {said}")
    assert result.stderr.count("\n") == 1
    assert run("--task", str(tmp_path / "none.yaml")).stderr.endswith(
        "cannot be read (No such file or directory)\n"
    )


@pytest.mark.parametrize("arguments", [["A10"], ["A10", "--json"], ["--batch", "-", "--json"], ["--compare"]])
def test_streams_that_are_closed_or_full_end_in_one_line_and_exit_code_1(
    arguments: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "gpu_catalog.estimate_cli", *arguments]
    for redirect in ("< /dev/null > /dev/full", "< /dev/null >&-", "<&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirect}', "sh", *command], capture_output=True, text=True, check=False,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        fails = redirect != "<&-" or "--batch" in arguments
        assert done.returncode == (1 if fails else 0), (redirect, done.stderr)
        assert done.stderr.count("\n") <= 1


def test_an_interrupted_batch_ends_as_130_and_says_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gpu_catalog.estimate_cli", "--batch", "-", "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        # Tests that run in the background of a shell inherit that it is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as running:  # fmt: skip
        assert running.stdin is not None
        running.stdin.write(b"[")
        running.stdin.flush()
        time.sleep(2.0)  # It is reading standard input by then.
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out, err) == (130, b"", b"")
