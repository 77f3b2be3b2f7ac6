"""Plans of real networks: those that ship resolve, whether or not their data are here."""

from pathlib import Path

import pytest

from tests.support.sweeps import plan
from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.plans.file import parse_plan
from workbench.plans.load import load_plan
from workbench.plans.resolution import resolve
from workbench.plans.shipped import named_plans

PLANS = sorted(named_plans().values())


@pytest.mark.slow
@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_shipped_plan_resolves_and_opens_with_its_claim(path: Path) -> None:
    found = load_plan(path, costs_only=True)
    assert found.name == path.stem
    assert found.question
    assert len(found.variants) >= 2
    text = path.read_text()
    assert text.startswith("# ")
    assert f"workbench ablate {path.stem}" in text
    assert "Budget" in text


def test_an_unknown_optimiser_is_refused_before_anything_trains() -> None:
    with pytest.raises(
        InputError, match=r"recipe.optimiser.name: unknown 'adamx'; nearest: .*adam"
    ):
        plan(Changes(settings=("recipe.optimiser.name=adamx",)))


def test_a_row_says_that_its_mixer_takes_no_bias() -> None:
    written = {
        "kind": "list",
        "name": "mixers",
        "recipe": "digits",
        "base": "cmt_digits",
        "rows": [
            {"name": "CMT"},
            {"name": "outlooker first", "set": "mixer=[outlook,lmhsa,lmhsa,lmhsa]"},
            {"name": "pooling", "set": ["mixer=pool", "position=none"]},
        ],
    }
    found = resolve(parse_plan(written))
    assert [variant.changed for variant in found.variants[1:]] == [
        "mixer=[outlook,lmhsa,lmhsa,lmhsa]; so that position=[none, relative, relative, relative]",
        "mixer=pool, position=none",
    ]
