"""The examples of learning hold what they say, and a wrong formula in them is found out."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import wengert as wg

FOLDER = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.usefixtures("machine_code")  # as users run them


@pytest.fixture
def example(monkeypatch):
    """Return what imports an example, where the packages that it names are installed."""
    loaded = ["digits"]  # which another example imports
    monkeypatch.syspath_prepend(FOLDER)

    def load(name, *packages):
        for package in packages:
            pytest.importorskip(package)
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        loaded.append(name)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


def test_every_example_is_in_the_list():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"[{path.stem}]({path.name})" in text for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", ["poisson_network", "neural_ode"])
def test_an_example_holds_and_draws(example, name, tmp_path, capsys):
    assert example(name).main(["--figure", str(tmp_path / "figure.png")]) == 0
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.strip()


def test_laplacian_is_that_of_the_solution(example):
    e = example("poisson_network")
    x, y = e.grid(7)
    # Each of the terms is 5 pi^2 = 49 large at most, and sines are exact to half an ulp of 1.
    assert np.allclose(e.laplacian(e.exact, x, y), e.source(x, y), rtol=0, atol=49 * 16 * np.finfo(float).eps)


def test_the_path_is_that_of_a_turning_field(example):
    """On a linear field z (a + b J) the path is exp(a t) times a turn by b t, to the solver's tolerance."""
    e = example("neural_ode")
    time = 16 * e.BETWEEN
    c, s = np.cos(2.0 * time), np.sin(2.0 * time)
    exact = np.exp(-0.1 * time) * e.START @ np.array([[c, s], [-s, c]])
    errors = [np.linalg.norm(e.path(lambda z: z @ e.TURN, 16, rtol)[-1] - exact) for rtol in (1e-4, 1e-8)]
    assert errors[0] < 1e-3
    assert errors[1] < 1e-7


def test_both_ways_to_differentiate_a_path_agree_to_tolerances(example):
    e = example("neural_ode")
    model, data = e.network(wg.random.key(0)), e.truth(20)
    assert e.gradients_apart(model, data, 1e-4) < 1e-2
    assert e.gradients_apart(model, data, 1e-9) < 1e-6


def test_standard_errors_are_those_of_statsmodels(example, capsys):
    e = example("standard_errors", "statsmodels")
    assert e.main() == 0
    assert "Digits that agree" in capsys.readouterr().out


def test_poisson_hessian_is_the_weighted_gram_matrix(example):
    e = example("standard_errors", "statsmodels")
    random = np.random.default_rng(0)
    x, y, beta = random.normal(size=(20, 3)), random.poisson(2.0, 20).astype(float), random.normal(size=3)
    exact = x.T @ (np.exp(x @ beta)[:, None] * x)
    assert np.allclose(wg.hessian(e.poisson)(beta, x, y), exact, rtol=1e-13, atol=0)


def test_gaussian_process_holds(example, tmp_path, capsys):
    e = example("gaussian_process", "statsmodels", "matplotlib")
    assert e.main(["--figure", str(tmp_path / "co2.png")]) == 0
    assert (tmp_path / "co2.png").read_bytes().startswith(b"\x89PNG")
    assert "months ahead" in capsys.readouterr().out


def test_variational_posterior_is_the_exact_one(example, capsys):
    assert example("variational_inference", "statsmodels").main() == 0
    assert "Kullback-Leibler" in capsys.readouterr().out


def test_gradient_of_the_bound_vanishes_at_the_posterior_for_every_draw(example):
    """Where q is the posterior, log p - log q is constant, so that the path of each draw has no slope (Roeder 2017)."""
    e = example("variational_inference", "statsmodels")
    _, x, y = e.load()
    right = e.exact(x, y)
    lower = np.linalg.cholesky(right.covariance)
    q = {"mean": right.mean, "below": lower, "diagonal": np.log(np.diag(lower))}
    draws = np.random.default_rng(1).normal(size=(1, 4))
    for name, slope in wg.grad(e.bound)(q, draws, x, y).items():
        # Terms of the size of x^T y / s^2, about 1e3, cancel; the condition number of the covariance is about 10.
        assert np.max(np.abs(slope)) < 1e5 * np.finfo(float).eps, name


