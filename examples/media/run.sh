#!/usr/bin/env bash
# From a fresh clone to a program that sees and hears: installs what is missing, builds gemmac, compiles the small
# checkpoint tiny-e and shows it the picture and plays it the sound of this folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

examples/quickstart.sh
for file in circle.png beeps.wav; do
  printf '\n== What tiny-e makes of examples/media/%s\n' "$file"
  build/tiny-e media "examples/media/$file"
  case $file in
  *.png) build/tiny-e --temperature 0 -q --image "examples/media/$file" -p "Describe the image." ;;
  *.wav) build/tiny-e --temperature 0 -q --audio "examples/media/$file" -p "What do you hear?" ;;
  esac
done
