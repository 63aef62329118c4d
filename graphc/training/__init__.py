"""Training: a compiled step and batches come in; the step is called on them, watched, saved, and gone on with.

    history = gc.training.train(
        step,
        gc.training.Batches(pixels, labels, size=64, seed=0),
        epochs=30,
        metrics=["loss", "accuracy"],
        checkpoint=gc.training.Checkpoint("run.safetensors", model, optimizer, every=100),
    )

Called again, it goes on where the checkpoint was written, and what comes is the same to the last bit.
"""

from __future__ import annotations

from graphc.training.batches import Batches
from graphc.training.checkpoint import Checkpoint
from graphc.training.early_stopping import EarlyStopping
from graphc.training.loop import train
from graphc.training.progress import Epoch, Progress

__all__ = ["Batches", "Checkpoint", "EarlyStopping", "Epoch", "Progress", "train"]
