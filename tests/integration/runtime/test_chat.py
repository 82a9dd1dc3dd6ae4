"""The conversation on a terminal."""

import signal
import time
import os
import unittest

from demo import TestCase, Terminal


def wait_until(happened, timeout=20):
    end = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


class Chat(TestCase):
    def terminal(self, *arguments):
        terminal = Terminal(*arguments)
        self.addCleanup(terminal.close)
        return terminal

    def test_history_streaming_and_leaving(self):
        chat = self.terminal()
        self.assertIn("/help", chat.expect("\n> "))
        for letter in "bcd":  # H answers with the number of turns that it has seen
            chat.send("H\n")
            chat.expect(f"H\r\n{letter}\r\n> ")
        chat.send("/reset\n")
        chat.expect("> ")
        chat.send("H\n")
        chat.expect("\nb\r\n> ")
        chat.send("/exit\n")
        self.assertEqual(chat.wait(), 0)

    def test_help_unknown_commands_and_end_of_input(self):
        chat = self.terminal("-q")
        chat.expect("> ")
        chat.send("/help\n")
        chat.expect("/reset .*\n(.*\n)+> ")
        chat.send("/nope\n")
        chat.expect("no command '/nope'; /help lists them\r\n> ")
        for word in ("image", "audio", "video"):
            chat.send(f"/{word} /no such file\n")
            chat.expect("cannot open '/no such file': No such file or directory\r\n> ")
        chat.send("\n")
        chat.expect("> ")
        chat.send("\x04")
        self.assertEqual(chat.wait(), 0)

    def test_ctrl_c_stops_a_video_and_what_reads_it(self):
        film, tool, mark = self.folder / "film.mp4", self.folder / "tool", self.folder / "pid"
        film.write_bytes(b"no film")
        tool.write_text(f"#!/bin/sh\necho $$ > {mark}.new; mv {mark}.new {mark}\nexec sleep 100\n")
        tool.chmod(0o755)
        chat = self.terminal("-q", "--ffmpeg", tool)
        chat.expect("> ")
        for _ in range(2):
            mark.unlink(missing_ok=True)
            chat.send(f"/video {film}\n")
            wait_until(mark.exists)
            chat.send("\x03")
            chat.expect("stopped\r\n> ")
            with self.assertRaises(ProcessLookupError):
                os.kill(int(mark.read_text()), 0)
        chat.send("E\n")
        chat.expect("h\U0001f600i\r\n> ")

    def test_lines_that_go_on(self):
        chat = self.terminal("-q")
        chat.expect("> ")
        chat.send("one\\\n")
        chat.expect("\n  ")
        chat.send("E\n")
        chat.expect("h\U0001f600i\r\n> ")

    def test_thoughts_are_dimmed_or_hidden(self):
        chat = self.terminal("-q")
        chat.expect("> ")
        chat.send("T\n")
        chat.expect("\x1b\\[2mdo\x1b\\[0m\r\nok\r\n> ")
        hidden = self.terminal("-q", "--hide-thoughts")
        hidden.expect("> ")
        hidden.send("T\n")
        hidden.expect("T\r\nok\r\n> ")

    def test_ctrl_c_stops_the_answer_and_the_chat_goes_on(self):
        chat = self.terminal("-q")
        chat.expect("> ")
        chat.send("S\n")
        chat.expect("abc")
        chat.send("\x03")
        chat.expect("stopped\r\n> ")
        chat.send("H\n")  # the history is whole: this is the second turn
        chat.expect("\nc\r\n> ")
        chat.send("/exit\n")
        self.assertEqual(chat.wait(), 0)

    def test_ctrl_c_twice_leaves(self):
        chat = self.terminal("-q")
        chat.expect("> ")
        chat.send("\x03")
        chat.expect("Press Ctrl-C again or type /exit to leave.\r\n> ")
        chat.send("\x03")
        self.assertEqual(chat.wait(), 130)

    def test_ctrl_c_once_then_a_message(self):
        chat = self.terminal("-q")
        chat.expect("> ")
        chat.send("\x03")
        chat.expect("to leave.\r\n> ")
        chat.send("H\n")
        chat.expect("\nb\r\n> ")
        chat.send("\x03")
        chat.expect("to leave.\r\n> ")

    def test_context_fills_up(self):
        chat = self.terminal("-q", "--context", 40)
        chat.expect("> ")
        chat.send("hi\n")
        chat.expect("hello there.\r\n> ")
        chat.send("a longer message\n")
        chat.expect("this message needs \\d+ tokens, but only \\d+ of the context's 40 are left.*/reset")
        chat.expect("> ")
        chat.send("/reset\n")
        chat.expect("> ")
        chat.send("L\n")
        chat.expect("the context is full; /reset starts a new conversation\r\n> ")

    def test_a_terminal_that_goes_away(self):
        chat = Terminal("-q")
        chat.expect("> ")
        pid = chat.pid
        os.close(chat.fd)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.assertTrue(os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGHUP)
                return
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.fail("still running")


if __name__ == "__main__":
    unittest.main()
