"""Which rules made a node of an optimised graph: provenance goes in, an explanation comes out, readable as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent

from graphc.errors import GraphError, did_you_mean
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe, everywhere, topological
from graphc.ir.printer import value_names
from graphc.ir.rewrite import Firing, Rebuilding
from graphc.numerics.formula import formula, is_derived, place, user_names
from graphc.numerics.provenance import Origin, Provenance, Replacement, consumed


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a node is what it is: `node` of the optimised graph, and the `steps` that led to it, in order.

    A step is a Firing (of a `rule`, with `before` and `after`) or a Replacement by a pass. `text` is for reading.
    """

    node: Node
    steps: tuple[Firing | Replacement, ...]
    text: str

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules, in order."""
        return tuple(step.rule.name for step in self.steps if isinstance(step, Firing))

    def __str__(self) -> str:
        return self.text


def why(node: Node | str, source: Graph, optimised: Graph, provenance: Provenance) -> Explanation:
    """The explanation of a node of the optimised graph, or of what became of a node of the user's.

    Raises GraphError for a name that neither graph has, and for a node that is in neither.
    """
    names = user_names(optimised, source)
    asked = node_of(node, optimised, source)
    present = set(everywhere(optimised.results))
    versions = provenance.versions(asked)
    final = next((each for each in reversed(versions) if each in present), None)
    if final is None:
        return _gone(asked, versions, source, names, provenance)
    story = provenance.story(final) or provenance.between(versions)
    steps = tuple(step for step in story if not isinstance(step, Rebuilding))
    lines = [_headline(final, names)]
    if formula(asked, names) != formula(final, names):
        lines.append(f"stands for {formula(asked, names)}")
    lines += [_step(step, names) for step in steps] or [_untouched(story)]
    if not story:
        lines.append(_written(final))
    return Explanation(final, steps, "\n".join(lines))


def _gone(
    asked: Node, versions: list[Node], source: Graph, names: Mapping[Node, str], provenance: Provenance
) -> Explanation:
    """The explanation of a node of the user's that the optimised graph no longer has."""
    if asked not in set(everywhere(source.results)) and asked not in provenance.origins:
        raise GraphError("the function does not have this node", details=[describe(asked)])
    found = [_consumer(version, provenance) for version in versions]
    steps = tuple(event for event in dict.fromkeys(found) if isinstance(event, Firing | Replacement))
    lines = [_headline(asked, names), "it is not in the optimised graph"]
    lines += [_step(step, names) for step in steps] or ["nothing there needs it"]
    return Explanation(versions[-1], steps, "\n".join(lines))


def _consumer(node: Node, provenance: Provenance) -> Origin | None:
    """The first event that used a node up: it is below what stood before and not below what came."""
    for event in dict.fromkeys(provenance.origins.values()):
        if event.before is not None and not isinstance(event, Rebuilding) and node in consumed(event):
            return event
    return None


def _step(step: Firing | Replacement, names: Mapping[Node, str]) -> str:
    if isinstance(step, Replacement):
        origin = f"for {formula(step.before, names)}" if step.before is not None else "with no counterpart before"
        return f"made by the pass {step.stage}, {origin}"
    rule = step.rule
    reference = f"{rule.reference}, " if rule.reference else ""
    lines = [f"{rule.name} ({reference}{rule.kind}, {rule.proof}) in {step.stage or 'a rewrite'}", f"  {rule}"]
    lines.append(indent(rule.reason, "  "))
    lines += [f"  from {formula(step.before, names)}", f"  made {formula(step.after, names)}"]
    taken = consumed(step)
    places = [place(node) for node in topological([step.before]) if node in taken and node.args]
    return "\n".join([*lines, *(f"  at {each}" for each in dict.fromkeys(filter(None, places)))])


def _headline(node: Node, names: Mapping[Node, str]) -> str:
    line = place(node)
    return f"{formula(node, names)}: {node.type}" + (f"   {line}" if line else "")


def _untouched(story: list[Origin]) -> str:
    return "no rule made it: only its operands changed" if story else "no rule touched it"


def _written(node: Node) -> str:
    if is_derived(node):
        return "it was made for this line before compilation: as a derivative, or stabilized for one"
    return "it is as it was written"


def node_of(node: Node | str, *graphs: Graph) -> Node:
    """The node that is asked for, by itself or by its name. Raises GraphError for what is neither."""
    if not isinstance(node, Node | str):
        raise GraphError(f"{node!r:.80} is neither a node nor the name of one")
    return _named(node, *graphs) if isinstance(node, str) else node


def _named(name: str, *graphs: Graph) -> Node:
    """The node of a name in the first graph that has it: outside of loops, else inside."""
    known: list[str] = []
    for graph in graphs:
        insides = [inner for node in everywhere(graph.results) for inner in node.op.inner]
        for part in (graph, *insides):
            names = value_names(part)
            found = [node for node, own in names.items() if own == name.removeprefix("%")]
            if found:
                return found[0]
            known += names.values()
    help_ = did_you_mean(name, known) or "print(f.graph) shows all names"
    raise GraphError(f"no value is named {name!r}", help=help_)
