"""Optimisers: a loss and parameters come in, the parameters' new values go out, for `compile(..., updates=)`.

    step = gc.compile([x, y], loss, updates=gc.optim.Adam(1e-3).updates(loss, model))

Whatever an optimiser remembers between steps is a parameter too, named after the one it belongs to, such as
"w.adam_m", and found in `optimizer.state()`. A learning rate is a number, a node such as a parameter, or a schedule:
a function of the number of steps before this one.
"""

from __future__ import annotations

from graphc.optim.adaptive import AdaDelta, AdaGrad, Adam, AdamW, RMSProp
from graphc.optim.averaging import ExponentialAverage, PolyakAverage
from graphc.optim.curvature import LBFGS, ConjugateGradient, Newton
from graphc.optim.first_order import SGD, Lion
from graphc.optim.gradients import Accumulate, add_weight_decay, clip_by_global_norm, clip_by_value, global_norm
from graphc.optim.line_search import LineSearch
from graphc.optim.naming import Parameters, Updates
from graphc.optim.optimizer import ForgottenStatisticsWarning, Optimizer
from graphc.optim.schedules import (
    Schedule,
    constant,
    cosine,
    exponential,
    inverse_sqrt,
    one_cycle,
    piecewise,
    polynomial,
    step_decay,
    warmup,
)

__all__ = [
    "LBFGS",
    "SGD",
    "Accumulate",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ConjugateGradient",
    "ExponentialAverage",
    "ForgottenStatisticsWarning",
    "LineSearch",
    "Lion",
    "Newton",
    "Optimizer",
    "Parameters",
    "PolyakAverage",
    "RMSProp",
    "Schedule",
    "Updates",
    "add_weight_decay",
    "clip_by_global_norm",
    "clip_by_value",
    "constant",
    "cosine",
    "exponential",
    "global_norm",
    "inverse_sqrt",
    "one_cycle",
    "piecewise",
    "polynomial",
    "step_decay",
    "warmup",
]
