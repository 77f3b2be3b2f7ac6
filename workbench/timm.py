"""The zoo in timm's registry: `import workbench.timm`, then `timm.create_model("cmt_s")`.

A name that timm has not is registered as it is; where timm has a network of that name
(`levit_128s`, `volo_d1_384`), timm's stays, and ours is `workbench_levit_128s`. There are no
pretrained weights. Beside timm's arguments (`num_classes`, `in_chans`, `img_size`, `drop_rate`,
`drop_path_rate`, `global_pool`, `features_only`, `out_indices`) every name takes `overrides`, such
as `("lpu=none",)`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from timm.models import (
    build_model_with_cfg,
    is_model,
    register_model,
    register_notrace_module,
)
from timm.models._features import feature_take_indices
from torch import Tensor, nn

from workbench.config import Spec
from workbench.errors import InputError
from workbench.models import ZOO, Network, spec
from workbench.models.components.base import size_of
from workbench.models.components.head.base import Head
from workbench.models.init import initialise
from workbench.models.layout import Layout, layout, map_sizes
from workbench.models.network import StageModule

__all__ = ["PREFIX", "TimmNetwork", "registered_name"]

PREFIX = "workbench_"  # of ours whose name timm has taken

register_notrace_module(StageModule)  # torch.fx sees stages whole: they look at the sizes of maps


def registered_name(name: str) -> str:
    """The name under which timm has the zoo entry `name`."""
    return _NAMES[name]


class TimmNetwork(Network):
    """A network of the zoo that answers all that timm asks of its own.

    Weights start from a seed that is drawn from torch's global random state, as timm's do.
    """

    def __init__(
        self,
        base: str,
        num_classes: int | None = None,
        in_chans: int = 3,
        img_size: int | Sequence[int] | None = None,
        global_pool: str | None = None,
        drop_rate: float | None = None,
        drop_path_rate: float | None = None,
        overrides: Sequence[str] = (),
    ) -> None:
        chosen = [*overrides, f"channels={in_chans}"]
        chosen += [f"head.dropout={drop_rate}"] if drop_rate is not None else []
        made = spec(
            base,
            *chosen,
            resolution=_side(img_size),
            classes=num_classes or None,
            drop_path=drop_path_rate,
        )
        super().__init__(layout(made))
        self.num_classes, self.in_chans = made.classes, in_chans
        self.global_pool = "head"
        self.num_features = made.stages[-1].dim
        self.head_hidden_size = self._classifiers()[0].in_features
        if not next(self.parameters()).is_meta:
            initialise(self, int(torch.randint(2**31, (), device="cpu")))
            self.to(memory_format=torch.channels_last)
        if num_classes == 0 or global_pool is not None:
            self.reset_classifier(
                self.num_classes if num_classes is None else num_classes, global_pool
            )

    @property
    def feature_info(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The maps of `features` as timm has them."""
        return [
            {"num_chs": info.channels, "reduction": info.stride, "module": info.module}
            for info in super().feature_info
        ]

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """The last map (B, C, H, W); with class tokens the sequence (B, T + H * W, C)."""
        last = self._stages(x)[-1]
        return last if self.token is None else last[..., 0].transpose(1, 2)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """From `forward_features` to logits (B, classes), or to what the classifier reads."""
        if not self.global_pool:
            return x
        if self.token is not None:
            x = x.transpose(1, 2)[..., None]
        if pre_logits or self.num_classes == 0:
            return self._head().pooled(x)
        logits: Tensor = self.head(x)
        return logits

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """Maps of chosen stages, and what `forward_features` gives; no norm stands after them."""
        if output_fmt != "NCHW":
            raise InputError(f"{output_fmt!r} is refused; maps are NCHW", key="output_fmt")
        chosen, last = _taken(self, indices)
        found = self._stages(x, last + 1 if stop_early or intermediates_only else None)
        sizes = map_sizes(self.axis, size_of(x))[1:]
        maps = [self.to_map(found[index], sizes[index]) for index in chosen]
        if intermediates_only:
            return maps
        final = found[-1] if self.token is None else found[-1][..., 0].transpose(1, 2)
        return final, maps

    def prune_intermediate_layers(
        self,
        indices: int | Sequence[int] = 1,
        prune_norm: bool = False,
        prune_head: bool = True,
    ) -> list[int]:
        """Drops the stages after the last chosen one, and the head."""
        chosen, last = _taken(self, indices)
        self.stages = self.stages[: last + 1]
        if prune_head:
            self.reset_classifier(0, "")
            self.head = nn.Identity()  # type: ignore[assignment]
        return chosen

    def get_classifier(self) -> nn.Module:
        """The linear layer of the logits; the first where a head has two."""
        return self.head.get_submodule(self._paths()[0])

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """New classifiers; 0 leaves what they read, and `global_pool=""` the map itself."""
        if global_pool not in (None, "", "head", "avg", "token"):
            raise InputError(
                f"{global_pool!r} is refused; choose from: '' (the map), 'head'", key="global_pool"
            )
        if global_pool is not None:
            self.global_pool = "head" if global_pool else ""
        self.num_classes = num_classes
        for path in self._paths():
            self.head.set_submodule(path, self._classifier(num_classes))
        if num_classes:
            self.spec = self.spec.model_copy(update={"classes": num_classes})

    def _classifier(self, classes: int) -> nn.Module:
        if not classes:
            return nn.Identity()
        like = next(self.parameters())
        made = nn.Linear(self.head_hidden_size, classes, device=like.device, dtype=like.dtype)
        nn.init.normal_(made.weight, std=0.02)
        nn.init.zeros_(made.bias)
        return made

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Blocks run again in the backward pass, which saves their memory."""
        for stage in self.stages:
            assert isinstance(stage, StageModule)
            stage.checkpointing = enable

    def _head(self) -> Head:
        assert isinstance(self.head, Head)
        return self.head

    def _paths(self) -> tuple[str, ...]:
        head = self._head()
        return head.classifiers(head.options)

    def _classifiers(self) -> list[nn.Linear]:
        found = [self.head.get_submodule(path) for path in self._paths()]
        return [module for module in found if isinstance(module, nn.Linear)]


def _taken(model: Network, indices: int | Sequence[int] | None) -> tuple[list[int], int]:
    """The chosen stages by number, and the last of them; an int is that many from the end."""
    count = len(model.spec.stages)
    listed = list(indices) if isinstance(indices, Sequence) else indices
    try:
        chosen, last = feature_take_indices(count, listed)
    except AssertionError:
        raise InputError(
            f"{listed} is out of range; choose from {-count} to {count - 1}", key="out_indices"
        ) from None
    return list(chosen), int(last)


def _side(img_size: int | Sequence[int] | None) -> int | None:
    """The side to build for; a rectangle runs on the network as its entry has it."""
    if img_size is None or isinstance(img_size, int):
        return img_size
    height, width = img_size
    return height if height == width else None


def _default_cfg(made: Spec, plan: Layout) -> dict[str, Any]:
    """What timm wants to know without building: the input, and the names of first and last."""
    head, stem = plan.head, plan.stem.component
    classifiers = tuple(f"head.{path}" for path in head.component.classifiers(head.options))
    return {
        "url": "",
        "num_classes": made.classes,
        "input_size": (made.channels, made.resolution, made.resolution),
        "pool_size": tuple(plan.stages[-1].site.size),
        "first_conv": f"stem.{stem.reads}",
        "classifier": classifiers if len(classifiers) > 1 else classifiers[0],
    }


def _entrypoint(base: str, name: str) -> Callable[..., nn.Module]:
    def create(pretrained: bool = False, **arguments: Any) -> nn.Module:
        stages = len(spec(base, *arguments.get("overrides", ())).stages)
        made: nn.Module = build_model_with_cfg(
            partial(TimmNetwork, base),
            name,
            pretrained,
            feature_cfg={"out_indices": tuple(range(stages)), "feature_cls": "getter"},
            **arguments,
        )
        return made

    create.__name__ = create.__qualname__ = name
    create.__module__ = __name__
    create.__doc__ = f"{base} of the zoo: {ZOO[base].source}."
    return create


default_cfgs: dict[str, dict[str, Any]] = {}  # read by timm as it registers


def _register(base: str) -> str:
    name = f"{PREFIX}{base}" if is_model(base) else base
    made = spec(base)
    default_cfgs[name] = _default_cfg(made, layout(made))
    globals()[name] = register_model(_entrypoint(base, name))
    return name


_NAMES = {base: _register(base) for base in ZOO}
