#!/usr/bin/env python3
"""Writes 24 pictures and 24 sounds of the kind that the small checkpoints know into a folder.

    make_shapes.py FOLDER

Pictures: a circle, each of six colours on each of four backgrounds, as PNG. Sounds: one to three beeps, low or high, as
WAV. docs/quantization.md measures towers with them. Needs numpy.
"""

import itertools
import random
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from media_files import write_picture, write_sound  # noqa: E402

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 170, 60),
    "blue": (40, 70, 220),
    "yellow": (240, 210, 30),
    "purple": (140, 40, 180),
    "orange": (245, 130, 20),
}
BACKGROUNDS = {"white": (250, 250, 250), "black": (12, 12, 12), "gray": (128, 128, 128), "pink": (250, 180, 200)}
SIZES = ((96, 96), (144, 96), (96, 144), (144, 144), (192, 96), (240, 144))
RATE = 16000


def circle(choose, colour, background):
    width, height = choose.choice(SIZES)
    radius = choose.randint(min(width, height) // 4, int(min(width, height) / 2.2))
    x, y = choose.randint(radius, width - radius), choose.randint(radius, height - radius)
    down, across = np.mgrid[:height, :width]
    inside = (across - x) ** 2 + (down - y) ** 2 <= radius**2
    return np.where(inside[..., None], np.array(colour), np.array(background)).astype(np.uint8)


def beeps(count, pitch, number):
    """Lengths, loudness and noise follow from the number."""
    choose, noise = random.Random(number), np.random.default_rng(number)
    seconds, gap, loudness = choose.uniform(0.16, 0.3), choose.uniform(0.2, 0.3), choose.uniform(0.2, 0.7)
    tone = loudness * np.sin(2 * np.pi * pitch * np.arange(int(seconds * RATE)) / RATE)
    tone[:80] *= np.linspace(0, 1, 80)
    tone[-80:] *= np.linspace(1, 0, 80)
    hiss = choose.uniform(0, 0.01)
    lead = np.zeros(int(choose.uniform(0.02, 0.15) * RATE))
    sound = np.concatenate([lead, *[tone, np.zeros(int(gap * RATE))] * count])
    return np.clip(sound + hiss * noise.standard_normal(len(sound)), -1, 1)


def write(folder):
    choose = random.Random(12)
    folder.mkdir(parents=True, exist_ok=True)
    for (colour, rgb), (background, back) in itertools.product(COLOURS.items(), BACKGROUNDS.items()):
        write_picture(folder / f"{colour}-{background}.png", circle(choose, rgb, back))
    for number in range(24):
        count, high, step = 1 + number % 3, number // 3 % 2, choose.randint(0, 99)
        pitch = 1400 + 8 * step if high else 220 + 1.6 * step
        write_sound(folder / f"{count}-{'high' if high else 'low'}-{number}.wav", beeps(count, pitch, number) * 32767)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    write(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
