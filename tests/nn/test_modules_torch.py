"""The layers beside PyTorch's: same weights, same outputs, same gradients, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random, tree
from wengert.nn.torch_weights import from_state

torch = pytest.importorskip("torch")

KEY = random.key(1)
RNG = np.random.default_rng(3)

# Relative to the largest entry: sums of at most some hundred terms, in an order of their own.
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def images(n=4):
    return RNG.normal(size=(3, n, 9, 8))


def sequence():
    return RNG.normal(size=(5, 3, 8))


def first(y):
    return y[0] if isinstance(y, tuple) else y


def block(**options):
    return torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, **options)


# name -> (PyTorch's layer, ours of a dtype, input)
PAIRS = {
    "Linear": (lambda: torch.nn.Linear(8, 3), lambda d: nn.Linear(8, 3, key=KEY, dtype=d), sequence()),
    "Conv": (
        lambda: torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2),
        lambda d: nn.Conv(4, 6, 3, key=KEY, stride=2, padding=1, dilation=2, groups=2, dtype=d),
        images(),
    ),
    "ConvTranspose": (
        lambda: torch.nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        lambda d: nn.ConvTranspose(
            4, 6, 3, key=KEY, stride=2, padding=1, output_padding=1, groups=2, dtype=d
        ),
        images(),
    ),
    "LayerNorm": (lambda: torch.nn.LayerNorm(8), lambda d: nn.LayerNorm(8, dtype=d), sequence()),
    "RMSNorm": (
        lambda: torch.nn.RMSNorm(8, eps=1e-6),
        lambda d: nn.RMSNorm(8, dtype=d),
        sequence(),
    ),
    "GroupNorm": (lambda: torch.nn.GroupNorm(2, 4), lambda d: nn.GroupNorm(2, 4, dtype=d), images()),
    "BatchNorm": (lambda: torch.nn.BatchNorm2d(4), lambda d: nn.BatchNorm(4, dtype=d), images()),
    "MaxPool": (lambda: torch.nn.MaxPool2d(3, 2), lambda d: nn.MaxPool(3, stride=2), images()),
    "AvgPool": (lambda: torch.nn.AvgPool2d(2), lambda d: nn.AvgPool(2), images()),
    "RNN": (lambda: torch.nn.RNN(8, 5), lambda d: nn.RNN(8, 5, key=KEY, dtype=d), sequence()),
    "LSTM": (lambda: torch.nn.LSTM(8, 5), lambda d: nn.LSTM(8, 5, key=KEY, dtype=d), sequence()),
    "GRU": (lambda: torch.nn.GRU(8, 5), lambda d: nn.GRU(8, 5, key=KEY, dtype=d), sequence()),
    "TransformerBlock": (
        lambda: block(norm_first=True, activation="gelu"),
        lambda d: nn.TransformerBlock(8, 2, hidden=16, key=KEY, dtype=d),
        sequence(),
    ),
    "norm behind": (
        block,
        lambda d: nn.TransformerBlock(
            8, 2, hidden=16, activation=nn.relu, norm_first=False, key=KEY, dtype=d
        ),
        sequence(),
    ),
    "Sequential": (
        lambda: torch.nn.Sequential(
            torch.nn.Conv2d(4, 6, 3),
            torch.nn.BatchNorm2d(6),
            torch.nn.SiLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(54, 2),
        ),
        lambda d: nn.Sequential(
            nn.Conv(4, 6, 3, key=KEY, dtype=d),
            nn.BatchNorm(6, dtype=d),
            nn.silu,
            nn.MaxPool(2),
            nn.Flatten(),
            nn.Linear(54, 2, key=KEY, dtype=d),
        ),
        images(),
    ),
}


def close(ours, theirs, dtype):
    theirs = theirs.detach().numpy() if hasattr(theirs, "detach") else theirs
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE[dtype] * max(np.abs(theirs).max(), 1.0))


def state(module):
    return {name: x.detach().numpy().copy() for name, x in module.state_dict().items()}


def gradients(module):
    found = {name: x.detach().numpy() * 0 for name, x in module.state_dict().items()}
    found.update({name: p.grad.numpy() for name, p in module.named_parameters()})
    # the two biases of PyTorch's are one here, but in a GRU: each has the whole derivative
    once = "" if isinstance(module, torch.nn.GRU) else "bias_hh"
    return {name: x * 0.0 if once and name.startswith(once) else x for name, x in found.items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("training", [False, True])
def test_outputs_and_gradients_are_pytorchs(name, dtype, training):
    make_theirs, make_ours, x = PAIRS[name]
    torch.manual_seed(0)
    theirs = make_theirs().to(getattr(torch, dtype.__name__)).train(training)
    ours = from_state(state(theirs), make_ours(dtype))
    x = x.astype(dtype)
    leaf = torch.tensor(x, requires_grad=True)
    y = first(theirs(leaf))
    weights = np.cos(np.arange(y.numel())).reshape(y.shape).astype(dtype)
    (y * torch.tensor(weights)).sum().backward()

    def loss(model, x):
        out = model.train(x)[0] if training else model(x)
        return np.sum(out * weights), out

    (_, out), (g, x_bar) = wg.value_and_grad(loss, argnums=(0, 1), has_aux=True)(ours, x)
    close(out, y, dtype)
    close(x_bar, leaf.grad, dtype)
    if tree.flatten(ours)[0]:
        expected = nn.filter(from_state(gradients(theirs), ours))
        for a, b in zip(tree.flatten(nn.filter(g))[0], tree.flatten(expected)[0], strict=True):
            close(a, b, dtype)


def test_running_averages_are_pytorchs():
    theirs, ours = torch.nn.BatchNorm2d(4).double(), nn.BatchNorm(4)
    for _ in range(3):
        x = images()
        theirs(torch.tensor(x))
        _, ours = ours.train(x)
    close(ours.mean, theirs.running_mean, np.float64)
    close(ours.variance, theirs.running_var, np.float64)


def test_embeddings_are_pytorchs():
    theirs = torch.nn.Embedding(10, 4).double()
    ours = from_state(state(theirs), nn.Embedding(10, 4, key=KEY))
    words = np.array([[1, 2, 9], [0, 1, 1]])
    np.testing.assert_array_equal(ours(words), theirs(torch.tensor(words)).detach().numpy())


def test_a_step_of_training_is_pytorchs():
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)).double()
    ours = from_state(
        state(theirs), nn.Sequential(nn.Linear(8, 16, key=KEY), np.tanh, nn.Linear(16, 3, key=KEY))
    )
    x, target = RNG.normal(size=(20, 8)), RNG.normal(size=(20, 3))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    step = wg.jit(wg.value_and_grad(lambda m: np.mean((m(x) - target) ** 2)))
    for _ in range(100):
        optimizer.zero_grad()
        loss = ((theirs(torch.tensor(x)) - torch.tensor(target)) ** 2).mean()
        loss.backward()
        optimizer.step()
        value, g = step(ours)
        assert abs(value - loss.item()) <= 1e-11 * loss.item()
        ours = tree.map_leaves(lambda w, d: w - 0.1 * d, ours, g)
