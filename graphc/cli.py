"""The command line: words come in, text and an exit code go out.

    graphc demo                                   train a network on real data and show what the compiler did
    graphc opt FILE -p PIPELINE                   optimise the graphs of a text file
    graphc run FILE --input x=x.npy               compute a graph
    graphc show FILE --stage kernels              look at a graph, its program, its kernels, its machine code
    graphc audit FILE -i x=x.npy                  how many bits each step loses, as written and as compiled
    graphc nan-origin FILE -i x=x.npy             which step makes the first NaN or infinity
    graphc diagnose FILE                          what can go wrong with numbers, and what became of it
    graphc explain FILE                           write a page: what the compiler did to each line, and why
    graphc passes | rules | doctor                what there is

FILE holds graphs as text, or is a Python script, whose compiled functions are looked at.
The exit code is 0, or 1 for a mistake in what was given (named on stderr, without a traceback), or 2 for a
command that is not understood.
"""

from __future__ import annotations

import argparse
import os
import sys
from ast import literal_eval
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np

from graphc.errors import GraphcError, GraphError, did_you_mean
from graphc.inspect import draw, explain
from graphc.inspect.script import graphs_of_script
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input, Parameter
from graphc.ir.node import Node, describe
from graphc.ir.parser import parse_graphs
from graphc.ir.printer import value_names
from graphc.ir.rule import SEMANTICS
from graphc.numerics.audit import LIMIT
from graphc.numerics.evidence import evidence_lines
from graphc.passes.pipeline import DEFAULT, RULES, Record, parse_pipeline
from graphc.passes.registry import PASSES
from graphc.runtime.compilation import TARGETS, compile_graph
from graphc.tensor import set_value, value

