"""Taking over finished runs: into the ledger, with their curves, evidence, logs and weights."""

import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.config import RunConfig
from workbench.errors import InputError
from workbench.runs.exchange.finished import Found, Library
from workbench.runs.folder import CHECKPOINTS, discard_checkpoints, run_folder
from workbench.runs.ledger import Ledger
from workbench.runs.rows import DESPITE, REUSED, StoredRun
from workbench.show.console import plural
from workbench.train.evidence import NAME, write_evidence


def take_over(
    ledger: Ledger, folder: Path, runs: Sequence[RunConfig], library: Library
) -> list[str]:
    """Those of `runs`, registered, that were done before; returns lines for the user."""
    found = library.search({run.id for run in runs})
    taken = [run for run in runs if run.id in found and library.takes(found[run.id])]
    for run in taken:
        bring(ledger, folder, run, found[run.id])
    left = [each for run, each in found.items() if run not in {run.id for run in taken}]
    return [*_taken_text([found[run.id] for run in taken], len(runs)), *_left_text(left)]


def bring(ledger: Ledger, folder: Path, run: RunConfig, found: Found) -> None:
    """First the files, then the ledger: a run that is final there has all that belongs to it."""
    target = run_folder(folder, run)
    _copy(run_folder(found.folder, found.run), target)
    if found.evidence is not None and not (target / NAME).exists():
        target.mkdir(parents=True, exist_ok=True)
        write_evidence(target, found.evidence)
    ledger.take(_as_ours(run, found))
    discard_checkpoints(target)


def _as_ours(run: RunConfig, found: Found) -> StoredRun:
    """Under our names; the host keeps what it ran on, and where it came from first."""
    host = {REUSED: str(found.folder), **found.run.host}
    host.pop(DESPITE, None)  # of whoever took it over before us
    if found.differences:
        host[DESPITE] = ", ".join(found.differences)
    update = {"variant": run.variant, "spec": run.spec, "recipe": run.recipe, "host": host}
    return found.run.model_copy(update=update)


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    try:
        shutil.copytree(
            source,
            target,
            symlinks=True,
            ignore=shutil.ignore_patterns(*CHECKPOINTS),
            copy_function=_link_or_copy,
            dirs_exist_ok=True,
        )
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or "not every file could be copied"
        raise InputError(f"{target} can't be written: {reason}", key="results") from None


def _link_or_copy(source: str, target: str) -> None:
    """Weights are never written in place, so that two folders may share them."""
    if source.endswith(".safetensors"):
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _taken_text(taken: Collection[Found], runs: int) -> Iterable[str]:
    if taken:
        places = ", ".join(dict.fromkeys(str(each.folder) for each in taken))
        verb = "was" if len(taken) == 1 else "were"
        yield f"{len(taken)} of {plural(runs, 'run')} {verb} done before, in {places}."


def _left_text(left: Collection[Found]) -> Iterable[str]:
    """What was found and is no substitute, by what is other about it."""
    by_reason: dict[str, list[Found]] = {}
    for each in left:
        by_reason.setdefault(", ".join(each.differences), []).append(each)
    for reason, several in by_reason.items():
        places = ", ".join(dict.fromkeys(str(each.folder) for each in several))
        yield (
            f"{plural(len(several), 'run')} in {places} not taken over ({reason}); "
            "--reuse-any takes what has other versions."
        )
