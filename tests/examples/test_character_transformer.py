"""The character transformer learns more than counts tell, and writes one text in three ways."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg

PATH = Path(__file__).parents[2] / "examples" / "character_transformer.py"

pytestmark = pytest.mark.usefixtures("machine_code")  # as users run it


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location(PATH.stem, PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[PATH.stem] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[PATH.stem]


@pytest.fixture(scope="module")
def trained(example):
    """A model after about 90 steps, which are enough to leave single characters behind."""
    text, tested = example.load()
    return *example.train(text[:96_000], tested[:9_000], 1, progress=False), text[:96_000], tested[:9_000]


def test_the_loss_is_less_than_that_of_counted_characters(example, trained):
    _, history, text, tested = trained
    unigram, bigram = example.counted(text, tested)
    assert bigram < unigram < np.log2(len(example.CHARACTERS))
    assert history["validation bits"][-1] < unigram - 0.3
    # The first loss is that of nearly even scores: their variance is 1, which adds half a nat.
    assert history.losses[0] == pytest.approx(np.log(len(example.CHARACTERS)) + 0.5, abs=0.5)


def test_all_ways_write_the_same_for_the_same_key(example, trained):
    model, prompt = trained[0], example.encoded("The ")
    found = example.rates(model, prompt, wg.random.key(3), 0.8)
    texts = {text for text, _ in found.values()}
    assert len(texts) == 1
    assert len(texts.pop()) == example.CONTEXT
    assert example.decoded(example.Writing().all(model, prompt, wg.random.key(4), 0.8)) not in texts
    anew, _, loop = (rate for _, rate in found.values())
    assert loop > 3 * anew  # about 50 times, and it does a hundredth of the operations


def test_scores_with_caches_are_those_without(example, trained):
    model, text = trained[0], trained[2][: example.CONTEXT]
    step = wg.jit(lambda model, text, caches: model(text, caches))
    caches, rows = model.empty_caches(), []
    for i in range(example.CONTEXT):
        scores, caches = step(model, text[i : i + 1], caches)
        rows.append(scores[0])
    assert step.cache_info().misses == 1
    # Single precision: sums of up to 256 products through two blocks, of scores of size 10.
    np.testing.assert_allclose(rows, model(text), rtol=0, atol=10 * 256 * np.finfo(np.float32).eps)


def test_cold_texts_are_the_likeliest(example, trained):
    model, prompt = trained[0], example.encoded("The ")
    cold = [example.Writing().all(model, prompt, wg.random.key(n), 1e-6) for n in range(2)]
    np.testing.assert_array_equal(*cold)
    place = len(prompt)
    assert cold[0][place] == np.argmax(model(prompt)[-1])


def test_a_text_goes_on_when_the_caches_are_full(example, trained):
    model, half = trained[0], example.CONTEXT // 2
    begun = example.encoded("The statement is. " * 20)[: example.CONTEXT]
    text = example.continued(model, begun, 2, wg.random.key(3), 0.8)
    assert len(text) == example.CONTEXT + 2 * half
    np.testing.assert_array_equal(text[: example.CONTEXT], begun)
    assert not np.array_equal(text[-2 * half : -half], text[-half:])
    cold = example.continued(model, begun, 1, wg.random.key(3), 1e-6)
    assert cold[example.CONTEXT] == np.argmax(model(begun[-half:])[-1])


def test_characters_have_numbers(example):
    text = "if x:\n    y = '~'\t→"
    assert example.decoded(example.encoded(text)) == "if x:\n    y = '~'\n?"
    assert set(example.encoded("".join(map(chr, range(256))))) == set(range(len(example.CHARACTERS)))


def test_counts_are_those_of_a_source_that_is_known(example):
    """Of a text of two characters, even and independent, nothing predicts the next one: it has one bit."""
    random = np.random.default_rng(0)
    text, tested = (random.integers(2, size=100_000) for _ in range(2))
    assert example.counted(text, tested) == pytest.approx((1.0, 1.0), abs=1e-2)
    turns = np.arange(100_000) % 2  # here the one before tells all
    assert example.counted(turns, turns) == pytest.approx((1.0, 0.0), abs=1e-2)


def test_the_program_reports_and_draws(example, trained, monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    model, history, text, tested = trained
    monkeypatch.setattr(example, "load", lambda: (text, tested))
    monkeypatch.setattr(example, "train", lambda *_: (model, history))
    figure, same = tmp_path / "loss.png", {"a": ("The [text]", 1.0), "b": ("The [text]", 2.0)}
    for bigram, found, code in ((4.5, same, 0), (1.0, same, 1), (4.5, {**same, "c": ("An", 3.0)}, 1)):
        monkeypatch.setattr(example, "counted", lambda *_, bigram=bigram: (5.0, bigram))
        monkeypatch.setattr(example, "rates", lambda *_, found=found: found)
        assert example.main(["--figure", str(figure)]) == code
        assert "\nThe [text]" in capsys.readouterr().out
    assert figure.read_bytes().startswith(b"\x89PNG")
