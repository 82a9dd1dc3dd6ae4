"""Videos: frames chosen evenly, each as docs/spec has it, and the answers of docs/spec; what ffmpeg is asked to do."""

import functools
import json
import os
import shutil
import struct
import subprocess
import sys
import wave
import zlib

import numpy as np
import pytest

from demo import Terminal
from media_files import read_picture
from support import CHECKPOINTS, GOLDENS, MODELS, ROOT, base_level, compile_program, goldens, levels, read_ids, require
from support import run, succeed

sys.path.insert(0, str(ROOT / "docs/spec"))
from reference_text import TextModel  # noqa: E402
from reference_vision import VisionTower, preprocess  # noqa: E402

VIDEO = 2  # a token type (spec 6.2)
QUESTION = "Describe the image."
FRAMES, TOKENS = 70, 12


def config(model):
    return json.loads((CHECKPOINTS / model / "config.json").read_text())


@functools.cache
def pictures():
    """Three pictures of one size, smaller than what the tower sees."""
    files = [prompt["media"]["file"] for prompt in goldens("tiny-e")["prompts"] if "-vision" in prompt["id"]]
    return [read_picture(GOLDENS / file)[:96:2, :128:2] for file in files[:3]]


def write_y4m(path, frames, rate):
    """Grey frames of 8 bits, full range: what they hold is what they show."""
    height, width = frames[0].shape
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%s Cmono XCOLORRANGE=FULL\n" % (width, height, rate.encode()))
        file.writelines(b"FRAME\n" + frame.tobytes() for frame in frames)
    return path


def write_png(path, picture):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = picture.shape
    lines = b"".join(b"\0" + line.tobytes() for line in picture)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


@functools.cache
def soft_tokens(model, number):
    """Of one of the pictures, as a frame."""
    return VisionTower(CHECKPOINTS / model).encode(*preprocess(pictures()[number], budget=FRAMES))


def check_answer(model, got, frames):
    """Greedy ids must be those of docs/spec for (seconds, number of a picture) frames and the question."""
    rows = [soft_tokens(model, number) for _, number in frames]
    parts = [
        f"{int(seconds) // 60:02}:{int(seconds) % 60:02} <|image>{'<|video|>' * len(soft)}<image|>"
        for (seconds, _), soft in zip(frames, rows)
    ]
    around = next(one["prompt"] for one in goldens(model)["prompts"] if one.get("media", {}).get("kind") == "image")
    opening, closing = around.split("<|image|>")
    prompt = opening + " ".join(parts) + QUESTION + closing[closing.index("<turn|>") :]
    ids = read_ids(succeed(compile_program(CHECKPOINTS / model), "tokenize", "--special", input=prompt.encode()))
    places = [at for at, token in enumerate(ids) if token == config(model)["video_token_id"]]
    soft = dict(zip(places, np.concatenate(rows), strict=True))
    types = [VIDEO if at in soft else 0 for at in range(len(ids))]
    logits = TextModel(CHECKPOINTS / model).logits(ids + got[:-1], soft, types + [0] * (len(got) - 1))
    assert len(got) > 3 and logits[len(ids) - 1 :].argmax(-1).tolist() == got


def answer(program, *words, **options):
    words = ["-p", QUESTION, "--temperature", 0, "-n", TOKENS, "--ids", *words]
    return read_ids(succeed(program, *words, **options))


@pytest.mark.parametrize("model", MODELS)
def test_answers_are_those_of_the_specification(model, tmp_path):
    """Minutes and seconds, blocks of several frames; for any chunk and number of threads."""
    program = compile_program(CHECKPOINTS / model)
    for number, picture in enumerate(pictures()):
        write_png(tmp_path / f"frame{number}.png", picture)
    words = ["--video", tmp_path, "--frame-rate", 0.025, "--frames", 3]
    first = answer(program, *words)
    check_answer(model, first, [(0, 0), (40, 1), (80, 2)])
    for more in (["--chunk", 16], ["--threads", 3, "--chunk", 64]):
        assert answer(program, *words, *more) == first


@pytest.mark.parametrize("isa", [one.name for one in levels()])
def test_every_level(isa, tmp_path):
    """The same answer, from a GIF."""
    at, film = require(next(one for one in levels() if one.name == isa)), ROOT / "tests/data/media/frames1.gif"
    words = ["--video", film, "--frames", 2]
    program = compile_program(CHECKPOINTS / "tiny-e", "f32", at)
    got = answer(program, *words, "--isa", at.name, at=at)
    assert got == answer(compile_program(CHECKPOINTS / "tiny-e"), *words) and len(got) > 3


