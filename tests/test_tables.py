"""Every command that prints a table fits any terminal: nothing is cut, and no name is broken."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.cost.target import network_cost
from workbench.shipped import in_checkout
from workbench.study.cost_map import map_costs

MEASURED = in_checkout("results/measured/quickstart")
COMPONENTS = in_checkout("results/measured/cmt_components")


def variants(data: Any) -> Iterable[str]:
    return [row["variant"] for row in data["rows"]]


# command -> the names in its first column, by what it prints with --json
TABLES: dict[str, Callable[[Any], Iterable[str]]] = {
    "cost cmt_s": lambda data: [*data["by_slot"], *data["by_stage"], "attention products"],
    "cost cmt_s --beside levit_128s --beside deit_s_distilled": lambda data: [
        row["spec"] for row in data["networks"]
    ],
    "models --family levit": lambda data: [model["name"] for model in data["models"]],
    "scale cmt_s": lambda data: ["resolution", "depth", "stem.dim"],
    "scale exponents cmt_s": lambda data: ["depth", "dim", "resolution"],
    f"runs {COMPONENTS}": lambda data: [row["id"][:12] for row in data["rows"]],
    f"compare {COMPONENTS} {MEASURED}": variants,
    "doctor results": lambda data: [each["name"] for each in data["findings"]],
}
SLOW: dict[str, Callable[[Any], Iterable[str]]] = {
    "cost cmt_s --beside timm:tf_efficientnet_b4": lambda data: [
        row["spec"] for row in data["networks"]
    ],
    "claims": lambda data: [],
    "scale table": lambda data: ["resolution", "ffn.ratio", "macs"],
    "study scaling_study --cost-only": lambda data: [],
    "ablate levit_ablation --dry-run": variants,
    "report quickstart": variants,
}
EVERY = [*TABLES, *(pytest.param(words, marks=pytest.mark.slow) for words in SLOW)]


@pytest.fixture(autouse=True, scope="module")
def _few_counts() -> Iterator[None]:
    """What the tables show is counted once, on a coarse map, and not drawn: each is printed at
    three widths."""
    once = cache(network_cost)
    with pytest.MonkeyPatch.context() as patch:
        for place in ("target", "report"):
            patch.setattr(f"workbench.cost.{place}.network_cost", once)
        coarse = partial(map_costs, side=12)
        patch.setattr("workbench.study.commands.map_costs", coarse)
        patch.setattr("workbench.report.write._draw", lambda *_: [])
        yield


def printed(words: str, width: int) -> str:
    ran = CliRunner(env={"COLUMNS": str(width)}).invoke(app, words.split())
    assert ran.exit_code == 0, ran.output
    return ran.stdout


@pytest.fixture
def _results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somewhere to write, with the folder `quickstart`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(MEASURED, tmp_path / "quickstart")


@pytest.mark.usefixtures("_results")
@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("words", EVERY)
def test_no_line_is_wider_than_the_terminal_and_no_name_is_broken(words: str, width: int) -> None:
    every = printed(words, width).splitlines()
    lines = [line for line in every if "; open " not in line]  # a path is not broken
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    for name in (TABLES | SLOW)[words](json.loads(printed(f"{words} --json", width))):
        assert any(f"{line.strip()}  ".startswith(f"{name}  ") for line in lines), name


def test_speed_has_columns_where_it_was_measured_alone() -> None:
    text = printed("cost cmt_digits --beside cmt_cifar", 120)
    assert "images/s" not in text
    assert "No room" not in text


def test_what_has_no_room_is_named_with_what_shows_it() -> None:
    text = printed("cost cmt_s --beside levit_128s", 60)
    line = " ".join(text.split())
    assert "No room for conv, linear, attention, norm M, act. fn M, step MiB: a width of" in line
    assert "--json has them" in line
    assert "top-1" in printed("models --family levit", 80)


@pytest.mark.slow
def test_a_claim_is_a_block_and_the_last_line_counts_them() -> None:
    text = printed("claims", 80)
    assert len(text.splitlines()) < 140
    found = json.loads(printed("claims --json", 80))["claims"]
    holds = [each["holds"] for each in found]
    assert text.splitlines()[-1] == (
        f"{len(holds)} readings: {holds.count(True)} hold, {holds.count(False)} do not, "
        f"{holds.count(None)} not measured (--speed measures them)"
    )
    assert "(sail.sea.com/research/publications/5)" in text


def test_a_difference_of_nothing_has_no_sign() -> None:
    text = printed("models", 120)
    assert "(-0.0)" not in text
    assert "(+0.0)" not in text
    assert "7.8 (0)" in text


def keyed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_table_has_every_format() -> None:
    models = json.loads(printed("models --family levit --json", 120))["models"]
    assert json.loads(printed("models --family levit --format json", 120))["models"] == models
    read = keyed(printed("models --family levit --format csv", 60))
    assert [(row["model"], int(row["macs"])) for row in read] == [
        (row["name"], row["macs"]) for row in models
    ]
    for words in ("models --family levit", "scale cmt_s", "cost cmt_digits", f"runs {MEASURED}"):
        marked = printed(f"{words} --format markdown", 60)
        tables = [part for part in marked.split("\n\n") if part.startswith("| ")]
        assert printed(f"{words} --format latex", 60).count(r"\toprule") == len(tables) > 0
        assert all(len({line.count(" | ") for line in each.splitlines()}) == 1 for each in tables)


def test_tables_with_the_same_keys_are_one_csv() -> None:
    runs = keyed(printed(f"runs {MEASURED} --format csv", 80))
    assert [row["id"] for row in runs] == [
        row["id"] for row in json.loads(printed(f"runs {MEASURED} --json", 80))["rows"]
    ]
    parts = printed("cost cmt_digits --format csv", 80).split("\n\n")
    assert [part.partition(",")[0] for part in parts] == ["quantity", "slot", "stage", "operators"]
    data = json.loads(printed("cost cmt_digits --json", 80))["by_slot"]
    assert {row["slot"]: int(row["macs"]) for row in keyed(parts[1])} == {
        slot: sums["macs"] for slot, sums in data.items()
    }


@pytest.mark.slow
def test_tables_of_one_kind_stand_below_one_heading() -> None:
    models = keyed(printed("scale table --format csv", 80))
    assert len({row["model"] for row in models}) == 4
