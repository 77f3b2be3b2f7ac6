"""Reading a results folder back: as records for statistics and reports, and as a pandas frame."""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.config import Recipe, Scalar, named
from workbench.errors import InputError, InputWarning, shown, some_of
from workbench.plans.load import PLAN
from workbench.plans.resolution import Plan, Variant
from workbench.runs.evidence import (
    evidence_frame,
    export_evidence,
    image_noise,
    kept_evidence,
    refuse_other_images,
)
from workbench.runs.folder import ENVIRONMENT, LEDGER, RUNS, results_folders, write_text
from workbench.runs.ledger import Ledger
from workbench.runs.rows import DAMAGED, REUSED, StoredRun, run_from_json
from workbench.show.console import plural
from workbench.show.formats import csv_text
from workbench.statistics.facts import ImageNoise, PlanFacts
from workbench.train.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "variant", "seed", "status", "reason", "step", "top1", "test_loss", "seconds",
    "images_per_second", "device", "params", "macs", "created", "started", "ended", "id",
)  # fmt: skip
SCALAR = (str, int, float)  # of a fact on the environment; one that is more is damage
FRAME = ("variant", "changed", "compared_to", *COLUMNS[1:], REUSED)


@dataclass(frozen=True, eq=False)
class Sweep:
    """A results folder, read: the plan, and its runs by seed in the order of the rows."""

    plan: Plan
    runs: tuple[StoredRun, ...]
    environment: Mapping[str, Scalar]
    folder: Path | None = None  # where the evidence is, if any

    def facts(self) -> PlanFacts:
        """The plan as a report names it."""
        return PlanFacts(
            name=self.plan.name,
            kind=self.plan.kind,
            question=self.plan.question,
            seeds=self.plan.seeds,
            dataset=_data_line(self.plan.recipe),
            recipe=_recipe_line(self.plan),
            command=str(self.environment.get("command", "")),
            notes=self.plan.notes,
            environment=tuple(
                (key, str(value))
                for key, value in (dict(self.environment) | self._devices()).items()
                if key != "command" and value is not None
            ),
            race=self.plan.race,
            published=self.plan.published,
            # A plan of an earlier version says how many only where it asks for a subset.
            test_images=self.plan.test_images or self.plan.recipe.data.test_size,
            validation_images=_validation_images(self.plan.recipe),
            scored_on=scored_on(self.plan.recipe, self.plan.test_images),
            method=replace(self.plan.method, known=self._known()),
            tuning=self.plan.tuning,
            robust=self.plan.robust,
            task=self.plan.recipe.task.name,
        )

    def _known(self) -> Mapping[str, ImageNoise] | None:
        """What the images say of the noise; None where no evidence was kept."""
        if self.folder is None or self.plan.method.variance == "own":
            return None
        if self.plan.earlier is not None:
            refuse_other_images(self.plan.earlier, self.folder, self.evidence)
        return image_noise(self.runs, self.evidence)

    @cached_property
    def evidence(self) -> Mapping[str, Evidence]:
        """See `kept_evidence`; read once."""
        return kept_evidence(self.folder, self.runs) if self.folder else {}

    def _devices(self) -> dict[str, str]:
        """What the runs ran on, where the environment has what was asked for: `auto`."""
        names = dict.fromkeys(run.device for run in self.runs if run.device)
        return {"device": ", ".join(names)} if names else {}

    def rows(self) -> tuple[Variant, ...]:
        """The rows of the table."""
        return self.plan.variants

    def records(self) -> tuple[StoredRun, ...]:
        """The runs that have ended."""
        return tuple(run for run in self.runs if run.outcome is not None)


def load_sweep(path: str | Path, plan: str | None = None) -> Sweep:
    """A results folder, its ledger, or the ledger's URL; `plan` where a database holds several.

    A folder without a ledger is read from `runs.jsonl`, which is what is committed with a project.
    Raises `InputError` if there are no results at `path`, or they can't be read.
    """
    where = str(path)
    if "://" in where:
        return _from_ledger(where, plan, {})
    found = Path(path)
    if found.is_file():
        return _from_ledger(found, plan, read_environment(found.parent))
    ledger = found / LEDGER
    if ledger.exists() and ledger.stat().st_size:  # else its export may be there
        return _from_ledger(ledger, plan, read_environment(found))
    if (found / RUNS).exists() and (found / PLAN).exists():
        unreadable: list[str] = []
        stored, runs = read_export(found, unreadable)
        _warn_of(found, unreadable)
        return Sweep(stored, runs, read_environment(found), found)
    missing = "does not exist" if not found.exists() else f"holds neither {LEDGER} nor {RUNS}"
    if (found / PLAN).exists():
        missing += "; a sweep that was given a database has its runs there: --ledger URL"
    within = [each.name for each in results_folders(found)]
    hint = f"; there are results in its {', '.join(within[:6])}" if within else ""
    raise InputError(f"{path} {missing}{hint}", key="results")


