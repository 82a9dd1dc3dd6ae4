#!/usr/bin/env bash
# Shows on bare Debian 12 machines (chroots of debootstrap's smallest variant) that a newcomer gets an answer:
#   quickstart  a fresh clone with examples/quickstart.sh
#   deb         the Debian package, installed by apt
#   tarball     the tarball, unpacked by a user who is not root and has no network
# and states seconds and processor seconds of each. Fails when an answer is wrong or a limit is passed.
#
#   tests/packaging/bare_machine.sh [--no-limit] [quickstart|deb|tarball]...      all by default
#
# Wants root and Debian's archive, as this machine's apt knows it. GEMMAC_BUILD names another build folder;
# --no-limit only states the times, for machines that do other work as well.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${GEMMAC_BUILD:-$top/build}
work=$build/bare
quickstart_limit=360 package_limit=60
question="What is the capital of Poland?" answer="The capital of Poland is Warsaw."

fail() { echo "bare_machine.sh: error: $1" >&2; exit 1; }

[ "${1-}" != --no-limit ] || { quickstart_limit=86400 package_limit=86400; shift; }
checks=("$@")
[ $# -gt 0 ] || checks=(quickstart deb tarball)
[ "$(id -u)" -eq 0 ] || fail "needs root, for chroots"

# Lines for sources.list: Debian 12 with updates and security, from where this machine gets them.
sources() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -nE 's/^([^ ]+) (bookworm(|-updates|-security)) main$/deb \1 \2 main/p' | sort -u
}

# A bare system in $work/base, and a copy of it in $work/$1.
new_machine() {
  if [ ! -f "$work/base/complete" ]; then
    local mirror
    mirror=$(sources | sed -nE 's/^deb ([^ ]+) bookworm main/\1/p' | head -n 1)
    [ -n "$mirror" ] || fail "apt knows no archive of bookworm; add one to its sources and run apt-get update"
    rm -rf "$work/base"
    mkdir -p "$work/base"
    debootstrap --variant=minbase bookworm "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
      fail "debootstrap failed; see $work/debootstrap.log"
    sources >"$work/base/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$work/base/etc/apt/apt.conf.d/proxy" || true
    cp /etc/resolv.conf "$work/base/etc/"
    chroot "$work/base" useradd --create-home newcomer
    touch "$work/base/complete"
  fi
  rm -rf "${work:?}/$1"
  cp -a "$work/base" "$work/$1"
}

# Runs the commands that are on standard input in machine $1, with options for unshare after it. Processes and mounts of
# the machine end with the commands. Their output goes to $work/$1.log.
on_machine() {
  local machine=$work/$1
  cat >"$machine/commands.sh"
  unshare --mount --pid --fork --kill-child "${@:2}" bash -c '
    mount -t proc proc "$1/proc" && exec chroot "$1" /usr/bin/env -i HOME=/srv PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      LANG=C.UTF-8 bash -euo pipefail /commands.sh' machine "$machine" </dev/null >"$machine.log" 2>&1
}

# timed NAME LIMIT [unshare's options]: on_machine NAME, its time, the answer.
timed() {
  local start=$EPOCHREALTIME before after seconds processor
  times >"$work/times"
  before=$(children_seconds)
  on_machine "$1" "${@:3}" || { tail -n 20 "$work/$1.log" >&2; fail "$1 failed; see $work/$1.log"; }
  times >"$work/times"
  after=$(children_seconds)
  seconds=$(awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $start }")
  processor=$(awk "BEGIN { printf \"%.0f\", $after - $before }")
  grep -qF "$answer" "$work/$1.log" || fail "$1 did not answer '$answer'; see $work/$1.log"
  echo "$1: answered after $seconds s; $processor s of processor time"
  [ "$seconds" -le "$2" ] || fail "$1 took $seconds s, expected at most $2 s"
  rm -rf "${work:?}/$1"
}

# User and system time of what this shell has waited for, in seconds, from the output of `times`.
children_seconds() {
  awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, part, /[ms]/); total += 60 * part[1] + part[2] } print total }' \
    "$work/times"
}

check_quickstart() {
  new_machine quickstart
  git clone --quiet --no-hardlinks "$top" "$work/quickstart/srv/gemmac"
  timed quickstart "$quickstart_limit" <<<"cd /srv/gemmac; examples/quickstart.sh '$question'"
}

# What both packages must do: nothing that compiles or links is there, the model compiles, the program answers.
use_package() {
  echo "! command -v cc gcc clang clang-22 ld ld.lld as || exit 9
    $1/bin/gemmac compile $1/share/gemmac/examples/tiny-e -o /tmp/tiny-e --weights q8
    /tmp/tiny-e --temperature 0 -p '$question'"
}

check_deb() {
  new_machine deb
  cp "$build"/dist/gemmac_*.deb "$work/deb/srv/gemmac.deb"
  timed deb "$package_limit" <<COMMANDS
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /srv/gemmac.deb
$(use_package /usr)
gemmac targets
COMMANDS
}

check_tarball() {
  new_machine tarball
  cp "$build"/dist/gemmac-*.tar.gz "$work/tarball/home/newcomer/gemmac.tar.gz"
  timed tarball "$package_limit" --net <<COMMANDS
cat >/tmp/use.sh <<'USE'
set -euo pipefail
mkdir "\$HOME/any where" && cd "\$HOME/any where" && tar -xzf ../gemmac.tar.gz && mv gemmac-* /tmp/unpacked
$(use_package /tmp/unpacked)
USE
su newcomer -c 'bash /tmp/use.sh'
COMMANDS
}

"$top/tools/install.sh" "$build" package
mkdir -p "$work"
for check in "${checks[@]}"; do
  case $check in
  deb | tarball)
    ls "$build"/dist/gemmac_*.deb "$build"/dist/gemmac-*.tar.gz >/dev/null 2>&1 || "$top/tools/package.sh" "$build"
    ;;&
  quickstart | deb | tarball) "check_$check" ;;
  *) fail "unknown check '$check', expected quickstart, deb or tarball" ;;
  esac
done
