#!/usr/bin/env python3
"""Counts spills and reloads inside loops, per function of verbose LLVM assembly on stdin, and checks bounds.

    gemmac-emit ... | loop_spills.py 'matmul_q4=0' 'attention=8'

An argument is a prefix of functions' names and the largest count allowed; the first that matches a function holds. Functions
that none matches are not checked. Fails when a bound is exceeded, or when an argument matches no function.
"""
import re
import sys


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


def main():
    counts = count(sys.stdin)
    bounds = [(prefix, int(bound)) for prefix, bound in (argument.rsplit("=", 1) for argument in sys.argv[1:])]
    used, failed = set(), False
    for name, spills in counts.items():
        for prefix, bound in bounds:
            if name.startswith(prefix):
                used.add(prefix)
                failed |= spills > bound
                print(f"{name}: {spills} spills in loops, at most {bound} allowed" + (" EXCEEDED" if spills > bound else ""))
                break
    for prefix, _ in bounds:
        if prefix not in used:
            print(f"no function begins with '{prefix}'")
            failed = True
    sys.exit(failed)


main()
