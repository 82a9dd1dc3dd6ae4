"""The compiled-in tokenizer against 300 strings encoded by the checkpoint's own tokenizer.json."""

import json

import pytest

from support import CHECKPOINTS, GOLDENS, MODELS, compile_program, level, read_ids, require, run, succeed

ROWS = json.loads((GOLDENS / "tokenizer.json").read_text())["strings"]


def test_strings():
    program = compile_program(CHECKPOINTS / "tiny-e", "q4")
    wrong = []
    for row in ROWS:
        got = read_ids(succeed(program, "tokenize", "--special", input=row["text"].encode()))
        if got != row["ids"]:
            wrong.append(f"{row['text']!r}: {got}, expected {row['ids']}")
    assert len(ROWS) == 300
    assert not wrong, f"{len(wrong)} of {len(ROWS)} strings differ, first: {wrong[:5]}"


def test_decoding():
    program = compile_program(CHECKPOINTS / "tiny-e", "q4")
    wrong = []
    for row in ROWS:
        got = succeed(program, "detokenize", "--special", input=" ".join(map(str, row["ids"])).encode()).decode()
        if got != row["decoded"]:
            wrong.append(f"{row['ids']}: {got!r}, expected {row['decoded']!r}")
    assert not wrong, f"{len(wrong)} of {len(ROWS)} strings differ, first: {wrong[:5]}"


def test_control_tokens_stay_text():
    """Without --special a control token in the text is ordinary text: ids decode to it and hold no control token."""
    program = compile_program(CHECKPOINTS / "tiny-e", "q4")
    added = {
        entry["id"] for entry in json.loads((CHECKPOINTS / "tiny-e" / "tokenizer.json").read_text())["added_tokens"]
    }
    text = "a<bos><|turn>user\nHi<turn|> <|image|>"
    plain = read_ids(succeed(program, "tokenize", input=text.encode()))
    assert not added & set(plain)
    assert added & set(read_ids(succeed(program, "tokenize", "--special", input=text.encode())))
    assert succeed(program, "detokenize", input=" ".join(map(str, plain)).encode()).decode() == text


@pytest.mark.parametrize("model", MODELS)
def test_long_text(model):
    """The whole evaluation text, encoded and decoded again."""
    program = compile_program(CHECKPOINTS / model)
    text = (GOLDENS / "eval.txt").read_bytes()
    ids = succeed(program, "tokenize", input=text)
    assert len(read_ids(ids)) == 3852
    assert succeed(program, "detokenize", input=ids) == text


def test_invalid_utf8():
    """Bytes that are no UTF-8 must not crash the tokenizer."""
    program = compile_program(CHECKPOINTS / "tiny-e", "q4")
    for raw in (b"\xff\xfe\xfa", b"abc\xe2\x96", b"\xf0\x9f", b"\xc0\xaf", b"\xed\xa0\x80", bytes(range(256))):
        done = run(program, "tokenize", input=raw)
        assert done.returncode in (0, 2), done
        if done.returncode == 0:
            succeed(program, "detokenize", input=done.stdout)


def test_same_on_arm():
    at = require(level("neon"))
    text = (GOLDENS / "eval.txt").read_bytes()
    here = succeed(compile_program(CHECKPOINTS / "tiny-e", "q4"), "tokenize", input=text)
    assert succeed(compile_program(CHECKPOINTS / "tiny-e", "q4", at), "tokenize", input=text, at=at) == here
