"""Every way a run can end, from the worker to the table: a row, counted, never averaged over."""

import csv
import json
from pathlib import Path

import pytest

from tests.support.sweeps import options, plan, quiet, said
from workbench.plans.resolution import Plan
from workbench.report.commands import report_folder
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.runs.results import Sweep, load_sweep
from workbench.runs.sweep import run_sweep
from workbench.show.formats import records

PUBLISHED = "cmt_ablation/+ LPU"
ROWS = [
    {"name": "baseline", "base": "small", "published": "cmt_ablation/+ Stem"},
    {"name": "completed", "set": "lpu=none", "published": PUBLISHED},
    {"name": "diverged always", "set": "dim=9"},
    {"name": "failed", "set": "dim=10"},
    {"name": "pruned", "set": "dim=7"},
    {"name": "interrupted", "set": "dim=6"},
    {"name": "infeasible", "set": "dim=16"},
]
MATCH = {"macs": "60%", "adjust": "depth"}  # of `infeasible`, one block costs more


def every() -> Plan:
    return plan(kind="list", rows=ROWS, seeds=3, match=MATCH, published=["cmt_ablation"])


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweep, str]:
    """A folder with a sweep that ended in every way, and with its report."""
    folder, console = tmp_path_factory.mktemp("sweep") / "path", quiet()
    done = run_sweep(every(), folder, options("every_end"), quiet())
    assert done.left == 6  # what failed or was interrupted runs again; the rest is final
    report_folder(folder, console)
    return folder, load_sweep(folder), said(console)


@pytest.mark.parametrize(
    ("variant", "outcome", "reason"),
    [
        ("diverged always", "3 of 3 diverged",
         "training loss is nan at step 7; the last finite training loss was 2"),
        ("failed", "3 of 3 failed", "RuntimeError: out of luck (traceback: "),
        ("pruned", "3 of 3 pruned", "no hope left"),
        ("interrupted", "3 of 3 interrupted", "no hope left"),
        ("infeasible", "3 of 3 infeasible", "the nearest that depth comes to "),
    ],
)  # fmt: skip
def test_every_end_is_a_row_with_its_reason(
    swept: tuple[Path, Sweep, str], variant: str, outcome: str, reason: str
) -> None:
    folder, sweep, text = swept
    table = main_table(Findings.of(sweep))
    row = next(row for row in records(table) if row["variant"] == variant)
    assert row["outcome"] == outcome
    assert row[outcome.split()[-1]] == row["runs"] == 3
    assert (row["completed"], row["top1_mean"], row["difference"]) == (0, None, None)
    assert row["verdict_reason"] == "no seed completed on both sides"
    assert reason in str(row["reasons"])
    assert outcome in text
    for name in ("table.md", "table.tex", "report.html"):
        assert outcome in (folder / name).read_text(encoding="utf-8")


def test_a_report_ends_with_the_page_to_open(swept: tuple[Path, Sweep, str]) -> None:
    folder, _, text = swept
    assert text.rstrip().endswith(f" files in {folder}; open {folder}/report.html")
    assert (folder / "report.html").exists()


def test_a_failure_says_where_its_traceback_lies(swept: tuple[Path, Sweep, str]) -> None:
    failed = next(run for run in swept[1].records() if run.variant == "failed")
    path = Path(str(failed.reason).partition("(traceback: ")[2].removesuffix(")"))
    assert "RuntimeError: out of luck" in path.read_text()


def test_lost_runs_touch_no_mean(swept: tuple[Path, Sweep, str]) -> None:
    """The stand-in reports a top-1 for runs that diverged or were pruned, too."""
    folder, sweep, _ = swept
    assert any(run.top1 is not None for run in sweep.records() if run.variant == "pruned")
    table = main_table(Findings.of(sweep))
    counted = {row["variant"] for row in records(table) if row["top1_mean"] is not None}
    assert counted == {"baseline", "completed"}
    with (folder / "runs.csv").open(encoding="utf-8", newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {
            "completed", "diverged", "failed", "pruned", "interrupted", "infeasible",
        }  # fmt: skip


def test_published_numbers_stand_in_every_form_marked_and_sourced(
    swept: tuple[Path, Sweep, str],
) -> None:
    folder, _, text = swept
    for name in ("table.md", "report.html", "published.md", "published.tex", "published.csv"):
        form = (
            (folder / name)
            .read_text(encoding="utf-8")
            .replace(r"\allowbreak{}", "")
            .replace("\\", "")
        )
        assert "82.7" in form, name
        assert "2107.06263" in form, name
        assert "another data set" in form or name == "published.csv", name
    latex = (folder / "table.tex").read_text(encoding="utf-8")
    latex = latex.replace(r"\allowbreak{}", "")
    assert "Published on ImageNet-1k" in latex
    assert "82.7 [1], " in latex
    assert "confidence, secondary summary" in latex
    assert "82.7" not in text  # a console has no room for it
    assert "Published numbers, of another data set, are in published.md" in text
    rows = json.loads((folder / "table.json").read_text())["rows"]
    assert [row["published_top1"] for row in rows[:3]] == [81.9, 82.7, None]
    assert rows[1]["published_on"] == "ImageNet-1k"
    assert (folder / "published_cmt_ablation.md").exists()


def test_what_is_final_is_not_run_again(swept: tuple[Path, Sweep, str]) -> None:
    again = run_sweep(every(), swept[0], options("quick"), quiet())
    assert (again.trained, again.left) == (6, 0)  # what had failed, and what was interrupted
    found = load_sweep(swept[0])
    assert sum(run.status == "diverged" for run in found.runs) == 3
