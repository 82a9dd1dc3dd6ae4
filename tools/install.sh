#!/usr/bin/env bash
# Installs what tools/packages.txt lists and is missing: Debian packages (with sudo unless root) and, into BUILD/venv,
# the Python packages of the tests; wheels with libraries for the build are unpacked into BUILD/venv/wheels.
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
  if ! grep -qE "^(apt|pip|wheel)[[:space:]]+$group[[:space:]]" "$top/tools/packages.txt"; then
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
