"""What people do with pictures and sounds: `media`, `bench`, and chats in which files are shown and dragged."""

import json
import os
import shlex
import shutil
import subprocess
import time
import wave

import numpy as np
import pytest

import random_checkpoint
import tower_shapes
from demo import Terminal
from support import CHECKPOINTS, GOLDENS, OUT, ROOT, compile_program, read_safetensors, record, run, succeed, write_once

PICTURE, SOUND = GOLDENS / "media/tiny-e-23-vision.png", GOLDENS / "media/tiny-e-27-audio.wav"


@pytest.fixture(scope="module")
def program():
    return compile_program(CHECKPOINTS / "tiny-e")


@pytest.fixture(scope="module")
def text_program():
    return compile_program(CHECKPOINTS / "tiny-e", extra=["--without", "image,audio"])


def fails(program, code, message, *words, **options):
    done = run(program, *words, **options)
    assert done.returncode == code, done.stderr
    assert message in done.stderr.decode() and done.stderr.count(b"\n") == 1 and not done.stdout


# -------------------------------------------------------------------------------- media
def test_media_tells_what_the_model_sees(program):
    picture, sound = json.loads(succeed(program, "media", PICTURE, SOUND, "--json"))
    assert picture == {
        "file": str(PICTURE),
        "width": 240,
        "height": 144,
        "resized_width": 480,
        "resized_height": 288,
        "columns": 30,
        "rows": 18,
        "tokens": 60,
        "most_tokens": 70,
        "kind": "picture",
    }
    assert (sound["kind"], sound["rate"], sound["tokens"], sound["cut"]) == ("sound", 16000, 32, False)
    assert sound["seconds"] == pytest.approx(20452 / 16000)
    assert json.loads(succeed(program, "media", "-", "--json", input=SOUND.read_bytes()))[0]["tokens"] == 32
    larger = json.loads(succeed(program, "media", PICTURE, "--image-tokens", 280, "--json"))[0]
    assert larger["tokens"] == larger["columns"] * larger["rows"] / 9 <= larger["most_tokens"] == 280
    lines = succeed(program, "media", PICTURE, SOUND).decode().splitlines()
    assert lines == [
        f"{PICTURE}  picture  240 x 144 pixels, seen as 480 x 288: 30 x 18 patches, 60 tokens of at most 70",
        f"{SOUND}   sound    1.28 s at 16000 Hz: 127 frames, 32 tokens",
    ]


def test_files_of_any_name(program, tmp_path):
    """What a parser of options may take for lists, flags or nothing."""
    for name in ("[a,b]", "[c]", "{}", "-q", "--json", "a b", " "):
        shutil.copy(PICTURE, tmp_path / name)
    files = ["[a,b]", "--image", "[c]", "{}", "--image=--json", "--", "-q", "--json", "a b", " "]
    done = subprocess.run([program, "media", "--json", *files], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    named = ["[a,b]", "[c]", "{}", "--json", "-q", "--json", "a b", " "]
    assert [one["file"] for one in json.loads(done.stdout)] == named


def test_long_sounds_are_cut_and_said_to_be(program, tmp_path):
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * 31))
    told = json.loads(succeed(program, "media", tmp_path / "long.wav", "--json"))[0]
    assert told["cut"] and (told["tokens"], told["seconds"], told["rate"]) == (750, 31, 8000)
    assert b"750 tokens; only the first 30 seconds are heard\n" in succeed(program, "media", tmp_path / "long.wav")


@pytest.mark.parametrize("prompt, file", [("23-vision", PICTURE), ("27-audio", SOUND)])
def test_soft_tokens_are_those_of_the_goldens(program, prompt, file, tmp_path):
    succeed(program, "media", file, "--soft", tmp_path / "soft.npy")
    expected = read_safetensors(GOLDENS / "tiny-e.soft.safetensors")[f"{prompt}.embeddings"]
    got = np.load(tmp_path / "soft.npy")
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-3)


