"""`estimate_cost`: the case table of the contract, and the wrong estimators that it warns of."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import re
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import gpu_catalog
from gpu_catalog import CostEstimate, estimate_cost, market
from gpu_catalog.estimate import estimate
from gpu_catalog.places import config_folder
from gpu_catalog.question import Question
from gpu_catalog.reading import file_bytes
from tests.gpu_catalog.test_catalog import republished
from tests.gpu_catalog.trees import AWS, COLUMNS, GCP, info, tree
from tests.samples import CATALOGS

LINE = re.compile(r"^Estimated cost: \$(\d+(\.\d+)?)/hr \(([^)]*)\)")


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    return tree(tmp_path / "clouds", {"aws": AWS, "gcp": GCP})


def first_line(answer: CostEstimate) -> str:
    line = str(answer).splitlines()[0]
    found = LINE.match(line)
    assert found
    assert answer.hourly_cost is not None
    decimals = len((found[2] or ".")[1:])
    assert abs(float(found[1]) - answer.hourly_cost) <= 0.5 * 10**-decimals
    return line


def test_the_signature_is_that_of_the_contract() -> None:
    parameters = inspect.signature(estimate_cost).parameters
    assert list(parameters) == [
        "gpu", "instance_type", "cloud", "region", "zone", "use_spot", "num_nodes", "hours", "disk_size",
        "catalog_dir",
    ]  # fmt: skip
    assert dataclasses.is_dataclass(CostEstimate)
    assert set(dir(CostEstimate)) >= {
        "found", "hourly_cost", "price_per_node", "total_cost", "currency", "cloud", "region", "zone",
        "instance_type", "gpu", "gpu_count", "use_spot", "num_nodes", "hours", "on_demand_price", "spot_price",
        "savings_percent", "offers", "reason", "warnings", "prices_as_of",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ({"gpu": "A100:1"}, "Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)"),
        ({"gpu": "a100"}, "Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)"),
        ({"gpu": {"A100": 1}}, "Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)"),
        ({"gpu": "A100:1", "num_nodes": 2}, "Estimated cost: $3.98/hr (2 nodes, Lambda us-east-1 on-demand)"),
        ({"gpu": "A100_80GB:2"}, "Estimated cost: $2.78/hr (RunPod AU on-demand)"),
        ({"gpu": "RTX 4090"}, "Estimated cost: $0.7400/hr (RunPod AU on-demand)"),
        ({"gpu": "H100:8", "cloud": "Lambda-Labs"}, "Estimated cost: $31.92/hr (Lambda us-east-1 on-demand)"),
        ({"gpu": "H100:8", "region": "NO"}, "Estimated cost: $23.12/hr (RunPod NO on-demand)"),
        ({"gpu": "RTX5090:8", "cloud": "yotta"}, "Estimated cost: $5.20/hr (Yotta us-central-2 on-demand)"),
        ({"instance_type": "GPU_1x_A100_sxm4"}, "Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)"),
        ({"instance_type": "cpu_4x_general"}, "Estimated cost: $0.2000/hr (Lambda us-east-1 on-demand)"),
        ({"instance_type": "1x_RTX5090_SECURE", "cloud": "yotta"}, "Estimated cost: $0.6500/hr (Yotta us-central-2 on-demand)"),
    ],
)  # fmt: skip
def test_a_known_price_is_one_line(question: dict[str, Any], line: str) -> None:
    assert first_line(estimate_cost(**question, catalog_dir=CATALOGS)) == line


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ({"gpu": "A100:8"}, "Estimated cost: $32.77/hr (AWS us-east-1 on-demand)"),
        ({"gpu": "A100:8", "use_spot": True}, "Estimated cost: $8.15/hr (AWS us-west-2 spot)"),
        ({"gpu": "A100:8", "use_spot": True, "region": "US-EAST-1"}, "Estimated cost: $9.83/hr (AWS us-east-1 spot)"),
        ({"gpu": "A100:8", "use_spot": True, "zone": "use1-az1"}, "Estimated cost: $9.83/hr (AWS us-east-1 spot)"),
        ({"gpu": "A10G:1", "use_spot": True}, "Estimated cost: $0.3900/hr (AWS us-east-1 spot)"),
        ({"gpu": "L4:0.125"}, "Estimated cost: $0.1100/hr (AWS us-east-1 on-demand)"),
        ({"gpu": "Trainium2:16", "use_spot": True}, "Estimated cost: $4.10/hr (AWS us-east-2 spot)"),
        ({"instance_type": "m5.large", "cloud": "ec2"}, "Estimated cost: $0.0960/hr (AWS us-east-1 on-demand)"),
        ({"gpu": "A100:1"}, "Estimated cost: $3.67/hr (GCP us-central1 on-demand)"),
        ({"gpu": "A100:1", "use_spot": True, "cloud": "gce"}, "Estimated cost: $1.52/hr (GCP us-central1 spot)"),
        ({"gpu": "V100"}, "Estimated cost: $2.95/hr (GCP us-central1 on-demand)"),
        ({"gpu": "L4", "cloud": "gcp", "use_spot": True}, "Estimated cost: $0.2800/hr (GCP us-central1 spot)"),
        ({"gpu": "L4", "cloud": "aws,gcp"}, "Estimated cost: $0.7100/hr (GCP us-central1 on-demand)"),
        ({"instance_type": "g2-standard-12"}, "Estimated cost: $0.9900/hr (GCP us-central1 on-demand)"),
    ],
)  # fmt: skip
def test_skypilots_own_catalogs_are_priced_too(clouds: Path, question: dict[str, Any], line: str) -> None:
    assert first_line(estimate_cost(**question, catalog_dir=clouds)) == line


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"gpu": "A100-8GB"}, "no accelerator 'A100-8GB' on any cloud here; did you mean A10G, A100?"),
        ({"gpu": "A100:3"}, "no instance with A100:3 on any cloud here; aws has A100:8; gcp has A100:1"),
        ({"gpu": "A100:1", "cloud": "aws"}, "no instance with A100:1 on AWS; aws has A100:8"),
        ({"gpu": "A100:1000000000"}, "no instance with A100:1000000000 on any cloud here; aws has A100:8; gcp has A100:1"),
        ({"gpu": "V100", "cloud": "aws"}, "no V100 on AWS; GCP has V100"),
        ({"gpu": "A100:8", "region": "us-est-1"}, "no region 'us-est-1' on any cloud here; did you mean us-east-1, us-west-2, us-east-2, us-south1, us-central1?"),
        ({"gpu": "A100:8", "region": "us-east-2"}, "no A100:8 in us-east-2 on any cloud here; it is in us-east-1, us-west-2"),
        ({"gpu": "A100:8", "zone": "use1-az9"}, "no A100:8 in zone 'use1-az9' on any cloud here; did you mean use1-az1, usw2-az2?"),
        ({"gpu": "L4", "cloud": "aws", "use_spot": True}, "no spot price is known for L4:1 on AWS; on-demand it is 0.8048 dollars an hour (AWS us-east-1)"),
        ({"gpu": "H100:8"}, "no on-demand price is known for H100:8 on AWS"),
        ({"gpu": "Trainium2:16"}, "no on-demand price is known for Trainium2:16 on AWS; spot it is 4.10 dollars an hour (AWS us-east-2)"),
        ({"gpu": "A100:1", "cloud": "gcp", "region": "europe-west4"}, "no A100:1 in europe-west4 on GCP; it is in us-central1"),
        ({"gpu": "tpu-v6e-8"}, "tpu-v6e-8: TPUs are not priced: SkyPilot itself says that its TPU prices need fixing"),
        ({"gpu": "A100:1", "cloud": "modal"}, "no prices for modal: it bills by the second and is in no instance catalog"),
        ({"gpu": "A100:1", "cloud": "k8s"}, "no prices for kubernetes: a cluster's nodes are already paid for"),
        ({"gpu": "A100:1", "cloud": "azure"}, "no prices for azure here, only for aws, gcp; `gpu-catalog sync --upstream azure` fetches SkyPilot's"),
        ({"gpu": "A100:1", "cloud": "awz"}, "unknown cloud 'awz'; did you mean aws?"),
        ({"instance_type": "g5.xlrge"}, "no instance type 'g5.xlrge' on any cloud here; did you mean g5.xlarge, g5.2xlarge, g6.xlarge, m5.large, p5.48xlarge, p4d.24xlarge?"),
        ({"instance_type": "g5.xlarge", "gpu": "A100"}, "g5.xlarge on any cloud here has no A100"),
        ({"instance_type": "ml.g5.xlarge", "cloud": "aws"}, "no prices for SageMaker (ml.g5.xlarge), which is 20 to 30 % dearer than EC2; EC2's g5.xlarge is 1.01 dollars an hour on-demand in us-east-1"),
        ({"instance_type": "ml.g9.xlarge"}, "no prices for SageMaker (ml.g9.xlarge), which is 20 to 30 % dearer than EC2; the EC2 price of g9.xlarge is not known either: no instance type 'g9.xlarge' on AWS; did you mean g6.xlarge, g5.xlarge, g5.2xlarge, m5.large, p5.48xlarge, p4d.24xlarge?"),
    ],
)  # fmt: skip
def test_no_price_is_an_answer_that_names_the_nearest(clouds: Path, question: dict[str, Any], reason: str) -> None:
    answer = estimate_cost(**question, catalog_dir=clouds)
    assert (answer.found, answer.reason, str(answer)) == (False, reason, reason)
    assert (answer.hourly_cost, answer.price_per_node, answer.total_cost, answer.offers) == (None, None, None, ())


def test_spot_over_several_clouds_is_the_cheapest_of_those_that_have_it(clouds: Path) -> None:
    answer = estimate_cost("L4", use_spot=True, catalog_dir=clouds)
    assert (answer.cloud, [offer.cloud for offer in answer.offers]) == ("gcp", ["gcp"])
    assert answer.savings_percent == pytest.approx(100 * (1 - 0.28 / 0.71), abs=0.05)


@pytest.mark.parametrize(
    "question",
    [
        {"gpu": "A100:x"}, {"gpu": "A100:0"}, {"gpu": "A100:-1"}, {"gpu": "A100:1:2"}, {"gpu": ":1"}, {"gpu": ""},
        {"gpu": "A100:"}, {"gpu": {"A100": 1, "T4": 1}}, {"gpu": {"A100": float("nan")}}, {"gpu": 5}, {},
        {"gpu": "A100", "num_nodes": 0}, {"gpu": "A100", "num_nodes": 1.5}, {"gpu": "A100", "hours": -1},
        {"gpu": "A100", "hours": float("nan")}, {"gpu": "A100", "cloud": 7}, {"gpu": "A100\x1b[2J"},
        {"gpu": "A" * 5000}, {"gpu": "A100", "region": 7},
    ],
)  # fmt: skip
def test_only_a_malformed_question_is_an_error(question: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        estimate_cost(**question, catalog_dir=CATALOGS)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_hours_add_a_total_and_leave_the_hourly_price(clouds: Path) -> None:
    answer = estimate_cost("A100:8", num_nodes=3, hours=1.5, catalog_dir=clouds)
    assert (answer.hourly_cost, answer.total_cost) == (98.3178, 147.4767)
    assert "$147.48 for 90 min" in str(answer)
    assert estimate_cost("A100:8", hours=0, catalog_dir=clouds).total_cost == 0


def test_a_disk_is_accepted_and_said_not_to_be_priced(clouds: Path) -> None:
    answer = estimate_cost("A100:8", disk_size=500, catalog_dir=clouds)
    assert answer.hourly_cost == 32.7726
    assert "Compute only; the disk of 500 GB and egress are not included" in answer.warnings


def test_the_whole_name_must_match(clouds: Path) -> None:
    rows = [("big", "A100-80GB", "1", "8", "64", info("A100-80GB", 81920), "0.01", "", "us-east-1", "use1-az1")]
    tree(clouds, {"other": rows})
    assert estimate_cost("A100:1", catalog_dir=clouds).cloud == "gcp"
    assert estimate_cost("A100-80GB:1", catalog_dir=clouds).hourly_cost == 0.01


def test_another_name_of_the_card_is_used_only_when_nobody_has_the_name_itself() -> None:
    used = estimate_cost("RTXA6000", cloud="lambda", catalog_dir=CATALOGS)
    assert (used.gpu, used.cloud) == ("A6000", "lambda")
    assert "RTXA6000 is offered under another name of the same card: A6000" in used.warnings

    own = estimate_cost("A6000", catalog_dir=CATALOGS)
    assert (own.gpu, own.cloud) == ("A6000", "lambda")
    assert any(
        re.fullmatch(r"Cheaper under another name of the same card: RTXA6000 at \$0\.\d{4}/hr \(RunPod \w+\)", text)
        for text in own.warnings
    )
    assert not any("another name" in text for text in estimate_cost("RTXA6000", catalog_dir=CATALOGS).warnings)


def one_gpu(*rows: tuple[str, str, str]) -> list[tuple[str, ...]]:
    """(instance type, price, region) rows of an X1."""
    return [(name, "X1", "1", "8", "64", info("X1", 40960), price, "", region, "") for name, price, region in rows]


def test_on_equal_price_skypilots_order_and_then_the_alphabet_decide(tmp_path: Path) -> None:
    columns = [column for column in COLUMNS if column != "AvailabilityZone"]
    rows = one_gpu(("t", "1.0", "asia-1"), ("t", "1.0", "us-west-1"), ("t", "1.0", "us-east-1"))
    for cloud in ("lambda", "other"):
        tree(tmp_path, {cloud: rows})
        path = tmp_path / cloud / "vms.csv"
        text = path.read_text().replace(",".join(COLUMNS), ",".join(columns)).replace(",\n", "\n")
        path.write_text(re.sub(r",$", "", text, flags=re.MULTILINE))
    assert estimate_cost("X1", cloud="lambda", catalog_dir=tmp_path).region == "us-east-1"
    assert estimate_cost("X1", cloud="other", catalog_dir=tmp_path).region == "asia-1"
    assert estimate_cost("X1", catalog_dir=tmp_path).cloud == "lambda"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The samples as if they were live, those of Lambda of today; to be changed."""
    folder = shutil.copytree(CATALOGS, tmp_path / "published")
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["clouds"].values():
        entry["kind"] = "live"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    republished(folder, "2026-05-28T00:00:00Z", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), cloud="lambda")
    return folder


