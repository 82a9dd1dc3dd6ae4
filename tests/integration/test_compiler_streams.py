"""gemmac where standard streams are closed, full or gone, where files may not grow, and as a container's first process:
one line of its own, the documented exit code, nothing left behind, or it works."""

import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

import demo
from support import CHECKPOINTS, GEMMAC, GEMMAC_OPT, base_level, compile_program, gemmac

MODEL = CHECKPOINTS / "tiny-dense"
COMPILE = ["compile", str(MODEL), "--weights", "f32", "--isa", base_level().name]
PLAN = [*COMPILE, "--stop-after", "plan"]  # cheap: generates no code
INPUT_OUTPUT, INTERRUPTED = 4, 130
ONE_LINE = re.compile(r"^[^\n]*: error: [^\n]+\n$")
FOREIGN = re.compile(r"LLVM|IO failure|terminate called|PLEASE submit|ld\.lld")


def start(*arguments, program=GEMMAC, **options):
    """gemmac with descriptors closed and limits set; returns the finished process."""
    return demo.start(*arguments, program=program, **{"stdin": subprocess.DEVNULL, "timeout": 120, **options})


def gone():
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("stream", ["full", "gone"])
def test_compiling_needs_no_stream(stream, tmp_path):
    """Without standard input and output, and with messages that nobody gets, the program is the same."""
    with open("/dev/full", "w") if stream == "full" else os.fdopen(gone(), "w") as stderr:
        done = start(*COMPILE, "-o", tmp_path / "program", stderr=stderr, closed=[0, 1])
        assert done.returncode == 0
        assert (tmp_path / "program").read_bytes() == compile_program(MODEL, "f32").read_bytes()
        assert start("compile", tmp_path / "none", "-o", tmp_path / "other", stderr=stderr).returncode == 3


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]], ids=str)
def test_closed_descriptors(closed, tmp_path):
    done = start(*PLAN, "-o", tmp_path / "plan", closed=closed)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plan").read_text() == start(*PLAN).stdout


PRINTING = {
    "inspect": ["inspect", MODEL],
    "targets": ["targets"],
    "help": ["--help"],
    "compile-help": ["compile", "--help"],
    "version": ["--version"],
    "stop-after": PLAN,
}


@pytest.mark.parametrize("command", PRINTING.values(), ids=PRINTING)
def test_standard_output_that_takes_nothing(command):
    with open("/dev/full", "w") as full:
        done = start(*command, stdout=full)
    assert done.returncode == INPUT_OUTPUT
    errors = "".join(line for line in done.stderr.splitlines(True) if not line.startswith("note: "))
    assert ONE_LINE.match(errors) and not FOREIGN.search(done.stderr), done.stderr
    done = start(*command, closed=[1])
    assert done.returncode == INPUT_OUTPUT and "cannot write" in done.stderr and not FOREIGN.search(done.stderr)
    with os.fdopen(gone(), "w") as pipe:
        done = start(*command, stdout=pipe)
    assert done.returncode == INPUT_OUTPUT and "error" not in done.stderr, "whoever read has seen enough"


