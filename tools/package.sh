#!/usr/bin/env bash
# Makes BUILD/dist/gemmac_VERSION_ARCH.deb and BUILD/dist/gemmac-VERSION-MACHINE-linux.tar.gz: gemmac, the runtimes that
# BUILD is configured for, documents and the example checkpoint. The .deb depends on Debian's shared libraries of LLVM,
# the tarball brings them along. Files are as old as the commit. docs/packages.md says more.
#
#   tools/package.sh [BUILD]     BUILD defaults to build/ and is configured and built as far as needed
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
dist=$build/dist
stage=$dist/stage

fail() { echo "tools/package.sh: error: $1" >&2; exit 1; }

# Name of the Debian package that a file comes from.
owner() {
  local path line
  path=$(realpath "$1")
  # Some packages still list their files without the /usr that a merged system puts before them.
  line=$(dpkg -S "$path" 2>/dev/null) || line=$(dpkg -S "${path#/usr}" 2>/dev/null) ||
    fail "$path belongs to no Debian package, so its licence is not known"
  line=${line%%: /*}
  line=${line%%,*}
  echo "${line%%:*}"
}
owners() { while read -r file; do owner "$file"; done | sort -u; }

# Paths of the shared libraries that a program names.
shared_libraries() {
  local name
  /usr/lib/llvm-22/bin/llvm-readelf --needed-libs "$1" | grep -oE '[^ ]+\.so\.[^ ]+' | while read -r name; do
    ldd "$1" | awk -v name="$name" '$1 == name { print $3 } $1 ~ "/" name "$" { print $1 }'
  done
}

# Paths on this machine of what other projects made and `stage` holds, linked in or as files.
foreign_files() {
  local triple file found
  for triple in "$stage"/usr/lib/gemmac/*/; do
    for file in "$triple"*.[ao]; do
      [ "$(basename "$file")" != libgemmac_runtime.a ] || continue
      found=$(clang-22 --target="$(basename "$triple")-gnu" -print-file-name="$(basename "$file")")
      # What tools/install.sh unpacked for another machine comes from the sources of this machine's package.
      [[ $found = /* ]] || found=$(clang-22 -print-file-name="$(basename "$file")")
      echo "$found"
    done
  done
  printf '%s\n' /usr/include/{CLI/CLI.hpp,nlohmann/json.hpp,xxhash.h} \
    /usr/lib/llvm-22/{include/lld/Common/Driver.h,include/llvm/Support/Error.h,include/mlir/IR/MLIRContext.h}
}

# Copies licences into the installation $1; the rest names the packages that they come from.
add_licences() {
  local doc=$1/share/doc/gemmac package
  mkdir -p "$doc/licences"
  for package in "${@:2}"; do
    cp -L "/usr/share/doc/$package/copyright" "$doc/licences/$package.txt"
  done
  cp "$build"/venv/wheels/halide-*.dist-info/licenses/LICENSE.txt "$doc/licences/halide.txt"
  cat >"$doc/copyright" <<TEXT
gemmac $version is distributed without a licence text of its own; ask its authors before you pass it on.

It contains, and puts into the programs that it makes, work of other projects. Their copyright and licences are in
licences/, one file for each Debian package that a part was taken from, and that of Halide.
TEXT
}

export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
  fail "not a git checkout: set SOURCE_DATE_EPOCH to the time of the release, in seconds"
umask 022

tools/install.sh "$build" build aarch64
[ -f "$build/build.ninja" ] || cmake --preset package -B "$build" -Wno-dev --log-level=WARNING
cmake --build "$build" --target gemmac -- --quiet
version=$(sed -nE 's/^CMAKE_PROJECT_VERSION:.*=(.*)/\1/p' "$build/CMakeCache.txt")
commit=$(git rev-parse --short=8 HEAD 2>/dev/null || true)
[ -z "$commit" ] || version+=+git$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M).$commit

rm -rf "$dist"
cmake --install "$build" --prefix "$stage/usr" --component gemmac --strip >/dev/null
mapfile -t static_parts < <(foreign_files | owners)
add_licences "$stage/usr" "${static_parts[@]}"

# The Debian package. dpkg-shlibdeps cannot tell the package of libLLVM: llvm-22-dev has a link of the same name to it.
mkdir -p "$stage/DEBIAN"
mapfile -t needed < <(shared_libraries "$stage/usr/bin/gemmac" | owners)
depends=$(dpkg-query -W -f '${Package} ${Version}\n' "${needed[@]}" |
  sed -E 's/^(.*) (.*)-[^-]*$/\1 (>= \2)/' | paste -sd ,)
architecture=$(dpkg --print-architecture)
cat >"$stage/DEBIAN/control" <<CONTROL
Package: gemmac
Version: $version
Architecture: $architecture
Maintainer: gemmac <gemmac@localhost>
Section: devel
Priority: optional
Installed-Size: $(du -sk --apparent-size "$stage/usr" | cut -f 1)
Depends: ${depends//,/, }
Description: ahead-of-time compiler for Gemma checkpoints
 Turns a Gemma checkpoint into one static program with weights, tokenizer and
 chat format inside. Needs no compiler and no linker on the machine.
CONTROL
deb=$dist/gemmac_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$stage" "$deb" >/dev/null

# The tarball: the same tree with the shared libraries and their licences. gzip, as a bare Debian has no other.
name=gemmac-$version-$(uname -m)-linux
mv "$stage/usr" "$dist/$name"
cmake --install "$build" --prefix "$dist/$name" --component bundled >/dev/null
mapfile -t shared_parts < <(for file in "$dist/$name"/lib/*.so*; do
  ldd "$build/bin/gemmac" | awk -v name="$(basename "$file")" '$1 == name { print $3 }'
done | owners)
add_licences "$dist/$name" "${static_parts[@]}" "${shared_parts[@]}"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$dist" "$name" |
  gzip -n >"$dist/$name.tar.gz"
rm -rf "$stage" "${dist:?}/$name"
ls -l "$dist"
