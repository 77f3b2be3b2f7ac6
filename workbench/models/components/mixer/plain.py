"""Mixers without attention: MetaFormer's average pooling, and none at all."""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor

from workbench.config import Count
from workbench.errors import InputError
from workbench.models.components.base import Options, Site
from workbench.models.components.mixer.base import Mixer
from workbench.models.ops import Op


class PoolMixerOptions(Options):
    kernel: Count = 3


class PoolMixer(Mixer[PoolMixerOptions]):
    """Average pooling minus the map itself, for the block adds it again.

    Source: PoolFormer, section 3.2 of the MetaFormer paper (arXiv:2111.11418).
    """

    Options = PoolMixerOptions
    spatial = True

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        kernel = self.options.kernel
        return F.avg_pool2d(x, kernel, 1, kernel // 2, count_include_pad=False) - x

    @staticmethod
    def ops(site: Site, options: PoolMixerOptions) -> Iterator[Op]:
        return iter(())

    @staticmethod
    def refuse(site: Site, options: PoolMixerOptions) -> InputError | None:
        if options.kernel % 2 == 0:
            return InputError(
                f"{options.kernel} is even, and would change the side; "
                f"nearest: {options.kernel - 1}, {options.kernel + 1}",
                key="mixer.kernel",
                stage=site.stage,
            )
        return None


class Identity(Mixer[Options]):
    """The map as it came, so that the block adds its own norm: what no mixing is worth.

    Source: IdentityFormer of "MetaFormer Baselines for Vision" (arXiv:2210.13452).
    """

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        return x

    @staticmethod
    def ops(site: Site, options: Options) -> Iterator[Op]:
        return iter(())
