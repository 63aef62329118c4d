import numpy as np
import pytest

import graphc as gc
from graphc.errors import DTypeError, ShapeError
from graphc.nn import losses
from tests.nn.comparison import assert_same, torch

F = torch.nn.functional
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 9, 5))
LABELS = np.array([[1, 2, 2, 4], [3, 3, 3, 3], [2, 1, 0, 0], [4, 0, 0, 0]])
LENGTHS, COUNTS = np.array([9, 9, 5, 3]), np.array([4, 4, 2, 0])


def theirs(reduction, blank=0):
    def loss(logits):
        rows = F.log_softmax(logits, -1).transpose(0, 1)
        return F.ctc_loss(
            rows, torch.tensor(LABELS), torch.tensor(LENGTHS), torch.tensor(COUNTS), blank=blank, reduction=reduction
        )

    return loss


def ours(reduction, blank=0):
    return lambda z: losses.ctc(
        gc.log_softmax(z), LABELS, lengths=LENGTHS, label_lengths=COUNTS, blank=blank, reduction=reduction
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_is_that_of_torch(reduction):
    assert_same(ours(reduction), theirs(reduction), (LOGITS,), rtol=1e-10)


def test_compiled_it_is_the_same():
    assert_same(ours("sum"), theirs("sum"), (LOGITS,), rtol=1e-9, target="llvm")


def test_it_is_the_sum_over_all_paths():
    """Three times, two labels: every path is written out."""
    rows = np.log(np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]]))
    paths = np.indices((3, 3, 3)).reshape(3, -1).T
    total = 0.0
    for path in paths:
        merged = [c for i, c in enumerate(path) if i == 0 or path[i - 1] != c]
        if [c for c in merged if c != 0] == [1, 2]:
            total += np.exp(rows[range(3), path].sum())
    loss = losses.ctc(rows[None], np.array([[1, 2]]), reduction="sum")
    assert gc.compile([], loss, target="reference")() == pytest.approx(-np.log(total), rel=1e-13)


def test_labels_that_do_not_fit_teach_nothing():
    x = gc.input("x", (1, 2, 3), "float64")
    loss = losses.ctc(x, np.array([[1, 1]]), reduction="sum")
    value, slope = gc.compile([x], [loss, gc.grad(loss, x)], target="reference")(np.log(np.full((1, 2, 3), 1 / 3)))
    assert value == np.inf
    assert (slope == 0).all()


def test_what_does_not_fit_is_named():
    x = gc.input("x", ("n", 5, 3))
    with pytest.raises(ShapeError, match="batch, time, classes"):
        losses.ctc(x, gc.input("y", ("m", 2), "int64"))
    with pytest.raises(DTypeError, match="labels are integers"):
        losses.ctc(x, gc.input("y", ("n", 2)))
