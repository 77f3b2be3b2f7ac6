"""What was done before in another results folder is taken over, whole, and never by mistake."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import pytest

import workbench as wb
from tests.support.answers import answered
from tests.support.checks import refused
from tests.support.sweeps import plan, quiet, said
from workbench.config import RunConfig
from workbench.engine import EngineChoice, Resources, divide
from workbench.plans.changes import Changes
from workbench.plans.resolution import Plan
from workbench.report.before.preview import print_preview
from workbench.report.findings import Findings
from workbench.report.main_table import console_table
from workbench.runs import estimate as estimates
from workbench.runs.estimate import Estimate, Timing, estimate
from workbench.runs.exchange.conditions import Conditions
from workbench.runs.exchange.finished import NO_WEIGHTS, Library, Reuse
from workbench.runs.folder import LEDGER, run_folder
from workbench.runs.ledger import Ledger
from workbench.runs.results import load_sweep
from workbench.runs.rows import DESPITE, StoredRun
from workbench.runs.sweep import done_before, run_sweep
from workbench.show.terminal import view
from workbench.user_modules import Imported

FEWER = {"rows": [{"name": "little", "base": "small"}, {"name": "great", "base": "large"}]}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both networks, under other names, at one of the two seeds."""
    folder = tmp_path_factory.mktemp("results") / "before"
    earlier = plan(Changes(name="before"), seeds=1, **FEWER)
    run_sweep(earlier, folder, answered(), quiet())
    return folder


@pytest.fixture
def before(swept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(swept, tmp_path / "before"))


@pytest.fixture
def later(before: Path) -> Path:
    return before.with_name("path")


Measured = tuple[dict[str, Timing], dict[str, str]]
LATER = plan(
    rows=[
        {"name": "small", "base": "small"},
        {"name": "large", "base": "large"},
        {"name": "+ LPU", "set": {"lpu": "dwconv", "dim": 12}},
    ]
)


def test_a_run_that_was_done_before_comes_with_all_that_belongs_to_it(
    before: Path, later: Path
) -> None:
    console = quiet()
    done = run_sweep(LATER, later, answered(), console)
    assert (done.trained, done.left) == (4, 0)
    assert f"2 of 6 runs were done before, in {before}.\n" in said(console)
    mine = {(run.variant, run.seed): run for run in load_sweep(later).runs}
    theirs = {(run.variant, run.seed): run for run in load_sweep(before).runs}
    for name, other in (("small", "little"), ("large", "great")):
        taken, source = mine[name, 0], theirs[other, 0]
        assert taken.reused_from == str(before)
        assert taken.reused_despite is None
        assert (taken.id, taken.top1, taken.curve) == (source.id, source.top1, source.curve)
        assert (taken.started, taken.ended) == (source.started, source.ended)
        assert (run_folder(later, taken) / "epochs.txt").exists()
    evidence = wb.load_evidence(later)
    assert len(evidence) == 6 * 50
    assert [run.reused_from for run in load_sweep(later).runs].count(None) == 4
    assert list(wb.load_results(later)["reused_from"].dropna()) == [str(before)] * 2
    note = f"2 of 6 runs were taken over from {before}."
    assert note in console_table(Findings.of(load_sweep(later))).notes


def test_the_report_of_what_was_taken_over_is_that_of_training_it(
    before: Path, later: Path
) -> None:
    alone = later.with_name("alone") / "path"
    run_sweep(LATER, later, answered(), quiet())
    run_sweep(LATER, alone, answered(reuse=None), quiet())
    columns = ["variant", "seed", "status", "top1", "test_loss", "id"]
    assert wb.load_results(later)[columns].equals(wb.load_results(alone)[columns])
    assert wb.load_evidence(later).equals(wb.load_evidence(alone))


def test_where_all_is_done_nothing_trains(before: Path, later: Path) -> None:
    again = plan(seeds=1, **FEWER)
    console = quiet()
    done = run_sweep(again, later, answered(fit="no_such_fit"), console)
    assert (done.trained, done.left) == (0, 0)
    assert "2 of 2 runs were done before" in said(console)
    assert "All 2 runs are done; nothing to train." in said(console)
    shutil.rmtree(before)  # what was taken over stands by itself
    assert len(wb.load_evidence(later)) == 2 * 50


