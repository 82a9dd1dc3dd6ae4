"""Bad inputs: one clear line, the exit code of compiler/base/ExitCodes.h, nothing left behind."""

import json
import os
import re
import shutil
import struct
import subprocess

import pytest

import random_checkpoint
from gemma_checkpoint import pack_header, read_header, write_safetensors
from support import CHECKPOINTS, compile_program, gemmac, run, write_ids

USAGE, BAD_INPUT, INPUT_OUTPUT = 2, 3, 4
DAMAGED_PROGRAM = 3


@pytest.fixture
def good(tmp_path):
    """A fresh, sound checkpoint to damage: a copy of tiny-e."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(CHECKPOINTS / "tiny-e", folder)
    return folder


@pytest.fixture
def sharded(tmp_path):
    folder = tmp_path / "sharded"
    text, options = random_checkpoint.CASES["sharded-text-only"]
    random_checkpoint.write(folder, text, **options)
    return folder


def refuse(folder, code=BAD_INPUT, words=(), out=None, extra=()):
    """gemmac must refuse: exit code, one line that names the file at fault and holds `words`, no file left."""
    out_folder = folder.parent / "out"
    out_folder.mkdir(exist_ok=True)
    done = gemmac("compile", folder, "-o", out or out_folder / "program", "-q", *extra, timeout=60)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}; stderr: {done.stderr}"
    check_line(done.stderr, words)
    assert done.stdout == ""
    assert list(out_folder.iterdir()) == [], "something was left behind"


def check_line(stderr, words):
    lines = stderr.removesuffix("\n").split("\n")
    assert len(lines) == 1, f"expected one line, got: {stderr}"
    assert re.match(r"^[^\s:][^:]*: error: \S", lines[0]), f"not 'FILE: error: ...': {lines[0]}"
    assert len(lines[0]) < 600 and not re.search(r"[\x00-\x1f\x7f-\x9f]", lines[0]), repr(lines[0])
    for word in words:
        assert word.lower() in lines[0].lower(), f"{word!r} is not in: {lines[0]}"


# -------------------------------------------------------------------------------- files
def test_missing_folder(tmp_path):
    refuse(tmp_path / "nowhere", words=["nowhere"])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_file(good, name):
    (good / name).unlink()
    refuse(good, words=[name])


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "generation_config.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"a": ' * 5000, b"null"],
    ids=["empty", "cut", "array", "no-utf8", "deep", "null"],
)
def test_broken_json(good, name, content):
    (good / name).write_bytes(content)
    refuse(good, words=[name])


def test_missing_shard(sharded):
    shard = sorted(sharded.glob("model-*.safetensors"))[1]
    shard.unlink()
    refuse(sharded, words=[shard.name])


def test_truncated_shard(sharded):
    shard = sorted(sharded.glob("model-*.safetensors"))[0]
    os.truncate(shard, shard.stat().st_size - 1)
    refuse(sharded, words=[shard.name])


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, 4_000_000])
def test_truncated_file(good, keep):
    os.truncate(good / "model.safetensors", keep)
    refuse(good, words=["model.safetensors"])


def test_index_names_wrong_shard(sharded):
    index = json.loads((sharded / "model.safetensors.index.json").read_text())
    files = sorted(set(index["weight_map"].values()))
    index["weight_map"] = {name: files[0] for name in index["weight_map"]}
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index))
    refuse(sharded, words=[".safetensors"])


@pytest.mark.parametrize("place", ["../escape.safetensors", "/etc/hostname", "a/../../escape.safetensors"])
def test_index_leaves_folder(sharded, place):
    index = json.loads((sharded / "model.safetensors.index.json").read_text())
    index["weight_map"][next(iter(index["weight_map"]))] = place
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index))
    refuse(sharded, words=["model.safetensors.index.json"])


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_outputs_are_the_input(good, name, tmp_path):
    before = (good / name).read_bytes()
    refuse(good, USAGE, words=["is a file of the checkpoint", "-o"], out=good / name)
    refuse(good, USAGE, words=["is a file of the checkpoint"], extra=["--json-report", good / name])
    assert (good / name).read_bytes() == before


def test_checkpoint_is_a_file(tmp_path):
    file = tmp_path / "checkpoint"
    file.write_text("x")
    refuse(file, words=["checkpoint"])


# -------------------------------------------------------------------------------- header
Q_PROJ = "model.language_model.layers.0.self_attn.q_proj.weight"
K_PROJ = "model.language_model.layers.0.self_attn.k_proj.weight"


def rewrite(folder, change):
    """Replaces the header of model.safetensors by what `change` makes of it."""
    path = folder / "model.safetensors"
    header, base = read_header(path)
    data = path.read_bytes()[base:]
    changed = change(header)
    path.write_bytes(pack_header(header if changed is None else changed) + data)


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**40, 2**62, 2**63, 2**64 - 1, 2**64 - 8], ids=str)
def test_header_length_lies(good, length):
    path = good / "model.safetensors"
    with open(path, "r+b") as file:
        file.write(struct.pack("<Q", length))
    refuse(good, words=["model.safetensors"])


@pytest.mark.parametrize(
    "offsets",
    [[-1, 100], [0, 2**63], [100, 0], [0, 3], [2**64, 2**64 + 32768], ["0", "1"], [0], [0.5, 32768.5], None],
    ids=str,
)
def test_offsets_lie(good, offsets):
    rewrite(good, lambda header: header[Q_PROJ].update(data_offsets=offsets))
    refuse(good, words=[Q_PROJ.split(".", 2)[2]])


def test_overlapping_tensors(good):
    """The last tensor begins inside the one before it, and the file ends with it: no hole gives the lie away."""

    def change(header):
        last = max(header.values(), key=lambda entry: entry["data_offsets"][1])
        last["data_offsets"] = [place - 2 for place in last["data_offsets"]]

    rewrite(good, change)
    os.truncate(good / "model.safetensors", (good / "model.safetensors").stat().st_size - 2)
    refuse(good, words=["overlap"])


def test_hole_between_tensors(good):
    """Bytes that belong to no tensor."""
    rewrite(good, lambda header: {name: entry for name, entry in header.items() if name != Q_PROJ})
    refuse(good, words=["model.safetensors"])


@pytest.mark.parametrize(
    "shape",
    [[128, 129], [64, 256], [16384], [128, 128, 1], [-128, -128], [2**40, 2**40], [0, 128], "128", [128.0, 128], None],
    ids=str,
)
def test_wrong_shape(good, shape):
    rewrite(good, lambda header: header[Q_PROJ].update(shape=shape))
    refuse(good, words=["q_proj"])


@pytest.mark.parametrize("dtype", ["I16", "U16", "F8_E4M3", "BF17", "", 7, None], ids=str)
def test_wrong_dtype(good, dtype):
    rewrite(good, lambda header: header[Q_PROJ].update(dtype=dtype))
    refuse(good, words=["q_proj"])


def repack(folder, edit):
    """Writes model.safetensors anew after `edit` of {name: (dtype, shape, bytes)}: a sound file of other tensors."""
    path = folder / "model.safetensors"
    header, base = read_header(path)
    raw = path.read_bytes()
    tensors = {
        name: (entry["dtype"], entry["shape"], raw[slice(*(base + place for place in entry["data_offsets"]))])
        for name, entry in header.items()
    }
    edit(tensors)
    write_safetensors(path, {name: entry[:2] for name, entry in tensors.items()}, lambda name: [tensors[name][2]])


@pytest.mark.parametrize(
    "name", [Q_PROJ, "model.language_model.norm.weight", "model.language_model.embed_tokens.weight"]
)
def test_missing_tensor(good, name):
    repack(good, lambda tensors: tensors.pop(name))
    refuse(good, words=[name.split(".", 2)[2]])


@pytest.mark.parametrize(
    "name", [Q_PROJ.replace("q_proj", "sink"), "lm_head.bias", "model.language_model.layers.8.mlp.up_proj.weight", "x"]
)
def test_extra_tensor(good, name):
    repack(good, lambda tensors: tensors.update({name: ("BF16", [2], b"\0\0\0\0")}))
    refuse(good, words=[name])


@pytest.mark.parametrize(
    "name",
    ["a\nb", "\x1b[2Jcleared", "\r\x00", "\u2028" * 40, "x" * 100_000],
    ids=["line", "escape", "zero", "separator", "long"],
)
def test_name_that_would_spoil_the_terminal(good, name):
    """Names come from strangers: what is printed of them stays one line of printable characters."""
    repack(good, lambda tensors: tensors.update({name: ("BF16", [2], b"\0\0\0\0")}))
    refuse(good)


@pytest.mark.parametrize("dtype, bytes_each", [("F32", 4), ("F16", 2)])
def test_other_float_dtypes_are_fine(good, dtype, bytes_each):
    """Not a bad input: one matrix in another float format is read as it is."""
    repack(good, lambda tensors: tensors.update({Q_PROJ: (dtype, [128, 128], bytes(128 * 128 * bytes_each))}))
    assert gemmac("compile", good, "--stop-after", "import", "-q").returncode == 0


def test_renamed_tensor(good):
    """A tensor under a name that the model does not have (its right name is then missing; either may be named)."""
    rewrite(good, lambda header: header.update({Q_PROJ.replace("q_proj", "r_proj"): header.pop(Q_PROJ)}))
    refuse(good, words=["_proj"])


@pytest.mark.parametrize(
    "text",
    [b"[]", b"{}", b'{"a": 1}', b'{"a": {}}', b"{" * 100, b"\x00" * 64],
    ids=["array", "empty", "number", "bare", "cut", "zeros"],
)
def test_header_is_not_a_header(good, text):
    text += b" " * (-len(text) % 8)
    (good / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    refuse(good, words=["model.safetensors"])


# -------------------------------------------------------------------------------- configuration
def edit(folder, change, name="config.json"):
    config = json.loads((folder / name).read_text())
    change(config)
    (folder / name).write_text(json.dumps(config))


@pytest.mark.parametrize(
    "field, value",
    [
        ("hidden_size", 130),
        ("hidden_size", 0),
        ("hidden_size", -128),
        ("hidden_size", 2**40),
        ("hidden_size", "128"),
        ("hidden_size", None),
        ("num_attention_heads", 5),
        ("num_attention_heads", 0),
        ("num_key_value_heads", 3),
        ("num_key_value_heads", 2),
        ("num_hidden_layers", 9),
        ("num_hidden_layers", 7),
        ("num_hidden_layers", 10**9),
        ("head_dim", 31),
        ("head_dim", 64),
        ("global_head_dim", 32),
        ("vocab_size", 1281),
        ("vocab_size_per_layer_input", 100),
        ("intermediate_size", 256),
        ("hidden_size_per_layer_input", 64),
        ("num_kv_shared_layers", 8),
        ("num_kv_shared_layers", 2),
        ("num_kv_shared_layers", -1),
        ("use_double_wide_mlp", False),
        ("layer_types", ["sliding_attention"] * 7),
        ("layer_types", ["linear_attention"] * 8),
        ("hidden_activation", "relu"),
        ("attention_bias", True),
        ("rms_norm_eps", -1.0),
        ("sliding_window", 0),
        ("sliding_window", -32),
        ("max_position_embeddings", 0),
        ("enable_moe_block", True),
        ("final_logit_softcapping", 0.0),
        ("final_logit_softcapping", "x"),
        ("use_bidirectional_attention", "all"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_config_contradicts(good, field, value):
    edit(good, lambda config: config["text_config"].update({field: value}))
    refuse(good)


@pytest.mark.parametrize(
    "field, value",
    [
        ("attn_logit_softcapping", 50.0),
        ("query_pre_attn_scalar", 256),
        ("quantization_config", {"bits": 4}),
        ("residual_multiplier", 2.0),
    ],
)
def test_unknown_field(good, field, value):
    """A field that gemmac does not know could change the arithmetic: it must be named."""
    edit(good, lambda config: config["text_config"].update({field: value}))
    refuse(good, words=[field])


@pytest.mark.parametrize("kind", ["yarn", "llama3", "dynamic", "", None, 3], ids=str)
def test_unknown_rope(good, kind):
    edit(good, lambda config: config["text_config"]["rope_parameters"]["full_attention"].update(rope_type=kind))
    refuse(good, words=["rope"])


@pytest.mark.parametrize(
    "names",
    [["LlamaForCausalLM"], ["Gemma3ForCausalLM"], ["Gemma4AssistantForCausalLM"], "Gemma4ForCausalLM", [7]],
    ids=str,
)
def test_other_architecture(good, names):
    edit(good, lambda config: config.update(architectures=names))
    known = isinstance(names, list) and names != [7]
    refuse(good, words=["Gemma4ForConditionalGeneration", names[0]] if known else ["architectures"])


@pytest.mark.parametrize("names", [[], None, ["Gemma4ForConditionalGeneration"]], ids=str)
def test_other_model_type(good, names):
    edit(good, lambda config: config.update(architectures=names, model_type="llama"))
    refuse(good, words=["llama"])


# -------------------------------------------------------------------------------- tokenizer
def edit_tokenizer(folder, change):
    edit(folder, change, "tokenizer.json")


@pytest.mark.parametrize(
    "merge", [["zzz", "qqq"], ["he"], ["h", "e", "r"], "he", "a b c", 7, None, [1, 2], ["h", "\u4e2d"]], ids=str
)
def test_broken_merges(good, merge):
    edit_tokenizer(good, lambda tokenizer: tokenizer["model"]["merges"].insert(5, merge))
    refuse(good, words=["tokenizer.json", "merge"])


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["model"].update(type="Unigram"),
        lambda t: t["model"].update(vocab={}),
        lambda t: t["model"].update(vocab=[]),
        lambda t: t["model"]["vocab"].update(the=-1),
        lambda t: t["model"]["vocab"].update(zzzz=2**31),
        lambda t: t["model"]["vocab"].update(zzzz="1"),
        lambda t: t["model"].pop("merges"),
        lambda t: t.pop("model"),
        lambda t: t["model"].update(dropout=0.1),
        lambda t: t["added_tokens"].append({"id": 5000, "content": "<turn|>", "special": True}),
        lambda t: t["added_tokens"].append({"id": 3}),
        lambda t: t.update(normalizer={"type": "Lowercase"}),
        lambda t: t.update(pre_tokenizer={"type": "ByteLevel"}),
        lambda t: t["model"].update(unk_token="<nothing>"),
        lambda t: t["model"].update(end_of_word_suffix="</w>"),
    ],
    ids=[
        "unigram",
        "no-words",
        "list",
        "negative-id",
        "huge-id",
        "text-id",
        "no-merges",
        "no-model",
        "dropout",
        "id-beyond-vocab",
        "no-content",
        "lowercase",
        "byte-level",
        "unknown-unk",
        "suffix",
    ],
)
def test_broken_tokenizer(good, change):
    edit_tokenizer(good, change)
    refuse(good, words=["tokenizer.json"])


# -------------------------------------------------------------------------------- output and options
def test_output_folder_missing(good, tmp_path):
    refuse(good, INPUT_OUTPUT, words=["none"], out=tmp_path / "none" / "program")


def test_output_is_a_folder(good, tmp_path):
    (tmp_path / "taken").mkdir()
    refuse(good, INPUT_OUTPUT, words=["taken"], out=tmp_path / "taken")
    assert list((tmp_path / "taken").iterdir()) == []


def test_output_not_writable(good, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    refuse(good, INPUT_OUTPUT, words=["locked"], out=locked / "program")


def test_no_space(good, tmp_path):
    """A tmpfs of 1 MB: the message says so and the half-written file is gone."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("a tmpfs can be mounted only by root")
    try:
        refuse(good, INPUT_OUTPUT, words=["space"], out=small / "program", extra=["--weights", "f32"])
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize(
    "words, named",
    [
        (["--target", "riscv64-linux"], "riscv64-linux"),
        (["--weights", "q7"], "q7"),
        (["--activations", "12"], "'12', expected 8 or 16"),
        (["--cache", "q6"], "expected f32, f16, q8 or q4"),
        (["--cache", "global=q8"], "unknown kind of layers 'global'"),
        (["--cache", "full="], "unknown format ''"),
        (["--cache", "q8,full=q4"], "gives full layers two formats"),
        (["--cache", "full=q8,full=q4"], "gives full layers two formats"),
        (["--cache", "sliding=q8,"], "unknown format ''"),
        (["--emit", "ptx"], "ptx"),
        (["--stop-after", "optimise"], "optimise"),
        (["--context", "0"], "context"),
        (["--context", "many"], "many"),
        (["--chunk", "0"], "chunk"),
        (["--no-such-option"], "no-such-option"),
        (["--embeddings", "f8"], "f8"),
        (["-j", "0"], "j"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, list) else "",
)
def test_bad_option(good, words, named):
    refuse(good, USAGE, words=[named], extra=words)


def test_chunk_beyond_a_threads_stack(tmp_path):
    """The parts of all experts that rows picked wait there: 300 of each of 512 rows are 9.4 MiB a panel."""
    many = random_checkpoint.text(
        enable_moe_block=True, num_experts=300, top_k_experts=300, moe_intermediate_size=8, hidden_size=32
    )
    random_checkpoint.write(tmp_path / "many", many)
    chunk = ["--weights", "f32", "--chunk", "512"]
    refuse(
        tmp_path / "many", USAGE, words=["--chunk", "512 tokens", "a thread's stack", "at most 7.00 MiB"], extra=chunk
    )


def test_bad_command_lines():
    for words in ([], ["translate"], ["compile"], ["compile", CHECKPOINTS / "tiny-e"]):
        done = gemmac(*words)
        assert done.returncode == USAGE, (words, done)
        assert done.stderr.strip()


def test_unknown_target_names_known_ones(good):
    done = gemmac("compile", good, "-o", good / "program", "--target", "toaster")
    assert done.returncode == USAGE and "x86_64-linux" in done.stderr and "aarch64-linux" in done.stderr


# -------------------------------------------------------------------------------- the program's own file
def refuse_program(program, *arguments, code=DAMAGED_PROGRAM, words=()):
    done = run(program, *arguments, timeout=60)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}: {done.stderr.decode()}"
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0]
    return done.stdout


