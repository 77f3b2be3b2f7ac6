"""VOLO's head: a class token that looks at the map, and logits for every position of it."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from workbench.config import Count, Flag, Positive, Rate
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.act import make_act
from workbench.models.components.base import Fold, Options, Site, heads_fault, map_of, tokens_of
from workbench.models.components.head.base import Head
from workbench.models.components.mixer.base import attend, merge_heads
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.ops import Op

DENSE_SHARE = 0.5  # of the strongest position's logits in those of the image


class ClassAttentionOptions(Options):
    depth: Count = 2
    ratio: Positive = 3.0
    qkv_bias: Flag = False
    dense: Flag = True  # the auxiliary output for token labelling
    dropout: Rate = 0.0


class ClassBlock(nn.Module):
    """Class attention, then an MLP, on the token alone. Source: section 3.2 of the VOLO paper."""

    def __init__(self, site: Site, options: ClassAttentionOptions) -> None:
        super().__init__()
        dim, hidden = site.dim, int(site.dim * options.ratio)
        self.heads = site.heads
        self.norm1 = make_norm(site.norm, dim)
        self.q = nn.Linear(dim, dim, bias=options.qkv_bias)
        self.kv = nn.Linear(dim, 2 * dim, bias=options.qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = make_norm(site.norm, dim)
        self.expand = nn.Linear(dim, hidden)
        self.act = make_act(site.act)
        self.project = nn.Linear(hidden, dim)

    def forward(self, token: Tensor, x: Tensor) -> Tensor:
        """Token (B, C, 1, 1), map as a sequence (B, C, n, 1) -> token."""
        batch, dim = token.shape[:2]
        t = tokens_of(self.norm1(torch.cat([token, x], 2)))[:, :, 0]  # (B, 1 + n, C)
        q = self.q(t[:, :1]).view(batch, 1, self.heads, -1).transpose(1, 2)
        kv = self.kv(t).view(batch, -1, 2, self.heads, dim // self.heads)
        k, v = kv.permute(2, 0, 3, 1, 4).unbind(0)
        y = merge_heads(attend(q, k, v, None), 1, 1)
        token = token + map_of(self.proj(tokens_of(y)))
        hidden = self.act(self.expand(tokens_of(self.norm2(token))))
        return token + map_of(self.project(hidden))


class ClassAttention(Head[ClassAttentionOptions]):
    """A class token reads the finished map in `depth` blocks; each position has logits as well.

    Logits are those of the token plus half the strongest of the map, class by class, in training
    as in evaluation; token labelling asks for `parts`: (token logits (B, classes), dense logits
    (B, classes, H, W)). VOLO's mixing of two images' tokens in training is left out: it belongs to
    the recipe. Source: section 3.3 of the VOLO paper; sail-sg/volo models/volo.py.
    """

    Options = ClassAttentionOptions

    def __init__(self, site: Site, options: ClassAttentionOptions) -> None:
        super().__init__(site, options)
        self.token = nn.Parameter(torch.empty(1, site.dim, 1, 1))
        self.blocks = nn.ModuleList(ClassBlock(site, options) for _ in range(options.depth))
        self.norm = make_norm(site.norm, site.dim)
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(site.dim, site.classes)
        self.dense = nn.Linear(site.dim, site.classes) if options.dense else None

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        side, (token, rows) = x.shape[2:], self._attended(x)
        if self.dense is None:
            return (self.linear(self.drop(self.norm(token).flatten(1))),)
        t = self.drop(tokens_of(self.norm(torch.cat([token, rows], 2)))[:, :, 0])
        dense = self.dense(t[:, 1:])
        return self.linear(t[:, 0]), dense.transpose(1, 2).unflatten(2, side)

    def _attended(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The token (B, C, 1, 1) once it has read the map, and the map as a sequence."""
        batch, dim = x.shape[:2]
        rows = map_of(tokens_of(x).reshape(batch, -1, 1, dim))
        token: Tensor = self.token.expand(batch, -1, -1, -1)
        for block in self.blocks:
            token = block(token, rows)
        return token, rows

    def pooled(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self._attended(x)[0])
        return normed.flatten(1)

    @staticmethod
    def classifiers(options: ClassAttentionOptions) -> tuple[str, ...]:
        return ("linear", "dense") if options.dense else ("linear",)

    def forward(self, x: Tensor) -> Tensor:
        logits, *dense = self.parts(x)
        return logits + DENSE_SHARE * dense[0].amax((2, 3)) if dense else logits

    def told(self) -> dict[str, object]:
        return {"heads": self.blocks[0].heads, **super().told()}  # no shape shows them

    def tables(self) -> dict[str, float]:
        return {"token": 0.02}

    def folds(self) -> Iterator[Fold]:
        for index in range(self.options.depth):
            at = f"blocks.{index}"
            yield Fold(f"{at}.norm1", (f"{at}.q", f"{at}.kv"), follows=False)
            yield Fold(f"{at}.norm2", (f"{at}.expand",), follows=False)
        layers = ("linear", "dense") if self.options.dense else ("linear",)
        yield Fold("norm", layers, follows=False)

    @staticmethod
    def ops(site: Site, options: ClassAttentionOptions) -> Iterator[Op]:
        dim, n, hidden = site.dim, site.length, int(site.dim * options.ratio)
        yield ops.table(dim)
        for _ in range(options.depth):
            yield from norm_ops(site.norm, dim, n + 1)
            yield ops.linear(dim, dim, 1, options.qkv_bias)
            yield ops.linear(dim, 2 * dim, n + 1, options.qkv_bias)
            yield ops.attention(1, n + 1, dim, dim, site.heads)
            yield ops.linear(dim, dim, 1)
            yield from norm_ops(site.norm, dim, 1)
            yield ops.linear(dim, hidden, 1)
            yield ops.act(hidden, 1)
            yield ops.linear(hidden, dim, 1)
        yield from norm_ops(site.norm, dim, n + 1 if options.dense else 1)
        yield ops.linear(dim, site.classes, 1)
        if options.dense:
            yield ops.linear(dim, site.classes, n)

    @staticmethod
    def refuse(site: Site, options: ClassAttentionOptions) -> InputError | None:
        return heads_fault(site)
