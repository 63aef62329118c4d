"""Elements of buffers: an index goes in, the instruction that fits how it varies comes out.

An index that is the same for all lanes gives one scalar access, neighbouring elements one of a vector, and
anything else a gather or a scatter. A scalar access under a mask goes to a cell of our own where the mask
does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.backends.llvm.memory import narrow, stored, widen
from graphc.backends.llvm.scope import Scope
from graphc.backends.llvm.values import Value, type_suffix, type_text
from graphc.backends.llvm.vocabulary import Vectors
from graphc.kernel import Buffer, Index
from graphc.types import DType, bool_

CACHE_LINE = 64  # bytes


class Access:
    """Reads and writes the buffers of one kernel, at the place that the scope describes."""

    def __init__(self, words: Vectors, scope: Scope, buffers: Iterable[Buffer]) -> None:
        self._words, self._scope = words, scope
        self._function = words.function
        self._dtypes = {buffer.name: buffer.dtype for buffer in buffers}
        self._cells: dict[str, str] = {}

    def read(self, buffer: str, index: Index, mask: Value | None) -> Value:
        """An element for each lane, 0 where the mask does not hold."""
        dtype = self._dtypes[buffer]
        stride = self._scope.stride(index)
        if stride == 0 and (mask is None or mask.lanes == 1):
            address = self._address(buffer, self._scope.index(index), mask, otherwise="zero")
            raw = self._load(address, dtype, 1)
        else:
            mask = self._scope.both(mask, self._scope.mask)
            if stride != 1:
                raw = self._masked("gather", self._addresses(buffer, index), dtype, mask)
            elif mask is None:
                address = self._address(buffer, self._scope.index(index, first_lane=True))
                raw = self._load(address, dtype, self._scope.lane_count)
            else:
                address = self._address(buffer, self._scope.index(index, first_lane=True))
                raw = self._masked("load", address, dtype, mask)
        return widen(self._words, raw, dtype)

    def write(self, buffer: str, index: Index, value: Value, mask: Value | None) -> None:
        """Store an element for each lane where the mask holds."""
        dtype = self._dtypes[buffer]
        raw = narrow(self._words, value, dtype)
        stride = self._scope.stride(index)
        if stride == 0 and raw.lanes == 1 and (mask is None or mask.lanes == 1):
            address = self._address(buffer, self._scope.index(index), mask, otherwise="sink")
            self._function.line(f"store {raw.typed}, {address}, align {dtype.bytes}")
            return
        mask = self._scope.both(mask, self._scope.mask)
        raw = self._words.splat(raw, self._scope.lane_count)
        if stride != 1:
            self._masked("scatter", self._addresses(buffer, index), dtype, mask, raw)
            return
        address = self._address(buffer, self._scope.index(index, first_lane=True))
        if mask is None:
            self._function.line(f"store {raw.typed}, {address}, align {dtype.bytes}")
        else:
            self._masked("store", address, dtype, mask, raw)

    def prefetch(self, buffer: str, index: Index) -> None:
        """Ask for the cache lines of neighbouring elements; of others it is not worth it."""
        if self._scope.stride(index) != 1:
            return
        self._function.module.declare("void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        first = self._address(buffer, self._scope.index(index, first_lane=True))
        size = self._scope.lane_count * self._dtypes[buffer].bytes
        for offset in range(0, size, CACHE_LINE):
            line = self._function.register(f"getelementptr i8, {first}, i64 {offset}")
            self._function.line(f"call void @llvm.prefetch.p0(ptr {line}, i32 0, i32 3, i32 1)")

    def _load(self, address: str, dtype: DType, lanes: int) -> Value:
        raw = stored(dtype)
        return self._words.emit(f"load {type_text(raw, lanes)}, {address}, align {dtype.bytes}", raw, lanes)

    def _masked(self, kind: str, where: str, dtype: DType, mask: Value | None, value: Value | None = None) -> Value:
        """LLVM's load, store, gather or scatter of the lanes whose mask holds; others are read as 0."""
        words, lanes, raw = self._words, self._scope.lane_count, stored(dtype)
        mask = words.splat(words.constant(True, bool_) if mask is None else mask, lanes)
        type_, pointers = type_text(raw, lanes), where.rsplit(" ", 1)[0]
        name = f"llvm.masked.{kind}.{type_suffix(raw, lanes)}.{'p0' if pointers == 'ptr' else f'v{lanes}p0'}"
        module, place = self._function.module, f"{where}, i32 {dtype.bytes}, {mask.typed}"
        if value is not None:
            module.declare(f"void @{name}({type_}, {pointers}, i32, {mask.type})")
            self._function.line(f"call void @{name}({value.typed}, {place})")
            return value
        module.declare(f"{type_} @{name}({pointers}, i32, {mask.type}, {type_})")
        return words.emit(f"call {type_} @{name}({place}, {type_} zeroinitializer)", raw, lanes)

    def _address(self, buffer: str, index: Value, mask: Value | None = None, otherwise: str = "") -> str:
        """Where an element is; where the mask does not hold, a cell that is 0, or one that nobody reads."""
        address = self._function.register(f"getelementptr {self._element(buffer)}, ptr %{buffer}, {index.typed}")
        if mask is None:
            return f"ptr {address}"
        if otherwise not in self._cells:
            self._cells[otherwise] = self._function.allocate("i64", "0")
        cell = self._cells[otherwise]
        return f"ptr {self._function.register(f'select {mask.typed}, ptr {address}, ptr {cell}')}"

    def _addresses(self, buffer: str, index: Index) -> str:
        indices = self._words.splat(self._scope.index(index), self._scope.lane_count)
        pointers = self._function.register(f"getelementptr {self._element(buffer)}, ptr %{buffer}, {indices.typed}")
        return f"<{indices.lanes} x ptr> {pointers}"

    def _element(self, buffer: str) -> str:
        return type_text(stored(self._dtypes[buffer]), 1)
