"""Every folder has a README, or one above it says what is there; and what they name exists."""

import re
import subprocess
from pathlib import PurePosixPath

import pytest
from support import ROOT

# Folders whose files are data, listed by the README above or by the test that reads them.
DATA = re.compile(r"^(tests/data/|tests/fuzz/corpus|examples/checkpoints)|/(Inputs|text)$")
PATH = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*/?")
SUFFIXES = (".cpp", ".h", ".td", ".py", ".md", ".sh", ".cmake", ".mlir", ".in", ".json", ".txt")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]


FILES = tracked()
NAMES = {PurePosixPath(path).name for path in FILES}
FOLDERS = {str(parent) for path in FILES for parent in PurePosixPath(path).parents}
# Files that builds and programs make.
MADE = {"docs/gemma.md", "link.txt"}
READMES = [path for path in FILES if PurePosixPath(path).name == "README.md"]


def names_in(readme: str) -> list[str]:
    """What stands in backticks or behind a link and looks like a file or a folder of the project."""
    text = (ROOT / readme).read_text()
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    quoted = re.findall(r"`([^`\s]+)`", text) + re.findall(r"\]\(([^)#:\s]+)\)", text)
    looks_like_a_path = [name for name in quoted if PATH.fullmatch(name) and name.endswith((*SUFFIXES, "/"))]
    return [name for name in looks_like_a_path if name not in MADE and not name.startswith(".")]


@pytest.mark.parametrize("readme", READMES)
def test_what_a_readme_names_exists(readme):
    here = PurePosixPath(readme).parent
    missing = []
    for name in names_in(readme):
        plain = name.rstrip("/")
        places = [plain, str(here / plain), *(str(parent / plain) for parent in here.parents)]
        exists = any(place in FOLDERS or (ROOT / place).exists() for place in places)
        if not exists and not ("/" not in plain and plain in NAMES):
            missing.append(name)
    assert not missing, f"{readme} names what does not exist: {missing}"


def test_folders_are_described():
    rooms = ("compiler", "dialects", "passes", "targets", "runtime", "tests", "tools", "examples")
    bare = []
    for folder in sorted(FOLDERS):
        if not folder.startswith(rooms) or DATA.search(folder + "/") or DATA.search(folder):
            continue
        parents = [PurePosixPath(folder), *PurePosixPath(folder).parents]
        nearest = next(parent for parent in parents if f"{parent}/README.md" in FILES or str(parent) == ".")
        below = str(PurePosixPath(folder).relative_to(nearest))
        if str(nearest) == "." or (below != "." and f"`{below}/`" not in (ROOT / nearest / "README.md").read_text()):
            bare.append(folder)
    assert not bare, f"no README.md, and the one above does not name them as `folder/`: {bare}"
