"""Graphs as text: what is printed reads back, byte for byte; what is wrong is shown with line and column."""

import re
import subprocess
import sys
import time
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

import graphc as gc
from graphc.errors import ParseError
from graphc.ir.parser import parse_graph, parse_graphs
from graphc.ir.printer import variable_names
from graphc.ir.verify import verify
from tests.ir.random_graphs import drawable, graphs


def unhurried(examples):
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=slow)


@unhurried(300)
@given(graphs())
def test_text_reads_back_byte_for_byte(graph):
    text = str(graph)
    again = parse_graph(text)
    assert str(again) == text
    assert verify(again) is again
    assert [node.type for node in again.results] == [node.type for node in graph.results]
    if not graph.parameters:
        assert all(a is b for a, b in zip(again.results, graph.results, strict=True))


@pytest.mark.parametrize("name", drawable())
def test_every_op_reads_back(name):
    graph = find(
        graphs([name], most=3),
        lambda graph: any(node.op.name == name for node in graph.nodes),
        settings=settings(unhurried(5000), phases=[Phase.generate]),
    )
    assert str(parse_graph(str(graph))) == str(graph)


SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.1,
    np.inf,
    -np.inf,
    np.nan,
    1e-45,
    5e-324,
    3e-5,
    65504.0,
    1e16,
    123456789.0,
]


@pytest.mark.parametrize("dtype", [d for d in gc.DTYPES if d.is_float], ids=str)
def test_special_floats_read_back_bit_for_bit(dtype):
    with np.errstate(over="ignore"):
        values = np.array(SPECIAL, np.float64).astype(dtype.numpy)
    node = gc.constant(values)
    text = str(gc.Graph("f", (), (node, *(gc.constant(v) for v in values))))
    again = parse_graph(text)
    assert again.outputs[0] is node
    assert str(again) == text
    assert "hex" not in text


@pytest.mark.parametrize("dtype", [d for d in gc.DTYPES if d.is_integer], ids=str)
def test_limits_of_integers_read_back(dtype):
    limits = np.iinfo(dtype.numpy)
    node = gc.constant(np.array([limits.min, 0, limits.max], dtype.numpy))
    assert parse_graph(str(gc.Graph("f", (), (node,)))).outputs[0] is node


def test_payloads_of_nan_read_back():
    raw = np.array([0x7FC00001, 0xFFC00000, 0x7F800001, 0x7FC00000], np.uint32).view(np.float32)
    for node in (
        gc.constant(raw),
        *(gc.constant(raw[i]) for i in range(4)),
        gc.constant(np.repeat(raw[:1], 5)),
    ):
        assert parse_graph(str(gc.Graph("f", (), (node,)))).outputs[0] is node


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (2, 0, 3), (100,), (5, 20)])
def test_large_and_empty_constants_read_back(shape):
    node = gc.constant(np.arange(np.prod(shape), dtype=np.float64).reshape(shape))
    assert parse_graph(str(gc.Graph("f", (), (node,)))).outputs[0] is node


def test_a_number_has_the_type_of_the_last_value():
    x, y = gc.input("x", (2,)), gc.zeros((3,))
    graph = gc.Graph("f", (x,), (gc.concat([x, y, gc.zeros((2,))]), gc.where(x > 0, 1.0, x), gc.maximum(2.0, x)))
    assert str(parse_graph(str(graph))) == str(graph)
    assert "maximum(2.0, %x)" in str(graph)


def test_names_come_from_the_users_variables():
    x = gc.input("x", (3,))
    hidden = gc.exp(x) + 1
    other: object = hidden * 2
    for total in (gc.sum(other),):
        graph = gc.Graph("f", (x,), (total,), names=variable_names([hidden, other, total]))
    text = str(graph)
    assert "%hidden: f32[3] = add(" in text
    assert str(parse_graph(text)) == text


