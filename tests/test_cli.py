import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graphc.cli import main

TEXT = """\
graph score(%x: f32[n,3], param %scale: f32[3]) {
  %0: f32[n,3] = expand(%scale, axis=(0,), size=(n,))
  %z: f32[n,3] = multiply(%x, %0)
  %1: f32[n,3] = exp(%z)
  %2: f32[n] = sum(%1, axis=(1,))
  %score: f32[n] = log(%2)
  %3: f32[3] = multiply(%scale, 0.5)
  update %scale = %3
  return %score
}
"""
SECOND = "graph second(%x: f32[]) {\n  %0: f32[] = negative(%x)\n  return %0\n}\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "score.gc"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture
def graphc(capsys):
    """Run a command: exit code, standard output, standard error."""

    def run(*words):
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def test_opt_prints_the_optimised_graph(graphc, file):
    code, out, err = graphc("opt", file)
    assert (code, err) == (0, "")
    assert "%score: f32[n] = logsumexp(%z, axis=(1,))" in out
    assert "exp(%z)" not in out.replace("logsumexp(%z", "")


def test_what_opt_prints_can_be_read_again(graphc, file, tmp_path):
    (tmp_path / "again.gc").write_text(graphc("opt", file, "--print-after-all")[1])
    code, out, _ = graphc("opt", tmp_path / "again.gc", "-p", "dead_code")
    assert code == 0
    assert out.count("graph score(") == 2


def test_opt_runs_the_passes_it_is_told(graphc, file):
    assert graphc("opt", file, "-p", "canonicalize")[1] == TEXT
    assert "logsumexp" in graphc("opt", file, "-p", "canonicalize,stabilize")[1]


def test_ieee_semantics_keeps_the_naive_formula(graphc, file):
    assert "logsumexp" not in graphc("opt", file, "--semantics", "ieee")[1]


def test_print_after_all_names_each_pass(graphc, file):
    out = graphc("opt", file, "-p", "canonicalize,stabilize", "--print-after-all")[1]
    assert out.startswith("# after canonicalize: unchanged\n# after stabilize\ngraph score(")
    assert "# result\ngraph score(" in out


def test_opt_reads_the_standard_input(graphc, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT + SECOND))
    code, out, _ = graphc("opt", "-")
    assert code == 0
    assert "graph score(" in out
    assert "graph second(" in out


def test_a_mistake_in_a_file_has_a_place_and_no_traceback(graphc, file):
    Path(file).write_text(TEXT.replace("sum(%1", "sum(%q"))
    code, out, err = graphc("opt", file)
    assert (code, out) == (1, "")
    assert f"{file}:5:20: %q is not defined" in err
    assert err.splitlines()[-1].endswith("^")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["opt", "FILE", "-p", "stabilise"], "did you mean stabilize?"),
        (["opt", "FILE", "-p", "stabilize{fast=1}"], "no option 'fast'"),
        (["opt", "missing.gc"], "missing.gc: No such file"),
        (["run", "FILE"], "no argument for 'x'"),
        (["run", "FILE", "--input", "q=[1]"], "no input or parameter 'q'"),
        (["run", "FILE", "--input", "x=missing.npy"], "missing.npy: No such file"),
        (["run", "FILE", "--input", "x=one two"], "neither a .npy file nor numbers"),
        (["run", "FILE", "--input", "scale=[1,2]", "--input", "x=[[1,2,3]]"], "shape"),
        (["run", "FILE", "--input", "x=[[1,2]]", "--target", "reference"], "axis 1 of %x has size 3"),
        (["show", "FILE", "--graph", "other"], "one graph is needed, FILE has score"),
        (["show", "FILE", "--stage", "kernels", "--format", "svg"], "no picture"),
        (["show", "FILE", "--stage", "kernels", "--target", "reference"], "has no kernels"),
        (["rules", "no_such_rule"], "no rule is like"),
        (["audit", "FILE"], "no argument for 'x'"),
        (["audit", "FILE", "-i", "scale=[1,1,1]", "-i", "x=[[1,2,3]]", "--limit", "0"], "positive number of elements"),
        (["nan-origin", "FILE", "-i", "q=[1]"], "no input or parameter 'q'"),
    ],
)
def test_mistakes_are_named(graphc, file, words, message):
    code, _, err = graphc(*(file if word == "FILE" else word for word in words))
    assert code == 1
    assert message.replace("FILE", file) in err
    assert "Traceback" not in err


