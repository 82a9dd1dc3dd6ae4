"""Gemma 4 12B has no encoders: its pictures and sounds, and its text behind them, against docs/spec.

Random checkpoints of several shapes. The interpreter runs one call of a function (tests/interp), machine_code.py the
same in machine code; programs answer files.
"""

import itertools
import json
import sys

import numpy as np
import pytest

import random_checkpoint
from machine_code import call_code
from media_files import read_picture, read_sound, write_picture, write_sound
from support import OUT, ROOT, compile_program, gemmac, levels, parameters, read_ids, require, run, succeed
from support import takes_turn, write_once
from test_vision import call

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_text import TextModel  # noqa: E402
from reference_unified import PatchEmbedder, SampleEmbedder, frames, preprocess  # noqa: E402

# Largest difference of an element of a soft token, whose magnitudes go to 6.
BOUND = 1e-4
IMAGE, AUDIO = 1, 3  # token types (spec 6.2)
FUNCTIONS = {"image": "encode_image_70", "audio": "encode_audio"}
UNIFIED = random_checkpoint.UNIFIED
HEARING = [name for name, (_, _, audio) in UNIFIED.items() if audio]


def checkpoint(name):
    def write(folder):
        text, vision, audio = UNIFIED[name]
        random_checkpoint.write(folder, text, dtype="F32", vision=vision, audio=audio)

    return write_once(OUT / "unified" / name, write)


def config(name):
    return json.loads((checkpoint(name) / "config.json").read_text())


def random_patches(name, columns, rows):
    vision = config(name)["vision_config"]
    values = (vision.get("patch_size", 16) * vision.get("pooling_kernel_size", 3)) ** 2 * 3
    y, x = np.divmod(np.arange(columns * rows), columns)
    return np.random.default_rng(columns).random((len(x), values), np.float32), np.stack([x, y], -1)


def random_samples(name, count):
    width = SampleEmbedder(checkpoint(name)).w("model.embed_audio.embedding_projection.weight").shape[1]
    return np.random.default_rng(count).normal(0.0, 0.1, (count, width)).astype(np.float32)


def call_of(name, kind, size):
    """Rows and inputs of a call, and what docs/spec makes of them."""
    if kind == "audio":
        samples = random_samples(name, size)
        return size, {"samples": samples}, SampleEmbedder(checkpoint(name)).encode(samples)
    patches, places = random_patches(name, *size)
    inputs = {"patches": patches, "places": places.astype("<i4")}
    return len(patches), inputs, PatchEmbedder(checkpoint(name)).encode(patches, places)


def interpreted(name, kind, rows, inputs, work, extra=()):
    program = compile_program(checkpoint(name), "f32", "interp", extra)
    return call(program, FUNCTIONS[kind], rows, inputs, config(name)["text_config"]["hidden_size"], work)


CALLS = [(name, "image", size) for name in UNIFIED for size in [(7, 5), (1, 2)]]
CALLS += [(name, "audio", size) for name in HEARING for size in (41, 1)]


@pytest.mark.parametrize("name, kind, size", CALLS)
def test_any_shape(name, kind, size, tmp_path):
    rows, inputs, expected = call_of(name, kind, size)
    got = interpreted(name, kind, rows, inputs, tmp_path)
    assert got.shape == expected.shape and expected.std() > 0.1
    assert np.abs(got - expected).max() <= BOUND


def test_everything_counts():
    """Biases, both axes of places and the layer norms show in soft tokens: a mix-up would be seen."""
    for name in UNIFIED:
        embedder, (patches, places) = PatchEmbedder(checkpoint(name)), random_patches(name, 4, 3)
        expected = embedder.encode(patches, places)
        assert np.abs(expected - embedder.encode(patches, places[:, ::-1])).max() > 0.1
        read = embedder.t
        for part in ("patch_ln1.bias", "patch_dense.bias", "patch_ln2.bias", "pos_norm.bias", "patch_ln1.weight"):
            embedder.t = lambda asked, part=part: read(asked) * (0.0 if asked == part else 1.0)
            assert np.abs(expected - embedder.encode(patches, places)).max() > 0.01, part
            embedder.t = read


COMPILED = {
    "plain": ("plain", []),
    "odd": ("odd", []),
    "small-q4": ("small", ["--vision-weights", "q4", "--audio-weights", "q4"]),
    "saved-again": ("saved-again", []),
    "plain-q8": ("plain", ["--vision-weights", "q8", "--audio-weights", "q8"]),
    "odd-q8": ("odd", ["--vision-weights", "q8", "--audio-weights", "q8", "--activations", 16]),
}
LEVELS = itertools.product(COMPILED, FUNCTIONS, levels())


@pytest.mark.parametrize(
    "case, kind, at", parameters(LEVELS, lambda case, _, at: takes_turn(at, list(COMPILED), case)), ids=str
)
def test_machine_code(case, kind, at, tmp_path):
    """Every level gives the bits of the interpreter, with any number of threads."""
    require(at)
    name, extra = COMPILED[case]
    rows, inputs, _ = call_of(name, kind, 41 if kind == "audio" else (7, 5))
    expected = interpreted(name, kind, rows, inputs, tmp_path, extra)
    assert expected.std() > 0.1
    for got in call_code(checkpoint(name), "f32", at, FUNCTIONS[kind], rows, inputs, extra, tmp_path):
        assert (got[:, : expected.shape[1]].view(np.uint32) == expected.view(np.uint32)).all()


