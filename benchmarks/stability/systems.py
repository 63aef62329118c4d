"""The systems that are compared: how each makes a function of a formula, with its own differentiation.

In: tasks, which are formulas with the arrays that they will be called with. Out: for each task what came of it, the
values and derivatives of each call, or why there are none.
"""

import importlib
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from benchmarks.stability.case import DTYPES, Array, Arrays, Formula
from benchmarks.stability.words import words

Calls = Callable[..., list[Any]]  # arrays of a call to the value, followed by one derivative an input


@dataclass(frozen=True)
class Task:
    """What a system does at a time: one formula in one dtype."""

    name: str
    dtype: str
    formula: Formula
    arrays: Sequence[Arrays]
    gradient: bool
    together: bool
    """Whether the calls are of many points, one an element."""

    @cached_property
    def weights(self) -> Array:
        """What each element of the value counts in the cost that is differentiated: 1, 1.5, 2 ...

        Alike they would hide much: the sum of a softmax is constant.
        """
        shape = np.shape(with_numpy(self, False)(*self.arrays[0])[0])
        steps = 0.0 if self.together else 0.5
        return np.asarray(1 + steps * np.arange(np.prod(shape, dtype=int)).reshape(shape), self.dtype)


@dataclass
class Result:
    """Values and derivatives of each call, or why there are none."""

    values: list[Array] | None = None
    slopes: list[list[Array]] | None = None
    failure: str = ""


@dataclass(frozen=True)
class System:
    name: str
    module: str
    build: Callable[[Task, bool], Calls]
    """A function of the inputs, which gives the value and, if that is asked for, the derivatives too."""
    differentiates: bool = True
    together: bool = False
    """Whether compiling is so slow that the tasks of a family are compiled as one function, and in one dtype only."""
    cases: bool = True
    """Whether it is asked for right numbers, and not only for the answers of IEEE arithmetic."""
    probes: bool = True
    """Whether it promises the answers of IEEE arithmetic."""

    @property
    def dtypes(self) -> tuple[str, ...]:
        return DTYPES[:1] if self.together else DTYPES

    def version(self) -> str:
        """The version that is installed; raises ImportError where there is none."""
        importlib.import_module(self.module)
        return importlib.metadata.version(self.module)

    def run(self, task: Task) -> Result:
        """Values and derivatives by one function; where derivatives fail, values alone."""
        result = Result()
        for gradient in (True, False) if task.gradient and self.differentiates else (False,):
            try:
                function = self.build(task, gradient)
                outputs = [[np.asarray(part) for part in function(*inputs)] for inputs in task.arrays]
            except Exception as error:  # whatever a library raises is a result of the comparison
                result.failure = f"{type(error).__name__}: {(str(error).strip() or '-').splitlines()[0]}"[:200]
                continue
            result.values = [call[0] for call in outputs]
            if gradient:
                result.slopes = [call[1:] for call in outputs]
            break
        return result


def cost(task: Task, library: Any, value: Any) -> Any:
    """The sum of the values, weighted where they are not all alike."""
    return library.sum(value if np.all(task.weights == 1) else value * task.weights)


def with_numpy(task: Task, _gradient: bool) -> Calls:
    xp = words("numpy", task.dtype)

    def call(*inputs: Array) -> list[Any]:
        with np.errstate(all="ignore"):
            return [task.formula(xp, *inputs)]

    return call


def with_graphc(task: Task, gradient: bool, semantics: str = "stable") -> Calls:
    import graphc as gc

    inputs = [gc.input(f"x{i}", shape=x.shape, dtype=task.dtype) for i, x in enumerate(task.arrays[0])]
    value = task.formula(words("graphc", task.dtype), *inputs)
    slopes = [gc.grad(cost(task, gc, value), x) for x in inputs] if gradient else []
    return gc.compile(inputs, [value, *slopes], semantics=semantics)


def with_jax(task: Task, gradient: bool) -> Calls:
    import jax

    jax.config.update("jax_enable_x64", True)
    xp = words("jax", task.dtype)

    def cost_and_value(*inputs: Any) -> Any:
        value = task.formula(xp, *inputs)
        return cost(task, xp, value), value

    if not gradient:
        return jax.jit(lambda *inputs: [task.formula(xp, *inputs)])
    both = jax.value_and_grad(cost_and_value, argnums=tuple(range(len(task.arrays[0]))), has_aux=True)

    def value_and_slopes(*inputs: Any) -> list[Any]:
        (_, value), slopes = both(*inputs)
        return [value, *slopes]

    return jax.jit(value_and_slopes)


