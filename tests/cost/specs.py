"""Specs to count: the zoo at three resolutions each, and random ones from the registry."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from workbench.config import Spec
from workbench.errors import InputError
from workbench.models import SLOTS, ZOO, spec
from workbench.models.registry import NETWORK_SLOTS
from workbench.models.spec import DEFAULTS, merge, resolve

BIG = 10**9  # MACs from which the other two are small maps instead of the nearest


def three_resolutions(name: str, macs: int) -> list[int]:
    """The entry's own resolution and two more that its strides and k divide."""
    home = spec(name).resolution
    nearest = sorted(range(1, 4 * home + 1), key=lambda side: (abs(side - home), side))
    order = range(32, home) if macs > BIG else nearest
    found = [home]
    for side in order:
        if side != home and _builds(name, side):
            found.append(side)
        if len(found) == 3:
            return found
    raise AssertionError(f"{name} builds at {found} alone")


def _builds(name: str, side: int) -> bool:
    try:
        spec(name, resolution=side)
    except InputError:
        return False
    return True


@st.composite
def random_specs(draw: st.DrawFn) -> Spec:
    """A spec of one to five stages; a drawn component that can't work there leaves the default."""
    count = draw(st.integers(1, 5))
    settings = _base(draw, count)
    for slot in draw(st.permutations(sorted(SLOTS))):
        choice: Any = draw(st.sampled_from(sorted(SLOTS[slot])))
        if slot not in NETWORK_SLOTS and draw(st.booleans()):
            settings = _kept(settings, {slot: choice})
            choice = [draw(st.sampled_from(sorted(SLOTS[slot]))) for _ in range(count)]
        settings = _kept(settings, {slot: choice})
    for option in _options(draw, count):
        settings = _kept(settings, option)
    return resolve(settings, "random")


def _base(draw: st.DrawFn, count: int) -> dict[str, Any]:
    heads = [draw(st.sampled_from([1, 2, 4])) for _ in range(count)]
    return dict(DEFAULTS) | {
        "resolution": draw(st.sampled_from([2, 4])) * 2**count,
        "channels": draw(st.sampled_from([1, 3])),
        "classes": draw(st.integers(2, 11)),
        "depth": [draw(st.integers(1, 2)) for _ in range(count)],
        "dim": [8 * head * draw(st.integers(1, 2)) for head in heads],
        "heads": heads,
        "stride": [2] * count,
        "stem": "patchify",
        "mixer": "lmhsa",
        "ffn": "mlp",
        "head": "gap",
    }


def _options(draw: st.DrawFn, count: int) -> Iterator[dict[str, Any]]:
    yield {"mixer.k": [draw(st.sampled_from([1, 2, 4])) for _ in range(count)]}
    yield {"mixer.qkv_bias": draw(st.booleans())}
    yield {"ffn.ratio": draw(st.sampled_from([1.5, 3.77, 4.0]))}
    yield {"ffn.shortcut": draw(st.sampled_from(["depthwise", "whole", "none"]))}
    yield {"lpu.shortcut": draw(st.booleans())}
    yield {"position.per": draw(st.sampled_from(["stage", "block"]))}


def _kept(settings: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`settings` with `change`, or without it where the network is refused."""
    try:
        changed = dict(merge(settings, change))
        resolve(changed, "random")
    except InputError:
        return settings
    return changed


__all__ = ["ZOO", "random_specs", "three_resolutions"]
