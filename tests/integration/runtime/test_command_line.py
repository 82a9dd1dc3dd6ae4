"""Options as people give them: twice, out of range, without a value; notes on what has no effect."""

import json
import unittest
from pathlib import Path

from demo import TestCase, run

MEDIA = Path(__file__).resolve().parents[2] / "data" / "media"


class Options(TestCase):
    def test_given_twice_the_last_counts(self):
        hot = ("-p", "L", "--ids", "-n", 30, "--temperature", 2)
        self.assertEqual(self.succeed(*hot, "--seed", 1, "--seed", 2), self.succeed(*hot, "--seed", 2))
        self.assertEqual(self.succeed(*hot, "--temperature", 0), self.succeed("-p", "L", "--ids", "-n", 30))
        self.assertEqual(self.succeed("-p", "E", "-p", "hi", "-n", 9, "--tokens", 5, "-q", "-q"), "hello\n")
        self.assertEqual(self.succeed("-p", "hi", "--stop", "there", "--stop", "zzz"), "hello \n")  # all of these
        report = json.loads(self.succeed("bench", "-t", 3, "-t", 1, "-p", 4, "-n", 2, "--json"))
        self.assertEqual(report["threads"], 1)

    def test_messages_that_a_person_would_write(self):
        for options, text in (
            (("--top-k", -1), "--top-k: '-1' is not a whole number of at least 0"),
            (("-n", 0), "--tokens: '0' is not a whole number above 0"),
            (("-n", -1), "--tokens: '-1' is not a whole number above 0"),
            (("-n", "1e3"), "--tokens: '1e3' is not a whole number above 0"),
            (("-n", "9" * 400), "is too large"),
            (("-t", 5000), "--threads: '5000' is not a whole number from 1 to 1024"),
            (("--chunk", "x"), "--chunk: 'x' is not a whole number above 0"),
            (("--context", 0), "--context: '0' is not a whole number above 0"),
            (("--temperature", "warm"), "--temperature: 'warm' is not a number from 0 to 1000"),
            (("--temperature",), "--temperature: needs a value"),
            (("--seed", "-"), "--seed: '-' is no seed"),
        ):
            done = self.fail_with(2, text, "-p", "hi", *options)
            self.assertLess(len(done.stderr), 200, done.stderr)
        for command, name in (("bench", "-p"), ("bench", "-n"), ("bench", "--depth"), ("score", "--prefill")):
            self.fail_with(2, f"{name}: '-1' is not a whole number of at least 0", command, name, -1)
        self.fail_with(2, "--verify: '1' is not a whole number from 2 to 64", "bench", "--verify", 1)
        self.fail_with(2, "--window: '0' is not a whole number above 0", "score", "--window", 0)

    def test_media(self):
        picture = MEDIA / "3x5.png"
        sees, hears = "compiled without a vision tower; it reads no pictures", "compiled without an audio tower"
        self.fail_with(2, sees, "-p", "hi", "--image", picture)
        self.fail_with(2, hears, "-p", "hi", "--audio", MEDIA / "channels2.wav")
        self.fail_with(2, sees, "-p", "hi", "--image", picture, "--audio", "/nope")  # in their order
        self.fail_with(4, "cannot open '/nope'", "-p", "hi", "--audio", "/nope", "--image", picture)
        self.fail_with(4, "it begins like no picture", "-p", "hi", "--image", MEDIA / "channels2.wav")
        self.fail_with(2, "need the chat format", "-p", "hi", "--raw", "--image", picture)
        for words in (["--image", "-"], ["-p", "hi", "--image", "-", "--audio", "-"]):
            self.fail_with(2, "'-' takes all of standard input", *words)
        self.fail_with(
            2, "--image-tokens: '1121' is not a whole number from 1 to 1120", "-p", "hi", "--image-tokens", 1121
        )
        with picture.open("rb") as file:
            done = run("-p", "hi", "--image", "-", stdin=file)
        self.assertIn("standard input: this program was " + sees, done.stderr)

    def test_videos(self):
        sees = "compiled without a vision tower; it reads no pictures"
        for video in (MEDIA / "frames0.gif", MEDIA / "422.y4m"):
            self.fail_with(2, sees, "-p", "hi", "--video", video)
            with video.open("rb") as file:
                done = run("-p", "hi", "--video", "-", stdin=file)
            self.assertIn("standard input: this program was " + sees, done.stderr)
        self.fail_with(
            2,
            "4 frames are asked for, it has 3; give fewer --frames",
            "-p",
            "hi",
            "--video",
            MEDIA / "422.y4m",
            "--frames",
            4,
        )
        self.fail_with(2, "show it with --image or /image", "-p", "hi", "--video", MEDIA / "3x5.png")
        self.fail_with(4, "no file in it ends in .jpg, .jpeg, .png, .webp or .gif", "-p", "hi", "--video", self.folder)
        for words in (["--video", MEDIA / "s16.wav"], ["--audio", MEDIA / "3x5.png"]):
            self.fail_with(4, "there is no program '/nope'", "-p", "hi", *words, "--ffmpeg", "/nope")
            done = run("-p", "hi", *words, env={"PATH": str(self.folder)})
            self.assertEqual(done.returncode, 4)
            self.assertIn(
                "there is no program 'ffmpeg' in PATH; install it or name its file with --ffmpeg", done.stderr
            )
        self.fail_with(2, "--frames: '0' is not a whole number above 0", "-p", "hi", "--frames", 0)
        self.fail_with(2, "--frame-rate: '0' is not a number from 0.001 to 1000", "-p", "hi", "--frame-rate", 0)

    def test_seeds(self):
        hot = ("-p", "L", "-n", 30, "--temperature", 2, "--ids")
        self.assertNotEqual(self.succeed(*hot, "--seed", -1), self.succeed(*hot, "--seed", -1))
        self.assertRegex(run(*hot, "--seed", -7).stderr, r"seed \d{1,10}\n$")
        self.assertIn("seed 18446744073709551615", run(*hot, "--seed", 2**64 - 1).stderr)
        self.fail_with(2, "--seed: '18446744073709551616' is too large", *hot, "--seed", 2**64)

    def test_control_tokens_in_raw_text_are_noted(self):
        note = "note: <bos> in the prompt is read as plain text; --special reads it as the control token"
        done = run("-p", "<bos>L", "--raw", "-n", 3)
        self.assertIn(note, done.stderr)
        for options in (["-q"], ["--special"]):
            self.assertNotIn("note", run("-p", "<bos>L", "--raw", "-n", 3, *options).stderr)
        self.assertNotIn("note", run("-p", "<b>L", "--raw", "-n", 3).stderr)


if __name__ == "__main__":
    unittest.main()
