#!/usr/bin/env python3
"""Adds up the results of all suites and prints "N passed, N failed, N skipped" as the last line.

count_results.py [--seconds N] RESULTS      RESULTS is the folder that tests/run.sh fills (build/tests/results)

It holds ctest.xml, lit.xml and pytest.xml in JUnit's form; a file that is missing, unreadable or without tests counts
as one failure. A test of ctest called unit.* is an executable of GTest that leaves unit/NAME.xml: its cases are counted
in its stead, and one failure more when it ended otherwise than its cases say. *.left-out name the tests that wait for
--long.
Exit status: 0 when nothing failed.
"""

import argparse
import sys
import xml.etree.ElementTree as tree
from collections import Counter
from pathlib import Path

SUITES = ("ctest", "lit", "pytest")


def outcome(case):
    """Of one test: "failed", "skipped" or "passed"."""
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    skipped = case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "suppressed"
    return "skipped" if skipped else "passed"


def read_cases(path):
    """[(name, outcome)] of one file; raises OSError or ParseError."""
    found = []
    for case in tree.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        reason = (skipped.get("message") or "") if skipped is not None else ""
        found.append((f"{case.get('classname', '')} {case.get('name')}".strip(), outcome(case), reason))
    return found


def with_cases_of_units(cases, folder):
    """Puts the cases of an executable of GTest in the place of the executable."""
    for name, result, reason in cases:
        path = folder / f"{name.split()[-1]}.xml"
        if not name.split()[-1].startswith("unit."):
            yield name, result, reason
            continue
        try:
            inner = read_cases(path)
        except (OSError, tree.ParseError) as error:
            yield f"{name}: ended without results ({error})", "failed", ""
            continue
        yield from inner
        if result == "failed" and all(one[1] != "failed" for one in inner):
            yield f"{name}: failed, though none of its cases did", "failed", ""


def read_suite(folder, suite):
    """All cases of one suite; what cannot be read is a failure."""
    try:
        cases = read_cases(folder / f"{suite}.xml")
    except (OSError, tree.ParseError) as error:
        return [(f"no results ({error})", "failed", "")]
    if suite == "ctest":
        cases = list(with_cases_of_units(cases, folder / "unit"))
    return cases or [("no tests were run", "failed", "")]


def left_out(folder):
    """Names of tests that only --long runs, by suite."""
    return {path.stem: path.read_text().splitlines() for path in sorted(folder.glob("*.left-out"))}


def print_left_out(names, limit=12):
    """Tests that differ only in their parameters are one line."""
    counts = Counter(name.split("[")[0] for name in names)
    for name, count in counts.most_common(limit):
        print(f"  {count:4} {name}")
    if len(counts) > limit:
        print(f"       and {len(counts) - limit} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int)
    options = parser.parse_args()
    suites = {suite: read_suite(options.folder, suite) for suite in SUITES}
    print("\n== results")
    for suite, cases in suites.items():
        for name, result, _ in cases:
            if result == "failed":
                print(f"FAILED {suite}: {name}")
    reasons = Counter(reason for cases in suites.values() for _, result, reason in cases if result == "skipped")
    for reason, count in reasons.most_common():
        print(f"skipped {count}: {reason}")
    for suite, names in left_out(options.folder).items():
        if names:
            print(f"left out of {suite}, run by tests/run.sh --long: {len(names)}")
            print_left_out(names)
    total = Counter()
    for suite, cases in suites.items():
        counts = Counter(result for _, result, _ in cases)
        total += counts
        print(f"{suite + ':':8} {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    if options.seconds is not None:
        print(f"took {options.seconds} s")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(total["failed"] > 0)


if __name__ == "__main__":
    main()
