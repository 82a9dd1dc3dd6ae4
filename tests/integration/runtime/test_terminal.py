"""Keys, pastes and the state of the terminal in a chat; what a model writes to it."""

import fcntl
import os
import select
import signal
import struct
import termios
import time
import unittest

from demo import TestCase, Terminal, demo


class Keys(TestCase):
    def chat(self, *arguments, columns=0, rows=0, term="xterm", **environment):
        """A chat that shows its first prompt."""
        before = {name: os.environ.get(name) for name in ("TERM", *environment)}
        os.environ.update(environment, TERM=term)
        try:
            terminal = Terminal("-q", *arguments)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
        self.addCleanup(terminal.close)
        if columns:
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        terminal.start = terminal.expect("> ")
        return terminal

    def flags(self, terminal):
        return termios.tcgetattr(terminal.fd)[3]

    def test_editing(self):
        chat = self.chat()
        for keys in ("xH\x01\x1b[3~", "ü\x7fH", "H hi\x17\x7f", "日本\x7f\x7fH", "hiX\x15H", "H\x01\x0bH"):
            chat.send(keys + "\r")
            chat.expect("\r\n[b-z]\r\n> ")  # H answers with one letter, anything else with more

    def test_long_lines_are_whole(self):
        """Beyond the 4095 bytes of the system's own lines."""
        for bytes_ in (4095, 5000, 20000):
            chat = self.chat()
            data = "a" * bytes_ + "\n"
            for begin in range(0, len(data), 1000):
                chat.send(data[begin : begin + 1000])
            chat.expect(f"needs {bytes_ + 9} tokens", timeout=10)

    def test_a_paste_is_one_message(self):
        chat = self.chat()
        self.assertIn("\x1b[?2004h", chat.start)
        chat.send("\x1b[200~H\rH\nE\x1b[201~")
        time.sleep(0.1)
        chat.send("\r")
        chat.expect("h\U0001f600i\r\n> ")
        chat.send("H\r")
        chat.expect("\r\nc\r\n> ")  # the second turn

    def test_a_large_paste(self):
        chat = self.chat(columns=60, rows=10)
        text = "".join(f"line {i}\r" for i in range(3000))
        data = f"\x1b[200~{text}\x1b[201~\r"
        for begin in range(0, len(data), 1000):
            chat.send(data[begin : begin + 1000])
        tokens = int(chat.expect(r"needs \d+ tokens", timeout=20).split()[-2])
        self.assertGreater(tokens, 20000)

    def test_lines_typed_ahead_are_messages(self):
        chat = self.chat()
        chat.send("H\rH\nH\r\n")  # without the marks of a paste
        for letter in "bcd":
            chat.expect(f"\r\n{letter}\r\n> ")

    def test_history(self):
        chat = self.chat()
        for message, answer in (("H", "b"), ("E", "h\U0001f600i")):
            chat.send(message + "\r")
            chat.expect(f"\r\n{answer}\r\n> ")
        chat.send("dra\x1b[A\x1b[A\x1b[B\x1b[Bft\x15\x1b[A\x1b[A\r")
        chat.expect("\r\nd\r\n> ")  # H again

    def test_wide_and_long_text_on_the_screen(self):
        """What is drawn, replayed on a screen of 20 columns."""
        chat = self.chat(columns=20, rows=6)
        chat.send("日本語" * 4)  # 24 columns behind the mark
        time.sleep(0.2)
        chat.send("\x01x\x05y")
        time.sleep(0.2)
        shown = self.drain(chat)
        screen, cursor = replay("> " + shown, 20)
        self.assertEqual(screen, ["> x日本語日本語日本", "語日本語y"])
        self.assertEqual(cursor, (1, 9))

    def drain(self, terminal, wait=0.3):
        shown = terminal.seen
        while select.select([terminal.fd], [], [], wait)[0]:
            shown += os.read(terminal.fd, 65536).decode()
        return shown

    def test_terminal_is_given_back(self):
        def leave_by(*keys, code=0):
            chat = self.chat()
            before = self.flags(chat)
            self.assertFalse(before & termios.ICANON)
            keeper = os.dup(chat.fd)  # the modes are the terminal's
            for key in keys:
                chat.send(key)
                time.sleep(0.1)
            if code > 128 and not keys:
                os.kill(chat.pid, code - 128)
            shown = b""
            end = time.monotonic() + 10
            while b"\x1b[?2004l" not in shown and time.monotonic() < end:
                if select.select([chat.fd], [], [], 0.2)[0]:
                    try:
                        shown += os.read(chat.fd, 4096)
                    except OSError:
                        break
            self.assertIn(b"\x1b[?2004l", shown)
            self.assertEqual(chat.wait(), code)
            self.assertTrue(termios.tcgetattr(keeper)[3] & termios.ICANON, keys or code)
            self.assertTrue(termios.tcgetattr(keeper)[3] & termios.ECHO)
            os.close(keeper)

        leave_by("/exit\r")
        leave_by("\x04")
        leave_by("\x03", "\x03", code=130)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT):
            leave_by(code=128 + number)

    def test_stopped_and_continued(self):
        """Ctrl-Z under a shell gives the terminal back, fg takes it again."""
        modes = 'stty -a | tr " " "\\n" | grep -c "^icanon"'
        script = f'set -m; "$0" -q; echo stopped:$({modes}); fg >/dev/null; echo "left $?"'
        terminal = Terminal("-c", script, demo(), program="/bin/bash")
        self.addCleanup(terminal.close)
        terminal.expect("> ")
        terminal.send("some")
        terminal.expect("some")
        terminal.send("\x1a")
        terminal.expect("stopped:1")
        terminal.expect("> some")  # drawn again
        terminal.send("\x15H\r")
        terminal.expect("\r\nb\r\n> ")
        terminal.send("\x04")
        terminal.expect("left 0")

    def test_dumb_terminals_get_no_codes(self):
        chat = self.chat(term="dumb")
        chat.send("T\n")
        shown = chat.start + chat.expect("ok\r\n> ")
        self.assertNotIn("\x1b", shown)
        self.assertIn("do\r\nok", shown)
        chat.send("a" * 5000)
        time.sleep(0.5)  # the system takes in what fits before the line ends
        chat.send("\n")
        chat.expect("a line was cut: the terminal holds 4094 bytes")
        chat.expect("> ")
        chat.send("H\n")
        chat.expect("\r\nc\r\n> ")

    def test_no_color(self):
        chat = self.chat(NO_COLOR="1")
        chat.send("T\r")
        self.assertNotIn("\x1b[2m", chat.expect("ok\r\n> "))

    def test_a_backslash_goes_on(self):
        chat = self.chat()
        chat.send("one\\\r")
        chat.expect("\n  ")
        chat.send("H\x1b\rE\r")
        chat.expect("h\U0001f600i\r\n> ")


