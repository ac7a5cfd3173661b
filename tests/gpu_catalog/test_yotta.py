"""Yotta's two grammars."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadInstanceType
from gpu_catalog.yotta import CLOUD_TYPES, YottaInstanceType, YottaInstanceTypeV7, parse_instance_type
from tests.gpu_catalog.hostile import outcome, within

NAMES = (
    "1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE",
    "8x112v952g_NVIDIA_GeForce_RTX_5090_32G_SECURE",
    "1x30v115g_NVIDIA_H100_80GB_HBM3_80G_COMMUNITY",
    "1x_RTX5090_SECURE",
    "8x_A100-80GB-SXM_COMMUNITY",
)

v8_types = st.builds(
    YottaInstanceType,
    st.integers(1, 9999),
    st.integers(1, 999_999),
    st.integers(1, 9_999_999),
    st.text("aZ09_", min_size=1, max_size=20) | st.sampled_from(["SECURE", "_SECURE", "X_COMMUNITY", "1x1v1g"]),
    st.sampled_from(CLOUD_TYPES),
)
v7_types = st.builds(
    YottaInstanceTypeV7,
    st.integers(1, 9999),
    st.text("aZ09-", min_size=1, max_size=20),
    st.sampled_from(CLOUD_TYPES),
)


def test_a_v8_name_holds_the_size_of_the_whole_pod() -> None:
    assert parse_instance_type("2x28v238g_NVIDIA_GeForce_RTX_5090_32G_SECURE") == YottaInstanceType(
        gpu_count=2, vcpus=28, memory_gb=238, gpu_code="NVIDIA_GeForce_RTX_5090_32G", cloud_type="SECURE"
    )


def test_a_v7_name_holds_the_accelerator() -> None:
    assert parse_instance_type("8x_A100-80GB_COMMUNITY") == YottaInstanceTypeV7(8, "A100-80GB", "COMMUNITY")


@given(v8_types | v7_types)
def test_every_type_reads_back_from_its_name(instance_type: YottaInstanceType | YottaInstanceTypeV7) -> None:
    assert parse_instance_type(str(instance_type)) == instance_type


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["\n{}", "{}\n", "{}\0", "\ufeff{}", " {}", "{}\r", "{}_", "x{}"])
def test_nothing_may_stand_around_a_name(name: str, damage: str) -> None:
    assert str(parse_instance_type(name)) == name
    with pytest.raises(BadInstanceType):
        parse_instance_type(damage.format(name))


@pytest.mark.parametrize(
    "name",
    [
        "", "x", "0x14v119g_A_SECURE", "01x14v119g_A_SECURE", "1x0v119g_A_SECURE", "1x14v0g_A_SECURE",
        "1x14v119g_", "1x14v119g_SECURE", "1x14v119g_A", "1x14v119g_A_secure", "1x14v119g_A-B_SECURE",
        "-1x14v119g_A_SECURE", "1x1.5v119g_A_SECURE", "\u0661x14v119g_A_SECURE", "1x14v119g_\u00c4_SECURE",
        "1x_\u00c4_SECURE", "1x__SECURE", "1x_A_B_SECURE", "1x_A+_SECURE", "0x_A_SECURE", "1x_A_PRIVATE",
        "10000x_A_SECURE", "gpu_1x_a10", "cpu5c-4-8",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_no_grammar_fits_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(BadInstanceType, match="RTX5090"):
        parse_instance_type(name)


def test_a_megabyte_takes_no_time() -> None:
    names = [
        start + middle * (1_000_000 // len(middle)) + end
        for start, middle, end in product(
            ("1x_", "1x1v1g_", ""), ("a", "_", "1x", "_SECURE", "1"), ("!", "_SECURE", "")
        )
    ]
    with within(5):
        for name in names:
            parsed = outcome(parse_instance_type, name, refusal=BadInstanceType)
            assert parsed is None or str(parsed) == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("1x_L4_SECURE", "NVIDIA_L4_24G"),
        ("8x_RTX5090_SECURE", "NVIDIA_GeForce_RTX_5090_32G"),
        ("1x_H100_SECURE", None),
        ("2x60v230g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "NVIDIA_GeForce_RTX_5090_32G"),
    ],
)
def test_the_gpu_code_that_the_launch_api_wants(name: str, code: str | None) -> None:
    assert parse_instance_type(name).gpu_code == code
