"""Directories and GGUF files as they are published (published.py): whole headers are understood, small twins answer."""

import json
import re

import pytest

import gguf_file as gguf
import published
from gemma_checkpoint import FULL, SLIDING, TextShape
from support import gemmac, run

S, F = SLIDING, FULL
EOS, GEMMA3_CLOSE, GEMMA4_CLOSE, TOOL = "1 '<eos>'", "106 '<end_of_turn>'", "106 '<turn|>'", "50 '<|tool_response>'"


def inspect(path, *options):
    done = gemmac("inspect", path, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def notes(text):
    return [line.removeprefix("note: ") for line in text.splitlines() if line.startswith("note: ")]


# -------------------------------------------------------------------------------- directories
# name: values of the text model in G, parts of notes.
SOFT_TOKEN = "1 added token without a row in the model's tables left out ('<image_soft_token>', 262144)"
DIRECTORIES = {
    "gemma-3-270m-it": (0.268, [SOFT_TOKEN]),
    "gemma-3-1b-it": (1.000, [SOFT_TOKEN]),
    "gemma-3-4b-it": (3.880, ["vision_config set aside", "vision tower: 437 tensors", "vision embedder: 2 tensors"]),
    "gemma-4-E2B-it": (4.628, []),
    "gemma-4-E4B-it": (7.463, ["54 key and value tensors"]),
    "gemma-4-12B-it": (11.907, []),
    "gemma-4-26B-A4B-it": (25.233, []),
    "gemma-4-31B-it": (30.697, []),
}


@pytest.mark.parametrize("name", DIRECTORIES)
def test_whole_directory(name, tmp_path):
    """Every field, token, flag and tensor of a published directory, in its real size."""
    billions, expected = DIRECTORIES[name]
    data = published.write_directory(tmp_path / name, name)
    assert len(published.tensor_shapes(data)) == data.get("tensors", len(published.tensor_shapes(data)))
    text = inspect(tmp_path / name)
    assert text.startswith(f"{name}: {data['config']['architectures'][0]}\n"), text
    count = float(re.search(r"([\d.]+) G values", text).group(1))
    assert count == pytest.approx(billions, abs=2e-3), text
    assert re.search("^chat format: (gemma3|gemma4|template);", text, re.M)
    ends = [EOS, GEMMA3_CLOSE] if data["generation"] == 3 else [EOS, GEMMA4_CLOSE, TOOL]
    assert "texts begin with 2 '<bos>'; answers end with " + ", ".join(ends) + "\n" in text
    for part in expected:
        assert any(part in note for note in notes(text)), text
    quiet = ("set aside", "left out")  # nothing of a published directory is contradicted or unknown
    assert all(any(word in note for word in quiet) for note in notes(text)), text
    if data["generation"] == 4:
        assert not any("tower" in note or "embedder" in note for note in notes(text)), text


# -------------------------------------------------------------------------------- GGUF
GGUF_NOTES = {
    "gemma-3-270m-it-Q4_K_M": [],
    "gemma-3-4b-it-IQ4_XS": [],
    "gemma3-4b-ollama": ["rope.scaling.factor 8", "vision tower: 8 tensors", "not marked as control", "left out"],
    "gemma-4-E4B-it-first": ["'<eos>' is not marked as a control token", "add_bos_token is false", "key and value"],
    "gemma-4-E2B-it-Q4_K_M": ["key and value tensors"],
    "gemma4-26b-ollama": ["add_bos_token is false", "vision tower: 6 tensors"],
    "gemma-4-31B-it-Q8_0": [],
}


@pytest.mark.parametrize("name", GGUF_NOTES)
def test_whole_gguf_header(name, tmp_path):
    """Every key, token type, tensor name and tensor type of a published file, in its real size."""
    data, metadata = published.gguf_data(name)
    directory = published.load(data["directory"])
    generation, text = directory["generation"], published.whole_text(directory)
    text["vocab_size"] = data.get("rows", text["vocab_size"])
    texts, ollama = published.vocabulary(generation), name.endswith("ollama")
    if not ollama:  # the others' media tokens have rows; a list may end before the table
        texts = {number: text for number, text in texts.items() if number < 600}
    metadata |= published.token_metadata(generation, texts, data["marks"], data["merges"])
    if not ollama:  # whose templates lie in files of their own
        metadata["tokenizer.chat_template"] = (gguf.STRING, published.chat_template(generation))
    tensors = published.gguf_tensor_kinds(data, TextShape(text))
    assert len(tensors) == data["tensors"]
    file = tmp_path / ("sha256-" + "0f" * 32 if ollama else f"{name}.gguf")
    published.write_gguf_holes(file, metadata, tensors)
    printed = inspect(file)
    assert re.search(f"^chat format: ({'none' if ollama else 'gemma3|gemma4|template'});", printed, re.M)
    close = [GEMMA3_CLOSE] if generation == 3 else [GEMMA4_CLOSE, TOOL]
    begin, ends = re.search(r"texts begin with (.*); answers end with (.*)", printed).groups()
    assert begin == "2 '<bos>'" and sorted(ends.split(", ")) == sorted([EOS, *close]), printed
    for part in GGUF_NOTES[name]:
        assert any(part in note for note in notes(printed)), printed
    if name == "gemma3-4b-ollama":
        assert "34 layers, 2560 wide, vocabulary 262144, context 131072" in printed


# -------------------------------------------------------------------------------- twins
# <bos>, then a token for each letter and line break; | stands for the control tokens around turns.
FED = 1 + len("|user\nhi|\n|model\n")


def compiled(checkpoint, program):
    done = gemmac("compile", checkpoint, "-o", program, "--weights", "q8", "--rounding", "plain", "--context", 64)
    assert done.returncode == 0, done.stderr
    return notes(done.stderr)


def answered(program, *options):
    """The answer to "hi", and how many tokens were fed for it."""
    done = run(program, "-p", "hi", "--temperature", 0, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout, int(re.search(rb"(\d+) prompt tokens", done.stderr).group(1))


def test_twin_of_the_smallest_directory(tmp_path):
    """Gemma 3 270M: a token beyond the vocabulary; <bos> is fed and the answer is text, in chat and raw."""
    published.write_twin(tmp_path / "model", "gemma-3-270m-it", [S, S, F], list(published.RUNS))
    compiled(tmp_path / "model", tmp_path / "program")
    answer, fed = answered(tmp_path / "program", "-n", 4)
    assert fed == FED and len(answer.decode().strip()) > 0
    assert answered(tmp_path / "program", "-n", 1, "--raw")[1] == 3


def test_twin_that_lists_one_stop_token(tmp_path):
    """A fine-tune's settings list <eos> alone: the end of a turn stops all the same, and does not show."""
    others = [number for number in range(published.TWIN_VOCAB) if number != 106]
    folder = tmp_path / "model"
    published.write_twin(folder, "gemma-3-270m-it", [S, F], others)
    settings = json.loads((folder / "generation_config.json").read_text()) | {"eos_token_id": 1}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    assert any("'<end_of_turn>', 106 ends answers too" in note for note in compiled(folder, tmp_path / "program"))
    assert answered(tmp_path / "program", "-n", 9)[0] == b"\n"


def write_gguf_twin(path, name, layers, changes, marks=None):
    """A small file with the keys, flags and types of a published one, stored as IQ4_NL and Q8_0."""
    data, published_metadata = published.gguf_data(name)
    directory, weights = published.twin_weights(data["directory"], layers)
    whole = {"text_config": published.whole_text(directory)}
    shape = TextShape(whole)
    choose = lambda name, dims: "Q8_0" if "embed" in name else "IQ4_NL"  # noqa: E731
    tensors = gguf.checkpoint_tensors(weights, choose, shape.norm_addend)
    if not shape.gemma3:
        tensors["rope_freqs.weight"] = gguf.rope_factors(whole)
    sizes = gguf.model_metadata(whole)
    metadata = {key: sizes.get(key, value) for key, value in published_metadata.items()}
    generation = directory["generation"]
    texts = published.twin_texts(generation)
    metadata |= published.token_metadata(generation, texts, data["marks"] | (marks or {}), data["merges"])
    gguf.write_gguf(path, metadata | changes, tensors)


def test_twin_of_the_first_gemma4_files(tmp_path):
    """Everything wrong at once: add_bos_token false, <eos> and the end of a turn marked as words."""
    others = [number for number in range(published.TWIN_VOCAB) if number != 106]
    template = (gguf.STRING, published.chat_template(4))
    changes = {"tokenizer.chat_template": template, "tokenizer.ggml.suppress_tokens": ([gguf.I32], others)}
    marks = {"<|turn>": "NORMAL", "<turn|>": "NORMAL", "<bos>": "NORMAL"}
    write_gguf_twin(tmp_path / "m.gguf", "gemma-4-E4B-it-first", [S, F, S, F], changes, marks)
    told = compiled(tmp_path / "m.gguf", tmp_path / "program")
    assert any("'<eos>', '<bos>', '<|turn>', '<turn|>' are not marked as control tokens" in note for note in told)
    assert answered(tmp_path / "program", "-n", 9) == (b"\n", FED)
    assert answered(tmp_path / "program", "-n", 9, "--raw") == (b"\n", 3)


def test_twin_of_an_ollama_blob(tmp_path):
    """Named by its hash, without template, with a tower, with a token beyond the table; it completes text."""
    blob = tmp_path / ("sha256-" + "a1" * 32)
    write_gguf_twin(blob, "gemma3-4b-ollama", [S, S, F], {})
    told = compiled(blob, tmp_path / "program")
    assert any("<image_soft_token>" in note and "left out" in note for note in told)
    answer, fed = answered(tmp_path / "program", "-n", 4, "--raw")
    assert fed == 3 and len(answer) > 1
