"""Plans of real networks: those that ship resolve, whether or not their data are here."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sweeps import describe
from workbench.errors import InputError
from workbench.plans.collaborators import real_rooms
from workbench.plans.file import parse_plan
from workbench.plans.load import load_plan
from workbench.plans.resolution import resolve
from workbench.plans.shipped import named_plans

PLANS = sorted(named_plans().values())


@pytest.mark.slow
@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_shipped_plan_resolves_and_opens_with_its_claim(path: Path) -> None:
    plan = load_plan(path, rooms=replace(real_rooms(), describe=describe))
    assert plan.name == path.stem
    assert plan.question
    assert len(plan.variants) >= 2
    text = path.read_text()
    assert text.startswith("# ")
    assert f"workbench ablate {path.stem}" in text
    assert "Budget" in text


def test_an_unknown_optimiser_is_refused_before_anything_trains() -> None:
    with pytest.raises(
        InputError, match=r"recipe.optimiser.name: unknown 'adamx'; nearest: .*adam"
    ):
        real_rooms().recipe("digits", "optimiser.name=adamx")


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
    plan = resolve(parse_plan(written), replace(real_rooms(), describe=describe))
    assert [variant.changed for variant in plan.variants[1:]] == [
        "mixer=[outlook,lmhsa,lmhsa,lmhsa]; so that position=[none, relative, relative, relative]",
        "mixer=pool, position=none",
    ]
