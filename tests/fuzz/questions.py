"""Targets: what users and their programs write (questions, task files, settings), and short texts of catalogs."""

from __future__ import annotations

import contextlib
import io
import json
import math
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from gpu_catalog import (
    BadCatalogFile,
    BadGpuInfo,
    BadInstanceType,
    BadQuestion,
    BadSettings,
    BadTask,
    NotOffered,
    lambda_cloud,
    runpod,
    yotta,
)
from gpu_catalog.cvl import FLAG, hoisted, print_estimate
from gpu_catalog.gpu_info import format_gpu_info, parse_gpu_info
from gpu_catalog.market import Market
from gpu_catalog.node_config import estimate_node, parse_batch
from gpu_catalog.own_prices import read_own_prices
from gpu_catalog.places import max_age_days, read_toml
from gpu_catalog.prices import PriceLine, Site
from gpu_catalog.question import ask, parse_clouds
from gpu_catalog.sizes import size_test
from gpu_catalog.skypilot_csv import price_or_none
from gpu_catalog.task_file import estimate_task, read_tasks
from tests.fuzz.mutation import DOCUMENTS, damaged, damaged_json, damaged_text
from tests.fuzz.target import Target
from tests.gpu_catalog.hostile import FRAGMENTS, has_documented_kinds, json_values, outcome, texts
from tests.gpu_catalog.trees import AWS, GCP, info, tree


@cache
def market() -> Market:
    """Two small clouds in SkyPilot's form."""
    with tempfile.TemporaryDirectory() as folder:
        found = Market(tree(Path(folder), {"aws": AWS, "gcp": GCP}))
        assert all(found.cloud(name) for name in found)  # Read now, while the files are there.
        return found


# Short texts -----------------------------------------------------------------------------------------


def check_gpu(text: str) -> None:
    """A question about one accelerator, which says the same when it is asked again, or a refusal."""
    asked = outcome(ask, text, refusal=BadQuestion)
    if asked is not None:
        assert has_documented_kinds(asked)
        assert asked.gpu == asked.gpu.strip() != ""
        assert ":" not in asked.gpu
        assert asked.gpu.isprintable()
        assert 0 < asked.gpu_count < math.inf
        assert asked == ask({asked.gpu: asked.gpu_count})


def check_value_as_gpu(value: Any) -> None:
    """The same of any JSON value, and of it as the clouds."""
    asked = outcome(ask, value, refusal=BadQuestion)
    assert asked is None or (asked.gpu and has_documented_kinds(asked))
    clouds = outcome(parse_clouds, value, refusal=BadQuestion)
    assert clouds is None or all(type(name) is str and name == name.strip().lower() != "" for name in clouds)


def check_size(wish: Any) -> None:
    """A test of sizes, or a refusal."""
    for given in ((wish, None), (None, wish)):
        fits = outcome(size_test, *given, refusal=NotOffered)
        assert fits is None or fits(4.0, 16.0) in {True, False}


def check_gpu_info(cell: str) -> None:
    """A GpuInfo that means something and that gives the same again, or a refusal."""
    found = outcome(parse_gpu_info, cell, refusal=BadGpuInfo)
    if found is not None:
        assert has_documented_kinds(found) or type(found.count) is int
        assert 0 < min(found.count, found.memory_mib, found.total_memory_mib) < math.inf
        again = parse_gpu_info(format_gpu_info(found.name, found.vendor, found.count, found.memory_mib))
        assert (again.name, again.count, again.memory_mib) == (found.name, found.count, found.memory_mib)


def check_price_cell(cell: str) -> None:
    """A price above zero with at most six decimals, nothing, or a refusal."""
    price = outcome(price_or_none, cell, refusal=BadCatalogFile)
    assert price is None or (price > 0 and price == round(price, 6))


def check_instance_type(parse: Callable[[str], object], name: str) -> None:
    """Parts that give the name back, or a refusal."""
    parsed = outcome(parse, name, refusal=BadInstanceType)
    assert parsed is None or str(parsed) == name


# Files and documents ---------------------------------------------------------------------------------


