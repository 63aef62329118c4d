"""The libraries that run side by side: how each is found, fed and waited for.

In: NumPy arrays. Out: the library's own tensors, made before the clock starts.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.case import outputs


def unchanged(value: Any) -> Any:
    return value


def torch_tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


def jax_array(array: np.ndarray) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(array)


def detached(value: Any) -> np.ndarray:
    return value.detach().numpy()


def wait_for_jax(result: Any) -> None:
    for value in outputs(result):
        value.block_until_ready()


@dataclass(frozen=True)
class Peer:
    name: str
    module: str
    native: Callable[[np.ndarray], Any] = unchanged
    to_numpy: Callable[[Any], np.ndarray] = np.asarray
    finish: Callable[[Any], None] | None = None
    """Waits for a result that is still being computed when the call returns."""

    def version(self) -> str:
        """The version that is installed; raises ImportError where there is none."""
        module = importlib.import_module(self.module)
        return str(getattr(module, "__version__", "unversioned"))

    def limit_threads(self, threads: int) -> None:
        """What environment variables do not reach."""
        if self.module == "torch":
            importlib.import_module("torch").set_num_threads(threads)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("graphc", "graphc"),
        Peer("numpy", "numpy"),
        Peer("torch", "torch", torch_tensor, detached),
        Peer("torch.compile", "torch", torch_tensor, detached),
        Peer("jax", "jax", jax_array, finish=wait_for_jax),
        Peer("pytensor", "pytensor"),
    )
}


def environment(threads: int, cache: str) -> dict[str, str]:
    """Variables that hold every library to so many threads, and its caches to one folder."""
    counted = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")
    return {
        **{f"{prefix}_NUM_THREADS": str(threads) for prefix in counted},
        "GRAPHC_THREADS": str(threads),
        "GRAPHC_CACHE_DIR": f"{cache}/graphc",
        "TORCHINDUCTOR_CACHE_DIR": f"{cache}/inductor",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": f"{cache}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTENSOR_FLAGS": f"floatX=float32,base_compiledir={cache}/pytensor",
        "NUMBA_CACHE_DIR": f"{cache}/numba",
    }
