"""The functions against PyTorch's, values and gradients, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn

torch = pytest.importorskip("torch")
F = torch.nn.functional

RNG = np.random.default_rng(13)
X = RNG.normal(size=(4, 6)) * 3
LABELS = np.array([5, 0, 2, 2])
WEIGHTS = RNG.random(6)
PROBABILITIES = RNG.dirichlet(np.ones(6), 4)
OTHER = RNG.normal(size=(4, 6))
IMAGES = RNG.normal(size=(2, 4, 9, 8))
SCALE, BIAS = RNG.normal(size=(2, 4))
Q = RNG.normal(size=(2, 4, 5, 6))
K, V = RNG.normal(size=(2, 2, 2, 5, 6))
SEEN = RNG.random((5, 5)) < 0.7
SEEN[:, 0] = True


def t(x):
    return torch.tensor(x)


def compare(ours, theirs, *arguments):
    """Values, and gradients of a sum with random weights, in float64."""
    y = ours(*arguments)
    weights = RNG.normal(size=np.shape(y))
    slopes = wg.grad(lambda *a: np.sum(weights * ours(*a)), tuple(range(len(arguments))))(*arguments)
    tensors = [torch.tensor(x, requires_grad=True) for x in arguments]
    z = theirs(*tensors)
    (z * t(weights)).sum().backward()
    # Both round sums of at most a few hundred terms of size 1 to 100.
    np.testing.assert_allclose(y, z.detach().numpy(), rtol=1e-12, atol=1e-13)
    for slope, tensor in zip(slopes, tensors, strict=True):
        np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=1e-11, atol=1e-12)


ELEMENTWISE = {
    "relu": (nn.relu, F.relu),
    "relu6": (nn.relu6, F.relu6),
    "leaky_relu": (nn.leaky_relu, F.leaky_relu),
    "elu": (nn.elu, F.elu),
    "selu": (nn.selu, F.selu),
    "gelu": (nn.gelu, F.gelu),
    "gelu of tanh": (lambda x: nn.gelu(x, approximate=True), lambda x: F.gelu(x, approximate="tanh")),
    "silu": (nn.silu, F.silu),
    "softplus": (nn.softplus, lambda x: torch.logaddexp(x, torch.zeros_like(x))),  # F.softplus cuts off at 20
    "sigmoid": (nn.sigmoid, torch.sigmoid),
    "log_sigmoid": (nn.log_sigmoid, F.logsigmoid),
    "glu": (nn.glu, F.glu),
    "hard_tanh": (nn.hard_tanh, F.hardtanh),
    "hard_sigmoid": (
        nn.hard_sigmoid,
        lambda x: torch.clamp(x / 6 + 0.5, 0, 1),
    ),  # F.hardsigmoid's slope is a float32
    "hard_silu": (nn.hard_silu, F.hardswish),
    "softmax": (nn.softmax, lambda x: F.softmax(x, -1)),
    "log_softmax": (nn.log_softmax, lambda x: F.log_softmax(x, -1)),
    "logsumexp": (nn.logsumexp, lambda x: torch.logsumexp(x, -1)),
    "rms_norm": (lambda x: nn.rms_norm(x, epsilon=1e-6), lambda x: F.rms_norm(x, (6,), eps=1e-6)),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations(name):
    compare(*ELEMENTWISE[name], X)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy(reduction, smoothing, weights):
    how = {
        "reduction": reduction,
        "label_smoothing": smoothing,
        "weight": None if weights is None else t(weights),
    }
    ours = {"reduction": reduction, "smoothing": smoothing, "weights": weights}
    compare(lambda x: nn.cross_entropy(x, LABELS, **ours), lambda x: F.cross_entropy(x, t(LABELS), **how), X)
    compare(
        lambda x, p: nn.cross_entropy(x, p, **ours),
        lambda x, p: F.cross_entropy(x, p, **how),
        X,
        PROBABILITIES,
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(reduction):
    how = {"reduction": reduction}
    compare(lambda p, q: nn.mse(p, q, **how), lambda p, q: F.mse_loss(p, q, **how), X, OTHER)
    compare(lambda p, q: nn.l1(p, q, **how), lambda p, q: F.l1_loss(p, q, **how), X, OTHER)
    compare(
        lambda p, q: nn.huber(p, q, 0.7, **how), lambda p, q: F.huber_loss(p, q, delta=0.7, **how), X, OTHER
    )
    compare(
        lambda x, p: nn.binary_cross_entropy(x, p, **how),
        lambda x, p: F.binary_cross_entropy_with_logits(x, p, **how),
        X,
        PROBABILITIES,
    )
    compare(
        lambda x: nn.nll(x, LABELS, weights=WEIGHTS, **how),
        lambda x: F.nll_loss(x, t(LABELS), weight=t(WEIGHTS), **how),
        X,
    )
    if reduction != "none":
        compare(
            lambda q: nn.kl_div(q, PROBABILITIES, **how),
            lambda q: F.kl_div(q, t(PROBABILITIES), reduction="batchmean" if reduction == "mean" else "sum"),
            nn.log_softmax(X),
        )


GEOMETRIES = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (2, 1), "padding": (2, 0), "dilation": (1, 2)},
    {"groups": 2, "padding": 1},
    {"padding": "same", "dilation": 2},
]


@pytest.mark.parametrize("how", GEOMETRIES, ids=str)
def test_conv(how):
    w = RNG.normal(size=(6, 4 // how.get("groups", 1), 3, 2))
    compare(lambda *a: nn.conv(*a, **how), lambda *a: F.conv2d(*a, **how), IMAGES, w, RNG.normal(size=6))


@pytest.mark.parametrize("how", [*GEOMETRIES[:4], {"stride": 3, "output_padding": (1, 2)}], ids=str)
def test_conv_transpose(how):
    w = RNG.normal(size=(4, 6 // how.get("groups", 1), 3, 2))
    compare(
        lambda *a: nn.conv_transpose(*a, **how),
        lambda *a: F.conv_transpose2d(*a, **how),
        IMAGES,
        w,
        RNG.normal(size=6),
    )


@pytest.mark.parametrize("rank", [1, 3])
def test_conv_of_other_ranks(rank):
    x, w, b = RNG.normal(size=(2, 2, *[5] * rank)), RNG.normal(size=(3, 2, *[2] * rank)), RNG.normal(size=3)
    theirs = F.conv1d if rank == 1 else F.conv3d
    compare(lambda *a: nn.conv(*a, stride=2, padding=1), lambda *a: theirs(*a, stride=2, padding=1), x, w, b)


@pytest.mark.parametrize("how", [{}, {"stride": 2}, {"stride": 1, "padding": 1}], ids=str)
def test_pools(how):
    compare(lambda x: nn.max_pool(x, 3, **how), lambda x: F.max_pool2d(x, 3, **how), IMAGES)
    compare(lambda x: nn.avg_pool(x, 3, **how), lambda x: F.avg_pool2d(x, 3, **how), IMAGES)
    compare(
        lambda x: nn.avg_pool(x, 3, count_padding=False, **how),
        lambda x: F.avg_pool2d(x, 3, count_include_pad=False, **how),
        IMAGES,
    )
    compare(lambda x: nn.adaptive_pool(x, (4, 3)), lambda x: F.adaptive_avg_pool2d(x, (4, 3)), IMAGES)


def test_norms():
    compare(
        lambda x, s, b: nn.batch_norm(x, s, b),
        lambda x, s, b: F.batch_norm(x, None, None, s, b, training=True),
        IMAGES,
        SCALE,
        BIAS,
    )
    mean, variance = RNG.normal(size=4), RNG.random(4)
    compare(
        lambda x, s, b: nn.batch_norm(x, s, b, mean=mean, variance=variance),
        lambda x, s, b: F.batch_norm(x, t(mean), t(variance), s, b),
        IMAGES,
        SCALE,
        BIAS,
    )
    compare(
        lambda *a: nn.group_norm(a[0], 2, *a[1:]),
        lambda *a: F.group_norm(a[0], 2, *a[1:]),
        IMAGES,
        SCALE,
        BIAS,
    )
    s, b = RNG.normal(size=(2, 9, 8))
    compare(
        lambda *a: nn.layer_norm(*a, axes=(-2, -1)),
        lambda *a: F.layer_norm(a[0], (9, 8), *a[1:]),
        IMAGES,
        s,
        b,
    )


@pytest.mark.parametrize("block", [None, 2])
@pytest.mark.parametrize("how", ["plain", "causal", "mask", "bias"])
def test_attention(how, block):
    ours = {"causal": how == "causal", "mask": SEEN if how == "mask" else None, "block": block}
    bias = RNG.normal(size=(4, 5, 5)) if how == "bias" else None
    mask = t(SEEN) if how == "mask" else None if bias is None else t(bias)
    compare(
        lambda q, k, v: nn.attention(q, k, v, bias=bias, **ours),
        lambda q, k, v: F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=how == "causal", enable_gqa=True
        ),
        Q,
        K,
        V,
    )


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent_networks(kind):
    module = getattr(torch.nn, kind)(3, 2).double()
    w, u, b, c = (p.detach().numpy() for p in module.parameters())
    xs = RNG.normal(size=(5, 4, 3))

    def theirs(xs, w, u, b, c):
        named = {"weight_ih_l0": w, "weight_hh_l0": u, "bias_ih_l0": b, "bias_hh_l0": c}
        return torch.func.functional_call(module, named, (xs,))[0]

    def ours(xs, w, u, b, c):
        if kind == "GRU":
            return nn.gru(xs, w, u, b, c)[0]
        return (nn.lstm if kind == "LSTM" else nn.rnn)(xs, w, u, b + c)[0]

    compare(ours, theirs, xs, w, u, b, c)


def test_spectral_norm():
    module = torch.nn.utils.spectral_norm(torch.nn.Linear(6, 4).double())
    w, u = module.weight_orig.detach().numpy().copy(), module.weight_u.numpy().copy()
    c = RNG.normal(size=w.shape)
    module(torch.zeros(1, 6).double())
    (module.weight * t(c)).sum().backward()
    y, new = nn.spectral_norm(w, u)
    np.testing.assert_allclose(y, module.weight.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(new, module.weight_u.numpy(), rtol=1e-12)
    slope = wg.grad(lambda w: np.sum(c * nn.spectral_norm(w, u)[0]))(w)
    np.testing.assert_allclose(slope, module.weight_orig.grad.numpy(), rtol=1e-11, atol=1e-12)
