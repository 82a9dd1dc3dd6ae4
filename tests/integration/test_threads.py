"""How many threads a program takes: affinity, CPU quota, no /proc, -t."""

import json
import os
import shutil
from pathlib import Path

import pytest

from support import CHECKPOINTS, compile_program, run, succeed

BENCH = ("bench", "-p", "16", "-n", "24", "--repetitions", "1", "--json")


@pytest.fixture(scope="module")
def program():
    return compile_program(CHECKPOINTS / "tiny-e", "q4")


def bench(program, *options, **how):
    return json.loads(succeed(program, *BENCH, *options, **how))


def test_affinity(program):
    one = {min(os.sched_getaffinity(0))}
    report = bench(program, preexec_fn=lambda: os.sched_setaffinity(0, one))
    assert report["processors"]["allowed"] == report["processors"]["usable"] == report["threads"] == 1
    assert report["threads_by_phase"]["decode"]["threads"] == 1
    report = bench(program, "-t", "2", preexec_fn=lambda: os.sched_setaffinity(0, one))
    assert report["threads"] == report["threads_by_phase"]["decode"]["threads"] == 2
    assert report["threads_by_phase"]["decode"]["reason"] == "asked for"


def test_default_uses_no_more_than_there_are(program):
    report = bench(program)
    here = len(os.sched_getaffinity(0))
    assert report["processors"]["allowed"] == here
    assert 1 <= report["threads"] <= here
    for phase in ("decode", "prefill"):
        assert 1 <= report["threads_by_phase"][phase]["threads"] <= here
        assert report["threads_by_phase"][phase]["reason"]


@pytest.fixture
def limited_group():
    """A control group of half a processor; a function that puts a process into it."""
    name = f"gemmac-test-{os.getpid()}"
    for root, files in (
        ("/sys/fs/cgroup/cpu", {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}),
        ("/sys/fs/cgroup/cpu,cpuacct", {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}),
        ("/sys/fs/cgroup", {"cpu.max": "50000 100000"}),
    ):
        group = Path(root) / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for file, value in files.items():
                (group / file).write_text(value)
            yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
            return
        except OSError:
            continue
        finally:
            group.rmdir()
    pytest.skip("no control group can be made here")


def test_quota(program, limited_group):
    report = bench(program, preexec_fn=limited_group)
    assert report["processors"]["quota"] == 0.5
    assert report["processors"]["usable"] == report["threads"] == 1
    assert bench(program, "-t", "2", preexec_fn=limited_group)["threads"] == 2


def test_without_proc(program, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    shutil.copy(program, tmp_path / "program")

    def enter():
        os.chroot(tmp_path)
        os.chdir("/")

    report = bench("/program", preexec_fn=enter)
    assert "quota" not in report["processors"]
    assert report["processors"]["allowed"] == len(os.sched_getaffinity(0))


def test_info_says_why(program):
    text = succeed(program, "info").decode()
    line = next(line for line in text.splitlines() if line.startswith("threads"))
    assert f"{len(os.sched_getaffinity(0))} processor" in line
    for phase in ("decode", "verify", "prefill"):
        assert any(line.strip().startswith(phase) and ": " in line for line in text.splitlines())


def test_more_threads_than_processors(program):
    assert (
        run(program, "-p", "Hi", "-n", "8", "--temperature", "0", "-q", "-t", "9").stdout
        == run(program, "-p", "Hi", "-n", "8", "--temperature", "0", "-q").stdout
    )
