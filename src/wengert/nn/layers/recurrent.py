"""RNN, LSTM, GRU: recurrent networks with their weights, over sequences with time as the first axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import random
from wengert.nn.initializers import fan_in_uniform
from wengert.nn.module import Module, static
from wengert.nn.recurrent import gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell
from wengert.nn.shapes import require_shape
from wengert.types import Array

__all__ = ["GRU", "LSTM", "RNN"]


class RNN(Module):
    """A simple recurrent network: each state is activation(W x + U h + b).

    Parameters
    ----------
    n_in, hidden : int
        Features of the inputs, and of the state.
    key : random key
        For the initial weights, uniform between ±1/sqrt(hidden).
    bias : bool
    activation : callable
    reverse : bool
        Go from the last step to the first.
    dtype : dtype

    Attributes
    ----------
    input_weight : (hidden, n_in) array
    hidden_weight : (hidden, hidden) array
    bias : (hidden,) array or None

    Examples
    --------
    >>> layer = RNN(3, 5, key=random.key(0))
    >>> layer(np.zeros((7, 2, 3))).shape
    (7, 2, 5)
    """

    input_weight: Array
    hidden_weight: Array
    bias: Array | None
    activation: Callable[[Any], Any] = static(default=np.tanh)
    reverse: bool = static(default=False)

    def __init__(
        self,
        n_in: int,
        hidden: int,
        *,
        key: Array,
        bias: bool = True,
        activation: Callable[[Any], Any] = np.tanh,
        reverse: bool = False,
        dtype: Any = np.float64,
    ) -> None:
        self.input_weight, self.hidden_weight, self.bias = _initial(key, 1, n_in, hidden, bias, dtype)
        self.activation, self.reverse = activation, reverse

    def __call__(self, xs: Array, h: Array | None = None) -> Array:
        """Return the states (length, ..., hidden) along a sequence xs (length, ..., n_in)."""
        return self.run(xs, h)[0]

    def run(self, xs: Array, h: Array | None = None) -> tuple[Array, Array]:
        """Return the states along a sequence, and the last one.

        Parameters
        ----------
        xs : (length, ..., n_in) array
        h : (..., hidden) array, optional
            Before the first step; zeros by default.

        Returns
        -------
        hs : (length, ..., hidden) array
        h : (..., hidden) array
        """
        weight = self.input_weight
        require_shape(self, xs, last=(None, weight.shape[1]), argument="the sequence")
        return rnn(
            xs, weight, self.hidden_weight, self.bias, h=h, activation=self.activation, reverse=self.reverse
        )

    def step(self, x: Array, h: Array) -> Array:
        """Return the state after one more input x (..., n_in)."""
        return rnn_cell(x, h, self.input_weight, self.hidden_weight, self.bias, self.activation)


class LSTM(Module):
    """A long short-term memory: a state with a cell that gates write, keep and read.

    Parameters
    ----------
    n_in, hidden : int
        Features of the inputs, and of the state.
    key : random key
        For the initial weights, uniform between ±1/sqrt(hidden).
    bias : bool
    reverse : bool
        Go from the last step to the first.
    dtype : dtype

    Attributes
    ----------
    input_weight : (4 hidden, n_in) array
        Gates in PyTorch's order: input, forget, cell, output.
    hidden_weight : (4 hidden, hidden) array
    bias : (4 hidden,) array or None
        PyTorch has two, of which this is the sum.

    Examples
    --------
    >>> layer = LSTM(3, 5, key=random.key(0))
    >>> layer(np.zeros((7, 2, 3))).shape
    (7, 2, 5)
    """

    input_weight: Array
    hidden_weight: Array
    bias: Array | None
    reverse: bool = static(default=False)

    def __init__(
        self,
        n_in: int,
        hidden: int,
        *,
        key: Array,
        bias: bool = True,
        reverse: bool = False,
        dtype: Any = np.float64,
    ) -> None:
        self.input_weight, self.hidden_weight, self.bias = _initial(key, 4, n_in, hidden, bias, dtype)
        self.reverse = reverse

    def __call__(self, xs: Array, state: tuple[Array, Array] | None = None) -> Array:
        """Return the states h (length, ..., hidden) along a sequence xs (length, ..., n_in)."""
        return self.run(xs, state)[0]

    def run(self, xs: Array, state: tuple[Array, Array] | None = None) -> tuple[Array, tuple[Array, Array]]:
        """Return the states along a sequence, and the last one with its cell.

        Parameters
        ----------
        xs : (length, ..., n_in) array
        state : pair of (..., hidden) arrays, optional
            State and cell before the first step; zeros by default.

        Returns
        -------
        hs : (length, ..., hidden) array
        state : pair of (..., hidden) arrays
        """
        weight = self.input_weight
        require_shape(self, xs, last=(None, weight.shape[1]), argument="the sequence")
        return lstm(xs, weight, self.hidden_weight, self.bias, state=state, reverse=self.reverse)

    def step(self, x: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        """Return state and cell after one more input x (..., n_in)."""
        return lstm_cell(x, state, self.input_weight, self.hidden_weight, self.bias)


class GRU(Module):
    """A network of gated recurrent units.

    Parameters
    ----------
    n_in, hidden : int
        Features of the inputs, and of the state.
    key : random key
        For the initial weights, uniform between ±1/sqrt(hidden).
    bias : bool
    reverse : bool
        Go from the last step to the first.
    dtype : dtype

    Attributes
    ----------
    input_weight : (3 hidden, n_in) array
        Gates in PyTorch's order: reset, update, new.
    hidden_weight : (3 hidden, hidden) array
    bias, hidden_bias : (3 hidden,) array or None
        The reset gate multiplies the second one.

    Examples
    --------
    >>> layer = GRU(3, 5, key=random.key(0))
    >>> layer(np.zeros((7, 2, 3))).shape
    (7, 2, 5)
    """

    input_weight: Array
    hidden_weight: Array
    bias: Array | None
    hidden_bias: Array | None
    reverse: bool = static(default=False)

    def __init__(
        self,
        n_in: int,
        hidden: int,
        *,
        key: Array,
        bias: bool = True,
        reverse: bool = False,
        dtype: Any = np.float64,
    ) -> None:
        first, second = random.split(key)
        self.input_weight, self.hidden_weight, self.bias = _initial(first, 3, n_in, hidden, bias, dtype)
        self.hidden_bias = fan_in_uniform(second, (3 * hidden,), dtype, fan_in=hidden) if bias else None
        self.reverse = reverse

    def __call__(self, xs: Array, h: Array | None = None) -> Array:
        """Return the states (length, ..., hidden) along a sequence xs (length, ..., n_in)."""
        return self.run(xs, h)[0]

    def run(self, xs: Array, h: Array | None = None) -> tuple[Array, Array]:
        """Return the states along a sequence, and the last one.

        Parameters
        ----------
        xs : (length, ..., n_in) array
        h : (..., hidden) array, optional
            Before the first step; zeros by default.

        Returns
        -------
        hs : (length, ..., hidden) array
        h : (..., hidden) array
        """
        weight = self.input_weight
        require_shape(self, xs, last=(None, weight.shape[1]), argument="the sequence")
        return gru(xs, weight, self.hidden_weight, self.bias, self.hidden_bias, h=h, reverse=self.reverse)

    def step(self, x: Array, h: Array) -> Array:
        """Return the state after one more input x (..., n_in)."""
        return gru_cell(x, h, self.input_weight, self.hidden_weight, self.bias, self.hidden_bias)


def _initial(
    key: Array, gates: int, n_in: int, hidden: int, bias: bool, dtype: Any
) -> tuple[Array, Array, Array | None]:
    keys = random.split(key, 3)
    shapes = ((gates * hidden, n_in), (gates * hidden, hidden), (gates * hidden,))
    w, u, b = (fan_in_uniform(k, s, dtype, fan_in=hidden) for k, s in zip(keys, shapes, strict=True))
    return w, u, b if bias else None
