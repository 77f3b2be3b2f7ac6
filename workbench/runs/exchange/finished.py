"""Finished runs, looked up by their identity in other results folders."""

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.config import Outcome
from workbench.errors import InputError, InputWarning
from workbench.runs.evidence import kept_evidence
from workbench.runs.exchange.conditions import Conditions
from workbench.runs.folder import LEDGER, RUNS, holds_results, results_folders, run_folder
from workbench.runs.ledger import Ledger
from workbench.runs.results import Sweep, load_sweep, read_export
from workbench.runs.rows import StoredRun
from workbench.train.evidence import Evidence

TRAINED = (Outcome.COMPLETED, Outcome.DIVERGED)  # infeasible ones cost nothing
NO_WEIGHTS = "no weights kept"
NO_EVIDENCE = "nothing kept of the single images"


@dataclass(frozen=True, slots=True)
class Reuse:
    """Where finished runs are looked for: in results folders, or in folders that hold some."""

    folders: tuple[Path, ...] = ()  # beside those that lie next to the plan's own
    anything: bool = False  # also what ran on another device or with other versions


BESIDE = Reuse()


@dataclass(frozen=True, slots=True)
class Found:
    """A finished run, and why it may not be the same as one that is trained here."""

    run: StoredRun
    folder: Path  # the results folder that it was found in
    evidence: Evidence | None
    differences: tuple[str, ...]


def reuse_words(reuse: Reuse | None) -> list[str]:
    """The options that ask for it; none for the default."""
    if reuse is None:
        return ["--no-reuse"]
    folders = [word for folder in reuse.folders for word in ("--reuse", str(folder))]
    return folders + ["--reuse-any"] * reuse.anything


class Library:
    """What `reuse` gives to the results folder `own`, whose runs are trained under `here`."""

    def __init__(self, reuse: Reuse, own: Path, here: Conditions, weights: bool) -> None:
        self.reuse = reuse
        self._own, self._here, self._weights = own, here, weights
        for folder in reuse.folders:
            if not any(results_folders(folder)):
                raise InputError(f"{folder} holds no results", key="--reuse")

    def search(self, ids: Collection[str]) -> Mapping[str, Found]:
        """By id, those that were done before; of several the one with the fewest differences."""
        best: dict[str, Found] = {}
        for folder in self._folders():
            for found in self._in(folder, ids):
                before = best.get(found.run.id)
                if before is None or len(found.differences) < len(before.differences):
                    best[found.run.id] = found
        return best

    def takes(self, found: Found) -> bool:
        """Whether it stands for a run that would be trained here."""
        return not found.differences or (
            self.reuse.anything and NO_WEIGHTS not in found.differences
        )

    def _folders(self) -> Iterator[Path]:
        """Each once, those that were asked for first."""
        seen = {self._own.resolve()}
        for root in (*self.reuse.folders, self._own.parent):
            for folder in results_folders(root):
                if folder.resolve() not in seen:
                    seen.add(folder.resolve())
                    yield folder

    def _in(self, folder: Path, ids: Collection[str]) -> Iterator[Found]:
        with suppress(InputError):  # a damaged folder gives nothing; `workbench doctor` names it
            if not _may_hold(folder, ids):
                return
            sweep = _read(folder)
            runs = [run for run in sweep.runs if run.id in ids and run.outcome in TRAINED]
            evidence = _evidence(folder, runs)
            for run in runs:
                own = evidence.get(run.id)
                yield Found(
                    run, folder, own, (*self._lacks(run, folder, own), *self._other(run, sweep))
                )

    def _other(self, run: StoredRun, sweep: Sweep) -> tuple[str, ...]:
        return self._here.differences(run, sweep.plan)

    def _lacks(self, run: StoredRun, folder: Path, evidence: Evidence | None) -> Iterator[str]:
        if run.outcome is not Outcome.COMPLETED:
            return
        if self._weights and not (run_folder(folder, run) / "last" / "model.safetensors").exists():
            yield NO_WEIGHTS
        if evidence is None and run.recipe.task.name == "classify":
            yield NO_EVIDENCE


def _evidence(folder: Path, runs: Sequence[StoredRun]) -> dict[str, Evidence]:
    """Of each run whose own can be read: one that is damaged costs the others nothing."""
    with suppress(InputError):
        return kept_evidence(folder, runs)
    found: dict[str, Evidence] = {}
    for run in runs:
        with suppress(InputError):
            found |= kept_evidence(folder, [run])
    return found


def finished_in(folder: Path, ids: Collection[str]) -> set[str]:
    """The ids of those runs that are final in this folder; none where there is nothing to read."""
    if not holds_results(folder):
        return set()
    if _has_ledger(folder):
        with Ledger.read(folder / LEDGER) as ledger:
            return ledger.finished(ids)
    return {run.id for run in read_export(folder, [])[1] if run.final and run.id in ids}


def _may_hold(folder: Path, ids: Collection[str]) -> bool:
    """A look that costs little: most folders hold none."""
    if _has_ledger(folder):
        with Ledger.read(folder / LEDGER) as ledger:
            return bool(ledger.finished(ids))
    text = (folder / RUNS).read_bytes()
    return any(run.encode() in text for run in ids)


def _has_ledger(folder: Path) -> bool:
    """Else what it exported may be there."""
    return (folder / LEDGER).exists() and (folder / LEDGER).stat().st_size > 0


def _read(folder: Path) -> Sweep:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # of runs that are damaged: they are left out
        return load_sweep(folder)
