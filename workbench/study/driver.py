"""One call of a study: what is done stays done, what is not goes on."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from workbench.config import Outcome
from workbench.engine import FIT, LOCAL, Choice, Engine, Resources, opened
from workbench.plans.differences import refuse_changes
from workbench.runs.environment import environment
from workbench.runs.folder import ENVIRONMENT, LEDGER, PLAN, locked, write_text
from workbench.runs.interrupts import Interrupts
from workbench.runs.ledger import Ledger
from workbench.runs.results import export
from workbench.runs.schema import PENDING
from workbench.study.search import Search
from workbench.study.session import Session
from workbench.study.space import Study
from workbench.study.storage import dashboard_argument
from workbench.study.trials import Trial

STUDY = "study.db"


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """How a study is run. `jobs` changes what samplers know when they are asked, not the runs."""

    jobs: int | None = None  # None: chosen for this machine
    device: str = "auto"
    storage: str | None = None  # SQLAlchemy URL or journal:PATH; None: study.db in the folder
    ledger: str | None = None  # SQLAlchemy URL; None: ledger.db in the folder
    command: str = ""
    fit: str = FIT  # "module:function"; for tests
    where: Choice = LOCAL  # where workers are
    engine: Callable[[Resources, str, str], Engine] | None = None  # in place of that one's


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
    the storage or the ledger does not open, or if either holds another study of that name.
    """
    options, console = options or StudyOptions(), console or Console()
    file = study.file
    with ExitStack() as stack:
        site = stack.enter_context(opened(options.where))
        shares = site.divide(options.jobs, file.trials * len(file.seeds), options.device)
        stack.enter_context(locked(folder))
        storage = options.storage or f"sqlite:///{folder / STUDY}"
        search = stack.enter_context(Search.open(study, storage))
        ledger = stack.enter_context(Ledger.open(options.ledger or folder / LEDGER, file.name))
        _refuse_other_training(ledger, study, folder)
        ledger.settle_running(PENDING, "the study was killed while it ran")
        facts = environment(shares, options.device, options.where.engine)

        def say(text: str) -> None:
            print(text, file=console.file, flush=True)

        session = Session(study, search, ledger, folder, facts, shares.jobs, say)
        engine = (options.engine or site.engine)(shares, options.fit, options.device)
        if site.text:
            say(site.text)
        interrupted = _train(session, ledger, engine, options, console)
        plan = ledger.plan()
        if plan is not None and session.began:
            write_text(folder / PLAN, plan.model_dump_json(indent=2) + "\n")
            described = json.dumps({"command": options.command, **facts}, indent=2)
            write_text(folder / ENVIRONMENT, described + "\n")
            export(folder, plan, ledger.runs(curves=True))
        return StudyResult(
            study, folder, search.trials(), storage, session.failed, session.why_short(),
            interrupted,
        )  # fmt: skip


def _refuse_other_training(ledger: Ledger, study: Study, folder: Path) -> None:
    """The ledger outlives Optuna's storage: a new search may use its runs, if they are its own."""
    before = ledger.plan()
    if before is not None:
        asked = {"recipe": study.recipe, "seeds": study.file.seeds}
        refuse_changes(before, before.model_copy(update=asked), False, str(folder))


def _train(
    session: Session, ledger: Ledger, engine: Engine, options: StudyOptions, console: Console
) -> bool:
    interrupts = Interrupts()

    def should_stop() -> bool:
        if interrupts.asked() and not session.stopping:
            session.stopping = True
            print("Stopping; a second Ctrl-C does not wait.", file=console.file, flush=True)
        return session.stopping

    try:
        with interrupts, engine:
            engine.run(session.start(engine), session.on_event, should_stop)
    except KeyboardInterrupt:
        session.stopping = True
        ledger.settle_running(Outcome.INTERRUPTED, "killed by a second Ctrl-C")
    finally:
        session.release()
    if session.stopping and options.command:
        console.print(
            f"Stopped. To go on, give the same command again: {options.command}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    return session.stopping
