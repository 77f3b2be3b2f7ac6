"""Which setting of a row is tried next: of a grid or a sequence all at once, else one by one."""

from collections.abc import Mapping, Sequence
from itertools import islice

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from workbench.config import Scalar
from workbench.plans.tuning import Values, grid
from workbench.statistics.tuning import Range, Setting, Tried, Tuning
from workbench.study.file import Sampler
from workbench.study.samplers import check_sampler, make_sampler, sobol_point

SEQUENCES = ("grid", "qmc")
DIGITS = 3  # of a sampled number: more of them say nothing of training


def check(tuning: Tuning) -> None:
    """Raises `InputError` for a sampler whose package is missing."""
    if tuning.sampler not in SEQUENCES:
        check_sampler(_sampler(tuning), 1)


def rounds(tuning: Tuning) -> int:
    """How often it is asked: once where no setting depends on a score."""
    return 1 if tuning.sampler in SEQUENCES else tuning.trials


def ask(tuning: Tuning, tried: Sequence[Tried]) -> tuple[Setting, ...]:
    """The next settings of a row of which so much was tried. All rows draw alike, by their scores.

    A setting may come twice; then its score is known.
    """
    if tuning.sampler == "grid":
        return tuple(islice(grid(tuning.space), tuning.trials))
    if tuning.sampler == "qmc":
        return tuple(_in_sequence(tuning, index) for index in range(tuning.trials))
    return (_sampled(tuning, tried),)


def _sampler(tuning: Tuning) -> Sampler:
    startup = max(1, tuning.trials // 2)
    named: dict[str, object] = {"name": tuning.sampler, "startup": startup}
    return Sampler.model_validate(named)


def _sampled(tuning: Tuning, tried: Sequence[Tried]) -> Setting:
    """By Optuna, which is told all scores anew: nothing has to be stored but the scores."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {key: _distribution(values) for key, values in tuning.space.items()}
    sampler = make_sampler(_sampler(tuning), len(tried))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials([_told(each, space) for each in tried])
    params = study.ask(space).params
    return tuple((key, _rounded(params[key], values)) for key, values in tuning.space.items())


def _told(tried: Tried, space: Mapping[str, BaseDistribution]) -> FrozenTrial:
    score = tried.score
    state = TrialState.FAIL if score is None else TrialState.COMPLETE
    return create_trial(
        state=state, value=score, params=dict(tried.setting), distributions=dict(space)
    )


def _distribution(values: Values) -> BaseDistribution:
    if isinstance(values, Range):
        return FloatDistribution(values.low, values.high, log=values.log)
    return CategoricalDistribution(values)


def _in_sequence(tuning: Tuning, index: int) -> Setting:
    point = sobol_point(0, index)
    return tuple(
        (key, _at(values, share))
        for (key, values), share in zip(tuning.space.items(), point, strict=False)
    )


def _at(values: Values, share: float) -> Scalar:
    if not isinstance(values, Range):
        return values[min(int(share * len(values)), len(values) - 1)]
    if values.log:
        return _rounded(values.low * (values.high / values.low) ** share, values)
    return _rounded(values.low + (values.high - values.low) * share, values)


def _rounded(value: Scalar, values: Values) -> Scalar:
    if not isinstance(values, Range) or not isinstance(value, float):
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), values.low), values.high)
