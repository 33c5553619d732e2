"""A constant for every derivative, as an operation of its own: in graphs, which are differentiated later."""

from __future__ import annotations

import numpy as np

from wengert.core.lowering import Pointwise
from wengert.core.primitive import Primitive, define

__all__ = ["stop_"]


stop_: Primitive = define(
    name="stop_gradient",
    doc="x itself, with derivative zero.",
    eval=lambda x: x,
    infer=lambda t: t,
    lower=Pointwise(lambda b, x: x),
    batch=lambda _size, xs, _batched: stop_(xs[0]),
    samples=lambda rng: iter([((rng.normal(size=(2, 3)),), {}), ((np.asarray(rng.normal()),), {})]),
    differentiable=False,
    complex=True,
    cheap=True,
)
