"""Text to graphs: the inverse of `printer`, whose docstring is the grammar. Errors say line and column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from graphc import dimension
from graphc.errors import GraphcError, ParseError, ShapeError
from graphc.ir.bounds import Bounds, as_bounds
from graphc.ir.graph import Graph, check_update
from graphc.ir.leaf import Constant, Input, Parameter, Storage, full
from graphc.ir.node import Node, make
from graphc.ir.op import OPS
from graphc.ir.source import Source, at
from graphc.types import DType, TensorType, TupleType, as_dtype, bool_, float64, parse_size

_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|\#[^\n]*)|(?P<newline>\n)"
    r"|(?P<value>%[A-Za-z0-9_.]+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<sign>//|[-+*%(){}\[\],:=])"
)


_KINDS = {"value": "a value such as %x", "number": "a number", "name": "a name"}
_LONGEST_INTEGER = 20  # digits
_MOST_NESTED = 64  # brackets in data: as many axes as NumPy allows


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    line: int
    column: int


def parse_graphs(text: str, file: str | None = None) -> list[Graph]:
    """All graphs of a text. Raises ParseError with line and column."""
    parser = _Parser(text, file)
    graphs = []
    while parser.peek().kind != "end":
        graphs.append(parser.graph())
    return graphs


def parse_graph(text: str, file: str | None = None) -> Graph:
    """The one graph of a text. Raises ParseError with line and column."""
    parser = _Parser(text, file)
    graph = parser.graph()
    if parser.peek().kind != "end":
        raise parser.error("one graph was expected, more text follows")
    return graph


class _Parser:
    def __init__(self, text: str, file: str | None) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a graph is parsed from text, not from {text!r:.80}")
        self.source, self.file = text, file
        self.lines = text.split("\n")
        self.tokens = list(_tokens(text, file))
        self.position = 0
        self.values: dict[str, Node] = {}
        self.names: dict[Node, str] = {}

    def peek(self) -> Token:
        return self.tokens[self.position]

    def error(self, message: str, token: Token | None = None) -> ParseError:
        token = token or self.peek()
        return ParseError(message, token.line, token.column, self.source, self.file)

    def take(self, *expected: str) -> Token:
        """The next token, of one of the expected texts or kinds."""
        token = self.peek()
        if expected and not any(token.kind == e if e in _KINDS else token.text == e for e in expected):
            wanted = " or ".join(_KINDS.get(e, repr(e)) for e in expected)
            raise self.error(f"expected {wanted}, found {repr(token.text) if token.text else 'the end'}")
        self.position += 1
        return token

    def accept(self, text: str) -> bool:
        if self.peek().text == text:
            self.position += 1
            return True
        return False

    def graph(self) -> Graph:
        start = self.take("graph")
        return self.rest_of_graph(self.take("name").text, start)

    def inner_graph(self) -> Graph:
        """The body of a loop or a branch, whose values are its own."""
        outer = self.values, self.names
        graph = self.rest_of_graph("inner", self.peek())
        self.values, self.names = outer
        return graph

    def rest_of_graph(self, name: str, start: Token) -> Graph:
        self.values, self.names = {}, {}
        inputs = self.leaves()
        self.take("{")
        updates: list[tuple[Node, Node]] = []
        while self.peek().kind == "value" or self.peek().text == "update":
            if self.accept("update"):
                updates.append(self.update(dict(updates)))
            else:
                self.assignment()
        self.take("return")
        outputs = [] if self.peek().text == "}" else [self.value()]
        while self.accept(","):
            outputs.append(self.value())
        self.take("}")
        try:
            return Graph(name, tuple(inputs), tuple(outputs), tuple(updates), dict(self.names))
        except GraphcError as error:
            raise self.error(str(error), start) from None

    def leaves(self) -> list[Node]:
        inputs = []
        self.take("(")
        while self.peek().text != ")":
            is_parameter = self.accept("param")
            token = self.take("value")
            self.take(":")
            type_ = self.type()
            label = token.text[1:]
            with at(self.place(token)):
                if is_parameter:
                    node = make(Parameter(label, type_, Storage(self.zeros(type_, token))))
                else:
                    node = make(Input(label, type_, self.bounds(type_.dtype)))
                    inputs.append(node)
            self.define(token, node)
            if not self.accept(","):
                break
        self.take(")")
        return inputs

    def bounds(self, dtype: DType) -> Bounds | None:
        """The bounds of an input, where the text gives some."""
        start = self.peek()
        if not self.accept("in"):
            return None
        ends = []
        for following in "[", ",":
            self.take(following)
            token = self.number_token()
            ends.append(self.number(float64 if token.text.endswith("inf") else dtype, token))
        self.take("]")
        try:
            return as_bounds(ends, dtype)
        except GraphcError as error:
            raise self.error(error.message, start) from None

    def update(self, earlier: dict[Node, Node]) -> tuple[Node, Node]:
        token = self.peek()
        parameter = self.value()
        self.take("=")
        value = self.value()
        try:
            check_update(parameter, value, earlier)
        except GraphcError as error:
            raise self.error(str(error), token) from None
        return parameter, value

    def zeros(self, type_: TensorType, token: Token) -> Any:
        """The first value of a parameter, whose named dimensions are 0."""
        try:
            return np.zeros(tuple(n if isinstance(n, int) else 0 for n in type_.shape), type_.dtype.numpy)
        except (ValueError, MemoryError) as error:
            raise self.error(f"no memory for {type_}: {error}", token) from None

    def assignment(self) -> None:
        token = self.take("value")
        self.take(":")
        stated_at = self.peek()
        stated = self.type()
        self.take("=")
        op_token = self.take("name")
        try:
            with at(self.place(token)):
                node = self.constant(stated) if op_token.text == "constant" else self.application(op_token)
        except ParseError:
            raise
        except (GraphcError, TypeError) as error:
            raise self.error(str(error), op_token) from None
        if node.type != stated:
            raise self.error(f"the type is {node.type}, not {stated}", stated_at)
        self.define(token, node)

    def define(self, token: Token, node: Node) -> None:
        name = token.text[1:]
        if name in self.values:
            raise self.error(f"%{name} is defined twice", token)
        self.values[name] = node
        if not name.isdigit() and node not in self.names:
            self.names[node] = name

    def value(self) -> Node:
        token = self.take("value")
        if token.text[1:] not in self.values:
            raise self.error(f"{token.text} is not defined", token)
        return self.values[token.text[1:]]

    def application(self, op_token: Token) -> Node:
        op = OPS.get(op_token.text)
        if op is None or op.name in ("input", "parameter", "constant"):
            raise self.error(f"there is no op {op_token.text!r}", op_token)
        self.take("(")
        operands: list[Any] = []
        attributes: dict[str, Any] = {}
        kinds = {field.name: str(getattr(field.type, "__name__", field.type)) for field in fields(op)}  # type: ignore[arg-type]
        while self.peek().text != ")":
            if self.peek().kind == "name" and self.tokens[self.position + 1].text == "=":
                name = self.take("name")
                if name.text not in kinds:
                    raise self.error(f"{op.name} has no attribute {name.text!r}", name)
                if name.text in attributes:
                    raise self.error(f"{name.text} is given twice", name)
                self.take("=")
                attributes[name.text] = self.attribute(kinds[name.text])
            else:
                operands.append(self.value() if self.peek().kind == "value" else self.number_token())
            if not self.accept(","):
                break
        close = self.take(")")
        missing = [name for name in kinds if name not in attributes]
        if missing:
            raise self.error(f"{op.name} needs {', '.join(missing)}", close)
        if op.arity is not None and len(operands) != op.arity:
            raise self.error(f"{op.name} takes {op.arity} operands, not {len(operands)}", op_token)
        types = [x.type for x in operands if isinstance(x, Node)]
        if operands and not types:
            raise self.error(f"{op.name}: at least one operand must be a value", op_token)
        nodes = [x if isinstance(x, Node) else full(self.number(types[-1].dtype, x), types[-1]) for x in operands]
        return make(op(**attributes), *nodes)

    def attribute(self, kind: str) -> Any:
        if kind == "DType":
            return self.dtype()
        if kind == "Graph":
            return self.inner_graph()
        if kind == "tuple[Graph, ...]":
            return self.inner_graphs()
        if kind == "float":
            return self.number(float64)
        if kind == "bool":
            return self.number(bool_)
        if kind in ("Shape", "Axes"):
            self.take("(")
            sizes = []
            while self.peek().text != ")":
                sizes.append(self.integer() if kind == "Axes" else self.size())
                if not self.accept(","):
                    break
            self.take(")")
            return tuple(sizes)
        return self.integer() if kind == "int" else self.size()

    def inner_graphs(self) -> tuple[Graph, ...]:
        self.take("(")
        graphs = []
        while self.peek().text != ")":
            graphs.append(self.inner_graph())
            if not self.accept(","):
                break
        self.take(")")
        return tuple(graphs)

    def integer(self) -> int:
        token = self.peek()
        size = self.size()
        if not isinstance(size, int):
            raise self.error("an integer is expected", token)
        return size

    def size(self) -> Any:
        start = self.peek()
        try:
            return dimension.parse(self.size_text())
        except ValueError as error:
            raise self.error(getattr(error, "message", str(error)), start) from None

    def size_text(self) -> str:
        """The tokens up to the next comma or bracket outside parentheses."""
        start = self.peek()
        words, depth = [], 0
        while depth or self.peek().text not in (",", ")", "]", "}", "="):
            token = self.take()
            if token.kind == "end":
                raise self.error("a size is expected", start)
            depth += (token.text == "(") - (token.text == ")")
            words.append(token.text)
        return " ".join(words)

    def dtype(self) -> DType:
        token = self.take("name")
        try:
            return as_dtype(token.text)
        except GraphcError as error:
            raise self.error(error.message, token) from None

    def type(self) -> TensorType:
        if self.accept("("):
            elements = [self.type()]
            while self.accept(","):
                elements.append(self.type())
            self.take(")")
            return TupleType(elements)
        dtype = self.dtype()
        self.take("[")
        shape = []
        while self.peek().text != "]":
            token = self.peek()
            try:
                shape.append(parse_size(self.size_text()))
            except ShapeError as error:
                raise self.error(error.message, token) from None
            if not self.accept(","):
                break
        self.take("]")
        return TensorType(dtype, tuple(shape))

    def number_token(self) -> Token:
        """A number, as text with its sign: what it is depends on a dtype that comes later."""
        start = self.peek()
        sign = "-" if self.accept("-") else ""
        token = self.take("number", "inf", "nan", "True", "False")
        return Token("number", sign + token.text, start.line, start.column)

    def number(self, dtype: DType, token: Token | None = None) -> bool | int | float:
        """A number that the dtype can hold."""
        token = token or self.number_token()
        digits = token.text.removeprefix("-")
        if dtype is bool_ and token.text in ("True", "False"):
            return token.text == "True"
        if dtype.is_float and digits not in ("True", "False"):
            return float(token.text)
        if dtype.is_integer and digits.isdigit() and len(digits) <= _LONGEST_INTEGER:
            limits, value = np.iinfo(dtype.numpy), int(token.text)
            if limits.min <= value <= limits.max:
                return value
        raise self.error(f"{token.text} is no {dtype.name}", token)

    def constant(self, stated: TensorType) -> Node:
        self.take("(")
        start = self.peek()
        if start.text == "hex":
            value = self.hexadecimal(stated)
        else:
            value = self.elements(stated, start)
        self.take(")")
        return make(Constant(stated, value))

    def elements(self, stated: TensorType, start: Token) -> Any:
        """The array of a constant: one number for all elements, or all of them in brackets."""
        data = self.data(stated.dtype)
        try:
            value = np.array(data, dtype=stated.dtype.numpy)
        except ValueError:
            raise self.error("the rows have different lengths", start) from None
        if value.size == 0 == stated.size:
            return value.reshape(stated.shape)
        if value.ndim and value.shape != stated.shape:
            raise self.error(f"the elements have shape {value.shape}", start)
        return value

    def data(self, dtype: DType, depth: int = 0) -> Any:
        if not self.accept("["):
            return self.number(dtype)
        if depth == _MOST_NESTED:
            raise self.error(f"more than {_MOST_NESTED} brackets in each other")
        items = []
        while self.peek().text != "]":
            items.append(self.data(dtype, depth + 1))
            if not self.accept(","):
                break
        self.take("]")
        return items

    def hexadecimal(self, stated: TensorType) -> Any:
        self.take("hex")
        self.take("(")
        start, digits = self.peek(), ""
        while self.peek().kind in ("number", "name"):
            digits += self.take().text
        self.take(")")
        try:
            raw = bytes.fromhex(digits)
            if stated.dtype is bool_ and set(raw) - {0, 1}:
                raise ValueError("a truth value is 00 or 01")
            flat = np.frombuffer(raw, stated.dtype.numpy)
            return flat.reshape(()).copy() if flat.size == 1 else flat.reshape(stated.shape).copy()
        except (ValueError, TypeError) as error:
            raise self.error(f"the bytes are no {stated}: {error}", start) from None

    def place(self, token: Token) -> Source:
        return Source(self.file or "<text>", token.line, self.lines[token.line - 1].strip())


def _tokens(text: str, file: str | None) -> Iterator[Token]:
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - line_start + 1
        if match is None:
            raise ParseError(f"unexpected character {text[position]!r}", line, column, text, file)
        if match.lastgroup == "newline":
            line, line_start = line + 1, match.end()
        elif match.lastgroup != "skip":
            yield Token(match.lastgroup or "", match[0], line, column)
        position = match.end()
    yield Token("end", "", line, position - line_start + 1)
