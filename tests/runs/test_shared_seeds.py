"""For one seed, variants share data order, augmentation and the initial values in common.

Seen from inside the real training: what each run was fed, and what it began with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from workbench.config import Outcome, RunConfig
from workbench.plans.file import parse_plan
from workbench.plans.resolution import Plan, resolve
from workbench.train.fit import fit
from workbench.train.parts import Batches, Parts, build_parts

PLAN = {
    "kind": "list", "name": "shared", "seeds": 2, "base": "cmt_digits",
    "recipe": {
        "data": {"name": "digits", "train_size": 120, "test_size": 30}, "epochs": 2,
        "batch_size": 40,
        "augment": {"crop_padding": 1, "hflip": 0.5, "random_erasing": 0.3, "mixup": 0.4},
    },
    "rows": [
        {"name": "CMT"},
        {"name": "without LPU", "set": {"lpu": "none"}},
        {"name": "MLP, plain norm", "set": {"ffn": "mlp", "norm": "bn"}},
    ],
}  # fmt: skip


@dataclass
class Seen:
    """What one run was fed, batch by batch over its epochs, and its weights before the first."""

    weights: dict[str, Tensor] = field(default_factory=dict)
    batches: list[tuple[Tensor, Tensor]] = field(default_factory=list)


class Recorded:
    """A loader whose batches are noted as they are taken."""

    def __init__(self, batches: Batches, seen: Seen) -> None:
        self._batches = batches
        self._seen = seen

    def __len__(self) -> int:
        return len(self._batches)

    def set_epoch(self, epoch: int) -> None:
        self._batches.set_epoch(epoch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in self._batches:
            self._seen.batches.append((images.clone(), targets.clone()))
            yield images, targets


def trained(run: RunConfig, folder: Path) -> Seen:
    seen = Seen()

    def parts(config: RunConfig, device: torch.device) -> Parts:
        made = build_parts(config, device)
        weights = made.network.state_dict()
        seen.weights = {name: tensor.clone() for name, tensor in weights.items()}
        return Parts(made.network, Recorded(made.train, seen), made.test)

    result = fit(run, folder, lambda _: None, "cpu", parts=parts)
    assert result.outcome is Outcome.COMPLETED
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Seen]:
    plan: Plan = resolve(parse_plan(PLAN))
    return {
        (run.variant, run.seed): trained(run, tmp_path_factory.mktemp("run")) for run in plan.runs()
    }


def same_batches(one: Seen, other: Seen) -> bool:
    assert len(one.batches) == len(other.batches) == 6
    return all(
        torch.equal(mine, theirs)
        for pair, twin in zip(one.batches, other.batches, strict=True)
        for mine, theirs in zip(pair, twin, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("other", ["without LPU", "MLP, plain norm"])
def test_variants_of_a_seed_see_the_same_images_in_the_same_order(
    seen: dict[tuple[str, int], Seen], other: str, seed: int
) -> None:
    assert same_batches(seen["CMT", seed], seen[other, seed])
    assert not same_batches(seen["CMT", 0], seen["CMT", 1])
    first, second = seen["CMT", seed].batches[0][0], seen["CMT", seed].batches[3][0]
    assert not torch.equal(first, second)  # another epoch has another order, and other draws


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("other", ["without LPU", "MLP, plain norm"])
def test_variants_of_a_seed_begin_with_the_same_values_where_name_and_shape_agree(
    seen: dict[tuple[str, int], Seen], other: str, seed: int
) -> None:
    mine, theirs = seen["CMT", seed].weights, seen[other, seed].weights
    common = [name for name in mine if name in theirs and mine[name].shape == theirs[name].shape]
    assert len(common) > 40
    assert set(mine) != set(theirs)
    for name in common:
        assert torch.equal(mine[name], theirs[name]), name
    drawn = [name for name in common if mine[name].dim() > 1]  # not all ones or zeros
    assert any(not torch.equal(mine[name], seen["CMT", 1 - seed].weights[name]) for name in drawn)