def test_on_equal_price_what_is_in_stock_wins(published: Path) -> None:
    republished(published, '"in_stock": []', '"in_stock": ["us-west-1"]', cloud="lambda")
    answer = estimate_cost("A100:1", cloud="lambda", catalog_dir=published)
    assert (answer.region, answer.offers[0].in_stock) == ("us-west-1", True)


@pytest.mark.parametrize(
    ("stock", "said"),
    [
        ('"in_stock": ["us-east-1"]', "in stock"),
        ('"out_of_stock": ["us-east-1"]', "out of stock"),
        ("", "stock unknown"),
    ],
)
def test_stock_is_told(stock: str, said: str, published: Path) -> None:
    name = stock.partition(":")[0]
    if stock:
        republished(published, f"{name}: []", stock, cloud="lambda")
    answer = estimate_cost("A100:1", cloud="lambda", region="us-east-1", catalog_dir=published)
    assert str(answer).splitlines()[1].endswith(f" GB, {said}")


def test_confidence_is_high_only_in_a_list_price_of_a_known_day(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = estimate_cost("A100:1", cloud="lambda", catalog_dir=published)
    assert (answer.confidence_level, answer.prices_as_of) == ("high", time.strftime("%Y-%m-%d", time.gmtime()))
    own = config_folder() / "overrides.toml"
    own.parent.mkdir(parents=True)
    own.write_text("[lambda]\ndiscount_percent = 10\n")
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(published))
    answer = estimate_cost("A100:1", cloud="lambda")
    assert (answer.confidence_level, answer.hourly_cost) == ("medium", 1.791)
    assert "10 % off for lambda: not the list price" in answer.warnings