def replay(codes, columns):
    """The rows and the cursor of a terminal that got `codes`: enough of one for what an editor draws."""
    rows, row, column, at = [{}], 0, 0, 0
    while at < len(codes):
        c = codes[at]
        at += 1
        if c == "\x1b":
            end = at + 1
            while not codes[end].isalpha():
                end += 1
            number = codes[at + 1 : end]
            count = int(number) if number.isdigit() else 1
            if codes[end] == "A":
                row -= count
            elif codes[end] == "C":
                column += count
            elif codes[end] == "J":
                rows = rows[: row + 1]
                rows[row] = {k: v for k, v in rows[row].items() if k < column}
            at = end + 1
        elif c == "\r":
            column = 0
        elif c == "\n":
            row, rows = row + 1, rows + [{}] * (row + 2 - len(rows))
        else:
            width = 2 if ord(c) > 0x2E80 else 1
            if column + width > columns:
                row, column = row + 1, 0
                rows = rows + [{}] * (row + 1 - len(rows))
            rows[row] = {**rows[row], column: c}
            column += width
    return ["".join(line[k] for k in sorted(line)) for line in rows], (row, column)


class Controls(TestCase):
    """The demo's mode C writes ESC, BEL, U+009B and U+202E."""

    def test_shown_on_a_terminal(self):
        terminal = Terminal("-p", "C", "-q")
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.expect("\r\n"), "^[a^Gb<U+009B><U+202E>c\r\n")

    def test_shown_in_a_chat(self):
        terminal = Terminal("-q")
        self.addCleanup(terminal.close)
        terminal.expect("> ")
        terminal.send("C\r")
        terminal.expect(r"\r\n\^\[a\^Gb<U\+009B><U\+202E>c\r\n> ")

    def test_raw_in_a_pipe(self):
        self.assertEqual(self.succeed("-p", "C"), "\x1ba\x07b\x9b\u202ec\n")

    def test_detokenize_on_a_terminal(self):
        ids = self.succeed("tokenize", input="a\x1b[31mb\n")
        (self.folder / "ids").write_text(ids)
        script = f'exec "{demo()}" detokenize < "{self.folder}/ids"'
        terminal = Terminal("-c", script, program="/bin/sh")
        self.addCleanup(terminal.close)
        terminal.expect(r"a\^\[\[31mb\r\n")

    def test_errors_quote_it_visibly(self):
        done = self.fail_with(2, r"--isa a\^\[\[31mb\^Jc: no such level", "-p", "hi", "--isa", "a\x1b[31mb\nc")
        self.assertNotIn("\x1b", done.stderr)


if __name__ == "__main__":
    unittest.main()
