"""The front ends of the runtime (pictures, mel features, resampling) against the numpy references, on every ISA level.

tests/features/main.cpp runs them on files of raw numbers; it is linked with the archive that gemmac links.
"""

import functools
import re
import subprocess

import numpy as np
import pytest

import test_spec  # noqa: F401  puts docs/spec on the path
from media_files import read_picture, read_sound
from reference_audio import features
from reference_vision import preprocess, resize, target_size
from support import BUILD, GOLDENS, level_at, require

LEVELS = [
    level_at(name, target)
    for name, target in (("avx2", "x86_64-linux"), ("avx512", "x86_64-linux"), ("neon", "aarch64-linux"))
]
MEDIA = GOLDENS / "media"
# Mel values near the floor are logarithms of differences of rounded numbers. Observed: 2e-4 on a golden, 3e-6 on noise.
MEL_BOUND = 1e-3
# Of a sum of products of f32 and, between phases, of a line in place of the sinc. Observed: 1.1e-6 at 15999 Hz.
RESAMPLE_BOUND = 4e-6


@pytest.fixture(params=LEVELS, ids=str)
def level(request):
    return require(request.param)


@pytest.fixture
def front_end(level, tmp_path):
    """Runs a front end on an array; gives the result, and the two sizes that it tells of."""

    def run(name, array, *arguments, kind=np.float32, fails=None):
        array.tofile(tmp_path / "in")
        program = BUILD / "tests/features" / f"features-{level.target}"
        command = [*level.launcher, program, level.name, name, tmp_path / "in", *arguments, tmp_path / "out"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
        if fails:
            assert done.returncode == 1 and re.search(fails, done.stderr), done.stderr
            return None
        assert done.returncode == 0, done.stderr
        told = [int(number) for number in done.stderr.split()]
        return np.fromfile(tmp_path / "out", kind), told

    return run


def with_fourth_byte(picture):
    """Pixels of four bytes, the last of them noise, which must not matter."""
    noise = np.random.default_rng(0).integers(0, 256, picture.shape[:2] + (1,), np.uint8)
    return np.concatenate([picture, noise], -1)


def by_rows(patches, width, patch=16, pool=3):
    """Patches that come cell by cell (spec 4.5), row by row as the references have them."""
    cells = patches.reshape(-1, width // (patch * pool), pool, pool, 3 * patch * patch)
    return cells.transpose(0, 2, 1, 3, 4).reshape(-1, 3 * patch * patch)


def check_picture(front_end, picture, budget, expected=None):
    height, width = picture.shape[:2]
    expected = preprocess(picture, budget)[0] if expected is None else expected
    got, told = front_end("patches", with_fourth_byte(picture), height, width, budget, 16, 3)
    assert tuple(told) == target_size(height, width, budget)
    assert np.array_equal(by_rows(got, told[1]), expected), (height, width, budget)


def random_pictures(count, longest, seed):
    """Noise, a part of it black and white, whose sums go furthest beyond 0 and 255; a third of it thin."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        height, width = rng.integers(1, longest, 2)
        if number % 3 == 0:
            height, width = sorted((int(height), int(rng.integers(1, 8))), reverse=bool(number % 2))
        picture = rng.integers(0, 256, (height, width, 3), np.uint8)
        yield np.where(picture > 127, 255, 0).astype(np.uint8) if number % 2 else picture


@functools.cache
def hundred_pictures():
    """From one pixel on, with their patches."""
    pictures = [np.full((1, 1, 3), 200, np.uint8), *random_pictures(99, 700, 1)]
    return [(picture, preprocess(picture, 70)[0]) for picture in pictures]


# ---- pictures
def test_sizes(front_end):
    """Sizes and refusals of 6000 pictures, budgets that no processor asks for among them."""
    rng = np.random.default_rng(7)
    sides = np.exp(rng.uniform(0, np.log(16000), (6000, 2))).astype(np.int64)
    budgets = rng.choice([70, 140, 280, 560, 1120, 1, 2, 3, 50], 6000)
    sides[::20, 1] = sides[::20, 0]  # one soft token and a square: the floating point decides
    budgets[::20] = 1
    grids = rng.integers(1, [40, 6], (6000, 2))
    grids[::2] = 16, 3  # as all published towers have it
    got, _ = front_end("sizes", np.column_stack([sides, grids, budgets]), kind=np.int64)
    expected = []
    for (height, width), grid, budget in zip(sides.tolist(), grids.tolist(), budgets.tolist()):
        try:
            size = target_size(height, width, budget, *grid)
            expected.append(size if max(size) <= 131072 else (0, 0))  # sides that no picture may have
        except ValueError:
            expected.append((0, 0))
    assert (0, 0) in expected
    assert np.array_equal(got.reshape(-1, 2), expected)


@pytest.mark.parametrize("resized", sorted(MEDIA.glob("*_resized.png")), ids=lambda path: path.stem)
def test_golden_pictures(front_end, resized):
    """Pictures that were resized by what made the goldens."""
    picture = read_picture(resized.with_name(resized.name.replace("_resized", "")))
    expected = read_picture(resized)
    got, told = front_end("frame", with_fourth_byte(picture), *picture.shape[:2], 70, 16, 3, kind=np.uint8)
    assert tuple(told) == expected.shape[:2]
    assert np.array_equal(got.reshape(*told, 4)[..., :3], expected)
    check_picture(front_end, picture, 70)


def test_there_are_golden_pictures():
    assert len(list(MEDIA.glob("*_resized.png"))) >= 5


def test_random_pictures(front_end):
    """Every bit of every patch."""
    for picture, expected in hundred_pictures():
        check_picture(front_end, picture, 70, expected)


@pytest.mark.parametrize(
    "height, width, budget", [(1, 131072, 1120), (131072, 3, 70), (6, 40000, 280), (2000, 1500, 560)]
)
def test_large_pictures(front_end, height, width, budget):
    check_picture(front_end, np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8), budget)


def test_merged_patches(front_end):
    """Patches of 48 pixels hold what nine of 16 hold (spec 10)."""
    for picture in random_pictures(6, 400, 2):
        height, width = target_size(*picture.shape[:2])
        expected, _ = preprocess(picture)
        expected = expected.reshape(height // 48, 3, width // 48, 3, 16, 16, 3).transpose(0, 2, 1, 4, 3, 5, 6)
        got, _ = front_end("patches", with_fourth_byte(picture), *picture.shape[:2], 280, 48, 1)
        assert np.array_equal(got.reshape(expected.shape), expected)


@pytest.mark.parametrize("patch, pool", [(1, 1), (5, 1), (4, 2), (7, 2), (14, 3), (3, 5), (16, 1), (32, 2)])
def test_other_grids(front_end, patch, pool):
    """Patches of any size, any number of them a soft token; pictures of widths that are no multiple of 8."""
    for picture in random_pictures(6, 300, 10 * patch + pool):
        expected, _ = preprocess(picture, 50, patch, pool)
        got, told = front_end("patches", with_fourth_byte(picture), *picture.shape[:2], 50, patch, pool)
        assert np.array_equal(by_rows(got, told[1], patch, pool), expected)
        height, width = told
        got, _ = front_end("frame", with_fourth_byte(picture), *picture.shape[:2], 50, patch, pool, kind=np.uint8)
        assert np.array_equal(got.reshape(height, width, 4)[..., :3], resize(picture, height, width))


def test_frames(front_end):
    """Frames in 8 bits; where a frame's own size is its target, its patches are those of its picture."""
    kept = 0
    for picture in random_pictures(6, 400, 4):
        height, width = target_size(*picture.shape[:2], 70)
        got, _ = front_end("frame", with_fourth_byte(picture), *picture.shape[:2], 70, 16, 3, kind=np.uint8)
        frame = got.reshape(height, width, 4)[..., :3]
        assert np.array_equal(frame, resize(picture, height, width))
        if target_size(height, width, 70) == (height, width):
            kept += 1
            again, _ = front_end("patches", with_fourth_byte(frame), height, width, 70, 16, 3)
            assert np.array_equal(by_rows(again, width), preprocess(picture, 70)[0])
    assert kept


# ---- sounds
def mel_cases():
    rng = np.random.default_rng(5)
    for samples in (161, 320, 321, 479, 480, 481, 16000, 33333):
        yield f"noise-{samples}", (rng.standard_normal(samples) * 0.1).astype(np.float32)
    yield "silence", np.zeros(5000, np.float32)
    yield "loud", np.sign(rng.standard_normal(9000)).astype(np.float32)
    yield "cut", (rng.standard_normal(480500) * 0.1).astype(np.float32)
    for path in sorted(MEDIA.glob("*-audio.wav")):
        yield path.stem, read_sound(path)


MEL_CASES = dict(mel_cases())


def test_mel(front_end, level):
    for name, wave in MEL_CASES.items():
        if level.launcher and len(wave) > 100000:
            wave = wave[:60000]  # emulation is slow
        expected, valid = features(wave)
        got, told = front_end("mel", wave)
        assert told == [len(expected), valid.sum()], name
        got = got.reshape(expected.shape)
        assert np.abs(got - expected).max() <= MEL_BOUND, name
        assert not got[~valid].any(), name


def test_a_sound_without_frames_is_refused(front_end):
    front_end("mel", np.ones(160, np.float32), fails="160 samples: at least 161")


@functools.cache
def resampling_cases(rate):
    """Random sounds at a rate and what becomes of them."""
    rng = np.random.default_rng(rate)
    waves = [rng.uniform(-1, 1, samples).astype(np.float32) for samples in (1, 3, max(50, min(rate // 16, 2000)))]
    return [(wave, resampled(wave.astype(np.float64), rate)) for wave in waves]


def resampled(wave, rate):
    """The filter that Resample.h states, sample by sample, in double precision."""
    lower, periods, attenuation = min(1.0, 16000 / rate), 64, 100
    beta = 0.1102 * (attenuation - 8.7)
    cut_off = lower * (1 - (attenuation - 7.95) / (2.285 * 2 * np.pi * 2 * periods))
    out = np.zeros(-(-len(wave) * 16000 // rate))
    for number in range(len(out)):
        distance = number * rate / 16000 - np.arange(len(wave))
        inside = distance[np.abs(distance) * lower < periods]
        window = np.i0(beta * np.sqrt(1 - (inside * lower / periods) ** 2)) / np.i0(beta)
        near = wave[np.abs(distance) * lower < periods]
        out[number] = (near * cut_off * np.sinc(cut_off * inside) * window).sum()
    return out


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 15999, 22050, 44100, 44101, 48000, 192000, 767999, 768000])
def test_resampling(front_end, rate):
    for wave, expected in resampling_cases(rate):
        got, _ = front_end("resample", wave, rate)
        assert len(got) == len(expected)
        assert np.abs(got - expected).max() <= RESAMPLE_BOUND, len(wave)


def test_equal_rates_copy(front_end):
    wave = np.random.default_rng(1).uniform(-1, 1, 500).astype(np.float32)
    assert np.array_equal(front_end("resample", wave, 16000)[0], wave)


def decibels(wave):
    """Of the loudest sample, away from the ends."""
    return 20 * np.log10(np.abs(wave[1000:-1000]).max())


@pytest.mark.parametrize("rate, tone, least, most", [
    (48000, 7200, -0.001, 0.001), (48000, 8000, -200, -95), (48000, 9000, -200, -98), (44100, 15000, -200, -98),
    (8000, 3600, -0.01, 0.01), (44101, 7000, -0.01, 0.01), (44101, 8500, -200, -95),
])  # fmt: skip
def test_stop_band(front_end, rate, tone, least, most):
    """What the models hear of a tone: all of it below 0.45 of the lower rate, nothing above half of it."""
    wave = np.sin(2 * np.pi * tone * np.arange(rate) / rate).astype(np.float32)
    got, _ = front_end("resample", wave, rate)
    assert least <= decibels(got) <= most


def test_images_of_a_tone_are_gone(front_end):
    """From 8 to 16 kHz a tone of 1 kHz has its image at 7 kHz."""
    wave = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000).astype(np.float32)
    got, _ = front_end("resample", wave, 8000)
    spectrum = np.abs(np.fft.rfft(got[1000:-1000] * np.kaiser(len(got) - 2000, 20)))
    hertz = np.linspace(0, 8000, len(spectrum))
    assert 20 * np.log10(spectrum[hertz > 6000].max() / spectrum.max()) < -98


@pytest.mark.parametrize("rate", [0, 999, 768001])
def test_rates_are_limited(front_end, rate):
    front_end("resample", np.ones(10, np.float32), rate, fails="a second: expected 1000 to 768000")


# ---- bits and symbols
def test_levels_give_the_same_bits(tmp_path):
    """Mel features and resampling are sums of floats: added in one order everywhere."""
    wave = (np.random.default_rng(6).standard_normal(20000) * 0.1).astype(np.float32)
    wave.tofile(tmp_path / "in")
    here = [one for one in LEVELS if not one.missing]
    for arguments in (["mel", "in", "out"], ["resample", "in", "44100", "out"], ["resample", "in", "44101", "out"]):
        results = set()
        for one in here:
            program = BUILD / "tests/features" / f"features-{one.target}"
            subprocess.run(
                [*one.launcher, program, one.name, *arguments], cwd=tmp_path, check=True, capture_output=True
            )
            results.add((tmp_path / "out").read_bytes())
        assert len(results) == 1, arguments
    if len(here) < 2:
        pytest.skip("one level alone runs here")


@pytest.mark.parametrize("target", ["x86_64-linux", "aarch64-linux"])
def test_nothing_of_halide_is_linked(target):
    """The front ends ask for the hooks of HalideHooks.cpp and for memset, and bring nothing with them."""
    listed = subprocess.run(
        ["llvm-nm-22", "--print-file-name", BUILD / f"lib/gemmac/{target}/libgemmac_runtime.a"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    symbols = re.findall(r"libgemmac_runtime\.a:(\S+): +\w* (\w) (\S+)", listed)
    made = {name for name, _, _ in symbols if re.match(r"gemmac_\w+\.o$", name)}
    assert len(made) == (8 if target == "x86_64-linux" else 4)
    asked = {symbol for name, kind, symbol in symbols if name in made and kind == "U"}
    hooks = {symbol for name, kind, symbol in symbols if name == "HalideHooks.o" and kind == "T"}
    assert asked <= hooks | {"memset"}
    assert all(symbol.startswith("halide_") for symbol in hooks) and hooks <= asked, hooks - asked
    assert not any("dlopen" in symbol or "dlsym" in symbol for _, _, symbol in symbols)
