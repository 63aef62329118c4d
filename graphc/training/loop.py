"""The loop: a step is called on all batches of all epochs; the means of its metrics go out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from itertools import islice
from typing import Any

from graphc.errors import GraphError
from graphc.training.checkpoint import Checkpoint
from graphc.training.early_stopping import EarlyStopping
from graphc.training.interrupts import deferred_interrupts
from graphc.training.progress import Epoch, Progress

Epochs = Callable[[int], Iterable[Sequence[Any]]] | Iterable[Sequence[Any]]


def train(
    step: Callable[..., Any],
    batches: Epochs,
    *,
    epochs: int,
    metrics: Sequence[str] = ("loss",),
    evaluate: Callable[[], Mapping[str, float]] | None = None,
    early_stopping: EarlyStopping | None = None,
    checkpoint: Checkpoint | None = None,
    show_progress: bool = True,
) -> list[Epoch]:
    """Call `step(*batch)` for each batch of each epoch, and give the means of its results, epoch by epoch.

    `batches` is a function from the number of an epoch to its batches, such as `Batches`, or what can be iterated
    over in every epoch, such as a list. `metrics` name the scalars that the step gives; a mean counts a batch as
    often as it has examples. `evaluate` is called after each epoch and adds its own numbers.

    A checkpoint that exists already is gone on with; batches of an epoch must then be the same as before. An
    interrupt from the keyboard waits for the end of a batch, writes the checkpoint, and is raised then. The progress
    bar needs the package tqdm: the extra `training` brings it. Raises GraphError if the step does not give one result
    for each name.
    """
    done = checkpoint.resume(early_stopping) if checkpoint is not None else Progress()
    with deferred_interrupts() as interrupted:
        while len(done.history) < epochs and not (early_stopping is not None and early_stopping.stops):
            for _ in _steps(step, batches, done, metrics, epochs if show_progress else None):
                due = checkpoint is not None and checkpoint.every and done.steps % checkpoint.every == 0
                if checkpoint is not None and (due or interrupted()):
                    checkpoint.save(done, early_stopping)
                if interrupted():
                    raise KeyboardInterrupt
            _finish(done, metrics, evaluate, early_stopping)
            if checkpoint is not None:
                checkpoint.save(done, early_stopping)
            if interrupted():
                raise KeyboardInterrupt
    if early_stopping is not None:
        early_stopping.restore_best()
    return done.history


def _finish(
    done: Progress,
    metrics: Sequence[str],
    evaluate: Callable[[], Mapping[str, float]] | None,
    early_stopping: EarlyStopping | None,
) -> None:
    """Close an epoch: its means, what is evaluated after it, and whether it is better than those before."""
    evaluated = evaluate() if evaluate is not None else {}
    done.finish({**done.means(metrics), **{name: float(value) for name, value in evaluated.items()}})
    if early_stopping is not None:
        early_stopping.look(done.history[-1])


def _steps(
    step: Callable[..., Any], batches: Epochs, done: Progress, metrics: Sequence[str], epochs: int | None
) -> Iterator[None]:
    """Call the step on what is left of the epoch, and count it; pauses after every batch."""
    epoch = len(done.history)
    total = len(batches) if isinstance(batches, Sized) else None
    with _bar(epochs, epoch, total, done.batches) as show:
        for batch in islice(batches(epoch) if callable(batches) else batches, done.batches, None):
            given = step(*batch)
            values = given if isinstance(given, list | tuple) else [given]
            if len(values) != len(metrics):
                raise GraphError(f"the step gives {len(values)} results, the metrics are {', '.join(metrics)}")
            done.add(values, len(batch[0]) if batch else 1)
            show(done.means(metrics))
            yield


@contextmanager
def _bar(epochs: int | None, epoch: int, total: int | None, first: int) -> Iterator[Callable[[Epoch], None]]:
    """A bar over the batches of an epoch, which shows the metrics; none if the number of epochs is not given."""
    if epochs is None:
        yield lambda metrics: None
        return
    from tqdm import tqdm  # without a progress bar it need not be installed

    def show(metrics: Epoch) -> None:
        bar.set_postfix({name: f"{value:.4g}" for name, value in metrics.items()}, refresh=False)
        bar.update()

    with tqdm(total=total, initial=first, desc=f"epoch {epoch + 1}/{epochs}", unit="batch") as bar:
        yield show
