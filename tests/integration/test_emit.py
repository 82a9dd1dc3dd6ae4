"""Every phase can be printed and resumed as text with gemmac-opt; every kind of output comes out."""

import itertools
import subprocess

import pytest

from support import CHECKPOINTS, GEMMAC_OPT, MODELS, base_level, gemmac, levels, parameters

PHASES = ("import", "fuse", "quantize", "plan", "lower")


def emit(folder, kind, out, *extra):
    done = gemmac("compile", folder, "-o", out, "--emit", kind, "-q", *extra)
    assert done.returncode == 0, done.stderr
    return out


def opt(file, *arguments):
    return subprocess.run([str(GEMMAC_OPT), str(file), *arguments], capture_output=True, text=True, timeout=300)


LOWERED = [*itertools.product(MODELS, PHASES)]


@pytest.mark.parametrize("model, phase", parameters(LOWERED, lambda *case: case[1] != "lower" or case[0] == "tiny-moe"))
def test_printed_phase_reads_back(model, phase, tmp_path):
    """gemmac-opt parses and verifies what a phase printed, and prints the same text."""
    out = emit(CHECKPOINTS / model, "mlir", tmp_path / "phase.mlir", "--stop-after", phase, "--weights", "q4")
    again = opt(out)
    assert again.returncode == 0, again.stderr
    assert again.stdout == out.read_text()


# What takes the text of one phase to the next, as gemmac-opt's options.
RESUME = {
    ("import", "fuse"): ["--gemma-fuse"],
    ("fuse", "quantize"): ["--gemma-assign-formats=weights=q4"],
    ("quantize", "plan"): ["--gemma-plan=context=4096"],
}


@pytest.mark.parametrize("first, second", RESUME)
@pytest.mark.parametrize("model", MODELS)
def test_resumed_phase(model, first, second, tmp_path):
    """The passes of the next phase, run on printed text without the checkpoint, give what the compiler gives."""
    before = emit(CHECKPOINTS / model, "mlir", tmp_path / "before.mlir", "--stop-after", first, "--weights", "q4")
    after = emit(CHECKPOINTS / model, "mlir", tmp_path / "after.mlir", "--stop-after", second, "--weights", "q4")
    resumed = opt(before, *RESUME[first, second])
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == after.read_text()


MARKS = {"ll": b"define ", "s": b".text", "o": b"\x7fELF"}


@pytest.mark.parametrize("kind, ending", [("llvm", "ll"), ("asm", "s"), ("obj", "o")])
@pytest.mark.parametrize("target", dict.fromkeys(one.target for one in levels()))
def test_code(kind, ending, target, tmp_path):
    """A file for each level, also for levels that this machine lacks; LLVM and assembly for the last alone."""
    names = [one.name for one in levels() if one.target == target]
    some = names if kind == "obj" else names[-1:]
    weights = "q4" if target == base_level().target else "f32"
    words = ("--target", target, "--isa", ",".join(some), "--weights", weights)
    emit(CHECKPOINTS / "tiny-e", kind, tmp_path / "out", *words)
    expected = [f"out.{name}.{ending}" for name in (*some, *(["program"] if kind == "obj" else []))]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(expected)
    assert all(MARKS[ending] in path.read_bytes() for path in tmp_path.iterdir())


def test_weights_stay_out_of_the_text(tmp_path):
    """Weights travel as symbols: the text of a model is small however large its tensors are."""
    text = emit(CHECKPOINTS / "tiny-e", "mlir", tmp_path / "text.mlir", "--stop-after", "import").read_text()
    assert len(text) < 400_000 and "dense_resource" not in text
    assert "@layers.0.self_attn.q_proj.weight" in text
