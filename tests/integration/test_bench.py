"""tests/bench without the peer: GGUF files that describe what they hold, the order of
turns, rows with all their keys."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from support import BUILD, CHECKPOINTS, MODELS, ROOT, base_level, compile_program, logits, run, succeed

sys.path.insert(0, str(ROOT / "tests" / "bench"))
import bench_models  # noqa: E402
import gguf_writer  # noqa: E402
import make_random_checkpoint  # noqa: E402
import peers  # noqa: E402
from gemma_checkpoint import TextShape  # noqa: E402

KEYS = {
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
}


def shape_of(model):
    return TextShape(json.loads((CHECKPOINTS / model / "config.json").read_text()))


# -------------------------------------------------------------------------------- GGUF files
@pytest.mark.parametrize("weights", gguf_writer.WEIGHTS)
@pytest.mark.parametrize("model", MODELS)
def test_gguf_describes_itself(model, weights, tmp_path):
    path, shape = tmp_path / "model.gguf", shape_of(model)
    gguf_writer.write_random(CHECKPOINTS / model, weights, path)
    fields, tensors, data = gguf_writer.read_gguf(path)
    assert fields["general.architecture"] == "gemma4"
    assert fields["gemma4.block_count"] == shape.count
    assert fields["gemma4.attention.sliding_window_pattern"] == [not layer.full for layer in shape.layers]
    assert len(fields["tokenizer.ggml.tokens"]) == len(fields["tokenizer.ggml.token_type"]) == shape.vocab
    assert fields["tokenizer.ggml.tokens"][fields["tokenizer.ggml.bos_token_id"]] == "<bos>"
    assert all(merge.count(" ") == 1 for merge in fields["tokenizer.ggml.merges"])
    end = 0
    for tensor in tensors:
        assert tensor.offset == -(-end // 32) * 32 and tensor.dims[0] % tensor.type.values == 0, tensor
        end = tensor.offset + tensor.bytes
    assert path.stat().st_size == data + -(-end // 32) * 32


def test_gguf_values_are_sane(tmp_path):
    """Scales of Q4_0 blocks are finite and give weights of the deviation that keeps activations in size."""
    path = tmp_path / "model.gguf"
    gguf_writer.write_random(CHECKPOINTS / "tiny-dense", "q4", path)
    _, tensors, data = gguf_writer.read_gguf(path)
    tensor = next(one for one in tensors if one.name == "blk.0.ffn_gate.weight")
    raw = np.fromfile(path, np.uint8, tensor.bytes, offset=data + tensor.offset).reshape(-1, 18)
    scales = raw[:, :2].copy().view("<f2").astype(np.float64)
    nibbles = np.concatenate([raw[:, 2:] & 15, raw[:, 2:] >> 4], 1).astype(np.float64) - 8
    assert np.std(scales * nibbles) == pytest.approx(tensor.dims[0] ** -0.5, rel=0.1)


def test_gguf_is_refused(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(b"GGML" + bytes(60))
    with pytest.raises(ValueError, match="begins with b'GGML'"):
        gguf_writer.read_gguf(path)


# Read per token by llama.cpp's own files of these types, in MB: body, head, one row of the
# per-layer table, 8 of 128 experts.
@pytest.mark.parametrize(
    "model, weights, expected",
    [("E2B", "q4", 1407), ("E4B", "q4", 2827), ("26B-A4B", "q4", 2380), ("31B", "q4", 17635)],
)
def test_bytes_per_token_of_published_shapes(model, weights, expected):
    shape = TextShape(make_random_checkpoint.full_config(model, make_random_checkpoint.MODELS[model]["layers"]))
    fields = {"general.architecture": "gemma4", "gemma4.expert_used_count": shape.top_k}
    read = gguf_writer.bytes_per_token(fields, gguf_writer.model_tensors(shape, weights))
    assert read / 1e6 == pytest.approx(expected, abs=1)


# -------------------------------------------------------------------------------- turns and rows
class FakeSide:
    def __init__(self, name, speeds, log):
        self.name, self.speeds, self.log = name, iter(speeds), log

    def measure(self, phase):
        self.log.append(f"{self.name} {phase.name}")
        return peers.Sample(next(self.speeds), 1000, 200, roof=4000.0, extra={"level": "avx2"})

    def stop(self):
        self.log.append(f"{self.name} stops")


def phases(*names):
    return [peers.PHASES[name] for name in names]


def test_sides_take_turns():
    log, wanted = [], phases("decode 0", "verify 4")
    sides = [FakeSide(name, range(1, 99), log) for name in ("ours", "peer")]
    peers.measure(*sides, wanted, SimpleNamespace(repeat=2, phase_seconds=60), together=True)
    assert log == [*["ours decode 0", "peer decode 0"] * 2, *["ours verify 4", "peer verify 4"] * 2, "peer stops"]


def test_sides_that_do_not_fit_together():
    """The peer leaves memory after each of its turns, which then go through all phases."""
    log, wanted = [], phases("decode 0", "verify 4")
    sides = [FakeSide(name, range(1, 99), log) for name in ("ours", "peer")]
    peers.measure(*sides, wanted, SimpleNamespace(repeat=2, phase_seconds=60), together=False)
    turn = ["ours decode 0", "ours verify 4", "peer decode 0", "peer verify 4", "peer stops"]
    assert log == [*turn, *turn, "peer stops"]


@pytest.mark.parametrize("together", [True, False])
def test_long_phases_get_one_turn(together):
    log, wanted = [], phases("decode 0", "verify 4")
    peers.measure(
        FakeSide("ours", range(1, 99), log), None, wanted, SimpleNamespace(repeat=3, phase_seconds=0), together
    )
    assert log == []  # no time, no turn
    sides = FakeSide("ours", range(1, 99), log), None
    peers.measure(*sides, wanted, SimpleNamespace(repeat=3, phase_seconds=1e-9), together)
    assert log == ["ours decode 0", "ours verify 4"]


def test_row():
    (phase,) = phases("decode 0")
    sides = FakeSide("ours", [12, 9, 10], []), FakeSide("peer", [5, 4, 8], [])
    samples = peers.measure(*sides, [phase], SimpleNamespace(repeat=3, phase_seconds=60), together=True)
    row = peers.row("e2b", "q4", phase, samples[phase], 35)
    assert KEYS == set(peers.KEYS) and KEYS <= row.keys()
    assert (row["tokens_per_second"], row["peer_tokens_per_second"], row["ratio"]) == (10, 5, 2)
    assert (row["read_bandwidth"], row["roof_fraction"]) == (2000, 0.5)
    assert (row["spread"], row["level"], row["peer_level"]) == (0.3, "avx2", "avx2")
    shown = peers.table(peers.COLUMNS, [row])
    assert "2.00" in shown and "50%" in shown


def test_cache_bytes():
    """Sliding layers read at most their window, layers that share keys and values read them again."""
    shape = shape_of("tiny-e")
    at_depth = peers.cache_bytes(shape, 1000, 2)
    expected = sum(
        4 * layer.kv_heads * layer.head_dim * (1000 if layer.full else shape.window) for layer in shape.layers
    )
    assert at_depth == expected and peers.cache_bytes(shape, 0, 2) == 0


# -------------------------------------------------------------------------------- models
def options_for(folder, **others):
    given = dict(
        work=folder, layers={}, weights=["q4"], peer="python", repeat=3, phase_seconds=240, keep=False, build=BUILD
    )
    return SimpleNamespace(**{**given, **others})


@pytest.mark.parametrize("model", MODELS)
def test_a_gguf_file_tells_its_shape(model, tmp_path):
    """The same cache as of the checkpoint that the file was written for."""
    path, shape = tmp_path / "model.gguf", shape_of(model)
    gguf_writer.write_random(CHECKPOINTS / model, "q4", path)
    found = bench_models.Files(str(path), options_for(tmp_path)).shape
    assert (found.count, found.window) == (shape.count, shape.window)
    for depth in (0, 100, 5000):
        assert peers.cache_bytes(found, depth, 2) == peers.cache_bytes(shape, depth, 2)


def test_gemma3_files_need_not_tell_their_pattern(tmp_path):
    path, attention = tmp_path / "model.gguf", "gemma3.attention."
    fields = {"general.architecture": "gemma3", "gemma3.block_count": 12, attention + "head_count_kv": 1}
    fields |= {attention + "key_length": 256, attention + "sliding_window": 512}
    gguf_writer.write_gguf(path, fields, [], None)
    shape = bench_models.gguf_shape(path)
    assert [i for i, layer in enumerate(shape.layers) if layer.full] == [5, 11]
    assert peers.cache_bytes(shape, 1000, 2) == 2 * 256 * 2 * (10 * 512 + 2 * 1000)


@pytest.mark.parametrize(
    "model, weights, most", [("e2b", "q4", 6.7), ("e4b", "q4", 10.3), ("26b-a4b", "q4", 28.9), ("31b", "q8", 11.5)]
)
def test_needs(model, weights, most, tmp_path):
    """Bytes of program and GGUF file together, without writing any."""
    need, seconds = bench_models.Files(model, options_for(tmp_path, weights=[weights])).needs()
    assert need / 1e9 == pytest.approx(most, rel=0.05) and 60 < seconds < 1200


def test_a_small_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000_000))
    files = bench_models.Files("e2b", options_for(tmp_path))
    with pytest.raises(
        bench_models.Failure, match="e2b-35 needs .* but 5.0 GB are free: name a larger disk with --work"
    ):
        files.announce(phases("decode 0"))
    assert list(tmp_path.iterdir()) == []


def test_files_are_removed_when_of_no_more_use(tmp_path):
    files = bench_models.Files("e2b", options_for(tmp_path))
    gguf, program, foreign = (tmp_path / name for name in ("one.gguf", "program", "other.gguf"))
    foreign.write_bytes(b"kept: not made here")
    files._make(gguf, lambda path: path.write_bytes(b"GGUF"))
    files._make(program, lambda path: path.write_bytes(b"ELF"))
    files._make(foreign, None)
    (tmp_path / "one.512.state-4096").write_bytes(b"state")
    files.measured(gguf, foreign)
    assert sorted(tmp_path.iterdir()) == [foreign, program]
    files.remove()
    assert list(tmp_path.iterdir()) == [foreign]


def test_half_written_files_are_removed(tmp_path):
    files = bench_models.Files("e2b", options_for(tmp_path))

    def interrupted(path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files._make(tmp_path / "one", interrupted)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------- kernels
def test_kernels(tmp_path):
    """A profiled program computes the same and says where its time goes; the times add up."""
    plain = compile_program(CHECKPOINTS / "tiny-moe", "q4")
    profiled = compile_program(CHECKPOINTS / "tiny-moe", "q4", extra=["--profile"])
    ids = list(range(300, 340))
    assert np.array_equal(logits(plain, ids, tmp_path), logits(profiled, ids, tmp_path))
    report = json.loads(succeed(profiled, "bench", "-p", 64, "-n", 8, "--verify", 4, "--kernels", "--json"))
    assert set(report["kernels"]) == {"decode", "verify", "prefill"}
    for phase in report["kernels"].values():
        names = [kernel["kernel"] for kernel in phase["kernels"]]
        assert (
            "barrier" in names
            and any(name.startswith("expert_up q4") for name in names)
            and len(set(names)) == len(names)
        )
        assert sum(kernel["seconds_per_call"] for kernel in phase["kernels"]) == pytest.approx(
            phase["seconds_per_call"]
        )
    read = sum(kernel["weight_bytes"] for kernel in report["kernels"]["decode"]["kernels"])
    assert read == report["decode"]["weight_bytes_per_token"]
    assert b"barrier" in succeed(profiled, "bench", "-p", 0, "-n", 4, "--kernels")


def test_kernels_need_a_profiled_program():
    done = run(compile_program(CHECKPOINTS / "tiny-moe", "q4"), "bench", "--kernels")
    assert done.returncode == 2 and b"compiled with --profile" in done.stderr


# -------------------------------------------------------------------------------- the whole of it, one side
def peers_py(*arguments):
    command = [sys.executable, ROOT / "tests" / "bench" / "peers.py", "--build", BUILD, *arguments]
    command += ["--compile-options", f"--isa {base_level().name}"]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)


def test_without_the_peer(tmp_path):
    rows = tmp_path / "rows.json"
    done = peers_py(
        "--no-peer", "--models", CHECKPOINTS / "tiny-e", "--repeat", 1, "--work", tmp_path / "files", "--json", rows
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(rows.read_text())
    assert [row["phase"] for row in measured] == list(peers.PHASES)
    for row in measured:
        assert KEYS <= row.keys() and row["tokens_per_second"] > 0 and row["peak_resident_bytes"] > 1e6, row
        assert row["ratio"] is None and row["bytes_per_token"] > 1000, row
        with_roof = row["phase"] in ("decode 0", "decode 4096", "verify 4")
        assert (row["roof_fraction"] is not None) == with_roof, row
    by_phase = {row["phase"]: row for row in measured}
    assert by_phase["decode 4096"]["bytes_per_token"] > by_phase["decode 0"]["bytes_per_token"]
    assert by_phase["decode busy"]["speed_against_plain"] > 0
    assert by_phase["verify 4"]["time_against_one_row"] > 0
    assert by_phase["warm start"]["seconds"] > by_phase["warm start"]["seconds_of_prompt"] > 0
    assert all(row["phase"] in done.stdout for row in measured)
    assert list((tmp_path / "files").iterdir()) == []  # the program was removed, the checkpoint was not ours


@pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind")
def test_instructions_are_repeatable(tmp_path):
    """Two runs, the same counts but for a few instructions; a token of a chunk takes fewer than a decoded one."""
    rows = tmp_path / "rows.json"
    command = ["--no-peer", "--models", CHECKPOINTS / "tiny-e", "--repeat", 1, "--work", tmp_path / "files", "--keep"]
    command += ["--phases", "prefill 512,decode 0,decode busy,verify 4", "--instructions", "--json", rows]
    counts = []
    for _ in range(2):
        done = peers_py(*command)
        assert done.returncode == 0, done.stderr
        counts.append([row["instructions_per_token"] for row in json.loads(rows.read_text())])
    prefill, decode, busy, verify = counts[0]
    assert prefill < verify < decode and prefill > 10_000 and busy is None
    for first, second in zip(*counts):
        assert first == second or first == pytest.approx(second, rel=2e-3)  # 150 of 316000 were seen


def test_a_model_that_fails_leaves_the_others(tmp_path):
    """No rows of it, but those of the others; the exit code and the last line tell."""
    broken, rows = tmp_path / "broken", tmp_path / "rows.json"
    broken.mkdir()
    shutil.copyfile(CHECKPOINTS / "tiny-e" / "config.json", broken / "config.json")
    models = f"{broken},{CHECKPOINTS / 'tiny-e'}"
    command = ["--no-peer", "--models", models, "--phases", "decode 0", "--repeat", 1, "--work", tmp_path / "files"]
    done = peers_py(*command, "--json", rows)
    assert done.returncode == 1 and done.stderr.endswith(f"error: not measured: {broken}\n"), done.stderr
    assert "compile" in done.stderr and "exited with" in done.stderr
    assert [row["model"] for row in json.loads(rows.read_text())] == [str(CHECKPOINTS / "tiny-e")]
    assert list((tmp_path / "files").iterdir()) == []


def test_nothing_is_written_without_the_peer(tmp_path):
    """llama.cpp that cannot be had is told with what to do, before the first model."""
    build, rows = tmp_path / "build", tmp_path / "rows.json"
    (build / "bin").mkdir(parents=True)
    (build / "bin" / "gemmac").touch()
    (build / "peers-venv").write_text("a file where the environment should be")
    command = [sys.executable, ROOT / "tests" / "bench" / "peers.py", "--build", build, "--work", tmp_path / "files"]
    done = subprocess.run([*map(str, command), "--json", str(rows)], capture_output=True, text=True)
    assert done.returncode == 1 and "llama.cpp is missing" in done.stderr and "--no-peer" in done.stderr
    assert not rows.exists() and list((tmp_path / "files").iterdir()) == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--models", "e3b"], "neither one of e2b, e4b"),
        (["--phases", "decode 1"], "'decode 1', expected some of prefill 512"),
        (["--layers", "e2b"], "expected MODEL=N"),
    ],
)
def test_wrong_arguments(arguments, message, tmp_path):
    done = peers_py("--no-peer", "--work", tmp_path, *arguments)
    assert done.returncode != 0 and message in done.stderr
