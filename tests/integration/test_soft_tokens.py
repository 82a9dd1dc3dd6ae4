"""Pictures and sounds in the text model: with the soft tokens of the goldens, programs give the goldens' answers."""

import json
import os
import subprocess

import numpy as np
import pytest

from support import BUILD, CHECKPOINTS, GEMMAC_INTERP, GOLDENS, MODELS, ROOT, compile_program, gemmac, levels, write_ids
from gemma_checkpoint import read_safetensors
from test_engine import compiler

THREADS, CHUNKS = (1, 2), (4, 16, 64, 512)
# Every way of reading a table, folded and whole keys, rings of every format.
INTERPRETED = [
    ("tiny-e", "q4", ("--cache", "q8")),
    ("tiny-moe", "q8", ("--cache", "q4")),
    ("tiny-dense", "bf16", ()),
]
# Of logits, all of them f32, as test_goldens.py allows them; what the vision blocks change in them is above 1.
TOLERANCE = 5e-4


def prompts_with_media(model):
    """The prompt of the goldens; ids with -1 for soft tokens of pictures and -2 for those of sounds; their rows."""
    soft = read_safetensors(GOLDENS / f"{model}.soft.safetensors")
    config = json.loads((CHECKPOINTS / model / "config.json").read_text())
    marks = {config["image_token_id"]: -1, config["audio_token_id"]: -2}
    for prompt in json.loads((GOLDENS / f"{model}.json").read_text())["prompts"]:
        rows = soft.get(prompt["id"] + ".embeddings")
        if rows is None:
            continue
        ids = [marks.get(token, token) for token in prompt["input_ids"]]
        assert sum(token < 0 for token in ids) == len(rows)
        yield prompt, ids, rows


def link(objects, out):
    """A program that answers such prompts by the compiled model, whose objects lie at fixed addresses."""
    folder = ROOT / "tests" / "unit" / "engine"
    sources = [folder / "AnswerSoft.cpp", folder / "CompiledSubject.cpp"]
    includes = ["-I", ROOT / "runtime" / "include", "-I", ROOT / "runtime" / "src"]
    libraries = [BUILD / "lib" / "libgemmac_runtime_host.a", "-lpthread"]
    words = [*compiler(), "-std=c++20", "-no-pie", *includes, *sources, *objects, *libraries, "-o", out]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def check_logits(rows, prompts):
    """Rows against the 50 largest logits of each step of those prompts of which the goldens hold them."""
    at, compared = 0, 0
    for prompt in prompts:
        for row, step in zip(rows[at:], prompt.get("logits", {}).get("steps", [])):
            np.testing.assert_allclose(row[step["ids"]], step["values"], rtol=0, atol=TOLERANCE)
            compared += 1
        at += len(prompt["generated_ids"])
    assert compared > 4 and at == len(rows)


def compile_soft(model, weights, work, extra=()):
    """What answers prompts with soft tokens, by that model, and its data."""
    target = levels()[0].target
    words = [CHECKPOINTS / model, "--weights", weights, "--chunk", max(CHUNKS), "--target", target, *extra, "-q"]
    for name, kind in (("parts", ("--emit", "obj")), ("program", ())):
        done = gemmac("compile", *words, "-o", work / name, *kind)
        assert done.returncode == 0, done.stderr
    link(sorted(work.glob("parts.*.o")), work / "answer")


def write_prompts(cases, work):
    """Files of the prompts, as many tokens to generate as the goldens have, and of their rows."""
    lines = [" ".join(map(str, (len(prompt["generated_ids"]), *ids))) for prompt, ids, _ in cases]
    (work / "prompts").write_text("\n".join(lines) + "\n")
    np.concatenate([rows for _, _, rows in cases]).astype("<f4").tofile(work / "rows")


def answers(work, threads, chunk, level):
    """The generated ids of each prompt, and the logits that they were chosen from, one row after the other."""
    words = [*(work / name for name in ("answer", "prompts", "rows", "logits")), threads, chunk, level]
    environment = {**os.environ, "GEMMAC_SUBJECT": str(work / "program")}
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    ids = [[*map(int, line.split())] for line in done.stdout.splitlines()]
    return ids, np.fromfile(work / "logits", "<f4").reshape(sum(map(len, ids)), -1)


def levels_here():
    here = [level.name for level in levels() if not level.missing and not level.launcher]
    if not here:
        pytest.skip("the answers are linked for this machine alone")
    return here


@pytest.mark.parametrize("model", MODELS)
def test_answers_are_those_of_the_goldens(model, tmp_path):
    here = levels_here()
    compile_soft(model, "f32", tmp_path)
    cases = list(prompts_with_media(model))
    assert len(cases) >= 5
    write_prompts(cases, tmp_path)
    first = None
    for how in [(threads, chunk, level) for level in here for threads in THREADS for chunk in CHUNKS]:
        ids, logits = answers(tmp_path, *how)
        assert ids == [prompt["generated_ids"] for prompt, _, _ in cases], how
        first = logits if first is None else first
        assert logits.tobytes() == first.tobytes(), how
    check_logits(first, [prompt for prompt, _, _ in cases])


@pytest.mark.parametrize("model, weights, extra", INTERPRETED)
def test_the_interpreter_gives_the_same_bits(model, weights, extra, tmp_path):
    level = levels_here()[-1]
    compile_soft(model, weights, tmp_path, extra)
    program = compile_program(CHECKPOINTS / model, weights, "interp", extra)
    for case in [case for case in prompts_with_media(model) if case[0]["id"] in ("26-vision", "25-vision", "30-audio")]:
        write_prompts([case], tmp_path)
        (generated,), expected = answers(tmp_path, 2, 16, level)
        ids = [*case[1], *generated[:-1]]
        words = ["--ids", write_ids(tmp_path / "ids", ids), "--soft", tmp_path / "rows", "--prefill", len(case[1]) - 1]
        words += ["--chunk", 7, "--logits", tmp_path / "logits.npy"]
        done = gemmac("run", program, *words, compiler=GEMMAC_INTERP)
        assert done.returncode == 0, done.stderr
        got = np.load(tmp_path / "logits.npy")
        assert got.tobytes() == expected.tobytes(), np.abs(got - expected).max()
