"""When a run is evaluated before its end, and on how many images: from sizes, never from a clock.

A clock would give two runs of one identity two curves, and pruning other decisions.
"""

from typing import NamedTuple

from workbench.config import Recipe
from workbench.errors import InputError

PASSES = 3  # a training step costs about three forward passes: one, and two of its gradients
ONE_IN = 10  # of a run's time, evaluation takes about this part
LEAST = 250  # images of a point of the curve that is chosen here; fewer say too little


class Curve(NamedTuple):
    """Every `every` epochs a point from `images` images. The last epoch's is of all of them."""

    every: int
    images: int

    def points(self, epochs: int) -> int:
        """How many there are before the last."""
        return (epochs - 1) // self.every

    def due(self, done: int) -> bool:
        """Whether the `done`-th epoch, counted from 1, is evaluated if it is not the last."""
        return done % self.every == 0


def choose_curve(recipe: Recipe, trained: int, held: int, final: int) -> Curve:
    """The curve of a run that trains on `trained` images an epoch.

    `held` images can draw it; `final` are evaluated at the end. Raises `InputError` where
    recipe.evaluate.images asks for more than there are.
    """
    asked, epochs = recipe.evaluate, recipe.epochs
    if asked.images is not None and asked.images > held:
        which = "test" if recipe.data.validation is None else "validation"
        raise InputError(
            f"{asked.images} is more than the {held} {which} images", key="recipe.evaluate.images"
        )
    # Evaluation is a tenth of the whole where it is a ninth of training.
    budget = max(0, epochs * trained * PASSES // (ONE_IN - 1) - final)
    if asked.every is not None:
        points = Curve(asked.every, 0).points(epochs)
        images = asked.images or max(min(LEAST, held), budget // max(1, points))
        return Curve(asked.every, min(images, held))
    images = asked.images or max(min(LEAST, held), budget // max(1, epochs - 1))
    images = min(images, held)
    return Curve(-(-epochs // (budget // images + 1)), images)  # as often as the budget has it
