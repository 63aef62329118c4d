import os

import ml_dtypes
import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import LoadError

pytest.importorskip("safetensors")
files = gc.interop.safetensors

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "float32", "float64", ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_every_dtype_and_shape_comes_back(dtype, shape, tmp_path):
    array = (np.random.default_rng(0).normal(size=shape) * 3).astype(dtype)
    files.save(tmp_path / "a", {"x": array, "y": gc.parameter("p", array), "z": array.T})
    found = files.load(tmp_path / "a")
    assert list(found) == ["x", "y", "z"]
    for name, wanted in (("x", array), ("y", array), ("z", array.T)):
        assert found[name].dtype == wanted.dtype and found[name].shape == wanted.shape
        assert found[name].tobytes() == wanted.tobytes()


def test_other_readers_read_the_file(tmp_path):
    from safetensors.numpy import load_file

    files.save(tmp_path / "a", {"w": np.arange(3.0)}, metadata={"epoch": "7"})
    assert (load_file(tmp_path / "a")["w"] == [0, 1, 2]).all()
    assert files.metadata(tmp_path / "a") == {"epoch": "7"}


def test_a_module_comes_back(tmp_path):
    def model(seed):
        return nn.Sequential(nn.Linear(3, 4, seed=seed), nn.BatchNorm(4))

    old, new = model(0), model(1)
    files.save(tmp_path / "a", old.state())
    files.restore(tmp_path / "a", new.state())
    for name, node in new.state().items():
        assert (gc.value(node) == gc.value(old.state()[name])).all()


def test_all_that_does_not_fit_is_named_and_nothing_changes(tmp_path):
    files.save(tmp_path / "a", {"fits": np.ones(2), "shape": np.ones((2, 1)), "dtype": np.ones(2, "float32"), "new": 1})
    parameters = {name: gc.parameter(name, np.zeros(2)) for name in ("fits", "shape", "dtype", "old")}
    with pytest.raises(LoadError) as caught:
        files.restore(tmp_path / "a", parameters)
    assert caught.value.details == (
        "old: missing",
        "new: unexpected",
        "shape: shape (2, 1) instead of (2,)",
        "dtype: float32 instead of float64",
    )
    assert all((gc.value(node) == 0).all() for node in parameters.values())


def test_a_part_may_be_restored(tmp_path):
    files.save(tmp_path / "a", {"a": np.ones(2), "c": np.ones(2)})
    a, b = gc.parameter("a", np.zeros(2)), gc.parameter("b", np.zeros(2))
    files.restore(tmp_path / "a", {"a": a, "b": b}, partial=True)
    assert (gc.value(a) == 1).all() and (gc.value(b) == 0).all()


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / "a").write_bytes(b"no arrays at all")
    for read in (files.load, files.metadata):
        with pytest.raises(LoadError, match="is no file of arrays"):
            read(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        files.load(tmp_path / "b")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    files.save(tmp_path / "a", {"x": np.ones(2)})

    def full(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.save(tmp_path / "a", {"x": np.zeros(2)})
    assert (files.load(tmp_path / "a")["x"] == 1).all()
    assert os.listdir(tmp_path) == ["a"]
