"""What every mixer is, and the attention products they share."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.models.components.base import Component, O, map_of


class Mixer(Component[O]):
    """Map (B, C, H, W) and bias (heads, queries, keys) or None -> map of the same shape.

    The block adds the residual. One that `takes_bias` can work with a position that biases.
    """

    takes_bias: ClassVar[bool] = False

    @staticmethod
    def key_side(side: int, options: O) -> int:
        """Height or width of the map of keys and values, for one of the map that attends."""
        return side


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(d) + bias) v for (B, heads, n, d); the bias is (heads, n, m).

    Fused where that is the faster way: PyTorch's fused CPU kernel has no gradient for a bias, and
    takes no values wider than the keys, so that either goes through two batched products on a CPU.
    """
    if bias is None:
        return F.scaled_dot_product_attention(q, k, v)
    bias = bias.to(q.dtype)
    if not torch.is_grad_enabled():
        bias = bias.detach()  # one that requires a gradient keeps the fused kernel away even here
    unlike = q.shape[-1] != v.shape[-1]
    if q.device.type == "cpu" and (bias.requires_grad or unlike):
        scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-2, -1)).add_(bias)
        return torch.matmul(scores.softmax(-1), v)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])  # fused only if 4-D


def merge_heads(y: Tensor, height: int, width: int) -> Tensor:
    """(B, heads, n, d) as the map (B, heads * d, height, width) in channels_last memory."""
    return map_of(y.transpose(1, 2).reshape(y.shape[0], height, width, -1))
