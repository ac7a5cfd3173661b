"""Lambda's grammar."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadInstanceType
from gpu_catalog.lambda_cloud import LambdaInstanceType, parse_instance_type
from tests.gpu_catalog.hostile import outcome, within

RECORDED = resources.files("fetchers") / "recorded" / "lambda" / "instance_types.json"
LISTED: dict[str, dict[str, dict[str, dict[str, int]]]] = json.loads(RECORDED.read_text(encoding="utf-8"))["data"]
NAMES = tuple(LISTED)

buses = st.sampled_from([None, "pcie", "sxm4", "sxm5", "sxm6", "sxm5gdr", "sxm10"])
gpu_types = st.builds(
    LambdaInstanceType,
    st.just(True),
    st.integers(1, 9999),
    st.text("agh019", min_size=1, max_size=8),
    st.none() | st.integers(1, 9999),
    buses,
    st.booleans(),
)
cpu_types = st.builds(
    LambdaInstanceType, st.just(False), st.integers(1, 9999), st.text("agx01", min_size=1, max_size=8)
)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("gpu_8x_h100_sxm5", (True, 8, "h100", None, "sxm5", False)),
        ("gpu_1x_h100_sxm5gdr", (True, 1, "h100", None, "sxm5gdr", False)),
        ("gpu_8x_a100_80gb_sxm4", (True, 8, "a100", 80, "sxm4", False)),
        ("gpu_8x_a100_80gb_sxm4_n", (True, 8, "a100", 80, "sxm4", True)),
        ("gpu_8x_a100_sxm4_n", (True, 8, "a100", None, "sxm4", True)),
        ("gpu_1x_h100_pcie", (True, 1, "h100", None, "pcie", False)),
        ("gpu_8x_v100", (True, 8, "v100", None, None, False)),
        ("gpu_8x_v100_n", (True, 8, "v100", None, None, True)),
        ("gpu_1x_rtx_pro_6000", (True, 1, "rtx_pro_6000", None, None, False)),
        ("gpu_1x_pcie", (True, 1, "pcie", None, None, False)),
        ("gpu_1x_a100_080gb", (True, 1, "a100_080gb", None, None, False)),
        ("gpu_1x_a100_0gb", (True, 1, "a100_0gb", None, None, False)),
        ("gpu_1x_a100_sxm4_extra", (True, 1, "a100_sxm4_extra", None, None, False)),
        ("cpu_4x_general", (False, 4, "general", None, None, False)),
        ("cpu_4x_general_n", (False, 4, "general_n", None, None, False)),
    ],
)
def test_a_name_is_taken_apart(name: str, parts: tuple[bool, int, str, int | None, str | None, bool]) -> None:
    assert parse_instance_type(name) == LambdaInstanceType(*parts)
    assert str(parse_instance_type(name)) == name


@pytest.mark.parametrize("name", NAMES)
def test_known_names_agree_with_what_the_cloud_says_of_them(name: str) -> None:
    parsed, specs = parse_instance_type(name), LISTED[name]["instance_type"]["specs"]

    assert str(parsed) == name
    assert parsed.is_gpu == (specs["gpus"] > 0)
    assert parsed.count == (specs["gpus"] or specs["vcpus"])


@given(gpu_types | cpu_types)
def test_every_type_reads_back_from_its_name(instance_type: LambdaInstanceType) -> None:
    assert parse_instance_type(str(instance_type)) == instance_type


@given(st.lists(st.sampled_from(["a100", "80gb", "0gb", "sxm4", "sxm", "pcie", "n", "1"]), min_size=1, max_size=5))
def test_tags_in_any_order_lose_nothing(parts: list[str]) -> None:
    name = "gpu_1x_" + "_".join(parts)
    parsed = parse_instance_type(name)
    assert str(parsed) == name
    assert "_" not in (parsed.bus or "")
    assert parse_instance_type(str(parsed)) == parsed


@pytest.mark.parametrize(
    "name",
    [
        "", "gpu", "gpu_8x", "gpu_8x_", "gpu_0x_a10", "gpu_08x_a10", "gpu_8_a10", "GPU_8x_a10", "gpu_8x_A10",
        "gpu_8x__a10", "gpu_8x_a10_", "gpu_8x_a10\n", "\ufeffgpu_8x_a10", "gpu_\u0668x_a10", "gpu_8x_\u00e4",
        "gpu_8x_a-10", "tpu_8x_a10", "gpu_10000x_a10", "gpu_-8x_a10", "8x_H100_SECURE", "cpu5c-4-8",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_the_grammar_does_not_fit_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(BadInstanceType, match="gpu_8x_h100_sxm5"):
        parse_instance_type(name)


def test_a_megabyte_takes_no_time() -> None:
    with within(5):
        for middle in ("_sxm1", "_1gb", "_pcie", "sxm", "_"):
            for end in ("", "!", "_n"):
                name = "gpu_8x_a" + middle * (300_000 // len(middle)) + end
                parsed = outcome(parse_instance_type, name, refusal=BadInstanceType)
                assert parsed is None or str(parsed) == name
