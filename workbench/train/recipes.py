"""Recipes as data, by name, and how a user changes one. Needs no torch."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from workbench.config import Recipe
from workbench.errors import InputError, unknown
from workbench.parsing import parse
from workbench.plain_yaml import read_value

# DeiT's augmentation, which the four CMT commands leave at its defaults. Sources: see `SOURCES`.
_DEIT_AUGMENT = {
    "random_resized_crop": True,
    "crop_scale": 0.08,
    "hflip": 0.5,
    "randaugment": "rand-m9-mstd0.5-inc1",
    "random_erasing": 0.25,
    "mixup": 0.8,
    "cutmix": 1.0,
    "mixup_prob": 1.0,
    "mixup_switch_prob": 0.5,
    "repeats": 3,
    "interpolation": "bicubic",
    "crop_pct": 0.875,
}
VALIDATION = 0.1  # of the training images, where something is chosen and the recipe names no share

_PUBLISHED = {  # by all five
    "data": {"name": "folder", "workers": 4},
    "augment": _DEIT_AUGMENT,
    "label_smoothing": 0.1,
}

_SCATTERED = {
    "task": {"name": "detect", "channels": 48, "stages": [0, 1, 2], "anchor": 3, "norm": True},
    "data": {"name": "scattered_digits", "train_size": 1000, "test_size": 300},
    "epochs": 10,
    "batch_size": 8,
    "optimiser": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.05, "clip_grad": 1.0},
    "schedule": {"warmup_epochs": 1, "warmup_lr": 1e-5, "min_lr": 1e-5},
    "checkpoint_every": 4,
}

RECIPES: dict[str, dict[str, Any]] = {
    # ------------------------------------------------------------ ours
    # Handwritten digits on a CPU in seconds: the quickstart's.
    "digits": {
        "data": {"name": "digits"},
        "epochs": 30,
        "batch_size": 64,
        "optimiser": {"name": "adamw", "lr": 4e-3, "weight_decay": 0.05, "clip_grad": 1.0},
        "schedule": {"warmup_epochs": 3, "warmup_lr": 1e-5, "min_lr": 1e-5},
        "augment": {"crop_padding": 1},
        "label_smoothing": 0.1,
        "checkpoint_every": 5,
    },
    # CIFAR-10 for a comparison in hours on a few cores: no mixing, which pays only in long runs.
    "cifar10_short": {
        "data": {"name": "cifar10"},
        "epochs": 15,
        "batch_size": 128,
        "optimiser": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.05, "clip_grad": 1.0},
        "schedule": {"warmup_epochs": 2, "warmup_lr": 1e-6, "min_lr": 1e-5},
        "augment": {"crop_padding": 4, "hflip": 0.5, "crop_pct": 1.0},
        "label_smoothing": 0.1,
    },
    # CIFAR-10 on a GPU, with the mixing of the published recipes.
    "cifar10": {
        "data": {"name": "cifar10"},
        "epochs": 200,
        "batch_size": 128,
        "optimiser": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.05, "clip_grad": 1.0},
        "schedule": {"warmup_epochs": 10, "warmup_lr": 1e-6, "min_lr": 1e-5},
        "augment": {
            "crop_padding": 4,
            "hflip": 0.5,
            "randaugment": "rand-m9-mstd0.5-inc1",
            "random_erasing": 0.25,
            "mixup": 0.8,
            "cutmix": 1.0,
            "crop_pct": 1.0,
        },
        "label_smoothing": 0.1,
    },
    # Digits scattered over canvases, to be found: minutes on a few cores.
    "scattered_digits": _SCATTERED,
    # The same canvases, to be told pixel by pixel.
    "scattered_digits_pixels": {
        **_SCATTERED,
        "task": {"name": "segment", "channels": 48},
        "epochs": 16,
    },
    # ------------------------------------------------------------ published, see `SOURCES`
    "cmt_ti": {
        **_PUBLISHED,
        "epochs": 800,
        "batch_size": 2048,
        "optimiser": {"name": "adamw", "lr": 8e-4, "lr_batch": 512, "weight_decay": 0.05},
        "schedule": {"warmup_epochs": 20, "warmup_lr": 1e-7, "min_lr": 1e-5},
        "ema_decay": None,
    },
    "cmt_xs": {
        **_PUBLISHED,
        "epochs": 400,
        "batch_size": 2048,
        "optimiser": {"name": "adamw", "lr": 7e-4, "lr_batch": 512, "weight_decay": 0.04},
        "schedule": {"warmup_epochs": 20, "warmup_lr": 1e-6, "min_lr": 2e-5},
        "ema_decay": 0.9998,
    },
    "cmt_s": {
        **_PUBLISHED,
        "epochs": 300,
        "batch_size": 1024,
        "optimiser": {"name": "adamw", "lr": 5e-4, "lr_batch": 512, "weight_decay": 0.05},
        "schedule": {"warmup_epochs": 20, "warmup_lr": 1e-7, "min_lr": 1e-5},
        "ema_decay": 0.99996,
    },
    "cmt_b": {
        **_PUBLISHED,
        "epochs": 300,
        "batch_size": 512,
        "optimiser": {"name": "adamw", "lr": 5e-4, "lr_batch": 512, "weight_decay": 0.05},
        "schedule": {"warmup_epochs": 20, "warmup_lr": 1e-6, "min_lr": 2e-5},
        "ema_decay": 0.99996,
    },
    "deit": {
        **_PUBLISHED,
        "epochs": 300,
        "batch_size": 1024,
        "optimiser": {"name": "adamw", "lr": 5e-4, "lr_batch": 512, "weight_decay": 0.05},
        "schedule": {"warmup_epochs": 5, "warmup_lr": 1e-6, "min_lr": 1e-5},
        "ema_decay": 0.99996,
    },
}

# Where each field of the published recipes was read. "README" and "train.py" are those of
# github.com/ggjy/CMT.pytorch, "main.py" that of github.com/facebookresearch/deit at 0282d2a.
SOURCES: dict[str, str] = {
    "data": "README: ImageNet in its folder layout; train.py: --num_workers 4",
    "epochs": "README: --epochs; DeiT: main.py default. CMT's train.py adds ten epochs at min_lr"
    " (--cooldown-epochs, timm 0.3.2), which are not in these recipes; DeiT's does not",
    "batch_size": "README: 8 GPUs times --batch-size (256, 256, 128, 64); DeiT: 4 times 256",
    "optimiser.name": "train.py: --opt default",
    "optimiser.lr": "README: --lr for Ti and XS; train.py: default for S and B; DeiT: main.py",
    "optimiser.lr_batch": "train.py and main.py: lr * batch * GPUs / 512",
    "optimiser.weight_decay": "README: --weight-decay. timm 0.3.2 kept it off norms and biases;"
    " the authors' relative position tables were decayed, here no position table is",
    "optimiser.beta1, beta2, eps, clip_grad": "train.py: AdamW's betas, 1e-8, no clipping",
    "schedule.name": "train.py: --sched default, by timm's convention, see schedule.py",
    "schedule.warmup_epochs": "README: --warmup-epochs; DeiT: main.py default",
    "schedule.warmup_lr": "README: --warmup-lr; DeiT: main.py default. Not scaled by the batch",
    "schedule.min_lr": "README: --min-lr for Ti, XS, B; train.py: default for S; not scaled",
    "augment.random_resized_crop, crop_scale, hflip": "datasets.py: timm's create_transform",
    "augment.color_jitter": "train.py: 0.4 by default, which timm leaves out beside RandAugment: 0",
    "augment.randaugment": "train.py: --aa default",
    "augment.random_erasing": "train.py: --reprob default, --remode pixel, --recount 1",
    "augment.mixup, cutmix, mixup_prob, mixup_switch_prob": "train.py: defaults, by batch",
    "augment.repeats": "train.py: --repeated-aug default on; samplers.py: three copies",
    "augment.interpolation": "train.py: --train-interpolation default",
    "augment.crop_pct": "datasets.py: the test resizes to 256/224 of the side",
    "label_smoothing": "train.py: --smoothing default",
    "ema_decay": "README: --no-model-ema (Ti), --model-ema-decay (XS); train.py: default (S, B)",
    "precision": "README: --apex-amp, mixed float16; here bf16 on a GPU",
    "(not here)": "--drop-path and --input-size belong to the network: see the zoo",
}


def recipe(
    base: str | Mapping[str, Any], *overrides: str, default: Mapping[str, Any] | None = None
) -> Recipe:
    """A recipe by name, or a mapping with an optional `base` and the keys it changes.

    Keys of the mapping may be nested (`optimiser: {lr: 1e-3}`) or dotted; `overrides` are dotted
    (`optimiser.lr=1e-3`), their values YAML. A changed recipe is named after its base, with `+`.
    `default` holds for keys, nested, that none of these says anything of.
    Raises `InputError`, with the nearest valid choice, for unknown names and keys and bad values.
    """
    changes = {} if isinstance(base, str) else dict(base)
    name = base if isinstance(base, str) else changes.pop("base", None)
    key = "recipe" if isinstance(base, str) else "recipe.base"
    data = {"name": "custom"} if name is None else _base(name, key)
    given = [*changes.items(), *map(_override, overrides)]
    if given and name is not None:
        data["name"] = f"{name}+"
    data = _merge(dict(default or {}), data)
    for key, value in given:
        data = _merge(data, _nest(key, value))
    try:
        return parse(Recipe, data, "recipe")
    except InputError as error:
        raise _with_places(error) from None


def recipe_keys() -> tuple[str, ...]:
    """Every key of a recipe, dotted: `optimiser`, `optimiser.lr`."""
    return tuple(_keys(Recipe))


def _keys(part: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in part.model_fields.items():
        yield f"{prefix}{name}"
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _keys(kind, f"{prefix}{name}.")


def _with_places(error: InputError) -> InputError:
    """The error about an unknown key, with the places where a key of that name stands."""
    name = error.key.rpartition(".")[2]
    near = [f"recipe.{key}" for key in recipe_keys() if key.endswith(f".{name}")]
    if error.about != "key" or not near:
        return error
    return error.but(reason=f"unknown {name!r}; nearest: {', '.join(map(repr, near))}")


def _base(name: object, key: str) -> dict[str, Any]:
    if not isinstance(name, str) or name not in RECIPES:
        raise unknown(key, str(name), RECIPES)
    return {"name": name, **RECIPES[name]}


def _override(text: str) -> tuple[str, object]:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise InputError(
            f"{text!r} is no override; write key=value, optimiser.lr=1e-3", key="recipe"
        )
    return key.strip(), read_value(value, f"recipe.{key.strip()}")


def _nest(key: str, value: object) -> dict[str, object]:
    first, dot, rest = str(key).partition(".")
    return {first: _nest(rest, value) if dot else value}


def _merge(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """`new` over `old`, key by key at every depth; neither is changed."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(before, value)
        else:
            merged[key] = value
    return merged
