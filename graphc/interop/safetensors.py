"""Files of arrays by name in the format safetensors: parameters go out and come back, all of them or none.

    gc.interop.safetensors.save("model.safetensors", model.state())
    gc.interop.safetensors.restore("model.safetensors", model.state())

Needs the package safetensors: the extra `training` brings it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import safetensors
from safetensors.numpy import save as serialized

import graphc as gc
from graphc.errors import LoadError
from graphc.ir.node import Node

Array = np.ndarray[Any, Any]

_DTYPES = {
    **{
        f"{letter}{bits}": f"{kind}{bits}" for letter, kind in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)
    },
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BF16": ml_dtypes.bfloat16,
    "BOOL": "bool",
}


def save(path: str | os.PathLike[str], values: Mapping[str, Any], *, metadata: Mapping[str, str] | None = None) -> None:
    """Write parameters (their present values) or arrays by name, and texts beside them.

    The file appears whole or not at all: it is written under another name beside `path` and then renamed.
    """
    arrays = {name: gc.value(value) if isinstance(value, Node) else np.asarray(value) for name, value in values.items()}
    content = serialized({name: np.asarray(array, order="C") for name, array in arrays.items()}, dict(metadata or {}))
    _write(Path(path), content)


def load(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of a file by name, in the order of their names. Raises LoadError for a file that is none."""
    try:
        entries = dict(safetensors.deserialize(Path(path).read_bytes()))  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise LoadError(f"{os.fspath(path)} is no file of arrays: {error}") from None
    return {name: _array(path, name, entries[name]) for name in sorted(entries)}


def metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts of a file. Raises LoadError for a file that is none."""
    try:
        with safetensors.safe_open(path, "np") as file:
            return dict(file.metadata() or {})
    except safetensors.SafetensorError as error:
        raise LoadError(f"{os.fspath(path)} is no file of arrays: {error}") from None


def restore(path: str | os.PathLike[str], parameters: Mapping[str, Node], *, partial: bool = False) -> None:
    """Give parameters the values that a file has under their names.

    Raises LoadError that names everything that is missing, unexpected, or of another shape or dtype; no parameter
    has changed then. With `partial` names may be missing on either side.
    """
    assign(load(path), parameters, partial=partial, source=os.fspath(path))


def assign(values: Mapping[str, Array], parameters: Mapping[str, Node], *, partial: bool = False, source: str) -> None:
    """Give parameters the values of their names, as `restore` does; `source` is what an error calls them."""
    wrong = [f"{name}: missing" for name in parameters if name not in values and not partial]
    wrong += [f"{name}: unexpected" for name in values if name not in parameters and not partial]
    found = {name: node for name, node in parameters.items() if name in values}
    for name, node in found.items():
        old, new = gc.value(node), values[name]
        if old.shape != new.shape:
            wrong.append(f"{name}: shape {new.shape} instead of {old.shape}")
        if old.dtype != new.dtype:
            wrong.append(f"{name}: {new.dtype} instead of {old.dtype}")
    if wrong:
        raise LoadError(f"{source} does not fit the parameters", details=wrong)
    for name, node in found.items():
        gc.set_value(node, values[name])


def _array(path: str | os.PathLike[str], name: str, entry: Mapping[str, Any]) -> Array:
    if entry["dtype"] not in _DTYPES:
        raise LoadError(f"{os.fspath(path)}: {name} holds {entry['dtype']}, which is no dtype of graphc")
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    return np.frombuffer(entry["data"], dtype).reshape(entry["shape"])


def _write(path: Path, content: bytes) -> None:
    """Write a file that others see whole, and that is on the disk when this returns."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
