"""Bad files of towers, and good ones of other models: one clear line, nothing left behind."""

import json
import os
import random

import numpy as np
import pytest

import gguf_file as gguf
import mmproj_file as mmproj
from gguf_file import BOOL, F32, STRING, U32
from support import CHECKPOINTS, gemmac
from test_bad_gguf import changed, tensor
from test_bad_inputs import USAGE, refuse
from test_gguf import CHOICES, write_gguf
from test_mmproj import stored, unified_model, write_pair


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A text model's file, and metadata and tensors of its towers."""
    folder = CHECKPOINTS / "tiny-e"
    model = tmp_path_factory.mktemp("sound") / "model.gguf"
    write_gguf(model, folder, CHOICES["q8_0"])
    config = json.loads((folder / "config.json").read_text())
    return model, mmproj.tower_metadata(config), mmproj.tower_tensors(stored(folder))


def write(folder, metadata, tensors):
    path = folder / "towers.gguf"
    gguf.write_gguf(path, metadata, tensors)
    return path


def refuse_towers(model, path, words, code=3, extra=()):
    copy = path.parent / "model.gguf"  # refuse() writes beside the model
    if not copy.exists():
        copy.symlink_to(model)
    refuse(copy, code, words=words, extra=["--mmproj", path, *extra])


# -------------------------------------------------------------------------------- files
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_truncated(sound, kept, tmp_path):
    path = write(tmp_path, *sound[1:])
    os.truncate(path, int(path.stat().st_size * kept))
    refuse_towers(sound[0], path, ["towers.gguf"])


def test_missing_file(sound, tmp_path):
    refuse_towers(sound[0], tmp_path / "nowhere.gguf", ["nowhere.gguf"])


def test_text_model_as_towers(sound, tmp_path):
    write(tmp_path, *sound[1:])
    other = tmp_path / "other.gguf"
    other.symlink_to(sound[0])
    refuse_towers(sound[0], other, ["other.gguf", "'gemma4'", "--mmproj wants the file of a model's towers"])


def test_towers_as_text_model(sound, tmp_path):
    refuse(write(tmp_path, *sound[1:]), words=["'clip'", "--mmproj"])


def test_directory_with_towers_of_a_file(sound, tmp_path):
    path = write(tmp_path, *sound[1:])
    done = gemmac("compile", CHECKPOINTS / "tiny-e", "--mmproj", path, "-o", tmp_path / "program")
    assert done.returncode == USAGE and "--mmproj: error: goes with a GGUF model" in done.stderr


def test_towers_of_another_model(sound, tmp_path):
    model = tmp_path / "moe.gguf"
    write_gguf(model, CHECKPOINTS / "tiny-dense", CHOICES["q8_0"])
    metadata, tensors = changed(sound[1:], {"clip.vision.projection_dim": (U32, 160)})
    refuse_towers(model, write(tmp_path, metadata, tensors), ["projection_dim", "the width of the text model"])


def test_output_is_the_file_of_towers(sound, tmp_path):
    path = write(tmp_path, *sound[1:])
    done = gemmac("compile", sound[0], "--mmproj", path, "-o", path)
    assert done.returncode == USAGE and "is a file of the checkpoint" in done.stderr


def test_bytes_changed_at_random(sound, tmp_path):
    """A damaged header is refused or harmless, and never a crash."""
    header = gguf.pack_header(*sound[1:])
    body = b"".join(raw + b"\0" * (-len(raw) % 32) for _, _, raw in sound[2].values())
    rng = random.Random(7)
    for _ in range(40):
        damaged = bytearray(header)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        path = tmp_path / "towers.gguf"
        path.write_bytes(damaged + body)
        out = tmp_path / "out.mlir"
        done = gemmac("compile", sound[0], "--mmproj", path, "--stop-after", "import", "-q", "-o", out)
        assert done.returncode in (0, 3), done.stderr
        assert done.returncode == 0 or done.stderr.count("\n") == 1, done.stderr


