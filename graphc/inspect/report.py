"""One page about a compiled function: it comes in, an HTML file goes out that needs nothing else and no network.

On the left stand the user's lines, with signs at those that were made stable and those that can still go wrong; on the
right what became of them: the rules that fired, what may go wrong with the numbers, the graph before and after, the
passes, the kernels. A click on anything marks everything of the same lines.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from graphc.errors import GraphcError, GraphError
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node, everywhere
from graphc.ir.printer import format_node, format_operand, value_names
from graphc.ir.rewrite import Firing
from graphc.ir.source import Source
from graphc.kernel import KernelCall
from graphc.numerics.formula import formula, user_names
from graphc.numerics.provenance import consumed
from graphc.runtime.function import CompiledFunction

AROUND = 2  # lines of the user's file that are shown beside those that made nodes
LONGEST = 400  # characters of a line of text; large constants are cut
MOST_FIRINGS = 2000
MOST_KERNELS = 200

Place = tuple[str, int]


def explain(function: CompiledFunction, path: str | Path) -> Path:
    """Write a page that explains how a function was made, into a file that ends in `.html`.

    Raises GraphError for another ending, and for what is no compiled function.
    """
    if not isinstance(function, CompiledFunction):
        raise GraphError(f"{type(function).__name__} is no compiled function", help="gc.compile(...) gives one")
    path = Path(path)
    if path.suffix not in (".html", ".htm"):
        raise GraphError(f"cannot write a page into {path.name!r}", help="end the name in .html")
    path.write_text(_Page(function).text(), encoding="utf-8")
    return path


@dataclass(frozen=True)
class _Tab:
    title: str
    body: str


class _Page:
    def __init__(self, function: CompiledFunction) -> None:
        self.function = function
        self.names = user_names(function.graph, function.source_graph)
        roots = [*function.source_graph.results, *function.graph.results, *(f.before for f in function.rewrites)]
        found = {place for node in _of_inputs(everywhere(roots)) if (place := _place(node)) is not None}
        self.numbers: Mapping[Place, int] = {place: number for number, place in enumerate(sorted(found))}
        self.signs = self.signs_of_lines()

    def text(self) -> str:
        template = Template(files("graphc.inspect").joinpath("report.html").read_text(encoding="utf-8"))
        tabs = [tab for tab in self.tabs() if tab.body]
        return template.substitute(
            title=escape(self.function.name),
            summary=escape(repr(self.function)[1:-1]),
            source=self.source(),
            buttons="".join(f'<button data-tab="{i}">{escape(tab.title)}</button>' for i, tab in enumerate(tabs)),
            tabs="".join(f'<section data-tab="{i}">{tab.body}</section>' for i, tab in enumerate(tabs)),
        )

    def tabs(self) -> Iterator[_Tab]:
        yield _Tab(f"rewrites ({len(self.function.rewrites)})", self.rewrites())
        yield _Tab(f"findings ({len(self.function.diagnostics)})", self.findings())
        yield _Tab("optimised graph", self.graph(self.function.graph))
        yield _Tab("graph as written", self.graph(self.function.source_graph))
        yield _Tab("passes", self.passes())
        yield _Tab("kernels", self.kernels())
        yield _Tab("memory", self.memory())

    # --- the user's lines ---

    def signs_of_lines(self) -> Mapping[Place, str]:
        """What stands beside a line: that it was rewritten, and by which rules, or that it can still go wrong."""
        rewritten: dict[Place, dict[str, None]] = {}
        for firing in self.function.rewrites:
            if firing.rule.kind != "exact":
                for place in _places(consumed(firing)):
                    rewritten.setdefault(place, {})[firing.rule.name] = None
        remaining: dict[Place, list[str]] = {}
        for found in self.function.diagnostics.remaining:
            for place in _places([found.node]):
                remaining.setdefault(place, []).append(found.text)
        signs = {place: _sign("good", "●", "rewritten by " + ", ".join(rules)) for place, rules in rewritten.items()}
        for place, texts in remaining.items():
            signs[place] = _sign("bad", "▲", "\n".join(texts)) + signs.get(place, "")
        return signs

    def source(self) -> str:
        """The lines that made nodes, with those around them, file by file."""
        parts = []
        for file in dict.fromkeys(file for file, _ in self.numbers):
            parts.append(f"<h2>{escape(Path(file).name)}</h2><pre>")
            made = {line for name, line in self.numbers if name == file}
            shown = sorted({near for line in made for near in range(line - AROUND, line + AROUND + 1) if near > 0})
            for before, line in zip([0, *shown], shown):
                text = linecache.getline(file, line).rstrip("\n")
                gap = "<i>…</i>" if line > before + 1 else ""
                sign = self.signs.get((file, line), "")
                parts.append(
                    f"{gap}<span{self.marked([(file, line)])}><em>{sign}</em><b>{line:4}</b> {escape(text)}</span>"
                )
            parts.append("</pre>")
        return "".join(parts)

    def marked(self, places: Iterable[Place]) -> str:
        """The attribute of an element that belongs to some of the user's lines."""
        numbers = sorted({self.numbers[place] for place in places if place in self.numbers})
        return f' data-lines="{" ".join(map(str, numbers))}"' if numbers else ""

    def located(self, places: Iterable[Place]) -> str:
        """Lines as text: by number, and by file where there are several."""
        files = {file for file, _ in self.numbers}
        known = sorted({place for place in places if place in self.numbers})
        texts = [str(line) if len(files) == 1 else f"{Path(file).name}:{line}" for file, line in known]
        return f"{'line' if len(texts) == 1 else 'lines'} {', '.join(texts)}" if texts else ""

    def origins(self, node: Node) -> list[Place]:
        """The lines that a node comes from: its own, and those of what rules took away for it."""
        story = self.function.provenance.story(node)
        fired_at = {origin.before for origin in story if isinstance(origin, Firing)}
        events = [origin for origin in story if isinstance(origin, Firing) or origin.after in fired_at]
        return _places([node, *(each for event in events for each in consumed(event))])

    # --- what became of them ---

    def rewrites(self) -> str:
        """A card for each firing; what the reader wants to see first, how formulas were made stable, is preselected."""
        firings = self.function.rewrites[:MOST_FIRINGS]
        facts: dict[Firing, list[str]] = {}
        for licence in self.function.licences:
            facts[licence.firing] = [str(fact) for fact in licence.facts] or [licence.condition]
        kinds = [kind for kind in ("stabilizing", "real", "exact") if any(f.rule.kind == kind for f in firings)]
        boxes = "".join(
            f'<label><input type="checkbox" data-kind="{kind}"{"" if kind == "exact" else " checked"}> {kind} '
            f"({sum(firing.rule.kind == kind for firing in firings)})</label> "
            for kind in kinds
        )
        cards = "".join(self.card(firing, facts.get(firing, [])) for firing in firings)
        left = len(self.function.rewrites) - len(firings)
        return f"<p>{boxes}</p>{cards}" + (f"<p>and {left} more</p>" if left else "") if firings else ""

    def card(self, firing: Firing, facts: list[str]) -> str:
        rule = firing.rule
        places = _places(consumed(firing))
        stage = f"in {firing.stage or 'a rewrite'}"
        origin = ", ".join(filter(None, [self.located(places), rule.reference, rule.kind, rule.proof, stage]))
        proved = "".join(f"<div class=fact>{escape(fact)}</div>" for fact in facts)
        return (
            f'<article data-kind="{rule.kind}"{self.marked(places)}><h3>{escape(rule.name)} '
            f"<small>{escape(origin)}</small></h3><div class=rule>{escape(str(rule))}</div>"
            f"<p>{escape(rule.reason)}</p><code>{escape(self.formula(firing.before))}</code>"
            f"<code>→ {escape(self.formula(firing.after))}</code>{proved}</article>"
        )

    def findings(self) -> str:
        """What may go wrong with the numbers, and what was repaired."""
        cards = []
        for found in self.function.diagnostics:
            places = _places([found.node])
            kind = "bad" if found.remains else "good"
            fate = found.fate + (f": {found.remedy}" if found.remains and found.remedy else "")
            cards.append(
                f"<article{self.marked(places)}><h3>{escape(found.kind)} <small>{self.located(places)}</small></h3>"
                f"<p>{escape(found.text)}</p><p class={kind}>{escape(fate)}</p></article>"
            )
        return "".join(cards)

    def graph(self, graph: Graph) -> str:
        """The text of a graph, line by line."""
        names = value_names(graph)
        leaves = [*graph.inputs, *graph.parameters]
        lines = [f"{'param ' if isinstance(leaf.op, Parameter) else ''}%{names[leaf]}: {leaf.type}" for leaf in leaves]
        parts = [f"<div{self.marked(_places([leaf]))}>{escape(line)}</div>" for leaf, line in zip(leaves, lines)]
        for node in graph.nodes:
            if node in names and not isinstance(node.op, Input | Parameter):
                inside = [each for inner in node.op.inner for each in everywhere(inner.outputs)]
                text = "\n".join(map(_cut, format_node(node, names).split("\n")))
                places = [place for each in (node, *inside) for place in self.origins(each)]
                parts.append(f"<div{self.marked(places)}>{escape(text)}</div>")
        parts += [f"<div>update %{names[p]} = {format_operand(new, names)}</div>" for p, new in graph.updates]
        parts.append(f"<div>return {', '.join(format_operand(node, names) for node in graph.outputs)}</div>")
        return f"<pre>{''.join(parts)}</pre>"

    def passes(self) -> str:
        rows = [
            f"<tr><td>{escape(str(record.step))}</td><td>{'changed' if record.changed else ''}</td>"
            f"<td class=number>{1e3 * record.seconds:.2f} ms</td>"
            f"<td class=number>{sum(f.stage == record.step.stage.name for f in self.function.rewrites) or ''}</td></tr>"
            for record in self.function.passes
        ]
        head = "<tr><th>pass</th><th></th><th>time</th><th>rules fired (all runs of the pass)</th></tr>"
        return f"<table>{head}{''.join(rows)}</table>"

    def kernels(self) -> str:
        """Loops, and below them what the target's compiler was given."""
        program = self.function.program
        nodes: dict[str, list[Node]] = {}
        for step in program.numbered:
            if isinstance(step, KernelCall):
                nodes.setdefault(step.kernel.name, []).extend(step.nodes)
        texts = {kernel.name: kernel.source for kernel in self.function.kernels}
        parts = []
        for kernel in program.kernels[:MOST_KERNELS]:
            places = [place for node in nodes.get(kernel.name, []) for place in self.origins(node)]
            below = texts.get(kernel.name, "")
            source = f"<details><summary>as compiled</summary><pre>{escape(below)}</pre></details>" if below else ""
            parts.append(f"<article{self.marked(places)}><pre>{escape(str(kernel))}</pre>{source}</article>")
        return "".join(parts)

    def memory(self) -> str:
        """The plan of the arena, if the sizes are known."""
        try:
            plan = self.function.memory
        except GraphcError:
            return ""
        return f"<pre>{escape(str(plan))}</pre>"

    def formula(self, node: Node) -> str:
        return _cut(formula(node, self.names))


def _of_inputs(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes, operands first, that depend on an input or a parameter: others are shared by all programs."""
    fixed: set[Node] = set()
    for node in nodes:
        if isinstance(node.op, Input | Parameter) or not fixed.issuperset(node.args):
            yield node
        else:
            fixed.add(node)


def _place(node: Node) -> Place | None:
    return _of_source(node.source) if not isinstance(node.op, Constant) else None


def _places(nodes: Iterable[Node]) -> list[Place]:
    return [place for node in nodes if (place := _place(node)) is not None]


def _of_source(source: Source | None) -> Place | None:
    return (source.file, source.line) if source is not None else None


def _sign(kind: str, sign: str, text: str) -> str:
    return f'<u class={kind} title="{escape(text)}">{sign}</u>'


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
