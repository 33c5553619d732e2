"""A transformer learns to write Python's documentation, one character after the other.

The text is what `help()` shows about the language, 460 000 characters of the module `pydoc_data.topics`, of which the
last tenth is kept for validation. The model has rotary attention and shares its embedding with the output layer; its
loss, in bits per character, stands beside those of counted characters and counted pairs of characters. Then it writes:
with keys and values kept in a cache, a character costs one place of the model and not all of them, and the text is the
same for the same random key.

    python examples/character_transformer.py [--figure loss.png] [--epochs 6] [--temperature 0.7]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from pydoc_data import topics
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import wengert as wg
from wengert import nn, optim

CONTEXT, WIDTH, HEADS, BLOCKS = 128, 64, 4, 2
BATCH, RATE = 8, 4e-3
CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
PROMPT, PARTS = "The statement", 8


class Writer(nn.Module):
    """A transformer over characters: scores of the next one, for each place of a text."""

    characters: nn.Embedding
    blocks: tuple[nn.TransformerBlock, ...]
    norm: nn.LayerNorm

    def __call__(self, text: Any, caches: Any = None) -> Any:
        """Return scores (..., length, characters) of what follows each place; and, given caches, the next ones."""
        x, kept = self.characters(text), []
        for i, block in enumerate(self.blocks):
            if caches is None:
                x = block(x, causal=True)
            else:
                x, cache = block(x, cache=caches[i])
                kept.append(cache)
        scores = self.characters.scores(self.norm(x))
        return scores if caches is None else (scores, kept)

    def empty_caches(self) -> list[nn.KeyValueCache]:
        """Return a cache for each block, with room for a text."""
        return [block.empty_cache(CONTEXT) for block in self.blocks]


def start(seed: int = 0, dtype: Any = np.float32) -> Writer:
    """Return a model with random weights."""
    first, *keys = wg.random.split(wg.random.key(seed), BLOCKS + 1)
    return Writer(
        nn.Embedding(len(CHARACTERS), WIDTH, key=first, dtype=dtype, initializer=nn.lecun_normal),
        tuple(nn.TransformerBlock(WIDTH, HEADS, key=key, rotary=True, dtype=dtype) for key in keys),
        nn.LayerNorm(WIDTH, dtype=dtype),
    )


def loss(model: Writer, windows: Any) -> tuple[Any, dict[str, Any]]:
    """Return the mean cross-entropy of each next character, and the same in bits."""
    value = nn.cross_entropy(model(windows[:, :-1]), windows[:, 1:])
    return value, {"bits": value / np.log(2)}


# Text -----------------------------------------------------------------------------------------------------------------


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the characters to learn from, and of those for validation."""
    text = encoded("\n\n".join(topics.topics.values()))
    cut = len(text) * 9 // 10
    return text[:cut], text[cut:]


def encoded(text: str) -> np.ndarray:
    """Return the number of each character; controls become new lines, what is not ASCII a question mark."""
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int32)
    return np.where((codes >= 32) & (codes < 127), codes - 31, 0)


def decoded(numbers: Any) -> str:
    """Return characters of numbers."""
    return "".join(CHARACTERS[n] for n in numbers)


def windows(text: np.ndarray) -> np.ndarray:
    """Return parts of a text, each with the character that follows its last one."""
    n = (len(text) - 1) // CONTEXT
    return text[np.arange(n)[:, None] * CONTEXT + np.arange(CONTEXT + 1)]


def counted(text: np.ndarray, tested: np.ndarray) -> tuple[float, float]:
    """Return bits per character of another text by frequencies of characters, and of each after the one before.

    A pair counts beside one pseudo-observation, spread as the single characters are (MacKay and Peto 1995).
    """
    n = len(CHARACTERS)
    one = np.bincount(text, minlength=n) + 1.0
    one /= one.sum()
    two = np.bincount(n * text[:-1] + text[1:], minlength=n * n).reshape(n, n) + one
    two /= two.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log2(one[tested]))), float(-np.mean(np.log2(two[tested[:-1], tested[1:]])))


# Writing --------------------------------------------------------------------------------------------------------------


def chosen(scores: Any, key: Any, place: Any, temperature: Any) -> Any:
    """Draw the character of a place: cold is likely, hot is surprising."""
    return wg.random.categorical(wg.random.fold_in(key, place), scores / temperature)


def write_anew(model: Writer, text: Any, place: Any, key: Any, temperature: Any) -> Any:
    """Return the character of a place, from the whole text before it."""
    return chosen(model(text)[place - 1], key, place, temperature)


def write_on(
    model: Writer, caches: Any, text: Any, place: Any, key: Any, temperature: Any
) -> tuple[Any, Any]:
    """Return the character of a place, from the text that the caches lack, and the next caches."""
    scores, caches = model(text, caches)
    return chosen(scores[-1], key, place, temperature), caches


def write_all(model: Writer, prompt: Any, key: Any, temperature: Any) -> Any:
    """Return a text as long as the caches, in one loop that is compiled as a whole."""
    n = len(prompt)
    first, caches = write_on(model, model.empty_caches(), prompt, n, key, temperature)

    def step(state: Any, place: Any) -> tuple[Any, Any]:
        last, caches = state
        state = write_on(model, caches, np.reshape(last, 1), place, key, temperature)
        return state, state[0]

    _, rest = wg.scan(step, (first, caches), np.arange(n + 1, CONTEXT))
    return np.concatenate([prompt, np.reshape(first, 1), rest])


