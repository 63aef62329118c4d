"""Checkpoints: all that training needs to go on, in one file that is written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import graphc as gc
from graphc.errors import GraphError
from graphc.ir.node import Node
from graphc.training.early_stopping import EarlyStopping
from graphc.training.progress import Progress

_BEST = "/best/"


class Stateful(Protocol):
    """What has parameters by name: a module, an optimiser, an average."""

    def state(self) -> Mapping[str, Node]: ...


Part = Stateful | Mapping[str, Node]


class Checkpoint:
    """A file with the parameters of parts: modules, optimisers, averages, or nodes by name.

    Parts with a keyword have it before their names, so that two optimisers may remember the same words. The file is
    written after every epoch and, with `every`, after so many steps. An optimiser knows its parameters once its
    updates have been made. Needs the package safetensors: the extra `training` brings it.
    Raises GraphError if two parameters have one name.
    """

    def __init__(
        self, path: str | os.PathLike[str], *parts: Part, every: int | None = None, **named_parts: Part
    ) -> None:
        self.path, self.every = Path(path), every
        self.parts = [*(("", part) for part in parts), *((f"{word}/", part) for word, part in named_parts.items())]
        self.parameters()

    def parameters(self) -> dict[str, Node]:
        """All parameters that are saved, by name."""
        found: dict[str, Node] = {}
        for word, part in self.parts:
            for name, node in (part if isinstance(part, Mapping) else part.state()).items():
                if found.setdefault(word + name, node) is not node:
                    raise GraphError(
                        f"two parameters of a checkpoint have the name {word + name!r}",
                        help="give one of the parts a keyword: Checkpoint(path, model, second=optimizer)",
                    )
        return found

    def save(self, progress: Progress, early_stopping: EarlyStopping | None = None) -> None:
        """Write the parameters' values, and how far training has come."""
        numbers, best = early_stopping.state() if early_stopping is not None else ({}, {})
        values: dict[str, Any] = {**self.parameters(), **{_BEST + name: array for name, array in best.items()}}
        texts = {"progress": json.dumps(progress.to_json()), "early_stopping": json.dumps(numbers)}
        gc.interop.safetensors.save(self.path, values, metadata=texts)

    def resume(self, early_stopping: EarlyStopping | None = None) -> Progress:
        """Read the file, if there is one: parameters get their values, and how far training had come goes out.

        Raises LoadError if the file does not fit the parameters, none of which has changed then.
        """
        if not self.path.exists():
            return Progress()
        files = gc.interop.safetensors
        arrays, texts = files.load(self.path), files.metadata(self.path)
        values = {name: array for name, array in arrays.items() if not name.startswith(_BEST)}
        files.assign(values, self.parameters(), source=os.fspath(self.path))
        if early_stopping is not None and texts.get("early_stopping", "{}") != "{}":
            best = {name.removeprefix(_BEST): arrays[name] for name in arrays if name.startswith(_BEST)}
            early_stopping.resume(json.loads(texts["early_stopping"]), best)
        return Progress(**json.loads(texts["progress"])) if "progress" in texts else Progress()
