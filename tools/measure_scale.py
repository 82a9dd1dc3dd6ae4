#!/usr/bin/env python3
"""Measures gemmac on checkpoints of real shapes and prints one row of a Markdown table for each.

    measure_scale.py FOLDER [--gemmac build/bin/gemmac] [--keep] [MODEL[:LAYERS[:FORMAT]] ...]

Writes each random checkpoint into FOLDER (E2B needs 10 GB), compiles it, runs `bench` and a generation, and removes it
unless --keep is given. Default: E2B:35:q4 and 26B-A4B:6:q4. Peak memory is what the kernel counted for the process
(wait4), mapped file pages included. FOLDER should lie on a local disk. Needs numpy.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import make_random_checkpoint

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = (
    "model",
    "layers",
    "checkpoint GB",
    "format",
    "compile s",
    "compile peak GB",
    "program GB",
    "prefill tok/s",
    "decode tok/s",
    "MB/token",
    "run peak GB",
)


@dataclass
class Run:
    seconds: float
    cores: float  # processor seconds per second
    peak_gb: float
    output: str


def measured(arguments):
    """Runs a command to its end; standard output is captured, standard error passes through."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in arguments], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(
            f"measure_scale: error: {arguments[0]} {arguments[1]} exited with {process.returncode}, expected 0"
        )
    seconds = time.monotonic() - begin
    return Run(seconds, (usage.ru_utime + usage.ru_stime) / seconds, usage.ru_maxrss * 1024 / 1e9, output)


def gigabytes(path):
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e9


def measure(name, folder, options):
    model, layers, weights = (name.split(":") + ["", ""])[:3]
    layers, weights = int(layers or make_random_checkpoint.MODELS[model]["layers"]), weights or "q4"
    checkpoint, program = folder / f"{model}-{layers}", folder / f"{model}-{layers}-{weights}"
    if not (checkpoint / "config.json").exists():
        make_random_checkpoint.write(model, checkpoint, layers, False, 5_000_000_000, 0)
    compiled = measured(
        [options.gemmac, "compile", checkpoint, "-o", program, "--weights", weights, "--context", options.context]
    )
    print(
        f"{name}: compiled in {compiled.seconds:.0f} s on {compiled.cores:.1f} cores, peak {compiled.peak_gb:.2f} GB",
        file=sys.stderr,
    )
    bench = measured([program, "bench", "-p", options.prompt, "-n", options.tokens, "-t", options.threads, "--json"])
    report = json.loads(bench.output)
    print(f"{name}: {json.dumps(report)}", file=sys.stderr)
    spoken = measured(
        [program, "-p", "Say something.", "-n", options.tokens, "--temperature", 0, "-t", options.threads]
    )
    row = (
        model,
        layers,
        f"{gigabytes(checkpoint):.2f}",
        weights,
        f"{compiled.seconds:.0f}",
        f"{compiled.peak_gb:.2f}",
        f"{gigabytes(program):.2f}",
        f"{report['prefill']['tokens_per_second']:.1f}",
        f"{report['decode']['tokens_per_second']:.2f}",
        f"{report['decode']['weight_bytes_per_token'] / 1e6:.0f}",
        f"{spoken.peak_gb:.2f}",
    )
    if not options.keep:
        shutil.rmtree(checkpoint)
        program.unlink()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", default=["E2B:35:q4", "26B-A4B:6:q4"], metavar="MODEL[:LAYERS[:FORMAT]]")
    parser.add_argument("--gemmac", type=Path, default=ROOT / "build" / "bin" / "gemmac")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--prompt", type=int, default=256, help="tokens of the prompt in bench")
    parser.add_argument("--tokens", type=int, default=32, help="tokens decoded")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--keep", action="store_true", help="leave checkpoints and programs in FOLDER")
    options = parser.parse_intermixed_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = [measure(name, options.folder, options) for name in options.models]
    for row in (COLUMNS, ["---"] * len(COLUMNS), *rows):
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
