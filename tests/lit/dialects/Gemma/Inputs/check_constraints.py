"""Every numbered constraint of the dialect is labelled where it is verified and has a test case that is named after it.

usage: check_constraints.py DIALECT_FOLDER TEST_FOLDER

A constraint `- cN: ...` of op `gemma.step.norm` has the label step_norm_cN. Constraints that a trait or an attribute
constraint verifies carry `/* cN */` in the .td file, all others `// <label>` in a .cpp file.
"""

import pathlib
import re
import sys

dialect, tests = (pathlib.Path(argument) for argument in sys.argv[1:])
sources = "\n".join(path.read_text() for path in sorted(dialect.glob("*.cpp")))
cases = "\n".join(path.read_text() for path in sorted(tests.glob("invalid-*.mlir")))


def label_of(definition):
    """gemma.step.norm -> step_norm, #gemma.rope -> rope_attr, !gemma.buffer -> buffer_type."""
    if "TypeDef<" in definition:
        return re.search(r'mnemonic = "(\w+)"', definition)[1] + "_type"
    if found := re.search(r'Gemma_Attr<"\w+", "(\w+)">', definition):
        return found[1] + "_attr"
    kind, name = re.search(r'Gemma_(\w+)<"([\w.]+)"', definition).groups()
    return ("step_" if "Step" in kind else "") + name.replace(".", "_")


failures, count = [], 0
for path in sorted(dialect.glob("*.td")):
    for definition in re.split(r"\n(?=def )", path.read_text())[1:]:
        numbers = re.findall(r"- (c\d+):", definition)
        if not numbers:
            continue
        name = label_of(definition)
        if numbers != [f"c{i + 1}" for i in range(len(numbers))]:
            failures.append(f"{path.name}: constraints of {name} are numbered {numbers}")
        for number in numbers:
            count += 1
            label = f"{name}_{number}"
            in_td = f"/* {number} */" in definition
            if not in_td and not re.search(rf"//.*\b{label}\b", sources):
                failures.append(f"{label} is verified nowhere")
            if not re.search(rf"@{label}\b|@{label}_", cases):
                failures.append(f"{label} has no test")

print("\n".join(failures) or f"{count} constraints, all labelled and tested")
sys.exit(bool(failures) or count < 100)
