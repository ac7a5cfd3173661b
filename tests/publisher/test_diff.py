"""`publish-catalog diff`: every difference that buyers see is told once, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given

from gpu_catalog.history import Key, prices_of
from gpu_catalog.manifest import CloudEntry, FileEntry, Manifest
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer, grouped, parse_offers
from publisher.comparing import catalogs_at
from publisher.diff import CatalogDiff, Subject, diff
from publisher.errors import PublishError
from publisher.push import push
from publisher.store import open_store
from schemas import offers_jsonl
from tests.gpu_catalog.trees import tree
from tests.publisher.commands import publish
from tests.publisher.nights import night, times
from tests.strategies import fetched

Site = tuple[str, str, str, str | None]
"""Instance type, region, price, spot price."""


def offers(*sites: Site, accelerator: str | None = "H100") -> list[Offer]:
    count = None if accelerator is None else 8.0
    return grouped(
        Offering(
            cloud="lambda", instance_type=name, region=region, vcpus=8, memory_gib=64,
            price_usd_per_hour=Decimal(price), accelerator_name=accelerator, accelerator_count=count,
            spot_price_usd_per_hour=None if spot is None else Decimal(spot),
        )
        for name, region, price, spot in sites
    )  # fmt: skip


def compared(before: Sequence[Site], after: Sequence[Site]) -> CatalogDiff:
    return diff({"lambda": offers(*before)}, {"lambda": offers(*after)})


def test_the_same_prices_are_no_difference_whatever_else_changed() -> None:
    before = offers(("a", "r1", "1.5", "0.5"), ("b", "r1", "2", None))
    after = [
        replace(
            offer,
            offering=replace(offer.offering, observed_at="2026-01-01T00:00:00Z", source="x", marks=("stale",),
                             in_stock=True, price_usd_per_hour=offer.offering.price_usd_per_hour + Decimal("0.00")),
            stock={"r1": True},
        )
        for offer in reversed(before)
    ]  # fmt: skip
    found = diff({"lambda": before}, {"lambda": after})
    assert found.is_empty
    assert found.summary == "no change"
    assert found.to_markdown() == "No change."
    assert found.to_text() == "no change"


def test_a_zone_more_at_the_same_price_is_no_difference_and_the_lowest_price_of_a_region_counts() -> None:
    [offer] = offers(("a", "r1", "1.5", None))
    zoned = replace(offer, regions={"r1": ("z1", "z2")})
    assert diff({"c": [zoned]}, {"c": [offer]}).is_empty
    dearer = replace(zoned, offering=replace(offer.offering, price_usd_per_hour=Decimal(9)))
    assert diff({"c": [offer]}, {"c": [dearer, offer]}).is_empty


def test_regions_with_the_same_move_are_one_move() -> None:
    before: list[Site] = [("a", "r10", "1", None), ("a", "r2", "1", None), ("a", "r3", "1", None)]
    found = compared(before, [("a", "r10", "1.1", None), ("a", "r2", "1.1", None), ("a", "r3", "0.5", None)])
    assert [(m.before, m.after, m.regions, m.percent) for m in found.changed] == [
        (Decimal(1), Decimal("0.5"), ("r3",), Decimal(-50)),
        (Decimal(1), Decimal("1.1"), ("r2", "r10"), Decimal(10)),
    ]
    assert (found.changed[0].accelerator, found.changed[0].accelerator_count) == ("H100", 8)
    assert found.summary == "2 prices changed (median -20.0 %)"
    assert not found.is_empty


def test_on_demand_and_spot_move_apart() -> None:
    found = compared([("a", "r", "4", "2")], [("a", "r", "4", "3")])
    assert [(m.kind, m.before, m.after) for m in found.changed] == [("spot", Decimal(2), Decimal(3))]
    assert found.summary == "1 price changed (+50.0 %)"


def test_a_spot_price_that_comes_or_goes_is_told_and_is_no_new_instance_type() -> None:
    without: list[Site] = [("a", "r", "4", None)]
    found = compared(without, [("a", "r", "4", "3")])
    assert [(a.kind, a.price) for a in found.added] == [("spot", Decimal(3))]
    assert found.summary == "1 new spot price"
    assert compared([("a", "r", "4", "3")], without).summary == "1 spot price gone"
    # Of a type that is new altogether, the spot price is not counted again.
    assert compared([], [("a", "r", "4", "3")]).summary == "1 added"
    assert compared([], [("a", "r", "4", "3"), ("b", "r", "4", "3")]).summary == "2 added"


def test_added_removed_and_regions() -> None:
    before: list[Site] = [("old", "r1", "1", None), ("kept", "r1", "2", None), ("kept", "r2", "2", None)]
    after: list[Site] = [
        ("new", "r1", "7", None), ("new", "r2", "8", None), ("kept", "r2", "2", None), ("kept", "r3", "2", None),
        ("kept", "r4", "2.5", None),
    ]  # fmt: skip
    found = compared(before, after)
    assert [(a.instance_type, str(a.price), a.regions) for a in found.added] == [
        ("new", "7", ("r1",)),
        ("new", "8", ("r2",)),
    ]
    assert [(r.instance_type, str(r.price), r.regions) for r in found.removed] == [("old", "1", ("r1",))]
    assert [(s.price, s.gained, s.lost) for s in found.sites] == [
        (Decimal(2), ("r3",), ("r1",)),
        (Decimal("2.5"), ("r4",), ()),
    ]
    assert found.changed == ()
    assert found.summary == "1 added, 1 removed, 1 with other regions"


def test_a_whole_cloud_comes_or_goes() -> None:
    some = {"yotta": offers(("b", "r", "1", None), accelerator=None), "lambda": offers(("a", "r", "1", None))}
    assert [(a.cloud, a.accelerator) for a in diff({}, some).added] == [("lambda", "H100"), ("yotta", None)]
    assert [r.cloud for r in diff(some, {"yotta": some["yotta"]}).removed] == ["lambda"]


def test_order_is_by_cloud_and_natural_name() -> None:
    names = ["10x", "2x", "1x"]
    found = compared([], [(name, "r", "1", None) for name in names])
    assert [a.instance_type for a in found.added] == ["1x", "2x", "10x"]


@given(fetched(), fetched())
def test_every_difference_is_told_exactly_once(was: list[Offering], now: list[Offering]) -> None:
    before, after = parse_offers(offers_jsonl(was).decode()), parse_offers(offers_jsonl(now).decode())
    found = diff({"c": before}, {"c": after})
    prices = prices_of(before)
    assert found == diff({"c": before}, {"c": list(reversed(after))})
    prices = prices_of(before)
    for gone, price in sorted(steps(found, now=False)):
        assert prices.pop(gone) == price
    for new, price in sorted(steps(found, now=True)):
        assert new not in prices
        prices[new] = price
    assert prices == prices_of(after)
    assert all(move.before != move.after for move in found.changed)
    assert found.is_empty == (prices_of(before) == prices_of(after)) == (found.summary == "no change")


def steps(found: CatalogDiff, *, now: bool) -> Iterator[tuple[Key, Decimal]]:
    """Every price that a diff says is there now and was not; or the other way round."""
    groups = [(listed, listed.price, listed.regions) for listed in (found.added if now else found.removed)]
    told: list[tuple[Subject, Decimal, tuple[str, ...]]] = [*groups]
    told += [(site, site.price, site.gained if now else site.lost) for site in found.sites]
    told += [(move, move.after if now else move.before, move.regions) for move in found.changed]
    for about, price, regions in told:
        for region in regions:
            yield (about.instance_type, region, about.kind), price


def test_json_has_numbers_with_units_in_their_names() -> None:
    found = compared(
        [("a", "r", "3", None), ("b", "r", "1", None)], [("a", "r", "3.1", None), ("a", "s", "3", None)]
    )
    document = json.loads(json.dumps(found.to_dict()))
    shared = {"cloud": "lambda", "instance_type": "a", "accelerator": "H100", "accelerator_count": 8.0,
              "kind": "on-demand"}  # fmt: skip
    assert document == {
        "summary": "1 removed, 1 price changed (+3.3 %), 1 with other regions",
        "changed": [shared | {"before_usd_per_hour": 3.0, "after_usd_per_hour": 3.1, "percent": 3.3333,
                              "regions": ["r"]}],
        "added": [],
        "removed": [shared | {"instance_type": "b", "price_usd_per_hour": 1.0, "regions": ["r"]}],
        "sites": [shared | {"price_usd_per_hour": 3.0, "gained": ["s"], "lost": []}],
    }  # fmt: skip


def test_markdown_has_a_heading_per_cloud_large_moves_first_and_is_capped() -> None:
    before: list[Site] = [(f"t{n}", "r", "1", None) for n in range(1, 7)]
    after: list[Site] = [(f"t{n}", "r", f"1.{n}", None) for n in range(1, 7)]
    found = diff({"lambda": offers(*before)}, {"lambda": offers(*after), "yotta": offers(("y", "r", "1", None))})
    text = found.to_markdown(most_rows=2)
    assert text == (
        "### Lambda\n\n"
        "| WHAT | INSTANCE_TYPE | GPU | QTY | KIND | BEFORE | AFTER | CHANGE % | REGIONS |\n"
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |\n"
        "| price | `t6` | `H100` | 8 | on-demand | 1.00 | 1.60 | +60.0 | `r` |\n"
        "| price | `t5` | `H100` | 8 | on-demand | 1.00 | 1.50 | +50.0 | `r` |\n\n"
        "... and 4 more\n\n"
        "### Yotta\n\n"
        "| WHAT | INSTANCE_TYPE | GPU | QTY | KIND | BEFORE | AFTER | CHANGE % | REGIONS |\n"
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |\n"
        "| added | `y` | `H100` | 8 | on-demand | - | 1.00 | - | `r` |"
    )


def test_foreign_names_are_no_markup_and_no_terminal_codes() -> None:
    evil = "x`|@all\n\x1b[2J<b>"
    found = compared([], [(evil, evil, "1", None)])
    [row] = [line for line in found.to_markdown().splitlines() if "added" in line]
    assert row.count("`x'\\|@all\\n\\x1b[2J<b>`") == 2
    assert "\x1b" not in found.to_text()


def test_many_regions_are_counted() -> None:
    found = compared([], [("a", f"r{n}", "1", None) for n in range(12)])
    assert "| `r0, r1, r2, r3 +8` |" in found.to_markdown()
    assert found.to_text().splitlines()[1].endswith("r0, r1, r2, r3 +8")


# Places, and the command.


def git(folder: Path, *arguments: str, given: str = "") -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, input=given
    ).stdout.strip()


def published(folder: Path, price: str) -> None:
    """A folder of ours with one offer, and beside it what is no part of a catalog."""
    content = offers_jsonl(o for offer in offers(("gpu_1x", "r1", price, None)) for o in offer.offerings())
    file = folder / "v8/lambda/offers.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    entry = CloudEntry(state="fresh", kind="live", observed_at="2026-07-01T00:00:00Z")
    manifest = Manifest(
        id=price, kind="live", observed_at="2026-07-01T00:00:00Z", schemas=("v8",), clouds={"lambda": entry},
        files={"v8/lambda/offers.jsonl": FileEntry.of(content, 1)},
    )  # fmt: skip
    (folder / "manifest.json").write_bytes(manifest.to_json())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with `catalogs` in two commits, a bare tree in the second; it is the working directory."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    git(tmp_path, "init", "-q")
    # With these `git archive` gives other bytes than were committed, and other files.
    (tmp_path / ".gitattributes").write_text("*.jsonl text eol=crlf\nmanifest.json export-ignore\n")
    published(tmp_path / "catalogs", "1.5")
    (tmp_path / "catalogs/outside").symlink_to("/etc")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    shutil.rmtree(tmp_path / "catalogs")
    rows = [("gpu_1x", "H100", "8", "8", "64", "", "1.65", "", "r1", "z1")]
    tree(tmp_path / "catalogs", {"lambda": rows})
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "second")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_revisions_and_a_folder(repository: Path) -> None:
    one = publish("diff", "HEAD~1:catalogs", "HEAD:catalogs", "--summary")
    assert (one.exit_code, one.stderr) == (0, "")
    assert one.stdout == "1 price changed (+10.0 %)\n"
    for before, after in (("HEAD~1", "catalogs"), ("HEAD~1:", "HEAD"), ("HEAD~1:catalogs/", "HEAD:./catalogs")):
        assert publish("diff", before, after, "--summary").stdout == one.stdout
    assert publish("diff", "HEAD:catalogs", "catalogs", "--exit-code").stdout == "no change\n"


def test_a_revision_from_below_the_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "catalogs/lambda")
    assert publish("diff", "HEAD~1:catalogs", "HEAD:../", "--summary").stdout == "1 price changed (+10.0 %)\n"


def test_forms_and_exit_codes(repository: Path) -> None:
    places = ("HEAD~1:catalogs", "HEAD:catalogs")
    text = publish("diff", *places)
    header, row, summary = text.stdout.splitlines()
    assert header.split()[:3] == ["CLOUD", "WHAT", "INSTANCE_TYPE"]
    assert row.split()[:9] == ["Lambda", "price", "gpu_1x", "H100", "8", "on-demand", "1.50", "1.65", "+10.0"]
    assert summary == "1 price changed (+10.0 %)"
    assert publish("diff", *places, "--markdown").stdout.startswith("### Lambda\n\n| WHAT |")
    document = json.loads(publish("diff", *places, "--json").stdout)
    assert document["changed"][0]["after_usd_per_hour"] == 1.65
    assert publish("diff", *places, "--exit-code", "--summary").exit_code == 1
    assert publish("diff", *places, "--json").exit_code == 0
    assert publish("diff", places[0], places[0], "--exit-code").exit_code == 0


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere", "nowhere: no such folder, and git knows no revision nowhere"),
        ("nowhere:catalogs", "nowhere:catalogs: no such folder, and git knows no revision nowhere"),
        ("HEAD:nothing", "HEAD:nothing: there is no folder nothing in HEAD"),
        ("HEAD:.gitattributes", "HEAD:.gitattributes: there is no folder .gitattributes in HEAD"),
        ("HEAD:../..", "git: fatal: '../..' is outside repository"),
        (":catalogs", ":catalogs: neither a folder nor REV:PATH in git"),
        (
            "HEAD:catalogs/lambda",
            "HEAD:catalogs/lambda: no manifest.json, <schema>/<cloud>/vms.csv or <cloud>/vms.csv",
        ),
        ("--all:catalogs", "--all:catalogs: no such folder, and git knows no revision --all"),
        ("--path-format=x", "--path-format=x: no such folder, and git knows no revision --path-format=x"),
        ("--output=x", "--output=x: no such folder, and git knows no revision --output=x"),
        ("HEAD\nHEAD:catalogs", r"HEAD\nHEAD:catalogs: no such folder, and git knows no revision HEAD\nHEAD"),
        ("https://x.example/c", "https://x.example/c: neither a folder nor REV:PATH in git; `gpu-catalog sync` it"),
        ("", "an empty place; name a folder of catalogs, or REV:PATH in git"),
        ("a" * 5000, "a" * 200 + ": no such folder, and git knows no revision " + "a" * 200 + "\n"),
    ],
)
def test_what_cannot_be_read_is_one_line(repository: Path, place: str, said: str) -> None:
    result = publish("diff", "--", place, "catalogs")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert not (repository / "x").exists()


def test_an_error_as_json(repository: Path) -> None:
    result = publish("diff", "HEAD", "nowhere", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["exit_code"] == 1
    assert "nowhere: no such folder" in json.loads(result.stdout)["error"]


def test_outside_of_git_and_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(PublishError, match=r"^git: fatal: not a git repository[^\n]*$"):
        catalogs_at("HEAD:catalogs")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PublishError, match="git is not installed"):
        catalogs_at("HEAD:catalogs")


def test_a_damaged_catalog_is_named_by_its_place(repository: Path) -> None:
    shutil.rmtree(repository / "catalogs")
    published(repository / "catalogs", "1.5")
    file = repository / "catalogs/v8/lambda/offers.jsonl"
    file.write_text(file.read_text().replace('"gpu_1x"', '"gpu_2x"'))
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "damaged")
    for place in ("catalogs", "HEAD:catalogs"):
        with pytest.raises(PublishError, match=rf"^{place}/v8/lambda/offers.jsonl: not the file of the manifest"):
            catalogs_at(place)


def test_a_tree_that_leads_out_of_the_folder_writes_nothing_there(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = git(repository, "hash-object", "-w", "--stdin", given="x")
    inner = git(repository, "mktree", given=f"100644 blob {blob}\tevil.csv\n")
    good = git(repository, "rev-parse", "HEAD:catalogs/lambda")
    top = git(repository, "mktree", given=f"040000 tree {inner}\t..\n040000 tree {good}\tlambda\n")
    commit = git(repository, "commit-tree", git(repository, "mktree", given=f"040000 tree {top}\tcatalogs\n"))
    assert "../evil.csv" in git(repository, "ls-tree", "-r", "--name-only", "--full-tree", top)
    (repository / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(repository / "temporary"))
    assert list(catalogs_at(commit)) == ["lambda"]
    assert list((repository / "temporary").iterdir()) == []


def test_publications_are_compared_by_their_ids(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    ids = []
    for number, factor in ((1, "1"), (2, "1.1")):
        fetched = night(tmp_path / str(number), number, {"lambda": [times(factor, "A10")]})
        ids.append(push(fetched, store).manifest.id)
    said = publish("diff", *ids, "--store", store.place, "--summary").stdout
    assert said == publish("diff", tmp_path / "1", store.place, "--summary").stdout
    assert "1 price" in said
    assert "--store" in publish("diff", *ids).stderr
    unknown = publish("diff", ids[0].replace("2026", "2025"), ids[1], "--store", store.place)
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
