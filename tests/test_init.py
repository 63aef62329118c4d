import numpy as np
import pytest

from graphc import init
from graphc.errors import DTypeError, ShapeError


@pytest.mark.parametrize(
    ("make", "variance"),
    [
        (init.xavier_normal, 2 / 500),
        (init.xavier_uniform, 2 / 500),
        (init.he_normal, 2 / 300),
        (init.he_uniform, 2 / 300),
    ],
)
def test_variance_is_that_of_the_paper(make, variance):
    values = make((300, 200), seed=0, dtype="float64")
    assert values.var() == pytest.approx(variance, rel=0.03)
    assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)


def test_a_seed_means_the_same_numbers_in_every_dtype():
    wide = init.he_normal((7, 5), seed=3, dtype="float64")
    assert (init.he_normal((7, 5), seed=3) == wide.astype(np.float32)).all()
    assert init.he_normal((7, 5), seed=3).dtype == np.float32
    assert not (init.he_normal((7, 5), seed=4, dtype="float64") == wide).any()


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 5)])
def test_orthogonal(shape):
    matrix = init.orthogonal(shape, seed=1, gain=2.0, dtype="float64").reshape(-1, shape[-1])
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(short @ short.T, 4 * np.eye(len(short)), atol=1e-12)


def test_a_window_counts_in_both_fans():
    assert init.fans((3, 5, 7)) == (15, 35)


def test_uniform_stays_inside():
    values = init.uniform((1000,), seed=0, low=2.0, high=3.0)
    assert values.min() >= 2
    assert values.max() < 3


def test_constants():
    assert (init.ones(3) == [1, 1, 1]).all()
    assert init.zeros((2, 0)).shape == (2, 0)
    assert init.constant(2, 7, "int8").dtype == np.int8


def test_a_vector_has_no_fans():
    with pytest.raises(ShapeError, match="fans"):
        init.he_normal((3,), seed=0)


def test_random_integers_are_refused():
    with pytest.raises(DTypeError, match="int32"):
        init.normal(3, seed=0, dtype="int32")
