"""Several folders of one plan become one result, or a line that says why not."""

import shutil
import sqlite3
from pathlib import Path

import pytest

import workbench as wb
from tests.support.answers import answer, answered
from tests.support.checks import refused
from tests.support.sweeps import plan, quiet, said
from workbench.plans.changes import Changes
from workbench.report import commands
from workbench.runs.exchange.merge import merge
from workbench.runs.exchange.shard import Shard
from workbench.runs.folder import LEDGER, run_folder
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep

COLUMNS = ["variant", "seed", "status", "top1", "test_loss", "id"]
SHARES = 3


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole plan in `path`, and its shares beside it."""
    root = tmp_path_factory.mktemp("results")
    for number in range(1, SHARES + 1):
        shard = Shard(number, SHARES)
        run_sweep(plan(), shard.folder(root / "path"), answered(shard=shard), quiet())
    run_sweep(plan(), root / "path", answered(reuse=None), quiet())
    return root


@pytest.fixture
def root(swept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(swept, tmp_path / "results"))


def shares(root: Path) -> list[Path]:
    return sorted(root.glob("path-shard-*"), reverse=True)  # in no order of theirs


def test_shares_join_to_what_one_sweep_makes(root: Path) -> None:
    merged = merge(shares(root), root / "all")
    assert (merged.taken, merged.ended, merged.left) == (6, True, ())
    whole = wb.load_results(root / "path")
    assert wb.load_results(root / "all")[COLUMNS].equals(whole[COLUMNS])
    assert wb.load_evidence(root / "all").equals(wb.load_evidence(root / "path"))
    together, alone = load_sweep(root / "all"), load_sweep(root / "path")
    assert [run.curve for run in together.runs] == [run.curve for run in alone.runs]
    assert together.plan.model_copy(update={"name": "path"}) == alone.plan
    assert {run.reused_from for run in together.runs} == set(map(str, shares(root)))
    again = run_sweep(plan(Changes(name="all")), root / "all", answered("no_such_fit"), quiet())
    assert (again.trained, again.left) == (0, 0)


def test_a_folder_may_have_a_colon(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run:1/evidence.parquet` is a path and no URI of a file system called run."""
    monkeypatch.chdir(root)
    merge(shares(root), Path("run:1/all"))
    assert wb.load_evidence("run:1/all").equals(wb.load_evidence(root / "path"))


def test_a_merge_goes_on_when_further_shares_are_done(root: Path) -> None:
    first, *others = shares(root)
    begun = merge([first], root / "all")
    assert (begun.taken, len(begun.left)) == (2, 4)
    assert merge(others, root / "all").left == ()
    assert merge(shares(root), root / "all").taken == 0
    assert wb.load_results(root / "all")[COLUMNS].equals(wb.load_results(root / "path")[COLUMNS])


def test_what_no_folder_has_can_be_trained_in_the_new_one(root: Path) -> None:
    merge(shares(root)[:2], root / "all")
    done = run_sweep(plan(Changes(name="all")), root / "all", answered(reuse=None), quiet())
    assert (done.trained, done.left) == (2, 0)


def test_seeds_and_rows_of_two_people_join(tmp_path: Path) -> None:
    mine = plan(Changes(name="mine", seeds=(2, 0)))
    yours = plan(Changes(name="yours", seeds=(1, 0)), rows=plan_rows()[:2])
    for each in (mine, yours):
        run_sweep(each, tmp_path / each.name, answered(reuse=None), quiet())
    merged = merge([tmp_path / "yours", tmp_path / "mine"], tmp_path / "ours")
    assert merged.plan.seeds == (0, 1, 2)
    assert [variant.name for variant in merged.plan.variants] == ["small", "large", "+ LPU"]
    assert (merged.taken, merged.left) == (8, ("+ LPU, seed 1",))


def plan_rows() -> list[dict[str, object]]:
    return [
        {"name": "small", "base": "small"},
        {"name": "large", "base": "large", "set": ["lpu=none"]},
        {"name": "+ LPU", "set": {"lpu": "dwconv"}},
    ]


def worse(folder: Path) -> None:
    """One of its runs has another number, and evidence that says so."""
    run = load_sweep(folder).runs[0]
    answer(run, run_folder(folder, run), right=20)
    with sqlite3.connect(folder / LEDGER) as ledger:
        ledger.execute("UPDATE runs SET top1 = 40.0 WHERE id = ?", (run.id,))


def test_one_run_with_two_numbers_is_named_with_the_way_out(root: Path) -> None:
    share = root / "path-shard-1-of-3"
    worse(share)
    run = load_sweep(share).runs[0]
    folders = [root / "path", share]
    refused(
        lambda: merge(folders, root / "all"),
        f"{run.variant!r}, seed {run.seed}: top-1 ", f"in {root / 'path'} and top-1 40.0 %",
        f"in {share}", f"--prefer {root / 'path'}",
    )  # fmt: skip
    assert not (root / "all").exists()
    merge(folders, root / "all", prefer=share)
    found = {each.id: each.top1 for each in load_sweep(root / "all").runs}
    assert found[run.id] == 40.0
    refused(lambda: merge(folders, root / "b", prefer=root), "--prefer: ", "is none of the folders")


def test_another_plan_is_refused(root: Path) -> None:
    other = plan(Changes(name="other", settings=("recipe.epochs=2",)))
    run_sweep(other, root / "other", answered(), quiet())
    refused(
        lambda: merge([root / "path", root / "other"], root / "all"),
        "other is not of the plan of", "recipe: epochs", "workbench compare",
    )  # fmt: skip
    merge(shares(root), root / "all")
    refused(lambda: merge([root / "other"], root / "all"), "is not of the plan of")


def test_other_test_images_are_refused(root: Path) -> None:
    share = root / "path-shard-1-of-3"
    for run in load_sweep(share).runs:
        answer(run, run_folder(share, run), round((run.top1 or 0) / 2), "another one")
    (share / "evidence.parquet").unlink()
    refused(lambda: merge(shares(root), root / "all"), "is of other test images")


def test_a_folder_without_results_is_refused(root: Path) -> None:
    refused(lambda: merge([root / "none"], root / "all"), "results: ", "does not exist")
    refused(lambda: merge([root / "path"], root / "measured"), "--into: 'measured' is refused")


def test_the_command_reports_the_new_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported, console = list[Path](), quiet()
    monkeypatch.setattr(commands, "report_folder", lambda folder, _: reported.append(folder))
    commands.merge(shares(root)[:2], root / "all", None, console)
    assert said(console).startswith(f"4 runs taken into {root / 'all'}. Not finished in any folder")
    assert reported == [root / "all"]
