"""Thousands of pictures, sounds, questions and new conversations in one chat: memory stays flat."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from demo import Terminal
from media_files import write_picture, write_sound
from support import CHECKPOINTS, GOLDENS, base_level, compile_program, record

pytestmark = pytest.mark.skipif(base_level().launcher != (), reason="an emulator's memory would count")

SIDES = (1, 7, 48, 97, 150, 333, 640)
LENGTHS = (1000, 5000, 16000, 40000, 90000)
# Most tokens of a picture, and lines of a chat.
CHATS = [(70, 600), *(pytest.param(*case, marks=pytest.mark.long) for case in ((70, 10_000), (280, 1000), (1120, 600)))]
MIB = 1 << 20


def write_files(folder, rng):
    """Pictures and sounds of many sizes, as (command, path); some of the files are cut."""
    files = [("/image", file) for file in sorted((GOLDENS / "media").glob("tiny-e-*.png"))]
    files += [("/audio", file) for file in sorted((GOLDENS / "media").glob("tiny-e-*.wav"))]
    for number in range(60):
        width, height = (int(rng.choice(SIDES)) for _ in range(2))
        files.append(("/image", folder / f"{number}.png"))
        write_picture(files[-1][1], rng.integers(0, 256, (height, width, 3), np.uint8))
    for number, rate in enumerate((8000, 16000, 22050, 44100, 48000) * 4):
        files.append(("/audio", folder / f"{number}.wav"))
        write_sound(files[-1][1], rng.uniform(-16000, 16000, int(rng.choice(LENGTHS))), rate)
    for command, file in files[12::5]:
        cut = folder / f"cut-{file.name}"
        cut.write_bytes(file.read_bytes()[: int(rng.integers(0, file.stat().st_size))])
        files.append((command, cut))
    return files


def resident(chat):
    status = Path(f"/proc/{chat.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) * 1024


def lines(files, choose):
    """Endless lines of a chat: 0 to 3 files, a question, and now and then a new conversation or what is no file."""
    while True:
        for command, file in choose.choices(files, k=choose.choice((0, 1, 1, 2, 3))):
            yield f"{command} {file}"
        yield choose.choice(("Describe the image.", "What do you hear?", "Hello!", "What is 2 + 3?"))
        if choose.random() < 0.2:
            yield choose.choice(("/reset", "/reset", "/image no-file.png", "/audio .", "/nothing"))


@pytest.mark.parametrize("tokens, count", CHATS)
def test_memory_stays_flat(tokens, count, tmp_path, monkeypatch):
    """After a /reset, which drops what a conversation holds, the last quarter needs what the second one needed."""
    monkeypatch.setenv("TERM", "dumb")  # whole lines, not drawn again for every key
    files, choose = write_files(tmp_path, np.random.default_rng(tokens)), random.Random(count)
    program = compile_program(CHECKPOINTS / "tiny-e", "q4")
    chat = Terminal(
        "--temperature", 0, "-n", 2, "-q", "--image-tokens", tokens, "--context", max(1024, 3 * tokens), program=program
    )
    seen, full, after_reset = 0, 0, []  # (line, bytes)
    try:
        chat.expect("> ")
        source = lines(files, choose)
        for number in range(count):
            line = next(source)
            chat.send(line + "\n")
            answer = chat.expect(r"\r\n> ", timeout=120)
            seen += bool(re.search(r"(picture|sound).* tokens", answer))
            if "are left" in answer:
                line, full = "/reset", full + 1
                chat.send(line + "\n")
                chat.expect(r"\r\n> ")
            if line == "/reset":
                after_reset.append((number, resident(chat)))
        chat.send("/exit\n")
        assert chat.wait() == 0
    finally:
        chat.close()
    early = min(held for number, held in after_reset if count / 4 <= number < count / 2)
    late = min(held for number, held in after_reset if count * 3 / 4 <= number)
    record(f"soak.{tokens}.{count}", {"media": seen, "full": full, "early": early / MIB, "late": late / MIB})
    # The heap gives back what lies at its end, and few samples may all come when something lies there.
    assert seen > count / 4 and full > count / 200 and late - early < (MIB / 4 if count >= 10_000 else 2 * MIB)
