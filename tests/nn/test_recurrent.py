"""Recurrent networks against loops of their equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

RNG = np.random.default_rng(10)
T, N, F, H = 4, 2, 3, 2


def weights(gates):
    return (
        RNG.normal(size=(gates * H, F)),
        RNG.normal(size=(gates * H, H)),
        RNG.normal(size=gates * H),
    )


def parts(a, gates):
    return [a[..., i * H : (i + 1) * H] for i in range(gates)]


def rnn_step(x, h, w, u, b):
    return np.tanh(x @ w.T + h @ u.T + b)


def lstm_step(x, state, w, u, b):
    h, c = state
    i, f, g, o = parts(x @ w.T + h @ u.T + b, 4)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def gru_step(x, h, w, u, b, b_hidden):
    (a_r, a_z, a_n), (b_r, b_z, b_n) = parts(x @ w.T + b, 3), parts(h @ u.T + b_hidden, 3)
    z = expit(a_z + b_z)
    return (1 - z) * np.tanh(a_n + expit(a_r + b_r) * b_n) + z * h


XS = RNG.normal(size=(T, N, F))
START, CELL = RNG.normal(size=(2, N, H))
GRU = (*weights(3), RNG.normal(size=3 * H))
LSTM, RNN = weights(4), weights(1)


def run(step, xs, state, *w):
    hs = []
    for x in xs:
        state = step(x, state, *w)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return np.stack(hs), state


def close(found, wanted):
    for a, b in zip(wg.tree.flatten(found)[0], wg.tree.flatten(wanted)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("how", [lambda f: f, wg.jit])
@pytest.mark.usefixtures("machine_code")
def test_sequences(reverse, how):
    xs = XS[::-1] if reverse else XS
    cases = [
        (how(lambda xs: nn.rnn(xs, *RNN, h=START, reverse=reverse)), run(rnn_step, xs, START, *RNN)),
        (how(lambda xs: nn.gru(xs, *GRU, h=START, reverse=reverse)), run(gru_step, xs, START, *GRU)),
        (
            how(lambda xs: nn.lstm(xs, *LSTM, state=(START, CELL), reverse=reverse)),
            run(lstm_step, xs, (START, CELL), *LSTM),
        ),
    ]
    for f, (hs, last) in cases:
        close(f(XS), (hs[::-1] if reverse else hs, last))


def test_cells():
    x = XS[0]
    close(nn.rnn_cell(x, START, *RNN), rnn_step(x, START, *RNN))
    close(nn.rnn_cell(x, START, *RNN, np.sin), np.sin(x @ RNN[0].T + START @ RNN[1].T + RNN[2]))
    close(nn.gru_cell(x, START, *GRU), gru_step(x, START, *GRU))
    close(nn.lstm_cell(x, (START, CELL), *LSTM), lstm_step(x, (START, CELL), *LSTM))
    close(nn.gru_cell(x, START, *GRU[:2]), gru_step(x, START, *GRU[:2], 0.0, 0.0))


def test_states_begin_with_zeros():
    zeros = np.zeros((N, H))
    close(nn.rnn(XS, *RNN), run(rnn_step, XS, zeros, *RNN))
    close(nn.gru(XS, *GRU), run(gru_step, XS, zeros, *GRU))
    close(nn.lstm(XS, *LSTM), run(lstm_step, XS, (zeros, zeros), *LSTM))
    close(nn.lstm(XS[:, 0], *LSTM)[0], nn.lstm(XS, *LSTM)[0][:, 0])


def test_derivatives():
    xs = XS[:3, 0]
    h, c = START[0], CELL[0]
    wg.check_grads(lambda xs, h, *w: nn.rnn(xs, *w, h=h), (xs, h, *RNN))
    wg.check_grads(lambda xs, h, *w: nn.gru(xs, *w, h=h), (xs, h, *GRU))
    wg.check_grads(lambda xs, h, c, *w: nn.lstm(xs, *w, state=(h, c)), (xs, h, c, *LSTM))


def test_single_precision_stays_single():
    xs, *w = (x.astype(np.float32) for x in (XS, *LSTM))
    hs, (h, c) = nn.lstm(xs, *w)
    assert hs.dtype == h.dtype == c.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: nn.lstm(XS, *GRU[:3]),
            r"lstm: inputs of shape \(4, 2, 3\) .* \(6, 3\), \(6, 2\), \(6,\)\n(.|\n)*\(8, 3\)",
        ),
        (lambda: nn.rnn(XS[..., :2], *RNN), r"rnn: inputs of shape \(4, 2, 2\)"),
        (lambda: nn.gru_cell(XS[0], START, *GRU[:3], np.ones(2)), "gru_cell: "),
        (
            lambda: nn.gru(XS, *GRU, h=START[0]),
            r"gru: a state of shape \(2,\) for a sequence of shape \(4, 2, 3\)",
        ),
        (lambda: nn.rnn(XS[0, 0], *RNN), r"rnn: a sequence of shape \(3,\)"),
    ],
)
def test_errors(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