# ---- from files to answers
BUDGET, TOKENS = 70, 6


def picture(work, width, height):
    rough = np.random.default_rng(width).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    return write_picture(work / f"{width}x{height}.png", rough.repeat(8, 0).repeat(8, 1)[:height, :width])


def sound(work, seconds):
    count = int(16000 * seconds)
    wave = np.random.default_rng(count).normal(0.0, 3000.0, count) * (np.sin(np.arange(count) / 900.0) + 1.5)
    return write_sound(work / f"{seconds}s.wav", wave.clip(-32768, 32767))


def soft_rows(name, kind, path):
    if kind == "image":
        vision = config(name)["vision_config"]
        sides = vision.get("patch_size", 16), vision.get("pooling_kernel_size", 3)
        return PatchEmbedder(checkpoint(name)).encode(*preprocess(read_picture(path), BUDGET, *sides))
    samples = random_samples(name, 1).shape[1]
    return SampleEmbedder(checkpoint(name)).encode(frames(read_sound(path), samples))


def prompt_of(name, program, media, text):
    """Ids with a placeholder for each soft token, their rows by place, and the token types."""
    slots = "".join({"image": "<|image><|image|><image|>", "audio": "<|audio><|audio|><audio|>"}[k] for k, _ in media)
    whole = f"<bos><|turn>user\n{slots}{text}<turn|>\n<|turn>model\n"
    holders = {config(name)[f"{kind}_token_id"]: kind for kind in FUNCTIONS}
    ids, soft, types, waiting = [], {}, [], list(media)
    for token in read_ids(succeed(program, "tokenize", "--special", input=whole.encode())):
        rows = [None]
        if kind := holders.get(token):
            assert waiting[0][0] == kind
            rows = soft_rows(name, *waiting.pop(0))
        soft |= {len(ids) + i: row for i, row in enumerate(rows) if row is not None}
        types += [{"image": IMAGE, "audio": AUDIO}.get(kind, 0)] * len(rows)
        ids += [token] * len(rows)
    assert not waiting
    return ids, soft, types


def greedy(name, ids, soft, types):
    """The reference's answer, with which its logits leave no doubt."""
    model, answer = TextModel(checkpoint(name)), []
    for _ in range(TOKENS):
        logits = model.logits(ids + answer, soft, types + [0] * len(answer))[-1]
        best = np.sort(logits)[-2:]
        assert best[1] - best[0] > 2e-3, "too close to tell two answers apart"
        answer.append(int(logits.argmax()))
        if answer[-1] in (1, 16, 9):
            break
    return answer


# Of each model pictures and sounds in several orders.
ASKED = [
    ("plain", [("image", (100, 60))], "a dog"),
    ("plain", [("audio", 1.3), ("image", (30, 90)), ("image", (64, 64))], "gab"),
    ("odd", [("image", (200, 50)), ("audio", 0.7)], "mod"),
    ("odd", [("audio", 2.01)], "y"),
    ("separate-values", [("image", (64, 100))], "flag"),
    ("small", [("image", (40, 30)), ("audio", 0.06)], "dog"),
    ("saved-again", [("image", (64, 40))], "mad"),
]


def in_files(media, work):
    return [(kind, picture(work, *what) if kind == "image" else sound(work, what)) for kind, what in media]


@pytest.mark.parametrize("name, media, text", ASKED)
def test_answers(name, media, text, tmp_path):
    """The reference's tokens, whatever the chunk, the threads and the level."""
    program = compile_program(checkpoint(name), "f32", levels()[0].target, ["--cache", "f32"])
    files = in_files(media, tmp_path)
    expected = greedy(name, *prompt_of(name, program, files, text))
    words = [word for kind, path in files for word in (f"--{kind}", path)]
    words += ["--image-tokens", BUDGET, "-p", text, "--temperature", 0, "-n", TOKENS, "--ids"]
    native = [at for at in levels() if not at.launcher and not at.missing]
    for at, threads, chunk in [(native[0], 1, 3), (native[-1], 2, 128), *((at, 1, 16) for at in native)]:
        got = read_ids(succeed(program, *words, "--isa", at.name, "-t", threads, "--chunk", chunk))
        assert got == expected, (at.name, threads, chunk)


def test_answers_of_longer_sounds(tmp_path):
    """Sounds are heard whole: behind 30 seconds, which are a call, too."""
    program = compile_program(checkpoint("plain"), "f32", levels()[0].target, ["--cache", "f32"])
    path = sound(tmp_path, 31.7)
    expected = greedy("plain", *prompt_of("plain", program, [("audio", path)], "lag"))
    words = ["--audio", path, "-p", "lag", "--temperature", 0, "-n", TOKENS, "--ids"]
    done = run(program, *words)
    assert read_ids(done.stdout) == expected and b"seconds are heard" not in done.stderr
    done = run(program, *words, "--context", 700)
    assert done.returncode != 0 and b"793 soft tokens" in done.stderr, done.stderr


def test_inspect():
    printed = gemmac("inspect", checkpoint("plain")).stdout
    assert "Gemma4UnifiedForConditionalGeneration" in printed
    assert "pictures without an encoder: patches of 48 pixels, each a token, 64 wide, 80 places\n" in printed
    assert "sounds without an encoder: 640 samples a token\n" in printed
