"""Shares of a plan: together they are the plan, whatever their order."""

from pathlib import Path
from random import Random

import pytest

from tests.support.answers import answered
from tests.support.checks import refused
from tests.support.sweeps import plan, quiet, said
from workbench.config import RunConfig
from workbench.plans.resolution import Plan
from workbench.report.before.preview import print_preview
from workbench.runs.estimate import Estimate
from workbench.runs.exchange.shard import Shard, share
from workbench.runs.folder import LEDGER
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep

WHOLE = plan(seeds=5)


def share_of(of: Plan, number: int, count: int) -> tuple[RunConfig, ...]:
    return share(of.runs(), of, Shard(number, count))


@pytest.mark.parametrize("of", [1, 2, 3, 4, 7, 15, 20])
def test_the_shares_of_a_plan_have_each_run_once(of: int) -> None:
    shares = [share_of(WHOLE, number, of) for number in range(1, of + 1)]
    assert sorted(run.id for runs in shares for run in runs) == sorted(r.id for r in WHOLE.runs())
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_share_does_not_depend_on_the_order_of_rows_and_seeds() -> None:
    seeds = list(WHOLE.seeds)
    Random(1).shuffle(seeds)
    update = {"seeds": tuple(seeds), "variants": WHOLE.variants[::-1]}
    other = WHOLE.model_copy(update=update)
    for number in (1, 2, 3):
        assert ids(other, number) == ids(WHOLE, number)


def ids(of: Plan, number: int) -> set[str]:
    return {run.id for run in share_of(of, number, 3)}


def test_shares_cost_about_the_same() -> None:
    macs = {variant.name: variant.macs for variant in WHOLE.variants}
    costs = [sum(macs[run.variant] for run in share_of(WHOLE, k, 3)) for k in (1, 2, 3)]
    assert max(costs) - min(costs) <= max(macs.values())


@pytest.mark.parametrize("text", ["3", "0/2", "3/2", "a/b", "-1/2", "1/0", "1/2/3", " 1/2", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    refused(lambda: Shard.parse(text), "--shard: ", repr(text))


def test_too_many_shares_are_refused() -> None:
    refused(lambda: Shard.parse("1/999999"), "--shard: ", "at most 10,000 shares")
    assert str(Shard.parse("3/8")) == "3/8"


def test_a_share_trains_its_runs_and_registers_no_others(folder: Path) -> None:
    shard = Shard(2, 3)
    done = run_sweep(plan(), shard.folder(folder), answered(shard=shard), quiet())
    assert (done.trained, done.left) == (2, 0)
    assert done.folder.name == "path-shard-2-of-3"
    assert {run.id for run in load_sweep(done.folder).runs} == {
        r.id for r in share_of(plan(), 2, 3)
    }
    again = run_sweep(plan(), done.folder, answered("no_such_fit", shard=shard), quiet())
    assert again.trained == 0


def test_a_share_without_runs_is_done(folder: Path) -> None:
    console = quiet()
    done = run_sweep(plan(), folder, answered("no_such_fit", shard=Shard(7, 8)), console)
    assert (done.trained, done.left, done.exit_code) == (0, 0, 0)
    assert "No run is to be done" in said(console)


def test_what_hangs_together_can_not_be_shared_out(folder: Path) -> None:
    shard = answered(shard=Shard(1, 2))
    race = plan(seeds={"min": 2, "max": 3, "stop": "decided"})
    refused(lambda: run_sweep(race, folder, shard), "--shard: 1/2 is refused: a race", "--engine")
    one = answered(shard=Shard(1, 2), ledger=f"sqlite:///{folder / LEDGER}")
    refused(lambda: run_sweep(plan(), folder, one), "--shard: 1/2", "leave --ledger out")
    assert not folder.exists()


def test_a_dry_run_of_a_share_counts_its_runs() -> None:
    console = quiet()
    print_preview(WHOLE, Estimate({"small": 1.0}, {}, 5.0, asked=5), console)
    assert "15 runs: 3 variants x seeds 0, 1, 2, 3, 4; 5 of them in this share; about 5 s" in said(
        console
    )
