"""The slots and what can stand in each: one dict a slot, all of them here."""

from collections.abc import Mapping

from workbench.errors import InputError, nearest, unknown
from workbench.models.components.act import ACTS
from workbench.models.components.base import Component, Options
from workbench.models.components.downsample import DOWNSAMPLES
from workbench.models.components.ffn import FFNS
from workbench.models.components.head import HEADS
from workbench.models.components.lpu import LPUS
from workbench.models.components.mixer import MIXERS
from workbench.models.components.norm import NORMS
from workbench.models.components.position import POSITIONS
from workbench.models.components.stem import STEMS

NETWORK_SLOTS: Mapping[str, dict[str, type]] = {  # chosen once for the network
    "stem": STEMS,
    "norm": NORMS,
    "conv_norm": NORMS,
    "act": ACTS,
    "head": HEADS,
}
STAGE_SLOTS: Mapping[str, dict[str, type]] = {  # chosen for each stage
    "downsample": DOWNSAMPLES,
    "position": POSITIONS,
    "lpu": LPUS,
    "mixer": MIXERS,
    "ffn": FFNS,
}
SLOTS: Mapping[str, dict[str, type]] = {**NETWORK_SLOTS, **STAGE_SLOTS}


def lookup(slot: str, name: str) -> type:
    """The class that stands under `name` in `slot`."""
    choices = SLOTS[slot]
    if name not in choices:
        near = nearest(name, choices)
        own = "" if near.startswith("nearest") else "; or one of your own, by --import MODULE"
        raise InputError(f"unknown {name!r}; {near}{own}", key=slot)
    return choices[name]


def options_of(slot: str, name: str) -> type[Options]:
    """The options model of a component; activations have none."""
    found: type[Options] = getattr(lookup(slot, name), "Options", Options)
    return found


def register(slot: str, name: str, component: type[Component]) -> None:
    """Adds a component of your own, which from then on is a name like any other.

    `component` is built as `component(site, options)`; see `Component` for what it must have.
    """
    if slot not in SLOTS:
        raise unknown("slot", slot, SLOTS)
    present = SLOTS[slot].get(name)
    if present is not None and present.__qualname__ != component.__qualname__:
        raise InputError(f"{name!r} is taken by {present.__qualname__}", key=slot)
    SLOTS[slot][name] = component
