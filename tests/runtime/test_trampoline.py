"""The call path: a hand-written `main` called natively and through the path in Python."""

import ctypes
import gc
import os
import platform
import sys
import sysconfig
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import ml_dtypes
import numpy as np
import pytest

from graphc.backends.llvm.build import build
from graphc.errors import ShapeError
from graphc.runtime import trampoline_entry
from graphc.runtime.trampoline import NativeFunction, ReentrantCall
from graphc.runtime.trampoline_entry import NoEntry, native_entry

# copy: dims[0] bytes from the first buffer to the second, then fails with dims[1].
# sums: dims[0] elements of f32; buffers a, b, a+b, a-b.
# nested: calls back into the test.
MAINS = """
declare ptr @memcpy(ptr, ptr, i64)
declare void @callback()

define i32 @copy(ptr %buffers, ptr %dims) {
  %bytes = load i64, ptr %dims
  %code.at = getelementptr i64, ptr %dims, i64 1
  %code = load i64, ptr %code.at
  %from = load ptr, ptr %buffers
  %to.at = getelementptr ptr, ptr %buffers, i64 1
  %to = load ptr, ptr %to.at
  %ignored = call ptr @memcpy(ptr %to, ptr %from, i64 %bytes)
  %status = trunc i64 %code to i32
  ret i32 %status
}

define i32 @sums(ptr %buffers, ptr %dims) {
entry:
  %n = load i64, ptr %dims
  %a = load ptr, ptr %buffers
  %b.at = getelementptr ptr, ptr %buffers, i64 1
  %b = load ptr, ptr %b.at
  %sum.at = getelementptr ptr, ptr %buffers, i64 2
  %sum = load ptr, ptr %sum.at
  %difference.at = getelementptr ptr, ptr %buffers, i64 3
  %difference = load ptr, ptr %difference.at
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %ai = getelementptr float, ptr %a, i64 %i
  %x = load float, ptr %ai
  %bi = getelementptr float, ptr %b, i64 %i
  %y = load float, ptr %bi
  %p = fadd float %x, %y
  %pi = getelementptr float, ptr %sum, i64 %i
  store float %p, ptr %pi
  %m = fsub float %x, %y
  %mi = getelementptr float, ptr %difference, i64 %i
  store float %m, ptr %mi
  %next = add i64 %i, 1
  br label %loop
done:
  ret i32 0
}

define i32 @nested(ptr %buffers, ptr %dims) {
  call void @callback()
  ret i32 0
}

define i32 @nothing(ptr %buffers, ptr %dims) {
  ret i32 0
}
"""
events: list[Any] = []
on_callback: list[Callable[[], Any]] = []


@ctypes.CFUNCTYPE(None)
def callback() -> None:
    try:
        on_callback[-1]()
    except Exception as error:
        events.append(error)


@pytest.fixture(scope="module")
def library() -> Any:
    return build(
        MAINS,
        ["copy", "sums", "nested", "nothing"],
        {"callback": ctypes.cast(callback, ctypes.c_void_p).value or 0},
    )


