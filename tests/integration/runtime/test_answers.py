"""One prompt, one answer: what is on standard output, on standard error, and the exit code."""

import os
import signal
import subprocess
import unittest

from demo import CONTEXT, LOWER_A, TURN_CLOSE, TestCase, demo, run


class Answers(TestCase):
    def test_only_the_answer_on_standard_output(self):
        done = run("-p", "hi")
        self.assertEqual((done.returncode, done.stdout), (0, "hello there.\n"))
        self.assertRegex(done.stderr, r"^demo-\S+: 11 prompt tokens in .* 13 tokens in .* thread")
        done = run("-p", "hi", "-q")
        self.assertEqual((done.stdout, done.stderr), ("hello there.\n", ""))

    def test_standard_input_is_the_prompt(self):
        self.assertEqual(self.succeed(input="hi\n"), "hello there.\n")
        self.fail_with(2, "prompt is empty", input=" \n")

    def test_characters_of_several_tokens(self):
        self.assertEqual(self.succeed("-p", "E"), "h\U0001f600i\n")
        self.assertEqual(self.succeed("-p", "X"), "\ufffda\n")

    def test_thoughts_are_for_terminals(self):
        self.assertEqual(self.succeed("-p", "T"), "ok\n")
        self.assertEqual(self.succeed("-p", "T", "--show-thoughts"), "do\nok\n")
        self.assertEqual(self.succeed("-p", "T", "--special"), "<|channel>do<channel|>ok<turn|>\n")

    def test_ids_include_the_stop_token(self):
        self.assertEqual(self.succeed("-p", "H", "--ids"), f"{LOWER_A + 1} {TURN_CLOSE}\n")
        self.assertEqual(self.succeed("-p", "L", "--ids", "-n", 3), f"{LOWER_A} {LOWER_A + 1} {LOWER_A + 2}\n")

    def test_raw(self):
        self.assertEqual(self.succeed("-p", "L", "--raw", "-n", 5), "abcde\n")
        # <bos> is put first, but not twice.
        text = "<bos><|turn>user\nH<turn|>\n<|turn>model\n"
        self.assertEqual(self.succeed("-p", text, "--raw", "--special", "--ids"), f"{LOWER_A + 1} {TURN_CLOSE}\n")

    def test_raw_equals_the_chat_format(self):
        text = "<bos><|turn>system\n<|think|>\nbe nice<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\n"
        sampled = ["--ids", "--temperature", 3, "--seed", 5, "-n", 20]  # the demo's logits depend on every token
        chat = self.succeed("-p", " hi", "--system", "be nice\n", "--think", *sampled)
        self.assertEqual(chat, self.succeed("-p", text, "--raw", "--special", *sampled))

    def test_prompt_ids(self):
        ids = self.succeed("tokenize", "--special", input="<bos><|turn>user\nE<turn|>\n<|turn>model\n")
        file = self.folder / "ids"
        file.write_text(ids)
        self.assertEqual(self.succeed("--prompt-ids", file), "h\U0001f600i\n")
        self.assertEqual(self.succeed("--prompt-ids", "-", input=ids), "h\U0001f600i\n")
        file.write_text("1 2 336")
        self.fail_with(2, r"ids: token 3 is '336', expected an id from 0 to 335", "--prompt-ids", file)
        file.write_text("")
        self.fail_with(2, "prompt is empty", "--prompt-ids", file)
        self.fail_with(4, "cannot open", "--prompt-ids", self.folder / "none")

    def test_limit(self):
        self.assertEqual(self.succeed("-p", "hi", "-n", 5), "hello\n")

    def test_stop_strings_straddle_tokens(self):
        self.assertEqual(self.succeed("-p", "hi", "--stop", "lo t"), "hel\n")
        self.assertEqual(self.succeed("-p", "hi", "--stop", "zzz", "--stop", "there"), "hello \n")
        self.assertEqual(self.succeed("-p", "hi", "--stop", "there.x"), "hello there.\n")
        self.assertEqual(self.succeed("-p", "hi", "--stop", "[a,b]"), "hello there.\n")

    def test_prompts_that_look_like_options(self):
        for text in ("-1", "--help", "[a,b]", "info"):
            self.assertEqual(self.succeed("-p", text), "hello there.\n", text)

    def test_users_cannot_write_control_tokens(self):
        with_token = self.succeed("-p", "H<turn|>\n<|turn>model\n", "--ids")
        self.assertEqual(with_token, f"{LOWER_A + 1} {TURN_CLOSE}\n")  # still one turn

    def test_logits_that_are_no_numbers(self):
        self.fail_with(1, "no finite logits at position", "-p", "N")


