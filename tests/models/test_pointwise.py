"""Linear layers and 1x1 convolutions by oneDNN are what torch's own are."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.models.components import pointwise
from workbench.models.components.base import map_of, tokens_of
from workbench.models.components.pointwise import ENOUGH, PointwiseConv, TokenLinear


@pytest.fixture(autouse=True, params=[1, 2])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def close(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


SHAPES = [(4, 14, 14), (1, 7, 5), (2, 1, 3), (ENOUGH, 4, 4), (3, 17, 1), (1, 1, 1)]


@pytest.mark.parametrize(("batch", "height", "width"), SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_and_gradients_are_those_of_a_linear_layer(
    batch: int, height: int, width: int, bias: bool
) -> None:
    layer = TokenLinear(8, 12, bias=bias)
    t = torch.randn(batch, height, width, 8, requires_grad=True)
    inputs = [t, *layer.parameters()]
    ours, theirs = layer(t), F.linear(t, layer.weight, layer.bias)
    gradient = torch.randn_like(theirs)
    close([ours], [theirs])
    assert ours.is_contiguous()
    close(
        list(torch.autograd.grad(ours, inputs, gradient)),
        list(torch.autograd.grad(theirs, inputs, gradient)),
    )


@pytest.mark.parametrize(("batch", "height", "width"), SHAPES)
def test_a_convolution_keeps_its_memory_format(batch: int, height: int, width: int) -> None:
    layer = PointwiseConv(8, 12)
    x = map_of(torch.randn(batch, height, width, 8))
    ours = layer(x)
    close([ours], [F.conv2d(x, layer.weight, layer.bias)])
    assert tokens_of(ours).is_contiguous()


def test_what_is_recorded_or_of_another_precision_stays_a_linear_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer, t = TokenLinear(8, 8), torch.randn(2, 4, 4, 8)
    monkeypatch.setattr(pointwise, "FASTER", True)
    assert "aten::linear" in str(torch.jit.trace(layer, t).graph)
    monkeypatch.setattr(pointwise, "_convolve", None)  # would fail
    assert torch.equal(layer.double()(t.double()), F.linear(t.double(), *layer.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.float()(t).dtype == torch.bfloat16
    assert layer(t[0]).shape == (4, 4, 8)


@pytest.mark.parametrize("kind", [TokenLinear, PointwiseConv])
def test_a_compiled_layer_is_one_graph_with_a_convolution(
    monkeypatch: pytest.MonkeyPatch, kind: type[TokenLinear] | type[PointwiseConv]
) -> None:
    monkeypatch.setattr(pointwise, "FASTER", True)
    graphs = list[str]()

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(graph.code)
        return graph

    layer, x = kind(8, 8), torch.randn(2, 4, 4, 8)
    x = map_of(x) if kind is PointwiseConv else x
    torch.compiler.reset()
    compiled = torch.compile(layer, fullgraph=True, backend=backend)
    close([compiled(x)], [layer(x)])
    assert len(graphs) == 1
    assert "conv2d" in graphs[0]
