"""GGUF models with the file of their towers: the same programs as from Hugging Face directories that hold the same
values, and soft tokens equal to the bit. `mmproj_file.py` writes the files.
"""

import itertools
import json
import shutil

import numpy as np
import pytest

import gguf_file as gguf
import mmproj_file as mmproj
import random_checkpoint
import tower_shapes
from gemma_checkpoint import FULL, read_safetensors, write_json, write_safetensors
from support import CHECKPOINTS, GEMMAC_INTERP, MODELS, compile_program, gemmac, parameters
from test_gguf import CHOICES, compile_here, emit, text_weights, text_weights_of, without_places
from test_vision import call, golden_picture, pictures_of


def stored(folder):
    return read_safetensors(folder / "model.safetensors")


def write_pair(work, folder, choose="f32", towers=None, changes=None):
    """The directory's model as model.gguf and mmproj.gguf; returns the arguments that compile them, and the tensors of
    both."""
    config = json.loads((folder / "config.json").read_text())
    text = gguf.checkpoint_tensors(text_weights(folder, config), CHOICES[choose])
    text["rope_freqs.weight"] = gguf.rope_factors(config)
    gguf.write_gguf(work / "model.gguf", gguf.model_metadata(config) | gguf.tokenizer_metadata(folder), text)
    towers = towers or mmproj.tower_tensors(stored(folder), CHOICES[choose])
    gguf.write_gguf(work / "mmproj.gguf", mmproj.tower_metadata(config) | (changes or {}), towers)
    return [work / "model.gguf", "--mmproj", work / "mmproj.gguf"], text, towers


def write_twin(folder, source, values):
    """A directory of the same values in float32, without what GGUF has no room for."""
    folder.mkdir()
    config = json.loads((source / "config.json").read_text())
    write_json(folder / "config.json", config | {"eos_token_id": [1, 16, 9], "bos_token_id": 2})
    write_safetensors(
        folder / "model.safetensors",
        {name: ("F32", value.shape) for name, value in values.items()},
        lambda name: [np.ascontiguousarray(values[name], np.float32).tobytes()],
    )
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(source / name, folder / name)


def compile_pair(arguments, out, *extra):
    model, *projector = arguments
    return compile_here(model, out, *projector, *extra)


# -------------------------------------------------------------------------------- whole models
SAME = itertools.product(MODELS, ("f32", "q4"))
SHORT = [("tiny-e", "q4"), ("tiny-dense", "f32")]


@pytest.mark.parametrize("model, weights", parameters(SAME, lambda *case: case in SHORT))
def test_same_program_as_from_a_directory(model, weights, tmp_path):
    """Byte for byte: towers, tokens of media, budgets, attention within pictures, code."""
    arguments, _, _ = write_pair(tmp_path, CHECKPOINTS / model)
    write_twin(tmp_path / "model", CHECKPOINTS / model, stored(CHECKPOINTS / model))
    extra = ("--weights", weights, "--context", 512, "--image-tokens", 140)
    compile_pair(arguments, tmp_path / "a", *extra)
    compile_here(tmp_path / "model", tmp_path / "b", *extra)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def inputs_of(model):
    """Functions with what they are called with: rows and inputs by name."""
    picture = golden_picture(model, next(pictures_of(model)))
    yield "encode_image_70", picture.rows, picture.inputs
    if model == "tiny-e":
        mel = np.random.default_rng(5).normal(-3.0, 2.0, (64, 128)).astype(np.float32)
        yield "encode_audio", 16, {"mel": mel, "valid": np.ones((64, 1), np.int32)}


TYPES = itertools.product(MODELS, ("bf16", "f32"))


@pytest.mark.parametrize("model, choose", parameters(TYPES, lambda model, choose: choose == "bf16"))
def test_same_soft_tokens_as_from_a_directory(model, choose, tmp_path):
    """The shipped checkpoints as they are, in bfloat16, and files of the same values."""
    formats = ["--vision-weights", "bf16", "--audio-weights", "bf16"]
    directory = compile_program(CHECKPOINTS / model, "q4", "interp", formats)
    (file, *projector), _, _ = write_pair(tmp_path, CHECKPOINTS / model, choose)
    words = ["--target", "interp", "--weights", "q4", *formats, "-q", "-o", tmp_path / "program"]
    done = gemmac("compile", file, *projector, *words, compiler=GEMMAC_INTERP)
    assert done.returncode == 0, done.stderr
    width = json.loads((CHECKPOINTS / model / "config.json").read_text())["text_config"]["hidden_size"]
    for function, rows, inputs in inputs_of(model):
        got = call(tmp_path / "program", function, rows, inputs, width, tmp_path)
        expected = call(directory, function, rows, inputs, width, tmp_path)
        assert expected.std() > 0.1 and np.array_equal(got.view(np.uint32), expected.view(np.uint32)), function


