"""The models that peers.py measures: their files, made when missing, and about how much disk and time they take."""

import json
import math
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "bench")]
import gguf_writer  # noqa: E402
import make_random_checkpoint  # noqa: E402
from gemma_checkpoint import TextShape  # noqa: E402


@dataclass(frozen=True)
class RandomModel:
    """The shape of a published model, with random weights; `layers` when --layers does
    not say, None for all of them."""

    published: str
    layers: int | None = None


@dataclass(frozen=True)
class FetchedModel:
    """A GGUF file of real weights, which `fetch` (from the root) writes to `file` (in the
    build folder). It stays there."""

    fetch: str
    file: str


MODELS = {
    "e2b": RandomModel("E2B"),
    "e4b": RandomModel("E4B"),
    "26b-a4b": RandomModel("26B-A4B"),
    "31b": RandomModel("31B", layers=8),
    "gemma3-270m": FetchedModel("examples/real-model/fetch.py", "real-model/gemma-3-270m.gguf"),
}

# For the estimates alone, from two cores of 2021: what the peer computes and reads per
# second, what is written and compiled.
PEER_MULTIPLY_ADDS, PEER_READ_BYTES, WRITE_BYTES, COMPILE_VALUES = 50e9, 15e9, 150e6, 25e6


class Failure(Exception):
    """What keeps a model from being measured; the others still are."""


_begin = time.monotonic()


def say(text):
    print(f"peers: {(time.monotonic() - _begin) / 60:5.1f} min: {text}", file=sys.stderr, flush=True)


def run_or_fail(command, advice="", **options):
    if status := subprocess.run([str(word) for word in command], **options).returncode:
        raise Failure(f"{shlex.join(map(str, command))} exited with {status}{advice}")


def context_of(program):
    """Positions that a program has; 0 for a file that does not run."""
    try:
        done = subprocess.run([str(program), "info", "--json"], capture_output=True, check=True)
        return json.loads(done.stdout)["context"]
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
        return 0


def gguf_shape(path):
    """Of a TextShape, what a cache depends on."""
    fields, _, _ = gguf_writer.read_gguf(path)
    prefix = fields["general.architecture"] + "."
    count = fields[prefix + "block_count"]

    def field(name, default=None):
        return fields.get(f"{prefix}attention.{name}", default)

    # Files of Gemma 3 need not tell: every sixth layer is full.
    pattern = field("sliding_window_pattern", 6)
    slides = pattern if isinstance(pattern, list) else [(i + 1) % pattern != 0 for i in range(count)]
    heads = field("head_count_kv")
    heads = heads if isinstance(heads, list) else [heads] * count
    full_dim = field("key_length")
    dims = [field("key_length_swa", full_dim) if sliding else full_dim for sliding in slides]
    layers = [
        SimpleNamespace(full=not sliding, kv_heads=kv_heads, head_dim=dim)
        for sliding, kv_heads, dim in zip(slides, heads, dims)
    ]
    return SimpleNamespace(count=count, window=field("sliding_window", 0), layers=layers)


