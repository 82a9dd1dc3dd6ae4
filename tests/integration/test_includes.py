"""Who may use whom: the include graph runs one way.

    compiler > passes > targets > dialects/Gemma > dialects/formats > runtime/include

and in the runtime commands > terminal > generate > encode > features > media > engine > text > program > base; its
generators include nothing of the project. A file may include files of its own room and of rooms further down, and what
is listed under INSIDE within a room of several floors.
"""

import re
import subprocess

from support import ROOT

# From the ground up.
COMPILER = [
    "runtime/include",
    "dialects/formats",
    "dialects/Gemma",
    "targets",
    "passes",
    "compiler/base",
    "compiler/import",
    "compiler/artifact",
    "compiler/calibrate",
    "compiler/pipeline",
    "compiler/choose",
    "compiler/compile",
    "compiler/driver",
]
RUNTIME = [
    "runtime/include",
    "runtime/generators",
    *(f"runtime/src/{r}" for r in "base program text engine media features encode generate terminal commands".split()),
]
# Files of no floor, such as the registry of targets, know all floors. The families of CPUs use what CPUs share; else
# floors of targets, and of passes, do not know each other.
INSIDE = {("targets/x86", "targets/cpu"), ("targets/arm", "targets/cpu")}
WITHOUT_MLIR = ["dialects/formats", "compiler/base", "runtime"]
# The module builder makes IR of what the readers found.
WITHOUT_MLIR_BUT = {"compiler/import": {"ModuleBuilder.cpp", "ModuleBuilder.h", "FunctionMaker.cpp", "FunctionMaker.h"}}


def sources() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.cpp", "*.h"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.split() if not path.startswith(("tests/", "compiler/cmake/"))]


def includes(path: str) -> list[str]:
    return re.findall(r'^#include ["<]([^">]+)[">]', (ROOT / path).read_text(), re.MULTILINE)


def found_at(path: str, included: str) -> str:
    """Where an included file of the project lies; "" for others."""
    if path.startswith("runtime/") and (ROOT / "runtime/src" / included).exists():
        return f"runtime/src/{included}"
    if included.startswith("gemmac/"):
        return f"runtime/include/{included}"
    return included if re.match(r"(compiler|passes|targets|dialects|runtime)/", included) else ""


def room_of(path: str, rooms: list[str]) -> int:
    """The room that holds a file, -1 if none does."""
    return next((i for i, room in enumerate(rooms) if path.startswith(room + "/")), -1)


def test_includes_run_one_way():
    wrong = []
    for path in sources():
        rooms = RUNTIME if path.startswith("runtime/") else COMPILER
        here = room_of(path, rooms)
        assert here >= 0, f"{path} lies in no room: add its folder to {__file__}"
        for included in filter(None, (found_at(path, name) for name in includes(path))):
            there = room_of(included, rooms)
            if there < 0 or there > here:
                wrong.append(f"{path} includes {included}")
    assert not wrong, "\n".join(wrong)


def floor_of(path: str) -> str:
    """ "targets/cpu" of targets/cpu/kernels/Kernels.h; "" for files that lie on no floor of targets or passes."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("targets", "passes") and len(parts) > 2 else ""


def test_floors_of_targets_and_passes_keep_to_themselves():
    wrong = []
    for path in sources():
        floor = floor_of(path)
        for included in includes(path):
            there = floor_of(included)
            same_room = floor and there and floor.split("/")[0] == there.split("/")[0]
            if same_room and there != floor and (floor, there) not in INSIDE:
                wrong.append(f"{path} includes {included}")
    assert not wrong, "\n".join(wrong)


def test_the_ground_needs_no_mlir():
    wrong = []
    for path in sources():
        folder, _, name = path.rpartition("/")
        ground = any(path.startswith(room + "/") for room in WITHOUT_MLIR)
        mixed = next((but for room, but in WITHOUT_MLIR_BUT.items() if path.startswith(room + "/")), None)
        if ground or (mixed is not None and name not in mixed):
            wrong += [f"{path} includes {i}" for i in includes(path) if i.startswith("mlir/") or "dialects/Gemma" in i]
    assert not wrong, "\n".join(wrong)
