"""Looking inside a network: against what can be known without one."""

import pytest
import torch

from workbench.models import build, spec
from workbench.models.inspect import (
    Field,
    attention_bias,
    bias_of_query,
    effective_fields,
    strongest_maps,
)

SMALL = ("dim=[8,8,8,8]", "heads=[1,2,2,2]", "head.dim=8")


def test_half_of_an_even_gradient_is_half_of_the_image() -> None:
    assert Field(0, torch.full((8, 8), 1 / 64)).share() == pytest.approx(0.5)
    one = torch.zeros(8, 8)
    one[3, 3] = 1.0
    assert Field(0, one).share() == 1 / 64


def test_the_field_is_what_moves_the_centre() -> None:
    """Without attention the field is bounded: pixels outside change nothing, and have none."""
    model = build(spec("cmt_digits", *SMALL, "mixer=identity", "position=none", "conv_norm=none"))
    model.eval()
    image = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        fields = effective_fields(model, image)
        far = image.clone()
        far[:, :, 0, 0] += 1.0
        before, after = model.features(image)[0], model.features(far)[0]
    assert fields[0].gradient.sum() == pytest.approx(1.0, abs=1e-5)
    assert (fields[0].gradient[0, 0] == 0) == torch.equal(before[..., 4, 4], after[..., 4, 4])
    assert fields[0].gradient[4, 4] > 0


def test_an_lpu_widens_the_field_of_a_network_without_attention() -> None:
    plain = ("mixer=identity", "position=none", "ffn=mlp", "depth=[2,1,1,1]")
    image = torch.rand(1, 3, 8, 8)
    with_lpu = effective_fields(build(spec("cmt_digits", *SMALL, *plain)), image)[0]
    without = effective_fields(build(spec("cmt_digits", *SMALL, *plain, "lpu=none")), image)[0]
    assert (with_lpu.gradient > 0).sum() > (without.gradient > 0).sum()


def test_the_bias_is_the_table_of_the_position() -> None:
    model = build(spec("cmt_digits", *SMALL))
    bias = attention_bias(model, 0)
    assert bias is not None
    assert not bias.requires_grad
    assert torch.equal(bias, model.stages[0].position.table[0])  # type: ignore[index, union-attr]
    row = bias_of_query(bias, 2, 3)
    assert row.shape == (1, 2, 2)  # 8 x 8 queries, keys reduced 4 times
    assert torch.equal(row.flatten(), bias[0, 2 * 8 + 3])
    assert attention_bias(build(spec("cmt_digits", *SMALL, "position=none")), 0) is None


def test_the_strongest_maps_vary_most_and_the_mode_stays() -> None:
    model = build(spec("cmt_digits", *SMALL)).train()
    image = torch.rand(3, 8, 8)
    maps = strongest_maps(model, image, channels=3)
    assert [each.shape[0] for each in maps] == [3, 3, 3, 3]
    assert model.training
    spread = maps[0].flatten(1).std(dim=1, correction=0)
    with torch.no_grad():
        every = model.eval().features(image[None])[0][0].flatten(1).std(dim=1, correction=0)
    assert spread.tolist() == every.sort(descending=True).values[:3].tolist()