def test_an_unknown_command_is_not_understood(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["optimise"])
    assert exit_.value.code == 2


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_run_computes_saves_and_updates(graphc, file, tmp_path, target):
    x, scale = np.array([[1, 2, 3], [1000, 0, 0]], "float32"), np.array([1, 2, 0.5], "float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "scale.npy", scale)
    given = ["--input", f"x={tmp_path / 'x.npy'}", "--input", f"scale={tmp_path / 'scale.npy'}"]
    code, out, _ = graphc("run", file, *given, "--target", target, "--save", tmp_path / "results")
    assert code == 0
    assert "%score: float32[2]" in out
    assert "%scale: float32[3]\n[0.5  1.   0.25]" in out
    expected = [np.log(np.exp(1.0) + np.exp(4.0) + np.exp(1.5)), 1000]
    np.testing.assert_allclose(np.load(tmp_path / "results" / "score.npy"), expected, rtol=1e-6)
    np.testing.assert_array_equal(np.load(tmp_path / "results" / "scale.npy"), scale / 2)


def test_inputs_may_be_written_out(graphc, tmp_path):
    (tmp_path / "second.gc").write_text(SECOND)
    assert graphc("run", tmp_path / "second.gc", "-i", "x=2.5")[1] == "%0: float32[]\n-2.5\n"


def test_show_prints_the_graph_as_it_is(graphc, file):
    assert graphc("show", file)[1] == TEXT


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--stage", "program"], "commit"),
        (["--stage", "kernels"], "for i0 < n parallel"),
        (["--target", "cuda"], "__global__"),
        (["--target", "llvm"], "define"),
        (["--stage", "llvm"], "define"),
        (["--stage", "asm"], "main:"),
        (["-p", "stabilize"], "logsumexp"),
    ],
)
def test_show_looks_below(graphc, file, words, expected):
    code, out, err = graphc("show", file, *words)
    assert (code, err) == (0, "")
    assert expected in out


@pytest.mark.parametrize("format_", ["svg", "png"])
def test_show_draws(graphc, file, tmp_path, format_):
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"g.{format_}"
    code, out, _ = graphc("show", file, "--format", format_, "-o", picture)
    assert (code, out) == (0, f"{picture}\n")
    assert picture.stat().st_size > 1000


def test_audit_prints_a_table_and_what_repaired_it(graphc, file):
    code, out, err = graphc("audit", file, "-i", "x=[[1000,0,0]]", "-i", "scale=[1,1,1]")
    assert (code, err) == (0, "")
    assert out.startswith(" written compiled  bits of error")
    assert "32.0      0.0  %score = log(sum(exp(…), axis=(1,)))   inherited   score.gc:6" in out
    assert "repaired by log_sum_exp" in out


def test_nan_origin_names_the_step(graphc, file):
    words = ["nan-origin", file, "-i", "x=[[1000,0,0]]", "-i", "scale=[1,1,1]"]
    assert graphc(*words)[1] == "all results are finite\n"
    out = graphc(*words, "--of", "source")[1]
    assert "inf at [0, 0]: exp(%z): f32[n,3]\n  %z is 1000.0" in out
    assert "not finite: output 0" in out


def test_diagnose_says_what_can_go_wrong_and_what_repaired_it(graphc, file):
    code, out, err = graphc("diagnose", file)
    assert (code, err) == (0, "")
    assert "overflow: exp may overflow in f32 where %z > 88.72   score.gc:4" in out
    assert "repaired by log_sum_exp" in out
    assert "remains" in graphc("diagnose", file, "--semantics", "ieee")[1]


def test_passes_are_listed_with_options(graphc):
    out = graphc("passes")[1]
    assert "stabilize{semantics=stable}   Graph -> Graph" in out
    assert "default: canonicalize," in out


def test_rules_are_listed_with_formula_and_reason(graphc):
    out = graphc("rules", "log_sum_exp")[1]
    assert "log_sum_exp   S1   stabilizing   proved" in out
    assert "log(sum(exp(x), axis=axis)) -> logsumexp(x, axis=axis)" in out
    assert "overflows" in out