STAGES = ("graph", "program", "kernels", "llvm", "asm")
Command = Callable[[argparse.Namespace], None]
AddCommand = Callable[[str, Command, str], argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        command(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except GraphcError as error:
        print(f"graphc: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"graphc: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="graphc",
        description="A symbolic computation-graph compiler.",
        epilog="`graphc COMMAND --help` says more about a command.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(command=run)
        return added

    demo = command("demo", _demo, "train a network on real data and show what the compiler did")
    demo.add_argument("--target", choices=tuple(TARGETS), default="llvm")
    demo.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the pictures go")
    _add_commands_for_graphs(command)
    _add_commands_for_numbers(command)
    command("passes", _passes, "list the passes, their options, and the default pipeline")
    rules = command(
        "rules", _rules, "list the rewrite rules with their kind, proof and reason; what was measured, of a single one"
    )
    rules.add_argument("name", nargs="?", help="only rules whose name or catalogue reference is like this")
    command("doctor", _doctor, "say what this machine has: processor, libraries, GPU, cache")
    return parser


def _add_commands_for_graphs(command: AddCommand) -> None:
    opt = command("opt", _opt, "optimise the graphs of a text file and print them")
    _add_file(opt)
    _add_passes(opt)
    opt.add_argument("--print-after-all", action="store_true", help="print the graph after each pass that changed it")

    run = command("run", _run, "compute a graph and print its results")
    _add_file(run, one=True)
    _add_passes(run)
    run.add_argument("--target", choices=tuple(TARGETS), default="llvm")
    _add_inputs(run)
    run.add_argument("--save", type=Path, metavar="DIR", help="write the results there as .npy files")

    show = command("show", _show, "look at a graph: as text, as a picture, or at what a target makes of it")
    _add_file(show, one=True)
    _add_passes(show)
    show.add_argument(
        "--target", choices=tuple(TARGETS), default=None, help="print the source of this target's kernels"
    )
    show.add_argument("--stage", choices=STAGES, default=None, help="how far down to look")
    show.add_argument("--format", choices=("text", "svg", "png"), default="text")
    show.add_argument("--output", "-o", type=Path, metavar="FILE", help="of a picture; otherwise named after the graph")

    explained = command("explain", _explain, "write a page that shows what the compiler did to each line, and why")
    _add_file(explained, one=True)
    _add_passes(explained)
    explained.add_argument("--target", choices=tuple(TARGETS), default="llvm")
    explained.add_argument("--output", "-o", type=Path, metavar="FILE", help="otherwise named after the graph")


def _add_commands_for_numbers(command: AddCommand) -> None:
    audit = command("audit", _audit, "say how many bits each step of a graph loses, as written and as compiled")
    _add_file(audit, one=True)
    _add_passes(audit)
    _add_inputs(audit)
    audit.add_argument("--limit", type=int, default=LIMIT, help="sample named dimensions above so many elements")

    origin = command("nan-origin", _nan_origin, "say which step of a graph makes the first NaN or infinity")
    _add_file(origin, one=True)
    _add_passes(origin)
    _add_inputs(origin)
    origin.add_argument("--of", choices=("optimised", "source"), default="optimised", help="which graph is evaluated")

    diagnose = command("diagnose", _diagnose, "say what can go wrong with the numbers of graphs, and what became of it")
    _add_file(diagnose)
    _add_passes(diagnose)


def _add_file(parser: argparse.ArgumentParser, *, one: bool = False) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="graphs as text (- is stdin), or a script.py that compiles functions"
    )
    if one:
        parser.add_argument("--graph", metavar="NAME", help="which graph, where the file has several")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    values = "the value of an input or a parameter: a file of numpy.save, or numbers as in x=[1,2.5]"
    parser.add_argument("--input", "-i", action="append", default=[], metavar="NAME=FILE.npy", help=values)


def _add_passes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--passes", "-p", metavar="PIPELINE", help='such as "simplify,stabilize"')
    parser.add_argument("--semantics", choices=tuple(SEMANTICS), default="stable", help="what a rewrite may change")


# --- commands ---


def _demo(options: argparse.Namespace) -> None:
    try:
        from graphc.examples import digits_mlp
    except ImportError as error:
        raise GraphError(f"the demo needs more packages: {error}", help="pip install 'graphc[examples]'") from None
    digits_mlp.main(options.target, options.output)


def _opt(options: argparse.Namespace) -> None:
    pipeline = parse_pipeline(options.passes or "default")
    for graph in _graphs(options):
        records: list[Record] = []
        result = pipeline.run(graph, semantics=options.semantics, records=records)
        if options.print_after_all:
            for record in records:
                shown = f"\n{record.result}".rstrip() if record.changed else ": unchanged"
                print(f"# after {record.step}{shown}")
            print("# result")
        print(str(result).rstrip())


def _run(options: argparse.Namespace) -> None:
    graph = _the_graph(options)
    results = _compiled(graph, options, options.target)(**_given(graph, options))
    names = value_names(graph)
    pairs = [(names[node], result) for node, result in zip(graph.outputs, results)]
    pairs += [(names[parameter], value(parameter)) for parameter, _ in graph.updates]
    for name, result in pairs:
        print(f"%{name}: {result.dtype}[{','.join(map(str, result.shape))}]")
        print(np.array2string(result, threshold=200))
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        for name, result in pairs:
            np.save(options.save / f"{name}.npy", result)


def _audit(options: argparse.Namespace) -> None:
    graph = _the_graph(options)
    given = _given(graph, options)
    print(_compiled(graph, options, "reference").audit(limit=options.limit, **given))


def _nan_origin(options: argparse.Namespace) -> None:
    graph = _the_graph(options)
    given = _given(graph, options)
    print(_compiled(graph, options, "reference").nan_origin(of=options.of, **given))


def _diagnose(options: argparse.Namespace) -> None:
    graphs = _graphs(options)
    for graph in graphs:
        if len(graphs) > 1:
            print(f"# {graph.name}")
        print(_compiled(graph, options, "reference").diagnostics)


def _show(options: argparse.Namespace) -> None:
    graph = _the_graph(options)
    stage = options.stage or ("kernels" if options.target else "graph")
    if stage != "graph" and options.format != "text":
        raise GraphError(f"there is no picture of the stage {stage!r}", help="leave --format or --stage out")
    if stage == "graph":
        shown = graph if options.passes is None else _optimised(graph, options)
        if options.format == "text":
            print(str(shown).rstrip())
        else:
            print(draw(shown, options.output or Path(f"{graph.name}.{options.format}")))
        return
    print(_below(graph, stage, options))


def _explain(options: argparse.Namespace) -> None:
    graph = _the_graph(options)
    print(explain(_compiled(graph, options, options.target), options.output or Path(f"{graph.name}.html")))


def _below(graph: Graph, stage: str, options: argparse.Namespace) -> str:
    """What a graph becomes: its program, the loops of its kernels, or their text for a target."""
    if stage in ("llvm", "asm"):
        function = _compiled(graph, options, "llvm")
        return function.assembly() if stage == "asm" else "\n".join(k.source for k in function.kernels)
    program = _compiled(graph, options, "reference").program  # lowered as for every target, but nothing is built
    if stage == "program":
        return str(program)
    match options.target:
        case None:
            return "\n\n".join(map(str, program.kernels))
        case "llvm":
            return "\n".join(kernel.source for kernel in _compiled(graph, options, "llvm").kernels)
        case "cuda" | "cuda-emulator":
            from graphc.backends.cuda.executable import sources

            return "\n".join(source for _, source in sources(program))
    raise GraphError(f"the target {options.target} has no kernels", help="llvm and cuda have")


def _passes(options: argparse.Namespace) -> None:
    for name, found in PASSES.items():
        settings = ", ".join(f"{key}={value}" for key, value in found.options.items())
        head = f"{name}{{{settings}}}" if settings else name
        print(f"{head}   {found.takes} -> {found.gives}")
        print(indent(found.doc, "    ").rstrip() + "\n")
    print(f"default: {DEFAULT}")


def _rules(options: argparse.Namespace) -> None:
    wanted = (options.name or "").lower()
    found = [rule for rule in RULES if wanted in rule.name or wanted == rule.reference.lower()]
    if not found:
        hint = did_you_mean(wanted, (rule.name for rule in RULES))
        raise GraphError(f"no rule is like {options.name!r}", help=f"{hint} `graphc rules` lists all".strip())
    for rule in found:
        print(f"{rule.name}   {rule.reference or '-'}   {rule.kind}   {rule.proof}")
        print(f"    {rule}")
        print(indent(rule.reason, "    ") + "\n")
        if len(found) == 1 or rule.name == wanted:
            print(indent("\n".join(evidence_lines(rule)), "    ") + "\n")
    kinds = Counter(rule.kind for rule in found)
    print(
        f"{len(found)} {'rule' if len(found) == 1 else 'rules'}: "
        + ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    )


def _doctor(options: argparse.Namespace) -> None:
    from graphc.inspect.doctor import examine

    for name, finding in examine():
        print(f"{name:14} {finding}")


# --- what commands share ---


def _graphs(options: argparse.Namespace) -> list[Graph]:
    """The graphs of a text, or of the functions that a script compiles."""
    if options.file == "-":
        return parse_graphs(sys.stdin.read(), "<stdin>")
    path = Path(options.file)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise GraphError(f"{path} is no text", help="a file of graphs as text, or a script.py, is wanted") from None
    return graphs_of_script(path) if path.suffix == ".py" else parse_graphs(text, options.file)


def _the_graph(options: argparse.Namespace) -> Graph:
    """The one graph of the file, or the one that was named."""
    graphs = _graphs(options)
    found = [graph for graph in graphs if options.graph in (None, graph.name)]
    if len(found) != 1:
        names = ", ".join(graph.name for graph in graphs) or "none"
        choose = "choose one with --graph NAME" if graphs else None
        raise GraphError(f"one graph is needed, {options.file} has {names}", help=choose)
    return found[0]


def _given(graph: Graph, options: argparse.Namespace) -> dict[str, Any]:
    """The inputs that were given; parameters that were given have their values from now on."""
    leaves = {_label(leaf): leaf for leaf in (*graph.inputs, *graph.parameters)}
    given: dict[str, Any] = {}
    for setting in options.input:
        name, given_as, text = setting.partition("=")
        if not given_as:
            raise GraphError(f"--input {setting} gives no value", help=f"write {setting}=FILE.npy or {setting}=[1,2.5]")
        if name not in leaves:
            known = ", ".join(leaves) or "none"
            raise GraphError(f"{graph.name} has no input or parameter {name!r}", help=f"it has {known}")
        given[name] = _array(text, leaves[name])
    for name, leaf in leaves.items():
        if name in given and isinstance(leaf.op, Parameter):
            set_value(leaf, given.pop(name))
    return given


def _optimised(graph: Graph, options: argparse.Namespace) -> Any:
    return parse_pipeline(options.passes or "default").run(graph, semantics=options.semantics)


def _compiled(graph: Graph, options: argparse.Namespace, target: str) -> Any:
    passes = options.passes or "default"
    return compile_graph(graph, target=target, passes=passes, semantics=options.semantics, returns_list=True)


def _label(leaf: Node) -> str:
    assert isinstance(leaf.op, Input | Parameter)
    return leaf.op.label


def _array(text: str, leaf: Node) -> np.ndarray[Any, Any]:
    """The array that a file holds, or that the text spells."""
    try:
        if text.endswith(".npy"):
            return np.asarray(np.load(text, allow_pickle=False))
        return np.asarray(literal_eval(text), leaf.dtype.numpy)
    except (ValueError, SyntaxError) as error:
        what = f"{text!r} is neither a .npy file nor numbers for {describe(leaf)}"
        raise GraphError(what, details=[error.msg if isinstance(error, SyntaxError) else str(error)]) from None


if __name__ == "__main__":
    sys.exit(main())
