#!/usr/bin/env bash
# Installs what tools/packages.txt lists and is missing: Debian packages (with sudo unless root), into BUILD/arm64 the
# libraries of AArch64 that have no cross packages, into BUILD/venv the Python packages of the tests, into
# BUILD/venv/wheels wheels with libraries for the build.
#
#   tools/install.sh [BUILD [GROUP...]]     BUILD defaults to build/, the groups to build aarch64 test python
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build}
groups=("${@:2}")
[ "${#groups[@]}" -gt 0 ] || groups=(build aarch64 test python)

# Names of the lines that begin with $1 and one of the groups.
listed() {
  local group
  for group in "${groups[@]}"; do
    sed -nE "s/^$1[[:space:]]+$group[[:space:]]+([^[:space:]#]+).*/\1/p" "$top/tools/packages.txt"
  done
}

for group in "${groups[@]}"; do
  if ! grep -qE "^(apt|arm64|pip|wheel)[[:space:]]+$group[[:space:]]" "$top/tools/packages.txt"; then
    echo "tools/install.sh: error: unknown group '$group', expected one that tools/packages.txt names" >&2
    exit 2
  fi
done

missing=()
while read -r package; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done < <(listed apt)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${#missing[@]} packages: ${missing[*]}"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The arm64 packages, fetched by an apt with a state of its own, so that the machine's knows no other architecture.
# Versions are those of the packages for this machine, where the archive still has them.
unpacked=()
while read -r package; do
  version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null || true)
  unpacked+=("$package${version:+=$version}")
done < <(listed arm64)
stamp=$build/arm64/unpacked.txt
if [ "${#unpacked[@]}" -gt 0 ] && [ "$(cat "$stamp" 2>/dev/null)" != "${unpacked[*]}" ]; then
  arm64=$(realpath -m "$build/arm64")
  echo "unpacking into $arm64: ${unpacked[*]}"
  rm -rf "$arm64"
  mkdir -p "$arm64"/apt/{state/lists,cache/archives}/partial
  apt_options=(-o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User="$(id -un)"
    -o Dir::State="$arm64/apt/state" -o Dir::Cache="$arm64/apt/cache" -o Dir::State::status=/dev/null)
  apt-get -qq "${apt_options[@]}" update
  wanted=()
  for package in "${unpacked[@]}"; do
    if ! apt-get -qq "${apt_options[@]}" --print-uris download "$package" >/dev/null 2>&1; then
      echo "tools/install.sh: note: the archive no longer has $package for arm64, its newest version is taken" >&2
      package=${package%%=*}
    fi
    wanted+=("$package")
  done
  (cd "$arm64/apt" && apt-get -qq "${apt_options[@]}" download "${wanted[@]}")
  for package in "$arm64"/apt/*.deb; do
    dpkg -x "$package" "$arm64"
  done
  rm -rf "$arm64/apt"
  echo "${unpacked[*]}" >"$stamp"
fi

# What was installed is kept by line, so that groups asked for later add to it.
stamp=$build/venv/installed.txt
install_python() { # arguments of pip, then --, then what to install
  local options=() missing=() name
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  for name in "${@:2}"; do
    grep -qxF -- "$name" "$stamp" 2>/dev/null || missing+=("$name")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "installing into $build/venv: ${missing[*]}"
  [ -x "$build/venv/bin/python" ] || python3 -m venv "$build/venv"
  "$build/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${options[@]}" "${missing[@]}"
  touch "$stamp"
  for name in "${missing[@]}"; do
    sed -i "/^${name%%=*}==/d" "$stamp" # another version
    echo "$name" >>"$stamp"
  done
}
mapfile -t pips < <(listed pip)
mapfile -t wheels < <(listed wheel)
install_python -- "${pips[@]}"
install_python --no-deps --upgrade --target "$build/venv/wheels" -- "${wheels[@]}"