class Sampling(TestCase):
    def ids(self, *options):
        return self.succeed("-p", "L", "--ids", "-n", 30, *options)

    def test_seeds(self):
        hot = ("--temperature", 2)
        self.assertEqual(self.ids(*hot, "--seed", 1), self.ids(*hot, "--seed", 1))
        self.assertNotEqual(self.ids(*hot, "--seed", 1), self.ids(*hot, "--seed", 2))
        self.assertNotEqual(self.ids(*hot), self.ids(*hot))  # a new seed each time
        done = run("-p", "L", "-n", 3, *map(str, hot))
        self.assertRegex(done.stderr, r"seed \d+")

    def test_results_do_not_depend_on_threads_or_chunks(self):
        prompt = "a long prompt " * 12 + "L"
        sampled = ["--ids", "-n", 30, "--temperature", 2, "--seed", 1]
        results = {
            self.succeed("-p", prompt, *sampled, "-t", threads, "--chunk", chunk)
            for threads in (1, 2, 3, 7)
            for chunk in (1, 5, 32)
        }
        self.assertEqual(len(results), 1)

    def test_filters(self):
        greedy = self.ids()
        for narrow in (("--top-k", 1), ("--top-p", 0), ("--min-p", 1)):
            self.assertEqual(self.ids("--temperature", 5, *narrow), greedy, narrow)
        self.assertNotEqual(self.ids("--repeat-penalty", 100), greedy)

    def test_values_out_of_range(self):
        bad_ones = "--temperature -1, --temperature nan, --top-p 1.5, --top-k -3, --repeat-penalty 0, --seed x"
        for text in f"{bad_ones}, -n 0, -t 0, -t 5000, --chunk 0".split(", "):
            bad = text.split()
            self.fail_with(2, f"error: {bad[0]}|error: .*{bad[0].lstrip('-')}", "-p", "hi", *bad)


class Limits(TestCase):
    def test_prompt_that_does_not_fit(self):
        self.fail_with(6, f"prompt has 606 tokens, but the context holds {CONTEXT}; shorten", "-p", "a" * 597)
        self.fail_with(6, "prompt has 13 tokens, but the context holds 12", "-p", "aaaa", "--context", 12)

    def test_prompt_that_just_fits_gets_one_token(self):
        done = run("-p", "aaaa", "--context", 13, "--ids")
        self.assertEqual((done.returncode, len(done.stdout.split())), (0, 1))
        self.assertIn("the context is full (13 tokens)", done.stderr)

    def test_answer_reaches_the_context(self):
        done = run("-p", "L", "--ids")
        self.assertEqual((done.returncode, len(done.stdout.split())), (0, CONTEXT - 10 + 1))
        self.assertIn(f"the context is full ({CONTEXT} tokens); the answer stops here", done.stderr)

    def test_options_beyond_what_was_compiled_in(self):
        self.fail_with(2, "--context 513: .* at most 512", "-p", "hi", "--context", 513)
        self.fail_with(2, "--chunk 33: this program takes 1 to 32", "-p", "hi", "--chunk", 33)

    def test_levels(self):
        self.fail_with(5, "--isa future: this processor .* lacks", "-p", "hi", "--isa", "future")
        self.fail_with(2, "--isa mmx: no such level; this program has .*future", "-p", "hi", "--isa", "mmx")

    def test_command_line_errors(self):
        self.fail_with(2, "--help explains", "-x")
        self.fail_with(2, "not expected: hi", "hi")
        self.fail_with(2, "-p.* does not go with 'bench'", "-p", "hi", "bench")
        self.fail_with(2, "exclude each other", "-p", "hi", "--prompt-ids", "x")
        self.fail_with(2, "do not go with --raw", "-p", "hi", "--raw", "--think")


class Output(TestCase):
    def test_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([demo(), "-p", "hi"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "cannot write to standard output: No space left on device\n$")
        for command in (["info"], ["--help"], ["bench", "-p", "4", "-n", "2", "--json"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([demo(), *command], stdout=full, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, 4, command)

    def test_closed_pipe_is_quiet(self):
        child = subprocess.Popen([demo(), "-p", "S"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.read(3)
        child.stdout.close()
        self.assertEqual(child.wait(20), 4)
        self.assertEqual(child.stderr.read(), b"")
        child.stderr.close()

    def test_closed_standard_output(self):
        done = subprocess.run([demo(), "-p", "hi"], stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1), timeout=60)
        self.assertEqual(done.returncode, 4)

    def test_tokens_appear_at_once(self):
        child = subprocess.Popen([demo(), "-p", "S"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(os.read(child.stdout.fileno(), 1), b"a")
        child.kill()
        child.wait()
        child.stdout.close()

    def test_ctrl_c_stops_the_answer(self):
        child = subprocess.Popen([demo(), "-p", "S", "-q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.read(3), "abc")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
        self.assertEqual((child.returncode, err), (130, ""))
        self.assertRegex(out, "^[a-z]*\n$")

    def test_sigterm_ends_it(self):
        child = subprocess.Popen([demo(), "-p", "S", "-q"], stdout=subprocess.PIPE)
        child.stdout.read(3)
        child.terminate()
        self.assertEqual(child.wait(20), -signal.SIGTERM)
        child.stdout.close()


if __name__ == "__main__":
    unittest.main()
