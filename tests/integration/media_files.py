"""Pictures and sounds, read and written with numpy and the standard library."""

import struct
import wave
import zlib

import numpy as np


def read_sound(path):
    """The samples of a mono file of 16 bits, in -1 to 1."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(32768)


def read_picture(path):
    """A PNG of 8-bit RGB without interlacing: uint8 [height, width, 3]."""
    raw, at, packed = path.read_bytes(), 8, b""
    while at < len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        content = raw[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, *rest = struct.unpack(">IIBBBBB", content)
            assert rest == [8, 2, 0, 0, 0], f"{path.name} is another kind of PNG"
        packed += content if kind == b"IDAT" else b""
        at += 12 + length
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 3 * width)
    above = np.zeros((width, 3), np.int64)
    picture = []
    for line in lines:
        above = _unfiltered(line[0], line[1:].reshape(width, 3).astype(np.int64), above)
        picture.append(above)
    return np.array(picture, np.uint8)


def write_picture(path, pixels):
    """A PNG of uint8 [height, width, 3]."""
    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(lines))]
    raw = b"\x89PNG\r\n\x1a\n"
    for kind, content in [*parts, (b"IEND", b"")]:
        raw += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    path.write_bytes(raw)
    return path


def write_sound(path, samples):
    """A mono file of int16 at 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return path


def _unfiltered(kind, line, above):
    """A line of pixels from what its filter left; `above` is the line before it."""
    if kind in (0, 2):
        return (line + above * (kind // 2)) % 256
    before = corner = np.zeros(3, np.int64)
    out = np.empty_like(line)
    for x, up in enumerate(above):
        guess = {1: lambda: before, 3: lambda: (before + up) // 2, 4: lambda: _paeth(before, up, corner)}[int(kind)]()
        out[x] = before = (line[x] + guess) % 256
        corner = up
    return out


def _paeth(left, up, corner):
    """Of the three the one that is nearest to left + up - corner, in this order."""
    target = left + up - corner
    to_left, to_up, to_corner = abs(target - left), abs(target - up), abs(target - corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
