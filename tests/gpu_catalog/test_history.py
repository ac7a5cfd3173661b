"""Price history: what it says replays to the catalogs, and `gpu-catalog history` shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadCatalogFile, Catalog, NoCatalog, NotOffered
from gpu_catalog.cli import main
from gpu_catalog.history import PriceChange, changes, history_jsonl, parse_history, prices_of, replayed
from gpu_catalog.manifest import CloudEntry, FileEntry, Manifest
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer, grouped
from gpu_catalog.price_series import read_history, series
from tests.gpu_catalog.price_changes import DAYS, change, offered
from tests.gpu_catalog.trees import tree


def successive(every: Sequence[list[Offer]]) -> list[list[PriceChange]]:
    """The changes of each of these publications against the one before it."""
    before = [None, *every[:-1]]
    return [
        changes(was, now, cloud="c", valid_from=DAYS[place], publication=f"p{place}")
        for place, (was, now) in enumerate(zip(before, every, strict=True))
    ]


@given(st.lists(offered(), min_size=1, max_size=6))
def test_replaying_all_changes_gives_the_prices_of_the_last_catalog(every: list[list[Offer]]) -> None:
    history = [change for changed in successive(every) for change in changed]
    assert replayed(history).get("c", {}) == prices_of(every[-1])


@given(st.lists(offered(), min_size=1, max_size=6))
def test_the_file_gives_back_the_same_changes(every: list[list[Offer]]) -> None:
    history = [change for changed in successive(every) for change in changed]
    content = history_jsonl(history)
    assert parse_history(content.decode()) == history
    lines = [json.loads(line) for line in content.decode().split("\n")[:-1]]
    apart = [json.dumps({**line, "regions": None}) for line in lines]
    assert len(set(apart)) == len(apart), "regions with the same change share a line"


@given(offered(), offered())
def test_changes_do_not_depend_on_the_order_and_none_are_empty(was: list[Offer], now: list[Offer]) -> None:
    def changed(before: list[Offer], after: list[Offer]) -> list[PriceChange]:
        return changes(before, after, cloud="c", valid_from=DAYS[0], publication="p")

    assert changed(was, now) == changed(was[::-1], now[::-1])
    assert changed(was, was) == []
    assert changes(None, now, cloud="c", valid_from=DAYS[0], publication="p") == changed([], now)


@given(st.lists(offered(), min_size=1, max_size=5))
def test_series_hold_every_change_once(every: list[list[Offer]]) -> None:
    history = [change for changed in successive(every) for change in changed]
    found = series(history)
    spelled = [(c.instance_type, c.kind, region, c.valid_from, c.price) for one in found for c in one.changes
               for region in one.regions]  # fmt: skip
    assert sorted(spelled, key=str) == sorted(
        ((c.instance_type, c.kind, c.region, c.valid_from, c.price) for c in history), key=str
    )
    shapes = [(one.changes[0].instance_type, one.changes[0].kind, [(c.valid_from, c.price) for c in one.changes])
              for one in found]  # fmt: skip
    assert all(shape not in shapes[place + 1 :] for place, shape in enumerate(shapes))


def test_the_documented_form() -> None:
    text = history_jsonl([change(1, "1.5", "r1"), change(1, "1.5", "r2"), change(2, None, "r1")]).decode()
    assert text == (
        '{"cloud": "lambda", "instance_type": "gpu_8x_h100", "kind": "on-demand", "price_usd_per_hour": 1.5, '
        '"valid_from": "2026-07-01T02:30:00Z", "publication": "p1", "accelerator": "H100", '
        '"accelerator_count": 8.0, "regions": ["r1", "r2"]}\n'
        '{"cloud": "lambda", "instance_type": "gpu_8x_h100", "kind": "on-demand", "price_usd_per_hour": null, '
        '"valid_from": "2026-07-02T02:30:00Z", "publication": "p2", "accelerator": "H100", '
        '"accelerator_count": 8.0, "regions": ["r1"]}\n'
    )
    assert parse_history("") == []


def test_what_is_gone_keeps_its_accelerator_and_a_region_has_its_lowest_price() -> None:
    facts: dict[str, Any] = {"cloud": "c", "instance_type": "a", "region": "r", "vcpus": 1, "memory_gib": 1}
    gpu: dict[str, Any] = {"accelerator_name": "L4", "accelerator_count": 2.0}
    zones = grouped([
        Offering(zone="z1", price_usd_per_hour=Decimal(3), spot_price_usd_per_hour=Decimal(1), **facts, **gpu),
        Offering(zone="z2", price_usd_per_hour=Decimal(2), **facts, **gpu),
    ])  # fmt: skip
    first = changes(None, zones, cloud="c", valid_from=DAYS[0], publication="p")
    assert [(c.kind, c.price) for c in first] == [("on-demand", Decimal(2)), ("spot", Decimal(1))]
    gone = changes(zones, [], cloud="c", valid_from=DAYS[1], publication="q")
    assert [(c.kind, c.price, c.accelerator, c.accelerator_count) for c in gone] == [
        ("on-demand", None, "L4", 2.0),
        ("spot", None, "L4", 2.0),
    ]


def test_the_accelerator_is_the_one_of_this_publication() -> None:
    facts: dict[str, Any] = {"cloud": "c", "instance_type": "a", "region": "r", "vcpus": 1, "memory_gib": 1}
    before, after = (
        grouped(
            [Offering(price_usd_per_hour=Decimal(price), accelerator_name=name, accelerator_count=1.0, **facts)]
        )
        for price, name in ((1, "L4-NEW"), (2, "L4"))
    )
    [one] = changes(before, after, cloud="c", valid_from=DAYS[1], publication="q")
    assert one.accelerator == "L4"


GOOD: Mapping[str, object] = json.loads(history_jsonl([change(1, "1.5")]))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"kind": "reserved"}, "kind 'reserved' is none of on-demand, spot"),
        ({"price_usd_per_hour": 0}, "price 0 is not above zero"),
        ({"price_usd_per_hour": "1.0000001"}, "more than 6 decimals"),
        ({"price_usd_per_hour": True}, "is not a number"),
        ({"valid_from": "2026-02-30T00:00:00Z"}, "is no UTC time such as"),
        ({"valid_from": "2026-07-01"}, "is no UTC time such as"),
        ({"valid_from": "٢٠٢٦-07-01T00:00:00Z"}, "is no UTC time such as"),
        ({"valid_from": None}, "valid_from is not text"),
        ({"publication": ""}, "publication is blank"),
        ({"regions": []}, "regions is empty, or names one twice"),
        ({"regions": ["r", "r"]}, "regions is empty, or names one twice"),
        ({"regions": [""]}, "region is blank"),
        ({"regions": "r"}, "regions is not a list of texts"),
        ({"accelerator": None}, "accelerator and accelerator_count are not null together"),
        ({"accelerator_count": -1}, "accelerator_count"),
        ({"cloud": 3}, "cloud is not text"),
    ],
)
def test_a_bad_line_is_refused_by_its_number(damage: Mapping[str, object], said: str) -> None:
    text = "".join(json.dumps(line) + "\n" for line in (GOOD, {**GOOD, **damage}))
    with pytest.raises(BadCatalogFile, match=r"^x.jsonl, line 2: ") as caught:
        parse_history(text, "x.jsonl")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_missing_key_is_named_and_an_unknown_one_passed_over(key: str) -> None:
    with pytest.raises(BadCatalogFile, match=rf"line 1: '{key}' is missing"):
        parse_history(json.dumps({name: value for name, value in GOOD.items() if name != key}) + "\n")
    assert parse_history(json.dumps({**GOOD, "new": [1]}) + "\n") == [change(1, "1.5")]


@pytest.mark.parametrize(
    "text", ["{}", json.dumps(GOOD), "\n", "[]\n", "{\n", "[" * 100_000 + "\n", "9" * 9999 + "\n"]
)
def test_what_is_no_history_at_all(text: str) -> None:
    with pytest.raises(BadCatalogFile):
        parse_history(text)


def test_a_time_of_another_form_is_refused_before_it_is_written() -> None:
    with pytest.raises(BadCatalogFile, match="valid_from '' is no UTC time"):
        changes(None, [], cloud="c", valid_from="", publication="p")


HISTORY = [
    change(1, "24", "r1"), change(1, "24", "r2"), change(1, "25", "r3"), change(1, "8", kind="spot"),
    change(1, "3", instance_type="gpu_1x_h100", accelerator_count=1.0),
    change(5, "30", "r1"), change(5, "30", "r2"), change(9, None, "r1"), change(9, None, "r2"),
    change(12, "20", "r1"), change(12, "20", "r2"),
]  # fmt: skip
OTHERS = [change(2, "2", cloud="runpod", accelerator="RTX4090", accelerator_count=1.0, instance_type="1x_RTX4090")]


def test_regions_with_the_same_series_are_one() -> None:
    found = series([*HISTORY, *OTHERS], "h100", 8)
    assert [(one.changes[0].kind, one.regions) for one in found] == [
        ("on-demand", ("r1", "r2")),
        ("on-demand", ("r3",)),
        ("spot", ("r1",)),
    ]
    steps = [(c.valid_from[8:10], c.price, percent) for c, percent in found[0].steps()]
    assert steps == [
        ("01", Decimal(24), None), ("05", Decimal(30), Decimal(25)), ("09", None, None), ("12", Decimal(20), None)
    ]  # fmt: skip


def test_names_counts_and_clouds() -> None:
    every = [*HISTORY, *OTHERS]
    assert [one.changes[0].instance_type for one in series(every, "H-100", 1)] == ["gpu_1x_h100"]
    assert [one.changes[0].cloud for one in series(every, "rtx 4090")] == ["runpod"]
    assert {one.changes[0].cloud for one in series(every)} == {"lambda", "runpod"}
    assert {one.changes[0].cloud for one in series(every, cloud="runpod")} == {"runpod"}
    assert series(every, "H100", 3) == []
    with pytest.raises(NotOffered, match=r"no accelerator 'H10' in the price history; did you mean H100\?"):
        series(every, "H10")
    with pytest.raises(NotOffered, match="no history of cloud 'aws'; there is one of lambda, runpod"):
        series(every, cloud="aws")


def test_another_name_of_the_same_card_is_found_only_where_there_is_none_of_the_name() -> None:
    history = [change(1, "1", accelerator="RTXA6000")]
    assert len(series(history, "A6000")) == 1
    both = [*history, change(1, "2", instance_type="other", accelerator="A6000")]
    assert [one.changes[0].instance_type for one in series(both, "a6000")] == ["other"]


def test_a_type_whose_accelerator_got_another_name_keeps_its_whole_series() -> None:
    [one] = series([change(1, "1", accelerator="H100-OLD"), change(2, "2")], "H100")
    assert [c.price for c in one.changes] == [Decimal(1), Decimal(2)]


def test_series_go_by_time_and_changes_of_one_time_as_in_the_file() -> None:
    [one] = series([change(5, "5"), change(1, "3"), change(1, "2")])
    assert [str(c.price) for c in one.changes] == ["3", "2", "5"]


def test_since_keeps_the_percent_against_the_price_before() -> None:
    found = series(HISTORY, "H100", 8, since=date(2026, 7, 5))
    assert [one.regions for one in found] == [("r1", "r2")]
    assert found[0].before == 24
    assert next(found[0].steps())[1] == 25
    assert series(HISTORY, since=date(2026, 7, 13)) == []
    # The same changes after another price are another series.
    apart = series([change(1, "1", "r1"), change(1, "2", "r2"), change(3, "4", "r1"), change(3, "4", "r2")],
                   since=date(2026, 7, 2))  # fmt: skip
    assert [(one.before, one.regions) for one in apart] == [(Decimal(1), ("r1",)), (Decimal(2), ("r2",))]


# A root, and the command.


def root_of(folder: Path, history: Mapping[str, bytes], *, pointer: bool = False) -> Path:
    """A root of ours with these files in `history/`; with `pointer` as `gpu-catalog sync` lays it out."""
    target = folder / "publications/p1" if pointer else folder
    (target / "history").mkdir(parents=True)
    for name, content in history.items():
        (target / "history" / name).write_bytes(content)
    entry = CloudEntry(state="fresh", kind="live", observed_at=DAYS[11])
    files = {f"history/{name}": FileEntry.of(content, content.count(b"\n")) for name, content in history.items()}
    manifest = Manifest(
        id="p1", kind="live", observed_at=DAYS[11], schemas=("v8",), clouds={"lambda": entry}, files=files
    ).to_json()
    (target / "manifest.json").write_bytes(manifest)
    if pointer:
        latest = {"id": "p1", "sha256": hashlib.sha256(manifest).hexdigest(), "checked_at": DAYS[11]}
        (folder / "latest.json").write_text(json.dumps(latest))
    return folder


FILES = {"lambda.jsonl": history_jsonl(HISTORY), "runpod.jsonl": history_jsonl(OTHERS)}


@pytest.fixture(params=[False, True], ids=["folder", "synced"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return root_of(tmp_path / "root", FILES, pointer=request.param)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["history", *map(str, arguments)])


def test_the_table(root: Path) -> None:
    result = run("H100:8", "--root", root)
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "DATE        CLOUD   INSTANCE_TYPE  KIND       PRICE  CHANGE %  REGIONS\n"
        "2026-07-01  Lambda  gpu_8x_h100    on-demand  24.00         -  r1, r2\n"
        "2026-07-05  Lambda  gpu_8x_h100    on-demand  30.00     +25.0  r1, r2\n"
        "2026-07-09  Lambda  gpu_8x_h100    on-demand      -         -  r1, r2\n"
        "2026-07-12  Lambda  gpu_8x_h100    on-demand  20.00         -  r1, r2\n"
        "2026-07-01  Lambda  gpu_8x_h100    on-demand  25.00         -  r3\n"
        "2026-07-01  Lambda  gpu_8x_h100    spot        8.00         -  r1\n"
    )
    assert result.stderr.startswith("prices observed up to 2026-07-12T02:30:00Z")


def test_options_of_the_command(root: Path) -> None:
    result = run("rtx 4090", "--cloud", "RunPod", "--root", root)
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["DATE", "2026-07-02"]
    since = run("H100", "--since", "2026-07-05", "--root", root)
    assert [line.split()[0] for line in since.stdout.splitlines()[1:]] == ["2026-07-05", "2026-07-09", "2026-07-12"]
    document = json.loads(run("H100:8", "--since", "2026-07-05", "--json", "--root", root).stdout)
    assert document["publication"] == "p1"
    assert document["series"] == [{
        "cloud": "lambda", "instance_type": "gpu_8x_h100", "accelerator": "H100", "accelerator_count": 8.0,
        "kind": "on-demand", "regions": ["r1", "r2"], "price_before_usd_per_hour": 24.0,
        "changes": [
            {"valid_from": DAYS[4], "price_usd_per_hour": 30.0, "change_percent": 25.0, "publication": "p5"},
            {"valid_from": DAYS[8], "price_usd_per_hour": None, "change_percent": None, "publication": "p9"},
            {"valid_from": DAYS[11], "price_usd_per_hour": 20.0, "change_percent": None, "publication": "p12"},
        ],
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["H10"], 1, "Error: no accelerator 'H10' in the price history; did you mean H100?\n"),
        (["H100", "--cloud", "aws"], 1, "Error: no history of cloud 'aws'; there is one of lambda, runpod\n"),
        (["H100:3"], 1, "Nothing in the history fits; leave out the count or an option to see more.\n"),
        (["H100", "--since", "2026-08-01"], 1, "Nothing in the history fits"),
        (["H100", "--since", "2026-02-30"], 2, "'2026-02-30' does not match the format '%Y-%m-%d'"),
        (["H100", "--since", "yesterday"], 2, "Invalid value for '--since'"),
        (["H100:x"], 2, "Error: 'H100:x' is not NAME or NAME:COUNT with a count above 0, e.g. A100:8\n"),
        ([""], 2, "names no accelerator"),
        ([], 2, "Missing argument"),
    ],
)
def test_wrong_questions(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    result = run(*arguments, "--root", root_of(tmp_path / "root", FILES))
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_a_root_without_history_is_one_line(tmp_path: Path) -> None:
    bare = tree(tmp_path, {"lambda": [("a", "H100", "8", "8", "64", "", "1", "", "r1", "z")]})
    for place in (bare, root_of(tmp_path / "empty", {})):
        result = run("H100", "--root", place)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            f"Error: {place}: no price history (history/<cloud>.jsonl) in it; name a root or site that has one, "
            "with --root or `gpu-catalog sync`\n"
        )
    assert "no price history" in json.loads(run("H100", "--json", "--root", bare).stdout)["error"]
    with pytest.raises(NoCatalog):
        read_history(Catalog.load(bare))


def test_a_bare_tree_may_have_a_history_too(tmp_path: Path) -> None:
    bare = tree(tmp_path, {"lambda": [("a", "H100", "8", "8", "64", "", "1", "", "r1", "z")]})
    (bare / "history").mkdir()
    (bare / "history/lambda.jsonl").write_bytes(FILES["lambda.jsonl"])
    assert read_history(Catalog.load(bare)) == HISTORY


def test_a_history_that_is_not_the_one_of_the_manifest(root: Path) -> None:
    catalog = Catalog.load(root)
    file = catalog.folder / "history/lambda.jsonl"
    file.write_bytes(file.read_bytes().replace(b"24.0", b"23.0"))
    result = run("H100", "--root", root)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {file}: not the file of the manifest; publish or sync again\n"
    file.unlink()
    with pytest.raises(BadCatalogFile, match="cannot be read"):
        read_history(catalog)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FILES["runpod.jsonl"], "holds prices of another cloud, 'runpod'"),
        (b"\xff\n", "not UTF-8"),
        (FILES["lambda.jsonl"] + b"{}\n", "line 8: 'accelerator' is missing"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    result = run("H100", "--root", root_of(tmp_path / "root", {"lambda.jsonl": content}))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "history/lambda.jsonl" in result.stderr
    assert said in result.stderr
