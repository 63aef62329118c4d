"""From the definition of the training step to its first result, in a process that has compiled before."""

import dataclasses

from benchmarks.cases import mlp_step

(SIZE,) = mlp_step.CASE.sizes.values()

CASE = dataclasses.replace(
    mlp_step.CASE,
    name="compile_time",
    title="compile the MLP step",
    sizes={"empty cache": SIZE, "filled cache": SIZE},
    measures="build",
    left_out=("numpy", "torch"),
    notes=(
        "from the definition to the first result, in a fresh process whose libraries are imported and have"
        " compiled another function; the cache folder is empty, or holds what the same program left there.",
    ),
)
