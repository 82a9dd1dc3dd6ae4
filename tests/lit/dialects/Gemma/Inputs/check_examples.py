"""Every op, attribute and type of the dialect has an example in its description, and every example is a whole module.

usage: check_examples.py DIALECT_FOLDER

An example is a block of ```mlir. gemmac-opt reads it, verifies it and prints it, in lines of at most 120 columns; the
printed text reads as itself. An op's own name stands in its example, an attribute or a type is used by an op there.
"""

import pathlib
import re
import subprocess
import sys


def name_of(definition):
    """gemma.step.norm, #gemma.rope, !gemma.buffer; None for enums and constraints, which have no text of their own."""
    if "TypeDef<" in definition:
        return "!gemma." + re.search(r'mnemonic = "(\w+)"', definition)[1]
    if found := re.search(r'Gemma_Attr<"\w+", "(\w+)">', definition):
        return "#gemma." + found[1]
    found = re.match(r'def \w+\s*: Gemma_\w*?(Op|Step)<"([\w.]+)"', definition)
    return found and ("gemma.step." if found[1] == "Step" else "gemma.") + found[2]


def opt(text):
    done = subprocess.run(["gemmac-opt", "-"], input=text, capture_output=True, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else None, done.stderr


def problems_of(name, example):
    printed, error = opt(example)
    if printed is None:
        return [f"{name}: an example is refused:\n{error}"]
    again, error = opt(printed)
    if again is None:
        return [f"{name}: the printed example is refused:\n{error}"]
    wide = [line for line in printed.splitlines() if len(line) > 120]
    found = [] if again == printed else [f"{name}: the printed example reads as another one"]
    return found + [f"{name}: a printed line has {len(line)} columns: {line}" for line in wide]


failures, count, names = [], 0, []
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.td")):
    for definition in re.split(r"\n(?=def )", path.read_text())[1:]:
        name = name_of(definition)
        if not name:
            continue
        names.append(name)
        examples = re.findall(r"```mlir\n(.*?)```", definition, re.S)
        if not any(name[0] in "#!" or re.search(rf"{re.escape(name)}\b(?!\.)", text) for text in examples):
            failures.append(f"{name} has no example")
        for example in examples:
            count += 1
            failures += problems_of(name, example)

ops = [name for name in names if name[0] == "g"]
print("\n".join(failures) or f"{count} examples, each read, verified, printed and read again")
sys.exit(bool(failures) or len(ops) < 43)
