"""What cost and speed can be asked of: a spec of ours, or `timm:NAME`."""

from dataclasses import dataclass

from torch import nn

from workbench.config import Spec
from workbench.cost.check import checked_cost
from workbench.cost.closed import closed_form
from workbench.cost.record import Cost
from workbench.cost.trace import UncountedOperatorError, trace_module
from workbench.errors import InputError, unknown
from workbench.models import build, spec

TIMM = "timm:"


@dataclass(frozen=True)
class Target:
    """A network by name: a `Spec` of ours, or a model of timm without its weights."""

    name: str
    channels: int
    resolution: int
    spec: Spec | None

    def build(self, fused: bool = False) -> nn.Module:
        """The network with random weights; ours with every BN folded where `fused` asks for it."""
        if not self.spec:
            return _timm_model(self.name, self.resolution)
        if not fused:
            return build(self.spec)
        from workbench.models.fuse import fuse

        return fuse(build(self.spec))


def target(name: str, *overrides: str, resolution: int | None = None) -> Target:
    """The network `name` (a zoo entry, or `timm:NAME`) at `resolution`, by default its own.

    Raises `InputError` for a name, override or resolution that is refused.
    """
    if not name.startswith(TIMM):
        found = spec(name, *overrides, resolution=resolution)
        return Target(found.name, found.channels, found.resolution, found)
    if overrides:
        raise InputError(f"{name}: takes no overrides, for its parts are timm's: {overrides[0]!r}")
    if resolution is not None and resolution < 1:
        raise InputError(f"resolution: {resolution} is refused; it is a number of pixels")
    channels, side = _timm_input(name)
    return Target(name, channels, side if resolution is None else resolution, None)


def network_cost(name: str, *overrides: str, resolution: int | None = None) -> Cost:
    """The cost of a target: our own traced and held against the closed form, timm's traced."""
    found = target(name, *overrides, resolution=resolution)
    if found.spec:
        return checked_cost(found.spec)
    try:
        return trace_module(found.build(), name, found.channels, found.resolution)
    except UncountedOperatorError:
        raise
    except (AssertionError, RuntimeError, ValueError) as error:  # how timm refuses a resolution
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"resolution: {found.resolution} fails in {name}: {reason}") from None


def counted(found: Target) -> Cost:
    """The cost of a target as soon as it can be had: ours by the closed form, timm's traced."""
    if found.spec:
        return closed_form(found.spec)
    return network_cost(found.name, resolution=found.resolution)


def _timm_input(name: str) -> tuple[int, int]:
    """Channels and side that timm's configuration of the weights names."""
    import timm

    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        raise unknown("timm", model, timm.list_models())
    config = timm.get_pretrained_cfg(model, allow_unregistered=False)
    if config is None:
        raise InputError(f"timm: {model!r} has no configuration that names its input")
    channels, side, _ = config.input_size
    return channels, side


def _timm_model(name: str, resolution: int) -> nn.Module:
    """A timm model for `resolution`; one whose tables have a fixed size is built for it."""
    import timm

    model = name.removeprefix(TIMM)
    if _timm_input(name)[1] == resolution:
        made: nn.Module = timm.create_model(model)
        return made
    try:
        made = timm.create_model(model, img_size=resolution)
    except TypeError:  # a network without tables takes any size and no `img_size`
        made = timm.create_model(model)
    return made
