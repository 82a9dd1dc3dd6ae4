"""Conversations against the checkpoint's own template: what is fed for each question is what
Jinja renders of the history."""

import json
import re
import shutil

import pytest

from demo import Terminal
from gguf_file import STRING
from support import CHECKPOINTS, base_level, compile_program, gemmac, read_ids, require, run, succeed
from test_chat_templates import jinja
from test_gguf import CHOICES, write_gguf

QUESTIONS = (
    "What is the capital of Poland?",
    "  What is the color of gold?",
    "How do you spell sun?",
    "Tell me a story.",
    "Thank you!",
    "My favorite color is brown.",
    "What is 2 plus 3?",
    "Where am I from?",
)
BAD_INPUT = 3


def reference(program, template, messages, **variables):
    """The ids of a rendered conversation, and of the greedy answer of a fresh process that is fed them."""
    text = jinja(template, {"messages": messages, "bos_token": "<bos>", "add_generation_prompt": True, **variables})
    if not text.startswith("<bos>"):
        text = "<bos>" + text
    ids = succeed(program, "tokenize", "--special", input=text.encode()).decode()
    answer = succeed(program, "--prompt-ids", "-", "--temperature", 0, "--ids", "-q", "-n", 40, input=ids.encode())
    return len(ids.split()), read_ids(answer)


def talk(program, template, questions, *options, keep=False, **variables):
    """Asks on a terminal; every answer must be the reference's. Returns the number of tokens at the end."""
    chat = Terminal("--temperature", 0, "--ids", "-q", "-n", 40, *options, program=program)
    try:
        chat.expect("> ")
        messages, tokens = [], 0
        for question in questions:
            messages.append({"role": "user", "content": question})
            chat.send(question + "\n")
            got = read_ids(re.search(r"\n([\d ]+)\r\n> $", chat.expect(r"\n[\d ]+\r\n> ")).group(1).encode())
            tokens, expected = reference(program, template, messages, **variables)
            assert got == expected, f"answer {len(messages) // 2 + 1}"
            ended = got[:-1] if len(got) < 40 else got
            said = succeed(program, "detokenize", "--special", input=" ".join(map(str, ended)).encode()).decode()
            messages.append({"role": "assistant", "content": said})
        return tokens
    finally:
        chat.close()


@pytest.mark.parametrize(
    "model, options, variables",
    [
        ("tiny-e", (), {}),
        ("tiny-moe", (), {}),
        ("tiny-moe", ("--think",), {"enable_thinking": True}),
        ("tiny-e", ("--think", "--chunk", 7), {"enable_thinking": True}),
    ],
)
def test_answers_are_the_templates(model, options, variables):
    """Thoughts, the empty thought and white space leave the history as the template drops them, also behind
    the window: the conversation is longer than the ring of the sliding layers, so that going back fails
    there and all is fed again. Not so in models whose rings have room for a picture as one block."""
    require(base_level())
    program = compile_program(CHECKPOINTS / model, "q4")
    (ring,) = {
        row["positions"] for row in json.loads(succeed(program, "info", "--json"))["caches"] if row["kind"] == "sliding"
    }
    template = (CHECKPOINTS / model / "chat_template.jinja").read_text()
    tokens = talk(program, template, QUESTIONS, *options, **variables)
    assert tokens > ring or model == "tiny-moe"