def check_task(content: bytes) -> None:
    """Tasks of which every choice is priced or has a reason, or one refusal."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        tasks = outcome(read_tasks, Path(file.name), refusal=BadTask)
    for task in tasks or ():
        found = estimate_task(task, market(), 1.5)
        assert [choice.question is None for choice in task.choices] == [bool(c.reason) for c in task.choices]
        assert len(found.estimates) == len(task.choices) > 0
        assert all(answer.found or answer.reason for answer in found.estimates)
        assert found.chosen.found == any(answer.found for answer in found.estimates)
        json.dumps([answer.to_dict() for answer in found.estimates], allow_nan=False)
    assert tasks is None or tasks


def check_batch(content: bytes) -> None:
    """An answer to every member, or a refusal of the whole."""
    for member in outcome(parse_batch, content, refusal=BadQuestion) or ():
        check_node(member)


def check_node(config: object) -> None:
    """A price, or a reason."""
    answer = estimate_node(config, market())
    assert has_documented_kinds(answer)
    assert answer.found == (answer.hourly_cost is not None) == (answer.reason is None) == bool(answer.offers)
    assert str(answer)
    assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))["found"] == answer.found


def check_cvl_config(config: Mapping[str, Any]) -> None:
    """A price on standard output, or one line on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = print_estimate(config)
    assert (code, bool(out.getvalue()), bool(err.getvalue())) in {(0, True, False), (1, False, True)}
    assert code == 0 or err.getvalue().count("\n") == 1


def check_cvl_arguments(argv: list[str]) -> None:
    """With the flag anywhere, it stands where argparse sees it; without it nothing changes."""
    moved = hoisted(argv)
    if argv[:1] == ["run"] and any(word.partition("=")[0] == FLAG for word in argv):
        assert moved[0] == "run"
        assert FLAG in moved
        assert "--" not in moved
    else:
        assert moved == argv


LINE = PriceLine(
    instance_type="p5.48xlarge", gpu="H100", gpu_count=8.0, gpu_memory_mib=81920, vcpus=192.0, memory_gib=2048.0,
    on_demand=Decimal(80), spot=Decimal(20), sites=(Site(1, False, "us-east-1", ""),),
)  # fmt: skip


def check_own_prices(content: bytes) -> None:
    """Prices above zero with at most six decimals, or one refusal that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overrides.toml"
        path.write_bytes(content)
        rules = outcome(read_own_prices, path, refusal=BadSettings)
    if rules is not None:
        line = rules.of("aws")(LINE)
        assert has_documented_kinds(line)
        for price in (line.on_demand, line.spot):
            assert price > 0
            assert price == round(price, 6)


def check_settings(content: bytes) -> None:
    """A number of days, or a refusal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_bytes(content)
        settings = outcome(read_toml, path, refusal=BadSettings)
    days = None if settings is None else outcome(max_age_days, settings, refusal=BadSettings)
    assert days is None or 0 <= days < 1e6


# What they are given ---------------------------------------------------------------------------------

CELLS = (info("H100", 81920, "8"), info("A100", 40960), info("L4", 24576, "0.125").replace("'", '"'))
TASKS = (
    b"name: a\nnum_nodes: 2\nresources: {accelerators: A100}\n",
    b"resources:\n  any_of:\n  - infra: aws/us-east-1\n    gpus: L4\n  - {cloud: gcp, gpus: [A100:8, L4]}\n",
    b"name: pipeline\n---\nresources:\n  accelerators: {A100: 8, V100: null}\n  cpus: 8+\n  memory: 64GB+\n"
    b"  use_spot: true\n  disk_size: 256\n---\n"
    b"resources: {instance_type: p4d.24xlarge, ordered: [{region: us-east-1}]}\n",
    b"a: &a [x, x]\nb: &b [*a, *a, *a]\nresources: {accelerators: [*b, *b], cpus: 0x10, memory: 2024-01-01}\n",
)  # fmt: skip
KEYS = ["accelerators", "gpus", "cpus", "memory", "infra", "cloud", "region", "zone", "use_spot", "instance_type",
        "disk_size", "any_of", "ordered", "resources", "num_nodes", "name"]  # fmt: skip
hashable = texts | st.sampled_from(
    [None, True, 0, 1, 8, -1, 0.5, math.inf, date(2024, 1, 1), 10**30, b"\xff", "A100", "A100:8", "80GB+", "8+",
     "64GB", "4x", "aws/us-east-1", "*/*"]
)  # fmt: skip
plain = hashable | st.just(math.nan)
nested = st.recursive(
    plain, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(KEYS), x, max_size=4)
)
choices = plain | st.lists(plain, max_size=3) | st.dictionaries(hashable, plain, max_size=3)
fields = st.fixed_dictionaries({"accelerators": choices}, optional=dict.fromkeys(KEYS[2:11], nested))
lists = st.tuples(st.sampled_from(["any_of", "ordered", "x"]), st.lists(fields, max_size=2))
resources = st.builds(lambda base, pair: {**base, pair[0]: pair[1]}, fields, lists)
documents = nested | st.fixed_dictionaries({"resources": resources, "num_nodes": st.sampled_from([1, 2, None])})
yaml_texts = documents.map(lambda document: yaml.safe_dump(document).encode(errors="surrogatepass"))