def test_prices_of_no_known_day_deserve_no_confidence(published: Path) -> None:
    today = time.strftime("%Y-%m-%dT", time.gmtime())
    offers = (published / "v8/lambda/offers.jsonl").read_text()
    stated = f'"observed_at": "{today}{offers.partition(today)[2][:9]}"'
    republished(published, stated, '"observed_at": null', cloud="lambda")
    answer = estimate_cost("A100:1", cloud="lambda", catalog_dir=published)
    assert (answer.confidence_level, answer.prices_as_of) == ("low", None)
    assert "Nobody said how old the prices of Lambda are" in answer.warnings
    assert "Prices of an unknown date, from gpu-catalog" in str(answer)


def test_what_skypilot_cannot_launch_is_said(published: Path) -> None:
    said = "SkyPilot's launcher does not know gpu_1x_a100"
    assert said not in estimate_cost("A100:1", cloud="lambda", catalog_dir=published).warnings
    republished(published, '"launchable": true', '"launchable": false', cloud="lambda")
    assert said in estimate_cost("A100:1", cloud="lambda", catalog_dir=published).warnings


def test_the_date_and_source_are_told_and_old_or_sample_prices_warned_of(clouds: Path) -> None:
    sample = estimate_cost("A100:1", catalog_dir=CATALOGS)
    assert (sample.prices_as_of, sample.confidence_level) == ("2026-05-28", "low")
    assert sample.source is not None
    assert sample.source.startswith("gpu-catalog 2026")
    assert "Sample data, not today's prices (Lambda)" in sample.warnings

    fresh = estimate_cost("A100:8", catalog_dir=clouds)
    assert (fresh.prices_as_of, fresh.confidence_level) == (time.strftime("%Y-%m-%d", time.gmtime()), "medium")
    assert not any("days old" in text for text in fresh.warnings)
    assert "The date is that of the file; the prices of AWS may be older" in fresh.warnings
    assert estimate_cost("A100:8", use_spot=True, catalog_dir=clouds).confidence_level == "medium"


