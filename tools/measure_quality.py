#!/usr/bin/env python3
"""Measures what weight formats cost on a checkpoint and prints one row of a Markdown table for each.

    measure_quality.py CHECKPOINT TEXT [--gemmac build/bin/gemmac] [--formats f32,bf16,q8,q4] [--work FOLDER]
                       [--option WORD]... [--bench] [--json FILE]

Compiles CHECKPOINT (what `gemmac compile` takes) in each format with a KV cache of f32, so that weights are compared
and nothing else, feeds TEXT behind <bos> in one piece, and compares the logits of every position with those of the f32
program, which is always made. Columns: bits per weight and size of the program; negative log-likelihood per token of
TEXT; Kullback-Leibler divergence from f32 in nats, mean and 99th percentile over positions; share of positions with the
same likeliest token; with --bench tokens per second of `bench` (with the default cache). --option passes a word on to
`gemmac compile`. Needs numpy, and disk for two sets of logits: 4 bytes x tokens x vocabulary each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROWS = 16  # handled at once: 16 rows of 262144 f64 values are 34 MB


def log_softmax(rows):
    rows = rows.astype(np.float64)
    rows -= rows.max(-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(-1, keepdims=True))


def divergence(expected, got):
    """(KL divergence in nats, whether the likeliest token is the same) of each pair of rows of logits."""
    kl, same = np.empty(len(expected)), np.empty(len(expected), bool)
    for at in range(0, len(expected), ROWS):
        rows = slice(at, at + ROWS)
        p, q = log_softmax(expected[rows]), log_softmax(got[rows])
        kl[rows] = (np.exp(p) * (p - q)).sum(-1)
        same[rows] = p.argmax(-1) == q.argmax(-1)
    return kl, same


def output_of(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=False, **options)
    if done.returncode:
        raise SystemExit(f"measure_quality: error: {command[0]} {command[1]} exited with {done.returncode}, expected 0")
    return done.stdout


class Measurement:
    """Programs of one checkpoint in several formats, and the logits of one text."""

    def __init__(self, gemmac, checkpoint, work, options=()):
        self.gemmac, self.checkpoint, self.work, self.options = gemmac, checkpoint, Path(work), options

    def compile(self, weights, *options):
        name = "-".join(["program", weights, *(word.strip("-") for word in options)])
        output_of(
            self.gemmac,
            "compile",
            self.checkpoint,
            "-o",
            self.work / name,
            "--weights",
            weights,
            *options,
            *self.options,
            "-q",
        )
        return self.work / name

    def write_ids(self, program, text):
        """TEXT as token ids behind <bos>, in a file."""
        ids = [
            output_of(program, "tokenize", *extra, input=raw).split()
            for extra, raw in ((["--special"], b"<bos>"), ([], text))
        ]
        (self.work / "ids.txt").write_bytes(b" ".join(ids[0] + ids[1]))

    def score(self, program):
        """(negative log-likelihood per token, logits [tokens, vocabulary] mapped from their file)"""
        path = self.work / (program.name + ".npy")
        report = output_of(program, "score", "--ids", self.work / "ids.txt", "--logits", path, "--json")
        return json.loads(report)["nll"], np.load(path, mmap_mode="r")


def size_of(program):
    info = json.loads(output_of(program, "info", "--json"))
    values = sum(one["values"] for one in info["formats"])
    return program.stat().st_size, 8 * info["bytes"]["weights"] / values


def measure(measurement, text, formats, bench):
    exact = measurement.compile("f32", "--cache", "f32")
    measurement.write_ids(exact, text)
    exact_nll, expected = measurement.score(exact)
    for weights in formats:
        program = exact if weights == "f32" else measurement.compile(weights, "--cache", "f32")
        size, bits = size_of(program)
        row = {"weights": weights, "bits_per_weight": round(bits, 2), "program_bytes": size}
        nll, got = (exact_nll, expected) if weights == "f32" else measurement.score(program)
        kl, same = divergence(expected, got)
        row |= {
            "tokens": len(kl),
            "nll": nll,
            "kl": float(kl.mean()),
            "kl_p99": float(np.quantile(kl, 0.99)),
            "top1": float(same.mean()),
        }
        if bench:
            fast = measurement.compile(weights)
            report = json.loads(output_of(fast, "bench", "-p", "256", "-n", "64", "--json"))
            row |= {"prefill": report["prefill"]["tokens_per_second"], "decode": report["decode"]["tokens_per_second"]}
            fast.unlink()
        if program != exact:
            Path(got.filename).unlink()
            program.unlink()
        yield row


def show(row):
    cells = [
        row["weights"],
        f"{row['bits_per_weight']:.2f}",
        f"{row['program_bytes'] / 1e6:.0f} MB",
        f"{row['nll']:.5f}",
        f"{row['kl']:.6f}",
        f"{row['kl_p99']:.5f}",
        f"{row['top1'] * 100:.2f} %",
    ]
    if "decode" in row:
        cells += [f"{row['prefill']:.0f}", f"{row['decode']:.1f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--gemmac", type=Path, default=root / "build" / "bin" / "gemmac")
    parser.add_argument("--formats", default="f32,bf16,q8,q4")
    parser.add_argument("--work", type=Path, help="where programs and logits lie for a while (default: a new folder)")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--bench", action="store_true")
    parser.add_argument("--json", type=Path, help="also write all rows as JSON")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        heads = ["weights", "bits/weight", "program", "nll", "KL", "KL p99", "same token"]
        heads += ["prefill 256", "decode"] if options.bench else []
        print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads), flush=True)
        measurement = Measurement(options.gemmac, options.checkpoint, work, options.option)
        for row in measure(measurement, options.text.read_bytes(), options.formats.split(","), options.bench):
            rows.append(row)
            show(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
