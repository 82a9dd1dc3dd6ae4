#!/usr/bin/env python3
"""Measures what formats of the towers cost and prints the table of docs/quantization.md, a row for each format.

    measure_towers.py [--build build] [--models tiny-e,tiny-moe,tiny-dense,unified] [--formats bf16,q12,q8,q8/8,q4]
                      [--checkpoint DIR] [--work FOLDER] [--markdown] [--json FILE]

Compiles each small checkpoint with its towers in f32 and in each format; the text model is always f32, so that towers
are compared and nothing else. Activations are those that the format has unasked; "/8" behind it asks for 8 bits. Each
program turns pictures and sounds into soft tokens (`PROG media --soft`) and answers a question about each, greedily:
those of the goldens, 24 pictures of tests/data/make/make_shapes.py, and for checkpoints that hear 24 of its sounds.

Cells: relative error of the soft tokens of all files together, sqrt(sum of squared differences from f32 / sum of
squares in f32). Last column: answers, by tokens, that are the same as with f32, of how many.

"unified" is a model without encoders as the 12B one: its patches (6912 values) and widths, random weights, two layers
of text. --checkpoint measures another directory, with the same pictures and sounds, and no answers: those of random
weights mean nothing. Takes some minutes. Without --markdown the rows are plain text. Needs numpy.
"""

import argparse
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "data" / "make")]
import make_shapes  # noqa: E402
import random_checkpoint  # noqa: E402
import tower_shapes  # noqa: E402

GOLDENS = ROOT / "tests" / "data" / "goldens"
CHECKPOINTS = ROOT / "examples" / "checkpoints"
MODELS = ("tiny-e", "tiny-moe", "tiny-dense", "unified")
FORMATS = ("bf16", "q12", "q8", "q8/8", "q6", "q5", "q4")
QUESTIONS = {"pictures": "Describe the image.", "sounds": "What do you hear?"}
OPTIONS = {"pictures": "--image", "sounds": "--audio"}
BUDGET = 70  # soft tokens of a picture: that of the goldens


@dataclass(frozen=True)
class File:
    """A picture or a sound, and what is asked about it."""

    kind: str
    path: Path
    question: str


def output_of(*command):
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        line = " ".join(words[:3])
        raise SystemExit(f"measure_towers: error: {line} ... exited with {done.returncode}, expected 0")
    return done.stdout


@functools.cache
def base_level(gemmac):
    """The first ISA level of this machine's target. Every level gives the same bits, and each takes as long again."""
    return re.search(r"\(native\)\n\s*(\w+):", output_of(gemmac, "targets").decode()).group(1)


def golden_files(model):
    prompts = json.loads((GOLDENS / f"{model}.json").read_text())["prompts"]
    for prompt in prompts:
        if media := prompt.get("media"):
            question = next(part["text"] for part in prompt["messages"][0]["content"] if part["type"] == "text")
            yield File({"image": "pictures", "audio": "sounds"}[media["kind"]], GOLDENS / media["file"], question)


def shape_files(folder):
    for path in sorted(folder.iterdir()):
        kind = "pictures" if path.suffix == ".png" else "sounds"
        yield File(kind, path, QUESTIONS[kind])


def write_unified(folder):
    """The embedders of the 12B model, random, before a small text model of its width."""
    text = random_checkpoint.unified_text(hidden_size=3840)
    vision = tower_shapes.patch_embedder(
        mm_embed_dim=3840, patch_size=16, pooling_kernel_size=3, model_patch_size=48, mm_posemb_size=1120
    )
    random_checkpoint.write(folder, text, dtype="BF16", vision=vision, audio=tower_shapes.sample_embedder())