def test_the_age_that_is_warned_of_can_be_set(clouds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = time.time() - 5 * 86400
    os.utime(clouds / "aws/vms.csv", (old, old))
    assert "The prices of AWS are 5 days old" in estimate_cost("A100:8", catalog_dir=clouds).warnings
    monkeypatch.setenv("GPU_CATALOG_MAX_AGE_DAYS", "5")
    patient = shutil.copytree(clouds, clouds.with_name("copy"))
    answer = estimate_cost("A100:8", catalog_dir=patient)
    assert (answer.confidence_level, [text for text in answer.warnings if "days" in text]) == ("medium", [])


def test_who_names_no_cloud_is_told_what_skypilot_would_do() -> None:
    warned = "SkyPilot uses only clouds enabled by `sky check`, which are not known here"
    assert warned in estimate_cost("A100", catalog_dir=CATALOGS).warnings
    assert warned not in estimate_cost("A100", cloud="lambda", catalog_dir=CATALOGS).warnings


def test_no_network_and_no_output(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("network used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("GPU_CATALOG_ROOT", "https://prices.example.com/never-synced")
    answer = estimate_cost("A100")
    assert not answer.found
    assert answer.reason is not None
    assert "nothing synced from there yet" in answer.reason
    assert estimate_cost("A100", catalog_dir=CATALOGS).found
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_catalogs_is_an_answer_too(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        answer = estimate_cost("A100", catalog_dir=place)
        assert not answer.found
        assert str(place) in (answer.reason or "")


def test_the_estimate_is_part_of_the_package() -> None:
    assert gpu_catalog.estimate_cost is estimate_cost
    assert issubclass(gpu_catalog.BadQuestion, ValueError)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, clouds: Path) -> Path:
    """The folder of the user's settings, with `clouds` as what the machine has."""
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(clouds))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(clouds.parent / "config"))
    folder = clouds.parent / "config/gpu-catalog"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("rule", "question", "cost"),
    [
        ("[gcp.instance_types.a2-highgpu-1g]\nprice_usd_per_hour = 3.0", {"gpu": "A100:1"}, 3.0),
        ("[gcp.accelerators.A100]\nprice_usd_per_gpu_hour = 2.0", {"gpu": "A100:1"}, 2.0),
        ("[gcp]\ndiscount_percent = 10", {"gpu": "A100:1"}, 3.303),
        ("[gcp.instance_types.n1-highmem-8]\nprice_usd_per_hour = 0.3", {"gpu": "V100"}, 2.95),
        ("[gcp.instance_types.n1-highmem-8]\nprice_usd_per_hour = 0.3", {"instance_type": "n1-highmem-8"}, 0.3),
        ("[EC2.accelerators.A100]\nprice_usd_per_gpu_hour = 2.0", {"gpu": "A100:8"}, 16.0),
    ],
)
def test_own_prices_are_those_of_the_whole_instance(
    rule: str, question: dict[str, Any], cost: float, settings: Path
) -> None:
    (settings / "overrides.toml").write_text(rule)
    answer = estimate_cost(**question)
    assert answer.hourly_cost == cost
    assert any("not the list price" in text for text in answer.warnings) == (cost != 2.95)


