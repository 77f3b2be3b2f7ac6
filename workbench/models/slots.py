"""Every slot as a reader meets it: its components, their options, and what can't stand together."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from types import NoneType
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from workbench.config import Scalar
from workbench.errors import InputError, unknown
from workbench.models.components.act import ACT_SOURCES
from workbench.models.registry import SLOTS, STAGE_SLOTS, options_of
from workbench.models.spec import DEFAULTS, Settings, resolve

ABOUT: Mapping[str, str] = {
    "stem": "from the image to the first map",
    "norm": "before mixer and FFN",
    "conv_norm": "after convolutions",
    "act": "the activation function",
    "head": "from the last map to the logits",
    "downsample": "how a stage is entered",
    "position": "what tokens know of where they are",
    "lpu": "the local perception unit, before mixer and FFN",
    "mixer": "what mixes positions",
    "ffn": "what mixes channels",
}

ONE_STAGE: Settings = {  # small, and of components that refuse nothing
    **DEFAULTS,
    "resolution": 32,
    "stem": "patchify",
    "head": "gap",
    "mixer": "lmhsa",
    "ffn": "mlp",
    "depth": [1],
    "dim": [48],
    "heads": [3],
    "stride": [4],
}
TWO_STAGES: Settings = {"depth": [1, 1], "dim": [48, 96], "heads": [3, 6], "stride": [4, 2]}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a component."""

    name: str
    type: str  # in words
    default: Scalar


@dataclass(frozen=True, slots=True)
class Choice:
    """One component of a slot."""

    name: str
    about: str  # the first line of its docstring
    source: str  # where its docstring says that it is from; empty where it does not
    options: tuple[Option, ...]
    refused_with: tuple[str, ...]  # SLOT=NAME, in a network of one stage with default options
    stages_fault: str | None  # why it can't stand in two stages, the second half the size


def slot_choices(slot: str) -> tuple[Choice, ...]:
    """What can stand in `slot`, in the order of its registry. `InputError` for another slot."""
    if slot not in SLOTS:
        raise unknown("slot", slot, SLOTS)
    return tuple(_choice(slot, name) for name in SLOTS[slot])


def choice_data(slot: str) -> dict[str, object]:
    """A slot as plain data."""
    choices = [asdict(choice) for choice in slot_choices(slot)]
    return {
        "slot": slot,
        "about": ABOUT[slot],
        "per_stage": slot in STAGE_SLOTS,
        "choices": choices,
    }


def _choice(slot: str, name: str) -> Choice:
    about, source = _documented(SLOTS[slot][name])
    options = tuple(
        Option(key, kind_text(field), field.default)
        for key, field in options_of(slot, name).model_fields.items()
    )
    source = source or (ACT_SOURCES.get(name, "") if slot == "act" else "")
    return Choice(name, about, source, options, _refused_with(slot, name), _fault(slot, name, True))


def _documented(component: type) -> tuple[str, str]:
    """The first line of a class's own docstring, and what follows `Source:` in it."""
    about, _, source = inspect.cleandoc(component.__doc__ or "").partition("Source:")
    source = source.partition("\n\n")[0]
    return about.strip().partition("\n")[0], " ".join(source.split()).removesuffix(".")


# ---------------------------------------------------------------- options in words

BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
NAMES = {bool: "true or false", int: "whole number", float: "number", str: "text"}
LARGEST = 10**9  # a bound beyond this says nothing to a reader


def kind_text(field: FieldInfo) -> str:
    """The type of an option in words: `whole number, at least 1`; `stage or block`."""
    if field.description:
        return field.description
    kinds = [kind for kind in get_args(field.annotation) or () if kind is not NoneType]
    if get_origin(field.annotation) is Literal:
        return " or ".join(map(str, kinds))
    optional = NoneType in get_args(field.annotation)
    base = kinds[0] if optional and kinds else field.annotation
    name = NAMES.get(base, str(base)) if isinstance(base, type) else str(base)
    return ", ".join([name, *_bounds(field), *(["or null"] if optional else [])])


def _bounds(field: FieldInfo) -> Iterator[str]:
    for rule in field.metadata:
        for key, words in BOUNDS.items():
            bound = getattr(rule, key, None)
            if bound is not None and abs(bound) < LARGEST:
                yield words.format(bound)


# ---------------------------------------------------------------- what can't stand together


def _refused_with(slot: str, name: str) -> tuple[str, ...]:
    """The components of other slots beside which the smallest network can't be built.

    Empty where it can't be built with this component alone: then it is its sizes that are refused.
    """
    if _fault(slot, name):
        return ()
    return tuple(
        f"{other}={theirs}"
        for other in SLOTS
        if other != slot
        for theirs in SLOTS[other]
        if not _fault(other, theirs) and _together(*sorted([(slot, name), (other, theirs)]))
    )


def _together(one: tuple[str, str], other: tuple[str, str]) -> str | None:
    return _refusal((one, other), (SLOTS[one[0]][one[1]], SLOTS[other[0]][other[1]]))


def _fault(slot: str, name: str, two_stages: bool = False) -> str | None:
    return _refusal(((slot, name),), (SLOTS[slot][name],), two_stages)


@cache
def _refusal(
    parts: tuple[tuple[str, str], ...], components: tuple[type, ...], two_stages: bool = False
) -> str | None:
    """Why the smallest network refuses `parts`, as `layout` says; `components` are what they name.

    The stem leaves the first map, so a downsample is asked for by a list, or stands in stage 1.
    """
    settings = {**ONE_STAGE, **(TWO_STAGES if two_stages else {}), **dict(parts)}
    if not two_stages and "downsample" in dict(parts):
        settings["downsample"] = [settings["downsample"]]
    try:
        resolve(settings, "")
    except InputError as error:
        return str(error)
    return None
