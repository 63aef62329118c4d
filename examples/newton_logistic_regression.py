"""Logistic regression by Newton's method: breast cancer, 30 measurements of 569 tumours (Goodfellow, 5.7 and 8.6).

    python examples/newton_logistic_regression.py

Gradient, Hessian, the solution of the linear system and the decision to stop are in one `gc.while_loop`. The loss is
log(1 + exp(-m)), which overflows as it stands; the compiler makes it and both of its derivatives stable.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import graphc as gc


class Result(NamedTuple):
    """How many iterations, what is left of the gradient, and how many test tumours are told right."""

    iterations: int
    gradient_norm: float
    accuracy: float


def data() -> tuple[np.ndarray[Any, Any], ...]:
    """Standardised measurements with a 1 in front, to learn from and to test with; labels are -1 and 1."""
    x, y = load_breast_cancer(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, 2.0 * y - 1, test_size=0.3, random_state=0, stratify=y)
    mean, std = x.mean(axis=0), x.std(axis=0)
    rows = [np.column_stack([np.ones(len(part)), (part - mean) / std]) for part in (x, test_x)]
    return rows[0], y, rows[1], test_y


def cost(w: Any, x: Any, y: Any, penalty: float) -> Any:
    """The mean loss of the margins y (x w), and a penalty: without one, separable data want infinite weights."""
    margins = y * (x @ w)
    return gc.mean(gc.log(1 + gc.exp(-margins))) + penalty / 2 * gc.sum(w**2)


def learn(*, penalty: float = 3e-3, tolerance: float = 1e-8, target: str = "llvm") -> Result:
    """Newton's method from weights 0 until the gradient is shorter than the tolerance."""
    x = gc.input("x", ("n", 31), "float64")
    y = gc.input("y", ("n",), "float64")

    def gradient(w: Any) -> Any:
        return gc.grad(cost(w, x, y, penalty), w)

    def unfinished(state: Any) -> Any:
        w, _ = state
        return gc.linalg.norm(gradient(w)) >= tolerance

    def step(state: Any) -> Any:
        w, count = state
        return w - gc.linalg.solve(gc.hessian(cost(w, x, y, penalty), w), gradient(w)), count + 1

    w, count = gc.while_loop(unfinished, step, (gc.zeros(31, "float64"), gc.constant(0)), max_steps=50)
    newton = gc.compile([x, y], [w, count, gc.linalg.norm(gradient(w))], target=target, name="newton")
    train_x, train_y, test_x, test_y = data()
    weights, iterations, norm = newton(train_x, train_y)
    return Result(int(iterations), float(norm), float(np.mean(np.sign(test_x @ weights) == test_y)))


def main() -> None:
    result = learn()
    print(f"{result.iterations} iterations, |gradient| {result.gradient_norm:.1e}, test accuracy {result.accuracy:.4f}")


if __name__ == "__main__":
    main()