def test_own_prices_of_a_cloud_that_nobody_knows_are_refused(settings: Path) -> None:
    (settings / "overrides.toml").write_text("[lamda]\ndiscount_percent = 10")
    answer = estimate_cost("A100:8")
    assert (answer.found, "unknown cloud 'lamda'" in (answer.reason or "")) == (False, True)


def test_settings_of_this_machine_do_not_matter_to_a_folder(settings: Path, clouds: Path) -> None:
    (settings / "config.toml").write_text("max_age_days = 'x'")
    assert not estimate_cost("A100:8").found
    assert estimate_cost("A100:8", catalog_dir=clouds).found


def test_a_machine_and_a_gpu_that_is_attached_to_it_are_priced_together(clouds: Path) -> None:
    answer = estimate_cost("V100:1", instance_type="n1-highmem-8", catalog_dir=clouds)
    assert (answer.hourly_cost, answer.gpu) == (2.95, "V100")
    assert estimate_cost(instance_type="n1-highmem-8", catalog_dir=clouds).hourly_cost == 0.47
    refused = estimate_cost("A100:4", instance_type="p4d.24xlarge", catalog_dir=clouds)
    assert refused.reason == "p4d.24xlarge does not have A100:4; aws has A100:8"


@pytest.mark.parametrize("name", ["tpu-v6e-8", "TPU_v6e-8", "tpu v6e-8"])
def test_tpus_are_told_however_they_are_written(name: str, clouds: Path) -> None:
    assert "TPUs are not priced" in (estimate_cost(name, catalog_dir=clouds).reason or "")