def marked(count):
    """Frames that can be told apart: a bright stripe moves from left to right."""
    frames = np.full((count, 48, 96), 60, np.uint8)
    for at, frame in enumerate(frames):
        frame[:, at * 96 // count : (at + 1) * 96 // count + 1] = 230
    return list(frames)


def prompt_tokens(done):
    return int(done.stderr.decode().split(" prompt tokens")[0].split()[-1])


def test_frames_are_chosen_evenly(tmp_path):
    """One a second; N of them where people say so; the same as of a video that has no other frames."""
    program, frames = compile_program(CHECKPOINTS / "tiny-e"), marked(25)
    film = write_y4m(tmp_path / "film.y4m", frames, "5:1")
    for words, count, rate in (([], 5, "1:1"), (["--frames", "2"], 2, "2:5"), (["--frames", "25"], 25, "5:1")):
        chosen = [frames[i * 25 // count] for i in range(count)]
        alone = write_y4m(tmp_path / "alone.y4m", chosen, rate)
        first = run(program, "-p", QUESTION, "-n", 1, "--temperature", 0, "--video", film, *words)
        second = run(program, "-p", QUESTION, "-n", 1, "--temperature", 0, "--video", alone, "--frames", count)
        assert first.returncode == second.returncode == 0, first.stderr
        assert first.stdout == second.stdout and prompt_tokens(first) == prompt_tokens(second)
        assert count * 60 < prompt_tokens(first) < count * 82 + 40
    done = run(program, "-p", QUESTION, "--video", film, "--frames", 26)
    assert done.returncode == 2 and b"26 frames are asked for, it has 25" in done.stderr


def test_long_videos_are_thinned_out(tmp_path):
    program = compile_program(CHECKPOINTS / "tiny-e")
    film = write_y4m(tmp_path / "film.y4m", marked(300), "3:1")
    done = run(program, "-p", QUESTION, "-n", 1, "--video", film)
    assert done.returncode == 0
    note = "lasts 100 seconds: 38 frames of it are shown, one every 2.6 seconds; --frames N shows N of them"
    assert note in done.stderr.decode(), done.stderr.decode()
    assert b"lasts" not in run(program, "-p", QUESTION, "-n", 1, "--video", film, "-q").stderr
    done = run(program, "-p", QUESTION, "-n", 1, "--video", film, "--frames", 100)
    assert done.returncode == 6 and b"100 frames of " in done.stderr and b"fewer --frames" in done.stderr


def test_standard_input_and_order(tmp_path):
    program, frames = compile_program(CHECKPOINTS / "tiny-e"), marked(4)
    film = write_y4m(tmp_path / "film.y4m", frames, "2:1")
    picture, sound = GOLDENS / "media/tiny-e-23-vision.png", GOLDENS / "media/tiny-e-27-audio.wav"
    expected = answer(program, "--image", picture, "--video", film, "--audio", sound)
    with open(film, "rb") as file:
        assert answer(program, "--image", picture, "--video", "-", "--audio", sound, stdin=file) == expected
    for name, number in (("a.png", 0), ("b.png", 2)):
        write_png(tmp_path / name, np.repeat(frames[number][..., None], 3, -1))
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / name).rename(folder / name)
    assert answer(program, "--image", picture, "--video", folder, "--audio", sound) == expected
    done = run(program, "-p", "hi", "--video", "-", input=b"no video")
    assert (
        done.returncode == 4 and b"begins like no GIF, animated WebP or Y4M; give other kinds as a file" in done.stderr
    )


# -------------------------------------------------------------------------------- ffmpeg
FAKE = """#!/bin/sh
printf '%s\\n' "$@" >> {log}
echo run >> {log}
for word; do last=$word; case $word in framecrc) list=1;; f32le) sound=1;; 0:a:0) heard=1;; esac; done
[ "$last" = pipe:1 ] || exit 9
if [ "$list$heard" = 11 ]; then [ -s {folder}/sound ] && echo '0, 0, 0, 1024, 99, 0x1'
elif [ "$list" ]; then cat {folder}/list; elif [ "$sound" ]; then cat {folder}/sound; else cat {folder}/frames; fi
{end}
"""


class FakeFfmpeg:
    """A program that notes what it is asked to do, and writes what the files list, frames and sound hold."""

    def __init__(self, folder, end=""):
        self.folder, self.log = folder / "bin", folder / "log"
        self.folder.mkdir()
        self.program = self.folder / "ffmpeg"
        self.program.write_text(FAKE.format(log=self.log, folder=self.folder, end=end))
        self.program.chmod(0o755)
        for name in ("list", "frames", "sound"):
            (self.folder / name).write_bytes(b"")

    def set_video(self, chosen, total, rate=25):
        lines = ["#software: Lavf59.27.100", f"#tb 0: 1/{rate * 512}", "#media_type 0: video", "#dimensions 0: 9x9"]
        order = sorted(range(total), key=lambda at: (at // 4, -at))  # as frames that refer to later ones are stored
        lines += [f"0, {512 * at:10}, {512 * pts:10},      512,     1234, 0x280fdb60" for at, pts in enumerate(order)]
        (self.folder / "list").write_text("\n".join(lines) + "\n")
        pictures = (b"P6\n%d %d\n255\n" % one.shape[1::-1] + one.tobytes() for one in chosen)
        (self.folder / "frames").write_bytes(b"".join(pictures))

    def environment(self):
        return {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def runs(self):
        words = self.log.read_text().split("\nrun\n")
        return [one.splitlines() for one in words if one]


def value(words, option):
    return words[words.index(option) + 1]


def test_other_videos_go_through_ffmpeg(tmp_path):
    """Found in PATH or named; told exactly which frames; names of files are never words of a shell."""
    program, fake = compile_program(CHECKPOINTS / "tiny-e"), FakeFfmpeg(tmp_path)
    film = tmp_path / "-it's; a $(film)\n.mp4"
    film.write_bytes(b"\0\0\0\x20ftypisom")
    fake.set_video(pictures(), total=87)  # 3.48 seconds
    expected = answer(program, "--video", film, env=fake.environment())
    check_answer("tiny-e", expected, [(at / 25, number) for number, at in enumerate((0, 29, 58))])
    assert answer(program, "--video", film, "--ffmpeg", fake.program) == expected
    text = fake.log.read_text()
    assert text.count(f"file:{film}\n") == 4 and text.count("\nrun\n") == 4
    fake.log.write_text("")
    plain = tmp_path / "film.mp4"
    film.rename(plain)
    assert answer(program, "--video", plain, env=fake.environment()) == expected
    listing, decoding = fake.runs()
    assert listing[-1] == decoding[-1] == "pipe:1" and value(listing, "-c") == "copy"
    for words in (listing, decoding):
        assert words[0] == "-nostdin" and value(words, "-protocol_whitelist") == "file,pipe"
        assert value(words, "-i") == f"file:{plain}"
    assert value(decoding, "-frames:v") == "3"
    assert value(decoding, "-vf").startswith("select='lt(ceil(n*3/87)*87,(n+1)*3)'")
    # Containers that only say when to decode.
    lines = (f"0, {at}, {-(2**63)}, 1, 9, 0x0" for at in range(-2, 85))
    (fake.folder / "list").write_text("\n".join(["#tb 0: 1/25", *lines]) + "\n")
    assert answer(program, "--video", plain, env=fake.environment()) == expected


def test_ffmpeg_that_fails(tmp_path):
    program, film = compile_program(CHECKPOINTS / "tiny-e"), tmp_path / "film.mp4"
    film.write_bytes(b"\0\0\0\x20ftypisom")

    def problem(fake, *words):
        done = run(program, "-p", "hi", "--video", film, *words, env=fake.environment())
        assert done.returncode == 4, done.stderr
        return done.stderr.decode()

    (tmp_path / "a").mkdir()
    fake = FakeFfmpeg(tmp_path / "a", "echo moov atom not found >&2; echo Error opening input >&2; exit 183")
    assert "ffmpeg ended with 183: moov atom not found ... Error opening input" in problem(fake)
    assert "there is no program '/nope'" in problem(fake, "--ffmpeg", "/nope")
    (tmp_path / "b").mkdir()
    fake = FakeFfmpeg(tmp_path / "b")
    assert "it has no whole frame" in problem(fake)
    fake.set_video([], total=50)
    assert "ffmpeg could decode none of its frames" in problem(fake)
    fake.set_video(pictures(), total=87)
    whole = (fake.folder / "frames").read_bytes()
    (fake.folder / "frames").write_bytes(whole[:-1])
    assert "ffmpeg stopped in the middle of a frame" in problem(fake)
    (fake.folder / "frames").write_bytes(b"P6\n99999 99999\n255\n")
    assert "99999 x 99999 pixels" in problem(fake)
    (fake.folder / "frames").write_bytes(b"GIF89a")
    assert "ffmpeg gave no PPM picture" in problem(fake)
    (fake.folder / "list").write_text("#tb 0: 1/25\n0, NOPTS, NOPTS, 1, 1, 0x0\n")
    assert "does not say when each frame begins" in problem(fake)
    (fake.folder / "list").write_text("#tb 0: 1/25\n0, 0, 0, 1000000, 1, 0x0\n")
    assert "it lasts 40000 seconds" in problem(fake)
    fake.set_video(pictures(), total=100)
    done = run(program, "-p", "hi", "--video", film, env=fake.environment())
    assert done.returncode == 0 and b"only 3 of the 4 frames could be decoded" in done.stderr


# -------------------------------------------------------------------------------- media
def told(program, *words, **options):
    return json.loads(succeed(program, "media", "--json", *words, **options))


def test_media_tells_of_videos(tmp_path):
    """What is told is what is shown, and the soft tokens are those of the frames as pictures."""
    program, frames = compile_program(CHECKPOINTS / "tiny-e"), marked(25)
    film = write_y4m(tmp_path / "film.y4m", frames, "5:1")
    (video,) = told(program, film, "--frames", 3, "--soft", tmp_path / "soft.npy")
    times = [("00:00", 0.0, 0), ("00:01", 1.6, 8), ("00:03", 3.2, 16)]
    assert [(one["time"], one["seconds"], one["number"]) for one in video.pop("frames")] == times
    assert video == {
        "file": str(film),
        "width": 96,
        "height": 48,
        "resized_width": 528,
        "resized_height": 240,
        "columns": 33,
        "rows": 15,
        "tokens": 165,
        "frame_tokens": 55,
        "most_frame_tokens": 70,
        "seconds": 5.0,
        "all_frames": 25,
        "kind": "video",
    }
    soft = []
    for number in (0, 8, 16):
        write_png(tmp_path / "frame.png", np.repeat(frames[number][..., None], 3, -1))
        told(program, tmp_path / "frame.png", "--image-tokens", FRAMES, "--soft", tmp_path / "frame.npy")
        soft.append(np.load(tmp_path / "frame.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "soft.npy"), np.concatenate(soft))
    assert told(program, "-", "--frames", 3, input=film.read_bytes())[0]["tokens"] == 165
    (line,) = succeed(program, "media", film).decode().splitlines()
    assert line.endswith(
        "  video    5.00 s, 5 of 25 frames: 96 x 48 pixels, seen as 528 x 240: 33 x 15 patches, 55 tokens "
        "each of at most 70, 275 in all; at 00:00 00:01 00:02 00:03 00:04"
    )


def test_media_finds_out_what_a_file_is(tmp_path):
    """A GIF is a picture unless people say otherwise, a folder is a video, and ffmpeg tells of other files."""
    program, fake = compile_program(CHECKPOINTS / "tiny-e"), FakeFfmpeg(tmp_path)
    film, sound = ROOT / "tests/data/media/frames1.gif", GOLDENS / "media/tiny-e-27-audio.wav"
    frames = tmp_path / "frames"
    frames.mkdir()
    for number, picture in enumerate(pictures()):
        write_png(frames / f"{number}.png", picture)
    kinds = [
        (one["file"], one["kind"]) for one in told(program, film, "--video", film, frames, "--audio", sound, sound)
    ]
    assert kinds == [
        (str(film), "picture"),
        (str(film), "video"),
        (str(frames), "video"),
        (str(sound), "sound"),
        (str(sound), "sound"),
    ]
    assert told(program, frames, "--frame-rate", 0.1)[0]["seconds"] == 30
    moving, still = ROOT / "tests/data/media/frames1.webp", ROOT / "tests/data/media/lossy.webp"
    assert told(program, moving)[0]["kind"] == "picture"
    assert told(program, "--video", moving)[0]["all_frames"] == 7
    assert told(program, "--video", "-", "--frames", 7, input=moving.read_bytes())[0]["frames"][6]["number"] == 6
    done = run(program, "media", "--video", still)
    assert done.returncode == 2 and b"it is a picture; show it with --image" in done.stderr
    other = tmp_path / "other.bin"
    other.write_bytes(b"0123456789")
    done = run(program, "media", other, "--ffmpeg", "/nope")
    assert done.returncode == 4 and b"no video in Y4M, and there is no program '/nope'" in done.stderr
    done = run(program, "media", other, env=fake.environment())
    assert done.returncode == 4 and b"and ffmpeg finds neither a video nor a sound in it" in done.stderr
    samples = np.zeros(40 * 16000, "<f4")
    (fake.folder / "sound").write_bytes(samples.tobytes())
    (heard,) = told(program, other, env=fake.environment())
    assert (heard["kind"], heard["seconds"], heard["tokens"], heard["cut"]) == ("sound", 40, 750, True)
    (parts,) = told(program, other, "--audio-split", env=fake.environment())
    assert [one["seconds"] for one in parts["parts"]] == [29.99, 10.01] and not parts["cut"]
    assert parts["tokens"] == sum(one["tokens"] for one in parts["parts"]) == 1000
    assert b"750 + 250 tokens in 2 parts\n" in succeed(program, "media", other, "--audio-split", env=fake.environment())
    os.truncate(fake.folder / "sound", 4 * 16000 * 3601)
    assert "its first 3600 seconds were read" in told(program, other, env=fake.environment())[0]["note"]
    done = run(program, "media", other, "--audio-split", env=fake.environment())
    assert done.returncode == 4 and b"which is 3601 seconds; at most" in done.stderr
    os.truncate(fake.folder / "sound", 4 * 16000)
    fake.set_video(pictures(), total=87)
    (video,) = told(program, other, env=fake.environment())
    assert (video["kind"], video["all_frames"], video["seconds"]) == ("video", 87, 3.48)
    assert told(program, "--audio", other, env=fake.environment())[0]["kind"] == "sound"


def test_media_refuses_videos_as_answers_do(tmp_path):
    program = compile_program(CHECKPOINTS / "tiny-e")
    film = write_y4m(tmp_path / "film.y4m", marked(300), "3:1")
    assert "lasts 100 seconds: 38 frames" in told(program, film)[0]["note"]
    assert len(told(program, film, "--context", 1024)[0]["frames"]) == 9
    out = tmp_path / "soft.npy"
    picture = GOLDENS / "media/tiny-e-23-vision.png"
    for code, message, *words in (
        (6, "100 frames of 55 tokens each do not fit", film, "--frames", 100, "--soft", out),
        (2, "301 frames are asked for, it has 300", film, "--frames", 301),
        (2, "it is a picture; show it with --image", "--video", picture),
        (4, "it begins like no picture", "--image", film),
        (4, "no video in Y4M; give other kinds as a file", "-"),
        (2, "--frames", film, "--frames", 0),
    ):
        done = run(program, "media", *words, input=b"no video")
        assert done.returncode == code and message in done.stderr.decode(), (words, done.stderr)
    assert not out.exists()
    text = compile_program(CHECKPOINTS / "tiny-e", extra=["--without", "image,audio"])
    done = run(text, "media", film)
    assert done.returncode == 2 and b"without a vision tower" in done.stderr


def test_videos_dragged_into_the_line(tmp_path):
    program, fake = compile_program(CHECKPOINTS / "tiny-e"), FakeFfmpeg(tmp_path)
    film, own = tmp_path / "a film.mp4", write_y4m(tmp_path / "own.y4m", marked(4), "1:1")
    film.write_bytes(b"\0\0\0\x20ftypisom")
    fake.set_video(pictures(), total=87)
    chat = Terminal("--temperature", 0, "-n", 2, "--ffmpeg", fake.program, program=program)
    chat.expect("> ")
    for line, told in (
        (f"'{film}'", "video: a film.mp4, .* tokens; comes with the next message"),
        (f"Describe it. {own}", "video: own.y4m, 220 tokens"),
        (str(ROOT / "tests/data/media/frames1.gif"), "picture: frames1.gif, .* tokens; comes"),
    ):
        chat.send(line + "\n")
        chat.expect(told)
        chat.expect("\r\n> ")
    (fake.folder / "list").write_text("")
    (fake.folder / "sound").write_bytes(np.zeros(16000, "<f4").tobytes())
    chat.send(f"'{film}'\n")  # without pictures it is a sound
    chat.expect("sound: a film.mp4, 25 tokens; comes")
    chat.close()


# -------------------------------------------------------------------------------- long sounds
def write_wave(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, len(samples), "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def test_other_sounds_go_through_ffmpeg(tmp_path):
    program, fake = compile_program(CHECKPOINTS / "tiny-e"), FakeFfmpeg(tmp_path)
    sound, mp3 = GOLDENS / "media/tiny-e-27-audio.wav", tmp_path / "sound.mp3"
    mp3.write_bytes(b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\x00")
    with wave.open(str(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype("<f4") / 32768
    (fake.folder / "sound").write_bytes(samples.tobytes())
    assert answer(program, "--audio", mp3, env=fake.environment()) == answer(program, "--audio", sound)
    (words,) = fake.runs()
    assert value(words, "-map") == "0:a:0" and value(words, "-ar") == "16000" and value(words, "-ac") == "1"
    (fake.folder / "sound").write_bytes(b"")
    done = run(program, "-p", "hi", "--audio", mp3, env=fake.environment())
    assert done.returncode == 4 and b"cannot read '" in done.stderr and b"it has no samples" in done.stderr
    done = run(program, "-p", "hi", "--audio", mp3, "--ffmpeg", "/nope")
    assert done.returncode == 4 and b"there is no program '/nope'" in done.stderr


def test_long_sounds_in_parts(tmp_path):
    """Cut where it is quiet; each part stands in the prompt as a sound of its own."""
    program = compile_program(CHECKPOINTS / "tiny-e")
    samples = (0.5 * np.sin(np.arange(16000 * 40) * 0.1)).astype(np.float32)
    samples[16000 * 29 : 16000 * 29 + 1600] = 0
    write_wave(tmp_path / "long.wav", samples)
    cut = 16000 * 29 + 1600 - 160
    write_wave(tmp_path / "first.wav", samples[:cut])
    write_wave(tmp_path / "second.wav", samples[cut:])
    done = run(program, "-p", QUESTION, "-n", 1, "--temperature", 0, "--audio", tmp_path / "long.wav", "--audio-split")
    parts = ["--audio", tmp_path / "first.wav", "--audio", tmp_path / "second.wav"]
    other = run(program, "-p", QUESTION, "-n", 1, "--temperature", 0, *parts)
    assert done.returncode == other.returncode == 0 and done.stdout == other.stdout
    assert prompt_tokens(done) == prompt_tokens(other) > 1000 and b"only the first" not in done.stderr
    done = run(program, "-p", QUESTION, "-n", 1, "--audio", tmp_path / "long.wav")
    assert b"only the first 30 seconds are heard; --audio-split" in done.stderr and prompt_tokens(done) < 800


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="there is no ffmpeg")
def test_the_real_ffmpeg(tmp_path):
    """The frames of a film are those of the Y4M file that it was made of, whatever order they are stored in."""
    program, level = compile_program(CHECKPOINTS / "tiny-e"), base_level()
    film = write_y4m(tmp_path / "film.y4m", marked(77), "25:1")
    words = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(film), "-pix_fmt", "yuvj420p"]
    for codec, name in ((("mpeg4", "-bf", "2", "-q:v", "1"), "film.mp4"), (("ffv1",), "film.avi")):
        out = tmp_path / name
        subprocess.run([*words, "-c:v", *codec, str(out)], check=True)
        first = run(program, "-p", QUESTION, "-n", 8, "--temperature", 0, "--video", out, at=level)
        second = run(program, "-p", QUESTION, "-n", 8, "--temperature", 0, "--video", film, at=level)
        assert first.returncode == 0, first.stderr
        assert first.stdout == second.stdout and prompt_tokens(first) == prompt_tokens(second)
    sound = GOLDENS / "media/tiny-e-27-audio.wav"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", str(sound), str(tmp_path / "sound.ogg")], check=True)
    assert answer(program, "--audio", tmp_path / "sound.ogg") == answer(program, "--audio", sound)
    (tmp_path / "none.mp4").write_text("no film")
    done = run(program, "-p", QUESTION, "--video", tmp_path / "none.mp4")
    assert done.returncode == 4 and b"Invalid data found" in done.stderr, done.stderr
