"""One call for each command: run a plan, show what it would run, report what it found."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from workbench.engine import divide
from workbench.errors import InputError, some_of
from workbench.plans.changes import Changes
from workbench.plans.file import STUDY
from workbench.plans.load import load_plan
from workbench.plans.resolution import Plan
from workbench.report.latex import CHOICE
from workbench.runs.command import RESULTS, command_line
from workbench.runs.estimate import Estimate, estimate, makespan
from workbench.runs.exchange.finished import reuse_words
from workbench.runs.exchange.job_array import job_array
from workbench.runs.exchange.merge import merge as merge_folders
from workbench.runs.exchange.noise import with_noise_from
from workbench.runs.exchange.shard import Shard, share
from workbench.runs.results import load_from_ledger, load_sweep
from workbench.runs.store.database import check_ledger
from workbench.runs.sweep import SweepOptions, SweepResult, done_before, run_sweep
from workbench.show.again import FolderReport, RepeatedCommand
from workbench.show.console import plural, say_line, say_written
from workbench.show.figures import Output
from workbench.train.loggers import check_loggers
from workbench.train.speed.ways import SpeedTrial
from workbench.tuning.speed import settle, settled_before
from workbench.tuning.stage import others_are_tuned, trial_count, tune, tuned_before
from workbench.tuning.workers import choose_workers

PAPER = "figures"  # the folder of the figures for print, within that of the results


def ablate(
    plan: str | Path,
    *,
    results: str | Path = RESULTS,
    changes: Changes | None = None,
    options: SweepOptions | None = None,
    console: Console | None = None,
    again: RepeatedCommand | None = None,
) -> SweepResult:
    """Run a plan, or what is left of it, in `results`/NAME; write its report and print its table.

    Where nothing is left then, what was printed is kept for the same command `again`.

    A plan that is done already is not trained again. Ctrl-C stops it cleanly, without a report, and
    the same call goes on. Raises `InputError` for whatever is wrong with plan, data or folder.
    """
    console = console or Console()
    changes, options = changes or Changes(), options or SweepOptions()
    resolved, shard = load_plan(plan, changes, results), options.shard
    folder = Path(results) / resolved.name
    if shard:
        _refuse_share_of_trials(resolved)
    resolved = settle(resolved, folder, options, console)
    resolved = with_noise_from(resolved, options.noise_from)
    options = _with_commands(plan, results, changes, options, resolved.speed)
    if shard:
        done = run_sweep(resolved, shard.folder(folder), options, console)
        if not done.interrupted:
            _say_shard(console, shard, folder, done)
        return done
    options = choose_workers(resolved, folder, options, console)
    if resolved.tuning:
        stage = tune(resolved, folder, options, console)
        if stage.plan is None and stage.trials is not None:
            return stage.trials
        resolved, options = stage.plan or resolved, stage.options
    done = run_sweep(resolved, folder, options, console)
    if not done.interrupted and any(run.outcome for run in done.runs):
        found = report_folder(done.folder, console)
        if again and not (done.left or found.missing or _depends_on_more(resolved, options)):
            again.keep(done.final, found)
    return done


def _depends_on_more(plan: Plan, options: SweepOptions) -> bool:
    """Whether a sweep is made of what can change beside its command, its plan and its folder."""
    return bool(plan.imports or options.ledger or plan.recipe.data.path)


def report(
    folder: str | Path,
    console: Console,
    columns: Sequence[str] = CHOICE,
    ledger: str | None = None,
) -> Path:
    """Report a results folder again, of an ablation or of a study; `columns` are those of
    `table.tex`, `ledger` is where the runs of an ablation are if not in the folder.

    Returns the file that has the numbers unrounded, `table.json` or `study.json`.
    """
    from workbench.study.commands import report_study
    from workbench.study.stored import is_study

    if is_study(folder):
        return report_study(folder, console)
    report_folder(folder, console, columns, ledger)
    if columns != CHOICE:
        say_line(console, f"With the columns asked for, for a paper: {Path(folder) / 'table.tex'}")
    return Path(folder) / "table.json"


def paper_figures(folder: str | Path, output: Output, console: Console) -> list[Path]:
    """The figures of a results folder, of an ablation or of a study, in `folder`/figures."""
    from workbench.report.figures.every import write_figures
    from workbench.report.findings import Findings
    from workbench.report.images import image_findings
    from workbench.study.commands import paper_figures as of_study
    from workbench.study.stored import is_study

    folder, place = Path(folder), Path(folder) / PAPER
    if is_study(folder):
        written = of_study(folder, place, output)
    else:
        sweep = load_sweep(folder)
        found = Findings.of(sweep)
        written = write_figures(place, found, image_findings(sweep, found), output)
    if not written:
        raise InputError(f"results: {folder} has no measured runs that a figure could show")
    say_written(console, len(written), place, written[0])
    return written


def report_folder(
    folder: str | Path,
    console: Console,
    columns: Sequence[str] = CHOICE,
    ledger: str | None = None,
) -> FolderReport:
    """Write the tables, curves, figures and the page of an ablation's folder into it, and print its
    table and its answer."""
    from workbench.report.answer import answer
    from workbench.report.findings import Findings
    from workbench.report.images import image_findings
    from workbench.report.main_table import console_table
    from workbench.report.shares import shares_table
    from workbench.report.write import write_report

    sweep = load_sweep(folder) if ledger is None else load_from_ledger(folder, ledger)
    if sweep.plan.kind == STUDY:
        raise InputError(
            f"{folder} is of a study that has not come to its end; its own command goes "
            f"on with it: {sweep.environment.get('command', 'workbench study NAME')}",
            key="results",
        )
    found = Findings.of(sweep)
    images = image_findings(sweep, found)
    written = write_report(Path(folder), found, images, columns)
    shares = (shares_table(found.shares),) if found.shares else ()
    done = FolderReport(
        folder=Path(folder),
        tables=(console_table(found), *shares),
        answer=answer(found),
        files=len(written),
        page=written[-1],
        missing=images.missing if images else "",
    )
    done.print(console)
    return done


def planned(
    plan: str | Path, changes: Changes | None, options: SweepOptions, results: str | Path
) -> Plan:
    """The plan with the rows of `options.only`, for `--dry-run`.

    Without its images a plan that says its number of classes has costs and no times.
    """
    options.where.check()
    check_loggers(options.loggers)
    if options.ledger is not None:
        check_ledger(options.ledger)
    whole = load_plan(plan, changes, costs_only=True)
    whole = settled_before(whole, Path(results) / whole.name)
    whole = with_noise_from(whole, options.noise_from)
    if whole.tuning:
        whole = tuned_before(whole, Path(results) / whole.name)
    wanted = {run.variant for run in whole.runs(options.only)}
    kept = tuple(variant for variant in whole.variants if variant.name in wanted)
    return whole.model_copy(update={"variants": kept})


def timed(plan: Plan, results: str | Path, options: SweepOptions, measure: bool) -> Estimate:
    """The time that a plan, or a share of it, takes on this machine.

    A few rows are timed and the others scaled by their MACs; `measure` has every row timed. Runs
    that are done, in `results` or wherever `options.reuse` finds them, take none. Nothing is left
    behind, and no cluster is asked.
    """
    shares = divide(options.jobs, len(plan.runs()), options.device)
    shares = replace(shares, gpu_each=options.where.gives_gpu(options.device))
    folder, whole = Path(results) / plan.name, {run.id for run in plan.runs()}
    if options.shard:
        _refuse_share_of_trials(plan)
        options.shard.check(plan, options.ledger)
        folder = options.shard.folder(folder)
    asked = {run.id for run in share(plan.runs(), plan, options.shard)}
    before = done_before(plan, folder, shares, options)
    done = {run: where for run, where in before.items() if run in asked}
    if plan.test_images is None:
        return Estimate({}, {}, None, done=done, asked=len(asked))
    out = (whole - asked) | done.keys()
    found = estimate(plan, shares, options.device, options.fit, measure=measure, done=out)
    trials = [(found.runs.get(row.name), trial_count(plan, row)) for row in plan.variants]
    each = (seconds for seconds, count in trials if seconds is not None for _ in range(count))
    tuning = None if found.failures else makespan(each, shares.jobs)
    note = "\n".join(filter(None, (found.note, others_are_tuned(plan, options.only)))) or None
    return replace(found, done=done, asked=len(asked), tuning=tuning, note=note)


def _refuse_share_of_trials(plan: Plan) -> None:
    if plan.undecided:
        raise InputError(
            "'auto' can't be shared, for each share would choose by itself; say the value",
            key=f"recipe.{plan.undecided[0]}",
        )
    if plan.tuning is not None:
        raise InputError(
            "a plan with tune can't be shared: what its rows are trained with is chosen first; "
            "--engine has several machines run it",
            key="tune",
        )


def merge(
    folders: Sequence[Path], into: Path, prefer: Path | None, console: Console
) -> FolderReport | None:
    """Join results folders of one plan in `into`, and report it; none where no run has ended.

    Raises `InputError` as `runs.exchange.merge` does.
    """
    merged = merge_folders(folders, into, prefer)
    text = f"{plural(merged.taken, 'run')} taken into {into}."
    if merged.left:
        text += f" Not finished in any folder: {some_of(merged.left)}."
    say_line(console, text)
    return report_folder(into, console) if merged.ended else None


def job_array_script(
    plan: str | Path,
    results: Path,
    shards: int,
    changes: Changes,
    options: SweepOptions,
    slurm: Mapping[str, str],
) -> str:
    """The plan as a job array of Slurm; see `runs.exchange.job_array`."""
    resolved = planned(plan, changes, options, results)
    _refuse_share_of_trials(resolved)
    command = _with_commands(plan, results, changes, options, resolved.speed).command
    return job_array(resolved, results, shards, command, slurm)


def _say_shard(console: Console, shard: Shard, whole: Path, done: SweepResult) -> None:
    """A share has no table of its own: it has no whole comparisons."""
    pattern = whole.with_name(f"{whole.name}-shard-*-of-{shard.of}")
    say_line(
        console,
        f"Share {shard}: {done.final} of {plural(len(done.runs), 'run')} done, in {done.folder}. "
        f"When all shares are: workbench merge {pattern} --into {whole}",
    )


def _with_commands(
    plan: str | Path,
    results: str | Path,
    changes: Changes,
    options: SweepOptions,
    speed: SpeedTrial | None,
) -> SweepOptions:
    """With the command of the whole ablation, and the one that goes on with this very sweep.

    Both say what a trial of speed decided, so that they have these numbers anywhere.
    """
    decided = tuple(f"recipe.{text}" for text in speed.settings) if speed else ()
    more = [] if changes.seeds is None else ["--seeds", ",".join(map(str, changes.seeds))]
    more += [] if options.noise_from is None else ["--noise-from", str(options.noise_from)]
    command = options.command or command_line(
        "ablate",
        plan,
        results,
        options,
        name=changes.name,
        settings=(*changes.settings, *decided),
        imports=changes.imports,
        more=more,
    )
    words = [word for name in options.only for word in ("--only", name)]
    words += ["--extend"] if options.extend else []
    words += ["--shard", str(options.shard)] if options.shard else []
    words += reuse_words(options.reuse)
    resume = options.resume_command or f"{command} {shlex.join(words)}".strip()
    return replace(options, command=command, resume_command=resume)
