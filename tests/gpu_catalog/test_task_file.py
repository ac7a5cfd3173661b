"""SkyPilot task files: the same choices as SkyPilot makes of them, and tasks or BadTask out of any text."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from gpu_catalog.errors import BadQuestion, BadTask
from gpu_catalog.market import Market, open_market
from gpu_catalog.question import Question
from gpu_catalog.task_file import MAX_CHOICES, MAX_TASK_BYTES, Task, estimate_task, parse_tasks, read_tasks
from tests.gpu_catalog.trees import AWS, GCP, tree

A100 = "resources: {accelerators: A100}\n"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return open_market(tree(tmp_path_factory.mktemp("clouds"), {"aws": AWS, "gcp": GCP}))


def task_of(resources: str) -> Task:
    (task,) = parse_tasks(f"resources: {resources}\n")
    return task


def questions(task: Task) -> list[Question]:
    assert [choice.reason for choice in task.choices] == [None] * len(task.choices)
    return [choice.question for choice in task.choices if choice.question is not None]


@pytest.mark.parametrize(
    ("accelerators", "order", "asked"),
    [
        ("A100", "cheapest", [("A100", 1)]), ("A100:8", "cheapest", [("A100", 8)]),
        ("' A100 : 8 '", "cheapest", [("A100", 8)]), ("L4:0.125", "cheapest", [("L4", 0.125)]),
        ("{A100: 8}", "cheapest", [("A100", 8)]), ("{A100: null}", "cheapest", [("A100", 1)]),
        ("{A100: 8, L4: 0.5}", "cheapest", [("A100", 8), ("L4", 0.5)]),
        ("{A100:8, V100:2}", "cheapest", [("A100", 8), ("V100", 2)]),
        ("{A100, V100: 4}", "cheapest", [("A100", 1), ("V100", 4)]),
        ("\n    A100: 8\n    V100:\n", "cheapest", [("A100", 8), ("V100", 1)]),
        ("!!set {V100:2, A100:8}", "cheapest", [("A100", 8), ("V100", 2)]),
        ("[V100:2, A100:8]", "in order", [("V100", 2), ("A100", 8)]),
        ("\n    - V100\n    - {A100: 8}", "in order", [("V100", 1), ("A100", 8)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["accelerators", "gpus"])
def test_accelerators_are_a_text_a_list_in_order_or_a_set(
    key: str, accelerators: str, order: str, asked: list[tuple[str, float]]
) -> None:
    task = task_of(f"\n  {key}: {accelerators}")

    assert [(question.gpu, question.gpu_count) for question in questions(task)] == asked
    assert task.order == order


@pytest.mark.parametrize(
    ("resources", "place"),
    [
        ("infra: aws", ("aws", None, None)), ("infra: AWS/us-east-1", ("aws", "us-east-1", None)),
        ("infra: aws/us-east-1/us-east-1a", ("aws", "us-east-1", "us-east-1a")),
        ("infra: ' aws / us-east-1 / '", ("aws", "us-east-1", None)), ("infra: '*'", (None, None, None)),
        ("infra: '*/us-east-1'", (None, "us-east-1", None)), ("infra: '*/*/us-1a'", (None, None, "us-1a")),
        ("infra: aws/*/us-1a", ("aws", None, "us-1a")), ("infra: k8s/ctx", ("kubernetes", None, None)),
        ("infra: kubernetes/arn:aws:eks:us-east-1:1:cluster/c", ("kubernetes", None, None)),
        ("infra: ssh/pool", ("ssh", None, None)), ("infra: null, cloud: gcp", ("gcp", None, None)),
        ("cloud: EC2, region: us-east-1, zone: us-east-1a", ("aws", "us-east-1", "us-east-1a")),
        ("region: us-east-1", (None, "us-east-1", None)), ("cloud: null, zone: null", (None, None, None)),
    ],
)  # fmt: skip
def test_a_place_is_infra_or_cloud_region_and_zone(resources: str, place: tuple[str | None, ...]) -> None:
    (asked,) = questions(task_of(f"{{accelerators: A100, {resources}}}"))
    assert (*(asked.clouds or (None,)), asked.region, asked.zone) == place


@pytest.mark.parametrize(("key", "order"), [("any_of", "cheapest"), ("ordered", "in order")])
def test_entries_take_the_place_of_the_fields_around_them(key: str, order: str) -> None:
    task = task_of(f"""
  accelerators: A100:8
  cloud: aws
  region: us-east-1
  use_spot: true
  {key}:
    - {{region: us-west-2}}
    - {{infra: gcp/us-central1, accelerators: {{L4: 2, V100: 1}}}}
    - {{use_spot: false, accelerators: null, instance_type: m5.large}}
    - {{}}""")

    assert task.order == order
    assert [(q.gpu, q.instance_type, *q.clouds, q.region, q.use_spot) for q in questions(task)] == [
        ("A100", None, "aws", "us-west-2", True),
        ("L4", None, "gcp", "us-central1", True),
        ("V100", None, "gcp", "us-central1", True),
        (None, "m5.large", "aws", "us-east-1", False),
        ("A100", None, "aws", "us-east-1", True),
    ]
    assert [choice.label for choice in task.choices[:2]] == [
        "A100:8 on aws/us-west-2 spot",
        "L4:2 on gcp/us-central1 spot",
    ]


@pytest.mark.parametrize(
    ("resources", "label", "price"),
    [
        ("{accelerators: {A100: 8, A10G: 1}}", "A10G:1", 1.006), ("{gpus: {A100:8, L4:1}}", "L4:1", 0.71),
        ("{accelerators: [A100:8, A10G:1]}", "A100:8", 32.7726),
        ("{accelerators: [H100:8, A100:8, A10G:1]}", "A100:8", 32.7726),
        ("{accelerators: [H100:8, A100:8], use_spot: true}", "A100:8 spot", 8.15),
        ("{accelerators: L4, use_spot: true}", "L4 spot", 0.28),
        ("{accelerators: L4, any_of: [{infra: aws}, {infra: gcp}]}", "L4 on gcp", 0.71),
        ("{accelerators: L4, ordered: [{infra: aws}, {infra: gcp}]}", "L4 on aws", 0.8048),
        ("{accelerators: L4, ordered: [{infra: azure}, {infra: gcp}]}", "L4 on gcp", 0.71),
        ("{accelerators: A10G, cpus: 4}", "A10G", 1.006), ("{accelerators: A10G, cpus: 5+}", "A10G", 1.212),
        ("{accelerators: A10G, cpus: '8+', memory: 32+}", "A10G", 1.212),
        ("{accelerators: A10G, memory: 17GB+}", "A10G", 1.212), ("{gpus: A10G, memory: 32768MB}", "A10G", 1.212),
        ("{gpus: A10G, memory: 0.03125 tb}", "A10G", 1.212), ("{gpus: A10G, memory: 4x}", "A10G", 1.006),
        ("{gpus: {L4: 1, A10G: 1}, infra: aws, cpus: 8+}", "A10G:1 on aws", 1.212),
        ("{instance_type: p4d.24xlarge}", "p4d.24xlarge", 32.7726),
        ("{instance_type: m5.large, use_spot: true}", "m5.large spot", 0.035),
    ],
)  # fmt: skip
def test_what_skypilot_would_start_with_is_chosen(market: Market, resources: str, label: str, price: float) -> None:
    task = task_of(resources)
    found = estimate_task(task, market)

    assert found.chosen.hourly_cost == price
    assert task.choices[found.estimates.index(found.chosen)].label == label


def test_nodes_and_hours_multiply(market: Market) -> None:
    (task,) = parse_tasks("num_nodes: 4\nresources: {accelerators: L4}")
    chosen = estimate_task(task, market, 10).chosen
    assert (chosen.num_nodes, chosen.hourly_cost, chosen.price_per_node, chosen.total_cost) == (4, 2.84, 0.71, 28.4)


UNPRICED = {
    "{}": "neither accelerators", "{cpus: 8+, memory: 32+}": "neither accelerators", "{gpus: []}": "neither",
    "{gpus: {}}": "either", "{gpus: ''}": "neither", "{gpus: 80GB+}": "by its", "{gpus: 'NVIDIA:80gb:8'}": "by its",
    "{gpus: A100:0}": "above 0", "{gpus: A100:x}": "NAME:COUNT", "{gpus: 8}": "as text", "{gpus: [[T4]]}": "text",
    "{gpus: {A100: true}}": "not a number", "{gpus: {A100: .nan}}": "above 0", "{gpus: {A100: .inf}}": "above 0",
    "{gpus: {A100: -1}}": "above 0", "{gpus: {A100: [8]}}": "not a number", "{gpus: {2024-01-01: 1}}": "no acc",
    "{gpus: 2024-01-01}": "as text", "{gpus: A100, use_spot: 1}": "use_spot", "{gpus: A100, infra: [aws]}": "infra",
    "{gpus: A100, cloud: {aws: 1}}": "cloud", "{gpus: A100, region: 5}": "region", "{gpus: &a [*a]}": "as text",
    "{gpus: A100, memory: lots}": "memory", "{gpus: T4, memory: 1e400}": "memory", "{gpus: T4, memory: -1}": "mem",
    "{gpus: A100, cpus: many}": "cpus", "{gpus: A100, cpus: true}": "size", "{gpus: A100, cpus: [8]}": "size",
    "{instance_type: [a]}": "instance_type", '{gpus: "A\\e[31m"}': "valid name", '{gpus: "\\ud800"}': "valid name",
}  # fmt: skip


@pytest.mark.parametrize("resources", UNPRICED)
def test_what_cannot_be_asked_is_listed_with_the_reason(market: Market, resources: str) -> None:
    task = task_of(resources)
    (choice,) = task.choices
    chosen = estimate_task(task, market, 2).chosen

    assert choice.question is None
    assert UNPRICED[resources] in (choice.reason or "")
    assert choice.label
    assert (chosen.found, chosen.reason, chosen.hours) == (False, choice.reason, 2)


def test_one_choice_without_a_price_does_not_stop_the_others(market: Market) -> None:
    found = estimate_task(task_of("{accelerators: [80GB+, A100:x, H9000, L4, A100]}"), market)
    assert [answer.hourly_cost for answer in found.estimates] == [None, None, None, 0.71, 3.67]
    assert found.chosen == found.estimates[3]


def test_what_does_not_decide_the_price_is_passed_over() -> None:
    around = "x: {}\nrun: |\n  python train.py\nenvs: {A: null}\nnum_nodes: null\nname: null\n5: [1]\n"
    inside = "image_id: x, ports: [1], labels: {a: b}, disk_tier: best, any_of: null, ordered: [], cpus: null"
    nulls = "memory: null, use_spot: null, disk_size: null, instance_type: null, job_recovery: {max_restarts: 1}"
    assert parse_tasks(f"{around}resources: {{accelerators: A100, {inside}, {nulls}}}") == parse_tasks(A100)
    assert parse_tasks("resources: {accelerators: T4}\n" + A100) == parse_tasks(A100)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"name: pipe\n---\nname: a\n{A100}---\nname: b\n{A100}", ["a", "b"]), ("name: alone\n", ["alone"]),
        (f"---\nname: a\n{A100}---\n---\n{A100}...\n", ["a", None]), (f"name: [a]\n{A100}", [None]),
    ],
)  # fmt: skip
def test_a_file_has_one_task_per_document_after_its_heading(text: str, names: list[str | None]) -> None:
    assert [task.name for task in parse_tasks(text)] == names


BAD = {
    "": "no task", "---\n---\n": "no task", "# nothing\n": "no task", "- a\n": "not a list", "5\n": "not int",
    "A100\n": "not str", "2024-02-30\n": "YAML", "a: 2024-13-01\n": "YAML", "a: [1\n": "YAML",
    "a: *b\n": "YAML", "a:\n\t- b\n": "YAML", "\0": "YAML", "a: !!python/object:os.system {}": "YAML",
    f"a: {'9' * 5000}": "YAML", "[" * 100_000: "YAML", "{a: " * 50_000: "YAML", "- " * 10**5: "YAML",
    "? " * 100_000: "YAML", "? [a]\n: b\n": "YAML", "resources: 5\n": "a mapping", "a: ]": "YAML",
    "resources: [a]\n": "a mapping", "resources: A100\n": "a mapping", "resources: {any_of: {a: 1}}": "any_of",
    "resources: {any_of: [A100]}": "any_of", "resources: {ordered: 5}": "ordered", f"num_nodes: 0\n{A100}": "num_",
    "resources: {any_of: [{}], ordered: [{}]}": "one of them", f"num_nodes: true\n{A100}": "num_nodes",
    f"num_nodes: 1.5\n{A100}": "num_nodes", f"num_nodes: '2'\n{A100}": "num_nodes", f"{A100}---\n- a\n": "a list",
    f"num_nodes: .inf\n{A100}": "num_nodes", f"resources: {{gpus: [{'T4,' * (MAX_CHOICES + 1)}]}}": "more than",
    f"resources: {{any_of: [{'{gpus: &a [T4, T4]},' + '{gpus: *a},' * MAX_CHOICES}]}}": "more than 1000",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text[:20]))
def test_what_is_no_task_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadTask, match=r"^t\.yaml: ") as caught:
        parse_tasks(text, "t.yaml")
    assert BAD[text] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_aliases_that_stand_for_more_than_memory_holds_are_never_spelled_out(market: Market) -> None:
    lines = ["x0: &x0 [ha, ha]"] + [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 40)]
    for key in ("accelerators", "cpus", "memory", "infra", "cloud", "region", "use_spot", "disk_size", "labels"):
        (task,) = parse_tasks("\n".join([*lines, f"resources: {{accelerators: A100, {key}: *x39}}"]))
        assert all(len(choice.label) + len(choice.reason or "") < 2000 for choice in task.choices)
        assert estimate_task(task, market).chosen.found == (key in {"disk_size", "labels"})
    with pytest.raises(BadTask, match="num_nodes"):
        parse_tasks("\n".join([*lines, "num_nodes: *x39", A100]))


def test_files_are_read_as_utf_8_and_named_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "some task.yaml"
    good = A100.encode()
    for content in (good, b"\xef\xbb\xbf" + good, good + b"#" * (MAX_TASK_BYTES - len(good))):
        path.write_bytes(content)
        assert read_tasks(path) == parse_tasks(A100)
    for bad in (b"", b"\xff", A100.encode("utf-16"), b"name: \xe4\n", good + b"#" * 10 * 2**20):
        path.write_bytes(bad)
        with pytest.raises(BadTask, match=r"some task\.yaml"):
            read_tasks(path)
    for nowhere in (tmp_path, tmp_path / "none.yaml", path / "x", tmp_path / ("x" * 5000)):
        with pytest.raises(BadTask, match="cannot be read"):
            read_tasks(nowhere)


def test_without_pyyaml_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(BadTask, match=r"pip install 'gpu-catalog\[task\]'"):
        parse_tasks(A100)


def chosen(resources: str, market: Market) -> float | None:
    return estimate_task(task_of(resources), market).chosen.hourly_cost


@pytest.mark.parametrize(
    ("resources", "cost"),
    [
        ("{accelerators: A100:8, any_of: [{gpus: L4}]}", 0.71),
        ("{accelerators: null, gpus: A100}", 3.67),
        ("{infra: gcp, accelerators: L4, any_of: [{cloud: aws}]}", 0.8048),
        ("{cloud: aws, accelerators: L4, any_of: [{infra: gcp}]}", 0.71),
        ("{any_of: [{accelerators: [A100:8, A10G:1]}]}", 1.006),
        ("{accelerators: [{A100: 8, A10G: 1}]}", 32.7726),
        ("{accelerators: L4, infra: gcp, cpus: 12+}", 0.99),
        ("{accelerators: L4, infra: gcp, memory: 40Gi+}", 0.99),
        ("{accelerators: L4, infra: gcp, cpus: 4}", 0.71),
    ],
)
def test_what_an_entry_says_takes_the_place_of_what_is_around_it(
    resources: str, cost: float, market: Market
) -> None:
    assert chosen(resources, market) == cost


HUGE = "0x" + "f" * 6000


@pytest.mark.parametrize(
    "resources",
    [
        "{accelerators: [{}], infra: aws/x, cloud: gcp}", "{accelerators: {80GB+: 8}}", "{accelerators: {80GB+}}",
        "{accelerators: A100, infra: gcp, cloud: aws}", f"{{accelerators: A100, cpus: {HUGE}}}",
        f"{{accelerators: A100, memory: {HUGE}}}", f"{{accelerators: !!set {{{HUGE}}}}}",
        f"{{accelerators: A100, disk_size: {HUGE}}}", "{accelerators: {A100: 1" + "0" * 400 + "}}",
        "{accelerators: A100, cpus: .nan}", "{accelerators: A100, cpus: -4}",
        "{accelerators: A100, cpus: '\u0661'}",
        "{accelerators: A100, cpus: '" + "9" * 100_000 + "'}", "{accelerators: '80GB+:" + "x" * 100_000 + "'}",
    ],
    ids=lambda text: text[:60],
)  # fmt: skip
def test_a_choice_that_is_none_is_listed_with_a_short_reason(resources: str, market: Market) -> None:
    told = estimate_task(task_of(resources), market, 1)
    assert not told.chosen.found
    for choice, answer in zip(told.task.choices, told.estimates, strict=True):
        assert len(choice.label) < 300
        assert 0 < len(answer.reason or "") < 500
        assert (choice.label + str(answer.reason)).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "a: !!timestamp x", 'a: !!int ""', 'a: !!float ""', "a: !!bool x", 'a: "\\UFFFFFFFF"',
        "a: " + "1:" * 400 + "1.5", "resources: {accelerators: A100, gpus: L4}",
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_what_yaml_itself_dies_of_is_one_line(text: str) -> None:
    with pytest.raises(BadTask) as caught:
        parse_tasks(text)
    assert "\n" not in str(caught.value)


def test_only_the_first_document_of_a_pipeline_can_be_its_name() -> None:
    assert [task.name for task in parse_tasks(f"name: pipe\n---\nname: a\n{A100}---\nname: b\n{A100}")] == [
        "a",
        "b",
    ]
    assert [task.name for task in parse_tasks(f"name: a\n{A100}---\nname: b\n")] == ["a", "b"]


def test_a_path_that_is_none_and_hours_that_are_none_are_refused(market: Market) -> None:
    with pytest.raises(BadTask, match="cannot be read"):
        read_tasks(Path("a\0b"))
    for hours in (math.nan, math.inf, -1.0):
        with pytest.raises(BadQuestion, match="hours"):
            estimate_task(task_of("{accelerators: A100}"), market, hours)
