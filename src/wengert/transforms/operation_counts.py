"""Numbers of operations on real or complex numbers that primitives take, from the types of their operands.

An elementwise operation is one for each entry of the result, whatever the processor takes for it; those whose value is
a series or a table are counted apart, as transcendental. Counts of matrix factorizations are the leading terms in Golub
and Van Loan, Matrix Computations, 4th edition, 2013, with the section beside each.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2, prod
from typing import Any

from wengert.core.graph import Atom, Node

__all__ = ["operations", "transcendental"]

_FREE = frozenset(
    [
        "broadcast_to",
        "cast",
        "choose",
        "complex",
        "concatenate",
        "conjugate",
        "constant",
        "diagonal",
        "diagonal_embed",
        "discretize",
        "embed_diagonal",
        "flip",
        "getitem",
        "imag",
        "index_update",
        "pad",
        "permute",
        "positive",
        "real",
        "reshape",
        "roll",
        "stop_gradient",
        "transpose",
        "tril",
        "triu",
        "windows",
    ]
)
_ARITHMETIC = frozenset(  # beside those that are declared cheap
    [
        "absolute",
        "copysign",
        "deg2rad",
        "degrees",
        "fabs",
        "fmax",
        "fmin",
        "fmod",
        "heaviside",
        "ldexp",
        "nextafter",
        "rad2deg",
        "radian",
        "radians",
        "reciprocal",
        "remainder",
        "sign",
        "sqrt",
    ]
)


def size(atom: Atom) -> int:
    """Return the number of entries."""
    return prod(atom.shape)


def _elementwise(node: Node) -> int:
    return max(map(size, node.outputs), default=0)


def _entries(node: Node) -> int:
    return size(node.inputs[0])


def _product(node: Node) -> int:
    """Return 2 m n k: a product and a sum for each entry of the result and each contracted index."""
    return 2 * size(node.outputs[0]) * node.inputs[0].shape[-1]


def _tensordot(node: Node) -> int:
    contracted: list[int] = [node.inputs[0].shape[axis] for axis in node.params["axes"][0]]
    return 2 * size(node.outputs[0]) * prod(contracted)


def _einsum(node: Node) -> int:
    """Return the count of the loop over all names at once, as NumPy does it where it is not told to optimize."""
    terms = node.params["subscripts"].split("->")[0].split(",")
    lengths: dict[str, int] = {}
    rest = 1
    for term, atom in zip(terms, node.inputs, strict=True):
        before, _, after = term.partition("...")
        named = [*zip(before, atom.shape, strict=False)]
        named += zip(after[::-1], atom.shape[::-1], strict=False)
        for letter, length in named:
            lengths[letter] = max(length, lengths.get(letter, 1))
        if "..." in term:
            rest = max(rest, prod(atom.shape[len(before) : len(atom.shape) - len(after)]))
    return len(terms) * rest * prod(lengths.values())


def _convolution(results: Callable[[Node], Atom], kernels: Callable[[Node], Atom]) -> Callable[[Node], int]:
    """Return the count 2 (results) (entries of one kernel) of a convolution of many channels."""
    return lambda node: 2 * size(results(node)) * size(kernels(node)) // max(kernels(node).shape[0], 1)


def _stacked(count: Callable[[Any, Any], float]) -> Callable[[Node], int]:
    """Return the count of a function of the shape (m, n) of each matrix in a stack."""

    def counted(node: Node) -> int:
        a = node.inputs[0]
        return int(prod(a.shape[:-2]) * count(*a.shape[-2:]))

    return counted


def _solve(factor: float) -> Callable[[Node], int]:
    """Return the count of a factorization and of two substitutions for each right-hand side."""

    def counted(node: Node) -> int:
        a, b = node.inputs[:2]
        n = a.shape[-1]
        return int(prod(a.shape[:-2]) * factor * n**3 + 2 * n * size(b))

    return counted


def _fourier(node: Node) -> int:
    """Return 5 N log2 N, N the entries that are transformed together (Cooley and Tukey 1965, radix 2)."""
    axes = node.params.get("axes", (node.params.get("axis", -1),))
    x = max((node.inputs[0], node.outputs[0]), key=size)
    n: int = prod([x.shape[axis] for axis in axes])
    half = 1 if node.prim.name == "fft" else 2
    return int(5 * size(x) * log2(max(n, 2))) // half


def _sorting(node: Node) -> int:
    return (
        int(_entries(node) * log2(max(node.inputs[0].shape[node.params["axis"]], 2)))
        if node.inputs[0].shape
        else 0
    )


_COUNTS: dict[str, Callable[[Node], int]] = {
    **dict.fromkeys(_FREE, lambda _: 0),
    **dict.fromkeys(["masked", "where", "divmod", "modf", "frexp"], _elementwise),
    **dict.fromkeys(
        [
            "sum",
            "prod",
            "max",
            "min",
            "all",
            "any",
            "argmax",
            "argmin",
            "argpartition",
            "cumsum",
            "cumprod",
            "overlap_add",
        ],
        _entries,
    ),
    **dict.fromkeys(("var", "std"), lambda node: 4 * _entries(node)),  # mean, deviation, square, mean
    **dict.fromkeys(("vector_norm", "logsumexp", "recurrence"), lambda node: 2 * _entries(node)),
    "cross": lambda node: 3 * _elementwise(node),
    "index_add": lambda node: size(node.inputs[1]),
    "scatter": lambda node: sum(map(size, node.inputs[: len(node.params["indices"])])),
    **dict.fromkeys(["matmul", "matvec", "vecdot"], _product),
    "vecmat": _product,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "conv": _convolution(lambda node: node.outputs[0], lambda node: node.inputs[1]),
    "conv_input": _convolution(lambda node: node.inputs[0], lambda node: node.inputs[1]),
    "conv_weight": _convolution(lambda node: node.inputs[1], lambda node: node.outputs[0]),
    **dict.fromkeys(("convolve", "convolve_full"), lambda node: 2 * _entries(node) * size(node.inputs[1])),
    **dict.fromkeys(
        ("convolve_valid", "correlate_valid"), lambda node: 2 * _elementwise(node) * size(node.inputs[1])
    ),
    "lfilter": lambda node: 2 * size(node.inputs[2]) * (size(node.inputs[0]) + size(node.inputs[1])),
    **dict.fromkeys(("fft", "rfft", "irfft"), _fourier),
    "argsort": _sorting,
    "searchsorted": lambda node: int(size(node.inputs[1]) * log2(max(_entries(node), 2))),
    "cholesky": _stacked(lambda n, _: n**3 / 3),  # 4.2
    **dict.fromkeys(("det", "slogdet", "lu_factor"), _stacked(lambda n, _: 2 * n**3 / 3)),  # 3.2
    "solve": _solve(2 / 3),  # 3.2
    "solve_structured": _solve(2 / 3),
    "solve_triangular": lambda node: node.inputs[0].shape[-1] * size(node.inputs[1]),  # 3.1
    "inv": _stacked(lambda n, _: 2 * n**3),  # 3.4
    "qr": _stacked(lambda m, n: 2 * min(m, n) ** 2 * (max(m, n) - min(m, n) / 3)),  # 5.2
    "eigvalsh": _stacked(lambda n, _: 4 * n**3 / 3),  # 8.3
    "eigh": _stacked(lambda n, _: 9 * n**3),  # 8.3
    "eigvals": _stacked(lambda n, _: 10 * n**3),  # 7.5
    "eig": _stacked(lambda n, _: 25 * n**3),  # 7.5
    "svdvals": _stacked(lambda m, n: 4 * m * n * min(m, n) - 4 * min(m, n) ** 3 / 3),  # 8.6
    **dict.fromkeys(
        ("svd", "pinv", "lstsq"), _stacked(lambda m, n: 14 * max(m, n) * min(m, n) ** 2 + 8 * min(m, n) ** 3)
    ),  # 8.6
}


def transcendental(node: Node) -> int:
    """Return how many values of transcendental functions a primitive takes."""
    prim = node.prim
    if prim.name == "logsumexp":
        return _entries(node)
    if prim.name in _COUNTS or prim.name in _ARITHMETIC or (prim.elementwise and prim.cheap):
        return 0
    return _elementwise(node)


def operations(node: Node) -> int:
    """Return how many other operations a primitive takes, which holds no graphs."""
    count = _COUNTS.get(node.prim.name)
    if count is not None:
        return count(node)
    return 0 if transcendental(node) else _elementwise(node)