def test_rules_are_found_by_their_reference(graphc):
    assert "softmax" in graphc("rules", "s3")[1]


def test_rules_of_passes_are_listed_too(graphc):
    out = graphc("rules", "log_of_long_product")[1]
    assert "an exponent of its own" in out
    assert out.endswith("1 rule: 1 stabilizing\n")


def test_doctor_knows_the_machine(graphc, monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path))
    (tmp_path / "object").write_bytes(bytes(2**20))
    code, out, _ = graphc("doctor")
    found = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith(("CUDA", "kept")))
    assert code == 0
    assert found["Python"].startswith(sys.version.split()[0])
    assert found["NumPy"] == np.__version__
    assert "LLVM " in found["LLVM"]
    assert "usable" in found["cores"]
    assert f"{tmp_path} (GRAPHC_CACHE_DIR): 1 files, 1.0 MiB" in out


def test_the_module_is_a_program(file):
    words = [sys.executable, "-m", "graphc.cli", "opt", file, "-p", "canonicalize"]
    result = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (0, TEXT)


def test_a_reader_that_stops_early_is_no_error(file):
    command = f"{sys.executable} -m graphc.cli passes | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert result.stderr == ""


def test_explain_writes_a_page(graphc, file, tmp_path):
    page = tmp_path / "score.html"
    code, out, _ = graphc("explain", file, "-o", page)
    assert (code, out) == (0, f"{page}\n")
    text = page.read_text(encoding="utf-8")
    assert "log_sum_exp" in text and "%1: f32[n,3] = exp(%z)" in text
    code, _, error = graphc("explain", file, "-o", tmp_path / "score.pdf")
    assert code == 1 and "end the name in .html" in error


SCRIPT = """\
import numpy as np
import graphc as gc
from layers import score

x = gc.input("x", ("n", 3))
scale = gc.parameter("scale", np.full(3, 2.0, "float32"))
f = gc.compile([x], score(x * scale))
print("made", f.name)
if __name__ == "__main__":
    raise SystemExit("the script was started")
"""
LAYERS = "import graphc as gc\n\ndef score(z):\n    return gc.log(gc.sum(gc.exp(z), axis=1))\n"


@pytest.fixture
def script(tmp_path):
    (tmp_path / "layers.py").write_text(LAYERS)
    (tmp_path / "model.py").write_text(SCRIPT)
    yield tmp_path / "model.py"
    sys.modules.pop("layers", None)


def test_scripts_have_the_functions_that_they_compile(graphc, script, tmp_path):
    code, out, err = graphc("opt", script)
    assert (code, err) == (0, "made f\n") and "logsumexp" in out
    assert "[1001.09" in graphc("run", script, "--input", "x=[[500, 500, 500]]", "--input", "scale=[2, 2, 2]")[1]
    assert graphc("explain", script, "-o", tmp_path / "f.html")[0] == 0
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "layers.py" in page and "model.py" in page and "return gc.log(gc.sum(gc.exp(z), axis=1))" in page
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (1\n", "model.py:1: '(' was never closed\n"),
        ("import graphc as gc\n\nx = gc.input('x')\nf = gc.compile([x], x.shape[3])\n", "model.py:4: IndexError"),
        ("import graphc as gc\nx = gc.input('x', (2,)) + gc.input('y', (3,))\n", "2 and 3 differ"),
        ("import sys\nsys.exit(3)\n", "model.py:2: SystemExit: 3"),
        ("x = 1\n", "stores no compiled function in a variable"),
    ],
)
def test_mistakes_in_scripts_have_a_line_and_no_traceback(graphc, tmp_path, text, message):
    (tmp_path / "model.py").write_text(text)
    code, _, err = graphc("explain", tmp_path / "model.py")
    assert code == 1 and message in err and "Traceback" not in err


def test_what_is_nearly_right_is_suggested(graphc, file, tmp_path):
    assert "did you mean log_of_softmax" in graphc("rules", "log_sofmax")[2]
    assert "write x=FILE.npy" in graphc("run", file, "--input", "x")[2]
    (tmp_path / "picture.gc").write_bytes(b"\x89PNG\xff")
    assert "picture.gc is no text" in graphc("opt", tmp_path / "picture.gc")[2]
