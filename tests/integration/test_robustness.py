"""Reproducible output, interruptions, an empty root, pipes, closed outputs, the context limit, Ctrl-C in a chat."""

import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

from demo import Terminal
from support import (
    CHECKPOINTS,
    GEMMAC,
    base_level,
    compile_program,
    eval_ids,
    gemmac,
    generate,
    level,
    parameters,
    require,
    run,
    succeed,
    write_ids,
)

QUESTION = "What is the color of gold?"
ANSWER = "The color of gold is yellow."
INPUT_OUTPUT, CONTEXT, INTERRUPTED = 4, 6, 130
# Where all levels would only take longer.
BASE = ["--target", base_level().target, "--isa", base_level().name]
X86, ARM = ["--target", "x86_64-linux"], ["--target", "aarch64-linux"]


@pytest.fixture(scope="module")
def program():
    return compile_program(CHECKPOINTS / "tiny-e")


# -------------------------------------------------------------------------------- compiling
SAME = [*itertools.product(("tiny-e", "tiny-moe"), ("f32", "q4"), (BASE, X86, ARM))]


@pytest.mark.parametrize(
    "model, weights, place",
    parameters(SAME, lambda *case: case in (("tiny-moe", "q4", BASE), ("tiny-e", "f32", ARM))),
    ids=lambda value: "-".join(value[1::2]) if isinstance(value, list) else value,
)
def test_same_bytes(model, weights, place, tmp_path):
    """Twice the same bytes, whatever the number of jobs, the place and the name of the output."""
    target = None if place == BASE else place[1]
    shared, out = compile_program(CHECKPOINTS / model, weights, target), tmp_path / "b"
    jobs = 3 if os.cpu_count() == 1 else 1  # unasked there are as many as cores
    done = gemmac("compile", CHECKPOINTS / model, "-o", out, *place, "--weights", weights, "-j", jobs, "-q")
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == shared.read_bytes()


def test_same_bytes_from_another_folder(tmp_path):
    """The place of the checkpoint does not enter the program."""
    copy = shutil.copytree(CHECKPOINTS / "tiny-dense", tmp_path / "elsewhere" / "tiny-dense")
    assert gemmac("compile", copy, "-o", tmp_path / "program", "--weights", "q8", "-q", *BASE).returncode == 0
    assert (tmp_path / "program").read_bytes() == compile_program(CHECKPOINTS / "tiny-dense", "q8").read_bytes()


def test_report_file(tmp_path):
    report = tmp_path / "report.json"
    words = ["-o", tmp_path / "program", "--weights", "f32", "-q", "--json-report", report, *BASE]
    done = gemmac("compile", CHECKPOINTS / "tiny-e", *words)
    assert done.returncode == 0 and done.stdout == "" and done.stderr == ""
    assert isinstance(json.loads(report.read_text()), dict)


