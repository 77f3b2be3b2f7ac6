"""VOLO's outlook attention."""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.config import Count, Flag
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import Options, Site, heads_fault, map_of, tokens_of
from workbench.models.components.mixer.base import Mixer
from workbench.models.components.pointwise import TokenLinear
from workbench.models.ops import Op


class OutlookOptions(Options):
    kernel: Count = 3
    stride: Count = 2
    qkv_bias: Flag = False  # of the values


class Outlook(Mixer[OutlookOptions]):
    """Every window's weights come from its centre by one linear layer; no keys, no queries.

    The map, pooled by the stride, gives each window k^2 x k^2 weights per head; they mix the
    values of the window (unfold), and overlapping windows are summed (fold). Source: section 3.1
    of the VOLO paper; `OutlookAttention` in sail-sg/volo models/volo.py.
    """

    Options = OutlookOptions
    spatial = True

    def __init__(self, site: Site, options: OutlookOptions) -> None:
        super().__init__(site, options)
        self.v = TokenLinear(site.dim, site.dim, bias=options.qkv_bias)
        self.weights = TokenLinear(site.dim, options.kernel**4 * site.heads)
        self.proj = TokenLinear(site.dim, site.dim)
        self.drop = nn.Dropout(site.dropout)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        (batch, dim, height, width), heads = x.shape, self.site.heads
        kernel, stride = self.options.kernel, self.options.stride
        window, padding = kernel * kernel, kernel // 2
        values = F.unfold(map_of(self.v(tokens_of(x))), kernel, padding=padding, stride=stride)
        v = values.view(batch, heads, dim // heads, window, -1).permute(0, 1, 4, 3, 2)
        centres = tokens_of(F.avg_pool2d(x, stride, stride, ceil_mode=True))
        a = self.weights(centres).view(batch, -1, heads, window, window).transpose(1, 2)
        a = (a * (dim // heads) ** -0.5).softmax(-1)  # (B, heads, windows, k^2, k^2)
        y = (a @ v).permute(0, 1, 4, 3, 2).reshape(batch, dim * window, -1)
        y = F.fold(y, (height, width), kernel, padding=padding, stride=stride)
        return map_of(self.drop(self.proj(tokens_of(y))))

    def entries(self) -> tuple[str, ...]:
        return ("v", "weights")  # average pooling lets a shift and a scale through

    @staticmethod
    def ops(site: Site, options: OutlookOptions) -> Iterator[Op]:
        dim, window = site.dim, options.kernel**2
        rows, columns = (-(-side // options.stride) for side in site.size)
        windows = rows * columns
        yield ops.linear(dim, dim, site.area, options.qkv_bias)
        yield ops.linear(dim, window**2 * site.heads, windows)
        macs, scores = windows * window * window * dim, windows * window * window * site.heads
        yield Op("attention", macs, 0, windows * window * dim, scores)
        yield ops.linear(dim, dim, site.area)

    @staticmethod
    def refuse(site: Site, options: OutlookOptions) -> InputError | None:
        stage, fault = site.stage, heads_fault(site)
        if fault is not None:
            return fault
        if options.kernel % 2 == 0:
            return InputError(
                f"{options.kernel} is even, and a window needs a centre; "
                f"nearest: {options.kernel - 1}, {options.kernel + 1}",
                key="mixer.kernel",
                stage=stage,
            )
        if options.stride > options.kernel:
            return InputError(
                f"{options.stride} is more than mixer.kernel = "
                f"{options.kernel}, so that no window sees some positions; "
                f"nearest: {options.kernel}",
                key="mixer.stride",
                stage=stage,
            )
        return None
