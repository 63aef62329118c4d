"""Nodes: immutable, interned applications of an op to nodes. Two equal nodes are the same object."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from graphc.errors import DTypeError, GraphcError, GraphError
from graphc.ir.op import Op
from graphc.ir.operators import Operators
from graphc.ir.source import Source, at, here
from graphc.types import DType, Shape, TensorType

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Node(Operators):
    """A symbolic array: an op, its operands, and the type that follows from them.

    Nodes are made by functions such as `graphc.exp`; equal ones are one object, so `is` compares them.
    `==` is elementwise, as in NumPy.
    """

    __slots__ = ("__weakref__", "args", "op", "source", "type")

    op: Op
    args: tuple[Node, ...]
    type: TensorType
    source: Source | None

    @property
    def shape(self) -> Shape:
        """The size of each axis: integers, and `Dim` for named dimensions."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return self.type.ndim

    @property
    def size(self) -> Any:
        """The number of elements: an integer or a `Dim`."""
        return self.type.size

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __bool__(self) -> bool:
        message = "a symbolic value has no truth value: it is known only when the function is called"
        help = "use graphc.where for elementwise choices, `is` to compare nodes"
        raise _with_operands(GraphError(message, help=help), "bool", (self,))

    def __float__(self) -> NoReturn:
        message = "a symbolic value is no number: it is known only when the function is called"
        help = "graphc.exp(x), or numpy.exp(x), where math.exp(x) takes numbers alone"
        raise _with_operands(DTypeError(message, help=help), "float", (self,))

    def __iter__(self) -> Iterator[Node]:
        if not self.shape or not isinstance(self.shape[0], int):
            error = GraphError("only a node with a known first axis can be iterated over")
            raise _with_operands(error, "iter", (self,))
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        if not self.shape:
            raise _with_operands(GraphError("a node without axes has no length"), "len", (self,))
        return self.shape[0].__index__()

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise _with_operands(
            DTypeError("a symbolic value is no array", help="graphc.stack and graphc.concat take lists of nodes"),
            "numpy.asarray",
            (self,),
        )

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: Any) -> Node:
        return self

    def __repr__(self) -> str:
        return f"<{describe(self)}>"


_table: WeakValueDictionary[tuple[Any, ...], Node] = WeakValueDictionary()
_lock = threading.Lock()
_recorded: ContextVar[set[Node] | None] = ContextVar("recorded", default=None)


def make(op: Op, *args: Node) -> Node:
    """The node that applies `op` to `args`: the existing one, or a new one whose type is checked now.

    Raises what the op's type rule raises (ShapeError, DTypeError, AxisError …), with the operands and user lines.
    """
    key = (op.key, *map(id, args))
    found = _table.get(key)
    if found is None:
        found = _new(op, args, key)
    record = _recorded.get()
    if record is not None:
        record.add(found)
    return found


def _new(op: Op, args: tuple[Node, ...], key: tuple[Any, ...]) -> Node:
    try:
        type_ = op.infer(*(arg.type for arg in args))
    except GraphcError as error:
        raise _with_operands(error, op.name, args) from None
    node = Node.__new__(Node)
    node.op, node.args, node.type, node.source = op, args, type_, here()
    with _lock:
        return _table.setdefault(key, node)


@contextmanager
def recorded() -> Iterator[set[Node]]:
    """The nodes that are made meanwhile, whether they existed before or not."""
    around, record = _recorded.get(), set[Node]()
    token = _recorded.set(record)
    try:
        yield record
    finally:
        _recorded.reset(token)
        if around is not None:
            around |= record


def public(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A function that users call: its errors show the nodes that it was given and the user's line."""

    @functools.wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except GraphcError as error:
            if error.located:
                raise
            given = [y for x in (*args, *kwargs.values()) for y in (x if isinstance(x, list | tuple) else (x,))]
            nodes = [x for x in given if isinstance(x, Node)]
            raise _with_operands(error, function.__name__.strip("_"), nodes) from None

    return call


def topological(roots: Iterable[Node]) -> list[Node]:
    """All nodes that the roots need, operands first, in the order of a depth-first walk from the first root."""
    order: dict[Node, None] = {}
    stack: list[tuple[Node, bool]] = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, operands_done = stack.pop()
        if node in order:
            continue
        if operands_done or not node.args:
            order[node] = None
        else:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args) if arg not in order)
    return list(order)


def everywhere(roots: Iterable[Node]) -> Iterator[Node]:
    """All nodes that the roots need, with those inside of loops and branches, each before what contains it."""
    seen: set[Node] = set()
    stack = [iter(topological(roots))]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        elif node not in seen:
            seen.add(node)
            yield node
            stack.extend(iter(topological(graph.outputs)) for graph in node.op.inner)


def rebuild(roots: Iterable[Node], replace: Callable[[Node, tuple[Node, ...]], Node]) -> list[Node]:
    """The roots with every node replaced by `replace(node, new operands)`, operands first."""
    roots = list(roots)
    new: dict[Node, Node] = {}
    for node in topological(roots):
        with at(node.source):
            new[node] = replace(node, tuple(new[arg] for arg in node.args))
    return [new[root] for root in roots]


def describe(node: Node, name: str | None = None) -> str:
    """One line about a node: name, type, the user's place and line."""
    label = name or getattr(node.op, "label", None) or node.op.name
    place = f"   {node.source}   {node.source.text}" if node.source else ""
    return f"%{label}: {node.type}{place}".rstrip()


def _with_operands(error: GraphcError, name: str, operands: Iterable[Node]) -> GraphcError:
    source = here()
    place = [f"at {source}   {source.text}".rstrip()] if source else []
    details = dict.fromkeys([*error.details, *map(describe, operands), *place])
    shown = type(error)(f"{name}: {error.message}", details=details, help=error.help)
    shown.located = True
    return shown