# -------------------------------------------------------------------------------- encodings and shapes
VISION = {
    **{name: tower_shapes.VISION[name] for name in ("small", "standardized", "odd-everything")},
    "wide": tower_shapes.vision(
        hidden_size=256, intermediate_size=256, head_dim=64, num_key_value_heads=4, use_clipped_linears=True
    ),
}
AUDIO = {
    "small": tower_shapes.AUDIO["small"],
    "wide": tower_shapes.audio(hidden_size=256, output_proj_dims=256, conv_kernel_size=8),
}


def random_model(folder, vision=None, audio=None, hidden=100):
    text = random_checkpoint.text(hidden_size=hidden, layer_types=[FULL], use_bidirectional_attention="vision")
    return write_model(folder, text, vision, audio)


def write_model(folder, text, vision, audio):
    """A random checkpoint that says no more than GGUF files have room for."""
    config = random_checkpoint.write(folder, text, dtype="F32", vision=vision, audio=audio)
    video = random_checkpoint.SPECIAL_TEXTS.index("<|video|>")
    write_json(folder / "config.json", config | {"video_token_id": video})
    (folder / "generation_config.json").unlink()  # GGUF says nothing of sampling
    return folder


def random_towers(values, seed):
    """Towers whose matrices are random blocks, a type after the other; and the values that these stand for, as a
    directory has them."""
    rng, kinds = np.random.default_rng(seed), itertools.cycle(gguf.TYPES)
    towers, decoded = mmproj.tower_tensors(values), dict(values)
    for name, value in values.items():
        if name.startswith(mmproj.TOWERS) and name.endswith(".linear.weight"):
            kind = next(kinds)
            raw = gguf.random_blocks(rng, kind, value.shape)
            towers[mmproj.tower_name(name)] = (kind, list(value.shape), raw)
            decoded[name] = gguf.decode_blocks(raw, kind, value.shape)
    return towers, decoded


def test_every_encoding(tmp_path):
    """Matrices of towers in all types that text has: the program of a directory with the decoded values."""
    source = random_model(tmp_path / "source", VISION["wide"], AUDIO["wide"], 256)
    towers, decoded = random_towers(stored(source), 3)
    assert {kind for kind, _, _ in towers.values()} == set(gguf.TYPES)
    arguments, _, _ = write_pair(tmp_path, source, towers=towers)
    write_twin(tmp_path / "model", source, decoded)
    extra = ("--weights", "f32", "--vision-weights", "f32", "--audio-weights", "f32", "--context", 64)
    extra += ("--image-tokens", 70)
    compile_pair(arguments, tmp_path / "a", *extra)
    compile_here(tmp_path / "model", tmp_path / "b", *extra)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("vision, audio", [*itertools.product(VISION, [None]), *itertools.product([None], AUDIO)])
def test_same_model_as_from_a_directory(vision, audio, tmp_path):
    """Every freedom that the files have room for arrives, in a file of one tower: the same ops, attributes, symbols."""
    source = random_model(tmp_path / "model", VISION.get(vision), AUDIO.get(audio))
    arguments, _, _ = write_pair(tmp_path, source)
    got = gemmac("compile", *arguments, "--stop-after", "import", "-q")
    assert got.returncode == 0, got.stderr
    assert without_places(got.stdout) == without_places(emit(source))
    assert text_weights_of(source)  # the file has them under the same names


def test_stored_bits_are_kept(tmp_path):
    """Beside quantized text matrices in Q8_0 stay what they are, but for those whose columns packing reorders."""
    arguments, _, _ = write_pair(tmp_path, CHECKPOINTS / "tiny-e", "q8_0")
    report = tmp_path / "report.json"
    compile_pair(arguments, tmp_path / "program", "--weights", "q4", "--context", 64, "--json-report", report)
    report = json.loads(report.read_text())
    towers = {row["part"]: row["formats"] for row in report["towers"]}
    # q12: patches, which are F32, and attention's output in both layers. f32: places.
    assert towers["pictures"] == {"f32": 2, "q12": 3, "q8": 7}
    assert set(towers["sounds"]) == {"f32", "q8"} and towers["sounds"]["q8"] == 25


# -------------------------------------------------------------------------------- models without encoders
def unified_model(folder, name):
    text, vision, audio = random_checkpoint.UNIFIED[name]
    audio = audio and {key: value for key, value in audio.items() if key != "rms_norm_eps"}
    return write_model(folder, text | {"use_bidirectional_attention": "vision"}, vision, audio)


UNIFIED = itertools.product(random_checkpoint.UNIFIED, ("f32", "q4"))


@pytest.mark.parametrize(
    "name, weights", parameters(UNIFIED, lambda name, weights: (name == "odd") == (weights == "q4"))
)
def test_same_program_without_encoders(name, weights, tmp_path):
    """Byte for byte: patches color by color and the table of places in two halves are undone, tokens and sides are
    those of the directory."""
    source = unified_model(tmp_path / "model", name)
    arguments, _, _ = write_pair(tmp_path, source)
    extra = ("--weights", weights, "--vision-weights", weights, "--audio-weights", weights, "--context", 512)
    compile_pair(arguments, tmp_path / "a", *extra, "--image-tokens", 140)
    compile_here(source, tmp_path / "b", *extra, "--image-tokens", 140)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def decoded(tensor):
    kind, shape, raw = tensor
    return gguf.decode_blocks(raw, kind, shape)


