#!/usr/bin/env python3
"""Measures compiled programs beside llama.cpp, in turn in one run, on models of the same shape and about the same bits.

    peers.py --models e2b,e4b,26b-a4b,31b,gemma3-270m --json FILE [--weights q4,q8]
             [--phases LIST] [--layers MODEL=N ...]

For each model: writes a GGUF file of the published shape with random weights, compiles it, and lets program and peer
run every phase in turn, ours, peer, ours, peer. gemma3-270m is a published file, fetched once. A model can also be a
GGUF file or a checkpoint directory. docs/benchmarks.md says what is measured and what the columns mean.
Progress goes to standard error, the table to standard output, the rows of whole models to FILE. A model that fails is
told and left out, the others go on; the exit code is then 1. Needs numpy, a finished build, g++ and cmake (llama.cpp is
built once, which takes fifteen minutes), and disk: one model at a time, E2B 6 GB; all is removed unless --keep is
given.
"""

import argparse
import functools
import json
import os
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
import gguf_writer  # noqa: E402
from bench_models import Failure, Files, run_or_fail, say  # noqa: E402

PEER_PACKAGE = "llama-cpp-python==0.3.36"
KEYS = (
    "model",
    "weights",
    "phase",
    "tokens_per_second",
    "peer_tokens_per_second",
    "ratio",
    "bytes_per_token",
    "peer_bytes_per_token",
    "read_bandwidth",
    "roof_fraction",
    "peak_resident_bytes",
)
CACHE_VALUE_BYTES = {"f16": 2, "bf16": 2, "f32": 4}
SHORT_PROMPT = 16


# -------------------------------------------------------------------------------- phases
@dataclass(frozen=True)
class Phase:
    """What both sides run: `tokens` of a prompt, single tokens at a depth, or calls of a few rows."""

    name: str
    kind: str  # prefill, decode, verify; for our side alone: start, resident
    tokens: int = 0
    depth: int = 0
    rows: int = 1
    busy: int = 0  # other processes that compute meanwhile

    @property
    def positions(self):
        """Context that a turn needs."""
        return self.depth + self.tokens * self.rows


PHASES = {
    phase.name: phase
    for phase in (
        Phase("prefill 512", "prefill", 512),
        Phase("prefill 2048", "prefill", 2048),
        Phase("decode 0", "decode", 64),
        Phase("decode 4096", "decode", 32, depth=4096),
        Phase("verify 4", "verify", 12, rows=4),
        Phase("decode busy", "decode", 32, busy=2),
        Phase("warm start", "start", SHORT_PROMPT),
        Phase("resident 4096", "resident", 4096),
    )
}


@dataclass
class Sample:
    """One turn of one side."""

    tokens_per_second: float = 0.0
    peak_resident_bytes: int = 0
    bytes_per_token: int = 0
    roof: float = 0.0  # bytes per second
    extra: dict = field(default_factory=dict)