@pytest.fixture(autouse=True, params=["native", "python"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "python":
        monkeypatch.setenv("GRAPHC_CALL", "python")
    else:
        monkeypatch.delenv("GRAPHC_CALL", raising=False)
        if isinstance(native_entry(), NoEntry):
            pytest.skip("no native entry here")
    events.clear()
    yield request.param
    on_callback.clear()


class Failure(Exception):
    pass


def refuse(code: int) -> NoReturn:
    raise Failure(code)


class Tagged:
    """A `slow` that only shows what it was given."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return ("slow", args, keywords)


def copier(library: Any, dtype: Any, shape: tuple[int, ...], *, slow: Any = None, code: int = 0) -> NativeFunction:
    dims = np.array([int(np.prod(shape)) * np.dtype(dtype).itemsize, code])
    operand = [(dtype, len(shape))]
    function = NativeFunction(
        library["copy"], operand, operand, np.zeros(2, np.uint64), dims,
        returns_list=False, slow=slow or Tagged(), failed=refuse, name="copy", owner=library,
    )  # fmt: skip
    function.bind([shape], [shape])
    return function


def summer(library: Any, n: int, slow: Any = None) -> NativeFunction:
    function = NativeFunction(
        library["sums"], [(np.float32, 1)] * 2, [(np.float32, 1)] * 2, np.zeros(4, np.uint64), np.array([n]),
        returns_list=True, slow=slow or Tagged(), failed=refuse, name="sums", owner=library,
    )  # fmt: skip
    function.bind([(n,)] * 2, [(n,)] * 2)
    return function


def test_the_native_path_is_taken_where_it_can_be(library: Any, path: str) -> None:
    if platform.python_implementation() == "CPython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not isinstance(native_entry(), NoEntry)
    assert copier(library, np.float32, (3,)).path.startswith(path)


@pytest.mark.parametrize("shape", [(), (5,), (0,), (2, 3), (3, 0, 2), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8, np.int64, bool, ml_dtypes.bfloat16])
def test_every_shape_and_dtype(library: Any, dtype: Any, shape: tuple[int, ...]) -> None:
    function = copier(library, dtype, shape)
    x = np.random.default_rng(0).integers(0, 2, size=shape).astype(dtype)
    x = np.asarray(x, dtype)
    y = function.call(x)
    assert type(y) is np.ndarray and y.dtype == x.dtype and y.shape == shape and y is not x
    np.testing.assert_array_equal(y, x)
    assert y.flags.owndata and y.flags.writeable and y.flags.c_contiguous


def test_several_outputs_are_a_list_of_fresh_arrays(library: Any) -> None:
    function = summer(library, 100)
    a, b = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    first, second = function.call(a, b), function.call(b, a)
    assert type(first) is list
    for result, expected in zip([*first, *second], [a + b, a - b, b + a, b - a], strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("returns_list", "expected"), [(False, None), (True, [])])
def test_no_outputs(library: Any, returns_list: bool, expected: Any) -> None:
    function = NativeFunction(
        library["nothing"], [], [], np.zeros(0, np.uint64), np.zeros(0, np.int64),
        returns_list=returns_list, slow=Tagged(), failed=refuse,
    )  # fmt: skip
    function.bind([], [])
    assert function.call() == expected
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(100):
        function.call()
    assert abs(sys.getrefcount(None) - before) < 50


GRID = np.arange(6, dtype=np.float32).reshape(2, 3)
UNALIGNED = np.frombuffer(bytes(25), np.uint8)[1:].view(np.float32).reshape(2, 3)
ODD = {
    "dtype": GRID.astype(np.float64),
    "same width": GRID.view(np.int32),
    "byte order": GRID.astype(">f4"),
    "order": np.asfortranarray(GRID),
    "stride": np.zeros((2, 6), np.float32)[:, ::2],
    "unaligned": UNALIGNED,
    "shape": GRID.reshape(3, 2),
    "longer": np.zeros((3, 3), np.float32),
    "axes": GRID.ravel(),
    "subclass": GRID.view(np.matrix),
    "list": GRID.tolist(),
    "scalar": np.float32(1),
    "number": 1.0,
    "none": None,
    "type": np.ndarray,
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_arguments_are_slow(library: Any, kind: str) -> None:
    function = copier(library, np.float32, (2, 3))
    tag, args, keywords = function.call(ODD[kind])
    assert tag == "slow" and len(args) == 1 and args[0] is ODD[kind] and keywords == {}


def test_odd_calls_are_slow(library: Any) -> None:
    call = copier(library, np.float32, (2, 3)).call
    assert call() == ("slow", (), {})
    tag, args, keywords = call(GRID, 1)
    assert tag == "slow" and args[0] is GRID and args[1] == 1
    tag, args, keywords = call(x=GRID)
    assert tag == "slow" and args == () and keywords["x"] is GRID
    tag, args, keywords = call(GRID, y=1)
    assert args[0] is GRID and keywords == {"y": 1}


def test_read_only_arrays_are_fine(library: Any) -> None:
    x = GRID.copy()
    x.flags.writeable = False
    np.testing.assert_array_equal(copier(library, np.float32, (2, 3)).call(x), x)


def test_errors_propagate(library: Any) -> None:
    function = copier(library, np.float32, (2, 3), code=-7)
    with pytest.raises(Failure, match="-7"):
        function.call(GRID)

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError("slow")

    function = copier(library, np.float32, (2, 3), slow=broken)
    with pytest.raises(ZeroDivisionError, match="slow"):
        function.call(1)
    np.testing.assert_array_equal(function.call(GRID), GRID)


def test_no_memory_for_an_output(library: Any) -> None:
    function = summer(library, 4)
    a = np.ones(4, np.float32)
    function.bind([(4,)] * 2, [(4,), (2**50,)])
    gc.collect()
    before = sys.getrefcount(np.dtype(np.float32))
    for _ in range(100):
        with pytest.raises(MemoryError):
            function.call(a, a)
    assert abs(sys.getrefcount(np.dtype(np.float32)) - before) < 50
    function.bind([(4,)] * 2, [(4,)] * 2)
    assert function.call(a, a)[0][3] == 2


def rebinding(library: Any) -> NativeFunction:
    """A copy of f32 vectors of any length, as a runtime would write it."""
    dims = np.zeros(2, np.int64)

    def slow(*args: Any) -> Any:
        (x,) = args
        array = np.ascontiguousarray(x, np.float32)
        with function.exclusive():
            dims[0] = array.nbytes
            function.bind([array.shape], [array.shape])
            return function.call_bound([array])

    function = NativeFunction(
        library["copy"], [(np.float32, 1)], [(np.float32, 1)], np.zeros(2, np.uint64), dims,
        returns_list=False, slow=slow, failed=refuse, owner=library,
    )  # fmt: skip
    return function


def test_slow_binds_and_calls_again(library: Any) -> None:
    function = rebinding(library)
    for x in ([1.0, 2.0], np.arange(5.0), np.arange(5, dtype=np.float32), np.arange(12)[::3]):
        np.testing.assert_array_equal(function.call(x), x)


def test_a_failed_rebinding_leaves_the_function_unbound(library: Any) -> None:
    function = copier(library, np.float32, (2, 3))
    with pytest.raises(ZeroDivisionError), function.exclusive():
        raise ZeroDivisionError
    assert function.call(GRID)[0] == "slow"
    with pytest.raises(ShapeError, match="do not fit"):
        function.call_bound([GRID])
    function.bind([(2, 3)], [(2, 3)])
    with pytest.raises(ShapeError, match="do not fit"):
        function.call_bound([GRID.T])
    np.testing.assert_array_equal(function.call_bound([GRID]), GRID)


def test_bind_checks_the_axes(library: Any) -> None:
    function = copier(library, np.float32, (2, 3))
    with pytest.raises(ShapeError, match="axes"):
        function.bind([(2,)], [(2, 3)])
    with pytest.raises(ShapeError, match="axes"):
        function.bind([(2, 3)], [])


def test_tables_are_checked(library: Any) -> None:
    def make(outputs: int = 1, buffers: Any = None, dims: Any = None) -> NativeFunction:
        return NativeFunction(
            library["copy"], [(np.float32, 1)], [(np.float32, 1)] * outputs,
            np.zeros(2, np.uint64) if buffers is None else buffers,
            np.zeros(2, np.int64) if dims is None else dims,
            returns_list=False, slow=Tagged(), failed=refuse,
        )  # fmt: skip

    with pytest.raises(ValueError, match="1 buffers"):
        make(buffers=np.zeros(1, np.uint64))
    with pytest.raises(ValueError, match="returns_list"):
        make(outputs=2, buffers=np.zeros(3, np.uint64))
    with pytest.raises(TypeError, match="uint64"):
        make(buffers=np.zeros(2))
    with pytest.raises(TypeError, match="int64"):
        make(dims=np.zeros(4, np.int64)[::2])


def test_threads_with_different_shapes(library: Any) -> None:
    function = rebinding(library)
    wrong: list[Any] = []

    def work(n: int) -> None:
        x = np.full(n, n, np.float32)
        for _ in range(500):
            y = function.call(x)
            if y.shape != x.shape or not (y == x).all():
                wrong.append(y)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(n,)) for n in (1, 1000, 5, 20000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def test_no_call_while_one_runs(library: Any) -> None:
    def slow(*args: Any) -> Any:
        with function.exclusive():
            function.bind([], [()])
            return function.call_bound([])

    function = NativeFunction(
        library["nested"], [], [(np.float32, 0)], np.zeros(1, np.uint64), np.zeros(0, np.int64),
        returns_list=False, slow=slow, failed=refuse, name="nested", owner=library,
    )  # fmt: skip
    on_callback.append(lambda: function.call())
    function.call()
    assert [type(event) for event in events] == [ReentrantCall]
    on_callback.append(lambda: function.bind([], [()]))
    function.call()
    assert [type(event) for event in events] == [ReentrantCall] * 2
    assert function.call().shape == ()


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
@pytest.mark.parametrize("outcome", ["result", "failure", "slow"])
def test_no_leak(library: Any, path: str, outcome: str) -> None:
    def nothing(*args: Any) -> None:
        return None

    function = summer(library, 16, slow=nothing)
    fails = NativeFunction(
        library["copy"], [(np.float32, 1)], [(np.float32, 1)], np.zeros(2, np.uint64), np.array([64, 9]),
        returns_list=False, slow=nothing, failed=nothing, owner=library,
    )  # type: ignore[arg-type]  # fmt: skip
    fails.bind([(16,)], [(16,)])
    a, b = np.ones((2, 16), np.float32)
    run = {
        "result": lambda: function.call(a, b),
        "failure": lambda: fails.call(a),
        "slow": lambda: function.call(a, 1),
    }[outcome]
    for _ in range(1000):
        run()
    gc.collect()
    watched = [a, b, np.dtype(np.float32), nothing]
    before, memory = [sys.getrefcount(each) for each in watched], resident_bytes()
    for _ in range(300_000 if path == "native" else 20_000):
        run()
    after = [sys.getrefcount(each) for each in watched]
    grown = [new - old for new, old in zip(after, before, strict=True)]
    assert grown[:2] == [0, 0] and grown[3] == 0 and abs(grown[2]) < 20
    assert resident_bytes() - memory < 2**20


def test_the_callable_owns_what_it_needs(library: Any) -> None:
    slow = Tagged()
    ended = weakref.ref(slow)
    function = copier(library, np.float32, (2, 3), slow=slow)
    call = function.call
    del function, slow
    gc.collect()
    np.testing.assert_array_equal(call(GRID), GRID)
    assert call(1)[0] == "slow"
    del call
    gc.collect()
    assert ended() is None


def test_cycles_are_collected(library: Any) -> None:
    function = rebinding(library)
    function.call([1.0])
    ended = weakref.ref(function)
    tables = weakref.ref(function._buffers)
    del function
    gc.collect()
    assert ended() is None and tables() is None


def test_name_and_doc(library: Any, path: str) -> None:
    function = NativeFunction(
        library["nothing"], [], [], np.zeros(0, np.uint64), np.zeros(0, np.int64),
        returns_list=False, slow=Tagged(), failed=refuse, name="step", doc="One step.",
    )  # fmt: skip
    if path == "native":
        assert (function.call.__name__, function.call.__doc__) == ("step", "One step.")


@pytest.mark.parametrize("broken", ["_check_interpreter", "_check_layouts", "_imports", "_check_calls"])
def test_a_failed_self_test_falls_back(library: Any, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> NoReturn:
        trampoline_entry._require(False, "an unknown layout")
        raise AssertionError

    monkeypatch.setattr(trampoline_entry, broken, fails)
    monkeypatch.delenv("GRAPHC_CALL", raising=False)
    native_entry.cache_clear()
    try:
        function = copier(library, np.float32, (2, 3))
    finally:
        native_entry.cache_clear()
    assert function.path == "python: an unknown layout"
    np.testing.assert_array_equal(function.call(GRID), GRID)


def test_self_test_notices_a_wrong_entry(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that forgets to look at the dtype, or to count a reference, is not used."""
    monkeypatch.delenv("GRAPHC_CALL", raising=False)
    sound = trampoline_entry.ENTRY
    faults = {
        "call void @Py_IncRef(ptr %made.descr)": "",
        "%same.descr = icmp eq ptr %descr, %want.descr": "%same.descr = icmp eq ptr %descr, %descr",
        "%plain = icmp eq i32 %flags.set, 257": "%plain = icmp ne i32 %flags.set, 0",
        "%result.index = add i64 %input_count, %o": "%result.index = add i64 0, %o",
    }
    for line, fault in faults.items():
        assert line in sound
        monkeypatch.setattr(trampoline_entry, "ENTRY", sound.replace(line, fault))
        native_entry.cache_clear()
        assert isinstance(native_entry(), NoEntry), fault
    native_entry.cache_clear()