NODE = {
    "node_id": "n-1", "provider": "", "region": "", "gpu": "A100", "gpu_count": 0, "use_spot": False,
    "disk_size": 0, "model": "llama", "vllm_args": "--max-model-len 8192",
}  # fmt: skip
values = json_values | texts | st.sampled_from([*FRAGMENTS, "A100", "aws", "us-east-1", 8, True])
CVL_KEYS = ("platform", "cloud", "region", "spot", "instance_type", "num_nodes", "instance_count",
            "max_run_minutes")  # fmt: skip
cvl_configs = st.fixed_dictionaries(
    {
        "runner": st.sampled_from(["skypilot", "sagemaker"]) | values,
        "gpu": st.sampled_from(["A100:1", "H100"]) | values,
    },
    optional=dict.fromkeys(CVL_KEYS, values | st.sampled_from([None, 1, 60, "aws", "p4d.24xlarge"])),
)
CVL_WORDS = ("run", "nanogpt", "train", "--", "-", FLAG, f"{FLAG}=1", "--gpu", "--gpu=A100", "--runner", "skypilot",
             "--runner=skypilot", "--cloud", "aws", "--spot", "--region=", "--max-run-minutes", "60")  # fmt: skip
OVERRIDES = (
    b"[aws]\ndiscount_percent = 12\nspot_discount_percent = 0.5\n\n[aws.accelerators.H100]\n"
    b'price_usd_per_gpu_hour = 2.5\nspot_price_usd_per_gpu_hour = 1.25\n\n[aws.instance_types."P5.48xlarge"]\n'
    b"price_usd_per_hour = 25.0\nspot_price_usd_per_hour = 11\n",
    b"[aws]\ndiscount_percent = nan\n",
    b"[EC2.accelerators.h-100]\ndiscount_percent = 99.999999\n",
)
SETTINGS = (b'url = ["https://example.com/catalogs"]\nmax_age_days = 2.5\nupstream_urls = []\n',)
INSTANCE_TYPES: Mapping[str, tuple[Callable[[str], object], tuple[str, ...]]] = {
    "lambda": (lambda_cloud.parse_instance_type, ("gpu_8x_a100_80gb_sxm4", "cpu_4x_general", "gpu_8x_v100_n")),
    "runpod": (runpod.parse_instance_type, ("8x_H100-SXM_SECURE", "cpu5c-4-8", "cpu5g-2-7.5")),
    "yotta": (
        yotta.parse_instance_type,
        ("1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "8x_A100-80GB-SXM_COMMUNITY"),
    ),
}

TARGETS = (
    Target("GPU of a question", damaged_text(("A100:8", "RTX 4090:0.5", " h100 ", "A100-80GB:1e1")), check_gpu),
    Target(
        "GPU as any value",
        json_values | DOCUMENTS | st.dictionaries(texts, json_values, max_size=2),
        check_value_as_gpu,
    ),
    Target("size", damaged_text(("8+", "64", "4x", "0.5+")) | json_values, check_size),
    Target("GpuInfo", damaged_text(CELLS), check_gpu_info),
    Target("price cell", damaged_text(("32.7726", "0", "NaN", " 1.5e-3 ", ".5")), check_price_cell),
    *(
        Target(f"instance type: {cloud}", damaged_text(names), partial(check_instance_type, parse))
        for cloud, (parse, names) in INSTANCE_TYPES.items()
    ),
    Target("task YAML", damaged(TASKS) | yaml_texts, check_task),
    Target(
        "batch of NodeConfigs", damaged_json([NODE, {**NODE, "gpu": "L4:0.125", "use_spot": True}]), check_batch
    ),
    Target("NodeConfig", values | st.dictionaries(st.sampled_from(sorted(NODE)), values), check_node),
    Target("CVL's configuration", cvl_configs, check_cvl_config),
    Target(
        "CVL's arguments",
        st.lists(st.sampled_from(CVL_WORDS) | texts, max_size=12).map(lambda a: ["run", *a]),
        check_cvl_arguments,
    ),
    Target("overrides.toml", damaged(OVERRIDES), check_own_prices),
    Target("config.toml", damaged(SETTINGS), check_settings),
)
