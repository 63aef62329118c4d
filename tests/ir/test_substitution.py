"""Nodes in the place of others."""

import graphc as gc
from graphc.ir.substitution import substitute, variable


def test_what_is_replaced_and_what_is_put_in_are_not_looked_at():
    x, y = gc.input("x", (2,)), gc.input("y", (2,))
    inner = gc.exp(x)
    root = inner * x + y
    (found,) = substitute([root], {inner: gc.sin(x), x: y})
    assert found is gc.sin(x) * y + y


def test_what_is_not_concerned_stays_the_same_node():
    x, y = gc.input("x", (2,)), gc.input("y", (2,))
    root = gc.exp(x)
    first, second = substitute([root, y], {gc.sin(x): y})
    assert first is root and second is y


def test_variables_are_like_no_other():
    type_ = gc.input("x", (2,)).type
    a, b = variable(type_), variable(type_)
    assert a is not b
    assert a.type == b.type == type_


def test_new_nodes_take_the_line_of_the_old_ones():
    x = gc.input("x", (2,))
    root = gc.exp(x)
    line = root.source.line
    (found,) = substitute([root], {x: variable(x.type)})
    assert found.source.line == line


def test_depth_is_no_recursion():
    x, y = gc.input("x", (), "float64"), gc.input("y", (), "float64")
    root = x
    for _ in range(10_000):
        root = gc.sin(root)
    (found,) = substitute([root], {x: y})
    (again,) = substitute([found], {y: x})
    assert again is root
