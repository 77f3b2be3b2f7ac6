"""Several results folders of one plan as one: shards, further seeds, the runs of two people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.config import Outcome, Scalar
from workbench.errors import InputError, some_of
from workbench.plans.differences import differences, refuse_changes
from workbench.plans.file import STUDY
from workbench.plans.names import check_name
from workbench.plans.resolution import Plan
from workbench.runs.evidence import kept_evidence
from workbench.runs.exchange.conditions import Conditions
from workbench.runs.exchange.finished import TRAINED, Found
from workbench.runs.exchange.reuse import bring
from workbench.runs.folder import ENVIRONMENT, LEDGER, holds_results, locked, write_text
from workbench.runs.ledger import Ledger
from workbench.runs.rescue import restore
from workbench.runs.results import Sweep, export, load_sweep, write_plan
from workbench.runs.rows import StoredRun
from workbench.statistics.metric import score_of


@dataclass(frozen=True, slots=True)
class Merged:
    """What there is after a merge."""

    plan: Plan
    folder: Path
    taken: int  # runs that came into the folder
    ended: bool  # whether any run is final
    left: tuple[str, ...]  # runs of the plan that no folder has finished, as `BN, seed 3`


def merge(folders: Sequence[Path], into: Path, prefer: Path | None = None) -> Merged:
    """Join the finished runs of `folders` in `into`, which may hold some of them already.

    Raises `InputError`, before anything is written, for folders of different plans or test sets,
    and for a run whose numbers differ from folder to folder, unless `prefer` says which one counts.
    """
    check_name(into.name, "--into")
    sources = _read(folders, into)
    plan = _joined(sources, into.name)
    chosen = _choose(sources, prefer)
    _refuse_test_sets(chosen.values())
    with locked(into), Ledger.open(into / LEDGER, plan.name) as ledger:
        restore(ledger, into)
        before = ledger.plan()
        if before is not None:
            refuse_changes(before, plan, True, str(into))
        runs = [run for run in plan.runs() if plan.race is None or run.id in chosen]
        ledger.register(plan, runs)
        final = ledger.final()
        new = [run for run in runs if run.id in chosen and not final[run.id]]
        for run in new:
            bring(ledger, into, run, chosen[run.id])
        write_plan(into, plan)
        described = json.dumps(_environment(sources), indent=2)
        write_text(into / ENVIRONMENT, described + "\n")
        export(ledger, into)
        done = ledger.final()
    left = tuple(f"{run.variant}, seed {run.seed}" for run in runs if not done[run.id])
    return Merged(plan, into, len(new), any(done.values()), left)


def _read(folders: Sequence[Path], into: Path) -> list[tuple[Path, Sweep]]:
    """Each folder once, and first the one that is merged into, if it holds results."""
    begun = [into] if holds_results(into) else []
    places = {folder.resolve(): folder for folder in (*begun, *folders)}
    found = [(folder, load_sweep(folder)) for folder in places.values()]
    for folder, sweep in found:
        if sweep.plan.kind == STUDY:
            raise InputError(f"{folder} is of a study; only results of plans can be merged")
    return found


def _joined(sources: Sequence[tuple[Path, Sweep]], name: str) -> Plan:
    """The rows and the seeds of all; where they have the same ones, they are the same."""
    plans = [sweep.plan for _, sweep in sources]
    first = plans[0]
    rows = {row.name: row for plan in reversed(plans) for row in plan.variants}
    order = dict.fromkeys(row.name for plan in plans for row in plan.variants)
    seeds = dict.fromkeys(seed for plan in plans for seed in plan.seeds)
    update = {
        "name": name,
        "variants": tuple(rows[row] for row in order),
        "seeds": first.seeds if first.race else tuple(sorted(seeds)),
        "notes": tuple(dict.fromkeys(note for plan in plans for note in plan.notes)),
    }
    whole = first.model_copy(update=update)
    for folder, sweep in sources[1:]:
        if changed := differences(sweep.plan, whole).changed:
            raise InputError(
                f"{folder} is not of the plan of {sources[0][0]}: {some_of(changed)}; "
                "workbench compare sets one beside the other"
            )
    return whole


def _choose(sources: Sequence[tuple[Path, Sweep]], prefer: Path | None) -> dict[str, Found]:
    """One of each finished run, by its id."""
    if prefer is not None and prefer.resolve() not in [folder.resolve() for folder, _ in sources]:
        raise InputError(f"{prefer} is none of the folders that are merged", key="--prefer")
    found: dict[str, list[Found]] = {}
    here = _conditions(sources)
    for folder, sweep in sources:
        runs = [run for run in sweep.runs if run.final]
        evidence = kept_evidence(folder, runs)
        for run in runs:
            other = here.differences(run, sweep.plan) if run.outcome in TRAINED else ()
            each = Found(run, folder, evidence.get(run.id), other)
            found.setdefault(run.id, []).append(each)
    conflicts = [several for several in found.values() if len(set(map(_numbers, several))) > 1]
    preferred = prefer.resolve() if prefer else None
    if left := [each for each in conflicts if preferred not in _places(each)]:
        raise _conflict(left)
    return {
        run: next((each for each in several if each.folder.resolve() == preferred), several[0])
        for run, several in found.items()
    }


def _conditions(sources: Sequence[tuple[Path, Sweep]]) -> Conditions:
    """Those of the first run that trained; the table marks what is of others."""
    trained = (
        (run, sweep.plan) for _, sweep in sources for run in sweep.runs if run.outcome in TRAINED
    )
    run, plan = next(trained, (None, sources[0][1].plan))
    return Conditions.of(run, plan) if run else Conditions("cpu", "unknown", plan.imports)


def _places(several: Iterable[Found]) -> list[Path]:
    return [each.folder.resolve() for each in several]


def _numbers(found: Found) -> tuple[Outcome | None, float | None, float | None]:
    return found.run.outcome, found.run.top1, found.run.test_loss


def _conflict(conflicts: Sequence[Sequence[Found]]) -> InputError:
    listed = []
    for several in conflicts:
        run = several[0].run
        numbers = " and ".join(f"{_told(each.run)} in {each.folder}" for each in several)
        listed.append(f"{run.variant!r}, seed {run.seed}: {numbers}")
    return InputError(
        f"the same run has other numbers in another folder; --prefer {conflicts[0][0].folder} "
        f"takes those of one folder: {some_of(listed)}"
    )


def _told(run: StoredRun) -> str:
    if run.outcome is not Outcome.COMPLETED:
        return str(run.outcome)
    name = score_of(run.recipe.task.name).name
    return f"{name} {run.top1} %, loss {run.test_loss}"


def _refuse_test_sets(found: Iterable[Found]) -> None:
    first: Found | None = None
    for each in found:
        if each.evidence is None:
            continue
        first = first or each
        if first.evidence and each.evidence.test_set != first.evidence.test_set:
            raise InputError(
                f"{each.folder} is of other test images, or of another order of them, than "
                f"{first.folder}"
            )


def _environment(sources: Sequence[tuple[Path, Sweep]]) -> Mapping[str, Scalar]:
    """What the folders say of themselves; where they differ, all that they say."""
    told: dict[str, dict[Scalar, None]] = {}
    for _, sweep in sources:
        for key, value in sweep.environment.items():
            told.setdefault(key, {})[value] = None
    commands = told.pop("command", {})
    joined: dict[str, Scalar] = {"command": next(iter(commands), "")}
    for key, values in told.items():
        several = [str(value) for value in values if value is not None]
        joined[key] = next(iter(values)) if len(values) == 1 else ", ".join(several)
    return joined
