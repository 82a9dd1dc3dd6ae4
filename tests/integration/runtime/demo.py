"""What the tests of the runtime share: the demo programs (tests/unit/runtime/demo) and ways to run them.

Standard library only. GEMMAC_BUILD names the build folder, default: build/ in the project."""

import os
import platform
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("GEMMAC_BUILD", ROOT / "build")).resolve()
DEMOS = BUILD / "tests" / "demo"
VOCAB, CONTEXT, CHUNK = 336, 512, 32
BOS, TURN_CLOSE, LOWER_A = 2, 5, 268


def target_of_this_machine():
    return "aarch64-linux" if platform.machine() == "aarch64" else "x86_64-linux"


def demo(target=None):
    """Path of the demo program for a target."""
    program = DEMOS / f"demo-{target or target_of_this_machine()}"
    assert program.exists(), f"no {program}: build the target gemmac-runtime-demos, or set GEMMAC_BUILD"
    return program


def launcher(target):
    """How to run programs of a target here; None when this machine cannot."""
    if target == target_of_this_machine():
        return []
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    return [qemu] if target == "aarch64-linux" and qemu else None


def run(*arguments, program=None, launch=(), text=True, **options):
    """Runs the demo program with its output captured."""
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("timeout", 60)
    command = [*launch, str(program or demo()), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=text, **options)


def start(*arguments, program=None, closed=(), limits=(), **options):
    """A program, the demo unless another is named, with descriptors closed and limits set; returns it finished."""

    def prepare():
        for limit in limits:
            resource.setrlimit(*limit)
        for fd in closed:
            os.close(fd)

    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 30, "text": True, **options}
    return subprocess.run([str(program or demo()), *map(str, arguments)], preexec_fn=prepare, **options)


class TestCase(unittest.TestCase):
    """With a temporary folder in `self.folder`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def succeed(self, *arguments, **options):
        """Standard output of a run that must end with 0."""
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fail_with(self, code, pattern, *arguments, **options):
        """A run that must end with `code` and exactly one line on standard error, which matches `pattern`."""
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done


class Terminal:
    """The program on a pseudo-terminal."""

    def __init__(self, *arguments, program=None):
        path = str(program or demo())
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execv(path, ["demo", *map(str, arguments)])
            finally:
                os._exit(127)
        self.seen = ""

    def expect(self, pattern, timeout=20):
        """Reads until `pattern` appears; returns what came up to its end and forgets it."""
        end = time.monotonic() + timeout
        while True:
            if found := re.search(pattern, self.seen):
                before = self.seen[: found.end()]
                self.seen = self.seen[found.end() :]
                return before
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            data = b""
            try:
                data = os.read(self.fd, 4096) if ready else b""
            except OSError:  # the program has closed the terminal
                pass
            if not data:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            self.seen += data.decode()

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, timeout=20):
        """The exit code; 128 + signal when a signal ended it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            if select.select([self.fd], [], [], 0.01)[0]:
                try:
                    os.read(self.fd, 4096)
                except OSError:
                    pass
        raise AssertionError("the program did not end")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
