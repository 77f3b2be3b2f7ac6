"""Operator handles for fvcore: name of an operator to what one call of it costs.

fvcore's own handles know neither `scaled_dot_product_attention` nor GELU and count batch norm by
mode; here every operator has one convention. An operator that does arithmetic and stands in no
table below is an error.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

Handle = Callable[[list[Any], list[Any]], "Counter[str]"]


def shape(value: Any) -> list[int]:
    """The shape of a value of a traced graph."""
    return list(value.type().sizes() or [])


def count(kind: str, macs: int, elements: int) -> "Counter[str]":
    """What a handle returns: MACs and output elements under the operator class."""
    return Counter({f"{kind}.macs": macs, f"{kind}.elements": elements})


def convolution(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """`aten::_convolution`: weight (out, in / groups, kh, kw)."""
    weight, out = shape(inputs[1]), shape(outputs[0])
    return count("convolution", prod(out) * prod(weight[1:]), prod(out))


def linear(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """`aten::linear`: weight (out, in)."""
    out = shape(outputs[0])
    return count("linear", prod(out) * shape(inputs[1])[1], prod(out))


def addmm(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """`aten::addmm`: bias + x (n, in) @ weight (in, out)."""
    out = shape(outputs[0])
    return count("linear", prod(out) * shape(inputs[1])[1], prod(out))


def matmul(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """`aten::matmul` and its kin: a product of two activations."""
    out = shape(outputs[0])
    return count("attention", prod(out) * shape(inputs[0])[-1], prod(out))


def attention(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """`aten::scaled_dot_product_attention`: both products; the scores are never stored."""
    q, k, v = (shape(value) for value in inputs[:3])
    queries, keys = prod(q[:-1]), k[-2]
    return count("attention", queries * keys * (q[-1] + v[-1]), prod(shape(outputs[0])))


def norm(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """Any norm: no MACs."""
    return count("norm", 0, prod(shape(outputs[0])))


def activation(inputs: list[Any], outputs: list[Any]) -> "Counter[str]":
    """Any activation function: no MACs."""
    return count("act", 0, prod(shape(outputs[0])))


HANDLES: Mapping[str, Handle] = {
    "aten::_convolution": convolution,
    "aten::linear": linear,
    "aten::addmm": addmm,
    "aten::matmul": matmul,
    "aten::bmm": matmul,
    "aten::scaled_dot_product_attention": attention,
    **dict.fromkeys(("aten::layer_norm", "aten::batch_norm", "aten::group_norm"), norm),
    **dict.fromkeys(
        (
            "aten::gelu",
            "aten::silu",
            "aten::silu_",
            "aten::relu",
            "aten::relu_",
            "aten::hardswish",
            "aten::hardswish_",
            "aten::sigmoid",
            "aten::sigmoid_",
        ),
        activation,
    ),
}

# Moves, shapes, element-wise sums and pooling: no multiply-adds by this convention.
FREE = frozenset(
    f"aten::{name}"
    for name in [
        "Int",
        "ScalarImplicit",
        "abs",
        "add",
        "add_",
        "adaptive_avg_pool2d",
        "arange",
        "avg_pool2d",
        "cat",
        "chunk",
        "clone",
        "contiguous",
        "copy_",
        "detach",
        "div",
        "div_",
        "dropout",
        "expand",
        "expand_as",
        "feature_dropout",
        "flatten",
        "floor_divide",
        "gather",
        "im2col",
        "col2im",
        "index",
        "index_select",
        "lift_fresh",
        "max_pool2d",
        "mean",
        "mul",
        "mul_",
        "narrow",
        "neg",
        "new_empty",
        "ones",
        "pad",
        "permute",
        "pow",
        "reshape",
        "roll",
        "rsub",
        "select",
        "size",
        "slice",
        "softmax",
        "split",
        "split_with_sizes",
        "squeeze",
        "stack",
        "std",
        "sub",
        "sum",
        "t",
        "to",
        "transpose",
        "type_as",
        "unbind",
        "unflatten",
        "unsqueeze",
        "upsample_bicubic2d",
        "upsample_bilinear2d",
        "view",
        "zeros",
        "zeros_like",
        "full_like",
        "numel",
        "ones_like",
        "meshgrid",
        "repeat",
        "masked_fill",
        "fill_",
        "alias",
    ]
)
