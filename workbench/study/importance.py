"""How much of the differences in top-1 each constant explains."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from workbench.scaling.constants import NAMES
from workbench.study.search import quiet
from workbench.study.trials import Trial

FEWEST = 4  # completed trials


def importances(trials: Sequence[Trial]) -> Mapping[str, float]:
    """Shares of alpha, beta and gamma by functional ANOVA over a random forest (Hutter 2014).

    The three lie on a surface, so that what one explains another could too: the shares say which
    the forest splits by. Empty where there are too few trials, or all are alike.
    """
    measured = [trial for trial in trials if trial.top1 is not None]
    if len(measured) < FEWEST or len({trial.top1 for trial in measured}) < 2:
        return {}
    with quiet():
        return _fanova(measured)


def _fanova(trials: Sequence[Trial]) -> Mapping[str, float]:
    highest = {name: max(getattr(t.constants, name) for t in trials) for name in NAMES}
    space = {name: FloatDistribution(1.0, max(high, 1.001)) for name, high in highest.items()}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            create_trial(
                params={name: max(1.0, getattr(trial.constants, name)) for name in NAMES},
                distributions=dict(space),
                value=trial.top1,
            )
            for trial in trials
        ]
    )
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(found.get(name, 0.0)) for name in NAMES}
