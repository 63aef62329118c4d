"""A transformer that reverses sequences of eight digits: encoder, decoder, attention (Prince, chapter 12).

    python examples/reverse_transformer.py

A training step draws its sequences, shows the decoder the right digits so far (teacher forcing), and changes the
weights. In use the decoder gets no help: a loop in the graph writes digit after digit, each from those it wrote.
"""

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import graphc as gc
from graphc import nn

DIGITS = 10
BEGIN = DIGITS  # what the decoder sees before the first digit


class Result(NamedTuple):
    """The last loss, the share of test sequences reversed without a mistake, and training steps in a second."""

    loss: float
    accuracy: float
    steps_per_second: float


class Network(nn.Module):
    """One block that reads, one that writes; places are learnt vectors."""

    def __init__(self, length: int, features: int, seed: int) -> None:
        self.table = nn.Embedding(DIGITS + 1, features, seed=(seed, 1))
        self.places = nn.Embedding(length, features, seed=(seed, 2))
        self.encoder = nn.EncoderBlock(features, 4, 2 * features, seed=(seed, 3))
        self.decoder = nn.DecoderBlock(features, 4, 2 * features, seed=(seed, 4))
        self.norm = nn.LayerNorm(features)
        self.out = nn.Linear(features, DIGITS, seed=(seed, 5))

    def read(self, digits: gc.Node) -> Any:
        """The memory (batch, length, features) of what is to be reversed."""
        return self.encoder(self._embedded(digits))

    def write(self, memory: Any, digits: Any) -> Any:
        """Logits (batch, length, 10) of what follows each of the digits, from these and those before."""
        return self.out(self.norm(self.decoder(self._embedded(digits), memory)))

    def _embedded(self, digits: Any) -> Any:
        return self.table(digits) + self.places(gc.arange(digits.shape[1]))


def shifted(digits: gc.Node) -> Any:
    """What the decoder sees when it writes these digits: the beginning, and all but the last."""
    return gc.concat([gc.full_like(digits[:, :1], BEGIN), digits[:, :-1]], axis=1)


def reversed_by(model: Network, digits: gc.Node) -> Any:
    """What the model writes, the likeliest digit each time."""
    memory = model.read(digits)

    def write(place: Any, written: Any) -> Any:
        logits = model.write(memory, shifted(written))
        likeliest = gc.take(gc.argmax(logits, axis=-1), place, axis=1)
        return written.at[:, place].set(likeliest)

    return gc.fori_loop(0, digits.shape[1], write, gc.zeros_like(digits))


def learn(
    *, length: int = 8, features: int = 64, steps: int = 300, batch: int = 64, seed: int = 0, target: str = "llvm"
) -> Result:
    """Train on random sequences, and test with 1,000 others."""
    model = Network(length, features, seed)
    digits = gc.random.Stream(seed).randint(0, DIGITS, (batch, length))
    answer = gc.flip(digits, axis=1)
    loss = nn.losses.cross_entropy(model.write(model.read(digits), shifted(answer)), answer)
    rate = gc.optim.warmup(gc.optim.cosine(3e-3, steps=steps), steps=steps // 10)
    step = gc.compile([], loss, updates=gc.optim.Adam(rate).updates(loss, model), target=target, name="step")
    start = perf_counter()
    losses = [float(step()) for _ in range(steps)]
    speed = steps / (perf_counter() - start)

    x = gc.input("x", ("batch", length), "int64")
    reverse = gc.compile([x], reversed_by(model, x), target=target, name="reverse")
    tests = np.random.default_rng(seed).integers(0, DIGITS, (1000, length))
    right = np.all(reverse(tests) == tests[:, ::-1], axis=1)
    return Result(losses[-1], float(np.mean(right)), speed)


def main() -> None:
    for seed in range(3):
        result = learn(seed=seed)
        print(f"seed {seed}  sequences without a mistake {result.accuracy:.3f}", end="  ")
        print(f"{result.steps_per_second:.0f} steps a second")


if __name__ == "__main__":
    main()
