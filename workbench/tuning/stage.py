"""The stage before a plan's seeds: every row's trials, and the plan with each row at its best.

The trials are a sweep of their own in the folder `tuning` of the results, through the same engine
and into a ledger of its own: what is done stays done, and the same command goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from workbench.config import Outcome, RunConfig
from workbench.errors import InputError
from workbench.plans.differences import refuse_changes
from workbench.plans.load import earlier_plan
from workbench.plans.resolution import Plan, Variant
from workbench.plans.tuning import with_setting
from workbench.runs.exchange.finished import Reuse
from workbench.runs.folder import LEDGER, holds_results
from workbench.runs.ledger import Ledger
from workbench.runs.rows import StoredRun
from workbench.runs.sweep import SweepOptions, SweepResult, run_sweep
from workbench.show.console import plural
from workbench.statistics.tuning import Setting, Tried, Tuning, setting_text
from workbench.tuning.asking import ask, check, rounds

FOLDER = "tuning"

Scores = Mapping[str, float | None]  # percent of the validation images, by run; None: lost


@dataclass(frozen=True, slots=True)
class TuningStage:
    """Where the tuning of a plan stands."""

    plan: Plan | None  # with each row at its best; None where trials are left
    trials: SweepResult | None  # the last sweep of trials, if one was needed
    options: SweepOptions  # for the sweep of the plan, which takes the chosen trials over


def tune(plan: Plan, folder: Path, options: SweepOptions, console: Console) -> TuningStage:
    """Run what is left of the trials of `plan`, whose results are in `folder`.

    Raises `InputError` as `run_sweep` does, and where `folder` holds another plan.
    """
    asked = _asked(plan)
    check(asked)
    known = _known(plan, folder, options.extend)
    done = _Trials(plan, known, folder / FOLDER, options, console)
    tried = done.all([row for row in plan.variants if not known.of(row.name)])
    if tried is None:
        return TuningStage(None, done.sweep, options)
    whole = asked.model_copy(update={"tried": (*known.tried, *tried)})
    return TuningStage(tuned(plan, whole), done.sweep, _with_trials(options, folder / FOLDER))


def tuned_before(plan: Plan, folder: Path) -> Plan:
    """The plan as an earlier call tuned it in `folder`; as it is where none did."""
    known = _known(plan, folder, extend=True, refuse=False)
    rows = {row.name for row in plan.variants if not row.infeasible}
    return tuned(plan, known) if rows <= {each.row for each in known.tried} else plan


def trial_count(plan: Plan, row: Variant) -> int:
    """The runs that choosing the values of `row` takes."""
    asked = plan.tuning
    if asked is None or row.infeasible or row.tuned or row.untuned:
        return 0
    return asked.trials * len(asked.seeds)


def others_are_tuned(plan: Plan, only: Sequence[str]) -> str:
    """What is to be said of the trials of a plan that has the rows of `only` alone."""
    if not only or not sum(trial_count(plan, row) for row in plan.variants):
        return ""
    return (
        "--only chooses the rows that are run: the others are tuned as well, which is not counted."
    )


def _asked(plan: Plan) -> Tuning:
    if plan.tuning is None:
        raise InputError("the plan asks for none", key="tune")
    return plan.tuning


def _known(plan: Plan, folder: Path, extend: bool, refuse: bool = True) -> Tuning:
    """What an earlier call found, as the plan in `folder` has it; nothing where it is another."""
    asked = _asked(plan)
    before = earlier_plan(folder)
    if before is None:
        return asked
    if refuse:
        refuse_changes(_with_training_of(plan, before), plan, extend, str(folder))
    return before.tuning if before.tuning and asked.asks_as(before.tuning) else asked


def _with_training_of(plan: Plan, before: Plan) -> Plan:
    """An earlier plan before it was tuned, as far as `plan` knows its rows."""
    recipes = {row.name: row.recipe for row in plan.variants}
    rows = [row.model_copy(update={"recipe": recipes.get(row.name)}) for row in before.variants]
    return before.model_copy(update={"variants": tuple(rows)})


def _with_trials(options: SweepOptions, folder: Path) -> SweepOptions:
    """A trial at the chosen values is a run of the plan: it is not run twice."""
    if options.reuse is None or not holds_results(folder):
        return options
    reuse = Reuse((*options.reuse.folders, folder), options.reuse.anything)
    return replace(options, reuse=reuse)


# ---------------------------------------------------------------- the trials


class _Trials:
    """The trials of rows, round by round."""

    def __init__(
        self, plan: Plan, known: Tuning, folder: Path, options: SweepOptions, console: Console
    ) -> None:
        self.sweep: SweepResult | None = None
        self._plan, self._asked, self._folder, self._console = plan, known, folder, console
        self._options = replace(options, only=(), extend=True)

    def all(self, rows: Sequence[Variant]) -> list[Tried] | None:
        """What was tried of them; None where it was stopped, or a trial failed."""
        rows = [row for row in rows if not row.infeasible]
        tried: dict[str, list[Tried]] = {row.name: [] for row in rows}
        settings = self._before()
        for _ in range(rounds(self._asked) if rows else 0):
            asked = [(row, each) for row in rows for each in ask(self._asked, tried[row.name])]
            settings += asked
            scores = self._scores(settings)
            if scores is None:
                return None
            for row, setting in asked:
                tried[row.name].append(_tried(self._plan, self._asked, row, setting, scores))
        return [each for of_row in tried.values() for each in of_row]

    def _before(self) -> list[tuple[Variant, Setting]]:
        """The trials of rows that were tuned before, as far as they are in the ledger."""
        rows = {row.name: row for row in self._plan.variants}
        known = [(rows[each.row], each.setting) for each in self._asked.tried if each.row in rows]
        if not known:
            return []
        plan = trial_plan(self._plan, self._asked, known)
        scores = _stored_scores(self._folder, self._options, plan.name)
        return known if all(run.id in scores for run in plan.runs()) else []

    def _scores(self, settings: Sequence[tuple[Variant, Setting]]) -> Scores | None:
        """Of the trials so far, trained where they are not yet; None where some are left."""
        plan = trial_plan(self._plan, self._asked, settings)
        scores = _stored_scores(self._folder, self._options, plan.name)
        if all(run.id in scores for run in plan.runs()):
            return scores
        count = plural(len(plan.runs()), "trial")
        self._console.print(f"Tuning: {count} on validation images.", highlight=False)
        self.sweep = run_sweep(plan, self._folder, self._options, self._console)
        if self.sweep.interrupted or self.sweep.left:
            return None
        return _scores_of(self.sweep.runs)


def trial_plan(plan: Plan, asked: Tuning, settings: Sequence[tuple[Variant, Setting]]) -> Plan:
    """Every setting of every row, as rows of a plan of their own."""
    rows = {
        name: row.model_copy(
            update={
                "name": name, "changed": setting_text(setting), "compared_to": None,
                "also": (),
                "published": None, "present": None,
                "recipe": with_setting(plan.recipe_of(row), setting),
            }
        )
        for row, setting in settings
        for name in [f"{row.name}, {setting_text(setting)}"]
    }  # fmt: skip
    return plan.model_copy(
        update={
            "name": f"{plan.name}-tuning", "kind": "list", "question": "Where does each row train "
            "best, by its validation images?", "seeds": asked.seeds, "race": None, "tuning": None,
            "published": (), "notes": (), "match": None, "variants": tuple(rows.values()),
        }
    )  # fmt: skip


def _tried(plan: Plan, asked: Tuning, row: Variant, setting: Setting, scores: Scores) -> Tried:
    recipe = with_setting(plan.recipe_of(row), setting)
    runs = (
        RunConfig(variant=row.name, spec=row.spec, recipe=recipe, seed=seed) for seed in asked.seeds
    )
    return Tried(row=row.name, setting=setting, scores=tuple(scores[run.id] for run in runs))


def _stored_scores(folder: Path, options: SweepOptions, name: str) -> Scores:
    """Of the trials that are final; none where there is no ledger yet."""
    if options.ledger is None and not (folder / LEDGER).exists():
        return {}
    try:
        with Ledger.read(options.ledger or folder / LEDGER, name) as ledger:
            return _scores_of(ledger.runs())
    except InputError:  # the sweep of the trials opens it for writing, and says what is wrong
        return {}


def _scores_of(runs: Sequence[StoredRun]) -> Scores:
    return {
        run.id: run.judged if run.outcome is Outcome.COMPLETED else None
        for run in runs
        if run.final
    }


# ---------------------------------------------------------------- the choice


def tuned(plan: Plan, whole: Tuning) -> Plan:
    """`plan` with each row at its best; one that was lost wherever it was tried is infeasible."""
    rows = tuple(_at_best(plan, whole, row) for row in plan.variants)
    return plan.model_copy(update={"variants": rows, "tuning": whole})


def _at_best(plan: Plan, whole: Tuning, row: Variant) -> Variant:
    best = whole.best(row.name)
    if row.infeasible:
        return row
    if best is None:
        lost = "it diverged at each of its trials"
        return row.model_copy(update={"untuned": lost})
    edge = " (edge)" if whole.edges(row.name) else ""
    at_best = with_setting(plan.recipe_of(row), best.setting)
    return row.model_copy(update={"tuned": f"{best.text}{edge}", "recipe": at_best})