def test_media_refuses_what_it_cannot_do(program, text_program, tmp_path):
    out = tmp_path / "soft.npy"
    cut = tmp_path / "cut.png"
    cut.write_bytes(PICTURE.read_bytes()[:200])
    fails(program, 4, "cannot open '/no/such'", "media", "/no/such", "--soft", out)
    fails(program, 4, "it begins like no picture in JPEG, PNG, WebP or GIF, no sound", "media", __file__)
    fails(program, 4, f"cannot read '{cut}' as a PNG picture", "media", PICTURE, cut, "--json")
    fails(program, 2, "--soft writes the soft tokens of one file, got 2", "media", PICTURE, SOUND, "--soft", out)
    fails(program, 2, "'-' takes all of standard input", "media", "-", "-")
    fails(program, 2, "media: name a file", "media")
    fails(program, 2, "--image-tokens", "media", PICTURE, "--image-tokens", 0)
    fails(text_program, 2, f"'{PICTURE}': this program was compiled without a vision tower", "media", PICTURE)
    fails(text_program, 2, "compiled without an audio tower", "media", SOUND, "--soft", out)
    fails(program, 4, "soft.npy", "media", PICTURE, "--soft", tmp_path / "none" / "soft.npy")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program, "media", PICTURE, "--soft", out], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.png"], "a file that is not complete was left"


# -------------------------------------------------------------------------------- bench
def test_bench_measures_the_towers(program):
    words = ["bench", "-p", 0, "-n", 0, "--repetitions", 2, "--image", "100x80", "--audio", 2, "--json"]
    told = json.loads(succeed(program, *words))
    picture, sound = told["media"]
    assert (picture["kind"], picture["what"], picture["function"]) == ("picture", "100 x 80 pixels", "encode_image_70")
    assert (sound["kind"], sound["what"], sound["tokens"]) == ("sound", "2 s", 50)
    for one in told["media"]:
        assert len(one["encode_runs"]) == len(one["prepare_runs"]) == 2
        assert 0 < one["encode_seconds"] < one["first_token_seconds"] and one["prepare_seconds"] > 0
        assert one["tokens_per_second"] == pytest.approx(one["tokens"] / one["encode_seconds"])
        assert one["multiply_adds_per_second"] > 0
    assert "prefill" not in told and "decode" not in told
    text = json.loads(succeed(program, "bench", "-p", 0, "-n", 1, "--repetitions", 1, "--json"))
    assert told["predicted_resident_bytes"] > text["predicted_resident_bytes"] and "media" not in text
    printed = succeed(program, "bench", "-p", 4, "-n", 2, "--repetitions", 1, "--image", "100x80").decode()
    assert "prefill " in printed and "picture  100 x 80 pixels, " in printed and "(attention not counted)" in printed


def test_bench_refuses(program, text_program):
    for size in ("100", "x", "0x5", "5x", "100x80x3", "1e3x5", "70000x1"):
        fails(program, 2, "expected WIDTHxHEIGHT", "bench", "--image", size)
    fails(program, 2, "--audio", "bench", "--audio", 0)
    fails(program, 2, "--image-tokens goes with --image", "bench", "--image-tokens", 70)
    fails(text_program, 2, "without a vision tower", "bench", "--image", "9x9")
    fails(program, 6, "a picture of ", "bench", "-p", 0, "-n", 0, "--image", "99x99", "--context", 30)


# -------------------------------------------------------------------------------- chat
class Chat(Terminal):
    def __init__(self, program, *words):
        super().__init__("--temperature", 0, *words, program=program)
        self.expect("> ")

    def say(self, line):
        """What comes after a line, up to the next prompt."""
        self.send(line + "\n")
        return self.expect("\r\n> ").replace("\x1b[2m", "").replace("\x1b[0m", "")


@pytest.fixture
def chat(program):
    chat = Chat(program)
    yield chat
    chat.close()


