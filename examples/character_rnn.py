"""Recurrent networks that learn the Python licence, character by character (Goodfellow, 10.2 and 10.10).

    python examples/character_rnn.py

A plain RNN, an LSTM and a GRU learn from nine tenths of the text and are measured on the rest. A training step
draws its windows of text, runs forward and backward through time, and changes the weights: one compiled function that
takes no arguments. Writing new text is one, too: a loop that draws each character from what came before.
"""

import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc import nn

CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
STRETCH = 128


class Result(NamedTuple):
    """Bits per character of the unknown tenth: the network, and counts of pairs; steps in a second; what it writes."""

    bits: float
    bigram_bits: float
    steps_per_second: float
    sample: str


def licence() -> str:
    """The licence that is installed with Python."""
    for folder in (Path(os.__file__).parent, Path(sys.base_prefix)):
        for name in ("LICENSE.txt", "LICENSE"):
            if (folder / name).exists():
                return (folder / name).read_text(encoding="utf-8")
    raise FileNotFoundError("this Python came without its LICENSE.txt")


class Network(nn.Module):
    """From characters (batch, time) to logits of the next ones."""

    def __init__(self, cell: str, symbols: int, hidden: int, seed: int) -> None:
        self.table = nn.Embedding(symbols, hidden // 2, seed=(seed, 1))
        self.cell = CELLS[cell](hidden // 2, hidden, seed=(seed, 2))
        self.dropout = nn.Dropout(0.3, seed=(seed, 3))
        self.out = nn.Linear(hidden, symbols, seed=(seed, 4))

    def __call__(self, characters: gc.Node, *, training: bool) -> Any:
        hidden, _ = nn.Recurrent(self.cell)(self.table(characters))
        return self.out(self.dropout(hidden, training=training))

    def next(self, character: gc.Node, state: Any) -> tuple[Any, Any]:
        """The logits after one more character (batch,), and the new state."""
        state = self.cell(self.table(character), state)
        return self.out(self.cell.output(state)), state


def nats(logits: Any, characters: Any) -> Any:
    """The mean of -log(p) of the characters, as it is defined."""
    p = gc.exp(logits) / gc.sum(gc.exp(logits), axis=-1, keepdims=True)
    return -gc.mean(gc.log(gc.take_along_axis(p, characters[..., None], axis=-1)))


def writer(model: Network, characters: int, temperature: float) -> Any:
    """The graph of new text, (characters,), from the first character of it."""
    first = gc.input("first", (1,), "int64")

    def write(carry: Any, key: gc.Node) -> Any:
        character, state = carry
        logits, state = model.next(character, state)
        new = gc.random.categorical(key, logits / temperature)
        return (new, state), new[0]

    keys = gc.random.split(gc.random.key(0), characters)
    _, text = gc.scan(write, (first, model.cell.first(1)), keys)
    return first, text


def split(code: Any, window: int) -> tuple[Any, Any]:
    """Where windows may begin that see nothing unknown, and what is unknown: every tenth stretch, (stretches, 128)."""
    stretch = np.arange(len(code)) // STRETCH
    unknown = stretch % 10 == 9
    seen = np.convolve(unknown, np.ones(window + 1), mode="valid")  # how many unknown characters a window has
    return np.flatnonzero(seen == 0), code[unknown & (stretch < len(code) // STRETCH)].reshape(-1, STRETCH)


def learn(
    cell: str,
    *,
    hidden: int = 128,
    steps: int = 400,
    batch: int = 32,
    window: int = 32,
    seed: int = 0,
    target: str = "llvm",
) -> Result:
    """Train on random windows of what is known of the text."""
    text = licence()
    symbols = sorted(set(text))
    code = np.array([symbols.index(character) for character in text])
    beginnings, unknown = split(code, window)

    model = Network(cell, len(symbols), hidden, seed)
    drawn = gc.random.Stream(seed).randint(0, len(beginnings), (batch, 1))
    windows = gc.constant(code)[gc.constant(beginnings)[drawn] + gc.arange(window + 1)]
    loss = nats(model(windows[:, :-1], training=True), windows[:, 1:])
    optimizer = gc.optim.Adam(gc.optim.cosine(5e-3, steps=steps))
    updates = optimizer.updates(loss, model, transform=lambda gs: gc.optim.clip_by_global_norm(gs, 1.0))
    step = gc.compile([], loss, updates=updates, target=target, name=f"{cell}_step")
    start = perf_counter()
    for _ in range(steps):
        step()
    speed = steps / (perf_counter() - start)

    x = gc.input("x", ("stretches", STRETCH), "int64")
    bits = gc.compile([x], nats(model(x[:, :-1], training=False), x[:, 1:]) / np.log(2), target=target)
    first, new = writer(model, 200, temperature=0.7)
    written = gc.compile([first], new, target=target)(code[:1])
    sample = "".join(symbols[number] for number in written)
    return Result(float(bits(unknown)), bigram_bits(code, unknown), speed, sample)


def bigram_bits(code: Any, unknown: Any) -> float:
    """Bits per character of a model that counts the known pairs, and each pair once more."""
    counts = np.ones((code.max() + 1,) * 2)
    np.add.at(counts, (code[:-1], code[1:]), 1)
    np.subtract.at(counts, (unknown[:, :-1], unknown[:, 1:]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log2(p[unknown[:, :-1], unknown[:, 1:]])))


def main() -> None:
    for cell in CELLS:
        result = learn(cell)
        print(f"{cell:5} {result.bits:.3f} bits per character (pairs: {result.bigram_bits:.3f})", end="  ")
        print(f"{result.steps_per_second:.0f} steps a second\n\n{result.sample}\n")


if __name__ == "__main__":
    main()