class Files:
    """What one model needs, in the folder --work: a GGUF file, which the peer runs and our side compiles, and the
    program. Of a checkpoint directory the program is compiled, and the peer gets a file of the same shape. Made when
    missing, under another name until complete; removed as soon as they are of no more use, unless kept."""

    def __init__(self, model, options):
        self.options, self.made = options, []
        self.known = MODELS.get(model)
        self.checkpoint = self.file = None
        if isinstance(self.known, RandomModel):
            all_layers = make_random_checkpoint.MODELS[self.known.published]["layers"]
            layers = options.layers.get(model, self.known.layers) or all_layers
            self.label = f"{model}-{layers}"
            self.config = make_random_checkpoint.full_config(self.known.published, layers)
        elif self.known:
            self.label, self.file = model, options.build / self.known.file
            self.file.parent.mkdir(parents=True, exist_ok=True)
            run_or_fail([sys.executable, ROOT / self.known.fetch, self.file], ": see above what it needs")
        elif Path(model).suffix == ".gguf" and Path(model).is_file():
            self.label, self.file = Path(model).stem, Path(model)
        elif (Path(model) / "config.json").exists():
            self.label, self.checkpoint = Path(model).name, Path(model)
            self.config = json.loads((self.checkpoint / "config.json").read_text())
        else:
            names = ", ".join(MODELS)
            raise Failure(f"--models: '{model}' is neither one of {names} nor a checkpoint directory or GGUF file")
        self.shape = gguf_shape(self.file) if self.file else TextShape(self.config)

    # ---------------------------------------------------------------------------- estimates
    def peer_tensors(self, weights):
        """(metadata as far as it says what a token reads, tensors) of the peer's file, which need not be there yet."""
        if self.file:
            return gguf_writer.read_gguf(self.file)[:2]
        fields = {"general.architecture": "gemma4", "gemma4.expert_used_count": self.shape.top_k}
        return fields, gguf_writer.model_tensors(self.shape, weights)

    def needs(self):
        """(bytes of the folder that are taken at the most, of which some may be there already; seconds to make them)"""
        most, seconds = 0, 0.0
        for weights in self.options.weights:
            _, tensors = self.peer_tensors(weights)
            gguf = sum(tensor.bytes for tensor in tensors)
            writes_gguf = not self.file and not (self.checkpoint and not self.options.peer)
            # A program is about as large as the file.
            most = max(most, gguf * (1 + writes_gguf))
            seconds += sum(tensor.count for tensor in tensors) / COMPILE_VALUES + gguf * writes_gguf / WRITE_BYTES
        return most, seconds

    def seconds_of_turn(self, phase, weights):
        """(once, each turn) of both sides."""
        fields, tensors = self.peer_tensors(weights)
        prompt_token = gguf_writer.per_token(fields, tensors, lambda tensor: tensor.count) / PEER_MULTIPLY_ADDS
        token = gguf_writer.bytes_per_token(fields, tensors) / PEER_READ_BYTES
        if phase.kind == "prefill":
            return 0, 1.5 * phase.tokens * prompt_token
        if phase.kind == "resident":
            return 0, 0.5 * phase.tokens * prompt_token
        once = phase.depth * prompt_token if self.options.peer else 0
        return once, 1.5 * phase.tokens * token * (6 if phase.busy else phase.rows**0.5)

    def announce(self, phases):
        """Says what is to come. \\raises Failure when the disk is too small for it."""
        need, seconds = self.needs()
        for weights in self.options.weights:
            for phase in phases:
                once, turn = self.seconds_of_turn(phase, weights)
                turns = min(self.options.repeat, math.ceil(self.options.phase_seconds / max(turn, 1e-3)))
                seconds += once + turn * turns
        there = sum(file.stat().st_size for file in self.options.work.glob(f"{self.label}-*") if file.is_file())
        free = shutil.disk_usage(self.options.work).free
        say(
            f"{self.label}: about {seconds / 60:.0f} minutes on two cores, {need / 1e9:.1f} GB in {self.options.work}, "
            f"where {there / 1e9:.1f} GB of it may lie already and {free / 1e9:.1f} GB are free"
        )
        if need > there + free:
            raise Failure(
                f"{self.label} needs {need / 1e9:.1f} GB in {self.options.work}, but {free / 1e9:.1f} GB are free: "
                "name a larger disk with --work, or fewer layers with --layers"
            )

    # ---------------------------------------------------------------------------- files
    def _make(self, path, write):
        """Calls write(temporary name), which takes the place of `path` once it is complete."""
        if path.exists():
            return
        begin, partial = time.monotonic(), path.with_name(path.name + ".partial")
        say(f"writing {path}")
        partial.unlink(missing_ok=True)
        try:
            write(partial)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.rename(path)
        self.made.append(path)
        say(f"wrote {path} in {time.monotonic() - begin:.0f} s")

    def gguf(self, weights):
        """The peer's file."""
        if self.file:
            return self.file
        path = self.options.work / f"{self.label}-{weights}.gguf"

        def write(partial):
            if self.checkpoint:
                gguf_writer.write_random(self.checkpoint, weights, partial)
            else:
                tokenizer = make_random_checkpoint.tokenizer()
                gguf_writer.write_shape(self.config, tokenizer, self.label, weights, partial)

        self._make(path, write)
        if path in self.made:  # caches of a model that is no more
            self._remove_states(path)
        return path

    def program(self, weights, context):
        source = self.checkpoint or self.gguf(weights)
        path = self.options.work / f"{self.label}-{weights}"
        if path.exists() and path.stat().st_mtime < self.options.gemmac.stat().st_mtime:
            say(f"{path} is older than {self.options.gemmac}; compiling it again")
            path.unlink()
        if path.exists() and context_of(path) < context:
            say(f"{path} has too small a context; compiling it again")
            path.unlink()
        command = [self.options.gemmac, "compile", source, "--weights", weights, "--context", context, "-q"]
        command += self.options.compile_options
        self._make(path, lambda partial: run_or_fail([*command, "-o", partial]))
        return path

    def state(self, gguf, context):
        """Beginning of the names of files in which the peer keeps its caches."""
        return self.options.work / f"{gguf.stem}.{context}.state"

    def _remove_states(self, gguf):
        for state in self.options.work.glob(f"{gguf.stem}.*.state-*"):
            state.unlink()

    def measured(self, *paths):
        """These files are of no more use."""
        for path in paths if not self.options.keep else ():
            if path.suffix == ".gguf":
                self._remove_states(path)
            if path in self.made:
                self.made.remove(path)
                path.unlink(missing_ok=True)

    def remove(self):
        self.measured(*list(self.made))
