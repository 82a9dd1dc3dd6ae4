"""Writes circle.png and beeps.wav beside itself: a picture and a sound of the kind that tiny-e was trained on."""

import math
import struct
import wave
import zlib
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT, PAPER, PAINT = 320, 200, (250, 250, 250), (140, 40, 180)
RATE, PITCH, BEEP, PAUSE = 16000, 300, 0.2, 0.25  # Hz, Hz, seconds


def pixel(x, y):
    return PAINT if math.hypot(x - 190, y - 95) < 70 else PAPER


def chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def picture():
    lines = (b"\0" + bytes(part for x in range(WIDTH) for part in pixel(x, y)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def beep(at):
    """A sample of a beep, which swells and fades in 5 ms so that it does not click."""
    edge = min(at, BEEP - at) / 0.005
    return 0.4 * min(1, edge) * math.sin(2 * math.pi * PITCH * at)


def sound():
    silence = [0.0] * int(PAUSE * RATE)
    tone = [beep(i / RATE) for i in range(int(BEEP * RATE))]
    samples = silence[: RATE // 10] + 2 * (tone + silence)
    return struct.pack(f"<{len(samples)}h", *(round(32767 * sample) for sample in samples))


(HERE / "circle.png").write_bytes(picture())
with wave.open(str(HERE / "beeps.wav"), "wb") as file:
    file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
    file.writeframes(sound())
