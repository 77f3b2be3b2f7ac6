"""A study in Optuna's storage, by ask and tell. It knows nothing of engines or ledgers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Self

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from workbench.errors import InputError, some_of
from workbench.plans.differences import changes
from workbench.scaling.surface import COORDINATES
from workbench.study.file import DIRECTIONS
from workbench.study.samplers import (
    check_sampler,
    is_sequence,
    make_pruner,
    make_sampler,
    sequence_point,
    sobol_point,
)
from workbench.study.space import Candidate, Study
from workbench.study.storage import open_storage, readable_storage, reason
from workbench.study.trials import STATES, Ending, Trial, candidate_attributes, read_trial

SPACE: Mapping[str, BaseDistribution] = {name: FloatDistribution(0.0, 1.0) for name in COORDINATES}
SPACE_KEY, READY_KEY = "space", "ready"
PATIENCE = 5  # points in a row that trained nothing, before one is taken from Sobol's sequence


@dataclass(frozen=True, slots=True)
class OpenTrial:
    """A trial under way."""

    number: int
    candidate: Candidate
    trial: optuna.Trial


class Search:
    """One study. One process at a time drives it; anyone may read it, `optuna-dashboard` too."""

    def __init__(self, study: Study, storage: BaseStorage, found: optuna.Study, name: str) -> None:
        self._resolved = study
        self._storage = storage
        self._study = found
        self.storage_name = name

    @classmethod
    def open(cls, study: Study, where: str) -> Self:
        """Make the study, or take it up where it was left: no trial stays running for ever.

        Raises `InputError` for a storage that does not open, and for a study of that name with
        another search space, with the difference.
        """
        file = study.file
        check_sampler(file.sampler, len(file.objectives))
        storage, name = open_storage(where), readable_storage(where)
        with quiet(), _one_line(name):
            found = optuna.create_study(
                storage=storage,
                study_name=file.name,
                directions=[DIRECTIONS[each] for each in file.objectives],
                sampler=make_sampler(file.sampler, 0),
                pruner=make_pruner(file.pruner, study.recipe.epochs, file.prunes),
                load_if_exists=True,
            )
            search = cls(study, storage, found, name)
            search._prepare()
        return search

    def _prepare(self) -> None:
        attributes = self._study.user_attrs
        if SPACE_KEY not in attributes and self._study.trials:
            raise InputError(
                f"study {self._study.study_name!r} of {self.storage_name} was not made by the "
                "workbench; give this one another name"
            )
        document = self._resolved.document()
        if SPACE_KEY in attributes:
            _refuse_other(attributes[SPACE_KEY], document, self._study.study_name)
        else:
            self._study.set_user_attr(SPACE_KEY, document)
        if READY_KEY not in attributes:
            self._enqueue_points()
            self._study.set_user_attr(READY_KEY, True)
        self.release_all()

    def _enqueue_points(self) -> None:
        for triple, depth, split in self._resolved.points():
            coordinates = dict(zip(COORDINATES, (depth, split), strict=True))
            self._study.enqueue_trial(coordinates, {"point": list(triple)}, skip_if_exists=True)

    # ------------------------------------------------------------ ask and tell

    def ask(self) -> OpenTrial | None:
        """The next point; none where a grid is used up."""
        file = self._resolved.file
        with quiet(), _one_line(self.storage_name):
            trials = self._study.get_trials(deepcopy=False)
            waiting = [each.number for each in trials if each.state == TrialState.WAITING]
            number = waiting[0] if waiting else len(trials)
            if not waiting and not self._enqueue_next(trials):
                return None
            self._study.sampler = make_sampler(file.sampler, number)
            trial = self._study.ask(dict(SPACE))
            candidate = self._resolved.candidate(*(trial.params[name] for name in COORDINATES))
            self._note(trial, candidate_attributes(candidate))
        return OpenTrial(trial.number, candidate, trial)

    def _enqueue_next(self, trials: Sequence[FrozenTrial]) -> bool:
        """Where the next point is not the sampler's to choose, put it first; false at the end."""
        config, number = self._resolved.file.sampler, len(trials)
        if is_sequence(config):
            point = sequence_point(config, number - len(self._resolved.file.points))
        elif idle(trials) >= PATIENCE:
            point = sobol_point(config.seed, number)
        else:
            return True
        if point is not None:
            self._study.enqueue_trial(dict(zip(COORDINATES, point, strict=True)))
        return point is not None

    def tell(self, asked: OpenTrial, ending: Ending, **facts: object) -> None:
        """A trial is over. `facts` are kept; a completed one needs those it is judged by."""
        with quiet(), _one_line(self.storage_name):
            self._note(asked.trial, {**facts, "outcome": ending})
            values = self._values(asked, facts) if ending == "completed" else None
            self._study.tell(asked.trial, values, state=STATES[ending])

    def _values(self, asked: OpenTrial, facts: Mapping[str, Any]) -> list[float]:
        scaled = asked.candidate.scaled
        measured = {**facts, "macs": scaled.cost.macs if scaled else None}
        return [float(measured[name]) for name in self._resolved.file.objectives]

    def _note(self, trial: optuna.Trial, facts: Mapping[str, object]) -> None:
        for key, value in facts.items():
            trial.set_user_attr(key, value)

    def report(self, asked: OpenTrial, epoch: int, top1: float) -> bool:
        """An epoch of the first seed; whether the trial is to be pruned.

        A run that is resumed tells its epochs again: the last one known is judged again, in case
        the verdict on it was lost.
        """
        if not self._resolved.file.prunes:
            return False
        with quiet(), _one_line(self.storage_name):
            known = self._storage.get_trial(asked.trial._trial_id).intermediate_values
            if epoch < max(known, default=0):
                return False
            if epoch not in known:
                asked.trial.report(top1, epoch)
            return asked.trial.should_prune()

    def release(self, asked: OpenTrial) -> None:
        """It was cut off, or failed: it waits for the next call with its point."""
        with _one_line(self.storage_name):
            self._storage.set_trial_state_values(asked.trial._trial_id, TrialState.WAITING)

    def release_all(self) -> int:
        """Trials that a killed process left running wait again; returns how many there were."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            self._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        return len(running)

    # ------------------------------------------------------------ reading

    def trials(self) -> tuple[Trial, ...]:
        """All trials, by number."""
        with _one_line(self.storage_name):
            return tuple(read_trial(each) for each in self._study.get_trials(deepcopy=False))

    def close(self) -> None:
        """Let the database go."""
        self._storage.remove_session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse_other(old: Mapping[str, object], new: Mapping[str, object], name: str) -> None:
    if changed := [*changes(old, new)]:
        raise InputError(
            f"study {name!r} exists with another search space; give this one another name, --name "
            f"NEW. What differs: {some_of(changed)}"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna's lines about every trial off: the workbench has its own."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise InputError(
            f"{name} failed: {reason(error.__cause__ or error)}", key="storage"
        ) from None


def idle(trials: Sequence[FrozenTrial]) -> int:
    """How many of the last trials trained nothing: infeasible, or a network that is known.

    GP, CMA-ES and NSGA-II learn nothing from them, and would ask for the same again and again.
    """
    last = takewhile(
        lambda each: each.state.is_finished() and not read_trial(each).trained, reversed(trials)
    )
    return sum(1 for _ in last)
