#!/usr/bin/env bash
# Runs all tests of a finished build: unit tests and short fuzzing (ctest), text tests (lit), whole programs (pytest).
# The last line is the count of all: "N passed, N failed, N skipped". Fails when a test failed or could not be run.
#
#   tests/run.sh [pytest arguments]      e.g. tests/run.sh -k goldens; GEMMAC_BUILD names another build folder
set -uo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${GEMMAC_BUILD:-$top/build}
export GEMMAC_BUILD=$build
results=$build/tests/results
cd "$top" || exit 1
[ -x "$build/bin/gemmac" ] || { echo "tests/run.sh: error: no $build/bin/gemmac, expected a finished build; run examples/quickstart.sh" >&2; exit 1; }
tools/install.sh "$build" || exit 1
rm -rf "$results" && mkdir -p "$results"

echo "== unit tests and short fuzzing (ctest)"
ctest --test-dir "$build" -j2 --output-on-failure --no-tests=error --output-junit "$results/ctest.xml" | tail -n 40
echo "== text tests (lit)"
python3 "$(dirname "$(readlink -f "$(command -v FileCheck-22)")")/lit" -v --xunit-xml-output "$results/lit.xml" "$top/tests/lit" | tail -n 40
echo "== whole programs (pytest)"
"$build/venv/bin/python" -m pytest -p no:cacheprovider --junit-xml "$results/pytest.xml" "$@" "$top/tests/integration"

python3 "$top/tests/count_results.py" --seconds "$SECONDS" "$results"/{ctest,lit,pytest}.xml
