"""What media_peers.py measures: towers of published shapes with random weights, a picture and a sound."""

import json
import multiprocessing
import shutil
import sys
import wave
import zlib
from dataclasses import dataclass
from pathlib import Path
from struct import pack

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/bench", "tests/integration")]
import gguf_writer  # noqa: E402
import make_random_checkpoint  # noqa: E402
import mmproj_writer  # noqa: E402
import random_checkpoint  # noqa: E402
import tower_shapes  # noqa: E402
from bench_models import Failure, run_or_fail, say  # noqa: E402

SMALL = tower_shapes.vision(
    hidden_size=768,
    intermediate_size=3072,
    head_dim=64,
    num_attention_heads=12,
    num_key_value_heads=12,
    num_hidden_layers=16,
    patch_size=16,
    position_embedding_size=10240,
    use_clipped_linears=True,
)
LARGE = tower_shapes.vision(
    hidden_size=1152,
    intermediate_size=4304,
    head_dim=72,
    num_attention_heads=16,
    num_key_value_heads=16,
    num_hidden_layers=27,
    patch_size=16,
    position_embedding_size=10240,
    standardize=True,
)
AUDIO = tower_shapes.audio(
    hidden_size=1024, num_attention_heads=8, num_hidden_layers=12, output_proj_dims=1536, use_clipped_linears=True
)


@dataclass(frozen=True)
class Towers:
    """Those of a published model, before a text model of its width."""

    hidden: int
    vision: dict
    audio: dict | None


TOWERS = {"e2b": Towers(1536, SMALL, AUDIO), "e4b": Towers(2560, SMALL, AUDIO), "31b": Towers(5376, LARGE, None)}
WIDTH, HEIGHT, TOKENS = 960, 672, 280  # 20 x 14 cells of 48 pixels: neither side resizes it
SECONDS, RATE = 30, 16000


@dataclass(frozen=True)
class Weights:
    """The format of our towers, how wide integer weights' activations are, and the peer's format."""

    ours: str
    activations: int
    peer: str


# The peer multiplies its q8 with activations of 8 bits, ours by default with 16. It has nothing like q12, whose error
# is below that of its own arithmetic in bf16.
WEIGHTS = {
    "bf16": Weights("bf16", 16, "bf16"),
    "q12": Weights("q12", 16, "bf16"),
    "q8": Weights("q8", 16, "q8"),
    "q8-a8": Weights("q8", 8, "q8"),
}


# -------------------------------------------------------------------------------- inputs
def write_png(path, pixels):
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1)

    def chunk(kind, data):
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def write_inputs(folder):
    """picture.png and sound.wav for our side, the same as raw values for the peer."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = [128 + 100 * np.sin(x / 50 + y / 90), 128 + 90 * np.cos(x / 35 - y / 60), (x + y) / 6 % 255]
    pixels = np.clip(np.stack(smooth, -1) + rng.normal(0, 12, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
    write_png(folder / "picture.png", pixels)
    pixels.tofile(folder / "picture.raw")
    t = np.arange(SECONDS * RATE) / RATE
    sound = 0.3 * np.sin(2 * np.pi * (200 + 40 * t) * t) + 0.05 * rng.normal(size=t.size)
    samples = np.clip(np.rint(sound * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    (samples.astype("<f4") / 32768).tofile(folder / "sound.raw")


# -------------------------------------------------------------------------------- models
class Models:
    """The files of one shape, made when missing: towers before a text model that takes no time."""

    prefix = "program"

    def __init__(self, name, options):
        self.name, self.options, self.towers = name, options, TOWERS[name]
        self.text_config = random_checkpoint.text(hidden_size=self.towers.hidden)
        self.folder = options.work / "media" / name
        self.folder.mkdir(parents=True, exist_ok=True)

    def _made(self, name, write):
        path, partial = self.folder / name, self.folder / (name + ".partial")
        if not path.exists():
            say(f"writing {path}")
            # By a process of its own: what this one ever held would be counted as the peak of all that it starts.
            writer = multiprocessing.get_context("fork").Process(target=write, args=(partial,))
            writer.start()
            writer.join()
            if writer.exitcode:
                raise Failure(f"'{path}' was not written: see above")
            partial.rename(path)
        return path

    @property
    def checkpoint(self):
        towers = self.towers
        return self._made(
            "checkpoint",
            lambda path: random_checkpoint.write(
                path, self.text_config, "BF16", vision=towers.vision, audio=towers.audio
            ),
        )

    @property
    def text(self):
        tokenizer = json.loads((self.checkpoint / "tokenizer.json").read_text())
        return self._made(
            "text.gguf", lambda path: gguf_writer.write_shape(self.text_config, tokenizer, self.name, "q8", path)
        )

    def projector(self, weights):
        """The peer's."""
        towers, kind = self.towers, WEIGHTS[weights].peer
        return self._made(
            f"mmproj-{kind}.gguf",
            lambda path: mmproj_writer.write(path, towers.hidden, kind, towers.vision, towers.audio),
        )

    def compiler_arguments(self, weights):
        kind = WEIGHTS[weights]
        words = [self.checkpoint, "--weights", "q8", "--vision-weights", kind.ours]
        return words + (["--audio-weights", kind.ours] if self.towers.audio else [])

    def program(self, weights):
        path = self.folder / f"{self.prefix}-{weights}"
        if path.exists() and path.stat().st_mtime < self.options.gemmac.stat().st_mtime:
            path.unlink()
        words = [self.options.gemmac, "compile", *self.compiler_arguments(weights)]
        words += ["--activations", 8] if WEIGHTS[weights].activations == 8 else []
        words += ["--context", 2048, "-q"]
        return self._made(path.name, lambda partial: run_or_fail([*words, "-o", partial]))

    def remove(self):
        if not self.options.keep:
            shutil.rmtree(self.folder)


class WholeModels(Models):
    """The same towers before the text model of the published shape in q4: both sides get the same two GGUF files."""

    prefix = "whole"

    @property
    def text(self):
        model, tokenizer = self.name.upper(), make_random_checkpoint.tokenizer()
        config = make_random_checkpoint.full_config(model, make_random_checkpoint.MODELS[model]["layers"])
        template = (ROOT / "examples" / "checkpoints" / "tiny-e" / "chat_template.jinja").read_text()
        return self._made(
            "whole.gguf",
            lambda path: gguf_writer.write_shape(config, tokenizer, self.name, "q4", path, chat_template=template),
        )

    def compiler_arguments(self, weights):
        kind = WEIGHTS[weights]
        words = [self.text, "--mmproj", self.projector(weights), "--weights", "q4", "--vision-weights", kind.ours]
        return words + (["--audio-weights", kind.ours] if self.towers.audio else [])