def interrupted(tmp_path, send, delay):
    """Starts a compilation into an existing program's place, sends a signal after `delay`, returns (process, out)."""
    out = tmp_path / "program"
    process = subprocess.Popen(
        [str(GEMMAC), "compile", str(CHECKPOINTS / "tiny-dense"), "-o", str(out), "--weights", "q8", *BASE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(delay)
    process.send_signal(send)
    process.communicate(timeout=60)
    return process, out


def whole_compile_seconds(tmp_path):
    begin = time.monotonic()
    words = ["-o", tmp_path / "timed", "--weights", "q8", "-q", *BASE]
    assert gemmac("compile", CHECKPOINTS / "tiny-dense", *words).returncode == 0
    return time.monotonic() - begin


@pytest.mark.parametrize(
    "name, moments",
    parameters(itertools.product(("SIGKILL", "SIGINT", "SIGTERM"), (3, 10)), lambda name, moments: moments == 3),
)
def test_killed_at_any_moment(name, moments, tmp_path):
    """No final file, or a whole one, after a signal at some moments; after SIGINT and SIGTERM no other file either."""
    seconds, seen, rng = whole_compile_seconds(tmp_path), set(), random.Random(3)
    expected = (tmp_path / "timed").read_bytes()
    for moment in range(moments):
        folder = tmp_path / f"at{moment}"
        folder.mkdir()
        process, out = interrupted(folder, getattr(signal, name), seconds * (moment + rng.random()) / moments)
        if out.exists():
            assert out.read_bytes() == expected, "a half-written program has the final name"
        if process.returncode == 0:
            assert out.exists()
        elif name != "SIGKILL":
            # a signal before main() runs, while libraries are loaded, ends the process the system's way
            assert process.returncode in (INTERRUPTED, -getattr(signal, name))
            assert list(folder.iterdir()) == []
        seen.add(process.returncode)
    assert seen - {0}, "no signal arrived in time"


def test_killed_keeps_the_old_program(tmp_path):
    """A compilation that is stopped leaves the program that was there before."""
    (tmp_path / "program").write_text("old")
    process, out = interrupted(tmp_path, signal.SIGINT, 0.05)
    if process.returncode == INTERRUPTED:
        assert out.read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["program"]


# -------------------------------------------------------------------------------- a bare machine
@pytest.mark.parametrize("isa", ["avx2", "neon"])
def test_static(isa):
    """The program is static: it has no interpreter and needs no library."""
    program = compile_program(CHECKPOINTS / "tiny-e", "f32", level(isa))
    headers = subprocess.run(["readelf", "-lWd", str(program)], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers and "NEEDED" not in headers
    assert not re.search(r"LOAD.*RWE", headers), "a segment is writable and executable"


def test_chroot(program, tmp_path):
    """In a root that holds nothing else, without /proc and environment."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    shutil.copy(program, tmp_path / "program")

    def enter():
        os.chroot(tmp_path)
        os.chdir("/")

    command = ["/program", "--temperature", "0", "-p", QUESTION]
    done = subprocess.run(command, capture_output=True, timeout=60, env={}, preexec_fn=enter)
    assert (done.returncode, done.stdout.decode().strip()) == (0, ANSWER), done.stderr.decode()


def test_started_elsewhere(program, tmp_path):
    """Found through PATH, through a link, and from another folder."""
    (tmp_path / "linked").symlink_to(program)
    for command, options in (
        ([str(tmp_path / "linked")], {}),
        ([program.name], {"env": {"PATH": str(program.parent)}}),
        ([f"./{program.name}"], {"cwd": program.parent}),
    ):
        done = subprocess.run(
            [*command, "--temperature", "0", "-p", QUESTION], capture_output=True, timeout=60, **options
        )
        assert done.stdout.decode().strip() == ANSWER, done.stderr.decode()


# -------------------------------------------------------------------------------- standard streams
def test_pipe_on_stdin(program):
    assert succeed(program, "--temperature", 0, input=QUESTION.encode()).decode().strip() == ANSWER


def test_streams_apart(program):
    """Only the completion on stdout."""
    done = run(program, "--temperature", 0, "-p", QUESTION)
    assert done.stdout.decode().strip() == ANSWER
    assert ANSWER.encode() not in done.stderr


def test_full_device(program):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(program), "--temperature", "0", "-p", QUESTION], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == INPUT_OUTPUT and done.stderr.strip()


def test_closed_stdout(program):
    done = subprocess.run(
        ["sh", "-c", f"exec '{program}' --temperature 0 -p '{QUESTION}' >&-"], stderr=subprocess.PIPE, timeout=60
    )
    assert done.returncode == INPUT_OUTPUT and done.stderr.strip()


def test_reader_goes_away(program):
    """`prog | head -c 1` ends quietly, by signal or with the input/output code, and soon."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [str(program), "--raw", "--temperature", "0", "-n", "400", "-p", "Once upon a time"],
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    process.communicate(timeout=60)
    assert process.returncode in (0, INPUT_OUTPUT, -signal.SIGPIPE, 128 + signal.SIGPIPE)


# -------------------------------------------------------------------------------- limits
def test_context_overflow(tmp_path):
    program = compile_program(CHECKPOINTS / "tiny-e", "q8", extra=["--context", 128])
    done = run(program, "--prompt-ids", write_ids(tmp_path / "ids", eval_ids(129)), "-n", 4)
    assert done.returncode == CONTEXT and done.stdout == b""
    assert len(done.stderr.decode().splitlines()) == 1 and b"128" in done.stderr
    full = generate(program, eval_ids(120), 8, tmp_path)
    assert len(full) == 8
    over = run(
        program,
        "--prompt-ids",
        write_ids(tmp_path / "ids", eval_ids(120)),
        "-n",
        60,
        "--temperature",
        0,
        "--raw",
        "--ids",
    )
    assert over.returncode in (0, CONTEXT) and len(over.stdout.split()) <= 60 and b"context" in over.stderr


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads(program, threads):
    assert succeed(program, "-t", threads, "--temperature", 0, "-p", QUESTION).decode().strip() == ANSWER


def test_little_memory(program):
    """The program maps its weights and reserves an arena: 200 MB of address space suffice for a small model."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))

    done = subprocess.run(
        [str(program), "-t", "1", "--temperature", "0", "-p", QUESTION],
        capture_output=True,
        timeout=60,
        preexec_fn=limit,
    )
    assert done.stdout.decode().strip() == ANSWER, done.stderr.decode()


def test_info(program):
    report = json.loads(succeed(program, "info", "--json"))
    assert "tiny-e" in json.dumps(report)
    text = succeed(program, "info").decode()
    assert "tiny-e" in text
    rows = report["caches"]
    assert sorted(layer for row in rows for layer in row["layers"]) == list(range(report["layers"]))
    assert sum(row["bytes"] for row in rows) == report["bytes"]["kv_cache"]
    assert {row["kind"] for row in rows} == {"sliding", "full"}
    assert len([row for row in rows if "shared_from" in row]) == text.count("read the cache of layer") > 0


def test_bench(program):
    report = json.loads(succeed(program, "bench", "-p", 64, "-n", 16, "-t", 2, "--json"))
    assert report["prefill"]["tokens_per_second"] > 0 and report["decode"]["tokens_per_second"] > 0
    assert 1e5 < report["decode"]["weight_bytes_per_token"] < 2e7 and 1e6 < report["peak_resident_bytes"] < 2e8


def test_stop_string(program):
    whole = succeed(program, "--raw", "--temperature", 0, "-n", 40, "-p", "Once upon a time").decode()
    word = whole.split()[6]
    cut = succeed(program, "--raw", "--temperature", 0, "-n", 40, "-p", "Once upon a time", "--stop", word).decode()
    assert (
        cut.rstrip("\n") == whole[: whole.index(word)].rstrip("\n")
        or cut.rstrip() == whole[: whole.index(word)].rstrip()
    )


# -------------------------------------------------------------------------------- chat on a terminal
@pytest.fixture
def terminal(program):
    """Starts the program on a pseudo terminal, with arguments."""
    opened = []

    def start(*arguments):
        opened.append(Terminal(*arguments, program=program))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_chat_keeps_history(terminal, program):
    """Each answer continues the whole conversation: the same as the rendered text of all turns, fed at once."""
    chat = terminal("--temperature", 0, "-q")
    chat.expect("> ")
    rendered, answers = "", []
    for message in ("Hello, I am Ben from Rome.", "My favorite color is brown.", "Where am I from?"):
        rendered += f"<|turn>user\n{message}<turn|>\n<|turn>model\n"
        chat.send(message + "\n")
        shown = chat.expect(r"\n> ").replace("\r\n", "\n")
        answers.append(shown.removeprefix(message + "\n").removesuffix("\n> "))
        expected = succeed(program, "--raw", "--special", "--temperature", 0, "-p", rendered).decode()
        assert answers[-1] + "<turn|>" == expected.rstrip("\n")
        rendered += answers[-1] + "<turn|>\n"
    assert answers[-1] == "You are from Rome."
    chat.send("\x04")
    assert chat.wait() == 0


def test_interrupt_stops_the_answer_then_leaves(terminal):
    """The first Ctrl-C ends an answer, the chat goes on; two at the prompt leave."""
    chat = terminal("--temperature", 2, "--seed", 3, "-q")  # hot enough to ramble on for long
    chat.expect("> ")
    chat.send("Tell me a story.\n")
    chat.expect(r"story\.\r\n[^\r\n]*\w+ \w+")
    chat.send("\x03")
    chat.expect("> ")
    chat.send(QUESTION + "\n")
    chat.expect(r"gold\?\r\n[^\r\n]+\r\n> ")
    chat.send("\x03")
    chat.expect("Ctrl-C")
    chat.send("\x03")
    assert chat.wait() == INTERRUPTED


def test_interrupt_without_terminal(program):
    process = subprocess.Popen(
        [str(program), "--raw", "--temperature", "1", "-n", "1000000", "-p", "Once upon a time"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode in (0, INTERRUPTED)


def test_arm_chat_answer():
    at = require(level("neon"))
    program = compile_program(CHECKPOINTS / "tiny-e", "q4", at)
    assert succeed(program, "--temperature", 0, "-p", QUESTION, at=at).decode().strip() == ANSWER
