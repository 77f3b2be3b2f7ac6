"""One call of a study: what is done stays done, what is not goes on."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from workbench.plans.differences import refuse_changes
from workbench.runs.command import RunOptions
from workbench.runs.ledger import Ledger
from workbench.runs.recording import recording
from workbench.study.search import Search
from workbench.study.session import Session
from workbench.study.space import Study
from workbench.study.storage import dashboard_argument
from workbench.study.trials import Trial

STUDY = "study.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions(RunOptions):
    """How a study is run. `jobs` changes what samplers know when they are asked, not the runs."""

    storage: str | None = None  # SQLAlchemy URL or journal:PATH; None: study.db in the folder


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What there is after a call."""

    study: Study
    folder: Path
    trials: tuple[Trial, ...]
    storage: str
    failed: int  # trials whose runs failed; they are tried again by the next call
    short: str | None  # why there are fewer networks than were asked for
    interrupted: bool

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 1 where runs failed, 0 otherwise."""
        return 130 if self.interrupted else int(self.failed > 0)

    @property
    def dashboard(self) -> str:
        """The command that opens it."""
        return f"optuna-dashboard {dashboard_argument(self.storage)}"


def run_study(
    study: Study, folder: Path, options: StudyOptions | None = None, console: Console | None = None
) -> StudyResult:
    """Run what is not done of `study`, in `folder`.

    Raises `InputError`, before anything trains, if the folder can't be written or is in use, if
    the storage or the ledger does not open, or if either holds another study of that name; and
    later if one of them can no longer be written.
    """
    options, console = options or StudyOptions(), console or Console()
    file, modules = study.file, tuple(module.name for module in study.imports)
    most = file.trials * len(file.seeds)
    with recording(file.name, folder, most, options, modules) as records:
        _refuse_other_training(records.ledger, study, folder)
        storage = options.storage or f"sqlite:///{folder / STUDY}"
        with Search.open(study, storage) as search:
            session = Session(study, search, records)
            try:
                interrupted = records.run(session, console)
            finally:
                session.release()
            return StudyResult(
                study, folder, search.trials(), storage, session.failed, session.why_short(),
                interrupted,
            )  # fmt: skip


def _refuse_other_training(ledger: Ledger, study: Study, folder: Path) -> None:
    """The ledger outlives Optuna's storage: a new search may use its runs, if they are its own."""
    before = ledger.plan()
    if before is not None:
        asked = {"recipe": study.recipe, "seeds": study.file.seeds, "imports": study.imports}
        refuse_changes(before, before.model_copy(update=asked), False, str(folder))