# -------------------------------------------------------------------------------- tensors
def scalar(value):
    return "F32", [1], np.array([value], "<f4").tobytes()


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("v.blk.1.attn_q.weight", None, ["'v.blk.1.attn_q.weight'", "[64, 64]", "missing"]),
        ("v.blk.0.attn_k.weight", None, ["'v.blk.0.attn_k.weight'", "missing"]),
        ("v.position_embd.weight", None, ["'v.position_embd.weight'", "missing"]),
        ("a.blk.1.per_dim_scale.weight", None, ["'a.blk.1.per_dim_scale.weight'", "missing"]),
        ("a.conv1d.1.weight", None, ["'a.conv1d.1.weight'", "missing"]),
        ("mm.a.input_projection.weight", None, ["'mm.a.input_projection.weight'", "missing"]),
        ("v.blk.0.ffn_up.weight", tensor(128, 65), ["'v.blk.0.ffn_up.weight'", "[128, 65]", "[128, 64]"]),
        ("v.patch_embd.weight", tensor(64, 768), ["'v.patch_embd.weight'", "[64, 768]", "[64, 3, 16, 16]"]),
        ("v.patch_embd.weight", tensor(64, 16, 16, 3), ["[64, 16, 16, 3]", "[64, 3, 16, 16]"]),
        ("v.position_embd.weight", tensor(1024, 2, 64), ["'v.position_embd.weight'", "[1024, 2, 64]"]),
        ("v.blk.0.attn_q_norm.weight", tensor(30), ["'v.blk.0.attn_q_norm.weight'", "30", "multiple of 4"]),
        ("v.blk.0.attn_k.weight", tensor(65, 64), ["'v.blk.0.attn_k.weight'", "65 rows"]),
        ("v.blk.0.attn_q.input_min", tensor(2), ["'v.blk.0.attn_q.input_min'", "[2]"]),
        ("v.blk.0.attn_q.input_min", scalar(100.0), ["'v.blk.0.attn_q.input_min'", "leave out 0"]),
        ("v.blk.0.attn_q.input_min", scalar(-9.0), ["'v.blk.0.attn_", "reads the same rows"]),
        ("v.blk.0.attn_q.input_min", tensor(32, kind="Q8_0"), ["'v.blk.0.attn_q.input_min'"]),
        ("v.std_scale", tensor(64), ["'v.std_bias'", "missing"]),
        ("v.blk.2.ln1.weight", tensor(64), ["'v.blk.2.ln1.weight'", "not part of"]),
        ("v.blk.00.ln1.weight", tensor(64), ["'v.blk.00.ln1.weight'", "not part of the towers"]),
        ("v.class_embd", tensor(64), ["'v.class_embd'", "not part of the towers"]),
        ("a.blk.0.conv_dw.weight", tensor(64, 1, 5), ["'a.blk.0.conv_dw.weight'", "[64, 1, 5]"]),
        ("a.blk.1.conv_dw.weight", tensor(64, 4), ["'a.blk.1.conv_dw.weight'", "[64, 1, 4]", "[64, 1, 5]"]),
        ("a.conv1d.0.weight", tensor(64, 1, 3, 3), ["'a.conv1d.0.weight'", "64 channels", "128"]),
    ],
)
def test_tensors(sound, name, value, words, tmp_path):
    refuse_towers(sound[0], write(tmp_path, *changed(sound[1:], tensors={name: value})), words)