def with_pytensor(task: Task, gradient: bool) -> Calls:
    import pytensor
    import pytensor.tensor as pt

    pytensor.config.floatX = task.dtype  # the dtype that constants of Python take
    inputs = [pt.tensor(f"x{i}", shape=x.shape, dtype=task.dtype) for i, x in enumerate(task.arrays[0])]
    value = task.formula(words("pytensor", task.dtype), *inputs)
    slopes = pytensor.grad(cost(task, pt, value), inputs, disconnected_inputs="ignore") if gradient else []
    # The rewrites are those of every mode; the Python linker saves minutes of compiling what they made.
    mode = pytensor.compile.mode.Mode(linker="py", optimizer="fast_run")
    return pytensor.function(inputs, [value, *slopes], mode=mode, on_unused_input="ignore")


def with_torch(task: Task, gradient: bool) -> Calls:
    return torch_calls(partial(task.formula, words("torch", task.dtype)), task.weights if gradient else None)


def torch_calls(function: Callable[..., Any], weights: Array | None) -> Calls:
    """Values, and where weights are given, derivatives."""
    import torch

    def call(*arrays: Array) -> list[Any]:
        inputs = [torch.from_numpy(x.copy()).requires_grad_(weights is not None) for x in arrays]
        value = function(*inputs)
        slopes = [] if weights is None else torch_slopes([value], inputs, [weights])
        return [value.detach().numpy(), *slopes]

    return call


def torch_slopes(values: Sequence[Any], inputs: Sequence[Any], weights: Sequence[Array]) -> list[Array]:
    import torch

    slopes = torch.autograd.grad(values, inputs, [torch.from_numpy(w) for w in weights], allow_unused=True)
    return [(torch.zeros_like(x) if g is None else g).detach().numpy() for x, g in zip(inputs, slopes, strict=True)]


def with_torch_compile(task: Task, gradient: bool) -> Calls:
    import torch

    torch.compiler.reset()
    formula = torch.compile(partial(task.formula, words("torch", task.dtype)))
    return torch_calls(formula, task.weights if gradient else None)


SYSTEMS = {
    system.name: system
    for system in (
        System("numpy", "numpy", with_numpy, differentiates=False),
        System("torch", "torch", with_torch),
        System("torch.compile", "torch", with_torch_compile, together=True),
        System("jax", "jax", with_jax),
        System("pytensor", "pytensor", with_pytensor),
        System("graphc", "graphc", with_graphc),
        System("graphc real", "graphc", partial(with_graphc, semantics="real"), probes=False),
        System("graphc ieee", "graphc", partial(with_graphc, semantics="ieee"), cases=False),
    )
}


def run_together(tasks: Sequence[Task]) -> list[Result]:
    """What torch.compile makes of one function that computes all tasks; where that fails, of each half of them."""
    results = [Result() for _ in tasks]
    for gradient in (True, False):
        chosen = [i for i, task in enumerate(tasks) if task.gradient == gradient]
        for i, result in zip(chosen, compiled_together([tasks[i] for i in chosen], gradient), strict=True):
            results[i] = result
    return results


def compiled_together(tasks: Sequence[Task], gradient: bool) -> list[Result]:
    if not tasks:
        return []
    try:
        return torch_results(tasks, gradient)
    except Exception as error:  # as above
        if len(tasks) > 1:
            middle = len(tasks) // 2
            return compiled_together(tasks[:middle], gradient) + compiled_together(tasks[middle:], gradient)
        failure = f"{type(error).__name__}: {(str(error).strip() or '-').splitlines()[0]}"[:200]
        if not gradient:
            return [Result(failure=failure)]
        (result,) = compiled_together(tasks, False)
        return [Result(result.values, failure=failure)]


def torch_results(tasks: Sequence[Task], gradient: bool) -> list[Result]:
    import torch

    torch.compiler.reset()

    def all_values(inputs: list[list[Any]]) -> list[Any]:
        return [task.formula(words("torch", task.dtype), *own) for task, own in zip(tasks, inputs, strict=True)]

    compiled = torch.compile(all_values, dynamic=False)
    values: list[list[Array]] = [[] for _ in tasks]
    slopes: list[list[list[Array]]] = [[] for _ in tasks]
    for call in range(max(len(task.arrays) for task in tasks)):
        arrays = [task.arrays[min(call, len(task.arrays) - 1)] for task in tasks]
        inputs = [[torch.from_numpy(x.copy()).requires_grad_(gradient) for x in own] for own in arrays]
        found = compiled(inputs)
        weights = [task.weights for task in tasks]
        partials = iter(torch_slopes(found, [x for own in inputs for x in own], weights) if gradient else [])
        for i, task in enumerate(tasks):
            of_task = [next(partials) for _ in inputs[i]] if gradient else []
            if call < len(task.arrays):
                values[i].append(found[i].detach().numpy())
                slopes[i].append(of_task)
    return [Result(values[i], slopes[i] if gradient else None) for i in range(len(tasks))]
