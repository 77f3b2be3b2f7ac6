"""When a run is evaluated, from its sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import DataConfig, Evaluate, Recipe, RunConfig
from workbench.errors import InputError
from workbench.models import spec
from workbench.train.curve import LEAST, ONE_IN, PASSES, choose_curve

SIZES = st.integers(1, 60_000)


@given(st.integers(1, 300), SIZES, SIZES, SIZES)
def test_evaluation_is_a_tenth_of_a_run_unless_its_end_alone_is_more(
    epochs: int, trained: int, held: int, final: int
) -> None:
    curve = choose_curve(Recipe(epochs=epochs), trained, held, final)
    assert 1 <= curve.images <= held
    assert curve.images >= min(LEAST, held)
    evaluated = final + curve.points(epochs) * curve.images
    whole = PASSES * epochs * trained + evaluated
    assert curve.points(epochs) == 0 or ONE_IN * evaluated <= whole


@given(st.integers(2, 300), SIZES, st.integers(1, 300), st.integers(1, 20_000))
def test_what_is_asked_for_is_done(epochs: int, trained: int, every: int, images: int) -> None:
    both = Recipe(epochs=epochs, evaluate=Evaluate(every=every, images=images))
    assert choose_curve(both, trained, 20_000, 20_000) == (every, images)
    often = Recipe(epochs=epochs, evaluate=Evaluate(every=every))
    assert choose_curve(often, trained, 20_000, 20_000).every == every
    many = Recipe(epochs=epochs, evaluate=Evaluate(images=images))
    assert choose_curve(many, trained, 20_000, 20_000).images == images


def test_a_long_run_draws_every_epoch_from_all_images() -> None:
    assert choose_curve(Recipe(epochs=30), 50_000, 10_000, 10_000) == (1, 10_000)


def test_more_images_than_there_are_is_refused() -> None:
    recipe = Recipe(evaluate=Evaluate(images=600))
    with pytest.raises(InputError, match=r"recipe\.evaluate\.images: 600 is more than the 599 te"):
        choose_curve(recipe, 1000, 599, 599)
    split = recipe.model_copy(update={"data": DataConfig(validation=0.1)})
    with pytest.raises(InputError, match="more than the 119 validation images"):
        choose_curve(split, 1000, 119, 599)


def test_a_run_keeps_its_id_until_a_new_key_is_set() -> None:
    """The first id is the one that versions without these keys gave."""
    network = spec("cmt_digits")
    data = DataConfig(train_size=200)

    def identity(recipe: Recipe) -> str:
        return RunConfig(variant="CMT", spec=network, recipe=recipe, seed=0).id

    plain = identity(Recipe(data=data, evaluate=Evaluate()))
    assert plain == "60872432efa3fdaccf3b7ac028833ea3bced7eda3581ff32d78a0866ab71a143"
    sparse = identity(Recipe(data=data, evaluate=Evaluate(every=2)))
    split = identity(Recipe(data=data.model_copy(update={"validation": 0.1})))
    assert len({plain, sparse, split}) == 3
