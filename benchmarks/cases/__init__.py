"""All benchmarks, in the order of the table."""

from benchmarks.case import Case
from benchmarks.cases import (
    call_overhead,
    compile_time,
    convnet,
    cross_entropy,
    elementwise_chain,
    logsumexp,
    lstm,
    mlp_step,
    recurrence,
    softmax,
)

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        call_overhead.CASE,
        elementwise_chain.CASE,
        softmax.CASE,
        logsumexp.CASE,
        cross_entropy.CASE,
        mlp_step.CASE,
        recurrence.CASE,
        lstm.CASE,
        convnet.CASE,
        compile_time.CASE,
    )
}
