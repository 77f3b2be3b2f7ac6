import subprocess
import sys

import pytest

from workbench.config import Recipe
from workbench.errors import InputError
from workbench.train.recipes import RECIPES, SOURCES, recipe
from workbench.train.schedule import peak

# The numbers of the four commands in the authors' README, and of DeiT's: GPUs x batch, epochs,
# lr, weight decay, warm-up epochs, warm-up lr, min lr, EMA.
COMMANDS = {
    "cmt_ti": (8 * 256, 800, 8e-4, 0.05, 20, 1e-7, 1e-5, None),
    "cmt_xs": (8 * 256, 400, 7e-4, 0.04, 20, 1e-6, 2e-5, 0.9998),
    "cmt_s": (8 * 128, 300, 5e-4, 0.05, 20, 1e-7, 1e-5, 0.99996),
    "cmt_b": (8 * 64, 300, 5e-4, 0.05, 20, 1e-6, 2e-5, 0.99996),
    "deit": (4 * 256, 300, 5e-4, 0.05, 5, 1e-6, 1e-5, 0.99996),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_published_recipes_are_the_commands(name: str) -> None:
    made = recipe(name)
    optimiser, schedule = made.optimiser, made.schedule
    assert COMMANDS[name] == (
        made.batch_size,
        made.epochs,
        optimiser.lr,
        optimiser.weight_decay,
        schedule.warmup_epochs,
        schedule.warmup_lr,
        schedule.min_lr,
        made.ema_decay,
    )
    assert (optimiser.name, optimiser.lr_batch, optimiser.clip_grad) == ("adamw", 512, None)
    augment = made.augment
    assert (augment.mixup, augment.cutmix, augment.random_erasing) == (0.8, 1.0, 0.25)
    assert (augment.repeats, augment.randaugment) == (3, "rand-m9-mstd0.5-inc1")
    assert (augment.color_jitter, augment.interpolation) == (0.0, "bicubic")
    assert made.label_smoothing == 0.1
    assert (made.data.name, made.data.path) == ("folder", None)


def test_published_rates_after_scaling() -> None:
    rates = [peak(recipe(name).optimiser, recipe(name).batch_size) for name in COMMANDS]
    assert rates == pytest.approx([3.2e-3, 2.8e-3, 1e-3, 5e-4, 1e-3])


def test_every_field_of_a_published_recipe_has_a_source() -> None:
    named = {
        f"{prefix}{part}".strip()
        for key in SOURCES
        for prefix, _, parts in [key.rpartition(".") if "." in key else ("", "", key)]
        for part in parts.split(", ")
    }
    leaves = {
        leaf
        for name in COMMANDS
        for key, value in RECIPES[name].items()
        for leaf in (value if isinstance(value, dict) and key != "data" else [key])
    }
    endings = {name.removeprefix(p) for name in named for p in ("optimiser", "schedule", "augment")}
    assert leaves <= endings | named


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid_and_keeps_its_name(name: str) -> None:
    assert recipe(name).name == name


def test_overrides_dotted_and_nested() -> None:
    made = recipe(
        "digits", "optimiser.lr=1e-3", "epochs=2", "data.train_size=null", "ema_decay=0.9"
    )
    assert (made.optimiser.lr, made.epochs, made.ema_decay) == (1e-3, 2, 0.9)
    assert made.optimiser.clip_grad == recipe("digits").optimiser.clip_grad
    assert made.name == "digits+"
    nested = recipe({"base": "digits", "optimiser": {"lr": 1e-3}, "schedule.min_lr": 0}, "epochs=2")
    assert nested.optimiser.lr == 1e-3
    assert nested.optimiser.weight_decay == 0.05
    assert nested.schedule.min_lr == 0
    assert recipe({"epochs": 4}) == Recipe(epochs=4)
    assert recipe("digits").epochs == 30  # the data was not changed


@pytest.mark.parametrize(
    ("base", "override", "message"),
    [
        ("digit", "epochs=1", "recipe: unknown 'digit'; nearest: 'digits"),
        ("digits", "epoch=1", "recipe.epoch: unknown 'epoch'; nearest: 'epochs"),
        ("digits", "optimiser.lrr=1", r"recipe.optimiser.lrr: unknown 'lrr'; nearest: 'lr"),
        ("digits", "epochs=three", "recipe.epochs: 'three' is refused: it must be a whole number$"),
        ("digits", "epochs=0", "recipe.epochs: 0 is refused: it must be at least 1$"),
        ("digits", "optimiser.lr=0", "lr: 0 is refused: it must be more than 0$"),
        ("digits", "ema_decay=1", "recipe.ema_decay: 1 is refused: it must be less than 1$"),
        ("digits", "ema_decay=[]", r"recipe.ema_decay: \[\] is refused: it must be a number$"),
        ("digits", "data.download=1", "recipe.data.download: 1 is refused: .* true or false$"),
        ("digits", "data.name=1", "recipe.data.name: 1 is refused: it must be text$"),
        ("digits", "data=1", "recipe.data: 1 is refused: it must be a mapping of keys to values$"),
        ("digits", "batch_size=-1", "recipe.batch_size: -1 is refused"),
        ("digits", "optimiser.lr=nan", "recipe.optimiser.lr"),
        ("digits", "optimiser=adamw", "recipe.optimiser: 'adamw' is refused"),
        (
            "digits",
            "schedule.name=cosin",
            "schedule.name: unknown 'cosin'; nearest: 'cosine'",
        ),
        ("digits", "epochs", "'epochs' is no override"),
        (
            "digits",
            "epochs=[1",
            r"recipe.epochs: '\[1' is refused: a list or mapping is not",
        ),
    ],
)
def test_refused_with_one_line(base: str, override: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        recipe(base, override)
    assert "\n" not in str(caught.value)


def test_recipes_need_no_torch() -> None:
    code = "import sys, workbench.train.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
