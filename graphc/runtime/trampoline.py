"""How a compiled graph is called: NumPy arrays go in, `main` runs on their memory, NumPy arrays come out.

    int32 main(void **buffers, int64 *dims)          0 is success, anything else an error code

`buffers` is one persistent table of pointers: inputs, then outputs, then whatever else the code needs, which
the runtime fills in beforehand. A function is *bound* to one set of input and output shapes at a time. A call
whose arguments are exactly what the binding says takes the fast path; all others go to the Python callable
`slow`, which converts or refuses, binds anew and calls again:

    def slow(*args):
        arrays = converted(args)
        with function.exclusive():
            dims[:], buffers[3:] = ...
            function.bind(input_shapes, output_shapes)
            return function.call_bound(arrays)

The fast path is native where the self-test of `trampoline_entry.py` passes, and the same in Python elsewhere
or under `GRAPHC_CALL=python`. Either way a call holds the interpreter lock, and `main` is never entered
twice: should it call back into Python, a second call meanwhile is slow, and `exclusive` refuses it.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from graphc.errors import GraphcError, ShapeError

from .trampoline_entry import (
    READY,
    RUNNING,
    UNBOUND,
    Context,
    NoEntry,
    OperandType,
    Shape,
    native_callable,
    native_entry,
)


class ReentrantCall(GraphcError, RuntimeError):
    """A compiled function was called while it runs: its buffers hold one call at a time."""


class NativeFunction:
    """A compiled `main` as a Python callable: `function.call(*arrays)`.

    `call` is a built-in function (or a bound method, on the path in Python) that stays valid on its own.
    `inputs` and `outputs` are pairs of dtype and number of axes. `failed(code)` raises the error that a code
    of `main` stands for. `owner` is anything that has to stay alive with the code: its library, its arena.
    """

    call: Callable[..., Any]
    _enter: Callable[..., Any]

    def __init__(
        self,
        main: int,
        inputs: Sequence[OperandType],
        outputs: Sequence[OperandType],
        buffers: npt.NDArray[np.uint64],
        dims: npt.NDArray[np.int64],
        *,
        returns_list: bool,
        slow: Callable[..., Any],
        failed: Callable[[int], NoReturn],
        name: str = "compiled",
        doc: str = "",
        owner: object = None,
    ) -> None:
        _check_tables(inputs, outputs, buffers, dims, returns_list)
        self.name = name
        self._main = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(main)
        self._inputs = [(np.dtype(dtype), ndim) for dtype, ndim in inputs]
        self._outputs = [(np.dtype(dtype), ndim) for dtype, ndim in outputs]
        self._buffers, self._tables = buffers, (buffers.ctypes.data, dims.ctypes.data)
        self._returns_list, self._slow, self._failed = returns_list, slow, failed
        self._input_shapes: list[Shape] = []
        self._output_shapes: list[Shape] = []
        self._lock = threading.RLock()
        self._context = Context.create(main, inputs, outputs, buffers, dims, slow, failed, returns_list)
        self._context.owner = owner
        entry = NoEntry("GRAPHC_CALL=python") if os.environ.get("GRAPHC_CALL") == "python" else native_entry()
        if isinstance(entry, NoEntry):
            self.path = f"python: {entry.reason}"
            self.call, self._enter = self._call, self._run
        else:
            self.path = "native"
            self.call = self._enter = native_callable(entry, self._context, name, doc)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Shut the fast path and keep other threads out while the binding and what it stands for change.

        Leaving without a new binding, on an error say, leaves the function unbound: the next call is slow.
        """
        with self._lock:
            self._refuse_while_running()
            self._context.state = UNBOUND
            yield

    def bind(self, input_shapes: Sequence[Shape], output_shapes: Sequence[Shape]) -> None:
        """Set the shapes of the calls to come, inside `exclusive`."""
        self._refuse_while_running()
        for operands, shapes in ((self._inputs, input_shapes), (self._outputs, output_shapes)):
            if [ndim for _, ndim in operands] != [len(shape) for shape in shapes]:
                raise ShapeError(
                    f"{self.name}: the shapes do not have the axes that were compiled",
                    details=[f"axes {[ndim for _, ndim in operands]}", f"shapes {list(shapes)}"],
                )
        self._input_shapes = [tuple(shape) for shape in input_shapes]
        self._output_shapes = [tuple(shape) for shape in output_shapes]
        self._context.bind([*self._input_shapes, *self._output_shapes])

    def _refuse_while_running(self) -> None:
        if self._context.state == RUNNING:
            raise ReentrantCall(f"{self.name}: called again before the call that runs has ended")

    def call_bound(self, arrays: Sequence[npt.NDArray[Any]]) -> Any:
        """Run on arrays that fit the binding, inside `exclusive`."""
        with self._lock:
            self._refuse_while_running()
            if self._context.state != READY or not self._fits(arrays):
                raise ShapeError(
                    f"{self.name}: the arguments do not fit what the function is bound to",
                    details=[f"bound to {shape}" for shape in self._input_shapes]
                    + [f"called with {getattr(array, 'shape', array)!r}" for array in arrays],
                )
            return self._enter(*arrays)

    def _call(self, *args: Any, **keywords: Any) -> Any:
        """The fast path, in Python."""
        with self._lock:
            if self._context.state == READY and not keywords and self._fits(args):
                return self._run(*args)
        return self._slow(*args, **keywords)

    def _fits(self, arrays: Sequence[Any]) -> bool:
        return len(arrays) == len(self._inputs) and all(
            type(array) is np.ndarray
            and array.dtype is dtype
            and array.shape == shape
            and array.flags.c_contiguous
            and array.flags.aligned
            for array, (dtype, _), shape in zip(arrays, self._inputs, self._input_shapes, strict=True)
        )

    def _run(self, *arrays: npt.NDArray[Any]) -> Any:
        self._context.state = RUNNING
        try:
            outputs = [
                np.empty(shape, dtype) for (dtype, _), shape in zip(self._outputs, self._output_shapes, strict=True)
            ]
            for index, array in enumerate([*arrays, *outputs]):
                self._buffers[index] = array.__array_interface__["data"][0]
            status = self._main(*self._tables)
        finally:
            self._context.state = READY
        if status:
            return self._failed(status)
        if self._returns_list:
            return outputs
        return outputs[0] if outputs else None


def _check_tables(
    inputs: Sequence[OperandType],
    outputs: Sequence[OperandType],
    buffers: npt.NDArray[np.uint64],
    dims: npt.NDArray[np.int64],
    returns_list: bool,
) -> None:
    """Native code trusts these tables, so a mistake must not get that far."""
    plain = buffers.flags.carray and dims.flags.carray
    if buffers.dtype != np.uint64 or dims.dtype != np.int64 or not plain:
        raise TypeError("buffers must be a contiguous table of uint64, dims one of int64")
    if buffers.size < len(inputs) + len(outputs):
        raise ValueError(f"{buffers.size} buffers for {len(inputs)} inputs and {len(outputs)} outputs")
    if not returns_list and len(outputs) > 1:
        raise ValueError(f"{len(outputs)} outputs need returns_list")
