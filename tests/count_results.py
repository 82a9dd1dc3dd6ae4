#!/usr/bin/env python3
"""Adds up JUnit result files and prints "N passed, N failed, N skipped" as the last line.

count_results.py [--seconds N] FILE...     A file that is missing, unreadable or without tests counts as one failure.
Exit status: 0 when nothing failed.
"""

import argparse
import sys
import xml.etree.ElementTree as tree
from pathlib import Path


def count(path):
    """(passed, [failed names], skipped) of one file."""
    try:
        cases = list(tree.parse(path).iter("testcase"))
    except (OSError, tree.ParseError) as error:
        return 0, [f"{path.stem}: no results ({error})"], 0
    if not cases:
        return 0, [f"{path.stem}: no tests were run"], 0
    failed = [
        f"{path.stem}: {case.get('classname', '')} {case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - len(failed) - skipped, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=int)
    options = parser.parse_args()
    counts = {path: count(path) for path in options.files}
    failures = [name for _, failed, _ in counts.values() for name in failed]
    print("\n== results")
    for name in failures:
        print(f"FAILED {name}")
    for path, (passed, failed, skipped) in counts.items():
        print(f"{path.stem + ':':8} {passed} passed, {len(failed)} failed, {skipped} skipped")
    if options.seconds is not None:
        print(f"took {options.seconds} s")
    passed, skipped = (sum(row[i] for row in counts.values()) for i in (0, 2))
    print(f"{passed} passed, {len(failures)} failed, {skipped} skipped")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