def test_the_same_card_under_another_name_is_named_when_the_count_is_missing(clouds: Path) -> None:
    rows = [
        ("a", "A6000", "4", "8", "64", "", "4.0", "", "r", "z"),
        ("b", "RTXA6000", "1", "8", "64", "", "1", "", "r", "z"),
    ]
    reason = estimate_cost("A6000:1", catalog_dir=tree(clouds, {"other": rows})).reason
    assert reason == (
        "no instance with A6000:1 on any cloud here; other has A6000:4; "
        "under another name of the same card other has RTXA6000:1"
    )


def rows_in(*regions: str, name: str = "X1") -> list[tuple[str, ...]]:
    return [(f"t-{name}", name, "1", "8", "64", info(name, 24576), "1.0", "", region, "z") for region in regions]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"gpu": "X1", "region": "r9"}, "no X1 in r9 on other; it is in r1, r2, r3, r4, r5, r6 and 2 more"),
        ({"gpu": "Y1", "region": "r1"}, "no Y1 in r1 on other; it is in r9"),
        ({"gpu": "Y1", "zone": "zz", "region": "r9"}, "no Y1 in zone 'zz' on other; did you mean z?"),
        ({"gpu": "Y1", "region": "zz"}, "no region 'zz' on other; there are r1, r2, r3, r4, r5, r6, r7, r8, r9"),
        (
            {"gpu": "X1", "min_gpu_memory_gib": 80},
            "no X1 on other with 80 GB per GPU; the nearest have up to 8 vCPUs, 64 GiB and 24 GB per GPU",
        ),
        (
            {"gpu": "X1", "vcpus": "9+", "memory_gib": "65+"},
            "no X1 on other with 9+ vCPUs and 65+ GiB of memory; "
            "the nearest have up to 8 vCPUs, 64 GiB and 24 GB per GPU",
        ),
    ],
    ids=str,
)
def test_a_reason_names_what_there_is_instead(question: dict[str, Any], reason: str, tmp_path: Path) -> None:
    rows = [*rows_in(*(f"r{n}" for n in range(1, 9))), *rows_in("r9", name="Y1")]
    answer = estimate(Question(**question), market.Market(tree(tmp_path, {"other": rows})))
    assert answer.reason == reason


