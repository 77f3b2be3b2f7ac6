"""Slot `head`: from the last map to the logits."""

from workbench.models.components.head.base import Head
from workbench.models.components.head.class_attention import ClassAttention
from workbench.models.components.head.pool import Distilled, PoolHead, PoolNorm, Projection
from workbench.models.components.head.tokens import ClassToken, DistilledTokens

HEADS: dict[str, type[Head]] = {
    "class_attention": ClassAttention,
    "class_token": ClassToken,
    "distilled": Distilled,
    "distilled_tokens": DistilledTokens,
    "gap": PoolHead,
    "pool_norm": PoolNorm,
    "projection": Projection,
}

__all__ = ["HEADS", "Head"]
