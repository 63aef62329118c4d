"""The order of passes: the visible lists, and the text that says another order.

    "canonicalize,stabilize,fuse{max_ops=64}"

is a pipeline of three passes, the last with an option. "default" and "lowering" stand for the lists below, and
"default,-log_domain" is a list without a pass.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphc.errors import PipelineError, did_you_mean
from graphc.ir.graph import Graph
from graphc.ir.rewrite import Trace, current_trace, tracing
from graphc.ir.rule import Rewrite
from graphc.ir.verify import verify
from graphc.passes import (  # noqa: F401 - they register
    canonicalize,
    dead_code,
    decompose,
    fold,
    fuse,
    log_domain,
    loops,
    lower,
    merge_loops,
    schedule,
    search,
    simplify,
    stabilize,
)
from graphc.passes.log_domain import LOG_DOMAIN
from graphc.passes.registry import PASSES, Pass
from graphc.passes.rules import ALL

RULES: tuple[Rewrite, ...] = (*ALL, *LOG_DOMAIN)
DEFAULT = (  # what makes a graph stable and small
    "canonicalize,fold{formulas=false},simplify,stabilize,log_domain,fold,merge_loops,loops,simplify,dead_code"
)
LOWERING = "decompose,fuse,lower"  # what makes it a program; a target may still schedule its loops

AfterEach = Callable[["Step", Any], None]


@dataclass(frozen=True)
class Step:
    """A pass with its options; prints as in the text of a pipeline."""

    stage: Pass
    options: Mapping[str, Any]

    def __str__(self) -> str:
        settings = ",".join(f"{name}={_shown(value)}" for name, value in self.options.items())
        return f"{self.stage.name}{{{settings}}}" if settings else self.stage.name


@dataclass(frozen=True, eq=False)
class Record:
    """What a pass did in one run."""

    step: Step
    seconds: float
    changed: bool
    result: Any

    def __str__(self) -> str:
        return f"{self.step}: {'changed' if self.changed else 'unchanged'}, {1e3 * self.seconds:.2f} ms"


@dataclass(frozen=True)
class Pipeline:
    """Passes in order. Each takes what the one before gives, the first one a Graph."""

    steps: tuple[Step, ...]

    @property
    def rules(self) -> tuple[Rewrite, ...]:
        """The rules that its passes may apply."""
        return RULES

    def run(
        self,
        graph: Any,
        *,
        semantics: str = "stable",
        trace: Trace | None = None,
        after_each: AfterEach | None = None,
        records: list[Record] | None = None,
    ) -> Any:
        """What the last pass gives. Rewrites go to `trace`, what each pass did to `records`.

        GRAPHC_CHECK=1 verifies the graph after each pass, GRAPHC_SHOW=stabilize (or all) prints it.
        """
        trace = current_trace() if trace is None else trace
        form = graph
        with tracing(trace):
            for step in self.steps:
                trace.stage = step.stage.name
                record = _run(step, form, semantics)
                form = record.result
                if records is not None:
                    records.append(record)
                if after_each is not None:
                    after_each(step, form)
        return form

    def split(self) -> tuple[Pipeline, Pipeline]:
        """The part that optimises a graph, and the part that lowers it, made complete as far as it is missing."""
        stages = [step.stage for step in self.steps]
        lowering = [stage.name == "decompose" or stage.gives != "Graph" for stage in stages]
        cut = lowering.index(True) if True in lowering else len(stages)
        tail = self.steps[cut:]
        given = tail[-1].stage.gives if tail else "Graph"
        missing = {"Graph": LOWERING, "Fused": "lower"}.get(given, "")
        completed = (*tail, *(_step(name, "", missing) for name, _ in _items(missing)))
        return Pipeline(self.steps[:cut]), Pipeline(completed)

    def with_option(self, name: str, value: Any) -> Pipeline:
        """The same passes with an option for each that has it and does not set it already."""
        return Pipeline(
            tuple(
                replace(step, options={name: value, **step.options}) if name in step.stage.options else step
                for step in self.steps
            )
        )

    def searching(self, level: str) -> Pipeline:
        """The pipeline with searches for accuracy: before the rules that make formulas stable, and after everything."""
        late = parse_pipeline(f"search{{level={level}}},simplify,dead_code").steps
        names = [step.stage.name for step in self.steps]
        if "stabilize" not in names:
            return Pipeline((*self.steps, *late))
        cut = names.index("stabilize")
        early = parse_pipeline(f"search{{level={level},early=true}}").steps
        return Pipeline((*self.steps[:cut], *early, *self.steps[cut:], *late))

    def __str__(self) -> str:
        return ",".join(map(str, self.steps))


def parse_pipeline(text: str) -> Pipeline:
    """The pipeline that a text names. Raises PipelineError for a pass or an option that does not exist."""
    steps: list[Step] = []
    for name, settings in _items(text):
        steps = _without(name[1:], steps, text) if name[0] == "-" else [*steps, _step(name, settings, text)]
    form = "Graph"
    for step in steps:
        if step.stage.takes != form:
            message = f"{step.stage.name} takes a {step.stage.takes}, but comes after what gives a {form}"
            raise PipelineError(message, details=[text])
        form = step.stage.gives
    return Pipeline(tuple(steps))


def _run(step: Step, form: Any, semantics: str) -> Record:
    options = dict(step.options)
    if "semantics" in step.stage.options and "semantics" not in options:
        options["semantics"] = semantics
    start = time.perf_counter()
    result = step.stage.function(form, **options)
    seconds = time.perf_counter() - start
    if isinstance(result, Graph) and os.environ.get("GRAPHC_CHECK", "0") not in ("", "0"):
        verify(result)
    changed = not _same(form, result)
    shown = os.environ.get("GRAPHC_SHOW", "").split(",")
    if step.stage.name in shown or "all" in shown:
        sys.stderr.write(f"# before {step}\n{form}# after {step}: {'' if changed else 'un'}changed\n")
        sys.stderr.write(str(result) if changed else "")
    return Record(step, seconds, changed, result)


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, Graph) and isinstance(after, Graph):
        pairs = zip(before.results, after.results)
        return len(before.results) == len(after.results) and all(old is new for old, new in pairs)
    return before is after


def _items(text: str) -> Iterator[tuple[str, str]]:
    """The names of passes with the text of their options."""
    for name, known in (("default", DEFAULT), ("lowering", LOWERING)):
        text = re.sub(rf"\b{name}\b(?!\s*[={{])", known, text)
    rest = text.strip()
    while rest:
        found = re.match(r"(-?[A-Za-z_]\w*)\s*(?:\{([^{}]*)\})?\s*(?:,\s*|$)", rest)
        if found is None:
            raise PipelineError(
                f"no pipeline: {text!r}", details=[f"at {rest!r}"], help='such as "fold,fuse{max_ops=64}"'
            )
        yield found[1], found[2] or ""
        rest = rest[found.end() :]


def _without(name: str, steps: list[Step], text: str) -> list[Step]:
    """The steps but those of a pass. Raises PipelineError if there is none."""
    left = [step for step in steps if step.stage.name != name]
    if len(left) == len(steps):
        names = {step.stage.name: step for step in steps}
        raise PipelineError(f"there is no {name!r} to leave out", details=[text], help=_known(name, names))
    return left


def _step(name: str, settings: str, text: str) -> Step:
    if name not in PASSES:
        raise PipelineError(f"there is no pass {name!r}", details=[text], help=_known(name, PASSES))
    stage, options = PASSES[name], {}
    for setting in filter(None, (part.strip() for part in settings.split(","))):
        key, equals, value = (part.strip() for part in setting.partition("="))
        if key not in stage.options:
            help_ = _known(key, stage.options) if stage.options else f"{name} has no options"
            raise PipelineError(f"{name} has no option {key!r}", details=[text], help=help_)
        if not equals:
            raise PipelineError(f"the option {key} has no value", details=[text], help=f"{name}{{{key}=…}}")
        options[key] = _value(name, key, value, stage.options[key])
    return Step(stage, options)


def _value(name: str, key: str, text: str, default: Any) -> Any:
    """The value of an option, of the type of its default."""
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[text.lower()]
        return type(default)(text)
    except (KeyError, ValueError):
        kind = type(default).__name__
        raise PipelineError(f"{name}: {key}={text} is no {kind}", help=f"such as {key}={default}") from None


def _shown(value: Any) -> str:
    """The value of an option as its text has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _known(name: str, known: Mapping[str, Any]) -> str:
    return f"{did_you_mean(name, known, most=1)} known: {', '.join(known)}".strip()
