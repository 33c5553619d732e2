"""Which loops roots join."""

import numpy as np

import wengert as wg


def test_a_root_joins_the_loop_that_reads_the_same_data(machine_code):
    """Not the last loop, which shares a number for each row with it and no more."""

    def fun(z, w):
        return np.sum(z, axis=1), np.prod(w), np.sum(z * w[:, None], axis=1)

    z, w = np.arange(300.0).reshape(6, 50), np.arange(1.0, 7.0)
    compiled = wg.jit(fun)
    for found, expected in zip(compiled(z, w), fun(z, w), strict=True):
        np.testing.assert_array_equal(found, expected)  # integers: exact
    assert str(compiled.kernels(z, w)).count("load argument0") == 1
