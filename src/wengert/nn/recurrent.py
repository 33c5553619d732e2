"""Recurrent networks: cells, and their loops over a sequence as `scan`s, with PyTorch's layouts of weights.

Weights of the inputs are (gates hidden, features), of the hidden state (gates hidden, hidden); biases (gates hidden,).
The gates of an LSTM lie in the order input, forget, cell, output; of a GRU reset, update, new. Sequences are
(length, ..., features): time comes first, any batch axes after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from wengert.control.loop import scan
from wengert.errors import ArgumentError
from wengert.types import Array, type_of

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn", "rnn_cell"]

State = tuple[Array, Array]
Activation = Callable[[Array], Array]


# Cells ------------------------------------------------------------------------------------------


def rnn_cell(
    x: Array,
    h: Array,
    w_input: Array,
    w_hidden: Array,
    bias: Array | None = None,
    activation: Activation = np.tanh,
) -> Array:
    """Next state of a simple recurrent network: activation(W x + U h + b).

    Parameters
    ----------
    x : (..., features) array
    h : (..., hidden) array
    w_input : (hidden, features) array
    w_hidden : (hidden, hidden) array
    bias : (hidden,) array, optional
    activation : callable

    Returns
    -------
    (..., hidden) array

    Raises
    ------
    ArgumentError
        If the shapes do not fit.

    Notes
    -----
    Elman, "Finding structure in time" (1990).

    Examples
    --------
    >>> rnn_cell(np.ones(1), np.zeros(2), np.ones((2, 1)), np.eye(2)).round(6)
    array([0.761594, 0.761594])
    """
    _check("rnn_cell", 1, x, h, w_input, w_hidden, bias)
    return _rnn_step(_inputs(x, w_input, bias), h, w_hidden, activation)


def lstm_cell(x: Array, state: State, w_input: Array, w_hidden: Array, bias: Array | None = None) -> State:
    """Next state of a long short-term memory.

    Parameters
    ----------
    x : (..., features) array
    state : pair of (..., hidden) arrays
        Hidden state h and cell c.
    w_input : (4 hidden, features) array
    w_hidden : (4 hidden, hidden) array
    bias : (4 hidden,) array, optional

    Returns
    -------
    h, c : (..., hidden) array

    Raises
    ------
    ArgumentError
        If the shapes do not fit.

    Notes
    -----
    With gates i, f, g, o of W x + U h + b:   c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c').
    Hochreiter and Schmidhuber, "Long short-term memory" (1997); forget gate: Gers, Schmidhuber and Cummins (2000).

    Examples
    --------
    >>> h, c = lstm_cell(np.ones(1), (np.zeros(1), np.ones(1)), np.zeros((4, 1)), np.zeros((4, 1)))
    >>> c
    array([0.5])
    """
    _check("lstm_cell", 4, x, state[0], w_input, w_hidden, bias)
    return _lstm_step(_inputs(x, w_input, bias), state, w_hidden)


def gru_cell(
    x: Array,
    h: Array,
    w_input: Array,
    w_hidden: Array,
    bias: Array | None = None,
    bias_hidden: Array | None = None,
) -> Array:
    """Next state of a gated recurrent unit.

    Parameters
    ----------
    x : (..., features) array
    h : (..., hidden) array
    w_input : (3 hidden, features) array
    w_hidden : (3 hidden, hidden) array
    bias, bias_hidden : (3 hidden,) array, optional
        Added to W x and to U h; they differ in the new state, where the reset gate multiplies the latter.

    Returns
    -------
    (..., hidden) array

    Raises
    ------
    ArgumentError
        If the shapes do not fit.

    Notes
    -----
    With r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r (U_n h)):   h' = n + z (h - n).
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with the reset after the product.

    Examples
    --------
    >>> gru_cell(np.ones(1), np.ones(1), np.zeros((3, 1)), np.zeros((3, 1)))
    array([0.5])
    """
    _check("gru_cell", 3, x, h, w_input, w_hidden, bias, bias_hidden)
    return _gru_step(_inputs(x, w_input, bias), h, w_hidden, bias_hidden)


# Sequences --------------------------------------------------------------------------------------
#
# The products of the inputs with their weights do not wait for the state: one product makes all of them.


def rnn(
    xs: Array,
    w_input: Array,
    w_hidden: Array,
    bias: Array | None = None,
    *,
    h: Array | None = None,
    activation: Activation = np.tanh,
    reverse: bool = False,
) -> tuple[Array, Array]:
    """States of a simple recurrent network along a sequence.

    Parameters
    ----------
    xs : (length, ..., features) array
    w_input, w_hidden, bias : array
        As `rnn_cell` takes them.
    h : (..., hidden) array, optional
        Before the first step; zeros by default.
    activation : callable
    reverse : bool
        Go from the last step to the first.

    Returns
    -------
    hs : (length, ..., hidden) array
        After each step.
    h : (..., hidden) array
        After the last one.

    Raises
    ------
    ArgumentError
        If the shapes do not fit.

    Examples
    --------
    >>> hs, h = rnn(np.ones((3, 1)), np.ones((1, 1)), np.ones((1, 1)), activation=lambda x: x)
    >>> hs[:, 0]
    array([1., 2., 3.])
    """
    start = _start("rnn", xs, w_hidden, h)
    _check("rnn", 1, xs, start, w_input, w_hidden, bias)
    return _along(
        lambda a, h: _rnn_step(a, h, w_hidden, activation), start, _inputs(xs, w_input, bias), reverse
    )


def lstm(
    xs: Array,
    w_input: Array,
    w_hidden: Array,
    bias: Array | None = None,
    *,
    state: State | None = None,
    reverse: bool = False,
) -> tuple[Array, State]:
    """States of a long short-term memory along a sequence.

    Parameters
    ----------
    xs : (length, ..., features) array
    w_input, w_hidden, bias : array
        As `lstm_cell` takes them.
    state : pair of (..., hidden) arrays, optional
        Before the first step; zeros by default.
    reverse : bool
        Go from the last step to the first.

    Returns
    -------
    hs : (length, ..., hidden) array
        After each step.
    state : pair of (..., hidden) arrays
        After the last one.

    Raises
    ------
    ArgumentError
        If the shapes do not fit.

    Examples
    --------
    >>> hs, (h, c) = lstm(np.ones((3, 2)), np.zeros((4, 2)), np.zeros((4, 1)))
    >>> hs.shape, h.shape
    ((3, 1), (1,))
    """
    h, c = (None, None) if state is None else state
    start = (_start("lstm", xs, w_hidden, h), _start("lstm", xs, w_hidden, c))
    _check("lstm", 4, xs, start[0], w_input, w_hidden, bias)
    step = lambda a, state: _lstm_step(a, state, w_hidden)
    return _along(step, start, _inputs(xs, w_input, bias), reverse, lambda state: state[0])


def gru(
    xs: Array,
    w_input: Array,
    w_hidden: Array,
    bias: Array | None = None,
    bias_hidden: Array | None = None,
    *,
    h: Array | None = None,
    reverse: bool = False,
) -> tuple[Array, Array]:
    """States of a gated recurrent unit along a sequence.

    Parameters
    ----------
    xs : (length, ..., features) array
    w_input, w_hidden, bias, bias_hidden : array
        As `gru_cell` takes them.
    h : (..., hidden) array, optional
        Before the first step; zeros by default.
    reverse : bool
        Go from the last step to the first.

    Returns
    -------
    hs : (length, ..., hidden) array
        After each step.
    h : (..., hidden) array
        After the last one.

    Raises
    ------
    ArgumentError
        If the shapes do not fit.

    Examples
    --------
    >>> hs, h = gru(np.ones((2, 1)), np.zeros((3, 1)), np.zeros((3, 1)), h=np.ones(1))
    >>> hs[:, 0]
    array([0.5 , 0.25])
    """
    start = _start("gru", xs, w_hidden, h)
    _check("gru", 3, xs, start, w_input, w_hidden, bias, bias_hidden)
    return _along(
        lambda a, h: _gru_step(a, h, w_hidden, bias_hidden), start, _inputs(xs, w_input, bias), reverse
    )


# Steps, from the products a of the inputs -------------------------------------------------------


def _rnn_step(a: Array, h: Array, w_hidden: Array, activation: Activation) -> Array:
    return activation(a + np.matmul(h, w_hidden.T))


def _lstm_step(a: Array, state: State, w_hidden: Array) -> State:
    h, c = state
    i, f, g, o = np.split(a + np.matmul(h, w_hidden.T), 4, axis=-1)
    c = special.expit(f) * c + special.expit(i) * np.tanh(g)
    return special.expit(o) * np.tanh(c), c


def _gru_step(a: Array, h: Array, w_hidden: Array, bias_hidden: Array | None) -> Array:
    b = np.matmul(h, w_hidden.T)
    b = b if bias_hidden is None else b + bias_hidden
    (a_r, a_z, a_n), (b_r, b_z, b_n) = np.split(a, 3, axis=-1), np.split(b, 3, axis=-1)
    z = special.expit(a_z + b_z)
    n = np.tanh(a_n + special.expit(a_r + b_r) * b_n)
    return n + z * (h - n)


def _along(
    step: Callable[[Array, Any], Any],
    start: Any,
    inputs: Array,
    reverse: bool,
    shown: Callable[[Any], Array] = lambda state: state,
) -> tuple[Array, Any]:
    """Return what is shown of the states along a sequence, and the last state."""

    def next_state(state: Any, a: Array) -> tuple[Any, Array]:
        state = step(a, state)
        return state, shown(state)

    last, hs = scan(next_state, start, inputs, reverse=reverse)
    return hs, last


def _inputs(x: Array, w: Array, bias: Array | None) -> Array:
    a = np.matmul(x, w.T)
    return a if bias is None else a + bias


def _start(name: str, xs: Array, w_hidden: Array, h: Array | None) -> Any:
    """Return the state before the first step."""
    if np.ndim(xs) < 2 or np.ndim(w_hidden) != 2:
        raise ArgumentError(
            f"{name}: a sequence of shape {np.shape(xs)} with weights of the state of shape {np.shape(w_hidden)}",
            why="sequences are (length, ..., features), weights of the state (gates hidden, hidden).",
            instead="give a sequence time first: np.moveaxis(xs, 1, 0) for batches first.",
        )
    shape = (*np.shape(xs)[1:-1], np.shape(w_hidden)[1])
    if h is None:
        return np.zeros(shape, np.result_type(type_of(xs).dtype, type_of(w_hidden).dtype))
    if np.shape(h) != shape:
        raise ArgumentError(
            f"{name}: a state of shape {np.shape(h)} for a sequence of shape {np.shape(xs)}",
            why=f"the state of each example of the batch is hidden: shape {shape}.",
            instead="give a state of that shape, or none for zeros.",
        )
    return h


def _check(
    name: str, gates: int, x: Array, h: Array, w_input: Array, w_hidden: Array, *biases: Array | None
) -> None:
    """Raise unless weights fit inputs and state."""
    n, features = gates * np.shape(h)[-1], np.shape(x)[-1]
    wanted = [(n, features), (n, np.shape(h)[-1]), *[(n,) for b in biases if b is not None]]
    given = [np.shape(w) for w in (w_input, w_hidden, *biases) if w is not None]
    if wanted != given:
        raise ArgumentError(
            f"{name}: inputs of shape {np.shape(x)} and a state of shape {np.shape(h)} with weights of shapes "
            f"{', '.join(str(shape) for shape in given)}",
            why=f"with {gates} gates, weights have shapes {', '.join(str(shape) for shape in wanted)}.",
            instead="give weights (gates hidden, features) and (gates hidden, hidden), biases (gates hidden,).",
        )
