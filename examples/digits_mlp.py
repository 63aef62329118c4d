"""Handwritten digits: a network whose loss is written as a textbook prints it, trained, and then looked into.

    graphc demo            or            python examples/digits_mlp.py

The softmax and the logarithm of it are the naive formulas, which overflow where a logit is above 88. The
compiler makes them stable, differentiates them, and turns the whole training step into a few kernels.
"""

from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import graphc as gc

SEEDS, EPOCHS, BATCH, RATE = 5, 30, 64, 3e-3


# --- the model ---


def cross_entropy(xp: Any, logits: Any, labels: Any) -> Any:
    """The loss, naively. `xp` is graphc or NumPy: the formula is the same."""
    p = xp.exp(logits) / xp.sum(xp.exp(logits), axis=1, keepdims=True)
    return -xp.mean(xp.log(xp.take_along_axis(p, labels[:, None], axis=1)))


class Network(NamedTuple):
    """64 pixels, 128 hidden units, 10 digits."""

    x: gc.Node
    y: gc.Node
    logits: gc.Node
    loss: gc.Node
    weights: list[gc.Node]


def network(seed: int) -> Network:
    x = gc.input("x", shape=("batch", 64))
    y = gc.input("y", shape=("batch",), dtype="int64")
    w1 = gc.parameter("w1", gc.init.he_normal((64, 128), seed=seed))
    b1 = gc.parameter("b1", gc.init.zeros(128))
    w2 = gc.parameter("w2", gc.init.he_normal((128, 10), seed=seed + 100))
    b2 = gc.parameter("b2", gc.init.zeros(10))
    h = gc.maximum(x @ w1 + b1, 0)
    z = h @ w2 + b2
    return Network(x, y, z, cross_entropy(gc, z, y), [w1, b1, w2, b2])


def training_step(net: Network, target: str) -> Any:
    """A function that takes a batch, returns its loss, and changes the weights."""
    updates = gc.optim.Adam(RATE).updates(net.loss, net.weights)
    return gc.compile([net.x, net.y], net.loss, updates=updates, target=target, name="step")


# --- training ---


def digits() -> list[np.ndarray[Any, Any]]:
    """Pixels to learn from and to test with, then the labels: 1,347 and 450 images, always the same."""
    images, labels = load_digits(return_X_y=True)
    pixels = (images / 16).astype(np.float32)
    return list(train_test_split(pixels, labels, test_size=450, random_state=0, stratify=labels))


def train(seed: int, target: str) -> tuple[float, list[float]]:
    """The accuracy on the test images, and the mean loss of each epoch."""
    pixels, test_pixels, labels, test_labels = digits()
    net = network(seed)
    step = training_step(net, target)
    order, losses = np.random.default_rng(seed), []
    for _ in tqdm(range(EPOCHS), desc=f"seed {seed}", unit="epoch", leave=False):
        shuffled = order.permutation(len(pixels))
        batches = [shuffled[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
        losses.append(float(np.mean([step(pixels[batch], labels[batch]) for batch in batches])))
    digit = gc.compile([net.x], gc.argmax(net.logits, axis=1), target=target, name="digit")
    return float(np.mean(digit(test_pixels) == test_labels)), losses


# --- what the compiler did ---


def show_loss(target: str) -> None:
    """The loss as it was written, the rules that fired, and what became of it."""
    net = network(seed=0)
    loss = gc.compile([net.x, net.y], net.loss, target=target)
    print(f"\nThe loss, as written:\n\n{loss.source_graph}")
    print("The rules that fired, and the line of each:\n")
    for firing in loss.rewrites:
        line = firing.source.text if firing.source else ""
        print(f"  {firing.source}   {line}")
        print(f"      {firing.rule.name}: {firing.rule.reason}\n      {firing.rule}")
    print(f"\nThe loss, optimised:\n\n{loss.graph}")


def show_step(target: str, folder: Path) -> None:
    """The size of the training step, its time, and a drawing of it."""
    pixels, _, labels, _ = digits()
    batch = pixels[:BATCH], labels[:BATCH]
    steps = {name: training_step(network(seed=0), name) for name in dict.fromkeys((target, "reference"))}
    step = steps[target]
    print(f"The training step, gradients and Adam included: {len(step.graph.nodes)} nodes become\n")
    for line in step.program.steps:
        print(f"  {line}")
    step(*batch)
    print(f"\n{len(step.program.kernels)} kernels, an arena of {step.memory.total:,} bytes")
    for name, function in steps.items():
        print(f"time per step of {BATCH} images, {name:10} {median_time(function, batch) * 1e6:8.1f} µs")
    print(f"drawn in {gc.inspect.draw(step.graph, folder / 'digits_step.svg')}")


def median_time(function: Any, arguments: Any, repeats: int = 100) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        function(*arguments)
        times.append(perf_counter() - start)
    return float(np.median(times))


def show_large_logits(target: str) -> None:
    """The same formula in NumPy and in graphc, for logits that exp cannot take."""
    logits = 1000 * np.random.default_rng(0).standard_normal((BATCH, 10)).astype(np.float32)
    labels = np.arange(BATCH) % 10
    z, y = gc.input("z", shape=("batch", 10)), gc.input("y", shape=("batch",), dtype="int64")
    loss = cross_entropy(gc, z, y)
    stable = gc.compile([z, y], [loss, gc.grad(loss, z)], target=target)
    stable_loss, stable_gradient = stable(logits, labels)
    with np.errstate(all="ignore"):
        naive_loss = cross_entropy(np, logits, labels)
        p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
        naive_gradient = (p - np.eye(10)[labels]) / BATCH
    print("\nThe same formula for logits multiplied by 1,000:")
    results = {"NumPy": (naive_loss, naive_gradient), "graphc": (stable_loss, stable_gradient)}
    for name, (value, gradient) in results.items():
        wrong = np.isnan(gradient).sum()
        print(f"  {name:6}  loss {value:9.4f}   {wrong} of {gradient.size} derivatives are nan")


def draw_losses(losses: list[list[float]], path: Path) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for seed, curve in enumerate(losses):
        axes.plot(range(1, EPOCHS + 1), curve, label=f"seed {seed}")
    axes.set(xlabel="epoch", ylabel="mean training loss", yscale="log", title="Digits, 64-128-10, Adam")
    axes.legend()
    figure.savefig(path, dpi=150)
    print(f"loss curves in {path}")


def main(target: str = "llvm", folder: Path = Path()) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    losses = []
    for seed in range(SEEDS):
        accuracy, curve = train(seed, target)
        print(f"seed {seed}  test accuracy {accuracy:.4f}", flush=True)
        losses.append(curve)
    draw_losses(losses, folder / "digits_loss.png")
    show_loss(target)
    show_step(target, folder)
    show_large_logits(target)


if __name__ == "__main__":
    main()
