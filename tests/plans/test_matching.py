"""Equal cost: what is adjusted, what it costs then, and what can't be made equal."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.sweeps import RECIPE, options, preview, quiet, said
from workbench.config import Outcome, Spec
from workbench.errors import InputError
from workbench.plans.file import parse_plan
from workbench.plans.load import load_plan
from workbench.plans.matching import STEPS
from workbench.plans.resolution import Plan, resolve
from workbench.report.before.preview import preview_data, print_preview
from workbench.report.findings import Findings
from workbench.report.main_table import main_table
from workbench.runs.results import load_sweep
from workbench.runs.sweep import run_sweep
from workbench.show.formats import records

TOGGLES = {
    "stem": {"stem": "patchify"}, "LPU": {"lpu": "none"}, "IRFFN": {"ffn": "mlp"},
    "projection": {"head": "gap"},
}  # fmt: skip


def cmt(**fields: Any) -> Plan:
    data = {"kind": "leave_one_out", "name": "l", "recipe": "digits", "base": "cmt_cifar"}
    return resolve(parse_plan({**data, "toggles": TOGGLES, **fields}))


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["macs", "params"])
@pytest.mark.parametrize("adjust", ["width", "ffn.ratio"])
def test_every_row_meets_the_cost_of_the_whole(quantity: str, adjust: str) -> None:
    plain, found = cmt(), cmt(match={quantity: "1%", "adjust": adjust})
    whole, *others = found.variants
    assert whole.spec == plain.variants[0].spec
    target = getattr(whole, quantity)
    for before, after in zip(plain.variants[1:], others, strict=True):
        assert after.infeasible is None
        assert abs(getattr(after, quantity) / target - 1) <= 0.01
        assert after.matched is not None
        assert after.matched.before == getattr(before, quantity)
        assert after.matched.reached == getattr(after, quantity)
        near = abs(getattr(before, quantity) / target - 1) <= 0.01
        key = {"width": "dim", "ffn.ratio": "ffn.ratio"}[adjust]
        assert near is not (f"; for equal {'MACs' if quantity == 'macs' else 'parameters'}: {key}=["
                            in after.changed)  # fmt: skip
        assert after.overrides[: len(before.overrides)] == before.overrides


@pytest.mark.slow
def test_what_was_not_to_be_adjusted_stays() -> None:
    plain = cmt(base="cmt_digits").variants[2].spec.flat()
    found = cmt(base="cmt_digits", match={"macs": 0.02, "adjust": "width"}).variants[2]
    assert found.infeasible is None
    changed = {key for key, value in found.spec.flat().items() if plain[key] != value}
    assert changed <= {f"stages.{index}.dim" for index in range(4)}
    assert Plan.model_validate_json(cmt().model_dump_json())


@pytest.mark.slow
def test_depth_is_coarse_and_says_how_near_it_came() -> None:
    """A stage's block is a tenth of the whole, so that 0.5 % can't be met by blocks."""
    found = cmt(match={"macs": "0.5%", "adjust": "depth"})
    missed = [variant for variant in found.variants if variant.infeasible]
    assert missed
    for variant in missed:
        assert variant.matched is not None
        assert "is the nearest that depth comes to" in (variant.infeasible or "")
        assert "beyond 0.5 %" in (variant.infeasible or "")


@given(st.integers(5, 400), st.integers(5, 400))
@example(5, 41)
@example(5, 55)
@settings(max_examples=10)
def test_width_is_found_whatever_the_sizes(dim: int, other: int) -> None:
    """The activation costs nothing, so that it is met to the unit within a factor of 8.

    Beyond it lie the units that rounding and the steps around it reach.
    """
    rows = [
        {"name": "a", "base": "small", "set": {"dim": dim}},
        {"name": "b", "set": {"dim": other, "act": "relu"}},
    ]
    fields = {"kind": "list", "name": "n", "recipe": "digits", "rows": rows}
    match = {"params": "0.1%", "adjust": "width"}
    row = resolve(parse_plan({**fields, "match": match})).variants[1]
    if 1 / 8 <= dim / other <= 8:
        assert row.infeasible is None
        assert row.spec.stages[0].dim == dim
    elif not round(other / 8) + min(STEPS) <= dim <= round(other * 8) + max(STEPS):
        assert row.infeasible is not None


ROWS = [{"name": "small", "base": "small"}, {"name": "large", "base": "large", "set": "lpu=none"}]
LISTED: dict[str, Any] = {"kind": "list", "name": "n", "seeds": 3, "recipe": RECIPE, "rows": ROWS}
BLOCKS = {"macs": "1%", "adjust": "depth"}  # one block is too much already


def test_a_row_that_cannot_be_equal_is_a_result_before_anything_trains(tmp_path: Path) -> None:
    plan = resolve(parse_plan({**LISTED, "match": BLOCKS}))
    done = run_sweep(plan, tmp_path / "n", options(only=("large",)), console := quiet())
    assert "nothing to train" in said(console)
    assert not list((tmp_path / "n").glob("runs/*"))
    assert [run.outcome for run in done.runs if run.variant == "large"] == [Outcome.INFEASIBLE] * 3
    sweep = load_sweep(tmp_path / "n")
    table = main_table(Findings.of(sweep))
    assert records(table)[1]["outcome"] == "3 of 3 infeasible"
    text = table.rows[1][[heading.title for heading in table.columns].index("Outcome")].text
    small, large = (variant.macs for variant in plan.variants)
    assert f"MACs {large:,} is the nearest that depth comes to {small:,} (+" in text
    assert any(note.startswith("Equal cost: the depth of each row") for note in table.notes)
    assert run_sweep(plan, tmp_path / "n", options(), quiet()).trained == 3


def test_a_dry_run_shows_what_was_adjusted_and_what_is_infeasible(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(str({**LISTED, "match": BLOCKS}))
    found = preview(path, options=options(jobs=1))
    console = quiet()
    print_preview(*found, console)
    macs = found[0].variants[1].macs
    assert f"infeasible: MACs {macs:,}" in said(console)
    rows = preview_data(*found)["rows"]
    assert rows[0]["matched"] is None
    assert rows[1]["matched"]["reached"] == macs
    assert found[1].sweep is not None


def latency(spec: Spec) -> float:
    """Of a network that is slower without its LPU, to have something to adjust."""
    return spec.stages[0].dim * (1.5 if spec.stages[0].lpu.name == "none" else 1.0)


def test_a_latency_that_was_measured_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never the same twice; the sweep that goes on must find the plan it began with."""
    path = tmp_path / "plan.yaml"
    path.write_text(str({**LISTED, "match": {"latency": "10%", "adjust": "width"}}))
    monkeypatch.setattr("workbench.cost.speed.inference_latency", latency)
    first = load_plan(path, results=tmp_path)
    assert first.variants[1].overrides == ("lpu=none", "dim=[5]")
    run_sweep(first, tmp_path / "n", options(), quiet())
    slow = lambda spec: spec.stages[0].dim * 2.0  # noqa: E731
    monkeypatch.setattr("workbench.cost.speed.inference_latency", slow)
    again = load_plan(path, results=tmp_path)
    assert again == first
    assert load_plan(path).variants[1].overrides == ("lpu=none", "dim=[8]")
    assert run_sweep(again, tmp_path / "n", options(), quiet()).trained == 0


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"adjust": "width"}, "match: name one of macs, params, latency, not 0"),
        ({"adjust": "width", "macs": 0.1, "params": 0.1}, "not 2"),
        ({"adjust": "heads", "macs": "1%"}, "match.adjust: unknown 'heads'; choose from: depth"),
        ({"macs": "1%"}, "match.adjust: missing"),
        ({"adjust": "width", "macs": "lots"}, "match.macs: 'lots' is refused"),
        ({"adjust": "width", "macs": "x%"}, "match.macs: 'x%' is refused"),
        ({"adjust": "width", "macs": "100%"}, "match.macs: "),
        ({"adjust": "width", "mcas": "1%"}, "match.mcas: unknown 'mcas'; nearest: 'macs"),
    ],
)
def test_refused(match: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(parse_plan({**LISTED, "match": match}))
    assert message in str(caught.value)


def test_rows_that_become_one_network_are_refused() -> None:
    rows = [*ROWS, {"name": "wide", "base": "small", "set": ["lpu=none", "dim=12"]}]
    match = {"macs": "15%", "adjust": "width"}
    with pytest.raises(InputError, match="variant 'wide': its network is the same as that of"):
        resolve(parse_plan({**LISTED, "rows": rows, "match": match}))
