#!/usr/bin/env bash
# Builds what the tests need and runs them: unit tests and fuzzing (ctest), text tests (lit), whole programs (pytest).
# The last line is the count of all: "N passed, N failed, N skipped". Fails when a test failed or could not be run.
#
#   tests/run.sh [--long] [pytest arguments]      e.g. tests/run.sh -k goldens
#
# --long adds the tests that are long by nature (tests/README.md); without it the summary counts what was left out.
# GEMMAC_BUILD names another build folder.
set -uo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${GEMMAC_BUILD:-$top/build}
export GEMMAC_BUILD=$build
results=$build/tests/results
cd "$top" || exit 1

long=()
[ "${1-}" = --long ] && long=(--long) && export GEMMAC_LONG=1 && shift
phase() { printf '== %s (%d s so far)\n' "$1" "$SECONDS"; }

phase "building"
tools/install.sh "$build" || exit 1
configure=(cmake -Wno-dev --log-level=WARNING -DBUILD_TESTING=ON)
configure+=("-DGEMMAC_RUNTIME_TRIPLES=x86_64-linux;aarch64-linux")
[ -f "$build/build.ninja" ] || configure+=(--preset release -B)
"${configure[@]}" "$build" || exit 1
ninja -C "$build" -j "$(nproc)" --quiet || exit 1
rm -rf "$results" && mkdir -p "$results/unit"

phase "unit tests and fuzzing (ctest)"
registered() { ctest --test-dir "$build" "$@" -N | sed -nE 's/^ *Test +#[0-9]+: (.*)/\1/p' | sort; }
[ -n "${long-}" ] || comm -13 <(registered) <(registered -C long) >"$results/ctest.left-out"
# Of the output of executables that failed, what passed is left out.
failures() { awk '/^\[ RUN  / { held = $0; next } /^\[ +OK / { held = ""; next } held { print held; held = "" } 1'; }
ctest --test-dir "$build" ${long:+-C long} -j2 --output-on-failure --no-tests=error \
  --output-junit "$results/ctest.xml" | failures | tail -n 60
phase "text tests (lit)"
lit=$(dirname "$(readlink -f "$(command -v FileCheck-22)")")/lit
python3 "$lit" -v --xunit-xml-output "$results/lit.xml" "$top/tests/lit" | tail -n 40
phase "whole programs (pytest)"
# The folder comes first: its conftest.py defines options, and is looked for before they are known.
"$build/venv/bin/python" -m pytest "$top/tests/integration" -p no:cacheprovider -q -n 2 --dist worksteal \
  --junit-xml "$results/pytest.xml" "--left-out=$results/pytest.left-out" "${long[@]}" "$@"

python3 "$top/tests/count_results.py" --seconds "$SECONDS" "$results"