# -------------------------------------------------------------------------------- metadata
@pytest.mark.parametrize(
    "key, value, words",
    [
        ("general.architecture", (STRING, "llama"), ["general.architecture", "'llama'", "'clip'"]),
        ("general.type", (STRING, "adapter"), ["general.type", "'adapter'"]),
        ("clip.vision.projector_type", (STRING, "gemma3"), ["clip.vision.projector_type", "'gemma3'", "'gemma4v'"]),
        ("clip.vision.projector_type", (STRING, "gemma4uv"), ["clip.audio.projector_type", "'gemma4a'", "'gemma4ua'"]),
        ("clip.vision.projector_type", None, ["projector_type", "missing"]),
        ("clip.audio.projector_type", (STRING, "ultravox"), ["clip.audio.projector_type", "'ultravox'", "'gemma4a'"]),
        ("clip.vision.projection_dim", (U32, 2560), ["clip.vision.projection_dim", "2560", "128"]),
        ("clip.audio.projection_dim", None, ["clip.audio.projection_dim", "missing"]),
        ("clip.vision.block_count", (U32, 3), ["'v.blk.2.", "missing"]),
        ("clip.vision.block_count", (U32, 0), ["clip.vision.block_count"]),
        ("clip.vision.block_count", (U32, 1), ["'v.blk.1.", "not part of"]),
        ("clip.vision.attention.head_count", (U32, 3), ["'v.blk.0.attn_k.weight'", "divides 3"]),
        ("clip.vision.attention.head_count", (U32, 4), ["'v.blk.0.attn_out.weight'", "[64, 128]"]),
        ("clip.vision.attention.head_count_kv", (U32, 1), ["head_count_kv", "which the tensors say"]),
        ("clip.vision.patch_size", (U32, 14), ["'v.patch_embd.weight'", "[64, 3, 14, 14]"]),
        ("clip.vision.patch_size", (STRING, "16"), ["clip.vision.patch_size", "'16'"]),
        ("clip.vision.projector.scale_factor", (U32, 0), ["clip.vision.projector.scale_factor"]),
        ("clip.vision.attention.layer_norm_epsilon", (F32, -1.0), ["clip.vision.attention.layer_norm_epsilon"]),
        ("clip.vision.image_mean", ([F32], [0.5] * 3), ["clip.vision.image_mean", "three times 0"]),
        ("clip.vision.image_std", ([F32], [1.0] * 2), ["clip.vision.image_std", "three times 1"]),
        ("clip.vision.window_size", (U32, 7), ["clip.vision.window_size", "unknown"]),
        ("clip.audio.num_mel_bins", (U32, 80), ["clip.audio.num_mel_bins", "80", "128"]),
        ("clip.audio.feed_forward_length", (U32, 128), ["clip.audio.feed_forward_length", "256"]),
        ("clip.audio.attention.head_count", (U32, 3), ["clip.audio.embedding_length", "twice"]),
        ("clip.has_vision_encoder", (U32, 1), ["clip.has_vision_encoder"]),
    ],
)
def test_metadata(sound, key, value, words, tmp_path):
    refuse_towers(sound[0], write(tmp_path, *changed(sound[1:], {key: value})), words)


