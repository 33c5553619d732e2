"""How PyTorch names and keeps what is in a layer: one function for each class of layers.

Everything that is not named here has the same name and layout in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from wengert.nn.layers.attention import MultiHeadAttention
from wengert.nn.layers.batch_norm import BatchNorm
from wengert.nn.layers.containers import Residual, Sequential
from wengert.nn.layers.normalization import GroupNorm, LayerNorm, RMSNorm
from wengert.nn.layers.recurrent import GRU, LSTM, RNN
from wengert.nn.layers.transformer import TransformerBlock
from wengert.nn.module import Module

__all__ = ["FORMS", "Form"]


class Form(NamedTuple):
    """How PyTorch keeps what a module has at a path of its own.

    Attributes
    ----------
    path : str
        Of a leaf or a module in the module, with dots.
    name : str
        PyTorch's; empty where it has no name for that level.
    convert : callable, optional
        From PyTorch's array, and those of `others`, to the module's.
    others : tuple of str
        Further arrays of PyTorch's.
    """

    path: str
    name: str
    convert: Callable[..., Any] | None = None
    others: tuple[str, ...] = ()


def _batch_norm(_: BatchNorm) -> list[Form]:
    return [*_scale(_), Form("mean", "running_mean"), Form("variance", "running_var")]


def _scale(_: Module) -> list[Form]:
    return [Form("scale", "weight")]


def _recurrent(_: Module) -> list[Form]:
    # PyTorch adds two biases where one would do
    return [
        Form("input_weight", "weight_ih_l0"),
        Form("hidden_weight", "weight_hh_l0"),
        Form("bias", "bias_ih_l0", lambda b, c: b + c, ("bias_hh_l0",)),
    ]


def _gru(_: GRU) -> list[Form]:
    return [*_recurrent(_)[:2], Form("bias", "bias_ih_l0"), Form("hidden_bias", "bias_hh_l0")]


def _part(k: int) -> Callable[[Any], Any]:
    """Return the function that takes the k-th third of an array: queries, keys, values."""

    def third(x: Any) -> Any:
        n = x.shape[0] // 3
        return x[k * n : (k + 1) * n]

    return third


def _attention(_: MultiHeadAttention) -> list[Form]:
    forms = [Form("output", "out_proj")]
    for k, field in enumerate(("query", "key", "value")):
        forms += [
            Form(f"{field}.weight", "in_proj_weight", _part(k)),
            Form(f"{field}.bias", "in_proj_bias", _part(k)),
        ]
    return forms


def _transformer(_: TransformerBlock) -> list[Form]:
    return [
        Form("attention", "self_attn"),
        Form("attention_norm", "norm1"),
        Form("first", "linear1"),
        Form("second", "linear2"),
        Form("hidden_norm", "norm2"),
    ]


def _sequential(_: Sequential) -> list[Form]:
    return [Form("layers", "")]


def _residual(_: Residual) -> list[Form]:
    return [Form("body", "")]  # PyTorch has no such layer: models add by hand


FORMS: dict[type[Module], Callable[[Any], list[Form]]] = {
    BatchNorm: _batch_norm,
    GRU: _gru,
    GroupNorm: _scale,
    LSTM: _recurrent,
    LayerNorm: _scale,
    MultiHeadAttention: _attention,
    RMSNorm: _scale,
    RNN: _recurrent,
    Residual: _residual,
    Sequential: _sequential,
    TransformerBlock: _transformer,
}
