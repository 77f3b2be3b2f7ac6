"""One door for networks of ours and of timm's: described, built, told apart."""

from typing import overload

from torch import nn

from workbench.config import NetworkSpec, Peer, Spec
from workbench.models import network
from workbench.models.peers import build_peer, is_timm, peer
from workbench.models.spec import spec as zoo_spec


def spec(
    base: str,
    *overrides: str,
    resolution: int | None = None,
    classes: int | None = None,
    drop_path: float | None = None,
    dropout: float | None = None,
) -> NetworkSpec:
    """The spec of a zoo entry, or of `timm:NAME`, with overrides such as `"lpu=none"`.

    Of ours see `models.spec.spec`, of timm's `models.peers.peer`: each has keys of its own.
    Raises `InputError` for what is unknown or can't be built.
    """
    make = peer if is_timm(base) else zoo_spec
    return make(
        base, *overrides, resolution=resolution, classes=classes, drop_path=drop_path,
        dropout=dropout,
    )  # fmt: skip


@overload
def build(spec: Spec, seed: int = 0) -> network.Network: ...
@overload
def build(spec: NetworkSpec, seed: int = 0) -> nn.Module: ...
def build(spec: NetworkSpec, seed: int = 0) -> nn.Module:
    """The network of `spec`, initialised from `seed`; the global random state is left as it was."""
    return build_peer(spec, seed) if isinstance(spec, Peer) else network.build(spec, seed)


def fingerprint(spec: NetworkSpec) -> str:
    """A text that is equal for two specs whose networks are the same modules and parameters."""
    if isinstance(spec, Spec):
        return network.fingerprint(spec)
    return network.module_text(spec, build_peer(spec))


def classifiers(model: nn.Module) -> tuple[str, ...]:
    """Paths of the linear layers that give the logits, in a network of ours or of timm's."""
    if isinstance(model, network.Network):
        return model.classifiers()
    named = (getattr(model, "pretrained_cfg", None) or {}).get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)
