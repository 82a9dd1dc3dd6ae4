"""GGUF files: the same programs as from Hugging Face directories that hold the decoded values.

`gguf_file.py` writes the files and decodes blocks by itself. Where program files are compared byte for byte, a wrong
nibble, name, shape, metadata field or token would show.
"""

import itertools
import json
import re
import shutil

import numpy as np
import pytest

import gguf_file as gguf
import random_checkpoint
from gemma_checkpoint import FULL, TextShape, read_safetensors, text_tensors, write_json, write_safetensors
from support import CHECKPOINTS, GOLDENS, MODELS, alone, base_level, gemmac, generate, parameters, read_ids, succeed
from support import text_prompts

PREFIX = "model.language_model."


def text_weights(folder, config):
    """The text model's tensors of a Hugging Face directory, by canonical name."""
    stored = {}
    for file in sorted(folder.glob("*.safetensors")):
        stored |= read_safetensors(file)
    return {name: stored[PREFIX + name] for name in text_tensors(TextShape(config))}


def write_gguf(path, folder, choose, changes=None, alignment=32):
    """The directory's model as a GGUF file; returns its tensors."""
    config = json.loads((folder / "config.json").read_text())
    tensors = gguf.checkpoint_tensors(text_weights(folder, config), choose)
    tensors["rope_freqs.weight"] = gguf.rope_factors(config)
    metadata = gguf.model_metadata(config) | gguf.tokenizer_metadata(folder)
    gguf.write_gguf(path, metadata | (changes or {}), tensors, alignment)
    return tensors


def write_twin(folder, source, tensors):
    """A Hugging Face directory of what a GGUF file says: values decoded to float32, no sampling settings."""
    config = json.loads((source / "config.json").read_text())
    text = dict(config.get("text_config") or config, architectures=["Gemma4ForCausalLM"], model_type="gemma4_text")
    folder.mkdir()
    # GGUF has room for one end of text; the others are control tokens that gemmac knows.
    write_json(folder / "config.json", text | {"eos_token_id": [1, 16, 9], "bos_token_id": 2})
    values = {
        "model." + name: gguf.decode_blocks(tensors[gguf.gguf_name(name)][2], *tensors[gguf.gguf_name(name)][:2])
        for name in text_tensors(TextShape(config))
    }
    write_safetensors(
        folder / "model.safetensors",
        {name: ("F32", value.shape) for name, value in values.items()},
        lambda name: [values[name].tobytes()],
    )
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(source / name, folder / name)


def emit(checkpoint, phase="import"):
    done = gemmac("compile", checkpoint, "--stop-after", phase, "-q")
    assert done.returncode == 0, done.stderr
    return done.stdout


# -------------------------------------------------------------------------------- whole models
CHOICES = {
    "f32": lambda name, shape: "F32",
    "f16": lambda name, shape: "F16",
    "bf16": lambda name, shape: "BF16",
    "q8_0": lambda name, shape: "Q8_0",
    "mixed": lambda name, shape: "Q8_0" if "embed" in name else "F32" if "router" in name else "Q4_0",
}


def compile_here(checkpoint, out, *extra):
    """For the base level alone, not shared: these checkpoints last as long as a test."""
    at = base_level()
    done = gemmac("compile", checkpoint, "-o", out, "--target", at.target, "--isa", at.name, "-q", *extra)
    assert done.returncode == 0, done.stderr
    return out


SAME = [*itertools.product(MODELS, ("f32", "mixed"), ("f32", "q4"))]
SHORT = [("tiny-e", "mixed", "q4"), ("tiny-moe", "mixed", "f32"), ("tiny-dense", "f32", "q4")]


@pytest.mark.parametrize("model, kind, weights", parameters(SAME, lambda *case: case in SHORT))
def test_same_program_as_from_a_directory(model, kind, weights, tmp_path):
    """Byte for byte: weights, tokenizer, chat format, stop tokens, code."""
    tensors = write_gguf(tmp_path / "model.gguf", CHECKPOINTS / model, CHOICES[kind])
    write_twin(tmp_path / "model", CHECKPOINTS / model, tensors)
    for name, checkpoint in (("a", tmp_path / "model.gguf"), ("b", tmp_path / "model")):
        compile_here(checkpoint, tmp_path / name, "--weights", weights, "--context", 512)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("model", alone(MODELS, "tiny-moe"))
