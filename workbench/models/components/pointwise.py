"""Linear layers and 1x1 convolutions, which are one thing, each by the faster of its kernels.

On x86 in 32 bits oneDNN's convolution is faster than the matrix product that a linear layer goes
through, half as much again on processors that are not Intel's. And torch keeps 1x1 convolutions
from it on one thread where a batch has fewer than 16 images (`use_mkldnn` in its Convolution.cpp);
there the positions of all maps are handed over as rows of images of their own, which costs
no copy.
"""

import platform

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.components.base import map_of, tokens_of

ENOUGH = 16  # images that torch hands to oneDNN on one thread, too
FASTER = torch._C._has_mkldnn and platform.machine() in ("x86_64", "AMD64")


class TokenLinear(nn.Linear):
    """A linear layer on tokens: (B, H, W, cin) -> (B, H, W, cout)."""

    def forward(self, t: Tensor) -> Tensor:
        if not _by_convolution(t):
            return F.linear(t, self.weight, self.bias)
        return tokens_of(_convolve(map_of(t), self.weight[:, :, None, None], self.bias))


class PointwiseConv(nn.Conv2d):
    """A 1x1 convolution on a map in channels_last memory: (B, cin, H, W) -> (B, cout, H, W)."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        if not _by_convolution(x):
            return F.conv2d(x, self.weight, self.bias)
        return _convolve(x, self.weight, self.bias)


def _by_convolution(x: Tensor) -> bool:
    """Whether it is for oneDNN's convolution; graphs that are recorded keep what they are."""
    return (
        FASTER
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.ndim == 4
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._get_tracing_state()
        and not torch.compiler.is_exporting()
    )


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    batch, _, height, width = x.shape
    positions = batch * height * width
    if batch >= ENOUGH or positions < ENOUGH or _several_threads():
        return F.conv2d(x, weight, bias)
    rows = tokens_of(x).reshape(_images(positions), 1, -1, x.shape[1])
    y = tokens_of(F.conv2d(map_of(rows), weight, bias))
    return map_of(y.reshape(batch, height, width, -1))


def _several_threads() -> bool:
    """No, where it is compiled: that can't be asked then, and rows cost nothing there either."""
    return not torch.compiler.is_compiling() and torch.get_num_threads() > 1


def _images(positions: int) -> int:
    """The fewest rows of equal length that are enough."""
    return next(count for count in range(ENOUGH, positions + 1) if positions % count == 0)
