#!/usr/bin/env python3
"""Counts spills and reloads inside loops, per function of verbose LLVM assembly, and compares with what was recorded.

    gemmac-emit --target T --level L ... | loop_spills.py INPUT T L     INPUT: a file of ../targets/Inputs, no ending
    loop_spills.py --record                                             counts everything anew; gemmac-emit on the PATH

spills.json holds the counts and the version of LLVM that they were measured with: per case, prefixes of functions'
names and the largest count of the functions that begin with it (of several prefixes the first that matches holds;
functions that none matches are not looked at). The same LLVM may exceed a count by a tenth, another one by two fifths
and four: an update of LLVM changes some counts a little, a fault in a kernel doubles them. Fails when a bound is
exceeded, or when no function has a prefix.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

TABLE = Path(__file__).with_name("spills.json")
INPUTS = Path(__file__).parent.parent / "targets" / "Inputs"


def count(lines):
    """Function name -> spills and reloads at a loop depth of at least 1, as LLVM's comments on basic blocks tell."""
    counts, name, in_loop, block_open = {}, None, False, False
    for line in lines:
        label = re.match(r"([A-Za-z_]\w*):", line)
        if label:
            name, in_loop = label.group(1), False
            counts[name] = 0
        elif re.match(r"\.L?BB\d+_\d+:|(#|//) %bb\.", line):
            in_loop, block_open = False, True
        if block_open and re.search(r"(Loop Header:|in Loop:|Inner Loop Header|Parent Loop)", line):
            in_loop = True
        if not re.match(r"\.L?BB|(#|//)|\s+(#|//)", line):
            block_open = False
        if name and in_loop and re.search(r"\b(Spill|Reload)\b", line):
            counts[name] += 1
    return counts


def worst(counts, prefixes):
    """Prefix -> the largest count of its functions, None where there are none."""
    found = dict.fromkeys(prefixes)
    for name, spills in counts.items():
        prefix = next((one for one in prefixes if name.startswith(one)), None)
        if prefix is not None:
            found[prefix] = max(spills, found[prefix] or 0)
    return found


def llvm_version():
    """Of the LLVM that gemmac-emit, and so gemmac, is linked with."""
    text = subprocess.run(["gemmac-emit", "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"LLVM version (\S+)", text).group(1)


def most(recorded, same_llvm):
    return recorded * 11 // 10 if same_llvm else recorded * 14 // 10 + 4


def record():
    table = json.loads(TABLE.read_text())
    for case, prefixes in table["spills"].items():
        file, target, level = case.split()
        lower = ["gemmac-opt", f"--gemma-lower=target={target}", INPUTS / f"{file}.mlir"]
        lowered = subprocess.run(lower, capture_output=True, check=True).stdout
        emit = ["gemmac-emit", "--target", target, "--level", level]
        text = subprocess.run(emit, input=lowered, capture_output=True, check=True).stdout.decode()
        table["spills"][case] = worst(count(text.splitlines()), prefixes)
        assert None not in table["spills"][case].values(), f"{case}: {table['spills'][case]}"
    table["llvm"] = llvm_version()
    TABLE.write_text(json.dumps(table, indent=2) + "\n")


def check(case):
    table, version = json.loads(TABLE.read_text()), llvm_version()
    same, failed = version == table["llvm"], False
    recorded = table["spills"][case]
    for prefix, spills in worst(count(sys.stdin), recorded).items():
        bound = most(recorded[prefix], same)
        exceeded = spills is None or spills > bound
        failed |= exceeded
        seen = "no function begins with it" if spills is None else f"{spills} spills in loops"
        mark = "  EXCEEDED" if exceeded else ""
        print(f"{prefix}: {seen}; {recorded[prefix]} recorded, at most {bound} allowed{mark}")
    if not same:
        print(f"recorded with LLVM {table['llvm']}, this is {version}: wider bounds; after a look, record again")
    sys.exit(failed)


if sys.argv[1:] == ["--record"]:
    record()
else:
    check(" ".join(sys.argv[1:]))