def test_non_blocking_standard_output():
    expected = start(*PLAN).stdout
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    room = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    child = subprocess.Popen([GEMMAC, *PLAN], stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    time.sleep(1)
    got = b""
    while data := os.read(reader, 4096):
        got += data
    os.close(reader)
    assert child.wait(30) == 0 and got.decode() == expected and len(got) > room


def test_gemmac_opt(tmp_path):
    source = tmp_path / "in.mlir"
    source.write_text("func.func @f() { return }\n")
    for streams in ({"closed": [1]}, {"stdout": open("/dev/full", "w")}):
        done = start(source, program=GEMMAC_OPT, **streams)
        assert done.returncode == INPUT_OUTPUT
        assert re.match(r"^gemmac-opt: error: [^\n]+\n$", done.stderr) and not FOREIGN.search(done.stderr), done.stderr
    few = [(resource.RLIMIT_FSIZE, (8, 8))]
    done = start(source, "-o", tmp_path / "out.mlir", program=GEMMAC_OPT, limits=few)
    assert done.returncode in (INPUT_OUTPUT, -signal.SIGXFSZ) and not (tmp_path / "out.mlir").exists()
    assert start("-", program=GEMMAC_OPT, closed=[0]).returncode == 0, "empty input"


@pytest.mark.parametrize("command", [PLAN, COMPILE], ids=["plan", "program"])
def test_files_that_may_not_grow(command, tmp_path):
    few = [(resource.RLIMIT_FSIZE, (8192, 8192))]
    done = start(*command, "-q", "-o", tmp_path / "output", limits=few)
    assert done.returncode == INPUT_OUTPUT
    assert ONE_LINE.match(done.stderr) and not FOREIGN.search(done.stderr), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_report_that_cannot_be_written(tmp_path):
    """There is no program without its report."""
    (tmp_path / "folder").mkdir()
    for report in (tmp_path / "none" / "report", "/dev/full", tmp_path / "folder"):
        done = start(*COMPILE, "-q", "-o", tmp_path / "program", "--json-report", report)
        assert done.returncode == INPUT_OUTPUT and ONE_LINE.match(done.stderr), done.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    done = start(*COMPILE, "-q", "-o", tmp_path / "program", "--json-report", tmp_path / "program")
    assert done.returncode == 2 and "names the output file" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_full_disk(tmp_path):
    """The report lies on a disk with 64 KiB left, the program on another."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stderr.strip()}")
    try:
        (disk / "filler").write_bytes(bytes(64 << 10))
        done = start(*COMPILE, "-q", "-o", tmp_path / "program", "--json-report", disk / "report")
        assert done.returncode == INPUT_OUTPUT and "no space left" in done.stderr, done.stderr
        assert not (tmp_path / "program").exists() and [path.name for path in disk.iterdir()] == ["filler"]
        done = start(*PLAN, "-q", "-o", disk / "plan")
        assert done.returncode == INPUT_OUTPUT and [path.name for path in disk.iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_out_of_memory(tmp_path):
    """A file that is as large as allowed, in too little address space."""
    folder = shutil.copytree(MODEL, tmp_path / "checkpoint")
    os.truncate(folder / "tokenizer.json", 500 << 20)  # zeros that take no disk
    done = start("inspect", folder, limits=[(resource.RLIMIT_AS, (700 << 20, 700 << 20))])
    assert done.returncode == INPUT_OUTPUT, done.stderr
    assert re.match(r"^gemmac: error: out of memory[^\n]*\n$", done.stderr), done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_first_process_of_a_container(tmp_path):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        command = ["unshare", "--pid", "--fork", "--kill-child", GEMMAC, *COMPILE, "-o", tmp_path / "program"]
        child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(0.4)
        try:
            with open(f"/proc/{child.pid}/task/{child.pid}/children") as file:
                first = file.read().split()
            if not first:
                pytest.skip(f"no PID namespaces here, or too fast: {child.communicate(timeout=60)[1].strip()}")
            os.kill(int(first[0]), number)
            child.communicate(timeout=10)
        finally:
            child.kill()
            child.wait()
        assert child.returncode in (128 + number, 0)
        if child.returncode:
            assert list(tmp_path.iterdir()) == []
        (tmp_path / "program").unlink(missing_ok=True)


def test_options_given_twice(tmp_path):
    twice = ["--weights", "q8", "--context", "64", "--context", "32", "-o", tmp_path / "first", "-o", tmp_path / "last"]
    assert gemmac(*PLAN, *twice).returncode == 0
    assert gemmac(*PLAN[:2], *PLAN[4:], "--weights", "q8", "--context", "32", "-o", tmp_path / "once").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last", "once"]
    assert (tmp_path / "last").read_text() == (tmp_path / "once").read_text()
    for arguments, text in (
        ([*COMPILE, "-o"], "--output: needs a value"),
        ([*COMPILE, str(MODEL), "-o", "x"], "not expected"),
        ([*COMPILE, "-o", "x", "--context", "0"], "got '0', expected a whole number above 0"),
        ([], "expected a command: compile, targets or inspect"),
    ):
        done = gemmac(*arguments)
        assert done.returncode == 2 and text in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_names_with_control_characters(tmp_path):
    """Names that come with a checkpoint or the command line do not command a terminal."""
    name = "m\x1b[2J\x9b\u202e"
    done = gemmac("inspect", tmp_path / name)
    assert done.returncode == 3 and not re.search("[\x1b\x9b\u202e]", done.stderr)
    folder = shutil.copytree(MODEL, tmp_path / name)
    done = gemmac("inspect", folder)
    assert done.returncode == 0 and not re.search("[\x1b\x9b\u202e]", done.stdout)
