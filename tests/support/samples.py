"""Made-up results of small plans."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from workbench.config import EpochRecord, Outcome, Part, Recipe, Spec, Stage
from workbench.runs.rows import StoredRun
from workbench.statistics.facts import PlanFacts, Row

FACTS = PlanFacts(
    name="sample",
    kind="additive",
    question="What does each component bring?",
    seeds=(0, 1, 2),
    dataset="digits, 1,437 training images",
    recipe="AdamW, 10 epochs",
    command="workbench ablate sample",
    notes=("A note of the plan.",),
    environment=(("torch", "2.15"),),
)


NONE = Part(name="none")
STAGE = Stage(
    depth=1, dim=8, heads=1, stride=2, downsample=NONE, position=NONE, lpu=NONE, mixer=NONE,
    ffn=NONE,
)  # fmt: skip
SPEC = Spec(
    name="tiny", resolution=8, channels=1, classes=10, drop_path=0.0, dropout=0.0, stem=NONE,
    norm=NONE, conv_norm=NONE, act=NONE, head=NONE, stages=(STAGE,),
)  # fmt: skip
RECIPE = Recipe(name="<b>adamw</b>", epochs=4)


def run(variant: str, seed: int, outcome: Outcome, **more: Any) -> StoredRun:
    return StoredRun(
        plan="sample", id=f"{variant}-{seed}", variant=variant, seed=seed, status=outcome,
        device=None, params=900_000, macs=20_000_000, spec=SPEC, recipe=RECIPE, details={}, host={},
        created="", started=None, ended=None, **more,
    )  # fmt: skip


def completed(variant: str, seed: int, top1: float, **more: Any) -> StoredRun:
    return run(variant, seed, Outcome.COMPLETED, top1=top1, **more)


def diverged(variant: str, seed: int) -> StoredRun:
    return run(variant, seed, Outcome.DIVERGED, reason="loss is nan", step=7, top1=9.9)


def chain(top1: Mapping[str, Sequence[float]]) -> tuple[tuple[Row, ...], tuple[StoredRun, ...]]:
    """Rows each compared with the one before, and their runs, by seed."""
    names = list(top1)
    rows = tuple(
        Row(
            name=name,
            changed=f"slot={name}",
            compared_to=names[i - 1] if i else None,
            params=900_000 + i,
            macs=20_000_000 + 999_999 * i,
        )
        for i, name in enumerate(names)
    )
    runs = tuple(completed(n, seed, value) for n in names for seed, value in enumerate(top1[n]))
    return rows, runs


def curve(top1: float, epochs: int) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(epoch=e - 1, train_loss=2.0 / e, top1=top1 * (1 - 0.5**e), lr=1e-3, seconds=1.0)
        for e in range(1, epochs + 1)
    )


def sweep(hostile: str = "+ LPU") -> tuple[tuple[Row, ...], tuple[StoredRun, ...]]:
    """Four rows at three seeds; the third has the name `hostile`, the last one diverges."""
    means = {"base": 90.0, "+ stem": 93.0, hostile: 93.1}
    rows, runs = chain({n: [m - 0.2, m + 0.1, m + 0.17] for n, m in means.items()})
    measured = tuple(
        completed(
            run.variant,
            run.seed,
            (run.top1 or 0) + 0.01 * len(run.variant) * run.seed,
            curve=curve(run.top1 or 0, 4),
            images_per_second=1000.0 + len(run.variant),
        )
        for run in runs
    )
    lost = Row(
        name="norm_$bn$", changed="norm=bn", compared_to=hostile, params=900_009, macs=21_999_999
    )
    return (*rows, lost), (*measured, *(diverged(lost.name, seed) for seed in range(3)))


def factorial(
    components: Sequence[str], values: Mapping[frozenset[str], Sequence[float]]
) -> tuple[tuple[Row, ...], tuple[StoredRun, ...]]:
    """A full factorial, with the top-1 of each cell by seed."""
    cells = [frozenset(c) for k in range(len(components) + 1) for c in combinations(components, k)]
    names = {cell: "+".join(sorted(cell)) or "none" for cell in cells}
    rows = tuple(Row(name=names[cell], present=tuple(sorted(cell))) for cell in cells)
    runs = tuple(completed(names[c], seed, v) for c in cells for seed, v in enumerate(values[c]))
    return rows, runs
