"""Names the lines of text files that are longer than 120 characters; exits with 1 if there are any.

Lines that cannot be broken may be longer: rows of Markdown tables, what a program printed in a Markdown document, and
diagnostics that a text test expects.

    python3 tools/long_lines.py FILE...
"""

import sys
from collections.abc import Iterator
from pathlib import Path

LIMIT = 120


def breakable(path: Path) -> Iterator[tuple[int, str]]:
    """The file's lines that can be broken, with their numbers."""
    in_block = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        in_block ^= path.suffix == ".md" and line.startswith("```")
        in_table = path.suffix == ".md" and line.startswith("|")
        is_diagnostic = path.suffix == ".mlir" and "// expected-" in line
        if not (in_block or in_table or is_diagnostic):
            yield number, line


def main(paths: list[str]) -> int:
    found = 0
    for path in map(Path, paths):
        for number, line in breakable(path):
            if len(line) > LIMIT:
                print(f"{path}:{number}: {len(line)} columns, expected at most {LIMIT}", file=sys.stderr)
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
