"""What a report says of effects at several values of training."""

from pathlib import Path

from tests.support.sweeps import RECIPE, options, plan, quiet
from workbench.report import commands
from workbench.report.figures.training import LETTERS, robust
from workbench.report.findings import Findings
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep
from workbench.show import figures as style


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


def test_a_row_that_is_compared_to_several_has_an_effect_against_each(tmp_path: Path) -> None:
    found = plan(
        robust={"recipe.optimiser.lr": [0.002, 0.004]}, recipe={**RECIPE, "epochs": 1},
        against={"+ LPU": ["large", "small"]}, seeds=2,
    )  # fmt: skip
    run_sweep(found, tmp_path, options("rated", jobs=1), quiet())
    shown = Findings.of(load_sweep(tmp_path))
    effects = {name: [each.row.at for each in results] for name, results in shown.at_values.items()}
    names = ["large", "+ LPU (against large)", "+ LPU (against small)"]
    assert effects == {name: [0.002, 0.004] for name in names}
    (equal, better) = (shown.at_values[name][0].comparison for name in names[1:])
    assert equal is not None
    assert better is not None
    assert (equal.mean, better.mean) == (0.0, 7.0)
    with style.style():
        drawn = robust(shown)
    assert drawn is not None
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == [
        style.shorten(name, LETTERS) for name in names
    ]
