"""Whatever the graph is: explanations, audits and searches for NaN have an answer that agrees with a call."""

import os
import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

from graphc.errors import GraphcError
from graphc.interpret import evaluate
from graphc.runtime.compilation import compile_graph
from graphc.testing import graphs, sample, sizes_for

EXAMPLES = settings(
    max_examples=int(os.environ.get("GRAPHC_EXAMPLES", "25")),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@EXAMPLES
@given(graphs(), st.integers(0, 1000), st.booleans())
def test_there_is_an_answer(graph, seed, special):
    warnings.simplefilter("ignore")
    arrays = sample(graph, seed, sizes_for(graph, 2, 3), special=special)
    f = compile_graph(graph, target="reference", passes="default", semantics="stable", returns_list=True)
    for node in (*f.graph.nodes, *graph.nodes):
        assert str(f.why(node))
    assert all(str(licence) for licence in f.licences)
    try:
        outputs, updates = evaluate(f.graph, arrays)
    except GraphcError:
        return  # an index outside of its axis, an empty axis without a maximum
    found = f.nan_origin(*arrays)
    assert str(found)
    results = [*outputs, *updates.values()]
    bad = [i for i, value in enumerate(results) if value.dtype.kind == "f" and not np.isfinite(value).all()]
    assert set(bad) <= set(found.results)
    assert str(f.audit(*arrays))
