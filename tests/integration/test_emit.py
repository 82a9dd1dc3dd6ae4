"""Every phase can be printed and resumed as text with gemmac-opt; every kind of output comes out."""

import subprocess

import pytest

from support import CHECKPOINTS, GEMMAC_OPT, MODELS, gemmac

PHASES = ("import", "fuse", "quantize", "plan", "lower")


def emit(folder, kind, out, *extra):
    done = gemmac("compile", folder, "-o", out, "--emit", kind, "-q", *extra)
    assert done.returncode == 0, done.stderr
    return out


def opt(file, *arguments):
    return subprocess.run([str(GEMMAC_OPT), str(file), *arguments], capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("model", MODELS)
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


@pytest.mark.parametrize("target", ["x86_64-linux", "aarch64-linux"])
@pytest.mark.parametrize("kind, mark", [("llvm", b"define "), ("asm", b".text"), ("obj", b"\x7fELF")])
def test_code(kind, mark, target, tmp_path):
    out = emit(CHECKPOINTS / "tiny-e", kind, tmp_path / "out", "--target", target)
    written = [out] if out.is_file() else sorted(out.parent.glob("out*"))
    assert written and all(mark in path.read_bytes() for path in written if path.is_file())


def test_weights_stay_out_of_the_text(tmp_path):
    """Weights travel as symbols: the text of a model is small however large its tensors are."""
    text = emit(CHECKPOINTS / "tiny-e", "mlir", tmp_path / "text.mlir", "--stop-after", "import").read_text()
    assert len(text) < 400_000 and "dense_resource" not in text
    assert "@layers.0.self_attn.q_proj.weight" in text
