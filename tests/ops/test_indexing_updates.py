"""Random updates of parameters at indices: native code, which writes in place, against the reference."""

import numpy as np
import pytest

import graphc as gc


class Updates:
    """New values of two parameters, in which elements are read and changed at indices."""

    def __init__(self, seed):
        self.random = random = np.random.default_rng(seed)
        self.i, self.v = gc.input("i", ("k",), "int64"), gc.input("v", ("k", 3), "float64")
        self.starts = random.normal(size=(2, 4, 3))
        self.parameters = [gc.parameter(name, start) for name, start in zip("ab", self.starts, strict=True)]
        self.updates = {p: self.changed(p) for p in self.parameters[: random.integers(1, 3)]}
        self.outputs = [gc.sum(self.parameters[0]), self.rows(1)][: random.integers(3)]

    def one_of(self, *choices):
        return choices[self.random.integers(len(choices))]()

    def parameter(self):
        return self.parameters[self.random.integers(2)]

    def places(self):
        i = self.i
        return self.one_of(lambda: i, lambda: i[::-1], lambda: i * 0, lambda: (i + 1) % 4)

    def rows(self, depth):
        """Values for the places."""
        if depth == 0:
            return self.one_of(lambda: self.v, lambda: self.parameter()[self.i])
        return self.one_of(
            lambda: self.rows(depth - 1) + self.rows(depth - 1),
            lambda: gc.sin(self.rows(depth - 1)),
            lambda: self.parameter()[self.i] + gc.sum(self.parameter(), 0),
            lambda: self.parameter()[self.i[::-1]] - self.rows(depth - 1),
            lambda: gc.cumsum(self.rows(depth - 1), 0),
        )

    def changed(self, p):
        at, values = self.places(), self.rows(2)
        return self.one_of(
            lambda: p.at[at].add(values),
            lambda: p.at[at].set(values),
            lambda: p.at[at].max(values),
            lambda: p.at[at].multiply(values),
            lambda: p.at[at, 0].set(values[:, 1]),
            lambda: p.at[at].set(values).at[self.i].add(self.v),
            lambda: p.at[1:].add(gc.sum(values, 0)),
            lambda: gc.sin(p) + gc.sum(values, 0),
            lambda: self.parameter().at[at].min(values),
        )

    def run(self, target, indices, values):
        """What two calls give and leave behind, and whether an index was out of bounds."""
        for p, start in zip(self.parameters, self.starts, strict=True):
            gc.set_value(p, start)
        f = gc.compile([self.i, self.v], self.outputs, updates=self.updates, target=target)
        try:
            found = [*f(indices, values), *f(indices * 0, values)]
        except gc.IndexOutOfBounds:
            found = []
        return found, [gc.value(p) for p in self.parameters]


@pytest.mark.parametrize("seed", range(60))
def test_updates_in_place(seed):
    case = Updates(seed)
    indices, values = case.random.integers(-4, 4, 3), case.random.normal(size=(3, 3))
    if seed % 4 == 0:
        indices[1] = 4
    wanted = case.run("reference", indices, values)
    for target in ("llvm", "cuda-emulator")[: 2 if seed % 10 == 0 else 1]:
        found = case.run(target, indices, values)
        for mine, theirs in zip(found, wanted, strict=True):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
