#!/usr/bin/env bash
# Formats the sources, or says what is not formatted: C++ and TableGen by clang-format (.clang-format), Python by ruff
# (.ruff.toml), and lines of all text within 120 columns (tools/long_lines.py tells the exceptions).
#
#   tools/format.sh            formats in place
#   tools/format.sh --check    changes nothing; fails where something would change
#
# GEMMAC_BUILD names the build folder with the tests' Python packages, build/ by default.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=${GEMMAC_BUILD:-build}
clang=(clang-format-22 -i) ruff=("$build/venv/bin/ruff" format --no-cache --quiet)
case "$*" in "" | --check) ;; *) echo "usage: tools/format.sh [--check], got '$*'" >&2 && exit 2 ;; esac
[ "${1-}" = --check ] && clang=(clang-format-22 --dry-run -Werror) && ruff+=(--diff)

git ls-files -z -- '*.cpp' '*.h' '*.td' | xargs -0r "${clang[@]}"
formatted=$?
git ls-files -z -- '*.py' ':!tests/data' | xargs -0r "${ruff[@]}"
formatted=$((formatted | $?))
git ls-files -z -- '*.cpp' '*.h' '*.td' '*.mlir' '*.md' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' ':!tests/data' |
  xargs -0r "$build/venv/bin/python" tools/long_lines.py
exit $((formatted | $?))
