"""Descriptors that are closed, full, endless or non-blocking; limits; signals of a container's first process."""

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

from demo import BOS, CONTEXT, TestCase, demo, run, start
from test_image import enter


def endless(data):
    """A pipe that yields `data` as long as somebody reads; returns the reading end."""
    reader, writer = os.pipe()

    def write():
        block = data * (65536 // len(data))
        try:
            while True:
                os.write(writer, block)
        except BrokenPipeError:
            os.close(writer)

    threading.Thread(target=write, daemon=True).start()
    return reader


class Closed(TestCase):
    def test_closed_standard_input_is_empty(self):
        done = start(closed=[0])
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, "^demo-[^\n]*: error: the prompt is empty[^\n]*\n$")
        self.assertEqual(start("tokenize", closed=[0]).stdout, "\n")
        self.assertEqual(start("-p", "hi", "-q", closed=[0]).stdout, "hello there.\n")
        self.assertEqual(start("score", "--ids", "-", closed=[0]).returncode, 2)

    def test_closed_standard_output_is_an_error(self):
        for command in (["-p", "hi"], ["info"], ["--help"], ["--version"], ["bench", "-p", "4", "-n", "2", "--json"]):
            done = start(*command, closed=[1])
            self.assertEqual(done.returncode, 4, command)
            self.assertRegex(done.stderr, "^demo-[^\n]*: error: cannot write to standard output: [^\n]*\n$")

    def test_closed_standard_error_is_none(self):
        for closed in ([2], [0, 2]):
            done = start("-p", "hi", closed=closed)
            self.assertEqual((done.returncode, done.stdout), (0, "hello there.\n"))
        self.assertEqual(start("-p", "hi", closed=[0, 1, 2]).returncode, 4)

    def test_files_do_not_land_on_them(self):
        """A file that is opened for writing must not get the number of a closed descriptor."""
        ids, out = self.folder / "ids", self.folder / "out.npy"
        ids.write_text(f"{BOS} 5 6")
        for closed in ([0], [0, 2], [2]):
            self.assertEqual(start("score", "--ids", ids, "--logits", out, closed=closed).returncode, 0)
            self.assertEqual(out.read_bytes()[:6], b"\x93NUMPY")
            out.unlink()

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_without_devices(self):
        shutil.copy(demo(), self.folder / "prog")

        def prepare():
            enter(self.folder)()
            os.closerange(0, 3)

        done = subprocess.run(["/prog", "-p", "hi"], preexec_fn=prepare, timeout=30, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 4)  # standard output is closed


class Full(TestCase):
    def test_full_standard_error_fails_nothing(self):
        with open("/dev/full", "w") as full:
            done = start("-p", "hi", stderr=full)
        self.assertEqual((done.returncode, done.stdout), (0, "hello there.\n"))

    def test_no_file_where_the_results_cannot_be_printed(self):
        (self.folder / "ids").write_text(f"{BOS} 5 6")
        with open("/dev/full", "w") as full:
            done = start("score", "--ids", self.folder / "ids", "--logits", self.folder / "out.npy", stdout=full)
        self.assertEqual(done.returncode, 4)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["ids"])

    def test_file_size_limit(self):
        (self.folder / "ids").write_text(f"{BOS} " + "5 " * 20)
        few = [(resource.RLIMIT_FSIZE, (1024, 1024))]
        done = start("score", "--ids", self.folder / "ids", "--logits", self.folder / "out.npy", limits=few)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "^[^\n]*cannot write '[^\n]*out.npy': File too large\n$")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["ids"])
        with open(self.folder / "answer", "w") as file:
            done = start("-p", "L", "--ids", limits=few, stdout=file)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "cannot write to standard output: File too large\n$")


