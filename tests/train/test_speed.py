"""Ways of computing a training step: what a trial measures, what it chooses, what fit does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from tests.train.standins import FAST, FULL, STEPS, StopAfter, compare, fit_tiny, parts, run_config
from workbench.config import Outcome, Recipe, Task, Teacher
from workbench.errors import InputError
from workbench.train.speed import compiling, trial
from workbench.train.speed.trial import measured
from workbench.train.speed.ways import SpeedTrial, Way, ways_of

HALF, WHOLE = Way(precision="bf16", compile=False), Way(precision="32", compile=False)
COMPILED = Way(precision="32", compile=True)


def chosen(*ways: tuple[Way, float | None, float], images: int = 1000) -> str:
    taken = tuple(
        way.model_copy(update={"seconds": seconds, "before": before})
        for way, seconds, before in ways
    )
    keys: Any = ("precision", "compile")
    found = SpeedTrial(
        keys=keys, row="r", images=images, batch=8, device="cpu", threads=1, ways=taken
    )
    return found.best.text


def test_the_plain_way_stays_unless_another_is_clearly_faster() -> None:
    assert chosen((WHOLE, 1.0, 0), (HALF, 0.97, 0)) == "32 bits"
    assert chosen((WHOLE, 1.0, 0), (HALF, 0.9, 0)) == "bf16"
    assert chosen((WHOLE, 1.0, 0), (HALF, None, 0)) == "32 bits"


def test_compiling_has_to_pay_within_one_run() -> None:
    assert chosen((WHOLE, 0.01, 0), (COMPILED, 0.005, 60.0), images=1_000) == "32 bits"
    assert chosen((WHOLE, 0.01, 0), (COMPILED, 0.005, 60.0), images=100_000) == "32 bits, compiled"


def test_ways_are_those_of_the_keys() -> None:
    def texts(*keys: Any, recipe: Recipe = FAST, half: bool = False) -> list[str]:
        return [way.text for way in ways_of(keys, recipe, half)]

    assert texts("precision") == ["32 bits", "bf16"]
    assert texts("compile", half=True) == ["bf16", "bf16, compiled"]
    both = ["32 bits", "bf16", "32 bits, compiled", "bf16, compiled"]
    assert texts("precision", "compile") == both


def test_a_trial_times_every_way_and_says_why_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "STEPS", 2)

    def no_backend(network: nn.Module) -> None:
        raise RuntimeError("no backend\nand more")

    monkeypatch.setattr(trial, "compile_steps", no_backend)
    monkeypatch.setattr(trial, "lacking", lambda: "")
    run = run_config()
    made = parts(run, torch.device("cpu"))
    before = {name: value.clone() for name, value in made.network.state_dict().items()}
    found = measured(run, made, list(made.train), (WHOLE, HALF, COMPILED))
    assert [bool(way.seconds) for way in found] == [True, True, False]
    assert found[2].fault == "no backend"
    after = made.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.slow  # imports torch's compiler
def test_a_compiled_run_goes_on_bit_for_bit_and_is_not_compiled_for_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(graph: Any, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        def run(*given: torch.Tensor) -> Any:
            calls.append(len(given))
            return graph.forward(*given)

        return run

    monkeypatch.setattr(compiling, "BACKEND", counted)
    monkeypatch.setattr(compiling, "lacking", lambda: "")
    recipe = FULL.model_copy(update={"compile": True, "ema_decay": None})
    whole = fit_tiny(tmp_path / "whole", recipe)
    assert whole.outcome is Outcome.COMPLETED
    assert len(calls) == FULL.epochs * STEPS  # one graph for a step, none for a test
    fit_tiny(tmp_path / "parts", recipe, StopAfter(2 * STEPS + 3))
    fit_tiny(tmp_path / "parts", recipe)
    compare(tmp_path / "whole", tmp_path / "parts")


def test_compiling_without_a_compiler_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match=r"no C\+\+ compiler is here: no-such-compiler"):
        fit_tiny(tmp_path, FAST.model_copy(update={"compile": True}))
    with pytest.raises(InputError, match=r"recipe\.compile: 'auto' is decided by a sweep"):
        fit_tiny(tmp_path, FAST.model_copy(update={"compile": "auto"}))
    assert compiling.check_compiler(FAST) is None


def test_compile_is_refused_where_it_would_do_nothing() -> None:
    for key, value in (("task", Task(name="detect")), ("teacher", Teacher())):
        with pytest.raises(ValidationError, match="compile acts on classifiers"):
            Recipe.model_validate({"compile": True, key: value})


def test_a_recipe_that_compiles_nothing_has_the_id_of_before() -> None:
    assert "compile" not in Recipe().document()
    assert Recipe(compile=True).document()["compile"] is True
