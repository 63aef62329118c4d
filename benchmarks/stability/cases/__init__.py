"""All cases by family, in the order of the table, and the probes."""

from benchmarks.stability.case import Case, Family, Probe
from benchmarks.stability.cases import (
    branches,
    compositions,
    entropy,
    exponentials,
    hyperbolic,
    linear_algebra,
    log_sum_exp,
    logistic,
    models,
    moments,
    normal,
    norms,
    powers,
    probes,
    special,
)

FAMILIES: tuple[Family, ...] = (
    log_sum_exp.FAMILY,
    logistic.FAMILY,
    exponentials.FAMILY,
    hyperbolic.FAMILY,
    normal.FAMILY,
    special.FAMILY,
    entropy.FAMILY,
    powers.FAMILY,
    norms.FAMILY,
    moments.FAMILY,
    linear_algebra.FAMILY,
    branches.FAMILY,
    models.FAMILY,
    compositions.FAMILY,
)
CASES: dict[str, Case] = {case.name: case for family in FAMILIES for case in family.cases}
PROBES: dict[str, Probe] = {probe.name: probe for probe in probes.PROBES}