def test_thoughts_that_are_kept():
    """--keep-thoughts leaves all as it was generated, so that nothing is fed twice."""
    program = compile_program(CHECKPOINTS / "tiny-moe", "q4")
    template = "{{ bos_token }}{% for m in messages %}<|turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    template += "{% if m.role == 'assistant' %}<|channel>thought\n<channel|>{% endif %}"
    template += "{{ m.content if m.role == 'assistant' else m.content | trim }}<turn|>\n{% endfor %}"
    template += "{% if add_generation_prompt %}<|turn>model\n<|channel>thought\n<channel|>{% endif %}"
    talk(program, template, QUESTIONS[:3], "--keep-thoughts")


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A fine-tune: a default system turn, no <bos>, another role's name, no trimming; and a
    configuration that stops at <eos> alone."""
    folder = shutil.copytree(CHECKPOINTS / "tiny-e", tmp_path_factory.mktemp("chat") / "fine-tune")
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    config = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**config, "eos_token_id": 1}))
    program = folder.parent / "program"
    done = gemmac(
        "compile", folder, "-o", program, "--target", base_level().target, "--weights", "q4", "--rounding", "plain"
    )
    assert done.returncode == 0, done.stderr
    return program, done.stderr


TEMPLATE = """{%- if messages[0].role != 'system' -%}
<|turn>system
You are a pirate.<turn|>
{% endif %}{% for m in messages %}
<|turn>{{ m.role }}
{{ m.content }}<turn|>
{% endfor %}
{% if add_generation_prompt %}
<|turn>assistant
{% endif %}"""


def test_template_of_a_fine_tune(changed):
    program, notes = changed
    require(base_level())
    talk(program, TEMPLATE, QUESTIONS[:3])
    assert "note: chat template: the template writes no <bos>" in notes
    assert "chat format as the checkpoint's own template has it; 1 difference" in notes
    report = json.loads(succeed(program, "info", "--json"))["chat"]
    assert report["format"] == "template" and report["takes_instructions"] and len(report["differences"]) == 1
    assert not report["thinking_switch"] and not report["thinks_by_default"]
    done = run(program, "-p", "Hi", "-n", 1, "--think")
    assert b"note: --think has no effect" in done.stderr


def test_template_in_a_gguf_file(changed, tmp_path):
    """tokenizer.chat_template is read as chat_template.jinja is."""
    program, _ = changed
    write_gguf(tmp_path / "model.gguf", program.parent / "fine-tune", CHOICES["mixed"])
    done = gemmac("inspect", tmp_path / "model.gguf")
    assert (
        "chat format: template" in done.stdout and "note: chat template: the template writes no <bos>" in done.stdout
    ), done
    write_gguf(
        tmp_path / "bad.gguf",
        program.parent / "fine-tune",
        CHOICES["mixed"],
        {"tokenizer.chat_template": (STRING, "x")},
    )
    done = gemmac("inspect", tmp_path / "bad.gguf")
    assert done.returncode == BAD_INPUT and "bad.gguf: error: the chat template does not write each text" in done.stderr


def test_the_end_of_a_turn_stops(changed):
    """Though the configuration lists <eos> alone."""
    program, _ = changed
    ids = read_ids(succeed(program, "-p", QUESTIONS[0], "--temperature", 0, "--ids", "-q", "-n", 200))
    end = read_ids(succeed(program, "tokenize", "--special", input=b"<turn|>"))
    assert ids[-1:] == end and len(ids) < 200


@pytest.mark.parametrize(
    "template, said",
    [
        ("{{ messages | xmlattr }}", "line 1 of the chat template: filter 'xmlattr' is not known"),
        ("{% for m in messages %}{{ m.content }}{% endfor %}{% if", "line 1"),
        (
            "{% for m in messages %}{{ loop.length }}{{ m.content }}{% endfor %}",
            "with one question: the template writes",
        ),
        ("nothing", "does not write each text"),
    ],
    ids=["filter", "open tag", "pattern", "no texts"],
)
def test_templates_that_cannot_be_followed(template, said, tmp_path):
    """An error that names the line or the conversation, unless a format is named instead."""
    folder = shutil.copytree(CHECKPOINTS / "tiny-e", tmp_path / "model")
    (folder / "chat_template.jinja").write_text(template)
    done = gemmac("compile", folder, "-o", tmp_path / "program")
    assert done.returncode == BAD_INPUT and "chat_template.jinja: error: " in done.stderr and said in done.stderr
    assert "--chat-format gemma4 or gemma3" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "program").exists()
    for name, code in (("gemma4", 0), ("none", 0), ("gemma3", BAD_INPUT), ("chatml", 2)):
        done = gemmac("compile", folder, "--stop-after", "import", "-o", tmp_path / "module", "--chat-format", name)
        assert done.returncode == code, done.stderr
        assert code or f"--chat-format is {name}" in done.stderr
