"""The closed form equals the trace, entry by entry, and both equal the published exact counts."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor, nn

from tests.cost.specs import random_specs, three_resolutions
from workbench.config import Spec
from workbench.cost import CountMismatchError, UncountedOperatorError, checked_cost, closed_form
from workbench.cost.check import confirm
from workbench.cost.trace import trace_module, trace_network
from workbench.errors import InputError
from workbench.models import ZOO, Network, build, spec
from workbench.models.layout import layout
from workbench.models.ops import square

SECOND = 3 * 10**8  # MACs that a trace does in well under a second on one core
LONG = 8 * 10**9  # from which a trace of all blocks takes a second and more


def _cases() -> list[Any]:
    """Whole at the entry's own resolution unless that takes long, else with one block a stage:
    more repeat it, as the test below has it."""
    cases = []
    for name in ZOO:
        home, macs = spec(name).resolution, closed_form(spec(name)).macs
        for side in three_resolutions(name, macs):
            overrides = () if side == home and macs < LONG else ("depth=1",)
            slow = closed_form(spec(name, *overrides, resolution=side)).macs > SECOND
            marks = [pytest.mark.slow] if slow else []
            cases.append(pytest.param(name, overrides, side, id=f"{name}-{side}", marks=marks))
    return cases


@pytest.mark.parametrize("name", ZOO)
def test_a_further_block_costs_what_the_second_does(name: str) -> None:
    """In closed form, entry by entry; and the network has the parameters of the closed form."""
    whole, *less = (closed_form(spec(name, *words)) for words in ((), ("depth=1",), ("depth=2",)))
    one, two = ({entry[:3]: entry[3:] for entry in cost.entries} for cost in less)
    depths = {str(place): stage.depth for place, stage in enumerate(spec(name).stages)}
    for *place, macs, params, elements, scores in whole.entries:
        more = depths.get(place[0], 1) - 1
        pairs = zip(one[tuple(place)], two[tuple(place)], strict=True)
        expected = tuple(first + more * (second - first) for first, second in pairs)
        assert (macs, params, elements, scores) == expected, place
    assert len(whole.entries) == len(one) == len(two)
    with torch.device("meta"):
        made = Network(layout(spec(name)))
    assert whole.params == sum(p.numel() for p in made.parameters())


@pytest.mark.parametrize(("name", "overrides", "side"), _cases())
def test_closed_form_equals_the_trace_over_the_zoo(
    name: str, overrides: tuple[str, ...], side: int
) -> None:
    cost = checked_cost(spec(name, *overrides, resolution=side))
    assert cost.resolution == side
    assert cost.macs == sum(sums.macs for sums in cost.by_slot.values())
    assert cost.params == sum(sums.params for sums in cost.by_stage.values())


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(random_specs())
def test_closed_form_equals_the_trace_over_random_specs(drawn: Spec) -> None:
    cost = checked_cost(drawn)
    assert cost.params == sum(p.numel() for p in build(drawn).parameters())


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("cmt_ti", 9_492_426, 638_904_600),
        ("cmt_xs", 15_247_208, 1_546_873_472),
        ("cmt_s", 26_256_160, 4_031_742_464),
        ("cmt_b", 45_715_076, 9_317_124_096),
    ],
)
def test_released_networks_have_their_exact_counts(name: str, params: int, macs: int) -> None:
    cost = closed_form(spec(name))
    assert (cost.params, cost.macs) == (params, macs)


def test_deit_s_has_its_exact_parameters() -> None:
    assert closed_form(spec("deit_s")).params == 22_050_664


def test_a_mismatch_names_the_entry() -> None:
    cost = closed_form(spec("cmt_digits"))
    place = next(i for i, entry in enumerate(cost.entries) if entry[:2] == ("2", "ffn"))
    entries = list(cost.entries)
    entries[place] = entries[place]._replace(macs=entries[place].macs + 1)
    with pytest.raises(CountMismatchError, match=f"stage 2, ffn, {entries[place].kind}: closed"):
        confirm(replace(cost, entries=tuple(entries)), cost)


def test_many_faults_of_ones_own_component_are_one_line_of_input() -> None:
    cost = closed_form(spec("cmt_digits"))
    with pytest.raises(InputError, match=r"^ops: .*; \d+ more$") as caught:
        confirm(cost, replace(cost, entries=()))
    assert len(str(caught.value)) < 300


def test_an_entry_that_only_one_count_has_is_named() -> None:
    cost = closed_form(spec("cmt_digits"))
    with pytest.raises(CountMismatchError, match=r"stage stem, stem, .* trace nothing"):
        confirm(cost, replace(cost, entries=cost.entries[1:]))


class Distances(nn.Module):
    """Arithmetic that no handle knows."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cdist(x[0], x[0])


class Doubled(torch.autograd.Function):
    """Arithmetic that hides in a Python function."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        return x @ x


class Hidden(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = Doubled.apply(x)
        return found


@pytest.mark.parametrize(("module", "name"), [(Distances(), "cdist"), (Hidden(), "Doubled")])
def test_an_unhandled_operator_is_an_error(module: nn.Module, name: str) -> None:
    with pytest.raises(UncountedOperatorError, match=name):
        trace_module(module, "made up", 3, square(8))


def test_arithmetic_outside_of_every_slot_is_an_error() -> None:
    model = build(spec("cmt_digits"))
    inner = model.stages[0].blocks[0]
    original = inner.forward
    weight = torch.eye(spec("cmt_digits").stages[0].dim)

    def forward(x: Tensor, bias: Tensor | None) -> Tensor:
        return nn.functional.linear(original(x, bias).permute(0, 2, 3, 1), weight).permute(
            0, 3, 1, 2
        )

    inner.forward = forward  # type: ignore[method-assign]
    with pytest.raises(UncountedOperatorError, match=r"outside of every slot: linear\.elements"):
        trace_network(model)


def test_tracing_leaves_the_mode_as_it_was() -> None:
    model = build(spec("cmt_digits")).train()
    trace_network(model)
    assert model.training
