#!/usr/bin/env bash
# Installs what tools/packages.txt lists and is missing: Debian packages (with sudo unless root) and, into BUILD/venv,
# the Python packages of the tests.
#
#   tools/install.sh [BUILD]         BUILD defaults to build/
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build}

listed() { sed -nE "s/^$1[[:space:]]+([^[:space:]#]+).*/\1/p" "$top/tools/packages.txt"; }

missing=()
while read -r package; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done < <(listed apt)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${#missing[@]} packages: ${missing[*]}"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mapfile -t wheels < <(listed pip)
stamp=$build/venv/installed.txt
if [ "$(cat "$stamp" 2>/dev/null)" != "${wheels[*]}" ]; then
  echo "installing into $build/venv: ${wheels[*]}"
  python3 -m venv "$build/venv"
  "$build/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${wheels[@]}"
  echo "${wheels[*]}" >"$stamp"
fi
