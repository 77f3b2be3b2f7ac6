"""One call for the command: run a study, or map its costs."""

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from workbench.errors import InputError
from workbench.plans.document import read_document
from workbench.plans.file import find_plan
from workbench.plans.kinds import KINDS
from workbench.runs.command import RESULTS, command_line
from workbench.show.again import FolderReport, RepeatedCommand
from workbench.show.console import say_written
from workbench.show.figures import Output
from workbench.study.cost_map import CostMap, map_costs
from workbench.study.file import parse_study
from workbench.study.report import (
    COST_MAP,
    costs_view,
    study_tables,
    write_costs,
    write_figures,
    write_study,
)
from workbench.study.run import StudyOptions, StudyResult, run_study
from workbench.study.space import Study, resolve_study
from workbench.study.storage import readable_storage
from workbench.study.stored import STUDY_JSON, read_study
from workbench.study.summary import StudySummary, study_answer, summarise_study
from workbench.user_modules import import_modules


@dataclass(frozen=True, slots=True)
class StudyChanges:
    """What a command line asks for on top of a study file."""

    name: str | None = None
    trials: int | None = None
    settings: tuple[str, ...] = ()  # recipe.KEY=VALUE
    imports: tuple[str, ...] = ()  # modules, beside those that the file names

    def elsewhere(self) -> frozenset[str]:
        """The keys that are not what the file says."""
        keys = {text.partition("=")[0].strip() for text in self.settings}
        given = {"name": self.name, "trials": self.trials, "import": self.imports or None}
        return frozenset(keys | {key for key, value in given.items() if value is not None})


def load_study(ref: str | Path, changes: StudyChanges | None = None) -> Study:
    """The study at a path, or under a bare name, resolved.

    Raises `InputError`, in one line that names the file and the key, with its line and column.
    """
    changes = changes or StudyChanges()
    document = read_document(find_plan(ref, study=True))
    given = {"name": changes.name, "trials": changes.trials}
    with document.located(changes.elsewhere()):
        data = document.data
        if isinstance(data, dict):
            if str(data.get("kind")) in KINDS:
                raise InputError(
                    f"is a plan of kind {data['kind']}; run it with: workbench ablate {ref}"
                )
            data = data | {key: value for key, value in given.items() if value is not None}
        file = parse_study(data)
        imports = import_modules((*file.imports, *changes.imports), document.path.parent)
        return resolve_study(file, *_recipe_overrides(changes.settings), imports=imports)


def _recipe_overrides(settings: tuple[str, ...]) -> list[str]:
    for text in settings:
        if not text.startswith("recipe."):
            raise InputError(
                f"{text!r} is refused: a study takes recipe.KEY=VALUE only", key="--set"
            )
    return [text.removeprefix("recipe.") for text in settings]


def study(
    ref: str | Path,
    *,
    results: str | Path = RESULTS,
    changes: StudyChanges | None = None,
    options: StudyOptions | None = None,
    console: Console | None = None,
    again: RepeatedCommand | None = None,
) -> tuple[StudyResult, StudySummary]:
    """Run a study, or what is left of it, in `results`/NAME; write and print what it found.

    Where nothing is left then, what was printed is kept for the same command `again`.
    """
    console, changes = console or Console(), changes or StudyChanges()
    options = options or StudyOptions()
    resolved = load_study(ref, changes)
    command = options.command or study_command(ref, results, changes, options)
    folder = Path(results) / resolved.file.name
    done = run_study(resolved, folder, replace(options, command=command), console)
    summary = summarise_study(resolved, done.trials)
    written = write_study(folder, resolved, done.trials, summary)
    look = f"To look into it: {done.dashboard}"
    found = FolderReport(
        folder=folder,
        tables=study_tables(resolved, done.trials, summary),
        answer=study_answer(done.trials, summary),
        files=len(written),
        page=written[-1],
        after=(done.short, look) if done.short else (look,),
    )
    found.print(console)
    if again and not (done.exit_code or _depends_on_more(resolved, options)):
        again.keep(sum(len(trial.top1_by_seed) for trial in done.trials if trial.trained), found)
    return done, summary


def _depends_on_more(study: Study, options: StudyOptions) -> bool:
    """Whether a study is made of what can change beside its command, its file and its folder."""
    elsewhere = options.ledger or options.storage
    return bool(study.imports or elsewhere or study.recipe.data.path)


def cost_only(
    ref: str | Path,
    *,
    results: str | Path = RESULTS,
    changes: StudyChanges | None = None,
    console: Console | None = None,
) -> CostMap:
    """Map the costs of a study's surface: seconds, and nothing trains."""
    found = map_costs(load_study(ref, changes))
    folder = Path(results) / found.study.file.name
    written = write_costs(folder, found)
    console = console or Console()
    console.print(costs_view(found))
    say_written(console, len(written), folder, folder / f"{COST_MAP}.png")
    return found


def paper_figures(folder: Path, place: Path, output: Output) -> list[Path]:
    """The figures of a study's folder for print, into `place`."""
    stored = read_study(folder)
    summary = summarise_study(stored, stored.trials)
    return write_figures(place, stored, stored.trials, summary, output)


def report_study(folder: str | Path, console: Console) -> Path:
    """Write the files of a study's folder again and print what it found, from `study.json` alone;
    returns that."""
    folder = Path(folder)
    stored = read_study(folder)
    trials = stored.trials
    summary = summarise_study(stored, trials)
    written = write_study(folder, stored, trials, summary)
    tables, answer = study_tables(stored, trials, summary), study_answer(trials, summary)
    FolderReport(folder, tables, answer, len(written), written[-1]).print(console)
    return folder / STUDY_JSON


def study_command(
    ref: str | Path, results: str | Path, changes: StudyChanges, options: StudyOptions
) -> str:
    """The command that does this study."""
    more = [] if changes.trials is None else ["--trials", str(changes.trials)]
    if options.storage:
        more += ["--storage", readable_storage(options.storage)]
    return command_line(
        "study",
        ref,
        results,
        options,
        name=changes.name,
        settings=changes.settings,
        imports=changes.imports,
        more=more,
    )
