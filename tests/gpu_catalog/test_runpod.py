"""RunPod's two grammars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadInstanceType
from gpu_catalog.runpod import RunPodCpuInstanceType, RunPodGpuInstanceType, parse_instance_type
from tests.gpu_catalog.hostile import within

NAMES = (
    "1x_A100-80GB-SXM_SECURE",
    "8x_H100-SXM_COMMUNITY",
    "2x_RTX4000-Ada_SECURE",
    "cpu5c-4-8",
    "cpu3m-32-256",
    "cpu5g-2-7.5",
)

gpu_types = st.builds(
    RunPodGpuInstanceType,
    st.integers(1, 9999),
    st.text("aZ09-", min_size=1, max_size=20),
    st.sampled_from(["SECURE", "COMMUNITY"]),
)
cpu_types = st.builds(
    RunPodCpuInstanceType,
    st.text("ag059", min_size=1, max_size=6).map("cpu".__add__),
    st.integers(1, 9999),
    st.integers(1000, 99_999_999).map(lambda thousandths: thousandths / 1000),
)


def test_a_gpu_pod() -> None:
    assert parse_instance_type("8x_H100-SXM_SECURE") == RunPodGpuInstanceType(8, "H100-SXM", "SECURE")


def test_a_cpu_pod() -> None:
    assert parse_instance_type("cpu5c-4-8") == RunPodCpuInstanceType("cpu5c", 4, 8.0)


@given(gpu_types | cpu_types)
def test_every_type_reads_back_from_its_name(instance_type: RunPodGpuInstanceType | RunPodCpuInstanceType) -> None:
    assert parse_instance_type(str(instance_type)) == instance_type


@pytest.mark.parametrize(
    "name",
    [
        "", "0x_H100_SECURE", "08x_H100_SECURE", "8x_H100_SXM_SECURE", "8x__SECURE", "8x_H100_secure", "8x_H100",
        "8x_H100+_SECURE", "8x_H100_SECURE\n", "\ufeff8x_H100_SECURE", "\u0668x_H100_SECURE",
        "8x_H\u00e4100_SECURE", "-8x_H100_SECURE", "8.0x_H100_SECURE", "10000x_H100_SECURE", "cpu5c", "cpu5c-4",
        "cpu5c-4-", "cpu5c-0-8", "cpu5c-4-0", "cpu5c-4-08", "cpu5c-4-8.0", "cpu5c-4-8.", "cpu5c-4-8\n",
        "cpu5c-\u0664-8", "cpu5c-4-1e3", "cpu5c-4--8", "cpu5c--4-8", "cpu-4-8", "CPU5c-4-8", "cpu5c_4_8",
        "cpu5c-4-nan", "cpu5c-4-inf", "gpu_1x_a10", "1x14v119g_A_SECURE",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_no_grammar_fits_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(BadInstanceType, match="cpu5c-4-8"):
        parse_instance_type(name)


def test_a_megabyte_takes_no_time() -> None:
    names = [
        "1x_" + "a-" * 500_000,
        "cpu" + "a" * 1_000_000,
        "cpu5c-4-" + "1" * 1_000_000,
        "1" * 1_000_000,
        "1x_" * 300_000,
    ]
    with within(5):
        for name in names:
            with pytest.raises(BadInstanceType):
                parse_instance_type(name)
