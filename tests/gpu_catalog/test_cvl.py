"""`cvl run ... --estimate-cost`, on a command line of CVL's shape with the lines of `docs/cvl.md` in it."""

from __future__ import annotations

import csv
import itertools
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from gpu_catalog.cvl import hoisted, print_estimate
from tests.gpu_catalog import cvl_command_line as cvl
from tests.samples import CATALOGS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "cvl.md").read_text(encoding="utf-8")
FIRST_LINE = re.compile(r"^Estimated cost: \$(\d+(\.\d+)?)/hr \(([^)]*)\)")
FLAG = ("--estimate-cost",)
AWS = """\
InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,AvailabilityZone,SpotPrice,Price
g5.xlarge,A10G,1.0,4.0,16.0,,us-east-1,us-east-1a,0.35,0.875
g5.xlarge,A10G,1.0,4.0,16.0,,eu-west-1,eu-west-1a,0.45,0.975
p4d.24xlarge,A100,8.0,96.0,1152.0,,us-east-1,us-east-1a,,32.5
"""
"""Invented figures, in the form of SkyPilot's catalog."""


class Said(NamedTuple):
    """What a command did."""

    code: int | str | None
    """Exit code."""

    out: str
    """Standard output."""

    err: str
    """Standard error."""


Run = Callable[..., Said]


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The sample catalogs, a home with no SkyPilot in it, a working directory with examples, nothing launched."""
    for name in ("SKY_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GPU_CATALOG_CACHE",
                 "GPU_CATALOG_MAX_AGE_DAYS"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for example in ("nanogpt", "ltx2"):
        (tmp_path / "examples" / example).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    cvl.LAUNCHED.clear()
    yield
    cvl.LAUNCHED.clear()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, called in this process as `cvl ARGUMENTS`."""

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["cvl", *arguments])
        capsys.readouterr()
        try:
            code: int | str | None = cvl.main()
        except SystemExit as exc:
            code = exc.code
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return call


@pytest.fixture
def aws(tmp_path: Path) -> None:
    """A catalog of AWS where SkyPilot keeps it."""
    file = tmp_path / "home" / ".sky" / "catalogs" / "v8" / "aws" / "vms.csv"
    file.parent.mkdir(parents=True)
    file.write_text(AWS, encoding="utf-8")