def test_digits_are_recognised(example, tmp_path, capsys):
    e = example("digits", "sklearn", "matplotlib")
    pictures = [tmp_path / "mistakes.png", tmp_path / "curve.png"]
    assert e.main(["--figure", str(pictures[0]), "--curve", str(pictures[1])]) == 0
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert "right" in capsys.readouterr().out


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_the_same_network_in_pytorch_has_the_same_losses(example, dtype, atol):
    e = example("digits", "sklearn", "torch")
    data, weights = e.load(dtype), e.start(dtype)
    compiled = e.train(data, weights, 5)[1][:100]
    plain = e.train(data, weights, 5, compiler=lambda fun: fun)[1][:100]
    theirs = e.train_in_torch(data, weights, 5)[:100]
    close = partial(np.allclose, rtol=0, atol=atol)
    assert len(theirs) == 100
    assert close(compiled, theirs)
    assert close(plain, theirs)


def test_digits_are_recognised_by_convolutions(example, tmp_path, capsys):
    e = example("digits_convolutional", "sklearn", "matplotlib")
    pictures = [tmp_path / "mistakes.png", tmp_path / "curves.png"]
    options = ["--seeds", "1", "--epochs", "12", "--mistakes", str(pictures[0]), "--curves", str(pictures[1])]
    assert e.main(options) == 0
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert "in the mean" in capsys.readouterr().out


def test_sunspots_are_forecast_better_than_by_linear_models(example, tmp_path, capsys):
    e = example("sunspots", "statsmodels", "matplotlib")
    assert e.main(["--figure", str(tmp_path / "sunspots.png")]) == 0
    assert (tmp_path / "sunspots.png").read_bytes().startswith(b"\x89PNG")
    assert "test" in capsys.readouterr().out


def test_forecasts_see_no_year_that_they_forecast(example):
    e = example("sunspots", "statsmodels")
    series = e.load(1950, 1980)
    last = series.forecasts(lambda lags: lags[:, -1], 3)
    mean, deviation = series.scale()
    assert last.shape == (30, e.AHEAD)
    # Roots are scaled and scaled back: a few roundings of terms as large as mean and deviation.
    exact = np.repeat(series.numbers[249:279, np.newaxis], e.AHEAD, axis=1)
    assert np.allclose(last, exact, rtol=0, atol=32 * np.finfo(float).eps * (mean + 5 * deviation) ** 2)
    lags, following = series.examples(3)
    assert len(following) == 250 - 3
    assert np.array_equal(lags[1:, -1], following[:-1])
    changed = e.Series(np.where(np.arange(280) < 260, series.numbers, 0), 1700, 1950)
    assert np.array_equal(
        changed.forecasts(e.linear(changed), 22)[:11], series.forecasts(e.linear(series), 22)[:11]
    )
    assert not np.array_equal(
        changed.forecasts(e.linear(changed), 22)[11], series.forecasts(e.linear(series), 22)[11]
    )


def test_a_sine_is_autoregressive(example):
    """x_t = 2 cos(w) x_(t-1) - x_(t-2) about its mean, so that two lags forecast it exactly, any time ahead."""
    e = example("sunspots", "statsmodels")
    numbers = (5 + np.sin(2 * np.pi * np.arange(300) / 11)) ** 2
    series = e.Series(numbers, 1700, 1950)
    # Each step ahead adds errors of rounding, of a condition number of least squares about 10, that do not grow.
    assert np.max(series.errors(series.forecasts(e.linear(series, 2), 2))) < 1e4 * np.finfo(float).eps * 36


def test_a_generator_comes_nearer_to_the_ring(example, tmp_path):
    e = example("wasserstein_gan", "matplotlib")
    generator, critic, _ = e.start()
    before, trained = e.quality(generator, e.settled(critic)), e.train(rounds=150)
    critic = e.settled(trained.critic)
    after = e.quality(trained.generator, critic)
    assert after.distance < before.distance / 2
    # The singular value of each layer is exact to some roundings once power iteration has ended.
    assert e.stretch(critic) < 1 + 1e3 * np.finfo(float).eps
    e.draw(trained, tmp_path / "ring.png")
    assert (tmp_path / "ring.png").read_bytes().startswith(b"\x89PNG")


def test_no_critic_that_is_1_lipschitz_sees_more_than_the_distance(example):
    """Kantorovich's duality, which a critic without spectral normalization breaks."""
    e = example("wasserstein_gan")
    generator, critic, _ = e.start()
    found = e.quality(generator, e.settled(critic))
    assert abs(found.gap) <= found.distance
    steep = e.quality(generator, lambda x: 3 * np.linalg.norm(x, axis=1))
    assert abs(steep.gap) > steep.distance
