"""Bad GGUF files: one clear line, exit code 3, nothing left behind."""

import os
import random
import struct

import pytest

import gguf_file as gguf
import random_checkpoint
from gguf_file import BOOL, F32, I32, STRING, U32
from support import gemmac
from test_bad_inputs import USAGE, refuse
from test_gguf import CHOICES, text_weights_of

CONFIG, OPTIONS = random_checkpoint.CASES["per-layer-embeddings"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Metadata and tensors of a small model with per-layer embeddings and shared keys."""
    folder = tmp_path_factory.mktemp("sound") / "model"
    random_checkpoint.write(folder, CONFIG, **OPTIONS)
    whole = {"text_config": CONFIG}
    tensors = gguf.checkpoint_tensors(text_weights_of(folder), CHOICES["f32"])
    tensors["rope_freqs.weight"] = gguf.rope_factors(whole)
    return gguf.model_metadata(whole) | gguf.tokenizer_metadata(folder), tensors


def write(folder, metadata, tensors):
    path = folder / "model.gguf"
    gguf.write_gguf(path, metadata, tensors)
    return path


def changed(sound, metadata=(), tensors=()):
    """Copies with entries replaced; None removes one."""
    new = [dict(sound[0]) | dict(metadata), dict(sound[1]) | dict(tensors)]
    return [{key: value for key, value in one.items() if value is not None} for one in new]


# -------------------------------------------------------------------------------- files
@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGML" + bytes(60), b"GGUF\2\0\0\0" + bytes(16), b"\0" * 4096])
def test_no_such_file_format(content, tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    refuse(path, words=["model.gguf"])


def test_missing_file(tmp_path):
    refuse(tmp_path / "nowhere.gguf", words=["nowhere.gguf"])


def test_not_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    refuse(tmp_path / "pipe.gguf", words=["pipe.gguf", "regular"])


@pytest.mark.parametrize("kept", [0.001, 0.1, 0.3, 0.9, 0.999])
def test_truncated(sound, kept, tmp_path):
    path = write(tmp_path, *sound)
    os.truncate(path, int(path.stat().st_size * kept))
    refuse(path, words=["model.gguf", "cut short"])


def test_header_without_data(sound, tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf.pack_header(*sound))
    refuse(path, words=["cut short"])


def test_bytes_changed_at_random(sound, tmp_path):
    """A damaged header is refused or harmless, and never a crash."""
    header = gguf.pack_header(*sound)
    body = b"".join(raw + b"\0" * (-len(raw) % 32) for _, _, raw in sound[1].values())
    rng = random.Random(5)
    for _ in range(60):
        damaged = bytearray(header)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        path = tmp_path / "model.gguf"
        path.write_bytes(damaged + body)
        done = gemmac("compile", path, "--stop-after", "import", "-q", "-o", tmp_path / "out.mlir")
        assert done.returncode in (0, 3), done.stderr
        assert done.returncode == 0 or done.stderr.count("\n") == 1, done.stderr


def test_output_is_the_input(sound, tmp_path):
    path = write(tmp_path, *sound)
    refuse(path, USAGE, words=["is a file of the checkpoint"], out=path)
    assert path.stat().st_size > 0


# -------------------------------------------------------------------------------- tensors
def tensor(*shape, kind="F32"):
    number, values, size = gguf.TYPES[kind]
    count = 1
    for one in shape:
        count *= one
    return kind, list(shape), bytes(count // values * size)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("blk.0.attn_q.weight", None, ["'blk.0.attn_q.weight'", "missing"]),
        ("output_norm.weight", None, ["'output_norm.weight'", "missing"]),
        ("blk.0.attn_q.weight", tensor(128, 55), ["'blk.0.attn_q.weight'", "[128, 55]", "[128, 56]"]),
        ("blk.0.attn_q.weight", tensor(56, 128), ["[56, 128]", "[128, 56]"]),
        ("blk.0.attn_norm.weight", tensor(56, 1), ["'blk.0.attn_norm.weight'", "[56, 1]"]),
        ("token_embd.weight", None, ["token_embd.weight"]),
        ("per_layer_token_embd.weight", tensor(100, 168), ["per_layer_token_embd.weight", "100 rows"]),
        ("blk.7.attn_q.weight", tensor(128, 56), ["'blk.7.attn_q.weight'", "not part of the model"]),
        ("blk.00.attn_q.weight", tensor(128, 56), ["'blk.00.attn_q.weight'", "not part of the model"]),
        ("x.patch_embd.weight", tensor(4, 4), ["'x.patch_embd.weight'", "not part of the model"]),
        ("rope_freqs.weight", ("F32", [32], struct.pack("<32f", *[2.0] * 32)), ["rope_freqs.weight", "32 factors"]),
        ("rope_freqs.weight", tensor(3), ["rope_freqs.weight"]),
        ("rope_freqs.weight", tensor(32, kind="F16"), ["rope_freqs.weight", "F16"]),
    ],
)
def test_tensors(sound, name, value, words, tmp_path):
    refuse(write(tmp_path, *changed(sound, tensors={name: value})), words=words)


def test_infinite_values(tmp_path):
    """The tensor, and the index of the block whose scale is infinite."""
    config = random_checkpoint.text(hidden_size=64, layer_types=["full_attention"])
    folder = tmp_path / "model"
    random_checkpoint.write(folder, config, dtype="F32")
    small = gguf.checkpoint_tensors(text_weights_of(folder), CHOICES["q8_0"])
    kind, shape, raw = small["blk.0.ffn_up.weight"]
    damaged = bytearray(raw)
    damaged[34 * 3 : 34 * 3 + 2] = b"\x00\x7c"  # the scale of values 96 to 127
    small["blk.0.ffn_up.weight"] = (kind, shape, bytes(damaged))
    small["rope_freqs.weight"] = gguf.rope_factors(config)
    path = write(tmp_path, gguf.model_metadata(config) | gguf.tokenizer_metadata(folder), small)
    refuse(path, words=["layers.0.mlp.up_proj.weight", "index 96", "infinite"])


# -------------------------------------------------------------------------------- metadata
MODEL = [
    ("general.architecture", (STRING, "llama"), ["'llama'", "gemma4"]),
    ("general.architecture", None, ["general.architecture"]),
    ("general.type", (STRING, "adapter"), ["general.type"]),
    ("split.count", (U32, 4), ["split.count"]),
    ("gemma4.block_count", (U32, 0), ["gemma4.block_count"]),
    ("gemma4.block_count", (U32, 1 << 31), ["gemma4.block_count"]),
    ("gemma4.block_count", (STRING, "7"), ["gemma4.block_count", "'7'"]),
    ("gemma4.embedding_length", None, ["gemma4.embedding_length", "missing"]),
    ("gemma4.feed_forward_length", ([I32], [50] * 6), ["gemma4.feed_forward_length", "7 numbers"]),
    ("gemma4.feed_forward_length", ([I32], [50] * 6 + [-1]), ["gemma4.feed_forward_length", "-1"]),
    ("gemma4.attention.head_count", (U32, 0), ["gemma4.attention.head_count"]),
    ("gemma4.attention.head_count_kv", (U32, 3), ["key-value heads"]),
    ("gemma4.attention.key_length", (U32, 63), ["gemma4.attention.value_length", "63"]),
    ("gemma4.attention.sliding_window", None, ["gemma4.attention.sliding_window"]),
    ("gemma4.attention.sliding_window_pattern", ([BOOL], [True] * 7), ["last layer"]),
    ("gemma4.attention.sliding_window_pattern", ([BOOL], [True]), ["7 truth values"]),
    ("gemma4.attention.shared_kv_layers", (U32, 7), ["gemma4.attention.shared_kv_layers"]),
    ("gemma4.attention.shared_kv_layers", (U32, 6), ["no layer before 1"]),
    ("gemma4.attention.layer_norm_rms_epsilon", (F32, -1.0), ["layer_norm_rms_epsilon"]),
    ("gemma4.attention.layer_norm_rms_epsilon", (F32, float("nan")), ["layer_norm_rms_epsilon"]),
    ("gemma4.rope.freq_base", None, ["gemma4.rope.freq_base"]),
    ("gemma4.rope.dimension_count", (U32, 16), ["gemma4.rope.dimension_count"]),
    ("gemma4.rope.scaling.type", (STRING, "yarn"), ["gemma4.rope.scaling.type", "yarn"]),
    ("gemma4.attn_logit_softcapping", (F32, 50.0), ["gemma4.attn_logit_softcapping", "50"]),
]
TOKENIZER = [
    ("model", (STRING, "bert"), ["tokenizer.ggml.model", "'bert'"]),
    ("model", None, ["tokenizer.ggml.model"]),
    ("tokens", None, ["tokenizer.ggml.tokens"]),
    ("tokens", ([STRING], ["a"] * 334), ["tokenizer.ggml.token_type", "334"]),
    ("tokens", ([STRING], [b"\xff"] * 333), ["tokenizer.ggml.tokens", "UTF-8"]),
    ("tokens", ([I32], [1] * 333), ["tokenizer.ggml.tokens"]),
    ("token_type", ([I32], [1] * 332), ["tokenizer.ggml.token_type"]),
    ("token_type", ([I32], [7] * 333), ["tokenizer.ggml.token_type", "7"]),
    ("merges", None, ["tokenizer.ggml.merges"]),
    ("merges", ([STRING], ["x"]), ["merge 0"]),
    ("merges", ([STRING], ["nowhere at"]), ["merge 0", "nowhere"]),
    ("bos_token_id", (STRING, "2"), ["tokenizer.ggml.bos_token_id"]),
    ("eos_token_id", (F32, 1.5), ["tokenizer.ggml.eos_token_id"]),
    ("add_space_prefix", (BOOL, True), ["tokenizer.ggml.add_space_prefix"]),
    ("add_eos_token", (U32, 1), ["tokenizer.ggml.add_eos_token"]),
    ("new_setting", (U32, 1), ["tokenizer.ggml.new_setting", "unknown"]),
]


@pytest.mark.parametrize("key, value, words", MODEL + [("tokenizer.ggml." + key, *rest) for key, *rest in TOKENIZER])
def test_metadata(sound, key, value, words, tmp_path):
    refuse(write(tmp_path, *changed(sound, {key: value})), words=words)


def test_folder_of_a_file(sound, tmp_path):
    """A directory with a GGUF file in it: the message says what to name."""
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder, *sound)
    refuse(folder, words=["GGUF"])


def test_unreadable(sound, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path = write(tmp_path, *sound)
    path.chmod(0)
    refuse(path, words=["model.gguf"])


def test_sound_file_is_accepted(sound, tmp_path):
    done = gemmac("compile", write(tmp_path, *sound), "--stop-after", "plan", "-q", "-o", tmp_path / "out.mlir")
    assert done.returncode == 0, done.stderr