@pytest.mark.parametrize("lost", [1, 4096, 1_000_000])
def test_program_cut_short(tmp_path, lost):
    program = shutil.copy(compile_program(CHECKPOINTS / "tiny-e"), tmp_path / "cut")
    os.truncate(program, os.path.getsize(program) - lost)
    assert refuse_program(program, "-p", "Hi", "-n", 2, words=["cut"]) == b""


def test_program_changed(tmp_path):
    """`info --verify` finds a single flipped bit in the weights."""
    program = shutil.copy(compile_program(CHECKPOINTS / "tiny-e"), tmp_path / "changed")
    assert run(program, "info", "--verify").returncode == 0
    with open(program, "r+b") as file:
        file.seek(os.path.getsize(program) - 300_000)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))
    refuse_program(program, "info", "--verify", words=["damaged"])


@pytest.mark.parametrize(
    "words",
    [
        ["--isa", "mmx"],
        ["-t", "0"],
        ["-t", "x"],
        ["-n", "-3"],
        ["--temperature", "-1"],
        ["--nothing"],
        ["dance"],
        ["--top-p", "2"],
        ["score", "--logits", "x.npy"],
        ["score", "--ids"],
        ["tokenize", "--loud"],
    ],
    ids=" ".join,
)
def test_program_usage(words):
    done = (
        run(compile_program(CHECKPOINTS / "tiny-e"), *words, "-p", "Hi")
        if words[0].startswith("-")
        else run(compile_program(CHECKPOINTS / "tiny-e"), *words)
    )
    assert done.returncode in (USAGE, 5) and done.stdout == b"" and done.stderr.strip()


@pytest.mark.parametrize(
    "content",
    ["5 6 x", "5 -1", "1280", "99999999999999999999", ""],
    ids=["word", "negative", "beyond", "huge", "empty"],
)
def test_program_bad_ids(tmp_path, content):
    file = tmp_path / "bad.ids"
    file.write_text(content)
    done = run(compile_program(CHECKPOINTS / "tiny-e"), "score", "--ids", file, "--logits", tmp_path / "out.npy")
    assert done.returncode == USAGE and len(done.stderr.decode().splitlines()) == 1
    assert not (tmp_path / "out.npy").exists()


def test_program_missing_or_unwritable_files(tmp_path):
    program = compile_program(CHECKPOINTS / "tiny-e")
    good_ids = write_ids(tmp_path / "good.ids", [2, 15, 323])
    for words in (
        ["--ids", tmp_path / "nowhere", "--logits", tmp_path / "out.npy"],
        ["--ids", good_ids, "--logits", tmp_path / "none" / "out.npy"],
        ["--text", tmp_path / "nowhere"],
    ):
        done = run(program, "score", *words)
        assert done.returncode == INPUT_OUTPUT and len(done.stderr.decode().splitlines()) == 1, done
