"""info, tokenize, detokenize, bench and score."""

import json
import math
import signal
import struct
import subprocess
import time
import unittest

from demo import BOS, CONTEXT, VOCAB, TestCase, demo, run


def read_npy(path):
    """Rows of a two-dimensional float32 array in npy format 1.0."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    assert (10 + length) % 64 == 0
    header = eval(data[10 : 10 + length], {})  # a dictionary display, as numpy reads it
    assert header["descr"] == "<f4" and header["fortran_order"] is False
    rows, columns = header["shape"]
    values = struct.unpack(f"<{rows * columns}f", data[10 + length :])
    return [values[i * columns : (i + 1) * columns] for i in range(rows)]


def log_probability(row, token):
    highest = max(row)
    return row[token] - highest - math.log(sum(math.exp(value - highest) for value in row))


class Info(TestCase):
    def test_table_json_and_verification(self):
        text = self.succeed("info")
        for words in ("model      demo", "context    512 tokens", "336 tokens in the vocabulary", "(in use)"):
            self.assertIn(words, text)
        self.assertIn(
            "caches     layers 0-3, 5  sliding, window 512   f16   2 x 256       640 positions  3.00 MiB\n", text
        )
        self.assertIn("           layers 6       full                  read the cache of layer 4\n", text)
        self.assertIn("q4    2 x 512      4096 positions  1.00 MiB; 128 of a key, the rest from the value\n", text)
        self.assertEqual(json.loads(self.succeed("info", "--json")), {"name": "demo", "context": 512})
        self.assertIn("intact", run("info", "--verify").stderr)

    def test_help_and_version(self):
        self.assertIn("Examples", self.succeed("--help"))
        for command in ("info", "tokenize", "detokenize", "bench", "score"):
            self.assertIn("--help", self.succeed(command, "--help"))
        self.assertRegex(self.succeed("--version"), r"^gemmac \d+\.\d+\.\d+, runtime ABI \d+; demo")


class Tokens(TestCase):
    def test_round_trip(self):
        for text in ("", "a b", "user system\n", "h\u00e9\U0001f600 ", "tabs\tand\x00zero"):
            ids = self.succeed("tokenize", input=text)
            self.assertEqual(ids.count("\n"), 1)
            self.assertEqual(self.succeed("detokenize", input=ids), text)

    def test_control_tokens_only_on_request(self):
        text = "<|turn>user\nhi<turn|>"
        ids = self.succeed("tokenize", "--special", input=text).split()
        self.assertLess(len(ids), len(self.succeed("tokenize", input=text).split()))
        self.assertEqual(self.succeed("detokenize", "--special", input=" ".join(ids)), text)
        self.assertEqual(self.succeed("detokenize", input=" ".join(ids)), "user\nhi")
        self.assertEqual(self.succeed("detokenize", input=self.succeed("tokenize", input=text)), text)

    def test_bytes_that_are_no_text_survive_as_tokens(self):
        done = run("tokenize", input=b"a\xff\xc3", text=False)
        self.assertEqual(len(done.stdout.split()), 3)
        back = run("detokenize", input=done.stdout, text=False)
        self.assertEqual(back.stdout.decode(), "a\ufffd\ufffd")

    def test_bad_ids(self):
        self.fail_with(2, "standard input: token 2 is 'x'", "detokenize", input="5 x")


class Bench(TestCase):
    def test_json(self):
        report = json.loads(self.succeed("bench", "-p", 40, "-n", 8, "-t", 2, "--repetitions", 2, "--json"))
        self.assertEqual((report["threads"], report["prefill"]["tokens"], report["decode"]["tokens"]), (2, 40, 8))
        self.assertEqual(len(report["prefill"]["runs"]), 2)
        for speed in (report["prefill"], report["decode"]):
            self.assertGreater(speed["tokens_per_second"], 0)
        self.assertEqual(report["decode"]["weight_bytes_per_token"], 1000)
        self.assertGreater(report["peak_resident_bytes"], 1 << 19)
        self.assertNotIn("prefill", json.loads(self.succeed("bench", "-p", 0, "-n", 2, "--json")))

    def test_table_and_errors(self):
        self.assertRegex(self.succeed("bench", "-p", 8, "-n", 4), r"prefill .*tokens/s[^$]*decode .*tokens/s")
        misfit = "500 \\+ 20 tokens from position 0 on do not fit into the context of 512"
        self.fail_with(6, misfit, "bench", "-p", 500, "-n", 20)
        self.fail_with(6, "0 \\+ 20 tokens from position 493 on", "bench", "-p", 0, "-n", 20, "--depth", 493)
        deep = json.loads(self.succeed("bench", "-p", 8, "-n", 4, "--depth", 500, "--json"))
        self.assertEqual((deep["depth"], deep["prefill"]["tokens"], deep["decode"]["tokens"]), (500, 8, 4))
        self.fail_with(2, "nothing to measure", "bench", "-p", 0, "-n", 0)

    def test_verify(self):
        report = json.loads(self.succeed("bench", "-p", 0, "-n", 6, "--verify", 4, "--json"))["verify"]
        self.assertEqual((report["rows"], report["tokens"]), (4, 24))
        self.assertGreater(report["time_against_one_row"], 0)
        self.assertRegex(
            self.succeed("bench", "-p", 0, "-n", 4, "--verify", 2), r"a call with 2 rows takes .* as one row"
        )
        self.fail_with(2, "--verify compares with single tokens", "bench", "-n", 0, "--verify", 4)
        self.fail_with(2, "--verify 60: this program takes at most", "bench", "-n", 1, "--verify", 60)
        self.fail_with(6, "100 \\+ 500 tokens", "bench", "-p", 100, "-n", 100, "--verify", 4)

    def test_sequences(self):
        report = json.loads(
            self.succeed("bench", "-p", 40, "-n", 6, "--sequences", "1,2", "--repetitions", 2, "--json")
        )
        one, two = report["side_by_side"]
        self.assertEqual((one["sequences"], two["sequences"], len(two["runs"])), (1, 2, 2))
        self.assertEqual(one["tokens_per_second"], one["tokens_per_second_each"])
        self.assertAlmostEqual(two["tokens_per_second"], 2 * two["tokens_per_second_each"])
        self.assertEqual(two["kv_cache_bytes"], 2 * one["kv_cache_bytes"])
        text = self.succeed("bench", "-p", 0, "-n", 4, "--sequences", 2)
        self.assertRegex(text, r"together .*tokens/s  \(2 sequences, .* each; KV caches of .* at most\)")
        self.fail_with(2, "--sequences 3: this program holds 2 .*--slots 3", "bench", "--sequences", "1,3")
        self.fail_with(2, "--sequences compares how tokens are decoded", "bench", "-n", 0, "--sequences", 2)

    def test_roof(self):
        report = json.loads(self.succeed("bench", "-p", 4, "-n", 2, "--roof", "--repetitions", 2, "--json"))
        self.assertEqual(len(report["roof"]["runs"]), 2)
        self.assertGreater(report["roof"]["bytes_per_second"], 0)
        self.assertRegex(self.succeed("bench", "-n", 2, "--roof"), r"roof .*GB/s when nothing but read")

    def test_engine_options_before_and_after_the_command(self):
        for arguments in (("-t", 3, "bench"), ("bench", "-t", 3)):
            report = json.loads(self.succeed(*arguments, "-p", 4, "-n", 2, "--json"))
            self.assertEqual(report["threads"], 3)


class Score(TestCase):
    def setUp(self):
        super().setUp()
        self.ids = [BOS] + [(i * 7) % VOCAB for i in range(60)]
        self.file = self.folder / "ids"
        self.file.write_text(" ".join(map(str, self.ids)))
        self.out = self.folder / "out.npy"

    def logits(self, *options):
        self.succeed("score", "--ids", self.file, "--logits", self.out, *options)
        return read_npy(self.out)

    def test_logits_do_not_depend_on_how_tokens_are_fed(self):
        all_rows = self.logits()
        self.assertEqual((len(all_rows), len(all_rows[0])), (61, VOCAB))
        self.assertEqual(self.logits("--decode", "-t", 1), all_rows)
        self.assertEqual(self.logits("-t", 3), all_rows)
        for prefill in (1, 31, 60):
            self.assertEqual(self.logits("--prefill", prefill), all_rows[prefill:])
            self.assertEqual(self.logits("--prefill", prefill, "--chunk", 7), all_rows[prefill:])
        self.assertEqual(list(self.folder.glob("*.partial*")), [])

    def test_likelihood_agrees_with_the_logits(self):
        report = json.loads(self.succeed("score", "--ids", self.file, "--logits", self.out, "--json"))
        rows = read_npy(self.out)
        expected = [-log_probability(row, token) for row, token in zip(rows, self.ids[1:])]
        self.assertEqual(report["tokens"], 60)
        self.assertAlmostEqual(report["nll"], sum(expected) / 60, places=9)

    def test_text_in_windows_behind_bos(self):
        text = "hello there. user system model\n" * 20
        file = self.folder / "text"
        file.write_text(text)
        tokens = [int(word) for word in self.succeed("tokenize", input=text).split()]
        expected = []
        for begin in range(0, len(tokens), 50):
            window = tokens[begin : begin + 50]
            self.file.write_text(" ".join(map(str, [BOS, *window])))
            expected.append(sum(-log_probability(row, token) for row, token in zip(self.logits(), window)))
        for options in ((), ("--decode",)):
            report = json.loads(self.succeed("score", "--text", file, "--window", 50, "--json", *options))
            self.assertEqual(report["tokens"], len(tokens))
            self.assertEqual(len(report["window_nll_sums"]), len(expected))
            for got, want in zip(report["window_nll_sums"], expected):
                self.assertAlmostEqual(got, want, places=6)
        self.assertRegex(self.succeed("score", "--text", file), rf"^nll \d+\.\d+ per token over {len(tokens)} tokens")

    def test_errors(self):
        self.fail_with(2, "give either --ids FILE or --text FILE", "score")
        self.fail_with(2, "--prefill takes 61", "score", "--ids", self.file, "--prefill", 61)
        self.fail_with(2, "--logits and --prefill go with --ids", "score", "--text", self.file, "--logits", self.out)
        self.fail_with(4, "cannot open", "score", "--ids", self.folder / "none")
        self.fail_with(4, "cannot write", "score", "--ids", self.file, "--logits", self.folder / "no" / "out.npy")
        self.fail_with(4, "No space left", "score", "--ids", self.file, "--logits", "/dev/full")
        self.file.write_text("1 " * (CONTEXT + 1))
        self.fail_with(6, "has 513 tokens, but the context holds 512", "score", "--ids", self.file)

    def test_signals_leave_nothing_behind(self):
        slow = [293 + 19] * 500  # capital S: the demo takes its time for each row
        self.file.write_text(" ".join(map(str, [BOS, *slow])))
        for number in (signal.SIGINT, signal.SIGTERM):
            command = [demo(), "score", "--ids", self.file, "--logits", self.out, "--decode"]
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            end = time.monotonic() + 20
            while not list(self.folder.glob("*.partial*")) and time.monotonic() < end:
                time.sleep(0.01)
            child.send_signal(number)
            self.assertEqual(child.wait(20), 130 if number == signal.SIGINT else -signal.SIGTERM)
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["ids"])


if __name__ == "__main__":
    unittest.main()
