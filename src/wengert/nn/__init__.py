"""Neural networks: functions of arrays, and modules that hold their parameters."""

from wengert.nn.activations import (
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    logsumexp,
    one_hot,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
)
from wengert.nn.attention import attention, rope
from wengert.nn.convolution import conv, conv_transpose
from wengert.nn.dropout import dropout
from wengert.nn.embedding import embedding
from wengert.nn.frozen import frozen, unfrozen
from wengert.nn.initializers import (
    fan_in_uniform,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    orthogonal,
)
from wengert.nn.key_value_cache import KeyValueCache
from wengert.nn.layers.attention import MultiHeadAttention
from wengert.nn.layers.batch_norm import BatchNorm
from wengert.nn.layers.containers import Flatten, Lambda, Residual, Sequential
from wengert.nn.layers.convolution import Conv, ConvTranspose
from wengert.nn.layers.dropout import Dropout
from wengert.nn.layers.embedding import Embedding
from wengert.nn.layers.linear import Linear
from wengert.nn.layers.normalization import GroupNorm, LayerNorm, RMSNorm
from wengert.nn.layers.pooling import AvgPool, MaxPool
from wengert.nn.layers.recurrent import GRU, LSTM, RNN
from wengert.nn.layers.spectral_norm import SpectralNorm
from wengert.nn.layers.transformer import TransformerBlock
from wengert.nn.losses import binary_cross_entropy, cross_entropy, hinge, huber, kl_div, l1, mse, nll
from wengert.nn.module import Module, buffer, modules_of, static
from wengert.nn.normalization import batch_norm, batch_statistics, group_norm, layer_norm, rms_norm
from wengert.nn.partition import combine, filter, is_trainable, partition
from wengert.nn.pooling import adaptive_pool, avg_pool, max_pool
from wengert.nn.recurrent import gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell
from wengert.nn.shapes import ShapeError
from wengert.nn.spectral import spectral_norm
from wengert.nn.summary import Summary, summary
from wengert.nn.torch_weights import load_torch
from wengert.nn.weights import load, save

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "KeyValueCache",
    "Lambda",
    "LayerNorm",
    "Linear",
    "MaxPool",
    "Module",
    "MultiHeadAttention",
    "RMSNorm",
    "Residual",
    "Sequential",
    "ShapeError",
    "SpectralNorm",
    "Summary",
    "TransformerBlock",
    "adaptive_pool",
    "attention",
    "avg_pool",
    "batch_norm",
    "batch_statistics",
    "binary_cross_entropy",
    "buffer",
    "combine",
    "conv",
    "conv_transpose",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "fan_in_uniform",
    "filter",
    "frozen",
    "gelu",
    "glorot_normal",
    "glorot_uniform",
    "glu",
    "group_norm",
    "gru",
    "gru_cell",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "he_normal",
    "he_uniform",
    "hinge",
    "huber",
    "is_trainable",
    "kl_div",
    "l1",
    "layer_norm",
    "leaky_relu",
    "lecun_normal",
    "load",
    "load_torch",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "lstm",
    "lstm_cell",
    "max_pool",
    "modules_of",
    "mse",
    "nll",
    "one_hot",
    "orthogonal",
    "partition",
    "relu",
    "relu6",
    "rms_norm",
    "rnn",
    "rnn_cell",
    "rope",
    "save",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "spectral_norm",
    "static",
    "summary",
    "unfrozen",
]