def test_quantized_without_encoders(tmp_path):
    """Text and all that is not a vector in blocks, each type of 32 values in turn: the program of a directory with the
    decoded values."""
    text = random_checkpoint.unified_text(hidden_size=96, intermediate_size=64, global_head_dim=32, head_dim=32)
    vision = tower_shapes.patch_embedder(mm_embed_dim=32)
    source = write_model(tmp_path / "source", text, vision, tower_shapes.sample_embedder())
    values, rng = stored(source), np.random.default_rng(4)
    kinds = itertools.cycle(kind for kind, (_, length, _) in gguf.TYPES.items() if length <= 32)
    towers = mmproj.tower_tensors(values)
    for name, (_, shape, _) in towers.items():
        if len(shape) > 1:
            kind = next(kinds)
            towers[name] = (kind, shape, gguf.random_blocks(rng, kind, shape))
    arguments, texts, _ = write_pair(tmp_path, source, "mixed", towers)
    for name in values:
        if name.startswith(mmproj.TOWERS):
            values[name] = mmproj.embedder_values(name, decoded(towers[mmproj.tower_name(name)]))
        else:
            values[name] = decoded(texts[gguf.gguf_name(name.removeprefix("model.language_model."))])
    write_twin(tmp_path / "model", source, values)
    extra = ("--weights", "f32", "--vision-weights", "f32", "--audio-weights", "f32", "--context", 64)
    compile_pair(arguments, tmp_path / "a", *extra, "--image-tokens", 70)
    compile_here(tmp_path / "model", tmp_path / "b", *extra, "--image-tokens", 70)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_parts_without_encoders(tmp_path):
    """What inspect tells of such a file, and a program of a part of it."""
    arguments, _, _ = write_pair(tmp_path, unified_model(tmp_path / "model", "plain"))
    done = gemmac("inspect", *arguments)
    assert done.returncode == 0, done.stderr
    for part in ("Gemma4UnifiedForConditionalGeneration", "each a token, 64 wide, 80 places", "640 samples a token"):
        assert part in done.stdout, done.stdout
    for without, left in (("image", "audio"), ("audio", "image")):
        done = gemmac("compile", *arguments, "--without", without, "--stop-after", "import", "-q")
        assert done.returncode == 0 and f"@encode_{left}" in done.stdout and f"@encode_{without}" not in done.stdout
    done = gemmac("compile", *arguments, "--without", "image,audio", "--stop-after", "import", "-q")
    assert done.returncode == 0 and "@encode" not in done.stdout, done.stderr


# -------------------------------------------------------------------------------- use
def test_inspect_and_notes(tmp_path):
    """A file in another folder; towers that are left out; what is said without the file."""
    (file, *_), _, _ = write_pair(tmp_path, CHECKPOINTS / "tiny-e")
    (tmp_path / "towers").mkdir()
    shutil.move(tmp_path / "mmproj.gguf", tmp_path / "towers" / "mmproj.gguf")
    projector = ["--mmproj", tmp_path / "towers" / "mmproj.gguf"]
    done = gemmac("inspect", file, *projector)
    assert done.returncode == 0, done.stderr
    for part in ("Gemma4ForConditionalGeneration", "vision tower: 2 layers, 64 wide, 2 heads of 32", ", clipped"):
        assert part in done.stdout, done.stdout
    assert "audio tower: 2 layers, 64 wide, 2 heads of 32" in done.stdout and "--mmproj" not in done.stdout
    assert done.stdout.count("as F32; beside quantized text q12 unless stored in less, about ") == 2, done.stdout
    assert "note: pictures and sounds" in gemmac("inspect", file).stdout
    compile_pair([file, *projector], tmp_path / "program", "--weights", "q4", "--context", 64, "--image-tokens", 70)
    done = gemmac("compile", file, *projector, "--without", "image", "--stop-after", "import", "-q")
    assert done.returncode == 0 and "@encode_audio" in done.stdout and "@encode_image" not in done.stdout


def test_epsilon_of_early_converters(tmp_path):
    """The field of the audio tower that converters once wrote wrong, and that llama.cpp reads over."""
    changes = {"clip.audio.attention.layer_norm_epsilon": (gguf.F32, 1e-5)}
    arguments, _, _ = write_pair(tmp_path, CHECKPOINTS / "tiny-e", changes=changes)
    done = gemmac("compile", *arguments, "--stop-after", "import", "-o", tmp_path / "m.mlir")
    assert done.returncode == 0 and "layer_norm_epsilon is 1e-05, but 1e-06 in all published" in done.stderr