class BusyProcesses:
    """Keeps processors busy while it is entered."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.count)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def cache_bytes(shape, depth, value_bytes):
    """Bytes of keys and values that a token at this depth reads, in layers that share them again."""
    return sum(
        2 * layer.kv_heads * layer.head_dim * value_bytes * (depth if layer.full else min(depth, shape.window))
        for layer in shape.layers
    )


# -------------------------------------------------------------------------------- the two sides
class Ours:
    """A compiled program. Every turn is a process of its own: starting it costs nothing."""

    def __init__(self, program, shape, options):
        self.program, self.shape, self.options = program, shape, options
        self.info = json.loads(self._run("info", "--json"))

    def _run(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise Failure(
                f"{self.program} {shlex.join(map(str, arguments))} exited with {done.returncode}: {done.stderr.strip()}"
            )
        return done.stdout

    def _engine(self):
        return ["-t", self.options.threads, *(["--isa", self.options.isa] if self.options.isa else [])]

    def _bench(self, *arguments):
        return json.loads(self._run("bench", "--json", "--repetitions", 1, *self._engine(), *arguments))

    def measure(self, phase):
        with BusyProcesses(phase.busy):
            return getattr(self, "_" + phase.kind)(phase)

    def _sample(self, report, speed, weight_bytes, depth=0, **extra):
        read = weight_bytes + cache_bytes(self.shape, depth, CACHE_VALUE_BYTES[self.info["cache"]])
        extra.update(level=report["level"], threads=report["threads"])
        roof = report.get("roof", {}).get("bytes_per_second", 0.0)
        return Sample(speed, report["peak_resident_bytes"], read, roof, extra)

    def _info_of(self, phase):
        return next(entry for entry in self.info["phases"] if entry["name"] == phase)

    def _weight_bytes(self, phase):
        return self._info_of(phase)["weight_bytes_per_row"]

    def _prefill(self, phase):
        report = self._bench("-p", phase.tokens, "-n", 1)
        speed = report["prefill"]["tokens_per_second"]
        # An answer needs logits as well: those of the token after the prompt.
        seconds = phase.tokens / speed + 1 / report["decode"]["tokens_per_second"]
        rows = min(phase.tokens, report["chunk"])
        return self._sample(
            report,
            speed,
            self._weight_bytes("prefill") // rows,
            seconds_to_logits=seconds,
            multiply_adds_per_second=speed * self._info_of("prefill")["multiply_adds_per_row"],
        )

    def _decode(self, phase):
        # Next to busy processes there is no roof to be measured.
        roof = [] if phase.busy else ["--roof"]
        report = self._bench("-p", 0, "-n", phase.tokens, "--depth", phase.depth, *roof)
        return self._sample(
            report, report["decode"]["tokens_per_second"], report["decode"]["weight_bytes_per_token"], phase.depth
        )

    def _verify(self, phase):
        report = self._bench("-p", 0, "-n", phase.tokens, "--verify", phase.rows, "--roof")
        speed = report["verify"]["tokens_per_second"]
        return self._sample(
            report,
            speed,
            self._weight_bytes("verify") // phase.rows,
            time_against_one_row=report["verify"]["time_against_one_row"],
        )

    def _resident(self, phase):
        tail = 64
        report = self._bench("-p", phase.tokens - tail, "-n", tail, "--context", phase.tokens)
        return self._sample(
            report, report["decode"]["tokens_per_second"], report["decode"]["weight_bytes_per_token"], phase.tokens
        )

    def _start(self, phase):
        """From the start of the process to its end after one token, and what of it is computing the prompt."""
        ids = self.program.with_suffix(".ids")
        ids.write_text(" ".join(str(1000 + i) for i in range(phase.tokens)) + "\n")
        words = ["--prompt-ids", ids, "-n", 1, "--temperature", 0, "--ids", "-q", *self._engine()]
        begin = time.monotonic()
        self._run(*words)
        seconds = time.monotonic() - begin
        ids.unlink()
        report = self._bench("-p", phase.tokens - 1, "-n", 1)
        compute = (phase.tokens - 1) / report["prefill"]["tokens_per_second"]
        compute += 1 / report["decode"]["tokens_per_second"]
        return self._sample(
            report,
            phase.tokens / seconds,
            self._weight_bytes("decode"),
            seconds=seconds,
            seconds_of_prompt=compute,
            seconds_above_prompt=seconds - compute,
        )

    # ---------------------------------------------------------------------------- instructions
    def _instructions(self, *arguments):
        """Of a whole process with one thread, which has nobody to wait for and so does the same each time."""
        counter = ["--tool=exp-bbv", "--instr-count-only=yes", "--bb-out-file=/dev/null"]
        command = ["valgrind", *counter, self.program, "bench", "--repetitions", 1, "-t", 1, *arguments]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        counts = re.findall(r"Total instructions: (\d+)", done.stderr)
        if done.returncode or len(counts) != 1:
            raise Failure(f"{shlex.join(map(str, command))} exited with {done.returncode}: {done.stderr.strip()}")
        return int(counts[0])

    def count_instructions(self, rows):
        """Sets instructions_per_token: the difference of two runs, of which one does more of what the phase does. Each
        run does it twice, as PROG bench has a round that warms up."""
        count_of = functools.cache(self._instructions)  # both prefill phases ask for the same
        one = count_of("-p", 0, "-n", 1)
        more = 4  # a process alone takes about a thousand more or less, by how its figures are printed
        token = (count_of("-p", 0, "-n", 1 + more) - one) / (2 * more)
        chunk = self._info_of("prefill")["max_rows"]
        for row in rows:
            phase = PHASES[row["phase"]]
            if phase.kind == "prefill":
                count = (count_of("-p", chunk, "-n", 1) - one) / (2 * chunk)
            elif phase.kind == "verify":
                count = (count_of("-p", 0, "-n", 1, "--verify", phase.rows) - one) / (2 * phase.rows)
            elif phase.kind == "decode" and not phase.busy:
                deep = count_of("-p", 0, "-n", 1, "--depth", phase.depth) if phase.depth else one
                count = token + (deep - one) / 2
            else:
                continue
            row["instructions_per_token"] = round(count)


class Peer:
    """llama.cpp in a process of its own, started when first needed."""

    def __init__(self, python, gguf, state, shape, context, options):
        self.state = state
        self.command = [python, ROOT / "tests" / "bench" / "peer_llama.py", gguf]
        self.command += ["--threads", options.threads, "--context", context]
        self.shape, self.process = shape, None
        self.weight_bytes = gguf_writer.bytes_per_token(*gguf_writer.read_gguf(gguf)[:2])

    def _ask(self, request=None):
        if request:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"{shlex.join(map(str, self.command))} ended with {self.process.wait()} at request {request}")
        return json.loads(line)

    def start(self):
        if not self.process:
            self.process = subprocess.Popen(
                [str(word) for word in self.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            self.load_seconds = self._ask()["load_seconds"]
            self._ask({"do": "decode", "depth": 0, "tokens": 4})  # touches the weights

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None

    def measure(self, phase):
        """None for the phases that only our side has."""
        if phase.kind in ("start", "resident"):
            return None
        self.start()
        with BusyProcesses(phase.busy):
            if phase.kind == "prefill":
                answer, tokens = self._ask({"do": "prefill", "tokens": phase.tokens}), phase.tokens
                per_token = self.weight_bytes // min(phase.tokens, 512)
            elif phase.kind == "decode":
                state = f"{self.state}-{phase.depth}"
                answer = self._ask({"do": "decode", "depth": phase.depth, "tokens": phase.tokens, "state": state})
                tokens, per_token = phase.tokens, self.weight_bytes + cache_bytes(self.shape, phase.depth, 2)
            else:
                answer = self._ask({"do": "verify", "rows": phase.rows, "calls": phase.tokens})
                tokens, per_token = phase.rows * phase.tokens, self.weight_bytes // phase.rows
        extra = {"seconds": answer["seconds"], "load_seconds": self.load_seconds}
        return Sample(tokens / answer["seconds"], answer["peak_resident_bytes"], per_token, extra=extra)


# -------------------------------------------------------------------------------- preparing
# Levels that are measured on machines with more get a peer of the same instructions, instead of all of the machine's.
PEER_INSTRUCTIONS = {"avx2": "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON"}


def peer_python(build, isa):
    """The interpreter of build/peers-venv, which has llama.cpp; makes it when it is missing."""
    instructions = PEER_INSTRUCTIONS.get(isa, "-DGGML_NATIVE=ON")
    folder = build / ("peers-venv-" + isa if isa in PEER_INSTRUCTIONS else "peers-venv")
    python = folder / "bin" / "python"
    if (
        python.exists()
        and subprocess.run([python, "-c", "import llama_cpp.mtmd_cpp"], capture_output=True).returncode == 0
    ):
        return python
    say(f"building llama.cpp ({PEER_PACKAGE}) in {folder}; this takes about fifteen minutes")
    environment = dict(os.environ, CMAKE_ARGS=f"{instructions} -DLLAVA_BUILD=ON")
    environment.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count()))
    advice = (
        f": llama.cpp is missing. It needs python3-venv, g++, cmake and a package index; or put {PEER_PACKAGE} "
        f"into {folder} yourself, or measure without it by --no-peer"
    )
    install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", PEER_PACKAGE]
    for command in ([sys.executable, "-m", "venv", folder], install):
        run_or_fail(command, advice, env=environment, stdout=sys.stderr)
    return python


def available_memory():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))


# -------------------------------------------------------------------------------- measuring
def measure(ours, peer, phases, options, together):
    """{phase: ([our samples], [peer's samples])}. Sides take turns: phase by phase when both fit into memory, else the
    peer is started anew for each turn through all phases. A phase that took long enough gets no further turn."""
    samples = {phase: ([], []) for phase in phases}
    seconds = dict.fromkeys(phases, 0.0)
    turns = range(options.repeat)
    blocks = [[phase] for phase in phases for _ in turns] if together else [list(phases) for _ in turns]
    for block in blocks:
        block = [phase for phase in block if seconds[phase] < options.phase_seconds]
        for side, one in enumerate((ours, peer)):
            for phase in block if one else ():
                begin = time.monotonic()
                sample = one.measure(phase)
                seconds[phase] += time.monotonic() - begin
                if sample:
                    samples[phase][side].append(sample)
                    say(f"{phase.name}: {'peer' if side else 'ours'} {sample.tokens_per_second:.2f} tokens/s")
        if peer and not together:
            peer.stop()
    if peer:
        peer.stop()
    return samples


def median(samples, read):
    return statistics.median(map(read, samples)) if samples else None


def spread(samples):
    """(highest - lowest) / median of the speeds."""
    speeds = [sample.tokens_per_second for sample in samples]
    return (max(speeds) - min(speeds)) / statistics.median(speeds) if speeds else None


def row(model, weights, phase, samples, layers):
    ours, peers = samples
    speed, peer_speed = (median(side, lambda one: one.tokens_per_second) for side in samples)
    read = ours[0].bytes_per_token
    roofs = [one.roof for one in ours if one.roof]
    bandwidth = speed * read if phase.kind in ("decode", "verify") else None
    result = {
        "model": model,
        "weights": weights,
        "phase": phase.name,
        "tokens_per_second": speed,
        "peer_tokens_per_second": peer_speed,
        "ratio": speed / peer_speed if peers else None,
        "bytes_per_token": read,
        "peer_bytes_per_token": peers[0].bytes_per_token if peers else None,
        "read_bandwidth": bandwidth,
        "roof_fraction": bandwidth / statistics.median(roofs) if bandwidth and roofs else None,
        "peak_resident_bytes": max(one.peak_resident_bytes for one in ours),
        "peer_peak_resident_bytes": max((one.peak_resident_bytes for one in peers), default=None),
        "roof": statistics.median(roofs) if roofs else None,
        "layers": layers,
        "turns": len(ours),
        "instructions_per_token": None,
        "spread": spread(ours),
        "peer_spread": spread(peers),
    }
    for prefix, side in (("", ours), ("peer_", peers)):
        for key in side[0].extra if side else ():
            values = [one.extra[key] for one in side]
            result[prefix + key] = values[0] if isinstance(values[0], str) else statistics.median(values)
    return result


def compared(rows):
    """The rows of one program, those of decoding with their speed against the undisturbed one at depth 0."""
    plain = next((one for one in rows if one["phase"] == "decode 0"), None)
    for one in rows if plain else ():
        if one["phase"].startswith("decode") and one is not plain:
            for prefix in ("", "peer_"):
                if one[prefix + "tokens_per_second"]:
                    against = one[prefix + "tokens_per_second"] / plain[prefix + "tokens_per_second"]
                    one[prefix + "speed_against_plain"] = against
    return rows


def measure_program(model, files, weights, phases, context, options):
    """The rows of one program beside its peer."""
    program = files.program(weights, context)
    ours, peer, together, gguf = Ours(program, files.shape, options), None, True, program
    if options.peer:
        gguf = files.gguf(weights)
        together = available_memory() > 2 * gguf.stat().st_size + program.stat().st_size
        peer = Peer(options.peer, gguf, files.state(gguf, context), files.shape, context, options)
    say(f"measuring {files.label} {weights}" + ("" if together else ", one side in memory at a time"))
    try:
        samples = measure(ours, peer, phases, options, together)
    finally:
        if peer:
            peer.stop()
    rows = compared([row(model, weights, phase, samples[phase], files.shape.count) for phase in phases])
    if options.instructions:
        say("counting instructions")
        ours.count_instructions(rows)
    files.measured(program, gguf)
    return rows


def measure_model(model, options):
    files = Files(model, options)
    phases = [PHASES[name] for name in options.phases]
    files.announce(phases)
    context = max(phase.positions for phase in phases) + 512
    try:
        rows = []
        for weights in options.weights:
            rows += measure_program(model, files, weights, phases, context, options)
        return rows
    finally:
        files.remove()


# -------------------------------------------------------------------------------- reporting
def machine():
    """What the figures depend on."""
    text = Path("/proc/cpuinfo").read_text()
    name = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown")
    return f"{name}, {os.cpu_count()} processors, Linux {platform.release()}"


COLUMNS = (
    ("model", lambda one: one["model"]),
    ("weights", lambda one: one["weights"]),
    ("phase", lambda one: one["phase"]),
    ("tokens/s", lambda one: f"{one['tokens_per_second']:.2f}"),
    ("peer", lambda one: one["peer_tokens_per_second"] and f"{one['peer_tokens_per_second']:.2f}"),
    ("ratio", lambda one: one["ratio"] and f"{one['ratio']:.2f}"),
    ("MB/token", lambda one: f"{one['bytes_per_token'] / 1e6:.4g}"),
    ("peer MB", lambda one: one["peer_bytes_per_token"] and f"{one['peer_bytes_per_token'] / 1e6:.4g}"),
    ("GB/s", lambda one: one["read_bandwidth"] and f"{one['read_bandwidth'] / 1e9:.1f}"),
    ("of roof", lambda one: one["roof_fraction"] and f"{one['roof_fraction']:.0%}"),
    ("M instr.", lambda one: one["instructions_per_token"] and f"{one['instructions_per_token'] / 1e6:.4g}"),
    ("peak GB", lambda one: f"{one['peak_resident_bytes'] / 1e9:.2f}"),
    ("peer GB", lambda one: one["peer_peak_resident_bytes"] and f"{one['peer_peak_resident_bytes'] / 1e9:.2f}"),
    ("also", lambda one: notes(one)),
)


def notes(one):
    """Figures that only some phases have."""
    said = {
        "seconds_to_logits": "{:.2f} s to the next token's logits",
        "speed_against_plain": "{:.2f} of the speed at depth 0",
        "time_against_one_row": "{:.2f} times the time of one row",
        "seconds_above_prompt": "{:.3f} s above the prompt's own compute",
    }
    return ", ".join(text.format(one[key]) for key, text in said.items() if key in one)


def table(columns, rows):
    cells = [[title for title, _ in columns]]
    cells += [[str(text(one) or "-") for _, text in columns] for one in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def comma_list(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if known and name not in known:
                raise argparse.ArgumentTypeError(f"'{name}', expected some of {', '.join(known)}")
        return names

    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=comma_list(None), default=["e2b"], help="names or checkpoint directories")
    parser.add_argument("--weights", type=comma_list(gguf_writer.WEIGHTS), default=["q4"])
    parser.add_argument("--phases", type=comma_list(PHASES), default=list(PHASES), help="separated by commas")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--layers", action="append", default=[], metavar="MODEL=N", help="keep the first N layers")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each side")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--isa", help="level of our program (default: its best)")
    parser.add_argument(
        "--phase-seconds", type=float, default=240, help="a phase that took longer gets no further turn"
    )
    parser.add_argument(
        "--instructions", action="store_true", help="count those of our program, with valgrind; minutes"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench", help="where the large files go")
    parser.add_argument("--keep", action="store_true", help="leave the large files there, for the next run")
    parser.add_argument("--no-peer", action="store_true", help="measure our side alone")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--compile-options", type=shlex.split, default=[], help="more options for gemmac compile")
    options = parser.parse_args()
    try:
        options.layers = {name: int(count) for name, count in (entry.split("=") for entry in options.layers)}
    except ValueError:
        parser.error("--layers: expected MODEL=N")
    options.build = options.build.resolve()
    options.gemmac = options.build / "bin" / "gemmac"
    if not options.gemmac.exists():
        parser.error(f"no {options.gemmac}: build first, or name the build folder with --build")
    if options.instructions and not shutil.which("valgrind"):
        parser.error("--instructions: no valgrind on this machine; install its package, or leave the option out")
    return options


def write_whole(path, text):
    """Readers see the file before or after, nothing between."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


def main():
    options = parse_arguments()
    # So that files are removed and peers ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        options.peer = None if options.no_peer else peer_python(options.build, options.isa)
    except Failure as failure:
        raise SystemExit(f"peers: error: {failure}")
    rows, failed = [], []
    for model in options.models:
        try:
            rows += measure_model(model, options)
        except Failure as failure:
            say(f"error: {failure}")
            failed.append(model)
            continue
        if options.json:  # after each model: a long run that is cut short has not been in vain
            write_whole(options.json, json.dumps(rows, indent=1) + "\n")
    if rows:
        print(
            f"{machine()}; {options.threads} threads, medians of up to {options.repeat} turns\n\n{table(COLUMNS, rows)}"
        )
    if failed:
        raise SystemExit(f"peers: error: not measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