class NonBlocking(TestCase):
    def pipe(self):
        """A small non-blocking pipe: (reader, writer)."""
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        return reader, writer

    def read_slowly(self, reader):
        got = b""
        time.sleep(0.3)
        while data := os.read(reader, 500):
            got += data
        os.close(reader)
        return got

    def test_output_waits_until_all_is_written(self):
        ids = " ".join(["300"] * 9000)
        (self.folder / "ids").write_text(ids)
        for command in (["detokenize"], ["tokenize"], ["--help"]):
            expected = run(*command, input=ids).stdout.encode()
            reader, writer = self.pipe()
            with open(self.folder / "ids") as file:
                child = subprocess.Popen([demo(), *command], stdin=file, stdout=writer)
            os.close(writer)
            self.assertEqual(self.read_slowly(reader), expected)
            self.assertEqual(child.wait(20), 0)

    def test_notices_too(self):
        reader, writer = self.pipe()
        os.write(writer, b"x" * 4096)
        child = subprocess.Popen([demo(), "-p", "hi"], stdout=subprocess.DEVNULL, stderr=writer)
        os.close(writer)
        self.assertRegex(self.read_slowly(reader), rb"^x{4096}demo-\S+: 11 prompt tokens .*\n$")
        self.assertEqual(child.wait(20), 0)

    def test_input_waits_for_more(self):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        child = subprocess.Popen([demo(), "-q"], stdin=reader, stdout=subprocess.PIPE)
        os.close(reader)
        for part in (b"h", b"i", b"\n"):
            time.sleep(0.1)
            os.write(writer, part)
        os.close(writer)
        self.assertEqual(child.communicate(timeout=20)[0], b"hello there.\n")


class Endless(TestCase):
    """What comes on standard input may have no end."""

    def refuse(self, code, pattern, *arguments, data):
        reader = endless(data)
        begin = time.monotonic()
        limits = [(resource.RLIMIT_AS, (400 << 20, 400 << 20))]
        done = start(*arguments, stdin=reader, limits=limits)
        os.close(reader)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, f"^demo-[^\n]*: error: [^\n]*{pattern}[^\n]*\n$")
        self.assertLess(time.monotonic() - begin, 20)

    def test_prompts(self):
        for data in (b"\0", b"hello world\n", b"a", b" x", b"\n", b"\xff", b"\x80", "日本".encode(), b"<bos>"):
            for options in ([], ["--raw"], ["--raw", "--special"]):
                self.refuse(6, f"more than {CONTEXT} tokens, but the context holds {CONTEXT}", *options, data=data)

    def test_ids(self):
        self.refuse(6, "tokens, but the context holds", "--prompt-ids", "-", data=b"300 ")
        self.refuse(6, "tokens, but the context holds", "score", "--ids", "-", data=b"300\n")
        for command in (["--prompt-ids", "-"], ["score", "--ids", "-"], ["detokenize"]):
            self.refuse(2, r"token 1 is '\^@\^@", *command, data=b"\0")
            self.refuse(2, "token 1 is '111", *command, data=b"1")

    def test_large_inputs_are_streamed(self):
        """20 MB in less memory than they take."""
        limits = [(resource.RLIMIT_AS, (60 << 20, 60 << 20))]
        text = self.folder / "text"
        for line in (b"hello world this is text\n", b"\0\0\0\0\0\0\0\0\n"):
            text.write_bytes(line * (2000000 // len(line)))
            with open(text) as file:
                done = start("tokenize", stdin=file, limits=limits, stdout=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        ids = self.folder / "ids"
        ids.write_text("300 301 " * 1000000)
        with open(ids) as file:
            done = start("detokenize", stdin=file, limits=limits)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout), 2000000)

    def test_what_fits_is_read_whole(self):
        text = " \n" * 100000 + "hi" + "\n" * 10
        self.assertEqual(self.succeed(input=text), "hello there.\n")

    def test_out_of_memory_is_an_error(self):
        limits = [(resource.RLIMIT_AS, (3 << 20, 3 << 20))]
        done = start("info", limits=limits)
        self.assertIn(done.returncode, (0, 4, -signal.SIGKILL, -signal.SIGSEGV))  # the loader itself may have no room
        limits = [(resource.RLIMIT_AS, (24 << 20, 24 << 20))]
        ids = self.folder / "ids"
        ids.write_text("300\n" * 3000000)
        done = start("score", "--lines", "--ids", ids, limits=limits)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "^error: out of memory[^\n]*\n$")


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root and unshare")
class FirstProcess(TestCase):
    def spawn(self, *arguments):
        command = ["unshare", "--pid", "--fork", "--kill-child", demo(), *arguments]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (child.stdout.close(), child.stderr.close()))
        if not child.stdout.read(1):
            child.wait(20)
            self.skipTest(f"no PID namespaces here: {child.stderr.read().decode().strip()}")
        with open(f"/proc/{child.pid}/task/{child.pid}/children") as file:
            return child, int(file.read().split()[0])

    def test_signals_end_it(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGINT):
            child, first = self.spawn("-p", "S", "-q")
            os.kill(first, number)
            try:
                self.assertEqual(child.wait(5), 128 + number)
            finally:
                child.kill()
                child.wait()


if __name__ == "__main__":
    unittest.main()
