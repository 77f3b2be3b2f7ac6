"""Heads that read learned tokens which run beside the map (ViT, DeiT)."""

from collections.abc import Iterator

from torch import Tensor, nn

from workbench.config import Rate
from workbench.errors import InputError
from workbench.models import ops
from workbench.models.components.base import Fold, Options, Site
from workbench.models.components.head.base import Head
from workbench.models.components.norm import make_norm, norm_ops
from workbench.models.ops import Op


class ClassTokenOptions(Options):
    dropout: Rate = 0.0


class ClassToken(Head[ClassTokenOptions]):
    """Norm and linear on a learned token that runs beside the map (ViT, DeiT).

    With it the blocks see a sequence, so that components that need a map are refused, and so is a
    second stage: a token can't be downsampled. Source: section 3.1 of the ViT paper
    (arXiv:2010.11929).
    """

    Options = ClassTokenOptions
    extra_tokens = 1

    def __init__(self, site: Site, options: ClassTokenOptions) -> None:
        super().__init__(site, options)
        self.norm = make_norm(site.norm, site.dim)
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(site.dim, site.classes)

    def pooled(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed[:, :, 0, 0]

    def folds(self) -> Iterator[Fold]:
        yield Fold("norm", ("linear",), follows=False)

    @staticmethod
    def ops(site: Site, options: ClassTokenOptions) -> Iterator[Op]:
        yield from norm_ops(site.norm, site.dim, site.length)
        yield ops.linear(site.dim, site.classes, 1)

    @staticmethod
    def refuse(site: Site, options: ClassTokenOptions) -> InputError | None:
        return _refuse_stages("class_token", site)


class DistilledTokens(Head[ClassTokenOptions]):
    """A class token and a distillation token, each with its linear layer; the logits are averaged.

    They are averaged in training too; `parts` has (label logits, teacher logits). Source: DeiT
    (arXiv:2012.12877), `DistilledVisionTransformer` in facebookresearch/deit models.py.
    """

    Options = ClassTokenOptions
    taught = True
    extra_tokens = 2

    def __init__(self, site: Site, options: ClassTokenOptions) -> None:
        super().__init__(site, options)
        self.norm = make_norm(site.norm, site.dim)
        self.drop = nn.Dropout(options.dropout)
        self.linear = nn.Linear(site.dim, site.classes)
        self.distilled = nn.Linear(site.dim, site.classes)

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        tokens = self.drop(self.norm(x)[:, :, :2, 0])
        return self.linear(tokens[:, :, 0]), self.distilled(tokens[:, :, 1])

    def forward(self, x: Tensor) -> Tensor:
        labels, teacher = self.parts(x)
        return (labels + teacher) / 2

    def pooled(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed[:, :, :2, 0].mean(2)

    @staticmethod
    def classifiers(options: ClassTokenOptions) -> tuple[str, ...]:
        return "linear", "distilled"

    def folds(self) -> Iterator[Fold]:
        yield Fold("norm", ("linear", "distilled"), follows=False)

    @staticmethod
    def ops(site: Site, options: ClassTokenOptions) -> Iterator[Op]:
        yield from norm_ops(site.norm, site.dim, site.length)
        for _ in range(2):
            yield ops.linear(site.dim, site.classes, 1)

    @staticmethod
    def refuse(site: Site, options: ClassTokenOptions) -> InputError | None:
        return _refuse_stages("distilled_tokens", site)


def _refuse_stages(name: str, site: Site) -> InputError | None:
    if site.stage == 0:
        return None
    return InputError(
        f"{name!r} needs a single stage, for a token can't be downsampled; use 'gap'", key="head"
    )
