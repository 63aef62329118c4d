import numpy as np
import pytest
from scipy import stats

from graphc import init
from graphc.errors import DTypeError, ShapeError


@pytest.mark.parametrize(
    ("make", "variance"),
    [
        (init.xavier_normal, 2 / 500),
        (init.xavier_uniform, 2 / 500),
        (init.he_normal, 2 / 300),
        (init.he_uniform, 2 / 300),
        (init.lecun_normal, 1 / 300),
        (init.lecun_uniform, 1 / 300),
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


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform"])
def test_spread_of_a_convolution_is_that_of_torch(name):
    torch = pytest.importorskip("torch")
    tensor = torch.empty(40, 30, 3, 5, dtype=torch.float64)
    torch.manual_seed(0)
    wanted = getattr(torch.nn.init, f"{name}_")(tensor, **({"nonlinearity": "relu"} if "kaiming" in name else {}))
    make = getattr(init, name.replace("kaiming", "he"))
    values = make((40, 30, 3, 5), seed=0, fan_axes=(1, 0), dtype="float64")
    assert values.std() == pytest.approx(wanted.std().item(), rel=0.03)
    if "uniform" in name:
        assert np.abs(values).max() == pytest.approx(wanted.abs().max().item(), rel=1e-3)


def test_truncated_normal():
    values = init.truncated_normal((20_000,), seed=0, mean=1.0, std=3.0, limit=1.5, dtype="float64")
    assert np.abs(values - 1).max() <= 4.5
    assert stats.kstest(values, stats.truncnorm(-1.5, 1.5, 1, 3).cdf).pvalue > 0.01


def test_sparse():
    values = init.sparse((50, 20), seed=0, count=7)
    assert ((values != 0).sum(axis=0) == 7).all()
    assert len({tuple(np.flatnonzero(column)) for column in values.T}) == 20


def test_identity():
    np.testing.assert_array_equal(init.identity((3, 2), gain=2.0), [[2, 0], [0, 2], [0, 0]])
    with pytest.raises(ShapeError, match="no matrix"):
        init.identity(3)


def test_parts_of_a_seed_are_different_seeds():
    drawn = [init.normal(3, seed=seed)[0] for seed in (1, (1, 1), (1, 2), (2, 1), (1, 1, 1))]
    assert len(set(drawn)) == 5
    assert init.normal(3, seed=(1, 2))[0] == drawn[2]


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 5)])
def test_orthogonal(shape):
    matrix = init.orthogonal(shape, seed=1, gain=2.0, dtype="float64").reshape(-1, shape[-1])
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(short @ short.T, 4 * np.eye(len(short)), atol=1e-12)


def test_a_window_counts_in_both_fans():
    assert init.fans((3, 5, 7)) == (15, 35)
    assert init.fans((3, 5, 7, 2), fan_axes=(1, 0)) == (70, 42)


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
