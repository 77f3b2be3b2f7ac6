"""Operator handles for fvcore: name of an operator to what one call of it costs.

fvcore's own handles know neither `scaled_dot_product_attention` nor GELU and count batch norm by
mode; here every operator has one convention. An operator that does arithmetic and stands in no
table below is an error.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

Values = list[Any]  # of torch's graph, which fvcore gives without types
Handle = Callable[[Values, Values], "Counter[str]"]


def shape(value: Any) -> list[int]:
    """The shape of a value of a traced graph."""
    return list(value.type().sizes() or [])


def count(kind: str, macs: int, elements: int) -> "Counter[str]":
    """What a handle returns: MACs and output elements under the operator class."""
    return Counter({f"{kind}.macs": macs, f"{kind}.elements": elements})


def convolution(inputs: Values, outputs: Values) -> "Counter[str]":
    """`aten::_convolution`: weight (out, in / groups, h, w), transposed (in, out / groups, ...)."""
    weight, out = shape(inputs[1]), shape(outputs[0])
    times = shape(inputs[0]) if inputs[6].toIValue() else out  # each element meets the kernel
    return count("convolution", prod(times) * prod(weight[1:]), prod(out))


def linear(inputs: Values, outputs: Values) -> "Counter[str]":
    """`aten::linear`: weight (out, in)."""
    out = shape(outputs[0])
    return count("linear", prod(out) * shape(inputs[1])[1], prod(out))


def addmm(inputs: Values, outputs: Values) -> "Counter[str]":
    """`aten::addmm`: bias + x (n, in) @ weight (in, out)."""
    out = shape(outputs[0])
    return count("linear", prod(out) * shape(inputs[1])[1], prod(out))


def matmul(inputs: Values, outputs: Values) -> "Counter[str]":
    """`aten::matmul` and its kin: a product of two activations.

    Attention that is written out counts as the fused operator does: the product whose output runs
    into a softmax makes scores, which are no activations here; the one after it weighs the values.
    """
    weights, out = shape(inputs[0]), shape(outputs[0])
    return _product(prod(out) * weights[-1], inputs, outputs)


def einsum(inputs: Values, outputs: Values) -> "Counter[str]":
    """`aten::einsum` of two operands: one multiply-add for each combination of its indices."""
    left, right = inputs[0].toIValue().split("->")[0].replace(" ", "").split(",")
    first, second = inputs[1].node().inputs()
    sizes = dict(zip(left + right, shape(first) + shape(second), strict=True))
    return _product(prod(sizes.values()), [first, second], outputs)


def _product(macs: int, inputs: Values, outputs: Values) -> "Counter[str]":
    if _becomes_scores(outputs[0]):
        return count("attention", macs, 0)
    found = count("attention", macs, prod(shape(outputs[0])))
    weights = next((value for value in inputs[:2] if _is_softmax(value)), None)
    if weights is not None:
        found["attention.scores"] = prod(shape(weights))
    return found


SCORE_NAMES = "add add_ sub mul mul_ div div_ masked_fill view reshape permute transpose contiguous"
WEIGHT_NAMES = f"{SCORE_NAMES} dropout dropout_ expand type_as"
SCORE_OPS = frozenset(f"aten::{name}" for name in SCORE_NAMES.split())
WEIGHT_OPS = frozenset(f"aten::{name}" for name in WEIGHT_NAMES.split())


def _becomes_scores(value: Any) -> bool:
    """Whether `value` reaches a softmax through sums, scales and views alone."""
    users = [use.user for use in value.uses()]
    if any(user.kind() == "aten::softmax" for user in users):
        return True
    following = [user.output() for user in users if user.kind() in SCORE_OPS]
    return any(_becomes_scores(output) for output in following)


def _is_softmax(value: Any) -> bool:
    """Whether `value` is a softmax, through dropout, scales and views."""
    node = value.node()
    if node.kind() == "aten::softmax":
        return True
    return node.kind() in WEIGHT_OPS and any(_is_softmax(value) for value in node.inputs())


def attention(inputs: Values, outputs: Values) -> "Counter[str]":
    """`aten::scaled_dot_product_attention`: both products."""
    q, k, v = (shape(value) for value in inputs[:3])
    scores = prod(q[:-1]) * k[-2]
    found = count("attention", scores * (q[-1] + v[-1]), prod(shape(outputs[0])))
    found["attention.scores"] = scores
    return found


def norm(inputs: Values, outputs: Values) -> "Counter[str]":
    """A norm: no MACs."""
    return count("norm", 0, prod(shape(outputs[0])))


def activation(inputs: Values, outputs: Values) -> "Counter[str]":
    """An activation function: no MACs."""
    return count("act", 0, prod(shape(outputs[0])))


ACTIVATIONS = (
    *("gelu", "silu", "silu_", "relu", "relu_", "relu6", "leaky_relu", "sigmoid", "sigmoid_"),
    *("hardswish", "hardswish_", "hardsigmoid", "hardsigmoid_", "hardtanh", "hardtanh_", "tanh"),
)

HANDLES: Mapping[str, Handle] = {
    "aten::_convolution": convolution,
    "aten::linear": linear,
    "aten::addmm": addmm,
    "aten::matmul": matmul,
    "aten::bmm": matmul,
    "aten::einsum": einsum,
    "aten::scaled_dot_product_attention": attention,
    **dict.fromkeys(("aten::layer_norm", "aten::batch_norm", "aten::group_norm"), norm),
    **dict.fromkeys((f"aten::{name}" for name in ACTIVATIONS), activation),
}

# Moves, shapes, element-wise operations, reductions and pooling: no multiply-adds by convention.
FREE_NAMES = """
    Int ScalarImplicit abs adaptive_avg_pool2d adaptive_max_pool2d add add_ alias amax arange
    avg_pool1d avg_pool2d cat ceil chunk clamp_min clone col2im contiguous copy_ cos cumsum
    detach div div_ dropout dropout_ expand expand_as feature_dropout fill_ flatten floor_divide
    full_like gather im2col index index_select lift_fresh linalg_vector_norm masked_fill max
    max_pool2d mean meshgrid mul mul_ narrow neg new_empty numel ones ones_like pad permute pow
    remainder repeat repeat_interleave reshape reshape_as roll rsub select sin size slice
    softmax split split_with_sizes squeeze stack std sub sum t to transpose type_as unbind
    unflatten unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_nearest2d view view_as
    zeros zeros_like
"""
FREE = frozenset(f"aten::{name}" for name in FREE_NAMES.split())