def test_clashing_names_are_made_different():
    x, w, v = gc.input("x"), gc.parameter("x", np.float32(0)), gc.parameter("x", np.float32(0))
    y = x * w
    graph = gc.Graph("f", (x,), (y * v,), ((w, y),), {y: "x"})
    text = str(graph)
    assert re.findall(r"^graph f\((.*)\)", text) == ["%x: f32[], param %x.1: f32[], param %x.2: f32[]"]
    assert "%x.3: f32[] = multiply(%x, %x.1)" in text
    assert str(parse_graph(text)) == text


def test_inputs_that_are_called_like_numbers():
    text = "graph f(%0: f32[], %1: f32[]) {\n  %2: f32[] = add(%0, %1)\n  %3: f32[] = exp(%2)\n  return %3\n}\n"
    assert str(parse_graph(text)) == text


def test_updates_and_parameters():
    text = (
        "graph step(%x: f32[n,4], param %w: f32[4]) {\n"
        "  %mean: f32[4] = mean(%x, axis=(0,))\n"
        "  %0: f32[4] = subtract(%w, %mean)\n"
        "  update %w = %0\n"
        "  return\n"
        "}\n"
    )
    graph = parse_graph(text)
    assert str(graph) == text
    assert graph.updates[0][0] is graph.parameters[0]
    assert graph.dimensions == ("n",)


def test_comments_and_layout_are_free():
    text = "# first\ngraph f(%x: f32[ 2 , n//2 ]) { # second\n%y:f32[2,(n//2)]=exp(\n%x) return %y }\n\n# third"
    assert str(parse_graph(text)) == ("graph f(%x: f32[2,(n//2)]) {\n  %y: f32[2,(n//2)] = exp(%x)\n  return %y\n}\n")


def test_several_graphs_in_one_text():
    one = "graph f(%x: f32[]) {\n  return %x\n}\n"
    two = one.replace(" f(", " g(")
    assert [graph.name for graph in parse_graphs(one + two)] == ["f", "g"]
    assert parse_graphs("# nothing") == []
    with pytest.raises(ParseError, match="<text>:4:1: one graph was expected"):
        parse_graph(one + two)


def test_nodes_of_a_text_come_from_its_lines():
    graph = parse_graph("graph f(%x: f32[]) {\n  %y: f32[] = exp(%x)\n  return %y\n}", file="a/b.gc")
    assert str(graph.outputs[0].source) == "b.gc:2"
    assert graph.outputs[0].source.text == "%y: f32[] = exp(%x)"


