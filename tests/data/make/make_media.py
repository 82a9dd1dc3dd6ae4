#!/usr/bin/env python3
"""Writes tests/data/media: small pictures and sounds of every kind that programs read, and what is in them.

Beside a picture lies NAME.ppm, what Pillow makes of it: `exif_transpose`, then `convert("RGB")`. Beside a sound lies
NAME.f32, what libsndfile makes of it as float32, channels added in their order and divided by their count in float32.
Beside a video lies NAME.frames: a line with the hundredths of a second at which its frames begin and the last one ends,
then each frame as in NAME.ppm; of Y4M files this script computes them by BT.601.
Files that nothing follows are for refusals. Needs Pillow 13, numpy and soundfile; tests never run it.

    python3 tests/data/make/make_media.py tests/data/media
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageOps

out = Path(sys.argv[1])
random = np.random.default_rng(12)


def save(name: str, data: bytes) -> None:
    (out / name).write_bytes(data)
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    (out / f"{name}.ppm").write_bytes(b"P6 %d %d 255\n" % image.size + image.tobytes())


def picture(width: int, height: int, channels: int = 3) -> np.ndarray:
    """Smooth with an edge, so that a swap of sides or channels shows."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 13 + y * 5 + c * 60 + (x > width // 2) * 90) % 256 for c in range(channels)]
    return np.stack(planes, -1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def make_jpegs() -> None:
    plain = Image.fromarray(picture(19, 13))
    for name, image, options in [
        ("plain", plain, {"quality": 90}),
        ("444", plain, {"quality": 90, "subsampling": 0}),
        ("progressive", plain, {"quality": 80, "progressive": True}),
        ("restarts", plain, {"quality": 70, "restart_marker_blocks": 1}),
        ("grey", Image.fromarray(picture(19, 13, 1)[..., 0]), {}),
        ("keep-rgb", plain, {"quality": 90, "keep_rgb": True}),
        ("cmyk", Image.fromarray(picture(19, 13, 4), "CMYK"), {"quality": 95}),
        ("1x1", Image.fromarray(picture(1, 1)), {}),
        ("3x5", Image.fromarray(picture(3, 5)), {}),
    ]:
        save(f"{name}.jpg", encoded(image, "JPEG", **options))
    for value in range(1, 9):
        save(f"turned{value}.jpg", encoded(Image.fromarray(picture(9, 6)), "JPEG", exif=orientation(value)))
    # Big-endian EXIF, and an orientation that does not exist.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0"
    save("big-endian.jpg", encoded(plain, "JPEG", exif=exif % 6))
    save("orientation9.jpg", encoded(plain, "JPEG", exif=exif % 9))
    # The same four planes as YCCK: the first three hold Y, Cb and Cr, and Adobe's marker says so.
    data = bytearray(encoded(Image.fromarray(picture(19, 13, 4), "CMYK"), "JPEG", quality=95))
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
    start = data.index(b"\xff\xee")
    data[start : start + 2 + struct.unpack(">H", data[start + 2 : start + 4])[0]] = adobe + b"\x02"
    save("ycck.jpg", bytes(data))
    huge = bytearray(encoded(plain, "JPEG"))
    frame = huge.index(b"\xff\xc0")
    huge[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    (out / "huge.jpg").write_bytes(huge)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, colours: int, rows: list[bytes], more: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


# An interlaced PNG is read in seven passes; Pillow cannot write one.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def interlaced(pixels: np.ndarray) -> bytes:
    height, width = pixels.shape[:2]
    data = b""
    for x, y, right, down in PASSES:
        part = pixels[y::down, x::right]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def make_pngs() -> None:
    def rows(count: int, bits: int, samples: int = 1) -> list[bytes]:
        return [random.bytes((11 * samples * bits + 7) // 8) for _ in range(count)]

    for bits in (1, 2, 4, 8):
        save(f"grey{bits}.png", png(11, 7, bits, 0, rows(7, bits)))
        colours = random.bytes(3 * min(2**bits, 200))
        save(f"palette{bits}.png", png(11, 7, bits, 3, rows(7, bits), chunk(b"PLTE", colours)))
    levels = [0, 1, 127, 128, 255, 256, 257, 4096, 32767, 32768, 65535]
    save("grey16.png", png(11, 1, 16, 0, [struct.pack(">11H", *levels)]))
    save("rgb16.png", png(11, 7, 16, 2, rows(7, 16, 3)))
    save("grey-alpha8.png", png(11, 7, 8, 4, rows(7, 8, 2)))
    save("grey-alpha16.png", png(11, 7, 16, 4, rows(7, 16, 2)))
    save("rgba8.png", png(11, 7, 8, 6, rows(7, 8, 4)))
    save("rgba16.png", png(11, 7, 16, 6, rows(7, 16, 4)))
    save("rgb-key.png", png(11, 7, 8, 2, rows(7, 8, 3), chunk(b"tRNS", b"\0\x01\0\x02\0\x03")))
    shades = chunk(b"PLTE", random.bytes(12)) + chunk(b"tRNS", b"\0\x80")
    save("palette-alpha.png", png(11, 7, 2, 3, rows(7, 2), shades))
    save("gamma.png", png(11, 7, 8, 2, rows(7, 8, 3), chunk(b"gAMA", struct.pack(">I", 100000))))
    save("filters.png", encoded(Image.fromarray(picture(19, 13)), "PNG", optimize=True))
    save("interlaced.png", interlaced(picture(19, 13)))
    save("1x1.png", png(1, 1, 8, 2, [b"\x01\x02\x03"]))
    save("3x5.png", encoded(Image.fromarray(picture(3, 5)), "PNG"))
    save("turned6.png", encoded(Image.fromarray(picture(9, 6)), "PNG", exif=orientation(6)))
    (out / "huge.png").write_bytes(png(100000, 100000, 8, 2, [b"\0" * 60]))


def make_webps() -> None:
    plain = Image.fromarray(picture(19, 13))
    clear = Image.fromarray(picture(19, 13, 4), "RGBA")
    save("lossy.webp", encoded(plain, "WEBP", quality=80))
    save("lossless.webp", encoded(plain, "WEBP", lossless=True))
    save("lossy-alpha.webp", encoded(clear, "WEBP", quality=80))
    save("lossless-alpha.webp", encoded(clear, "WEBP", lossless=True, exact=True))
    save("1x1.webp", encoded(Image.fromarray(picture(1, 1)), "WEBP", lossless=True))
    save("3x5.webp", encoded(Image.fromarray(picture(3, 5)), "WEBP"))
    save("turned8.webp", encoded(Image.fromarray(picture(9, 6)), "WEBP", lossless=True, exif=orientation(8)))
    more = [Image.fromarray(picture(19, 13)[::-1])]
    moving = encoded(plain, "WEBP", save_all=True, append_images=more, lossless=True)
    save("animated.webp", moving)
    save_animation("animated.webp", moving)
    # Its first frame 4 pixels to the right on a wider canvas: the rest of the canvas is black.
    wide = bytearray(moving)
    canvas = wide.index(b"VP8X") + 12
    wide[canvas : canvas + 3] = struct.pack("<I", 19 + 4 - 1)[:3]
    frame = wide.index(b"ANMF") + 8
    wide[frame : frame + 3] = struct.pack("<I", 2)[:3]
    save("animated-wide.webp", bytes(wide))
    huge = bytearray(encoded(plain, "WEBP", quality=80))
    size = huge.index(b"\x9d\x01\x2a") + 3
    huge[size : size + 4] = struct.pack("<HH", 16383, 16383)
    (out / "huge.webp").write_bytes(huge)


def gif_block(codes: bytes) -> bytes:
    return b"".join(bytes([len(codes[i : i + 255])]) + codes[i : i + 255] for i in range(0, len(codes), 255)) + b"\0"


def gif_codes(pixels: bytes) -> bytes:
    """Codes of 8-bit pixels by an encoder that goes on with a full table, which Pillow's does not."""
    table = {bytes([i]): i for i in range(256)}
    bits, size, stream, count = 9, 258, 256, 9
    text = b""

    def put(code: int) -> None:
        nonlocal stream, count
        stream |= code << count
        count += bits

    for value in pixels:
        longer = text + bytes([value])
        if longer in table:
            text = longer
            continue
        put(table[text])
        if size < 4096:
            table[longer] = size
            size += 1
            if size > 1 << bits and bits < 12:
                bits += 1
        text = bytes([value])
    put(table[text])
    put(257)
    return stream.to_bytes((count + 7) // 8, "little")


def make_gifs() -> None:
    plain = Image.fromarray(picture(19, 13)).quantize(16)
    save("plain.gif", encoded(plain, "GIF", interlace=0))
    save("interlaced.gif", encoded(plain, "GIF", interlace=1))
    save("grey.gif", encoded(Image.fromarray(picture(19, 13, 1)[..., 0]), "GIF"))
    save("1x1.gif", encoded(Image.fromarray(picture(1, 1)).quantize(2), "GIF"))
    save("3x5.gif", encoded(Image.fromarray(picture(3, 5)).quantize(4), "GIF"))
    noise = Image.fromarray(random.integers(0, 256, (64, 97), dtype=np.uint8))
    save("noise.gif", encoded(noise, "GIF"))  # fills the table of codes
    save("animated.gif", encoded(plain, "GIF", save_all=True, append_images=[plain.rotate(180)]))
    # The inner part of plain.gif's picture on a larger screen, with a transparent colour; and a frame that leaves it.
    data = encoded(plain, "GIF", interlace=0)
    body = data.index(b",")
    table = data[13 : 13 + 48]
    control = b"!\xf9\x04\x01\0\0\x05\0"
    inside = struct.pack("<HHHH", 3, 2, 19, 13)
    shifted = b"GIF89a" + struct.pack("<HH", 25, 16) + b"\xb3\x02\0" + table + control + b"," + inside
    save("inside.gif", shifted + data[body + 9 :])
    small = b"GIF89a" + struct.pack("<HH", 7, 4) + b"\xb3\x02\0" + table + b"," + inside
    save("outside.gif", small + data[body + 9 :])
    local = b"GIF89a" + struct.pack("<HH", 19, 13) + b"\x33\0\0" + data[body : body + 9] + b"\x83" + table
    save("local.gif", local + data[body + 10 :])
    bare = b"GIF89a" + struct.pack("<HH", 19, 13) + b"\x33\0\0" + data[body:]
    save("no-palette.gif", bare)
    pixels = np.tile(random.integers(0, 256, (32, 97), dtype=np.uint8), (3, 1))
    screen, codes = struct.pack("<HH", 97, 96), gif_block(gif_codes(pixels.tobytes()))
    full = b"GIF89a" + screen + b"\x77\0\0,\0\0\0\0" + screen + b"\0\x08" + codes + b";"
    save("full-table.gif", full)
    (out / "huge.gif").write_bytes(b"GIF89a" + struct.pack("<HH", 65535, 65535) + data[10:])


def wave(count: int, channels: int) -> np.ndarray:
    t = np.arange(count)[:, None]
    return (0.9 * np.sin(t * (0.1 + 0.07 * np.arange(channels))) * np.cos(t * 0.01)).astype(np.float32)


def save_sound(name: str, data: bytes, read: bytes | None = None) -> None:
    """`read`: what libsndfile reads instead, where it is stricter."""
    (out / name).write_bytes(data)
    samples, _ = soundfile.read(io.BytesIO(read or data), dtype="float32", always_2d=True)
    total = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    (total / np.float32(samples.shape[1])).astype("<f4").tofile(out / f"{name}.f32")


def written(samples: np.ndarray, rate: int, kind: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def make_sounds() -> None:
    kinds = {"u8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT", "f64": "DOUBLE"}
    for name, subtype in (kinds | {"alaw": "ALAW", "mulaw": "ULAW"}).items():
        save_sound(f"{name}.wav", written(wave(120, 1), 8000, "WAV", subtype))
    every = np.arange(256, dtype=np.uint8).tobytes()
    for name in ("alaw", "mulaw"):
        head = written(wave(256, 1), 8000, "WAV", {"alaw": "ALAW", "mulaw": "ULAW"}[name])
        start = head.index(b"data") + 8
        save_sound(f"{name}-all.wav", head[:start] + every + head[start + 256 :])
    for channels in (2, 3, 6):
        save_sound(f"channels{channels}.wav", written(wave(50, channels), 44100, "WAV", "PCM_16"))
        save_sound(f"extensible{channels}.wav", written(wave(50, channels), 48000, "WAVEX", "PCM_24"))
    save_sound("extensible-f32.wav", written(wave(50, 2), 48000, "WAVEX", "FLOAT"))
    save_sound("rf64.wav", written(wave(50, 1), 16000, "RF64", "PCM_16"))
    plain = written(wave(50, 1), 16000, "WAV", "PCM_16")
    start = plain.index(b"data")
    body = plain[start + 8 :]
    lies = plain[: start + 4] + struct.pack("<I", 1 << 30) + body
    save_sound("lies.wav", lies, read=plain)
    streamed = plain[:4] + b"\xff\xff\xff\xff" + plain[8 : start + 4] + b"\xff\xff\xff\xff" + body
    save_sound("streamed.wav", streamed, read=plain)
    odd = plain[:start] + b"junk" + struct.pack("<I", 3) + b"abc\0" + plain[start:] + b"LIST\x04\0\0\0abcd"
    save_sound("chunks.wav", odd, read=plain)
    for name, subtype in {"8": "PCM_S8", "16": "PCM_16", "24": "PCM_24"}.items():
        save_sound(f"s{name}.flac", written(wave(300, 1), 16000, "FLAC", subtype))
    save_sound("stereo.flac", written(wave(300, 2), 44100, "FLAC", "PCM_16"))


def save_video(name: str, data: bytes, begins: list[int], frames: list[np.ndarray]) -> None:
    (out / name).write_bytes(data)
    height, width, _ = frames[0].shape
    text = " ".join(map(str, begins)).encode() + b"\n"
    pictures = (b"P6 %d %d 255\n" % (width, height) + frame.tobytes() for frame in frames)
    (out / f"{name}.frames").write_bytes(text + b"".join(pictures))


def save_animation(name: str, data: bytes) -> None:
    image, begins, frames = Image.open(io.BytesIO(data)), [0], []
    for number in range(image.n_frames):
        image.seek(number)
        frames.append(np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
        delay = image.info.get("duration", 0) // 10
        begins.append(begins[-1] + (delay if delay >= 2 else 10))
    save_video(name, data, begins, frames)


def random_animation(count: int, seed: int) -> bytes:
    """Frames of any place and size, all ways of clearing them, some with palettes of their own, transparent colours."""
    dice = np.random.default_rng(seed)
    width, height = 23, 17
    colours = dice.integers(0, 256, (8, 3), dtype=np.uint8).tobytes()
    data = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF2, int(dice.integers(8)), 0) + colours
    for number in range(count):
        w, h = (int(dice.integers(1, side + 1)) for side in (width, height))
        w, h = (width, height) if number == 0 and seed % 2 else (w, h)
        x, y = int(dice.integers(width - w + 1)), int(dice.integers(height - h + 1))
        flags = int(dice.integers(4)) << 2 | int(dice.integers(2))
        if dice.integers(5):
            data += b"!\xf9\x04" + struct.pack("<BHBB", flags, int(dice.choice([0, 1, 2, 7, 50])), dice.integers(8), 0)
        own = bool(dice.integers(2))
        data += b"," + struct.pack("<HHHHB", x, y, w, h, (0x82 if own else 0) | 0x40 * int(dice.integers(2)))
        data += dice.integers(0, 256, (8, 3), dtype=np.uint8).tobytes() if own else b""
        data += b"\x08" + gif_block(gif_codes(dice.integers(0, 8, w * h, dtype=np.uint8).tobytes()))
    return data + b";"


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def random_webp(count: int, seed: int) -> bytes:
    """Frames of any place and size, lossy and lossless, with and without alpha, blended or not, cleared or not."""
    dice = np.random.default_rng(seed)
    width, height = 23, 17
    canvas = struct.pack("<IIH", 0x12, width - 1 | height - 1 << 24, 0)
    frames = b""
    for number in range(count):
        w, h = (int(dice.integers(1, side + 1)) for side in (width, height))
        w, h = (width, height) if number == 0 and seed % 2 else (w, h)
        x, y = (2 * int(dice.integers((side - size) // 2 + 1)) for side, size in ((width, w), (height, h)))
        colours = dice.integers(0, 256, (h, w, 3 + int(dice.integers(2))), dtype=np.uint8)
        image = Image.fromarray(colours, "RGBA" if colours.shape[2] == 4 else "RGB")
        lossless = bool(dice.integers(2))
        body = encoded(image, "WEBP", lossless=lossless, exact=True, quality=70)[12:]
        body = body[18:] if body.startswith(b"VP8X") else body
        numbers = (x // 2, y // 2, w - 1, h - 1, int(dice.choice([0, 10, 20, 70, 500])))
        head = b"".join(struct.pack("<I", one)[:3] for one in numbers) + bytes([int(dice.integers(4))])
        frames += webp_chunk(b"ANMF", head + body)
    background = webp_chunk(b"ANIM", dice.bytes(4) + b"\0\0")
    data = b"WEBP" + webp_chunk(b"VP8X", canvas) + background + frames
    return b"RIFF" + struct.pack("<I", len(data)) + data


def rgb_of(planes: list[np.ndarray], across: int, down: int, bits: int, full: bool) -> np.ndarray:
    """BT.601 in 16 binary places; samples of chroma are repeated."""
    height, width = planes[0].shape
    y, *chroma = (plane.astype(np.int64) >> (bits - 8) for plane in planes[:3])
    u, v = (np.repeat(np.repeat(c, down, 0), across, 1)[:height, :width] - 128 for c in chroma) if across else (0, 0)
    luma, wide = (1, 1) if full else (255 / 219, 255 / 224)
    at = [round(65536 * one) for one in (luma, 1.402 * wide, 0.344136286 * wide, 0.714136286 * wide, 1.772 * wide)]
    grey = at[0] * (y - (0 if full else 16)) + 32768
    rgb = np.stack([grey + at[1] * v, grey - at[2] * u - at[3] * v, grey + at[4] * u], -1)
    return np.clip(rgb >> 16, 0, 255).astype(np.uint8)


def make_videos() -> None:
    for number in range(4):
        save_animation(f"frames{number}.gif", random_animation(7, number))
    kinds = [("420jpeg", 2, 2, 8), ("420mpeg2", 2, 2, 8), ("422", 2, 1, 8), ("444", 1, 1, 8), ("444alpha", 1, 1, 8)]
    kinds += [("411", 4, 1, 8), ("mono", 0, 0, 8), ("420p10", 2, 2, 10), ("444p16", 1, 1, 16), ("mono12", 0, 0, 12)]
    for number, (name, across, down, bits) in enumerate(kinds):
        width, height, full = 9, 7 - number % 2, name == "420mpeg2"
        words = f"YUV4MPEG2 W{width} H{height} F25:{number + 1} Ip A1:1 C{name}" + " XCOLORRANGE=FULL" * full
        words = words.removesuffix(" C420jpeg")
        data, frames, begins = words.encode() + b"\n", [], []
        for frame in range(3):
            sides = [(height, width)] + [(-(-height // down), -(-width // across))] * 2 if across else [(height, width)]
            sides += [(height, width)] * ("alpha" in name)
            planes = [random.integers(0, 1 << bits, size) for size in sides]
            data += b"FRAME Ip\n" if frame == 1 else b"FRAME\n"
            data += b"".join(plane.astype("<u2" if bits > 8 else "u1").tobytes() for plane in planes)
            frames.append(rgb_of(planes, across, down, bits, full))
            begins.append(frame * 4 * (number + 1))
        save_video(f"{name}.y4m", data, [*begins, 12 * (number + 1)], frames)


def make_animations() -> None:
    for number in range(4):
        save_animation(f"frames{number}.webp", random_webp(7, number))
    turned = bytearray(random_webp(3, 5) + webp_chunk(b"EXIF", orientation(6).tobytes()))
    turned[turned.index(b"VP8X") + 8] |= 8
    turned[4:8] = struct.pack("<I", len(turned) - 8)
    save_animation("turned6.webp", bytes(turned))


for made in (make_jpegs, make_pngs, make_webps, make_gifs, make_sounds, make_videos, make_animations):
    made()