# -------------------------------------------------------------------------------- models without encoders
@pytest.fixture(scope="module")
def unified(tmp_path_factory):
    """The same of a model without encoders, 64 wide, with 80 places."""
    work = tmp_path_factory.mktemp("unified")
    folder = unified_model(work / "model", "plain")
    (model, *_), _, _ = write_pair(work, folder)
    config = json.loads((folder / "config.json").read_text())
    return model, mmproj.tower_metadata(config), mmproj.tower_tensors(stored(folder))


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("v.patch_embd.weight", None, ["'v.patch_embd.weight'", "[64, 6912]", "missing"]),
        ("v.patch_embd.bias", None, ["'v.patch_embd.bias'", "[64]", "missing"]),
        ("v.patch_norm.3.bias", None, ["'v.patch_norm.3.bias'", "[64]", "missing"]),
        ("v.position_embd.weight", None, ["'v.position_embd.weight'", "missing"]),
        ("mm.input_projection.weight", None, ["'mm.input_projection.weight'", "missing"]),
        ("mm.a.input_projection.weight", None, ["'mm.a.input_projection.weight'", "missing"]),
        ("v.patch_embd.weight", tensor(64, 3, 48, 48), ["'v.patch_embd.weight'", "[64, 3, 48, 48]", "[64, 6912]"]),
        ("v.patch_norm.1.weight", tensor(6911), ["'v.patch_norm.1.weight'", "[6911]", "[6912]"]),
        ("v.position_embd.weight", tensor(80, 2, 64), ["'v.position_embd.weight'", "[80, 2, 64]", "[2, 2, 64]"]),
        ("v.position_embd.weight", tensor(2, 80, 63), ["'v.position_embd.weight'", "[2, 80, 63]", "[2, 80, 64]"]),
        ("v.position_embd.weight", tensor(160, 64), ["'v.position_embd.weight'", "[160, 64]", "3 dimensions"]),
        ("v.patch_norm.4.weight", tensor(64), ["'v.patch_norm.4.weight'", "not part of the towers"]),
        ("v.blk.0.ln1.weight", tensor(64), ["'v.blk.0.ln1.weight'", "not part of the towers"]),
        ("a.conv1d.0.weight", tensor(128, 1, 3, 3), ["'a.conv1d.0.weight'", "not part of the towers"]),
    ],
)
def test_tensors_without_encoders(unified, name, value, words, tmp_path):
    refuse_towers(unified[0], write(tmp_path, *changed(unified[1:], tensors={name: value})), words)


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("clip.vision.projector_type", (STRING, "gemma4v"), ["clip.vision.projector_type", "'gemma4v'", "'gemma4uv'"]),
        ("clip.audio.projector_type", (STRING, "gemma3na"), ["clip.audio.projector_type", "'gemma3na'", "'gemma4ua'"]),
        ("clip.vision.projection_dim", (U32, 2560), ["clip.vision.projection_dim", "2560"]),
        ("clip.vision.embedding_length", (U32, 60), ["'v.position_embd.weight'", "[2, 80, 60]"]),
        ("clip.vision.embedding_length", None, ["clip.vision.embedding_length", "missing"]),
        ("clip.vision.block_count", (U32, 2), ["clip.vision.block_count", "2", "no layers"]),
        ("clip.vision.patch_size", (U32, 14), ["'v.patch_embd.weight'", "[64, 6912]", "[64, 5292]"]),
        ("clip.vision.projector.scale_factor", (U32, 2), ["'v.patch_embd.weight'", "[64, 3072]"]),
        ("clip.vision.image_mean", ([F32], [0.5] * 3), ["clip.vision.image_mean", "three times 0"]),
        ("clip.vision.window_size", (U32, 7), ["clip.vision.window_size", "unknown"]),
        ("clip.audio.embedding_length", (U32, 320), ["clip.audio.embedding_length", "320", "640"]),
        ("clip.audio.attention.head_count", (U32, 8), ["clip.audio.attention.head_count", "no layers"]),
        ("clip.audio.chunk_size", (U32, 7), ["clip.audio.chunk_size", "unknown"]),
    ],
)
def test_metadata_without_encoders(unified, key, value, words, tmp_path):
    refuse_towers(unified[0], write(tmp_path, *changed(unified[1:], {key: value})), words)


# -------------------------------------------------------------------------------- both
def test_no_tower(sound, tmp_path):
    none = {"clip.has_vision_encoder": (BOOL, False), "clip.has_audio_encoder": (BOOL, False)}
    refuse_towers(sound[0], write(tmp_path, *changed(sound[1:], none)), ["has_vision_encoder", "no tower"])


def test_vocabulary_without_the_tokens(sound, tmp_path):
    folder, model = CHECKPOINTS / "tiny-e", tmp_path / "mute.gguf"
    tokens = gguf.tokenizer_metadata(folder)["tokenizer.ggml.tokens"][1]
    renamed = ["<other>" if token == "<|audio|>" else token for token in tokens]
    write_gguf(model, folder, CHOICES["q8_0"], {"tokenizer.ggml.tokens": ([STRING], renamed)})
    refuse_towers(model, write(tmp_path, *sound[1:]), ["'<|audio|>'", "towers"])


def test_sound_file_is_accepted(sound, tmp_path):
    words = ["--stop-after", "import", "-q", "-o", tmp_path / "out.mlir"]
    done = gemmac("compile", sound[0], "--mmproj", write(tmp_path, *sound[1:]), *words)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out.mlir").read_text()
    assert "planes 3" in text and "softplus" not in text