def configure(text: str, *, of_user: bool = False) -> None:
    """Write a configuration file: the example's, or the user's."""
    file = Path.home() / ".cvl" / "config.yaml" if of_user else Path("examples/nanogpt/cvl.yaml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def priced(said: Said) -> tuple[Decimal, str]:
    """Figure and place of the first line; all else is as it must be when there is a price."""
    assert (said.code, said.err, cvl.LAUNCHED) == (0, "", [])
    first = FIRST_LINE.match(said.out)
    assert first is not None, said.out
    assert first.end() == said.out.index("\n")
    return Decimal(first[1]), first[3]


def total(said: Said, time: str) -> Decimal:
    """The figure of the line that says what so much time costs."""
    [figure] = re.findall(rf"^  \$([\d.]+) for {time}$", said.out, re.MULTILINE)
    return Decimal(figure)


def refused(said: Said) -> str:
    """The reason; all else is as it must be when there is none."""
    assert (said.code, said.out, cvl.LAUNCHED) == (1, "", [])
    assert re.fullmatch(r"Error: [^\n]+\n", said.err), said.err
    return said.err.removeprefix("Error: ").rstrip("\n")


def cheapest(cloud: str, gpu: str, count: float) -> Decimal:
    """Least on-demand price in a published catalog, read as a plain table."""
    with (CATALOGS / "v8" / cloud / "vms.csv").open(encoding="utf-8", newline="") as file:
        return min(
            Decimal(row["Price"])
            for row in csv.DictReader(file)
            if row["AcceleratorName"] == gpu and float(row["AcceleratorCount"]) == count and row["Price"]
        )


def placed(*groups: Sequence[str], with_preset: bool = True, script: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """`cvl run` with each group of arguments before EXAMPLE, between it and PRESET, or behind that: all ways.

    The script's arguments stand behind PRESET, around each group that is there.
    """
    found = []
    for places in itertools.product(range(3 if with_preset else 2), repeat=len(groups)):
        before, between, behind = (
            [
                word
                for group, at in zip(groups, places, strict=True)
                if at == place
                for word in (*group, *(script if place == 2 else ()))
            ]
            for place in range(3)
        )
        preset = ["train", *script] if with_preset else []
        found.append(("run", *before, "nanogpt", *between, *preset, *behind))
    return found


def in_one_word(*groups: Sequence[str]) -> list[Sequence[str]]:
    """`--flag value` as `--flag=value`."""
    return [("=".join(group),) for group in groups]


QUESTION = (("--runner", "skypilot"), ("--gpu", "A100:1"), ("--cloud", "lambda"))
SCRIPTS = ("--lr=0.1", "--epochs", "3", "-v", "data", "-", "-1")
MIXED = [line for groups in (QUESTION, in_one_word(*QUESTION)) for line in placed(*groups, FLAG, script=SCRIPTS)]
SPACED, JOINED = placed(*QUESTION, FLAG), placed(*in_one_word(*QUESTION), FLAG)


@pytest.mark.parametrize("argv", [*SPACED, *JOINED], ids=" ".join)
def test_the_answer_is_the_same_wherever_the_flags_are(argv: tuple[str, ...], run: Run) -> None:
    assert priced(run(*argv)) == (cheapest("lambda", "A100", 1), "Lambda us-east-1 on-demand")


@pytest.mark.parametrize(
    "argv",
    [*placed(*QUESTION, FLAG, with_preset=False), *placed(*in_one_word(*QUESTION), FLAG, with_preset=False)],
    ids=" ".join,
)
def test_the_answer_is_the_same_without_a_preset(argv: tuple[str, ...], run: Run) -> None:
    assert priced(run(*argv)) == (cheapest("lambda", "A100", 1), "Lambda us-east-1 on-demand")


@pytest.mark.parametrize("argv", MIXED, ids=" ".join)
def test_the_answer_is_the_same_with_script_arguments_mixed_in(argv: tuple[str, ...], run: Run) -> None:
    assert priced(run(*argv)) == (cheapest("lambda", "A100", 1), "Lambda us-east-1 on-demand")


@pytest.mark.parametrize("argv", placed(("--region", "us-west-1"), ("--max-run-minutes", "90")), ids=" ".join)
@pytest.mark.parametrize("joined", [False, True], ids=["two words", "one word"])
def test_region_and_minutes_count_wherever_they_are(argv: tuple[str, ...], joined: bool, run: Run) -> None:
    words = " ".join(argv)
    if joined:
        words = words.replace("--region ", "--region=").replace("minutes ", "minutes=")

    said = run(*words.split(), "--gpu=A100:1", "--runner=skypilot", "--estimate-cost", "--cloud", "LAMBDA")

    assert priced(said) == (cheapest("lambda", "A100", 1), "Lambda us-west-1 on-demand")
    assert abs(total(said, "90 min") - cheapest("lambda", "A100", 1) * 3 / 2) <= Decimal("0.005")


def test_minutes_add_a_total_and_leave_the_hourly_price(run: Run) -> None:
    said = run("run", "nanogpt", "train", *FLAG, *itertools.chain(*QUESTION), "--gpu", "A10:1",
               "--max-run-minutes", "30")  # fmt: skip

    price = cheapest("lambda", "A10", 1)
    assert priced(said) == (price, "Lambda us-east-1 on-demand")
    assert abs(total(said, "30 min") - price / 2) <= Decimal("0.00005")


def test_without_a_cloud_it_is_the_cheapest_and_the_caveat_is_told(run: Run) -> None:
    said = run("run", "nanogpt", "train", "--gpu", "H100:8", *FLAG, "--runner", "skypilot")

    figure, place = priced(said)
    assert figure == min(cheapest("lambda", "H100", 8), cheapest("runpod", "H100", 8))
    assert place.startswith("RunPod ")
    assert "sky check" in said.out


def test_without_a_gpu_it_is_that_of_cvls_defaults(aws: None, run: Run) -> None:
    assert priced(run("run", "nanogpt", *FLAG, "--runner", "skypilot")) == (
        Decimal("0.8750"),
        "AWS us-east-1 on-demand",
    )


@pytest.mark.parametrize("argv", placed(("--spot",), FLAG, ("--runner", "skypilot")), ids=" ".join)
def test_spot_is_asked_for_wherever_the_switch_is(argv: tuple[str, ...], aws: None, run: Run) -> None:
    assert priced(run(*argv)) == (Decimal("0.3500"), "AWS us-east-1 spot")


def test_spot_without_a_price_is_refused_and_on_demand_told_in_words(run: Run) -> None:
    why = refused(run("run", "nanogpt", "train", "--spot", *itertools.chain(*QUESTION), *FLAG))

    assert "no spot price" in why
    assert f"{cheapest('lambda', 'A100', 1)} dollars" in why
    assert "$" not in why


@pytest.mark.parametrize(
    ("gpu", "cloud", "told"),
    [
        ("A1000:1", "lambda", "no accelerator 'A1000' on Lambda; did you mean"),
        ("A100:3", "lambda", "A100:1"),
        ("A100:1", "aws", "no prices for aws"),
        ("A100:1", "lamda", "did you mean lambda"),
        ("A100:0", "lambda", "the count is not above 0"),
        ("A100:x", "lambda", "NAME:COUNT"),
        (":1", "lambda", "names no accelerator"),
    ],
)
def test_what_has_no_price_is_refused_with_the_nearest_thing(gpu: str, cloud: str, told: str, run: Run) -> None:
    for argv in placed(("--gpu", gpu, "--cloud", cloud), FLAG):
        assert told in refused(run(*argv, "--runner", "skypilot"))


REFUSED = {
    "k8s": "only the number of GPUs is known",
    "ssh": "starts nothing that is billed",
    "local": "starts nothing that is billed",
    "sagemaker": "no prices for SageMaker (ml.g5.xlarge)",
}


@pytest.mark.parametrize("runner", REFUSED)
def test_other_runners_are_refused_and_start_nothing(runner: str, run: Run) -> None:
    spellings = [("--runner", runner), (f"--runner={runner}",)]
    if runner == "local":
        spellings.append(())
    for spelling in spellings:
        for argv in [*placed(spelling, FLAG), *placed(spelling, FLAG, with_preset=False)]:
            assert REFUSED[runner] in refused(run(*argv)), argv
            assert REFUSED[runner] in refused(run(*argv, "--gpu", "A100:1", "--cloud=lambda")), argv


@pytest.mark.parametrize("runner", ["k8s", "ssh", "local"])
def test_the_estimator_is_not_asked_where_nothing_is_billed(
    runner: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("gpu_catalog.estimate.estimate_cost", never)

    refused(run("run", "nanogpt", "train", "--runner", runner, *FLAG))


@pytest.mark.parametrize(
    ("flags", "configured", "told"),
    [
        ("", "", "EC2's g5.xlarge is 0.8750 dollars an hour on-demand in us-east-1"),
        ("--region eu-west-1", "", "EC2's g5.xlarge is 0.9750 dollars an hour on-demand in eu-west-1"),
        ("--spot", "", "EC2's g5.xlarge is 0.3500 dollars an hour spot in us-east-1"),
        ("--instance-type ml.p4d.24xlarge", "", "EC2's p4d.24xlarge is 32.50 dollars an hour on-demand"),
        ("--instance-type ml.p4d.24xlarge --spot", "", "no spot price is known"),
        ("--instance-type ml.p9.xlarge", "", "the EC2 price of p9.xlarge is not known either"),
        ("", "{instance_count: 3}", "EC2's g5.xlarge is 2.62 dollars an hour on-demand in us-east-1"),
    ],
)
def test_sagemaker_names_the_price_of_ec2_as_such(
    flags: str, configured: str, told: str, aws: None, run: Run
) -> None:
    configure(f"sagemaker: {configured}\n")
    for argv in placed(flags.split(), ("--runner", "sagemaker"), FLAG):
        why = refused(run(*argv))
        assert "no prices for SageMaker" in why
        assert told in why
        assert "$" not in why


@pytest.mark.parametrize("runner", ["sagemaker", "local", "ssh", "k8s"])
def test_a_scripts_own_gpu_and_cloud_stay_the_scripts(runner: str, run: Run) -> None:
    own = ("--cloud", "gcp", "--gpu=0")
    argv = ("run", "nanogpt", "train", *own, "--runner", runner, *FLAG)

    moved = hoisted(argv)
    args = cvl.create_parser().parse_args(moved)

    assert tuple(moved[moved.index("train") + 1 :][: len(own)]) == own
    assert (args.runner, args.gpu, args.cloud, args.estimate_cost) == (runner, None, None, True)
    assert refused(run(*argv)) == refused(run("run", "nanogpt", "train", "--runner", runner, *FLAG))


def test_what_is_behind_two_dashes_is_the_scripts(run: Run) -> None:
    plain = run("run", "nanogpt", "train", *itertools.chain(*QUESTION), *FLAG)

    assert run("run", "nanogpt", "train", *itertools.chain(*QUESTION), *FLAG, "--", "--gpu", "H100:8") == plain
    assert run("run", *FLAG, *itertools.chain(*QUESTION), "nanogpt", "train", "--", "--cloud=x") == plain
    assert run("run", *FLAG, *itertools.chain(*QUESTION), "nanogpt", "--", "train", "--gpu=H100") == plain
    priced(plain)


def test_the_last_of_a_flag_counts(run: Run) -> None:
    said = run("run", "--runner", "ssh", "--gpu", "H100:8", "nanogpt", "train", "--runner=k8s", "--gpu=A10:1",
               "--runner", "skypilot", "--gpu", "A100:1", *FLAG, *FLAG)  # fmt: skip

    assert priced(said)[0] == cheapest("lambda", "A100", 1)


def test_flags_that_decide_no_price_are_let_be(run: Run) -> None:
    paths = ("--output-path", "s3://b/o", "--input-path=s3://b/i", "--role-arn", "arn:x")

    said = run("run", "-w", "/data", "--no-live", *itertools.chain(*QUESTION), "nanogpt", "--no-docker", "train",
               "--simple-display", *paths, *FLAG)  # fmt: skip

    assert priced(said) == (cheapest("lambda", "A100", 1), "Lambda us-east-1 on-demand")


@pytest.mark.parametrize(
    ("of_example", "of_user", "flags", "figure", "place"),
    [
        ("{gpu: 'A100:1'}", "{gpu: 'A10:1'}", "", "A100:1", "Lambda us-east-1 on-demand"),
        ("{}", "{gpu: 'A10:1'}", "", "A10:1", "Lambda us-east-1 on-demand"),
        ("{gpu: {A100: 1}}", "{}", "", "A100:1", "Lambda us-east-1 on-demand"),
        ("{gpu: 'A100:1'}", "{gpu: 'A10:1'}", "--gpu H100:8", "H100:8", "Lambda us-east-1 on-demand"),
        ("{gpu: 'A10:1', region: us-west-1}", "{region: us-east-1}", "", "A10:1", "Lambda us-west-1 on-demand"),
        ("{gpu: 'A10:1', use_spot: true}", "{}", "", "A10:1", "Lambda us-east-1 on-demand"),
        ("{gpu: 'A10:1', spot: false}", "{spot: true}", "", "A10:1", "Lambda us-east-1 on-demand"),
    ],
)
def test_the_price_is_that_of_the_merged_configuration(
    of_example: str, of_user: str, flags: str, figure: str, place: str, run: Run
) -> None:
    configure(f"skypilot: {of_example}\nsagemaker: {{instance_count: 9}}\n")
    configure(f"skypilot: {of_user}\nk8s: {{gpu: 4}}\n", of_user=True)
    gpu, count = figure.split(":")

    for argv in placed(flags.split(), FLAG):
        assert priced(run(*argv, "--runner", "skypilot", "--cloud", "lambda")) == (
            cheapest("lambda", gpu, int(count)),
            place,
        )


def test_nodes_of_the_configuration_multiply_the_price(run: Run) -> None:
    configure("skypilot: {gpu: 'A100:1', cloud: lambda, num_nodes: 2, max_run_minutes: 60}\n")

    said = run("run", "nanogpt", "train", "--runner", "skypilot", *FLAG)

    assert priced(said) == (2 * cheapest("lambda", "A100", 1), "2 nodes, Lambda us-east-1 on-demand")
    assert total(said, "60 min") == 2 * cheapest("lambda", "A100", 1)


def test_spot_of_the_configuration_is_asked_for(run: Run) -> None:
    configure("skypilot: {gpu: 'A100:1', spot: true}\n")

    assert "no spot price" in refused(run("run", "nanogpt", "train", "--runner", "skypilot", *FLAG))


def test_an_example_that_is_not_there_is_refused(run: Run) -> None:
    for argv in placed(*QUESTION, FLAG):
        words = ["nanochat" if word == "nanogpt" else word for word in argv]
        assert refused(run(*words)) == "Example 'nanochat' not found"


@pytest.mark.parametrize(
    "line",
    [
        "run --estimate-cost",
        "run --estimate-cost --runner slurm nanogpt train",
        "run nanogpt train --estimate-cost --runner=slurm",
        "run nanogpt train --estimate-cost --runner skypilot --max-run-minutes many",
        "run --estimate-cost=yes nanogpt train --runner skypilot",
        "run --estimate nanogpt train --runner skypilot",
        "run --e nanogpt train",
        "--estimate-cost run nanogpt train",
        "list --estimate-cost",
    ],
)
def test_wrong_usage_is_argparses_and_starts_nothing(line: str, run: Run) -> None:
    said = run(*line.split())

    assert (said.code, said.out, cvl.LAUNCHED) == (2, "", [])
    assert re.search(r"^cvl( run)?: error: ", said.err, re.MULTILINE)


WITHOUT_THE_FLAG: list[tuple[str, dict[str, object] | None]] = [
    ("run nanogpt train", {"runner": "local", "preset": "train", "script": []}),
    (
        "run nanogpt train --runner skypilot --gpu A100:1",
        {"runner": "skypilot", "gpu": "A10G:1", "use_spot": False, "preset": "train",
         "script": ["--gpu", "A100:1"]},
    ),
    (
        "run --gpu A100:1 --cloud lambda --runner skypilot nanogpt train --spot --region r --lr=1",
        {"runner": "skypilot", "gpu": "A100:1", "cloud": "lambda", "use_spot": False, "spot": True, "region": "r",
         "preset": "train", "script": ["--lr=1"]},
    ),
    (
        "run nanogpt train --runner=skypilot --cloud gcp",
        {"runner": "local", "preset": "train", "script": ["--runner=skypilot", "--cloud", "gcp"]},
    ),
    (
        "run nanogpt train --runner k8s -- --flag",
        {"runner": "k8s", "gpu": 1, "preset": "train", "script": ["--", "--flag"]},
    ),
    ("run nanogpt --runner skypilot", None),
    ("deploy ltx2 --gpu L40", {"platform": "cerebrium", "gpu": "L40"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "started"), WITHOUT_THE_FLAG)
def test_without_the_flag_cvl_does_what_it_did(line: str, started: dict[str, object] | None, run: Run) -> None:
    said = run(*line.split())

    expected = [] if started is None else [started]
    assert expected == cvl.LAUNCHED
    assert said.code == (2 if started is None else 0)
    assert hoisted(line.split()) == line.split()


def in_a_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, behind some code that prepares it."""
    script = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}\n"
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)


MISSING = """
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "gpu_catalog":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from tests.gpu_catalog.cvl_command_line import main
sys.exit(main())
"""


@pytest.mark.parametrize("argv", placed(("--runner", "skypilot"), FLAG), ids=" ".join)
def test_a_missing_package_is_told_in_one_line_and_nothing_starts(argv: tuple[str, ...]) -> None:
    said = in_a_process(MISSING, *argv)

    assert (said.returncode, said.stdout) == (1, "")
    assert re.fullmatch(r"Error: [^\n]*pip install gpu-catalog\n", said.stderr)


def test_a_missing_package_does_not_matter_without_the_flag() -> None:
    said = in_a_process(MISSING, "run", "nanogpt", "train", "--runner", "ssh")

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("LAUNCHED ")


WATCHED = """
from tests.gpu_catalog.cvl_command_line import main
code = main()
print("IMPORTED", sorted(name for name in sys.modules if name.partition(".")[0] == "gpu_catalog"))
sys.exit(code)
"""


@pytest.mark.parametrize("line", ["list", "run nanogpt train", "run nanogpt train --runner skypilot --gpu A100:1"])
def test_without_the_flag_the_estimator_is_not_imported(line: str) -> None:
    said = in_a_process(WATCHED, *line.split())

    assert said.returncode == 0, said.stderr
    assert said.stdout.endswith("IMPORTED ['gpu_catalog', 'gpu_catalog.cvl', 'gpu_catalog.errors']\n")


@pytest.mark.parametrize("line", [
    "run nanogpt train --runner skypilot -- --estimate-cost",
    "run nanogpt -- train --runner skypilot --estimate-cost",
    "run nanogpt train --runner skypilot --estimate-cost=true",
    "run nanogpt train --estimate-cost --runner skypilot --gpu",
    "run --runner skypilot --estimate-cost --region  nanogpt train",
    "run nanogpt train --runner skypilot --estimate-cost --max-run-minutes",
])  # fmt: skip
def test_a_flag_in_an_odd_place_or_without_its_value_starts_nothing(line: str, run: Run) -> None:
    said = run(*line.split(" "))

    assert cvl.LAUNCHED == []
    assert said.code in {0, 1, 2}
    assert (said.out == "") == (said.code != 0)
    assert "expected one argument" in said.err or said.code != 2 or "ignored explicit argument" in said.err


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"runner": "skypilot", "gpu": "A100:1", "max_run_minutes": "60"}, "max_run_minutes '60' is not a number of minutes"),
        ({"runner": "skypilot", "gpu": "A100:1", "num_nodes": 0}, "num_nodes 0 is not a number of nodes; it is a whole number from 1 up"),
        ({"runner": "slurm"}, "no prices for the runner slurm"),
        ({"platform": "modal"}, "no prices for modal: it bills by the second and is in no instance catalog"),
        ({"platform": "somewhere", "gpu": "A100"}, "no prices for somewhere: it has no hourly prices of instances"),
        ({"platform": "a\n\x1b[31m"}, "no prices for a\\n\\x1b[31m: it has no hourly prices of instances"),
        ({"runner": "slurm\n"}, "no prices for the runner slurm\\n"),
        ({}, "the runner local starts nothing that is billed; name another with --runner"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_priced_is_one_line(
    config: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert print_estimate(config) == 1
    assert capsys.readouterr() == ("", f"Error: {said}\n")


def test_only_sagemakers_instance_count_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_estimate({"runner": "skypilot", "gpu": "A100:1", "instance_count": 3}) == 0
    assert capsys.readouterr().out.startswith("Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)")


INTERRUPTED = """
import gpu_catalog.estimate
def interrupted(*args, **kwargs):
    raise KeyboardInterrupt
gpu_catalog.estimate.estimate_cost = interrupted
from tests.gpu_catalog.cvl_command_line import main
from tests.samples import CATALOGS
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals as exit codes")
def test_an_interrupted_estimate_ends_as_130_and_starts_nothing() -> None:
    said = in_a_process(INTERRUPTED, "run", "nanogpt", "--runner=skypilot", *FLAG)

    assert (said.returncode, said.stdout) == (-signal.SIGINT, "")  # a shell says 128 + 2


@pytest.mark.parametrize("platform", ["modal", "cerebrium"])
@pytest.mark.parametrize("gpu", ["T4", "L40", "A100_80GB", "H100"])
def test_a_deployment_has_a_reason_and_never_a_price(platform: str, gpu: str, run: Run) -> None:
    why = refused(run("deploy", "ltx2", "--platform", platform, *FLAG, "--gpu", gpu))

    assert f"no prices for {platform}: it bills by the second" in why
    assert not re.search(r"\d", why)


def test_an_unknown_runner_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_estimate({"runner": "slurm", "gpu": "A100:1"}) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Error: no prices for the runner slurm\n")


def test_a_configuration_that_says_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_estimate({}) == 1
    assert print_estimate({"runner": "skypilot", "gpu": None}) == 1
    assert capsys.readouterr().out == ""


def test_the_arguments_are_not_changed_in_place() -> None:
    argv = list(SPACED[-1])

    hoisted(argv)

    assert argv == list(SPACED[-1])


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_lines_in_the_guide_are_those_that_are_tested() -> None:
    source = Path(cvl.__file__).read_text(encoding="utf-8")
    tested = re.sub(r" +# noqa.*", "", source)

    assert len(blocks("python")) == 6
    for block in blocks("python"):
        assert block in tested


def test_the_sessions_in_the_guide_are_real(run: Run) -> None:
    sessions = [session for block in blocks("console") for session in block.split("$ cvl ")[1:]]
    assert len(sessions) == 3
    for session in sessions:
        line, *shown = session.splitlines()
        said = run(*shlex.split(line))
        printed = iter((said.out + said.err).splitlines())
        for expected in shown:
            assert expected.strip() == "..." or expected in printed
        assert cvl.LAUNCHED == []


def test_the_command_in_the_guides_last_section_prints_a_price(run: Run) -> None:
    [line] = re.findall(r"^python -m cvl (.*)$", GUIDE, re.MULTILINE)

    priced(run(*shlex.split(line)))