def test_a_cloud_without_zones_says_so_to_who_names_one(tmp_path: Path) -> None:
    rows = [(*row[:-1], "") for row in rows_in("r1")]
    reason = estimate_cost("X1", zone="r1-a", catalog_dir=tree(tmp_path, {"other": rows})).reason
    assert reason == "X1:1 on other is priced by region, not by zone; leave the zone out"


def test_the_same_card_is_only_offered_in_the_count_that_was_asked_for(tmp_path: Path) -> None:
    rows = [*rows_in("r", name="RTXA6000"), ("a", "A6000", "4", "8", "64", "", "4.0", "", "r", "z")]
    reason = estimate_cost("A6000:2", catalog_dir=tree(tmp_path, {"other": rows})).reason
    assert reason == "no instance with A6000:2 on other; other has A6000:4"


def test_a_limit_hides_no_price_of_the_machine_behind_sagemakers(clouds: Path) -> None:
    question = Question(instance_type="ml.g5.xlarge", max_price_usd_per_hour=Decimal("0.5"))
    assert "EC2's g5.xlarge is 1.01 dollars an hour" in (estimate(question, market.Market(clouds)).reason or "")


def test_a_host_whose_gpus_nobody_prices_has_no_price(tmp_path: Path) -> None:
    rows = [*GCP, ("A3-edgegpu-8g", "", "", "208", "1872", "", "9.46", "", "us-central1", "us-central1-a")]
    folder = tree(tmp_path, {"gcp": rows})
    for spelling in ("A3-edgegpu-8g", "a3-EDGEGPU-8g"):
        assert "break a rule" in (estimate_cost(instance_type=spelling, catalog_dir=folder).reason or "")
    assert "no instance type" in (estimate_cost(instance_type="a3-edgegpu-9g", catalog_dir=folder).reason or "")


def test_a_price_that_was_entered_by_hand_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_MAX_AGE_DAYS", "100000")
    answer = estimate_cost("RTX5090", cloud="yotta", catalog_dir=CATALOGS)
    assert answer.confidence_level == "low"
    assert "The price of Yotta was entered by hand, from a price list" in answer.warnings


def test_a_file_that_could_not_be_read_once_is_read_the_next_time(
    clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(24, "Too many open files", str(path))

    monkeypatch.setattr(market, "file_bytes", refuse)
    assert "Too many open files" in (estimate_cost("A100:8", cloud="aws", catalog_dir=clouds).reason or "")
    monkeypatch.setattr(market, "file_bytes", file_bytes)
    assert estimate_cost("A100:8", cloud="aws", catalog_dir=clouds).found
    assert market.open_market(clouds).problems == {}


def test_the_place_of_the_catalogs_may_change_while_a_process_runs(
    clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dearer = [(*AWS[2][:6], "2.5", *AWS[2][7:])]
    for place, price in ((clouds, 1.006), (tree(tmp_path / "dearer", {"aws": dearer}), 2.5), (clouds, 1.006)):
        monkeypatch.setenv("GPU_CATALOG_ROOT", str(place))
        assert estimate_cost("A10G", cloud="aws").hourly_cost == price


def test_threads_that_ask_at_once_read_a_file_once(clouds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def counting(path: Path, *limit: int) -> bytes:
        reads.append(path)
        time.sleep(0.05)
        return file_bytes(path, *limit)

    monkeypatch.setattr(market, "file_bytes", counting)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: estimate_cost("A100:8", cloud="aws", catalog_dir=clouds), range(16)))
    assert all(answer.hourly_cost == 32.7726 for answer in answers)
    assert [path.name for path in reads] == ["vms.csv", "source.json"]


def test_skypilots_file_of_a_cloud_of_which_ours_are_samples_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))
    path = tree(Path.home() / ".sky/catalogs/v8", {"lambda": AWS}) / "lambda/vms.csv"
    answer = estimate_cost("A100:1", cloud="lambda")
    assert answer.hourly_cost == 1.99
    assert f"Other prices of Lambda are in {path}; --root {path.parents[1]} reads them" in answer.warnings


def test_an_unreadable_source_is_part_of_the_reason(clouds: Path) -> None:
    (clouds / "azure").mkdir()
    (clouds / "azure/vms.csv").write_text("junk")
    reason = estimate_cost("K80", catalog_dir=clouds).reason or ""
    assert "No prices for azure: " in reason
    assert "\n" not in reason