def test_goldens(model, tmp_path):
    """An f32 program from an F32 file answers with the golden tokens; F16 and BF16 files lose nothing on bf16 weights
    but the range, and the metadata may come in any alignment."""
    choice = CHOICES["bf16" if model == "tiny-moe" else "f32"]
    write_gguf(tmp_path / f"{model}.gguf", CHECKPOINTS / model, choice, {}, 64)
    program = compile_here(tmp_path / f"{model}.gguf", tmp_path / "program", "--weights", "f32")
    for prompt in text_prompts(model):
        answer = generate(program, prompt["input_ids"], 64, tmp_path)
        assert answer == prompt["generated_ids"], prompt["id"]


def test_inspect(tmp_path):
    write_gguf(tmp_path / "small.gguf", CHECKPOINTS / "tiny-e", CHOICES["mixed"])
    done = gemmac("inspect", tmp_path / "small.gguf")
    assert done.returncode == 0, done.stderr
    for part in (
        "small: Gemma4ForCausalLM",
        "8 layers, 128 wide, vocabulary 1280",
        "F32, Q4_0, Q8_0",
        "chat format: gemma4",
    ):
        assert part in done.stdout, done.stdout


# -------------------------------------------------------------------------------- encodings
def test_decoding_to_the_bit(tmp_path):
    """A program of f32 weights holds exactly the values that random blocks stand for, in every row of a matrix: a layer
    for each type."""
    config = random_checkpoint.text(
        hidden_size=256,
        intermediate_size=256,
        layer_types=[FULL] * len(gguf.TYPES),
        global_head_dim=32,
        num_attention_heads=2,
        vocab_size=384,
    )
    folder, rng = tmp_path / "model", np.random.default_rng(3)
    random_checkpoint.write(folder, config, dtype="F32")
    weights = text_weights(folder, {"text_config": config})
    tensors = gguf.checkpoint_tensors(weights, CHOICES["f32"])
    tensors["rope_freqs.weight"] = gguf.rope_factors(config)
    shape, blocks = [256, 256], {}
    for layer, kind in enumerate(gguf.TYPES):
        blocks[kind] = gguf.random_blocks(rng, kind, shape)
        tensors[f"blk.{layer}.ffn_down.weight"] = (kind, shape, blocks[kind])
    metadata = gguf.model_metadata(config) | gguf.tokenizer_metadata(folder)
    gguf.write_gguf(tmp_path / "m.gguf", metadata, tensors)
    stored = compile_here(tmp_path / "m.gguf", tmp_path / "program", "--weights", "f32", "--context", 64).read_bytes()
    for kind, raw in blocks.items():
        values = gguf.decode_blocks(raw, kind, shape)
        panels = values.reshape(16, 16, 256).transpose(0, 2, 1)  # docs/formats.md: [cols][16]
        assert np.ascontiguousarray(panels, "<f4").tobytes() in stored, kind


# -------------------------------------------------------------------------------- configurations
# What llama.cpp's metadata cannot say: heads that differ between layers of one type.
GEMMA3 = [name for name in random_checkpoint.CASES if name.startswith("gemma3")]
REPRESENTABLE = [name for name in random_checkpoint.CASES if name not in ("per-layer-config", *GEMMA3)]


def without_places(module):
    """The module without where and how weights are stored, which the lines after a weight's first tell."""
    lines = []
    for line in re.sub(r"(gemma\.weight .*)(\n {6}.*)*", r"\1", module).splitlines():
        if line.lstrip().startswith("gemma.weight"):
            name, _, rest = line.partition(" : tensor<")
            line = name + " " + rest.partition(">")[0].rpartition("x")[0]
        lines.append(line.replace('"Gemma4ForConditionalGeneration"', '"Gemma4ForCausalLM"'))
    return lines


@pytest.mark.parametrize("name", REPRESENTABLE)
def test_same_model_as_from_a_directory(name, tmp_path):
    """Every freedom of the configuration class arrives: the same ops, attributes and symbols."""
    config, options = random_checkpoint.CASES[name]
    folder = tmp_path / "model"
    random_checkpoint.write(folder, config, **{key: value for key, value in options.items() if key != "causal_lm"})
    whole = {"text_config": config}
    tensors = gguf.checkpoint_tensors(text_weights_of(folder), CHOICES["f32"])
    tensors["rope_freqs.weight"] = gguf.rope_factors(whole)
    gguf.write_gguf(tmp_path / "model.gguf", gguf.model_metadata(whole) | gguf.tokenizer_metadata(folder), tensors)
    assert without_places(emit(tmp_path / "model.gguf")) == without_places(emit(folder))


