"""Matrix products of our own: a module and an element type go in, a function for row-major matrices is defined.

    c = a @ b      m x k by k x n; either operand may be stored transposed

The product is made of tiles of up to 12 rows by one or two vectors of columns, whose sums stay in registers while k
goes by: each step loads two vectors of `b` and multiplies them by one element of each row of `a`. Columns of `b` are
copied side by side first, where enough rows will read them; `a` is read where it lies. Blocks of k and of rows keep
what is read again in the caches. Every sum runs along k in order, block by block, wherever the matrices lie, and
the sums of blocks are added up: so its error grows with the number of blocks and not with k.
Source of the blocking: Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from graphc.backends.llvm.text import Function, Module

Element = Literal["float", "double"]
BYTES: dict[Element, int] = {"float": 4, "double": 8}
VECTOR_BYTES = 64  # the tile is made for 32 registers of this size; other processors have good libraries
ROWS = (12, 8, 6, 4, 2, 1)  # of tiles: the sums of 12 with two vectors, and operands, fill 27 of 32 registers
VECTORS = 2
DEPTH = 512  # of k in a block: the copied columns take 64 KiB
HEIGHT = 384  # rows of `a` that are used while they are in the second cache
FEW_ROWS = 24  # that do not pay for copying columns

PARAMETERS = "i64 %m, i64 %n, i64 %k, i1 %ta, ptr %a, i64 %lda, i1 %tb, ptr %b, i64 %ldb, ptr %c, i64 %ldc"
_TILE = "i64 %k, ptr %a, i64 %lda, i64 %step, ptr %b, i64 %ldb, ptr %c, i64 %ldc, i64 %columns, i1 %add"
_COPY = "ptr %b, i64 %ldb, i64 %k, i64 %columns, ptr %target"


def define_product(module: Module, symbol: str, element: Element) -> None:
    """Define `void symbol(PARAMETERS)`. `%ta` and `%tb` say which operand is stored transposed; no size may be 0."""
    _Product(module, symbol, element).define()


def lanes_of(element: Element) -> int:
    """The elements of a vector."""
    return VECTOR_BYTES // BYTES[element]


class _Product:
    def __init__(self, module: Module, symbol: str, element: Element) -> None:
        self.module, self.symbol, self.element = module, symbol, element
        self.bytes, self.lanes = BYTES[element], lanes_of(element)
        self.width = VECTORS * self.lanes
        self.vector, self.mask = f"<{self.lanes} x {element}>", f"<{self.lanes} x i1>"
        self.suffix = f"v{self.lanes}f{8 * self.bytes}"
        module.declare(f"{self.vector} @llvm.masked.load.{self.suffix}.p0(ptr, i32, {self.mask}, {self.vector})")
        module.declare(f"void @llvm.masked.store.{self.suffix}.p0({self.vector}, ptr, i32, {self.mask})")
        module.declare(f"{self.vector} @llvm.fma.{self.suffix}({self.vector}, {self.vector}, {self.vector})")
        module.declare("i64 @llvm.smin.i64(i64, i64)")

    def define(self) -> None:
        for vectors in range(1, VECTORS + 1):
            for rows in ROWS:
                self._define_tile(rows, vectors)
            self._define_panel(vectors)
        self._define_copy()
        self._define_transpose()
        self._define_blocks()

    # --- a tile ---

    def _define_tile(self, rows: int, vectors: int) -> None:
        """c[rows, columns] = a @ b, or with that added; distances between rows and steps of k in bytes."""
        f = Function(self.module)
        masks = self._masks(f, "%columns", vectors)
        added = [f.register(f"select i1 %add, {self.mask} {mask}, {self.mask} zeroinitializer") for mask in masks]
        targets = self._every_row(f, "%c", "%ldc", rows)
        starts = [self._bytes(f, "%a", f.register(f"mul i64 %lda, {first}")) for first in range(0, rows, 3)]
        twice = f.register("shl i64 %lda, 1")

        def step(_: str, carried: list[str]) -> Sequence[str]:
            b, bases, totals = carried[0], carried[1 : 1 + len(starts)], carried[1 + len(starts) :]
            columns = [self._load(f, self._plus(f, b, v), mask) for v, mask in enumerate(masks)]
            new = []
            for row in range(rows):
                place = bases[row // 3]
                place = self._bytes(f, place, ("", "%lda", twice)[row % 3]) if row % 3 else place
                factor = self._everywhere(f, f.register(f"load {self.element}, ptr {place}"))
                new += [self._multiply_add(f, factor, columns[v], totals[row * vectors + v]) for v in range(vectors)]
            return [self._bytes(f, b, "%ldb"), *(self._bytes(f, base, "%step") for base in bases), *new]

        nothing = [(self.vector, "zeroinitializer")] * (rows * vectors)
        carried = [("ptr", "%b"), *(("ptr", start) for start in starts), *nothing]
        results = f.loop("0", "%k", 1, carried, step)[1 + len(starts) :]
        for number, total in enumerate(results):
            row, v = divmod(number, vectors)
            place = self._plus(f, targets[row], v)
            before = self._load(f, place, added[v])
            self._store(f, f.register(f"fadd {self.vector} {before}, {total}"), place, masks[v])
        f.line("ret void")
        self.module.define(self._tile(rows, vectors), f"internal void @{self._tile(rows, vectors)}({_TILE})", f)

    def _tile(self, rows: int, vectors: int) -> str:
        return f"{self.symbol}.tile.{rows}.{vectors}"

    def _define_panel(self, vectors: int) -> None:
        """The same for any number of rows: the tallest tiles first."""
        f = Function(self.module)
        done = "0"
        for rows in ROWS:

            def tile(i: str, _: list[str], rows: int = rows) -> Sequence[str]:
                a, c = self._at(f, "%a", i, "%lda"), self._at(f, "%c", i, "%ldc")
                given = _TILE.replace("ptr %a", f"ptr {a}").replace("ptr %c", f"ptr {c}")
                self._call(f, self._tile(rows, vectors), given)
                return [f.register(f"add i64 {i}, {rows}")]

            end = f.register(f"sub i64 %rows, {rows - 1}")
            (done,) = f.loop(done, end, rows, [("i64", done)], tile)
        f.line("ret void")
        name = f"{self.symbol}.panel.{vectors}"
        self.module.define(name, f"internal void @{name}(i64 %rows, {_TILE})", f)

    # --- columns of b side by side ---

    def _define_copy(self) -> None:
        """Rows of `width` elements, k of them, from b."""
        f = Function(self.module)
        masks = self._masks(f, "%columns", VECTORS)

        def row(_: str, carried: list[str]) -> Sequence[str]:
            source, target = carried
            for v, mask in enumerate(masks):
                self._store(f, self._load(f, self._plus(f, source, v), mask), self._plus(f, target, v), mask)
            return [self._bytes(f, source, "%ldb"), self._plus(f, target, VECTORS)]

        f.loop("0", "%k", 1, [("ptr", "%b"), ("ptr", "%target")], row)
        f.line("ret void")
        self.module.define(f"{self.symbol}.copy", f"internal void @{self.symbol}.copy({_COPY})", f)

    def _define_transpose(self) -> None:
        """The same from a transposed b, in squares that are turned in registers."""
        f = Function(self.module)
        lanes = self.lanes

        def square(v: int, place: str, _: list[str]) -> Sequence[str]:
            (along,) = self._masks(f, f.register(f"sub i64 %k, {place}"), 1)
            corner = f.register(f"getelementptr {self.element}, ptr %b, i64 {place}")
            rows = []
            for j in range(lanes):
                there = f.register(f"icmp sgt i64 %columns, {v * lanes + j}")
                mask = f.register(f"select i1 {there}, {self.mask} {along}, {self.mask} zeroinitializer")
                offset = f.register(f"mul i64 %ldb, {v * lanes + j}")
                rows.append(self._load(f, self._bytes(f, corner, offset), mask))
            left = f.register(f"sub i64 %k, {place}")
            for i, turned in enumerate(self._turned(f, rows)):
                there = f.register(f"icmp sgt i64 {left}, {i}")
                mask = f.register(f"select i1 {there}, {self.mask} {_ones(lanes)}, {self.mask} zeroinitializer")
                row = f.register(f"add i64 {place}, {i}")
                number = f.register(f"mul i64 {row}, {self.width}")
                start = f.register(f"getelementptr {self.element}, ptr %target, i64 {number}")
                self._store(f, turned, self._plus(f, start, v), mask)
            return ()

        for v in range(VECTORS):
            f.loop("0", "%k", lanes, (), partial(square, v))
        f.line("ret void")
        self.module.define(f"{self.symbol}.transpose", f"internal void @{self.symbol}.transpose({_COPY})", f)

    def _turned(self, f: Function, rows: list[str]) -> list[str]:
        """The columns of a square, by exchanging ever larger corners of ever larger squares."""
        size = 1
        while size < self.lanes:
            new = list(rows)
            for i in range(self.lanes):
                if i & size:
                    continue
                upper = [lane if not lane & size else self.lanes + lane - size for lane in range(self.lanes)]
                lower = [lane + size if not lane & size else self.lanes + lane for lane in range(self.lanes)]
                new[i], new[i + size] = (
                    f.register(
                        f"shufflevector {self.vector} {rows[i]}, {self.vector} {rows[i + size]}, "
                        f"<{self.lanes} x i32> <{', '.join(f'i32 {place}' for place in places)}>"
                    )
                    for places in (upper, lower)
                )
            rows, size = new, 2 * size
        return rows

    # --- blocks ---

    def _define_blocks(self) -> None:
        f = Function(self.module)
        size = self.bytes
        panel = f.register(f"alloca [{DEPTH * self.width} x {self.element}], align 64")
        for name in ("lda", "ldb", "ldc"):
            f.line(f"%{name}.bytes = mul i64 %{name}, {size}")
        a_row = f.register(f"select i1 %ta, i64 {size}, i64 %lda.bytes")
        a_step = f.register(f"select i1 %ta, i64 %lda.bytes, i64 {size}")
        b_row = f.register(f"select i1 %tb, i64 {size}, i64 %ldb.bytes")
        b_column = f.register(f"select i1 %tb, i64 %ldb.bytes, i64 {size}")

        def block(k0: str, i0: str, _: list[str]) -> Sequence[str]:
            depth = self._at_most(f, "%k", k0, DEPTH)
            height = self._at_most(f, "%m", i0, HEIGHT)
            many = f.register(f"icmp sgt i64 {height}, {FEW_ROWS}")
            copies = f.register(f"or i1 {many}, %tb")
            adds = f.register(f"icmp ne i64 {k0}, 0")
            corner = self._at(f, self._at(f, "%a", i0, a_row), k0, a_step)

            def columns(j0: str, _: list[str]) -> Sequence[str]:
                count = self._at_most(f, "%n", j0, self.width)
                source = self._at(f, self._at(f, "%b", k0, b_row), j0, b_column)
                arguments = f"ptr {source}, i64 %ldb.bytes, i64 {depth}, i64 {count}, ptr {panel}"
                copied = f.register(f"xor i1 {copies}, %tb")
                for name, flag in (("transpose", "%tb"), ("copy", copied)):
                    f.when(flag, partial(self._call, f, f"{self.symbol}.{name}", arguments), (), ())
                b = f.register(f"select i1 {copies}, ptr {panel}, ptr {source}")
                distance = f.register(f"select i1 {copies}, i64 {self.width * size}, i64 %ldb.bytes")
                target = self._at(f, self._at(f, "%c", i0, "%ldc.bytes"), j0, str(size))
                given = (
                    f"i64 {height}, i64 {depth}, ptr {corner}, i64 {a_row}, i64 {a_step}, "
                    f"ptr {b}, i64 {distance}, ptr {target}, i64 %ldc.bytes, i64 {count}, i1 {adds}"
                )
                narrow = f.register(f"icmp sle i64 {count}, {self.lanes}")
                for vectors, flag in ((1, narrow), (2, f.register(f"xor i1 {narrow}, true"))):
                    f.when(flag, partial(self._call, f, f"{self.symbol}.panel.{vectors}", given), (), ())
                return ()

            f.loop("0", "%n", self.width, (), columns)
            return ()

        def across(k0: str, _: list[str]) -> Sequence[str]:
            f.loop("0", "%m", HEIGHT, (), partial(block, k0))
            return ()

        f.loop("0", "%k", DEPTH, (), across)
        f.line("ret void")
        self.module.define(self.symbol, f"void @{self.symbol}({PARAMETERS})", f)

    # --- words ---

    def _masks(self, f: Function, count: str, vectors: int) -> list[str]:
        """For each vector, which of its lanes are among the first `count`."""
        masks = []
        for v in range(vectors):
            lanes = ", ".join(f"i64 {v * self.lanes + lane}" for lane in range(self.lanes))
            first = f.register(f"insertelement <{self.lanes} x i64> poison, i64 {count}, i64 0")
            counts = f.register(
                f"shufflevector <{self.lanes} x i64> {first}, <{self.lanes} x i64> poison, "
                f"<{self.lanes} x i32> zeroinitializer"
            )
            masks.append(f.register(f"icmp slt <{self.lanes} x i64> <{lanes}>, {counts}"))
        return masks

    def _load(self, f: Function, place: str, mask: str) -> str:
        arguments = f"ptr {place}, i32 {self.bytes}, {self.mask} {mask}, {self.vector} zeroinitializer"
        return f.register(f"call {self.vector} @llvm.masked.load.{self.suffix}.p0({arguments})")

    def _store(self, f: Function, value: str, place: str, mask: str) -> None:
        arguments = f"{self.vector} {value}, ptr {place}, i32 {self.bytes}, {self.mask} {mask}"
        f.line(f"call void @llvm.masked.store.{self.suffix}.p0({arguments})")

    def _multiply_add(self, f: Function, x: str, y: str, total: str) -> str:
        operands = ", ".join(f"{self.vector} {value}" for value in (x, y, total))
        return f.register(f"call {self.vector} @llvm.fma.{self.suffix}({operands})")

    def _everywhere(self, f: Function, x: str) -> str:
        first = f.register(f"insertelement {self.vector} poison, {self.element} {x}, i64 0")
        return f.register(
            f"shufflevector {self.vector} {first}, {self.vector} poison, <{self.lanes} x i32> zeroinitializer"
        )

    def _every_row(self, f: Function, start: str, distance: str, rows: int) -> list[str]:
        return [self._bytes(f, start, f.register(f"mul i64 {distance}, {row}")) for row in range(rows)]

    def _plus(self, f: Function, place: str, vectors: int) -> str:
        """The address some vectors further on."""
        return f.register(f"getelementptr {self.vector}, ptr {place}, i64 {vectors}") if vectors else place

    def _bytes(self, f: Function, place: str, distance: str) -> str:
        return f.register(f"getelementptr i8, ptr {place}, i64 {distance}")

    def _at(self, f: Function, start: str, number: str, distance: str) -> str:
        return self._bytes(f, start, f.register(f"mul i64 {number}, {distance}"))

    def _at_most(self, f: Function, total: str, done: str, most: int) -> str:
        left = f.register(f"sub i64 {total}, {done}")
        return f.register(f"call i64 @llvm.smin.i64(i64 {left}, i64 {most})")

    def _call(self, f: Function, name: str, arguments: str) -> Sequence[str]:
        f.line(f"call void @{name}({arguments})")
        return ()


def _ones(lanes: int) -> str:
    return f"<{', '.join(['i1 true'] * lanes)}>"
