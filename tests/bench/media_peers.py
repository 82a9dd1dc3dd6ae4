#!/usr/bin/env python3
"""Measures encoders of pictures and sounds beside llama.cpp's, in turn in one run, on the same weights and inputs.

    media_peers.py [--towers e2b,e4b,31b] [--weights bf16,q8] [--levels avx2,avx512] [--whole] [--json FILE]

For each tower: writes a checkpoint of its published shape with random weights before a small text model, and the same
values as the GGUF files of llama.cpp; compiles the one; and lets program and peer encode a picture of 280 soft tokens
and 30 seconds of sound, ours, peer, ours, peer. First both sides' soft tokens are compared: figures of different work
would mean nothing. With --whole the text model has its published shape too, and the time is that of the first token
of an answer. docs/benchmarks.md says what is measured. Progress goes to standard error, the table to standard
output. Needs numpy, a finished build, g++ and cmake (llama.cpp is built once for each level: twenty minutes), and 3 GB
of disk.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "bench"), str(ROOT / "tests" / "integration")]
import tower_shapes  # noqa: E402
from bench_models import Failure, run_or_fail, say  # noqa: E402
from media_models import HEIGHT, SECONDS, TOKENS, TOWERS, WEIGHTS, WIDTH  # noqa: E402
from media_models import Models, WholeModels, write_inputs  # noqa: E402
from peers import comma_list, machine, median, peer_python, table, write_whole  # noqa: E402

LEVELS = ("avx2", "avx512")
# Of all soft tokens together, root of mean squares. A difference of BF16 and of q8 activations is much smaller.
TOLERANCE = 0.1


# -------------------------------------------------------------------------------- the two sides
@dataclass
class Sample:
    """One encoding: seconds from the file to soft tokens, what the processors spent on it, and the process's peak."""

    seconds: float
    processor_seconds: float
    peak_resident_bytes: int


class Ours:
    """A process for each turn: from its start to the first token behind the soft tokens. Without --whole the text
    model is so small that this is the time of front end and encoder."""

    def __init__(self, program, level, options):
        self.command = [program, "-n", 1, "-p", "a", "--temperature", 0, "-q", "-t", options.threads, "--isa", level]
        self.folder = options.work / "media"

    def measure(self, kind):
        file = {"image": "picture.png", "audio": "sound.wav"}[kind]
        words = [str(word) for word in [*self.command, f"--{kind}", self.folder / file]]
        begin = time.monotonic()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failure(f"{words[0]} --{kind} exited with {process.returncode}")
        return Sample(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Peer:
    """llama.cpp, which loads its files once; its times are those of two calls, mtmd_tokenize and mtmd_encode_chunk, and
    of the text model with --whole."""

    def __init__(self, python, models, weights, options):
        words = [python, ROOT / "tests" / "bench" / "peer_mtmd.py", models.text, models.projector(weights)]
        self.folder, self.whole = options.work / "media", options.whole
        words = [str(word) for word in [*words, "--threads", options.threads, "--image-tokens", TOKENS]]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"peer_mtmd.py ended with {self.process.wait()}")
        return json.loads(line)

    def _ask(self, kind, **more):
        image = {"pixels": str(self.folder / "picture.raw"), "width": WIDTH, "height": HEIGHT}
        request = {"image": image, "audio": {"samples": str(self.folder / "sound.raw")}}[kind]
        print(json.dumps({"do": kind, **request, **more}), file=self.process.stdin, flush=True)
        return self._answer()

    def measure(self, kind):
        answer = self._ask(kind)
        seconds, processor = answer["prepare_seconds"] + answer["encode_seconds"], answer["processor_seconds"]
        if self.whole:
            seconds, processor = seconds + answer["prefill_seconds"], processor + answer["prefill_processor_seconds"]
        return Sample(seconds, processor, answer["peak_resident_bytes"])

    def soft_tokens(self, kind):
        path = self.folder / "peer.soft"
        self._ask(kind, soft=str(path))
        return np.fromfile(path, np.float32)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def soft_tokens(program, kind, folder):
    """Ours, as PROG media writes them."""
    file, path = {"image": "picture.png", "audio": "sound.wav"}[kind], folder / "ours.npy"
    run_or_fail([program, "media", folder / file, "--soft", path], stdout=subprocess.DEVNULL)
    return np.load(path).ravel()


# -------------------------------------------------------------------------------- measuring
def multiply_adds(towers, kind):
    """Of the encoder, attention included, convolutions and what a few rows take left out."""
    if kind == "image":
        shapes = tower_shapes.vision_tensors(towers.vision, towers.hidden)
        rows, layers = TOKENS * towers.vision["pooling_kernel_size"] ** 2, towers.vision["num_hidden_layers"]
        attention = 2 * rows * rows * towers.vision["num_attention_heads"] * towers.vision["head_dim"] * layers
    else:
        shapes = tower_shapes.audio_tensors(towers.audio, towers.hidden)
        rows, attention = SECONDS * 25, 0
    matrices = (
        math.prod(dims)
        for name, dims in shapes.items()
        if len(dims) == 2 and "embed" not in name and "relative" not in name
    )
    return rows * sum(matrices) + attention


