"""One network, trained and kept."""

import pytest
import torch

from workbench.config import Outcome
from workbench.models import build, spec
from workbench.train.once import train_once
from workbench.train.recipes import recipe

SPEC = spec("cmt_digits", "dim=[8,8,8,8]", "heads=[1,1,1,1]", "head.dim=8")


@pytest.mark.slow
def test_it_learns_repeats_and_leaves_the_random_state_alone() -> None:
    short = recipe("digits", "epochs=1", "data.train_size=128", "data.test_size=64")
    before = torch.get_rng_state()
    one, other = train_once(SPEC, short, seed=3), train_once(SPEC, short, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert one.result.outcome is Outcome.COMPLETED
    assert not one.network.training
    initial = build(SPEC, seed=3).state_dict()
    states = one.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in initial)
    assert any(not torch.equal(states[0][name], initial[name]) for name in initial)