def load_from_ledger(folder: str | Path, ledger: str) -> Sweep:
    """The results folder of a sweep whose runs are in another ledger, at its end or before."""
    found = Path(folder)
    plan, _ = read_export(found, [])
    sweep = load_sweep(ledger, plan.name)
    return replace(sweep, folder=found, environment=read_environment(found))


def load_results(path: str | Path, plan: str | None = None) -> "pd.DataFrame":
    """The runs at `path` (see `load_sweep`) as a frame, a row each: variant, what changed, the row
    it is compared to, seed, status, top1 (or ap, miou; percent), params, macs, ..., `spec.KEY`s.
    """
    import pandas as pd

    sweep = load_sweep(path, plan)
    variants = {variant.name: variant for variant in sweep.plan.variants}
    rows = [
        {
            "changed": variants[run.variant].changed,
            "compared_to": variants[run.variant].compared_to,
            **{key: getattr(run, key) for key in (*COLUMNS, REUSED)},
            **{f"spec.{key}": value for key, value in run.spec.flat().items()},
        }
        for run in sweep.runs
    ]
    specs = list(dict.fromkeys(key for row in rows for key in row if key.startswith("spec.")))
    frame = pd.DataFrame(rows, columns=[*FRAME, *specs])
    return frame.set_axis(named(map(str, frame), sweep.plan.recipe.task.name), axis=1)


def load_evidence(path: str | Path, plan: str | None = None) -> "pd.DataFrame":
    """What the completed runs of a results folder said of every test image, a row each.

    Columns: variant, seed, run (its id), image (its index in the test set, after `test_size`),
    label, correct, loss (of the true class, in nats, stored as a half float). By seed, then by row
    of the plan. Of detectors: image (its name), objects, found, false (found in vain); of
    segmenters: pixels, right, miou. `attrs["test_set"]` is a digest of the test images and of their
    order.
    Raises `InputError` if there is none, and if it is of several test sets or of other runs.
    """
    sweep = load_sweep(path, plan)
    return evidence_frame(sweep.folder or Path(path), sweep.runs, sweep.evidence)


def write_plan(folder: Path, plan: Plan) -> None:
    """Write `plan.json`."""
    write_text(folder / PLAN, plan.model_dump_json(indent=2) + "\n")


def export(ledger: Ledger, folder: Path) -> None:
    """Write `runs.jsonl`, with all that the ledger knows, `runs.csv`, with the main columns, and
    the evidence."""
    plan = ledger.plan()
    if plan is None:
        return
    ordered = in_order(plan, ledger.runs(curves=True))
    lines = [run.model_dump_json() for run in ordered]
    write_text(folder / RUNS, "".join(f"{line}\n" for line in lines))
    columns = (*COLUMNS, *([REUSED] if any(run.reused_from for run in ordered) else []))
    rows = ([getattr(run, key) for key in columns] for run in ordered)
    write_text(folder / "runs.csv", csv_text(named(columns, plan.recipe.task.name), rows))
    export_evidence(folder, ordered)


def in_order(plan: Plan, runs: Sequence[StoredRun]) -> tuple[StoredRun, ...]:
    """By seed, then by row; both as the plan has them."""
    rank = {(run.variant, run.seed): index for index, run in enumerate(plan.runs())}
    return tuple(sorted(runs, key=lambda run: rank[run.variant, run.seed]))


def _from_ledger(where: str | Path, plan: str | None, environment: Mapping[str, Scalar]) -> Sweep:
    unreadable: list[str] = []
    with Ledger.read(where, plan) as ledger:
        stored = ledger.plan()
        try:
            runs = ledger.runs(curves=True, unreadable=unreadable)
        except DAMAGED as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{where}: a column of its runs is damaged", key="results") from None
    if stored is None:
        raise InputError(f"{where} holds no plan", key="results")
    runs = _planned(stored, runs, unreadable)
    _warn_of(where, unreadable)
    file = "://" not in str(where)
    return Sweep(stored, in_order(stored, runs), environment, Path(where).parent if file else None)


