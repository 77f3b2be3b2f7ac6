"""The CMT paper's own formulas: multiply-adds of one block on `n` tokens of `d` channels.

Source: section 3.3 of the paper (arXiv:2107.06263, equations 13 to 16). They count products alone.
The one term that our count of a CMT block has beyond them is `reduction_macs`.
"""


def mhsa_macs(n: int, d: int) -> int:
    """Multi-head self-attention with d_k = d_v = d: 4nd² + 2n²d."""
    return 4 * n * d * d + 2 * n * n * d


def ffn_macs(n: int, d: int, ratio: int = 4) -> int:
    """The feed-forward network of a standard block: 2nd²r."""
    return 2 * n * d * d * ratio


def standard_block_macs(n: int, d: int, ratio: int = 4) -> int:
    """A standard transformer block: 12nd² + 2n²d at r = 4."""
    return mhsa_macs(n, d) + ffn_macs(n, d, ratio)


def lpu_macs(n: int, d: int) -> int:
    """The local perception unit, a depthwise 3x3 convolution: 9nd."""
    return 9 * n * d


def lmhsa_macs(n: int, d: int, k: int) -> int:
    """Attention with keys and values reduced k times a side: 2nd²(1 + 1/k²) + 2n²d/k²."""
    keys = _keys(n, k)
    return 2 * n * d * d + 2 * keys * d * d + 2 * n * keys * d


def irffn_macs(n: int, d: int, ratio: int = 4) -> int:
    """The inverted residual feed-forward network: 2nd²r + 9ndr, at r = 4 8nd² + 36nd."""
    return 2 * n * d * d * ratio + 9 * n * d * ratio


def cmt_block_macs(n: int, d: int, k: int, ratio: int = 4) -> int:
    """A CMT block: 10nd²(1 + 0.2/k²) + 2n²d/k² + 45nd at r = 4."""
    return lpu_macs(n, d) + lmhsa_macs(n, d, k) + irffn_macs(n, d, ratio)


def reduction_macs(n: int, d: int, k: int) -> int:
    """What the paper leaves out: the depthwise k x k convolution of stride k, nd; none at k = 1.

    Keys and values share one reduced map in the released code, so that it is paid once.
    """
    return _keys(n, k) * d * k * k if k > 1 else 0


def _keys(n: int, k: int) -> int:
    if n % (k * k):
        raise ValueError(f"k: {k} does not divide a square map of {n} tokens")
    return n // (k * k)