class Model:
    """A checkpoint and the files that its programs are shown."""

    def __init__(self, name, folder, files, answers):
        config = json.loads((folder / "config.json").read_text())
        has = {"pictures": config.get("vision_config"), "sounds": config.get("audio_config")}
        self.name, self.folder, self.answers = name, folder, answers
        self.kinds = [kind for kind in OPTIONS if has[kind]]
        self.files = [file for file in files if file.kind in self.kinds]

    def compile(self, gemmac, work, weights):
        """`weights`: a format, or one with the bits of activations, as "q8/8"."""
        name, _, bits = weights.partition("/")
        program = work / "program"
        words = ["--weights", "f32", "--image-tokens", BUDGET, "--isa", base_level(gemmac)]
        for kind in self.kinds:
            words += [{"pictures": "--vision-weights", "sounds": "--audio-weights"}[kind], name]
        words += ["--activations", bits] if bits else []
        output_of(gemmac, "compile", self.folder, "-o", program, *words, "-q")
        return program

    def measure(self, gemmac, work, weights):
        """Soft tokens of each file, and its answers."""
        program = self.compile(gemmac, work, weights)

        def show(number):
            file, path = self.files[number], work / f"{number}.npy"
            budget = ["--image-tokens", BUDGET] if file.kind == "pictures" else []
            output_of(program, "media", file.path, "--soft", path, *budget, "-t", 1)
            answer = None
            if self.answers:
                words = [OPTIONS[file.kind], file.path, *budget, "-p", file.question]
                answer = output_of(program, *words, "--temperature", 0, "-n", 32, "--ids", "-q", "-t", 1)
            return np.load(path).astype(np.float64), answer

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            shown = list(pool.map(show, range(len(self.files))))
        program.unlink()
        return [soft for soft, _ in shown], [answer for _, answer in shown]


def relative_error(expected, got):
    differences = sum(((a - b) ** 2).sum() for a, b in zip(expected, got, strict=True))
    return float(np.sqrt(differences / sum((a**2).sum() for a in expected)))


def compare(model, expected, got):
    """A row's share of one model: {kind: relative error}, answers that are the same."""
    (soft, said), (other_soft, other_said) = expected, got
    errors = {}
    for kind in model.kinds:
        of_kind = [number for number, file in enumerate(model.files) if file.kind == kind]
        errors[kind] = relative_error([soft[at] for at in of_kind], [other_soft[at] for at in of_kind])
    return errors, sum(a == b for a, b in zip(said, other_said, strict=True) if a is not None)


def measure(models, formats, gemmac, work):
    """Rows: {"weights", "errors": {"tiny-e, pictures": ...}, "same", "answers"}."""
    rows = {weights: {"weights": weights, "errors": {}, "same": 0, "answers": 0} for weights in formats}
    for model in models:
        print(f"{model.name}: {len(model.files)} files, {1 + len(formats)} programs", file=sys.stderr, flush=True)
        expected = model.measure(gemmac, work, "f32")
        for weights, row in rows.items():
            errors, same = compare(model, expected, model.measure(gemmac, work, weights))
            row["errors"] |= {f"{model.name}, {kind}": error for kind, error in errors.items()}
            row["same"] += same
            row["answers"] += len(model.files) if model.answers else 0
    return list(rows.values())


def words_of(weights):
    name, _, bits = weights.partition("/")
    return f"{name}, activations of {bits} bits" if bits else name


def table(rows, markdown):
    heads = ["format", *rows[0]["errors"], "same answers"]
    lines = [heads]
    for row in rows:
        errors = [f"{error:.2g}" if error < 1e-3 else f"{error:.4f}" for error in row["errors"].values()]
        lines.append([words_of(row["weights"]), *errors, f"{row['same']} of {row['answers']}"])
    if markdown:
        rows = ["| " + " | ".join(cells) + " |" for cells in lines]
        return "\n".join([rows[0], "|" + "---|" * len(heads), *rows[1:]])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in lines)


def chosen_models(options, work):
    make_shapes.write(work / "shapes")
    shapes = list(shape_files(work / "shapes"))
    if options.checkpoint:
        return [Model(options.checkpoint.name, options.checkpoint, shapes, answers=False)]
    models = []
    for name in options.models.split(","):
        if name not in MODELS:
            raise SystemExit(f"measure_towers: error: no model '{name}', expected some of {', '.join(MODELS)}")
        if name == "unified":
            write_unified(work / name)
            models.append(Model(name, work / name, shapes, answers=False))
        else:
            models.append(Model(name, CHECKPOINTS / name, [*golden_files(name), *shapes], answers=True))
    return models


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where bin/gemmac is")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--checkpoint", type=Path, help="instead of the models: a directory with towers")
    parser.add_argument("--work", type=Path, help="where programs lie for a while (default: a new folder)")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path, help="also write all rows as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        models = chosen_models(options, Path(work))
        rows = measure(models, options.formats.split(","), options.build / "bin" / "gemmac", Path(work))
    print(table(rows, options.markdown))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
