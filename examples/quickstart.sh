#!/usr/bin/env bash
# From a fresh clone to an answer: installs what is missing, builds gemmac (no tests, no runtime for other machines),
# compiles the small checkpoint tiny-e of this folder into one program and asks it a question.
#
#   examples/quickstart.sh [QUESTION]
set -euo pipefail
cd "$(dirname "$0")/.."
question=${1:-What is the capital of Poland?}

step() { printf '\n== %s (%d s so far)\n' "$1" "$SECONDS"; }

step "Installing what is missing"
tools/install.sh build build
step "Building gemmac"
# A folder that was configured before, with tests for instance, stays as it is.
[ -f build/build.ninja ] || cmake --preset quick -Wno-dev --log-level=WARNING
cmake --build build --target gemmac -- --quiet
step "Compiling examples/checkpoints/tiny-e to build/tiny-e"
build/bin/gemmac compile examples/checkpoints/tiny-e -o build/tiny-e --weights q8
ls -lh build/tiny-e
step "Asking it: $question"
build/tiny-e --temperature 0 -p "$question"
printf '\n== Done in %d s. Now chat with it: build/tiny-e\n' "$SECONDS"
