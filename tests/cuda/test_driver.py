"""The driver layer: what it says without a GPU, and a round trip where there is one."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from graphc.backends.cuda import driver
from graphc.errors import TargetError

REASON = driver.available()
HAS_BINDINGS = importlib.util.find_spec("cuda") is not None and importlib.util.find_spec("cuda.bindings") is not None


@pytest.fixture
def fresh_driver() -> Any:
    driver._driver.cache_clear()
    yield
    driver._driver.cache_clear()


def test_without_the_package_the_reason_names_it(monkeypatch: pytest.MonkeyPatch, fresh_driver: None) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    assert driver.available() == "cuda-bindings is not installed"
    with pytest.raises(TargetError, match=r"pip install 'graphc\[cuda\]'"):
        driver.Device()


@pytest.mark.skipif(REASON is None or not HAS_BINDINGS, reason="needs cuda-bindings and no GPU")
def test_without_a_gpu_there_is_a_reason() -> None:
    assert REASON
    with pytest.raises(TargetError) as caught:
        driver.Device()
    assert caught.value.message == REASON


class FakeResult(int):
    """A status that is no success, with the name the binding's enum would have."""

    name = "CUDA_ERROR_OUT_OF_MEMORY"


def test_a_failed_call_says_which_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(
        CUresult=SimpleNamespace(CUDA_SUCCESS=0),
        cuMemAlloc=lambda size: (FakeResult(2), None),
        cuDeviceGetCount=lambda: (0, 0),
        cuInit=lambda flags: (0,),
        cuGetErrorString=lambda status: (0, b"out of memory"),
    )
    monkeypatch.setattr(driver, "_driver", lambda: fake)
    assert driver._call("cuInit", 0) is None
    assert driver.available() == "the CUDA driver finds no GPU"
    with pytest.raises(TargetError, match=r"cuMemAlloc: out of memory \(CUDA_ERROR_OUT_OF_MEMORY\)"):
        driver._call("cuMemAlloc", 1 << 50)


@pytest.mark.skipif(not HAS_BINDINGS, reason="needs cuda-bindings")
def test_every_driver_function_that_is_called_exists() -> None:
    import re

    bindings = driver._driver()
    text = Path(driver.__file__).read_text()
    names = set(re.findall(r'_call\(\s*"(\w+)"', text))
    assert len(names) > 12 and all(hasattr(bindings, name) for name in names)
    for attribute in re.findall(r'_attribute\("(\w+)"\)', text):
        assert hasattr(bindings.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{attribute}")
    assert hasattr(bindings.CUfunction_attribute, "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES")
    assert hasattr(bindings.CUstream_flags, "CU_STREAM_NON_BLOCKING")


def test_scalars_are_passed_in_their_width() -> None:
    widths = {True: 1, 7: 4, 0.5: 4, np.int64(1): 8, np.float64(1): 8, np.uint64(1): 8, np.float16(1): 2}
    assert [len(driver._argument_bytes(value)) for value in (True, 7, 0.5)] == [1, 4, 4]
    for value, width in widths.items():
        if isinstance(value, np.generic):
            assert len(driver._argument_bytes(value)) == width


@pytest.mark.skipif(REASON is not None, reason=REASON or "")
def test_softmax_on_the_gpu() -> None:
    from graphc.backends.cuda.nvrtc import compile_cubin

    device = driver.Device()
    source = (Path(__file__).parent / "kernels" / "softmax.cu").read_text()
    kernel = device.load(compile_cubin(source, device.architecture).image).kernel("softmax_rows")
    x = np.random.default_rng(0).standard_normal((33, 257)).astype(np.float32)
    y = np.full_like(x, np.nan)
    arena = device.allocate(2 * 65536)
    arena.write(x)
    kernel.launch((33, 1, 1), (256, 1, 1), [np.uint64(arena.address), np.uint64(arena.address + 65536), 257])
    arena.read(y, 65536)
    arena.free()
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    np.testing.assert_allclose(y, e / e.sum(1, keepdims=True), rtol=1e-5)