def measure(models, weights, level, options):
    towers = models.towers
    kinds = ["image", "audio"] if towers.audio else ["image"]
    program = models.program(weights)
    peer = Peer(options.peers[level], models, weights, options)
    rows = []
    try:
        for kind in kinds:
            ours = Ours(program, level, options)
            mine, theirs = soft_tokens(program, kind, options.work / "media"), peer.soft_tokens(kind)
            error = float(np.linalg.norm(mine - theirs) / np.linalg.norm(mine))
            if error > TOLERANCE:
                raise Failure(f"{models.name} {weights} {kind}: soft tokens differ by {error:.3f}, not the same work")
            samples = [(ours.measure(kind), peer.measure(kind)) for _ in range(options.repeat)]
            rows.append(row(models.name, weights, level, kind, samples, towers, error, options))
            turns = ", ".join(f"{mine.seconds:.2f} and {theirs.seconds:.2f}" for mine, theirs in samples)
            say(f"{models.name} {weights} {level} {kind}: seconds {turns}")
    finally:
        peer.stop()
    return rows


def row(model, weights, level, kind, samples, towers, error, options):
    ours, peers = zip(*samples)
    seconds, peer_seconds = (median(side, lambda one: one.seconds) for side in (ours, peers))
    return {
        "model": model,
        "whole": options.whole,
        "weights": weights,
        "level": level,
        "kind": kind,
        "threads": options.threads,
        "turns": options.repeat,
        "seconds": seconds,
        "peer_seconds": peer_seconds,
        "ratio": peer_seconds / seconds,
        "processor_seconds": median(ours, lambda one: one.processor_seconds),
        "peer_processor_seconds": median(peers, lambda one: one.processor_seconds),
        "multiply_adds_per_second": None if options.whole else multiply_adds(towers, kind) / seconds,
        "relative_difference": error,
        "peak_resident_bytes": max(one.peak_resident_bytes for one in ours),
        "peer_peak_resident_bytes": max(one.peak_resident_bytes for one in peers),
    }


# -------------------------------------------------------------------------------- reporting
COLUMNS = (
    ("towers", lambda one: one["model"] + (", whole" if one["whole"] else "")),
    ("weights", lambda one: one["weights"]),
    ("level", lambda one: one["level"]),
    ("input", lambda one: one["kind"]),
    ("s", lambda one: f"{one['seconds']:.2f}"),
    ("peer s", lambda one: f"{one['peer_seconds']:.2f}"),
    ("ratio", lambda one: f"{one['ratio']:.2f}"),
    ("GFLOP/s", lambda one: "" if one["whole"] else f"{2e-9 * one['multiply_adds_per_second']:.0f}"),
    ("processor s", lambda one: f"{one['processor_seconds']:.2f}"),
    ("peer's", lambda one: f"{one['peer_processor_seconds']:.2f}"),
    ("peak GB", lambda one: f"{one['peak_resident_bytes'] / 1e9:.2f}"),
    ("peer GB", lambda one: f"{one['peer_peak_resident_bytes'] / 1e9:.2f}"),
)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towers", type=comma_list(TOWERS), help="all; with --whole e2b")
    parser.add_argument("--weights", type=comma_list(WEIGHTS), default=list(WEIGHTS))
    parser.add_argument("--levels", type=comma_list(LEVELS), default=list(LEVELS))
    parser.add_argument("--whole", action="store_true", help="before a whole text model in q4: time of the first token")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=3, help="turns of each side")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench", help="where the large files go")
    parser.add_argument("--keep", action="store_true", help="leave the large files there, for the next run")
    parser.add_argument("--prepare", action="store_true", help="make the files and measure nothing; implies --keep")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    options.keep = options.keep or options.prepare
    options.towers = options.towers or (["e2b"] if options.whole else list(TOWERS))
    if options.whole and "31b" in options.towers:
        parser.error("--whole: e2b and e4b; a whole 31b is 18 GB in each of its files")
    options.build = options.build.resolve()
    options.gemmac = options.build / "bin" / "gemmac"
    if not options.gemmac.exists():
        parser.error(f"no {options.gemmac}: build first, or name the build folder with --build")
    return options


def measure_towers(name, options):
    models, rows = (WholeModels if options.whole else Models)(name, options), []
    try:
        for weights in options.weights:
            models.program(weights), models.text, models.projector(weights)
            for level in options.levels if not options.prepare else ():
                rows += measure(models, weights, level, options)
    finally:
        models.remove()
    return rows


def main():
    options = parse_arguments()
    (options.work / "media").mkdir(parents=True, exist_ok=True)
    write_inputs(options.work / "media")
    rows, failed = [], []
    try:
        options.peers = {level: peer_python(options.build, level) for level in options.levels}
    except Failure as failure:
        raise SystemExit(f"media_peers: error: {failure}")
    for name in options.towers:
        try:
            rows += measure_towers(name, options)
        except Failure as failure:
            say(f"error: {failure}")
            failed.append(name)
            continue
        if options.json:
            write_whole(options.json, json.dumps(rows, indent=1) + "\n")
    if rows:
        print(f"{machine()}; {options.threads} threads, medians of {options.repeat} turns\n\n{table(COLUMNS, rows)}")
    if failed:
        raise SystemExit(f"media_peers: error: not measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
