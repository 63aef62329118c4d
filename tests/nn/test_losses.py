import numpy as np
import pytest
from scipy import special, stats

import graphc as gc
from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.nn import losses
from tests.nn.comparison import assert_same, torch

F = torch.nn.functional
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 7)), RNG.normal(size=(5, 7))
P = special.softmax(RNG.normal(size=(5, 7)), axis=1)
Q = special.softmax(RNG.normal(size=(5, 7)), axis=1)
LABELS = np.array([3, 0, 6, 3, 1])
WEIGHT = RNG.uniform(0.5, 2, size=7)
REDUCTIONS = ["mean", "sum", "none"]

ELEMENTWISE = {
    "mse": (losses.mse, F.mse_loss, (X, Y)),
    "mae": (losses.mae, F.l1_loss, (X, Y)),
    "huber": (
        lambda x, y, **r: losses.huber(x, y, delta=0.7, **r),
        lambda x, y, **r: F.huber_loss(x, y, delta=0.7, **r),
        (X, Y),
    ),
    "gaussian": (
        lambda x, v, y, **r: losses.gaussian_nll(x, v, y, **r),
        lambda x, v, y, **r: F.gaussian_nll_loss(x, y, v, **r),
        (X, P, Y),
    ),
    "poisson": (losses.poisson_nll, F.poisson_nll_loss, (X, np.abs(Y))),
    "bce": (losses.binary_cross_entropy, F.binary_cross_entropy, (P, Q)),
    "bce with logits": (
        lambda x, y, **r: losses.binary_cross_entropy_with_logits(x, y, positive_weight=3.0, **r),
        lambda x, y, **r: F.binary_cross_entropy_with_logits(
            x, y, pos_weight=torch.tensor(3.0, dtype=torch.float64), **r
        ),
        (X, Q),
    ),
    "triplet": (losses.triplet, F.triplet_margin_loss, (X, Y, P)),
    "probabilities": (losses.cross_entropy, F.cross_entropy, (X, P)),
    "smooth probabilities": (
        lambda x, p, **r: losses.cross_entropy(x, p, label_smoothing=0.1, weight=WEIGHT, **r),
        lambda x, p, **r: F.cross_entropy(x, p, label_smoothing=0.1, weight=torch.tensor(WEIGHT), **r),
        (X, P),
    ),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_loss_is_that_of_torch(name, reduction):
    ours, theirs, arrays = ELEMENTWISE[name]
    assert_same(
        lambda *x: ours(*x, reduction=reduction),
        lambda *x: theirs(*x, reduction=reduction),
        arrays,
        rtol=1e-8 if name == "bce" else 1e-11,  # torch adds 1e-12 to a denominator
        second=True,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignore", [None, 3])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_cross_entropy_of_labels_is_that_of_torch(reduction, smoothing, ignore, weight):
    their_weight = None if weight is None else torch.tensor(weight)
    their_ignore = -100 if ignore is None else ignore
    assert_same(
        lambda x, y: losses.cross_entropy(
            x, y, label_smoothing=smoothing, ignore=ignore, weight=weight, reduction=reduction
        ),
        lambda x, y: F.cross_entropy(
            x, y, label_smoothing=smoothing, ignore_index=their_ignore, weight=their_weight, reduction=reduction
        ),
        (X, LABELS),
    )
    if not smoothing:
        assert_same(
            lambda x, y: losses.nll(x, y, ignore=ignore, weight=weight, reduction=reduction),
            lambda x, y: F.nll_loss(x, y, ignore_index=their_ignore, weight=their_weight, reduction=reduction),
            (X, LABELS),
        )


def test_classes_may_lie_on_any_axis():
    images, labels = RNG.normal(size=(2, 4, 3, 3)), RNG.integers(0, 4, (2, 3, 3))
    assert_same(
        lambda x, y: losses.cross_entropy(x, y, axis=1, weight=WEIGHT[:4]),
        lambda x, y: F.cross_entropy(x, y, weight=torch.tensor(WEIGHT[:4])),
        (images, labels),
    )


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_kl_divergence(reduction):
    def theirs(p, q):
        return (
            F.kl_div(q.log(), p, reduction="none").sum(-1).sum()
            if reduction == "sum"
            else F.kl_div(q.log(), p, reduction="none").sum(-1)
        )

    assert_same(lambda p, q: losses.kl_divergence(p, q, reduction=reduction), theirs, (P, Q))
    found = gc.compile([], losses.kl_divergence(P, Q, reduction="none"), target="reference")()
    np.testing.assert_allclose(found, stats.entropy(P, Q, axis=1), rtol=1e-12)


def test_probabilities_of_zero_add_nothing():
    p = gc.input("p", (3,), "float64")
    loss = losses.kl_divergence(p, gc.constant([0.5, 0.5, 0.0]))
    value, slope = gc.compile([p], [loss, gc.grad(loss, p)], target="reference")(np.array([0.25, 0.75, 0.0]))
    assert value == pytest.approx(stats.entropy([0.25, 0.75], [0.5, 0.5]))
    assert slope[2] == 0
    q = gc.input("q", (2,), "float64")
    loss = losses.binary_cross_entropy(q, gc.constant([0.0, 1.0]))
    value, slope = gc.compile([q], [loss, gc.grad(loss, q)], target="reference")(np.array([0.0, 1.0]))
    assert value == 0
    np.testing.assert_array_equal(slope, [0.5, -0.5])


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_large_logits_do_not_overflow(target):
    z = gc.input("z", (2, 3), "float32")
    rows = np.array([[1000, 0, -1000], [-500, -500, 90]], "float32")
    loss = losses.cross_entropy(z, gc.constant([2, 2]), reduction="none")
    slope = gc.grad(gc.sum(loss), z)
    value, gradient = gc.compile([z], [loss, slope], target=target)(rows)
    np.testing.assert_array_equal(value, [2000, 0])
    np.testing.assert_array_equal(gradient, [[1, 0, -1], [0, 0, 0]])
    t = gc.constant(np.array([[0, 1, 1], [0, 1, 0]], "float32"))
    loss = losses.binary_cross_entropy_with_logits(z, t, reduction="none")
    value, gradient = gc.compile([z], [loss, gc.grad(gc.sum(loss), z)], target=target)(rows)
    np.testing.assert_allclose(value, [[1000, np.log(2), 1000], [0, 500, 90]], rtol=1e-6)
    np.testing.assert_array_equal(gradient, [[1, -0.5, -1], [0, -1, 1]])


def test_cosine_similarity_is_that_of_torch():
    assert_same(losses.cosine_similarity, lambda x, y: F.cosine_similarity(x, y, dim=-1), (X, Y))
    assert_same(losses.cosine_distance, lambda x, y: (1 - F.cosine_similarity(x, y, dim=-1)).mean(), (X, Y))


def test_cosine_similarity_of_nothing_is_zero():
    x = gc.input("x", (3,), "float64")
    y = losses.cosine_similarity(x, gc.constant([1.0, 2.0, 2.0]))
    value, slope = gc.compile([x], [y, gc.grad(y, x)], target="reference")(np.zeros(3))
    assert value == 0
    np.testing.assert_allclose(slope, np.array([1, 2, 2]) / 3 * 1e8)


def test_info_nce():
    def theirs(q, k):
        similarities = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).T / 0.2
        return F.cross_entropy(similarities, torch.arange(len(q)))

    assert_same(lambda q, k: losses.info_nce(q, k, temperature=0.2), theirs, (X, Y))


def test_contrastive():
    same = np.array([True, False, True, False, False])
    close = np.where(same[:, None], Y, X + 0.1)

    def theirs(x, y):
        d = torch.linalg.norm(x - y, dim=-1)
        return torch.where(torch.tensor(same), d**2, torch.relu(1.5 - d) ** 2).mean()

    assert_same(lambda x, y: losses.contrastive(x, y, same, margin=1.5), theirs, (X, close))
    x = gc.input("x", (1, 2), "float64")
    slope = gc.grad(losses.contrastive(x, gc.zeros((1, 2), "float64"), gc.constant([False])), x)
    assert (gc.compile([x], slope, target="reference")(np.zeros((1, 2))) == 0).all()


@pytest.mark.parametrize("power", [1, 2])
def test_hinge(power):
    t = np.sign(Y)
    assert_same(
        lambda s: losses.hinge(s, t, power=power), lambda s: (torch.relu(1 - torch.tensor(t) * s) ** power).mean(), (X,)
    )


def test_log_cosh_and_quantile():
    assert_same(losses.log_cosh, lambda x, y: torch.log(torch.cosh(x - y)).mean(), (X, Y), rtol=1e-9)
    assert_same(
        lambda x, y: losses.quantile(x, y, q=0.3),
        lambda x, y: torch.maximum(0.3 * (y - x), -0.7 * (y - x)).mean(),
        (X, Y),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_more_labels_than_float16_can_count(smoothing):
    n = 70_000
    x, y = gc.input("x", ("n", 5), "float16"), gc.input("y", ("n",), "int64")
    loss = losses.cross_entropy(x, y, ignore=-1, label_smoothing=smoothing)
    f = gc.compile([x, y], loss)
    assert f(np.ones((n, 5), "float16"), np.arange(n) % 6 - 1) == np.float16(np.log(5))


def test_what_does_not_fit_is_named():
    x = gc.input("x", ("n", 3))
    with pytest.raises(ShapeError, match="differ in shape"):
        losses.mse(x, gc.input("y", ("n",)))
    with pytest.raises(GraphError, match="no reduction"):
        losses.mse(x, x, reduction="average")
    with pytest.raises(ShapeError, match="label for each row"):
        losses.cross_entropy(x, gc.input("y", ("m",), "int64"))
    with pytest.raises(DTypeError, match="no label to ignore"):
        losses.cross_entropy(x, x, ignore=0)
    with pytest.raises(DTypeError, match="labels are integers"):
        losses.nll(x, gc.input("y", ("n",)))