@pytest.mark.parametrize("name", alone(GEMMA3, "gemma3-text", "gemma3-odd"))
def test_same_gemma3_program_as_from_a_directory(name, tmp_path):
    """Byte for byte, although norms of GGUF files have their 1 already."""
    config, options = random_checkpoint.CASES[name]
    folder = tmp_path / "model"
    random_checkpoint.write(folder, config, **options | {"dtype": "F32", "causal_lm": True, "first_release": False})
    weights = {key.removeprefix("model."): value for key, value in text_weights_of(folder).items()}
    tensors = gguf.checkpoint_tensors(weights, CHOICES["f32"], norm_addend=1)
    metadata = gguf.model_metadata(config) | gguf.tokenizer_metadata(folder)
    # What transformers takes where generation_config.json is silent.
    metadata["general.sampling.top_k"] = (gguf.I32, 50)
    gguf.write_gguf(tmp_path / "model.gguf", metadata, tensors)
    for out, checkpoint in (("a", tmp_path / "model.gguf"), ("b", folder)):
        compile_here(checkpoint, tmp_path / out, "--weights", "f32", "--context", 64)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def text_weights_of(folder):
    """All tensors of the text model that the files have, those that no layer reads included."""
    stored = {}
    for file in sorted(folder.glob("*.safetensors")):
        stored |= read_safetensors(file)
    return {name.removeprefix(PREFIX): value for name, value in stored.items()}


# -------------------------------------------------------------------------------- tokenizer
def pieces_of(text, scores):
    """SentencePiece's merging, plainly: join the neighbours whose text is the token of the highest score, the leftmost
    of equals, until none is a token."""
    symbols = list(text.replace(" ", "▁"))
    while True:
        joined = [(scores.get(a + b, -np.inf), -i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        if not joined or max(joined)[0] == -np.inf:
            return symbols
        at = -max(joined)[1]
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]


def test_scores_give_sentencepiece_ids(tmp_path):
    """A vocabulary with scores instead of merges, several of them equal, on text and on random letters."""
    folder = CHECKPOINTS / "tiny-e"
    metadata = gguf.tokenizer_metadata(folder)
    tokens, types = metadata["tokenizer.ggml.tokens"][1], metadata["tokenizer.ggml.token_type"][1]
    rng = np.random.default_rng(11)
    values = [float(-int(rng.integers(0, 200))) for _ in tokens]
    scores = {token: value for token, value, kind in zip(tokens, values, types) if kind == gguf.NORMAL}
    changes = {"tokenizer.ggml.model": (gguf.STRING, "llama"), "tokenizer.ggml.scores": ([gguf.F32], values)}
    write_gguf(tmp_path / "model.gguf", folder, CHOICES["q8_0"], changes)
    done = gemmac("inspect", tmp_path / "model.gguf")
    assert done.returncode == 0, done.stderr  # merges decide in a file that has both
    del metadata["tokenizer.ggml.merges"]
    config = json.loads((folder / "config.json").read_text())
    tensors = gguf.checkpoint_tensors(text_weights(folder, config), CHOICES["q8_0"])
    tensors["rope_freqs.weight"] = gguf.rope_factors(config)
    gguf.write_gguf(tmp_path / "model.gguf", gguf.model_metadata(config) | metadata | changes, tensors)
    compile_here(tmp_path / "model.gguf", tmp_path / "program", "--weights", "q8", "--context", 64)

    single = [token for token in scores if len(token) == 1 and token.isalpha()]
    texts = [line for line in (GOLDENS / "eval.txt").read_text().splitlines() if line][:40]
    texts += ["".join(rng.choice([*single, " "], 40)) for _ in range(40)]
    ids = {token: number for number, token in enumerate(tokens)}
    checked = 0
    for text in texts:
        pieces = pieces_of(text, scores)
        if all(piece in scores for piece in pieces):  # no bytes needed
            assert read_ids(succeed(tmp_path / "program", "tokenize", input=text.encode())) == [ids[p] for p in pieces]
            checked += 1
    assert checked >= 60
