"""Value iteration: how good each cell of a gridworld is, found by a loop inside the graph.

    python examples/value_iteration.py

A robot walks on 4 x 4 cells until it is in the lower right one. Each step costs 1; walking into the pit costs 10
more. With probability 0.2 it slips to one side of where it wanted to go. Bellman's optimality equation
(Sutton and Barto, 2018, equation 4.10) is applied until nothing changes any more; then the value of the policy that
is best by these values is the solution of a linear system, and both have to agree.
"""

from typing import Any, NamedTuple

import numpy as np

import graphc as gc

Array = np.ndarray[Any, Any]

SIDE, GOAL, PIT, DISCOUNT, SLIP = 4, 15, 9, 0.95, 0.2
MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])  # up, right, down, left
ARROWS = "↑→↓←"


def neighbours() -> Array:
    """The cell in which each move from each cell ends, [16, 4]: walls stop it, and the goal is not left."""
    cells = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), axis=1)
    rows, columns = np.moveaxis(np.clip(cells[:, None] + MOVES, 0, SIDE - 1), -1, 0)
    ends = rows * SIDE + columns
    ends[GOAL] = GOAL
    return ends


def expected(values: gc.Node, ends: gc.Node) -> gc.Node:
    """The mean of `values` after each move from each cell; one that slips ends to the left or right of it."""
    after = values[ends]
    return (1 - SLIP) * after + SLIP / 2 * (gc.roll(after, 1, axis=1) + gc.roll(after, -1, axis=1))


class Solution(NamedTuple):
    values: Array  # by iteration, [16]
    exact: Array  # by a linear system, [16]
    policy: Array  # the number of the best move, [16]
    sweeps: int


def solve(*, tolerance: float = 1e-11, target: str = "llvm") -> Solution:
    ends = gc.constant(neighbours())
    cost = gc.constant(np.where(np.arange(SIDE * SIDE) == GOAL, 0.0, 1.0))
    pit = gc.constant(10.0 * (np.arange(SIDE * SIDE) == PIT))

    def action_values(values: gc.Node) -> gc.Node:
        return -cost[:, None] + expected(DISCOUNT * values - pit, ends)

    def sweep(state: tuple[gc.Node, gc.Node, gc.Node]) -> tuple[gc.Node, gc.Node, gc.Node]:
        values, _, sweeps = state
        new = gc.max(action_values(values), axis=1)
        return new, gc.max(gc.abs(new - values)), sweeps + 1

    start = gc.zeros(SIDE * SIDE, dtype="float64"), gc.constant(np.inf), gc.constant(0)
    values, _, sweeps = gc.while_loop(lambda state: state[1] > tolerance, sweep, start)
    policy = gc.argmax(action_values(values), axis=1)

    # The policy is a Markov chain, whose matrix maps values to what they are expected to be a step later.
    eye = gc.eye(SIDE * SIDE, dtype="float64")
    chain = gc.vmap(lambda unit: gc.take_along_axis(expected(unit, ends), policy[:, None], axis=1)[:, 0])(eye).T
    exact = gc.linalg.solve(eye - DISCOUNT * chain, -cost - chain @ pit)
    return Solution(*gc.compile([], [values, exact, policy, sweeps], target=target)())


def main() -> None:
    solution = solve()
    arrows = np.array(list(ARROWS))[solution.policy]
    arrows[GOAL], arrows[PIT] = "G", "P"
    for row, moves in zip(solution.values.reshape(SIDE, SIDE), arrows.reshape(SIDE, SIDE)):
        print("  ".join(f"{value:8.3f} {move}" for value, move in zip(row, moves)))
    difference = np.max(np.abs(solution.values - solution.exact))
    print(f"{solution.sweeps} sweeps; largest difference from the linear system {difference:.1e}")


if __name__ == "__main__":
    main()
