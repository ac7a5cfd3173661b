"""Questions: what is understood, and that nothing else comes of any text than a Question or BadQuestion."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from gpu_catalog.errors import BadQuestion, GpuCatalogError
from gpu_catalog.question import MAX_NODES, MAX_TEXT_CHARS, Question, ask, parse_clouds, parse_gpu
from tests.gpu_catalog.hostile import has_documented_kinds


@pytest.mark.parametrize(
    ("gpu", "name", "count"),
    [
        ("A100:8", "A100", 8.0),
        ("A100", "A100", None),
        ("a100-80gb:1", "a100-80gb", 1.0),
        ("RTX 4090:2", "RTX 4090", 2.0),
        ("L4:0.125", "L4", 0.125),
        ("T4:1.0", "T4", 1.0),
        ("T4:1e1", "T4", 10.0),
        ("  T4 : 1 ", "T4", 1.0),
        ("A100\n", "A100", None),
        ({"T4": 1}, "T4", 1.0),
        ({"L4": 0.125}, "L4", 0.125),
        ({"T4": Decimal(2)}, "T4", 2.0),
        ({"T4": None}, "T4", None),
        ({"A100:8": None}, "A100", 8.0),
        (MappingProxyType({"T4": 1}), "T4", 1.0),
    ],
    ids=ascii,
)
def test_a_gpu_is_a_name_and_a_count(gpu: object, name: str, count: float | None) -> None:
    found = parse_gpu(gpu)

    assert found == (name, count)
    assert count is None or type(found[1]) is float


MALFORMED: list[Any] = [
    "A100:", "A100:x", "A100:0", "A100:0.0", "A100:-1", "A100:+1", "A100:1:2", "A100::1", ":1", ":", " ", "\t",
    "A100:nan", "A100:inf", "A100:1e999", "A100:1_0", "A100:0x8", "A100:.5", "A100:5.", "A100:1e-1", "A100:\u0661",
    "A100:\uff18", "A100:1,5", "A100:" + "9" * 5000, "A\0100", "A\n100:1", "A100\x1b[31m", "A\u20281",
    "\ud800:1", "x" * (MAX_TEXT_CHARS + 1), "x" * 10**6 + ":1", {"T4": 0}, {"T4": -1}, {"T4": math.nan},
    {"T4": math.inf}, {"T4": True}, {"T4": "1"}, {"T4": [1]}, {"T4": 1j}, {"T4": Decimal("NaN")},
    {"T4": Decimal("Infinity")}, {"": 1}, {None: 1}, {8: 1}, {("T4",): 1}, {8: None}, {"T4": 1, "V100": 1}, 8, 8.0,
    True, b"A100", ["A100"], ("A100", 8), {"A100"}, object(),
]  # fmt: skip


@pytest.mark.parametrize("gpu", MALFORMED, ids=lambda gpu: ascii(gpu)[:30])
def test_what_is_no_gpu_is_refused_in_one_line(gpu: Any) -> None:
    for refuse in (parse_gpu, ask):
        with pytest.raises(BadQuestion) as caught:
            refuse(gpu)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300


def test_a_malformed_question_is_a_value_error_of_this_package() -> None:
    assert issubclass(BadQuestion, ValueError)
    assert issubclass(BadQuestion, GpuCatalogError)


def test_an_empty_mapping_names_no_gpu() -> None:
    with pytest.raises(BadQuestion, match="0 accelerators"):
        parse_gpu({})


def test_a_gpu_without_a_count_means_one() -> None:
    no_count: Any = {"A100": None}
    assert ask("A100") == ask("A100:1") == ask({"A100": 1}) == ask(no_count) == ask(OrderedDict(A100=1.0))
    assert ask("A100").gpu_count == 1.0


def test_with_an_instance_type_any_count_will_do_unless_one_is_said() -> None:
    assert ask("A100", instance_type="p4d.24xlarge").gpu_count is None
    assert ask("A100:8", instance_type="p4d.24xlarge").gpu_count == 8.0
    assert ask(instance_type=" p4d.24xlarge ") == Question(instance_type="p4d.24xlarge")


def test_the_least_memory_of_a_gpu_is_a_question_of_its_own() -> None:
    assert ask(min_gpu_memory_gib=40) == Question(min_gpu_memory_gib=40)


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"gpu": ""},
        {"gpu": {}},
        {"instance_type": ""},
        {"instance_type": " "},
        {"cloud": "aws", "region": "us-east-1", "num_nodes": 2, "hours": 1},
    ],
)
def test_neither_a_gpu_nor_an_instance_type_is_refused(nothing: dict[str, Any]) -> None:
    with pytest.raises(BadQuestion, match="neither a GPU nor an instance type"):
        ask(**nothing)


def test_empty_texts_do_not_matter() -> None:
    assert ask("A100", instance_type="", cloud="", region="", zone=" ") == ask("A100")


@pytest.mark.parametrize("limit", [Decimal("0.5"), Decimal("0.000001"), Decimal(1_000_000)])
def test_a_limit_may_be_any_price(limit: Decimal) -> None:
    assert ask("A100", max_price_usd_per_hour=limit).max_price_usd_per_hour == limit


def test_every_argument_arrives() -> None:
    asked = ask("A100:8", instance_type="p4d.24xlarge", cloud="ec2", region=" US-East-1 ", zone="us-east-1a",
                use_spot=True, num_nodes=MAX_NODES, hours=0.5, disk_size=100, min_gpu_memory_gib=40.0,
                max_price_usd_per_hour=Decimal("9.5"))  # fmt: skip

    assert asked == Question(
        gpu="A100", gpu_count=8.0, instance_type="p4d.24xlarge", clouds=("aws",), region="US-East-1",
        zone="us-east-1a", use_spot=True, num_nodes=MAX_NODES, hours=0.5, disk_size=100, min_gpu_memory_gib=40.0,
        max_price_usd_per_hour=Decimal("9.5"),
    )  # fmt: skip
    assert has_documented_kinds(asked)


@pytest.mark.parametrize("nodes", [0, -1, 1.0, 1.5, True, None, "2", math.nan, MAX_NODES + 1, 10**5000], ids=type)
def test_a_number_of_nodes_that_is_none_is_refused(nodes: Any) -> None:
    with pytest.raises(BadQuestion, match="num_nodes"):
        ask("A100", num_nodes=nodes)


@pytest.mark.parametrize("hours", [-1, -0.001, math.nan, math.inf, True, "2", 1e9, 10**5000, [1]], ids=type)
def test_hours_that_are_none_are_refused(hours: Any) -> None:
    with pytest.raises(BadQuestion, match="hours"):
        ask("A100", hours=hours)


def test_no_hours_at_all_are_hours_too() -> None:
    assert ask("A100", hours=0).hours == 0
    assert ask("A100").hours is None


@pytest.mark.parametrize(
    "value", [5, True, ["us-east-1"], b"us-east-1", "us\neast", "us\0east", "x" * 201, "\ud800"], ids=ascii
)
@pytest.mark.parametrize("argument", ["instance_type", "region", "zone"])
def test_a_name_is_short_printable_text(argument: str, value: Any) -> None:
    with pytest.raises(BadQuestion, match=argument):
        ask("A100", **{argument: value})


@pytest.mark.parametrize(
    ("cloud", "names"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ("aws", ("aws",)),
        ("AWS", ("aws",)),
        ("EC2", ("aws",)),
        (" Lambda Labs ", ("lambda",)),
        ("lambda_cloud", ("lambda",)),
        ("k8s", ("kubernetes",)),
        ("Nowhere", ("nowhere",)),
        ("aws,gcp", ("aws", "gcp")),
        ("gcp , aws,,", ("gcp", "aws")),
        (["gcp", "aws"], ("gcp", "aws")),
        (("aws", "ec2", "Amazon"), ("aws",)),
        (["", "aws", " "], ("aws",)),
    ],
    ids=ascii,
)
def test_clouds_are_known_by_what_people_call_them(
    cloud: str | Sequence[str] | None, names: tuple[str, ...]
) -> None:
    assert parse_clouds(cloud) == ask("A100", cloud=cloud).clouds == names


@pytest.mark.parametrize(
    "cloud",
    [5, True, b"aws", [5], [None], [["aws"]], {"aws": 1}, {"aws"}, ["aws", 5], "a\0b", ["x" * 201], iter(["aws"])],
    ids=type,
)
def test_what_is_neither_a_cloud_nor_a_list_of_them_is_refused(cloud: Any) -> None:
    with pytest.raises(BadQuestion, match="cloud"):
        parse_clouds(cloud)


class Odd(float):
    """A float that does not look like one, as numpy's does not."""

    def __repr__(self) -> str:
        return f"odd({float(self)})"


def test_hours_of_any_kind_of_float_are_a_float() -> None:
    assert repr(ask("A100", hours=Odd(1.5)).hours) == "1.5"


@pytest.mark.parametrize("gpu", ["-", "_", " - ", {"A100": 10**400}, {"A100": Decimal("sNaN")}, {"-": 1}])
def test_names_and_counts_that_are_none_are_refused(gpu: Any) -> None:
    with pytest.raises(BadQuestion):
        ask(gpu, instance_type="cpu_4x_general")


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_spot": "false"}, {"disk_size": -5}, {"disk_size": 1.5}, {"min_gpu_memory_gib": math.nan},
        {"min_gpu_memory_gib": 0}, {"max_price_usd_per_hour": Decimal("nan")},
        {"max_price_usd_per_hour": Decimal(0)},
    ],
)  # fmt: skip
def test_limits_and_switches_that_are_none_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadQuestion):
        ask("A100", **arguments)
