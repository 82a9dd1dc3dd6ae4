"""gemmac where `cmake --install` puts it, and where a runtime is missing. Whole machines: tests/packaging."""

import shutil
import subprocess

import pytest

from support import BUILD, CHECKPOINTS

TARGETS = ["aarch64-linux", "x86_64-linux"]


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder of an installation without the shared libraries of LLVM."""
    prefix = tmp_path_factory.mktemp("any where") / "usr"
    result = run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "gemmac")
    assert result.returncode == 0, result.stderr
    return prefix


def test_files(installed):
    names = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    for target in TARGETS:
        folder = installed / "lib/gemmac" / target
        listed = [line for line in (folder / "link.txt").read_text().split("\n") if line and line[0] not in "@-"]
        assert len(listed) > 5
        names -= {f"lib/gemmac/{target}/{name}" for name in [*listed, "link.txt"]}
        assert all((folder / name).is_file() for name in listed)
    rest = {name for name in names if not name.startswith("share/")}
    assert rest == {"bin/gemmac"}
    assert {"share/doc/gemmac/README.md", "share/gemmac/examples/tiny-e/config.json"} <= names


def test_finds_its_runtimes(installed):
    result = run(installed / "bin/gemmac", "targets")
    assert result.returncode == 0, result.stderr
    assert all(target in result.stdout for target in TARGETS)
    assert "no runtime" not in result.stdout


def test_missing_runtime_is_told_before_the_work(installed, tmp_path):
    shutil.copytree(installed / "bin", tmp_path / "bin")
    (tmp_path / "lib/gemmac").mkdir(parents=True)
    (tmp_path / "lib/gemmac/x86_64-linux").symlink_to(installed / "lib/gemmac/x86_64-linux")
    gemmac, out = tmp_path / "bin/gemmac", tmp_path / "program"
    compile_for_arm = [gemmac, "compile", CHECKPOINTS / "tiny-e", "--target", "aarch64-linux", "-o", out]
    result = run(*compile_for_arm)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("--target: error: this installation has no runtime for aarch64-linux: ")
    assert f"{tmp_path}/lib/gemmac/aarch64-linux/link.txt is missing" in result.stderr
    assert "GEMMAC_RUNTIME_TRIPLES" in result.stderr and result.stderr.count("\n") == 1
    assert not out.exists()
    # What is not linked needs no runtime.
    assert run(*compile_for_arm, "--stop-after", "fuse").returncode == 0
    assert out.exists()
    lines = run(gemmac, "targets").stdout.split("\n")
    assert [("no runtime" in line) for line in lines].count(True) == 1