def test_a_sweep_that_is_asked_to_trains_everything(before: Path, later: Path) -> None:
    assert run_sweep(plan(seeds=1, **FEWER), later, answered(reuse=None), quiet()).trained == 2


def test_other_folders_are_named(before: Path, tmp_path: Path) -> None:
    folder, one = tmp_path / "elsewhere" / "path", plan(seeds=1, **FEWER)
    nowhere = Reuse((tmp_path / "none",))
    refused(
        lambda: run_sweep(one, folder, answered(reuse=nowhere), quiet()),
        "--reuse: ", "none holds no results",
    )  # fmt: skip
    for place in (before, tmp_path):
        done = run_sweep(one, folder, answered(reuse=Reuse((place,))), quiet())
        assert (done.trained, done.left) == (0, 0)
        shutil.rmtree(folder)


def without_evidence(folder: Path) -> None:
    for path in (*folder.glob("runs/*/evidence.npz"), folder / "evidence.parquet"):
        path.unlink()


def of_torch(folder: Path) -> None:
    change_host(folder, "torch", "1.0.0+cpu")


def of_workbench(folder: Path) -> None:
    change_host(folder, "workbench", "0.0.1")


def of_a_gpu(folder: Path) -> None:
    with sqlite3.connect(folder / LEDGER) as ledger:
        ledger.execute("UPDATE runs SET device = 'NVIDIA H200'")