def read_export(
    folder: Path, unreadable: list[str] | None = None
) -> tuple[Plan, tuple[StoredRun, ...]]:
    """What `plan.json` and `runs.jsonl` hold; no runs where a sweep was killed before it wrote any.

    Raises `InputError` where they can't be read. A line that can't be is an error too, unless there
    is a list for its name: then it is set aside.
    """
    try:
        plan = Plan.model_validate_json((folder / PLAN).read_bytes())
        file = folder / RUNS
        lines = file.read_bytes().splitlines() if file.exists() else []
    except OSError as error:
        raise InputError(f"{folder} can't be read: {error.strerror}", key="results") from None
    except DAMAGED:
        raise InputError(
            f"{folder}: {PLAN} is damaged, or of another version", key="results"
        ) from None
    runs, lost = list[StoredRun](), list[str]()
    for place, line in enumerate(lines, 1):
        try:
            runs.append(run_from_json(json.loads(line)))
        except DAMAGED:
            lost.append(f"line {place}")
    kept = _planned(plan, runs, lost)
    if unreadable is None and lost:
        raise InputError(
            f"{folder}: {RUNS} is damaged, or of another version: {some_of(lost)}", key="results"
        )
    (unreadable if unreadable is not None else []).extend(lost)
    return plan, in_order(plan, kept)


def _planned(plan: Plan, runs: Iterable[StoredRun], unreadable: list[str]) -> tuple[StoredRun, ...]:
    """The runs that the plan has, each once; others are named as unreadable."""
    left, kept = {(run.variant, run.seed) for run in plan.runs()}, []
    for run in runs:
        if (run.variant, run.seed) in left:
            left.remove((run.variant, run.seed))
            kept.append(run)
        else:
            unreadable.append(f"a run of {shown(run.variant)}, seed {run.seed}, which is not due")
    return tuple(kept)


def _warn_of(where: str | Path, unreadable: Sequence[str]) -> None:
    if unreadable:
        count = len(unreadable)
        verb = "is" if count == 1 else "are"
        text = f"results: {where}: {plural(count, 'run')} can't be read and {verb} left out"
        warnings.warn(f"{text}: {some_of(unreadable)}", InputWarning, stacklevel=3)


def read_environment(folder: Path) -> Mapping[str, Scalar]:
    """What a sweep said of where it ran; nothing where that can't be read."""
    try:
        found = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    facts = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in facts if value is None or isinstance(value, SCALAR)}


# ---------------------------------------------------------------- text


def _data_line(recipe: Recipe) -> str:
    data = recipe.data
    subset = "a stratified subset of " if recipe.task.name == "classify" else ""
    name = f"{data.name} classes {' '.join(map(str, data.classes))}" if data.classes else data.name
    parts = [f"{name} ({Path(data.path).name})" if data.path else name]
    if data.train_size is not None:
        parts.append(f"{subset}{data.train_size} training images")
    if data.test_size is not None:
        parts.append(f"{subset}{data.test_size} test images")
    return ", ".join(parts)


def _validation_images(recipe: Recipe) -> int | None:
    share, images = recipe.data.validation, recipe.data.train_size
    return round(share * images) if share and images else None


def scored_on(recipe: Recipe, test_images: int | None) -> str:
    """Which images the scores are of, and which ones choices are made on."""
    data = recipe.data
    count = test_images or data.test_size
    images = f"{count:,} test images" if count else "all test images"
    if data.validation is None:
        return f"{images}, without a validation split"
    share = f"{100 * data.validation:g} % of the training images"
    return f"{images}, read once at the end; choices are made on {share}, split off for validation"


def _recipe_line(plan: Plan) -> str:
    """What rows are trained with, but for what each has a value of its own of."""
    recipe, own = plan.recipe, tuple(plan.tuning.space) if plan.tuning else ()
    where = "what was chosen for it"
    if plan.robust:
        own, where = (plan.robust,), "the one in its name"
    parts = {
        "epochs": plural(recipe.epochs, "epoch"),
        "batch_size": f"batch {recipe.batch_size}",
        "optimiser.name": recipe.optimiser.name,
        "optimiser.lr": f"learning rate {recipe.optimiser.lr:g}",
        "optimiser.weight_decay": f"weight decay {recipe.optimiser.weight_decay:g}",
        "schedule.name": f"{recipe.schedule.name} schedule",
    }
    shared = ", ".join(text for key, text in parts.items() if key not in own)
    names = ", ".join(key.rpartition(".")[2] for key in own)
    return f"{recipe.name}: {shared}" + (f"; the {names} of each row is {where}" if own else "")