class Writing:
    """Three ways to write the same text; each is compiled once."""

    def __init__(self, compiler: Callable[..., Any] = wg.jit) -> None:
        self.anew_step, self.on_step, self.all = map(compiler, (write_anew, write_on, write_all))

    def anew(self, model: Writer, prompt: np.ndarray, key: Any, temperature: float) -> np.ndarray:
        """Compute all places for each character."""
        text = np.zeros(CONTEXT, prompt.dtype)
        text[: len(prompt)] = prompt
        for place in range(len(prompt), CONTEXT):
            text[place] = self.anew_step(model, text, np.int64(place), key, temperature)
        return text

    def on(self, model: Writer, prompt: np.ndarray, key: Any, temperature: float) -> np.ndarray:
        """Compute the new place, beside keys and values of the others."""
        text, new, caches = prompt, prompt, model.empty_caches()
        for place in range(len(prompt), CONTEXT):
            character, caches = self.on_step(model, caches, new, np.int64(place), key, temperature)
            new = np.reshape(character, 1).astype(prompt.dtype)
            text = np.append(text, new)
        return text


def continued(model: Writer, text: np.ndarray, parts: int, key: Any, temperature: float) -> np.ndarray:
    """Return a text that goes on: when the caches are full, they are filled anew with the last half of it."""
    write, half = wg.jit(write_all), CONTEXT // 2
    for part in range(parts):
        own = wg.random.fold_in(key, CONTEXT + part)  # below that, keys are those of places
        text = np.append(text, write(model, text[-half:], own, temperature)[half:])
    return text


def rates(model: Writer, prompt: np.ndarray, key: Any, temperature: float) -> dict[str, tuple[str, float]]:
    """Return the text and the characters per second of each way to write, at its best of three times."""
    writing, found = Writing(), {}
    ways = {
        "the whole text for each character": writing.anew,
        "cached, a call for each character": writing.on,
        "cached, one loop": writing.all,
    }
    for name, way in ways.items():
        way(model, prompt, key, temperature)  # compiles
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            text = way(model, prompt, key, temperature)
            seconds.append(time.perf_counter() - began)
        found[name] = (decoded(text), (CONTEXT - len(prompt)) / min(seconds))
    return found


# ----------------------------------------------------------------------------------------------------------------------


def train(
    text: np.ndarray, tested: np.ndarray, epochs: int, **options: Any
) -> tuple[Writer, wg.fitting.History]:
    """Return the trained model, and how it went."""
    parts, others = windows(text), windows(tested)
    parts = parts[: len(parts) // BATCH * BATCH]  # batches of one size are one program
    steps = epochs * (len(parts) // BATCH)
    rate = optim.warmup(optim.cosine(RATE, steps), min(100, steps // 10))
    optimizer = optim.chain(optim.clip_by_global_norm(1.0), optim.adamw(rate, weight_decay=0.01))
    return wg.fit(
        start(), loss, parts, optimizer, epochs=epochs, validation=others, batch_size=BATCH, **options
    )


def draw(history: wg.fitting.History, unigram: float, bigram: float, path: Path) -> None:
    """Save the bits per character of the steps, in training and in validation, beside those of counts."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    bits = np.array(history.losses) / np.log(2)
    width = max(len(bits) // 200, 1)
    means = bits[: len(bits) // width * width].reshape(-1, width).mean(axis=1)
    axes.plot(width * (np.arange(len(means)) + 0.5), means, color="C0", lw=1, label="training")
    steps = len(bits) / len(history) * np.arange(1, len(history) + 1)
    axes.plot(steps, history["validation bits"], "o-", color="C1", label="validation")
    for value, name, style in ((unigram, "single characters", ":"), (bigram, "pairs", "--")):
        axes.axhline(value, color="0.4", ls=style, lw=1)
        axes.text(len(bits), value, name, ha="right", va="bottom", color="0.4")
    axes.set(xlabel="steps", ylabel="bits per character", ylim=(0, None))
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=120)


def main(arguments: list[str] | None = None) -> int:
    """Train and write; fail unless the model is better than pairs, and all ways write the same."""
    parser = argparse.ArgumentParser(description="Learn to write Python's documentation.")
    parser.add_argument("--figure", type=Path, help="where to save the curve of the loss")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=0, help="of the text that is written")
    options = parser.parse_args(arguments)
    text, tested = load()
    began = time.perf_counter()
    model, history = train(text, tested, options.epochs)
    seconds = time.perf_counter() - began
    unigram, bigram = counted(text, tested)
    bits = float(history["validation bits"][-1])
    table = Table(title=f"{len(text)} characters learned in {seconds:.0f} s, {len(tested)} tested")
    for header in ("each character predicted from", "bits per character"):
        table.add_column(header, justify="right")
    for name, value in (("nothing", unigram), ("the character before", bigram), ("the text before", bits)):
        table.add_row(name, f"{value:.3f}")
    console = Console(highlight=False)
    console.print(table, "")
    found = rates(model, encoded(PROMPT), wg.random.key(options.seed), options.temperature)
    for name, (_, rate) in found.items():
        console.print(f"{name}: {rate:.0f} characters per second", markup=False)
    texts = [written for written, _ in found.values()]
    longer = continued(model, encoded(texts[0]), PARTS, wg.random.key(options.seed), options.temperature)
    console.print("", decoded(longer), sep="\n", markup=False, soft_wrap=True)
    if options.figure:
        draw(history, unigram, bigram, options.figure)
    return 0 if bits < bigram and len(set(texts)) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
