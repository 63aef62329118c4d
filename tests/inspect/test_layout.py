import itertools

import networkx
import pytest

from graphc.inspect.layout import layered


def drawn(edges, width=1.0, height=0.4):
    graph = networkx.DiGraph(edges)
    return graph, layered(graph, dict.fromkeys(graph, (width, height)), gap=(0.3, 0.4))


def random_edges(seed, boxes=60):
    graph = networkx.gnp_random_graph(boxes, 0.06, seed=seed, directed=True)
    return [(a, b) for a, b in graph.edges() if a < b]


@pytest.mark.parametrize("seed", range(4))
def test_boxes_do_not_overlap_and_edges_go_down(seed):
    graph, layout = drawn(random_edges(seed))
    for (ax, ay), (bx, by) in itertools.combinations(layout.places.values(), 2):
        assert abs(ax - bx) >= 1.3 - 1e-9 or abs(ay - by) >= 0.8 - 1e-9
    for start, end in graph.edges():
        passed = [layout.places[start], *layout.routes[start, end], layout.places[end]]
        assert all(upper[1] < lower[1] for upper, lower in itertools.pairwise(passed))


@pytest.mark.parametrize("seed", range(4))
def test_edges_pass_beside_boxes(seed):
    _, layout = drawn(random_edges(seed))
    for route in layout.routes.values():
        for x, y in route:
            assert all(abs(x - bx) >= 0.8 - 1e-9 for bx, by in layout.places.values() if by == y)


def test_everything_lies_on_the_canvas():
    _, layout = drawn(random_edges(0))
    assert all(0.5 - 1e-9 <= x <= layout.width - 0.5 + 1e-9 for x, _ in layout.places.values())
    assert all(0.2 - 1e-9 <= y <= layout.height - 0.2 + 1e-9 for _, y in layout.places.values())


def test_a_chain_is_a_column():
    _, layout = drawn([(0, 1), (1, 2), (2, 3)])
    assert {round(x, 9) for x, _ in layout.places.values()} == {0.5}


def test_crossings_are_undone():
    # Drawn in the order of their names, all four edges would cross.
    edges = [("a", 8), ("b", 7), ("c", 6), ("d", 5)]
    _, layout = drawn(edges)
    for start, end in edges:
        assert layout.places[start][0] == pytest.approx(layout.places[end][0])


def test_a_leaf_stands_near_its_reader():
    _, layout = drawn([(0, 1), (1, 2), (2, 3), ("leaf", 3)])
    assert layout.places["leaf"][1] == layout.places[2][1]


def test_nothing():
    assert layered(networkx.DiGraph(), {}).places == {}


def test_a_deep_chain_needs_no_recursion():
    _, layout = drawn([(i, i + 1) for i in range(3000)])
    assert len(layout.places) == 3001
