"""What a report says of effects at several values of training."""

from pathlib import Path

from tests.support.sweeps import RECIPE, options, plan, quiet
from workbench.report import commands
from workbench.runs.sweep import run_sweep


def test_signs_at_every_value_are_told_and_drawn(tmp_path: Path) -> None:
    """`large` is best at 0.004 and `small` at 0.002, eight points apart at 0.002 and 0.004."""
    found = plan(robust={"recipe.optimiser.lr": [0.002, 0.004]}, recipe={**RECIPE, "epochs": 1})
    run_sweep(found, tmp_path, options("rated", jobs=1), quiet())
    commands.report_folder(tmp_path, quiet())
    assert (tmp_path / "robust.svg").exists()
    text = (tmp_path / "table.md").read_text()
    assert "The observed sign of each effect is the same at all values of lr." in text
    assert "cosine schedule; the lr of each row is the one in its name" in text
    assert "learning rate" not in text
