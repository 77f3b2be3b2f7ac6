"""What every registered component must do, in a small network; a new one needs no new test."""

from collections.abc import Iterator
from functools import cache

import pytest
import torch

from workbench.config import Spec
from workbench.cost import closed_form, trace
from workbench.errors import InputError
from workbench.models import SLOTS, Network, build, spec
from workbench.models.ops import Size
from workbench.models.registry import options_of

BASES = ("cmt_digits", "columnar_digits", "deit_digits")
SMALL = {  # what makes a base small, and where a component needs it, possible
    "cmt_digits": ("dim=[16,16,32,32]", "heads=[2,2,4,4]", "head.dim=16"),
    "columnar_digits": ("dim=[16]", "depth=[2]", "head.dim=16"),
    "deit_digits": ("dim=[16]", "depth=[2]"),
}
# Beside a component, what else it asks for; each line is tried after the plain one.
COMPANIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("position=none",),
    ("resolution=16", "position=none"),
    ("resolution=32", "stride=[4,2,2,2]", "position=none"),
    ("resolution=32", "stride=[8,2,2,1]", "position=none", "mixer.k=1"),
    ("resolution=32", "stride=[16]", "position=none"),
)


def candidates(slot: str, name: str) -> Iterator[Spec]:
    """Small networks with component `name` in `slot`, the first base that takes it first."""
    for base in BASES:
        if slot == "head" and name == "projection" and base == "deit_digits":
            continue
        for companions in COMPANIONS:
            try:
                small = [o for o in SMALL[base] if not (slot == "head" and o.startswith("head."))]
                extra = [o for o in companions if not o.startswith(f"{slot}")]
                yield spec(base, *small, *extra, f"{slot}={name}")
            except InputError:
                continue


@cache
def small_spec(slot: str, name: str) -> Spec:
    found = next(candidates(slot, name), None)
    assert found is not None, f"{slot}={name} builds in no small network"
    return found


COMPONENTS = [(slot, name) for slot, choices in SLOTS.items() for name in choices]


@pytest.fixture(params=COMPONENTS, ids=lambda pair: f"{pair[0]}={pair[1]}")
def model(request: pytest.FixtureRequest) -> Network:
    slot, name = request.param
    return build(small_spec(slot, name))


def images(model: Network, batch: int = 2) -> torch.Tensor:
    shape = (batch, model.spec.channels, model.spec.resolution, model.spec.resolution)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_logits_are_finite_and_every_parameter_has_a_gradient(model: Network) -> None:
    model.train()
    logits = model(images(model, 4))
    assert logits.shape == (4, model.spec.classes)
    assert torch.isfinite(logits).all()
    logits.square().sum().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None]
    assert without == []


def test_features_are_one_map_per_stage_in_channels_last(model: Network) -> None:
    model.eval()
    maps = model.features(images(model))
    assert [m.shape[1] for m in maps] == [stage.dim for stage in model.spec.stages]
    for m in maps:
        assert m.ndim == 4
        assert m.shape[2] == m.shape[3]
        if model.token is None:
            assert m.is_contiguous(memory_format=torch.channels_last)


def test_the_closed_form_is_the_trace(model: Network) -> None:
    assert sorted(closed_form(model.spec).entries) == sorted(trace(model.spec).entries)


def wide(model: Network) -> Size:
    """A size that is no square, and that a reduction of keys does not divide where one can't."""
    side = model.spec.resolution
    step = next(n for n in range(1, side + 1) if model.axis.sides(side + n))
    return Size(side + step, 2 * side)


def test_any_size_runs_and_costs_what_is_counted(model: Network) -> None:
    size = wide(model)
    image = torch.randn(2, model.spec.channels, *size)
    model.eval()
    assert torch.isfinite(model(image)).all()
    for found, info in zip(model.features(image), model.feature_info, strict=True):
        sides = tuple(-(-side // info.stride) for side in size)
        assert found.shape == (2, info.channels, *sides)
    assert sorted(closed_form(model.spec, size).entries) == sorted(trace(model.spec, size).entries)


def test_a_seed_fixes_the_weights_bit_for_bit(model: Network) -> None:
    again = build(model.spec).state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again[name]), name


def test_float64_and_float32_agree(model: Network) -> None:
    model.eval()
    x = images(model)
    single = model(x)
    double = model.double()(x.double())
    torch.testing.assert_close(single.double(), double, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("slot", "name"), COMPONENTS, ids=lambda value: str(value))
def test_an_unknown_option_is_refused_and_no_option_is_none(slot: str, name: str) -> None:
    model = options_of(slot, name)
    assert None not in model().model_dump().values()
    with pytest.raises(InputError, match="nonsense"):
        spec("cmt_digits", f"{slot}.nonsense=1")