def test_a_picture_that_was_seen_is_not_encoded_again(chat):
    assert f"picture: {PICTURE.name}, 60 tokens; comes with the next message" in chat.say(f"/image {PICTURE}")
    assert "A yellow circle on a pink background." in chat.say("Describe the image.")
    chat.say("/reset")
    assert f"{PICTURE.name}, 60 tokens, seen before; comes" in chat.say(f"/image {PICTURE}")
    assert f"sound: {SOUND.name}, 32 tokens; comes" in chat.say(f"/audio {SOUND}")
    listed = chat.say("/media")
    assert f"picture: {PICTURE.name}, 60 tokens\r\n" in listed and f"sound: {SOUND.name}, 32 tokens\r\n" in listed
    assert "nothing but text comes with the next message" in chat.say("/media none")
    assert "32 tokens, seen before" in chat.say(f"/audio {SOUND}")
    assert "Three low beeps." in chat.say("What do you hear?")
    assert "nothing but text" in chat.say("/media")
    assert "/media none drops it" in chat.say("/media all")


def test_files_dragged_into_the_line(chat, tmp_path):
    spaced = tmp_path / "a yellow circle.png"
    shutil.copy(PICTURE, spaced)
    # As terminals write them: escaped, quoted, as an address.
    for path in (str(spaced).replace(" ", "\\ ") + " ", f"'{spaced}' ", spaced.as_uri()):
        answer = chat.say(f"Describe the image.{'' if path.startswith(' ') else ' '}{path}")
        assert f"picture: {spaced.name}, 60 tokens" in answer and "comes with" not in answer
        assert "A yellow circle on a pink background." in answer
        chat.say("/reset")
    # Alone it waits for words.
    assert "comes with the next message" in chat.say(str(spaced))
    assert "A yellow circle on a pink background." in chat.say("Describe the image.")


def test_other_paths_are_text(chat, text_program, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(PICTURE.read_bytes()[:100])
    assert "picture:" not in chat.say(f"What is {ROOT}/README.md?")
    assert "picture:" not in chat.say(f"What is {PICTURE}.jpg")
    assert "no command '/nope'" in chat.say("/nope")
    told = chat.say(f"Describe the image. {broken}")
    assert "as a PNG picture" in told and told.count("\n") == 2, "a message whose picture cannot be read was sent"
    other = Chat(text_program)
    assert "picture:" not in other.say(f"Describe the image. {PICTURE}")
    other.close()


@pytest.fixture(scope="module")
def slow_program():
    """With a tower that takes many seconds for a picture of the largest budget."""

    def write(folder):
        tower = tower_shapes.vision(patch_size=16, position_embedding_size=1024, num_hidden_layers=48)
        random_checkpoint.write(folder, random_checkpoint.text(), dtype="F32", vision=tower)

    return compile_program(write_once(OUT / "towers" / "slow", write))


def test_ctrl_c_ends_encoding(slow_program, tmp_path):
    chat = Chat(slow_program, "--image-tokens", 1120)
    chat.send(f"/image {PICTURE}\n")
    chat.expect("encoding, [0-9]+ %; Ctrl-C stops it", timeout=60)
    began = time.monotonic()
    chat.send("\x03")
    chat.expect("stopped\r\n> ")
    took = time.monotonic() - began
    record("seconds from Ctrl-C to the prompt while a picture is encoded", took)
    assert "nothing but text" in chat.say("/media")
    chat.send("/exit\n")
    assert chat.wait() == 0
    chat.close()
    once = Terminal("media", PICTURE, "--soft", tmp_path / "soft.npy", "--image-tokens", 1120, program=slow_program)
    once.expect("encoding, [0-9]+ %; Ctrl-C stops it", timeout=60)
    once.send("\x03")
    assert once.wait() == 130
    once.close()
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------- example
def test_the_transcript_of_the_example_is_true():
    """Every line that begins with `$ `, run in the project, prints what stands below it."""
    folder = ROOT / "examples/media"
    transcript = (folder / "README.md").read_text().split("```\n$ ", 1)[1].split("```", 1)[0]
    program = compile_program(CHECKPOINTS / "tiny-e", "q8")
    commands = [part.split("\n", 1) for part in transcript.split("\n$ ")]
    assert len(commands) >= 4
    for command, expected in commands:
        name, *words = shlex.split(command)
        assert name == "build/tiny-e"
        done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and done.stdout == expected.rstrip("\n") + "\n", (command, done)
    ships = [path for path in folder.iterdir() if path.suffix in (".png", ".wav")]
    assert len(ships) >= 2 and sum(path.stat().st_size for path in ships) < 200_000
    assert os.access(folder / "run.sh", os.X_OK)
