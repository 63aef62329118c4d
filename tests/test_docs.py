"""What the documents show is what happens: examples print what stands below them, links lead somewhere."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphc.ir.parser import parse_graph
from graphc.ir.printer import format_graph

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^ *```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"^ *from (graphc\S*) import (.*)$", re.MULTILINE)
GRAPH = re.compile(r"^```\n(graph .*?)^```", re.MULTILINE | re.DOTALL)


def found(pattern):
    return [
        pytest.param(match, id=f"{path.name}-{number}")
        for path in DOCUMENTS
        for number, match in enumerate(pattern.finditer(path.read_text()), 1)
    ]


@pytest.mark.parametrize("example", found(EXAMPLE))
def test_examples_print_what_they_say(example, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(example[1])
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert result.stderr == ""
    assert result.stdout.strip() == example[2].strip()


@pytest.mark.parametrize("example", found(GRAPH))
def test_graphs_are_graphs(example):
    assert format_graph(parse_graph(example[1])) == example[1]


@pytest.mark.parametrize("code", found(CODE))
def test_what_code_imports_is_there(code):
    for module, names in IMPORT.findall(code[1]):
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target
