"""The page of a sweep: answer, table, figures, runs, and how it was made."""

from collections.abc import Sequence

from workbench.report.answer import answer
from workbench.report.findings import Findings
from workbench.runs.command import repeat_command
from workbench.runs.rows import StoredRun, run_text
from workbench.show.page import ImageSection, Page, Picture, RunEntry, render
from workbench.show.table import Table
from workbench.statistics.metric import score_of


def page(
    found: Findings,
    main: Table,
    pictures: Sequence[Picture],
    others: Sequence[Table],
    images: ImageSection | None = None,
) -> str:
    """The HTML document."""
    facts = found.facts
    made = (
        ("Plan", facts.kind),
        ("Data", facts.dataset),
        ("Recipe", facts.recipe),
        ("Seeds", ", ".join(map(str, facts.seeds))),
        ("Command", facts.command),
        *facts.environment,
    )
    runs = [_entry(run, facts.command) for run in found.runs]
    told = answer(found)
    name, question = facts.name, facts.question
    return render(Page(name, question, told, main, pictures, others, made, runs, images))


def _entry(run: StoredRun, command: str) -> RunEntry:
    title = f"{run.variant}, seed {run.seed}: {run.outcome}"
    if run.top1 is not None:
        title += f", {score_of(run.recipe.task.name).name} {run.top1:.2f} %"
    facts = (
        ("Run", run.id),
        ("Reason", run.reason),
        ("Ended at step", None if run.step is None else str(run.step)),
        ("Seconds", None if run.seconds is None else f"{run.seconds:.1f}"),
        ("Repeat", repeat_command(run, command)),
    )
    return RunEntry(title, facts, run_text(run))