# The mark ^ stands before the place of the error.
WRONG = {
    "unknown op": ("%y: f32[2] = ^expp(%x)", "there is no op 'expp'"),
    "an op that is a leaf": ("%y: f32[2] = ^input(%x)", "there is no op 'input'"),
    "wrong type": ("%y: ^f64[2] = exp(%x)", "the type is f32[2], not f64[2]"),
    "no dtype": ("%y: ^f33[2] = exp(%x)", "'f33' is not a dtype"),
    "missing attribute": ("%y: f32[] = sum(%x^)", "sum needs axis"),
    "unknown attribute": ("%y: f32[] = sum(%x, ^axes=(0,))", "sum has no attribute 'axes'"),
    "attribute of a wrong kind": ("%y: f32[] = sum(%x, axis=^0)", "expected '(', found '0'"),
    "attribute that is no integer": ("%y: i64[] = argmax(%x, axis=^n)", "an integer is expected"),
    "attribute twice": ("%y: f32[] = sum(%x, axis=(0,), ^axis=(0,))", "axis is given twice"),
    "undefined value": ("%y: f32[2] = exp(^%z)", "%z is not defined"),
    "used before its definition": ("%y: f32[2] = exp(^%y)", "%y is not defined"),
    "defined twice": ("%y: f32[2] = exp(%x)\n  ^%y: f32[2] = log(%x)", "%y is defined twice"),
    "defined again": ("^%x: f32[2] = exp(%x)", "%x is defined twice"),
    "too many operands": ("%y: f32[2] = ^exp(%x, %x)", "exp takes 1 operands, not 2"),
    "too few operands": ("%y: f32[2] = ^add(%x)", "add takes 2 operands, not 1"),
    "numbers only": ("%y: f32[2] = ^add(1.0, 2.0)", "at least one operand must be a value"),
    "a number that does not fit": ("%y: i8[2] = maximum(%k, ^300)", "300 is no int8"),
    "a float among integers": ("%y: i8[2] = maximum(%k, ^1.5)", "1.5 is no int8"),
    "a truth value among floats": ("%y: f32[2] = add(%x, ^True)", "True is no float32"),
    "a number among truth values": ("%c: bool[] = constant(^1)", "1 is no bool"),
    "bad number": ("%c: f32[] = constant(1.0^.5)", "unexpected character '.'"),
    "no number": ("%c: f32[] = constant(^many)", "expected a number or 'inf'"),
    "an integer too large": ("%c: i64[] = constant(^9223372036854775808)", "is no int64"),
    "a very long integer": (f"%c: i64[] = constant(^{'9' * 5000})", "is no int64"),
    "elements of another shape": ("%c: f32[2] = constant(^[1.0, 2.0, 3.0])", "the elements have shape (3,)"),
    "rows of different lengths": ("%c: f32[2,2] = constant(^[[1.0], [2.0, 3.0]])", "different lengths"),
    "brackets without end": ("%c: f32[2] = constant(" + "[" * 65 + "^1.0", "more than 64 brackets"),
    "bad bytes": ("%c: f32[2] = constant(hex(^0123))", "the bytes are no f32[2]"),
    "odd bytes": ("%c: f32[] = constant(hex(^012))", "the bytes are no f32[]"),
    "bytes that are no truth values": ("%c: bool[2] = constant(hex(^0102))", "the bytes are no bool[2]"),
    "bytes of unknown size": ("%c: f32[n] = constant(hex(^0000000000000000))", "the bytes are no f32[n]"),
    "bad size": ("%y: f32[^2+] = exp(%x)", "'2 +' is no size"),
    "negative size": ("%y: f32[^-2] = exp(%x)", "is no size of an axis"),
    "reserved size": ("%y: f32[^i0] = exp(%x)", "a dimension cannot be named 'i0'"),
    "division of a size by 0": ("%y: f32[^n//0] = exp(%x)", "divided by 0"),
    "deep size": ("%y: f32[^" + "(" * 99 + "n" + ")" * 99 + "] = exp(%x)", "nested too deeply"),
    "no type": ("%y ^= exp(%x)", "expected ':', found '='"),
    "unexpected character": ("%y: f32[2] = ^?", "unexpected character '?'"),
    "no line": ("^exp(%x)", "expected 'return', found 'exp'"),
    "update of no parameter": ("update ^%x = %x", "something that is no parameter"),
    "update with another type": ("update ^%w = %x", "the new value of a parameter has another type"),
    "update twice": ("update %w = %w\n  update ^%w = %w", "two updates of one parameter"),
    "a rule of types": ("%y: f32[2] = ^add(%x, %w)", "add: shapes differ"),
    "an axis": ("%y: f32[] = ^sum(%x, axis=(1,))", "sum: axes (1,) do not fit 1 axes"),
    "a dtype": ("%y: i8[2] = ^exp(%k)", "exp: not defined for int8"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_errors_have_a_line_and_a_column(line, message):
    marked = f"# a comment\ngraph f(%x: f32[2], %k: i8[2], param %w: f32[3]) {{\n  {line}\n  return %x\n}}\n"
    before, after = marked.split("^")
    with pytest.raises(ParseError) as caught:
        parse_graph(before + after, file="wrong.gc")
    expected = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (caught.value.line, caught.value.column) == expected
    assert message in str(caught.value)
    assert str(caught.value).startswith("wrong.gc:{}:{}: ".format(*expected))
    shown = str(caught.value).split("\n")
    assert (before + after).split("\n")[expected[0] - 1] in shown[-2]
    assert shown[-1].index("^") == expected[1] + 1


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "expected 'graph', found the end"),
        ("graph", 1, 6, "expected a name, found the end"),
        ("graph f(", 1, 9, "expected a value such as %x, found the end"),
        ("graph f(value: f32[]) { return }", 1, 9, "expected a value such as %x, found 'value'"),
        ("graph f(%x: f32[", 1, 17, "a size is expected"),
        ("graph f(%x: f32[]) {\n", 2, 1, "expected 'return', found the end"),
        ("graph f(%x: f32[]) {\n  return %x\n", 3, 1, "expected '}', found the end"),
        ("graph f(%x: f32[]) {\n  %y: f32[] = exp(", 2, 19, "expected a number"),
        ("graph f(%x: f32[], %x: f32[]) { return }", 1, 20, "%x is defined twice"),
        ("graph f(param %w: f32[99999999999999999999]) { return }", 1, 15, "no memory for"),
        ("graph f(param %w: f32[999999,999999,999999]) { return }", 1, 15, "no memory for"),
        ("graph f() {\n  # \x0b \x0c \u2028 \x85\n  return %x\n}", 3, 10, "%x is not defined"),
        ("\r\n\tgraph f() { return ! }", 2, 21, "unexpected character '!'"),
    ],
)
def test_errors_of_whole_texts(text, line, column, message):
    with pytest.raises(ParseError) as caught:
        parse_graph(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in str(caught.value)


WORDS = [
    "graph",
    "f",
    "(",
    ")",
    "{",
    "}",
    "%x",
    ":",
    "f32",
    "[",
    "]",
    ",",
    "=",
    "exp",
    "return",
    "update",
    "constant",
]
WORDS += [
    "hex",
    "inf",
    "-",
    "1",
    "2.5",
    "nan",
    "n",
    "param",
    "\n",
    "cast",
    "dtype",
    "min(",
    "//",
    "%",
    "0",
    "*",
    "axis",
]


@unhurried(300)
@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_garbage_is_a_parse_error(text):
    for whole in (text, "graph f(%x: f32[2]) {\n" + text, "graph f(" + text + ") { return }"):
        try:
            parse_graphs(whole)
        except ParseError as error:
            assert 1 <= error.line <= whole.count("\n") + 1
            assert 1 <= error.column <= len(whole) + 1


@unhurried(300)
@given(st.data())
def test_mutations_are_graphs_or_parse_errors(data):
    text = str(data.draw(graphs(most=5)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = min(len(text), start + data.draw(st.integers(0, 3)))
        text = text[:start] + data.draw(st.sampled_from([*WORDS, "", "9", "é", "\x00", "]", "00"])) + text[stop:]
    try:
        for graph in parse_graphs(text):
            assert str(parse_graph(str(graph))) == str(graph)
    except ParseError as error:
        assert 1 <= error.line <= text.count("\n") + 1


def test_long_chains_print_and_read_back_quickly():
    x = y = gc.input("x", ("n",))
    for _ in range(50_000):
        y = gc.exp(-y)
    start = time.process_time()
    text = str(gc.Graph("f", (x,), (y,)))
    again = parse_graph(text)
    assert again.outputs[0] is y
    assert len(verify(again).nodes) == 100_001
    assert str(again) == text
    assert time.process_time() - start < 20


PROGRAM = """
import numpy as np, graphc as gc
x = gc.input("x", ("n", 4)); w = gc.parameter("w", np.ones((4, 3), "float32"))
z = x @ w
loss = -gc.mean(gc.log(gc.exp(z) / gc.sum(gc.exp(z), axis=1, keepdims=True)))
print(gc.Graph("f", (x,), (loss, gc.grad(loss, x)), ((w, w - 0.1 * gc.grad(loss, w)),)))
print(gc.compile([x], [loss, gc.grad(loss, x)], target="reference").graph)
"""


def test_text_is_the_same_in_every_process():
    texts = set()
    for seed in ("0", "1", "4711"):
        environment = {"PYTHONHASHSEED": seed, "PATH": "/usr/bin", "HOME": "/nonexistent"}
        run = [sys.executable, "-c", PROGRAM]
        root = Path(gc.__file__).parents[1]
        done = subprocess.run(run, capture_output=True, text=True, env=environment, cwd=root, check=False)
        assert done.returncode == 0, done.stderr
        texts.add(done.stdout)
    assert len(texts) == 1
    assert "softmax" in texts.pop()
