"""Every sampler asks for settings of the space, and the same ones for the same scores."""

import pytest

from workbench.statistics.tuning import Range, Setting, Tried, Tuning
from workbench.tuning.asking import ask, check, rounds

RANGES = {
    "optimiser.lr": Range(low=0.0005, high=0.008, log=True),
    "optimiser.weight_decay": Range(low=0.0, high=0.2),
}
TRIALS = 4


def score(setting: Setting) -> float:
    """Best at a low rate and a high weight decay."""
    return 60 - 1000 * float(setting[0][1]) + 10 * float(setting[1][1])


def tried(tuning: Tuning) -> list[Tried]:
    """All trials of a row, scored as they are asked for."""
    found: list[Tried] = []
    for _ in range(rounds(tuning)):
        settings = ask(tuning, found)
        found += [Tried(row="a", setting=each, scores=(score(each),)) for each in settings]
    return found


@pytest.mark.parametrize("sampler", ["qmc", "tpe", "gp", "cmaes", "nsga2"])
def test_a_sampler_keeps_to_the_space_and_its_budget_and_asks_the_same_again(sampler: str) -> None:
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    tuning = Tuning(space=RANGES, trials=TRIALS, seeds=(0,), sampler=sampler)
    check(tuning)
    found = tried(tuning)
    assert len(found) == TRIALS
    for each in found:
        rate, decay = (float(value) for _, value in each.setting)
        assert 0.0005 <= rate <= 0.008
        assert 0.0 <= decay <= 0.2
    assert len({each.setting for each in found}) > 1
    assert tried(tuning) == found


def test_a_grid_asks_for_everything_at_once() -> None:
    space = {"optimiser.lr": (0.001, 0.002), "optimiser.weight_decay": (0.0, 0.1)}
    found = tried(Tuning(space=space, trials=4, seeds=(0,), sampler="grid"))
    assert [[value for _, value in each.setting] for each in found] == [
        [0.001, 0.0], [0.001, 0.1], [0.002, 0.0], [0.002, 0.1],
    ]  # fmt: skip


def test_listed_values_are_sampled_too() -> None:
    space = {"optimiser.lr": RANGES["optimiser.lr"], "optimiser.weight_decay": (0.0, 0.1)}
    found = tried(Tuning(space=space, trials=TRIALS, seeds=(0,), sampler="tpe"))
    assert {dict(each.setting)["optimiser.weight_decay"] for each in found} <= {0.0, 0.1}
