"""The plans that ship with the project resolve, whether or not their data are here."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.ablation.ablate import load_plan
from workbench.ablation.planfile import SHIPPED
from workbench.ablation.rooms import real_rooms

from .standins import describe

STUDY = "scaling_study"  # no plan: see tests/ablation/study
PLANS = sorted(path for path in SHIPPED.glob("*.yaml") if path.stem != STUDY)


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