def change_host(folder: Path, key: str, value: str) -> None:
    with sqlite3.connect(folder / LEDGER) as ledger:
        ledger.execute(f"UPDATE runs SET host = json_set(host, '$.{key}', '{value}')")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (of_torch, "torch 1.0.0"),
        (of_workbench, "workbench 0.0.1"),
        (of_a_gpu, "device NVIDIA H200"),
        (without_evidence, "nothing kept of the single images"),
    ],
)
def test_what_ran_otherwise_is_trained_again_unless_asked_for_and_then_marked(
    before: Path, later: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(before)
    one, console = plan(seeds=1, **FEWER), quiet()
    assert run_sweep(one, later, answered(), console).trained == 2
    assert f"2 runs in {before} not taken over ({reason}); --reuse-any takes" in said(console)
    shutil.rmtree(later)
    done = run_sweep(one, later, answered(reuse=Reuse(anything=True)), quiet())
    assert done.trained == 0
    assert [run.reused_despite for run in done.runs] == [reason] * 2
    found = Findings.of(load_sweep(later))
    assert f"† Some of its runs ran with {reason}." in console_table(found).notes
    console = quiet()
    console.print(view(console_table(found)))
    assert said(console).count("1/1 †") == 2


def test_an_evidence_of_the_whole_folder_comes_along_too(before: Path, later: Path) -> None:
    """What is committed with a project has no folders of runs."""
    shutil.rmtree(before / "runs")
    (before / LEDGER).unlink()
    assert run_sweep(plan(seeds=1, **FEWER), later, answered(), quiet()).trained == 0
    assert len(wb.load_evidence(later)) == 2 * 50


def test_runs_without_weights_are_trained_where_weights_are_to_be_kept(
    before: Path, later: Path
) -> None:
    one = plan(seeds=1, **FEWER)
    library = Library(Reuse(anything=True), later, Conditions("cpu", torch_here()), weights=True)
    found = library.search({run.id for run in one.runs()})
    assert [library.takes(each) for each in found.values()] == [False, False]
    assert {each.differences for each in found.values()} == {(NO_WEIGHTS,)}


def test_a_module_of_the_users_has_to_be_the_same(before: Path, later: Path) -> None:
    imports = (Imported(name="mine", sha256="0"),)
    library = Library(Reuse(), later, Conditions("cpu", torch_here(), imports), weights=False)
    found = library.search({run.id for run in plan(seeds=1, **FEWER).runs()})
    assert {each.differences for each in found.values()} == {("another module mine",)}


def torch_here() -> str:
    return version("torch").partition("+")[0]


def test_a_damaged_folder_gives_nothing_and_stops_nothing(before: Path, later: Path) -> None:
    (before / LEDGER).write_bytes(b"no database")
    assert run_sweep(plan(seeds=1, **FEWER), later, answered(), quiet()).trained == 2


def test_one_evidence_that_is_damaged_costs_the_other_runs_nothing(
    before: Path, later: Path
) -> None:
    (before / "evidence.parquet").unlink()
    next(before.glob("runs/little-*/evidence.npz")).write_bytes(b"none")
    console = quiet()
    done = run_sweep(plan(seeds=1, **FEWER), later, answered(), console)
    assert done.trained == 1
    assert "1 of 2 runs was done before" in said(console)
    assert "1 run in " in said(console)


def test_what_was_marked_elsewhere_is_marked_by_what_is_other_here(
    before: Path, later: Path
) -> None:
    change_host(before, DESPITE, "torch 0.1")
    done = run_sweep(plan(seeds=1, **FEWER), later, answered(), quiet())
    assert [run.reused_despite for run in done.runs] == [None] * 2


def test_a_ledger_elsewhere_says_what_is_done_in_a_dry_run(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'all.db'}"
    one, options = plan(seeds=1, **FEWER), answered(ledger=url, reuse=None)
    folder = tmp_path / "path"
    run_sweep(one, folder, options, quiet())
    (folder / "runs.jsonl").unlink()  # as where the sweep was killed
    assert len(done_before(one, folder, divide(1, 2), options)) == 2


def test_a_cluster_s_gpus_are_no_cpu() -> None:
    cluster = Resources(1, 1, gpu_each=True)
    assert Conditions.here(cluster, "auto", LATER).device != "cpu"
    assert Conditions.here(cluster, "cpu", LATER).device == "cpu"
    assert EngineChoice("slurm", slurm=("gres=gpu:1",)).gives_gpu("auto")
    assert not EngineChoice("slurm", slurm=("gres=gpu:1",)).gives_gpu("cpu")


def test_a_sweep_killed_while_it_takes_over_goes_on(
    before: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Ledger.take, list[str]()

    def take(self: Ledger, run: StoredRun) -> None:
        calls.append(run.id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(self, run)

    one = plan(seeds=1, **FEWER)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "take", take)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(one, later, answered(), quiet())
    done = run_sweep(one, later, answered(), quiet())
    assert (done.trained, done.left) == (0, 0)


def test_a_race_takes_over_round_by_round(tmp_path: Path) -> None:
    rows = [{"name": "small", "base": "small"}, {"name": "wide", "base": "small", "set": "dim=9"}]
    race = {"kind": "list", "rows": rows, "seeds": {"min": 2, "max": 3, "stop": "decided"}}
    seeds = [0, 1, 2]
    run_sweep(plan(kind="list", rows=rows, seeds=seeds), tmp_path / "all", answered(), quiet())
    raced = plan(**race, variance="own")
    done = run_sweep(raced, tmp_path / "race", answered(fit="no_such_fit"), quiet())
    alone = run_sweep(raced, tmp_path / "a" / "race", answered(), quiet())
    assert done.trained == 0
    assert [run.id for run in done.runs] == [run.id for run in alone.runs]


def test_a_dry_run_counts_what_is_left(before: Path, later: Path) -> None:
    shares = divide(1, 6, "cpu")
    assert set(done_before(LATER, later, shares, answered()).values()) == {before}
    run_sweep(LATER, later, answered(only=("small",)), quiet())
    found = done_before(LATER, later, shares, answered())
    assert sorted(map(str, found.values())) == sorted([str(before)] + [str(later)] * 2)
    console = quiet()
    print_preview(LATER, Estimate({}, {}, 1.0, done=found), console)
    assert f"3 done before, in {later}, {before}, 3 left" in " ".join(said(console).split())


def test_what_is_done_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows take as long as each other, and there is no difference but for what is left."""

    def measured(_: Plan, rows: Mapping[str, RunConfig], *__: object) -> Measured:
        return {name: Timing(train=1.0, test=0.0, start=0.0) for name in rows}, {}

    monkeypatch.setattr(estimates, "_measure", measured)
    one = LATER.variants[0].name
    done = [run.id for run in LATER.runs() if run.seed == 0 or run.variant == one]
    shares = divide(1, 6, "cpu")
    whole, left = estimate(LATER, shares, "cpu"), estimate(LATER, shares, "cpu", done=done)
    assert whole.sweep is not None
    assert left.sweep == whole.sweep * 2 / 6
    assert set(left.runs) == {variant.name for variant in LATER.variants[1:]}
