"""Heads that pool the map."""

from collections.abc import Iterator

from torch import Tensor, nn

from workbench.config import Count, Flag, Rate
from workbench.models import ops
from workbench.models.components.base import Fold, Options, Site
from workbench.models.components.head.base import Head
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.ops import Op


class ProjectionOptions(Options):
    dim: Count = 1280
    dropout: Rate = 0.1


class Projection(Head[ProjectionOptions]):
    """CMT's head: 1x1 convolution, BN, SiLU, average pooling, dropout, linear.

    Source: `_fc`, `_bn`, `_swish` in ggjy/CMT.pytorch cmt.py.
    """

    Options = ProjectionOptions

    def __init__(self, site: Site, options: ProjectionOptions) -> None:
        super().__init__(site, options)
        self.conv = nn.Conv2d(site.dim, options.dim, 1)
        self.norm = make_norm(site.conv_norm, options.dim)
        self.act = nn.SiLU()
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(options.dim, site.classes)

    def pooled(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.act(self.norm(self.conv(x)))
        return hidden.mean((2, 3))

    def folds(self) -> Iterator[Fold]:
        yield Fold("norm", ("conv",), follows=True)

    @staticmethod
    def ops(site: Site, options: ProjectionOptions) -> Iterator[Op]:
        yield ops.conv(site.dim, options.dim, 1, site.size)
        yield from norm_ops(site.conv_norm, options.dim, site.area)
        yield ops.act(options.dim, site.area)
        yield ops.linear(options.dim, site.classes, 1)


class PoolHeadOptions(Options):
    norm: Flag = True
    dropout: Rate = 0.0


class PoolHead(Head[PoolHeadOptions]):
    """Norm, global average pooling, linear: Swin's head.

    Source: the Swin paper (arXiv:2103.14030); microsoft/Swin-Transformer swin_transformer.py.
    """

    Options = PoolHeadOptions

    def __init__(self, site: Site, options: PoolHeadOptions) -> None:
        super().__init__(site, options)
        self.norm = make_norm(site.norm, site.dim) if options.norm else nn.Identity()
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(site.dim, site.classes)

    def pooled(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed.mean((2, 3))

    def folds(self) -> Iterator[Fold]:
        if self.options.norm:
            yield Fold("norm", ("linear",), follows=False)  # a mean lets shift and scale through

    @staticmethod
    def ops(site: Site, options: PoolHeadOptions) -> Iterator[Op]:
        if options.norm:
            yield from norm_ops(site.norm, site.dim, site.area)
        yield ops.linear(site.dim, site.classes, 1)


class NormLinear(nn.Module):
    """LeViT's classifier: norm, dropout, linear, on a pooled map (B, C, 1, 1)."""

    def __init__(self, site: Site, dropout: float) -> None:
        super().__init__()
        self.norm = make_norm(site.conv_norm, site.dim)
        self.drop = nn.Dropout(dropout)
        self.linear = nn.Linear(site.dim, site.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.drop(self.pooled(x)))
        return logits

    def pooled(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed.flatten(1)


class PoolNormOptions(Options):
    dropout: Rate = 0.0


class PoolNorm(Head[PoolNormOptions]):
    """Global average pooling, then the norm of convolutions, then linear: LeViT without a teacher.

    Source: `BN_Linear` in facebookresearch/LeViT levit.py.
    """

    Options = PoolNormOptions

    def __init__(self, site: Site, options: PoolNormOptions) -> None:
        super().__init__(site, options)
        self.classifier = NormLinear(site, options.dropout)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(x.mean((2, 3), keepdim=True))
        return logits

    def pooled(self, x: Tensor) -> Tensor:
        return self.classifier.pooled(x.mean((2, 3), keepdim=True))

    @staticmethod
    def classifiers(options: PoolNormOptions) -> tuple[str, ...]:
        return ("classifier.linear",)

    def folds(self) -> Iterator[Fold]:
        yield Fold("classifier.norm", ("classifier.linear",), follows=False)

    @staticmethod
    def ops(site: Site, options: PoolNormOptions) -> Iterator[Op]:
        yield from norm_ops(site.conv_norm, site.dim, 1)
        yield ops.linear(site.dim, site.classes, 1)


class Distilled(Head[PoolNormOptions]):
    """Two classifiers, one taught by the labels and one by a teacher; their logits are averaged.

    They are averaged in training too, so that a network is a network; a loss that teaches each
    its own asks for `parts`: (label logits, teacher logits), each (B, classes). Source: section
    4.2 of the LeViT paper; facebookresearch/LeViT levit.py.
    """

    Options = PoolNormOptions
    taught = True

    def __init__(self, site: Site, options: PoolNormOptions) -> None:
        super().__init__(site, options)
        self.classifier = NormLinear(site, options.dropout)
        self.distilled = NormLinear(site, options.dropout)

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        pooled = x.mean((2, 3), keepdim=True)
        return self.classifier(pooled), self.distilled(pooled)

    def forward(self, x: Tensor) -> Tensor:
        labels, teacher = self.parts(x)
        return (labels + teacher) / 2

    def pooled(self, x: Tensor) -> Tensor:
        x = x.mean((2, 3), keepdim=True)
        return (self.classifier.pooled(x) + self.distilled.pooled(x)) / 2

    @staticmethod
    def classifiers(options: PoolNormOptions) -> tuple[str, ...]:
        return "classifier.linear", "distilled.linear"

    def folds(self) -> Iterator[Fold]:
        yield Fold("classifier.norm", ("classifier.linear",), follows=False)
        yield Fold("distilled.norm", ("distilled.linear",), follows=False)

    @staticmethod
    def ops(site: Site, options: PoolNormOptions) -> Iterator[Op]:
        for _ in range(2):
            yield from norm_ops(site.conv_norm, site.dim, 1)
            yield ops.linear(site.dim, site.classes, 1)
