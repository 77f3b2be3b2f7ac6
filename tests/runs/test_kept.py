"""Weights that a sweep keeps, and networks of a results folder."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.support.inline import INLINE
from tests.support.sweeps import quiet
from workbench import load, load_results
from workbench.cli import app
from workbench.errors import InputError
from workbench.plans.file import read_plan
from workbench.plans.resolution import resolve
from workbench.runs.sweep import SweepOptions, run_sweep

SHIPPED = Path(__file__).parents[2] / "results" / "measured" / "quickstart"
PLAN = """
name: kept
kind: list
seeds: [0, 1]
recipe: {name: digits, epochs: 2, data: {name: digits, train_size: 64, test_size: 50}}
rows:
  - {name: small, base: cmt_digits, set: {depth: 1, dim: [8, 16, 24, 32], heads: [1, 2, 3, 4]}}
"""


@pytest.mark.slow
def test_kept_weights_come_back_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kept.yaml").write_text(PLAN)
    words = [
        "--engine",
        "inline",
        "--jobs",
        "1",
        "--device",
        "cpu",
        "--keep",
        "weights",
        "--name",
        "with",
    ]
    told = CliRunner().invoke(app, ["ablate", "kept.yaml", *words])
    assert told.exit_code == 0, told.output
    plan = resolve(read_plan("kept.yaml")[0])
    run_sweep(plan, Path("without"), SweepOptions(jobs=1, device="cpu", where=INLINE), quiet())
    kept, bare = tmp_path / "results" / "with", tmp_path / "without"
    columns = ["id", "variant", "seed", "status", "top1", "test_loss"]
    assert load_results(kept)[columns].equals(load_results(bare)[columns])
    one, other = load(kept, "small", 0), load(kept, seed=1)
    assert not one.training
    assert one(torch.zeros(2, 3, 8, 8)).shape == (2, 10)
    assert not torch.equal(one.head.linear.weight, other.head.linear.weight)
    assert not list(kept.rglob("*.ckpt"))
    with pytest.raises(InputError, match=r"'small', seed 0, kept no weights; --keep weights"):
        load(bare, "small", 0)
    with pytest.raises(InputError, match=r"^seed: missing; choose from: 0, 1$"):
        load(kept, "small")


@pytest.mark.parametrize(
    ("variant", "seed", "why"),
    [
        (None, 0, r"^variant: missing; choose from: \+ "),
        ("+ LPUs", 0, r"^variant: unknown '\+ LPUs'; nearest: '\+ LPU'"),
        ("+ LPU", None, "^seed: missing; choose from: 0, 1, 2, "),
        ("+ LPU", 70, "^seed: unknown '70'; .*: '?[0-9]"),
        ("+ LPU", 1, r"results: .*'\+ LPU', seed 1, kept no weights"),
    ],
)
def test_what_is_not_there_is_named(variant: str | None, seed: int | None, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load(SHIPPED, variant, seed)


def test_only_the_last_and_the_best_weights_are_kept() -> None:
    with pytest.raises(InputError, match=r"^weights: unknown 'bset'; nearest: 'best'"):
        load(SHIPPED, "+ LPU", 0, weights="bset")


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds neither"):
        load(tmp_path)
