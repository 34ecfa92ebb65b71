#!/usr/bin/env bash
# The two commands of the README. Each installs what is missing, builds, and does its job:
#   ./vnetprobe.sh demo [--fault NAME] [flags of `vnetprobe demo`]
#   ./vnetprobe.sh test [ctest flags]
# Further ones for those who work on it:
#   ./vnetprobe.sh release    dist/vnetprobe-linux-amd64, the one file for a node
#   ./vnetprobe.sh package    the same file as dist/vnetprobe_VERSION_ARCH.deb, checked
#   ./vnetprobe.sh fuzz [SECONDS]   every libFuzzer target, SECONDS each (20)
#   ./vnetprobe.sh bench      tests/bench, beside blackbox_exporter, openssl s_time and curl
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'vnetprobe.sh: %s\n' "$*" >&2; exit 1; }

build_packages=(ca-certificates ccache cmake g++ git libboost-json-dev libboost-url-dev libarchive-dev libc-ares-dev libcli11-dev
  libfmt-dev libgmock-dev libgtest-dev libre2-dev libspdlog-dev libssl-dev libwebsocketpp-dev libyaml-cpp-dev ninja-build pkg-config zlib1g-dev)
# Real peers for the tests, and what the namespaces of the lab are made with.
test_packages=(bind9-dnsutils chromium chromium-driver cmark-gfm curl debootstrap dnsmasq-base dpkg-dev fish groff iproute2 jupyter-server libfaketime
  libxml2-utils lintian man-db mitmproxy nftables nginx-light nodejs openssl poppler-utils procps prometheus prometheus-alertmanager python3-cryptography
  python3-ipykernel python3-jsonschema python3-selenium python3-yaml shellcheck socat squid systemd unbound zsh)
bench_packages=(curl grepcidr openssl prometheus-blackbox-exporter)
package_packages=(dpkg-dev lintian python3)
fuzz_packages=(clang libclang-rt-14-dev)

# Debian 12's default Boost is 1.74; the packages of 1.81 stand beside it under names of their own.
boost_of_this_system() {
  local default
  default=$(apt-cache policy libboost-json-dev 2>/dev/null | sed -n 's/ *Candidate: *\([0-9]*\.[0-9]*\).*/\1/p')
  if [ -n "$default" ] && [ "$(printf '1.81\n%s\n' "$default" | sort -V | head -n1)" = 1.81 ]; then return; fi
  local i
  for i in "${!build_packages[@]}"; do
    case ${build_packages[$i]} in libboost-*-dev) build_packages[i]=${build_packages[$i]%-dev}1.81-dev ;; esac
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"
  elif command -v sudo >/dev/null && [ -t 0 ]; then sudo "$@"
  else
    die "packages are missing and installing them needs root; run this once as root (or with sudo installed):
    apt-get update && apt-get install --no-install-recommends -y $missing"
  fi
}

is_installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

install() {
  command -v apt-get >/dev/null || die "this needs a Debian or Ubuntu with apt-get (Debian 12 or newer, Ubuntu 24.04 or newer)"
  local package
  missing=
  for package in "$@"; do is_installed "$package" || missing="$missing $package"; done
  [ -n "$missing" ] || return 0
  say "Installing$missing"
  as_root apt-get update -qq
  # The peers' own services must not start: the tests start theirs, on their own ports.
  local policy=/usr/sbin/policy-rc.d
  local blocked=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null && as_root chmod 755 $policy && blocked=yes
  fi
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null ||
    { [ -z "$blocked" ] || as_root rm -f $policy; die "apt-get could not install:$missing"; }
  [ -z "$blocked" ] || as_root rm -f $policy
}

prepare() {
  if command -v apt-get >/dev/null && ! apt-cache policy libboost-json-dev 2>/dev/null | grep -q Candidate; then
    missing=
    [ "$(id -u)" = 0 ] && apt-get update -qq
  fi
  boost_of_this_system
  install "${build_packages[@]}" "$@"
}

# Peers that only the npm registry has (tests/npm/package.json), into build/npm. Without a registry their tests are skipped, in words.
npm_peers() {
  cmp -s tests/npm/package.json build/npm/installed.json && return
  command -v npm >/dev/null || install npm
  say "Installing npm packages into build/npm"
  mkdir -p build/npm
  cp tests/npm/package.json build/npm/package.json
  if npm install --prefix build/npm --no-package-lock --no-audit --no-fund --loglevel=error >&2; then
    cp build/npm/package.json build/npm/installed.json
  else
    say "npm could not install them: the tests that need them are skipped"
  fi
}

build() {
  say "Building ($1)"
  cmake --preset "$1" >"build-$1.log" 2>&1 || { cat "build-$1.log" >&2; die "CMake could not configure; see above"; }
  rm -f "build-$1.log"
  shift_target=("${@:2}")
  cmake --build --preset "$1" "${shift_target[@]}" >&2
}

with_digest() { (cd "$(dirname "$1")" && sha256sum "$(basename "$1")" >"$(basename "$1").sha256"); }

# dist/vnetprobe-linux-ARCH out of what was built.
release_file() {
  install_path=dist/vnetprobe-linux-$(dpkg --print-architecture)
  cp build/release/agent/vnetprobe "$install_path"
  with_digest "$install_path"
  local needed
  needed=$(objdump -T "$install_path" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
  say "$(stat -c '%n: %s bytes' "$install_path"), needs $needed"
  if [ "$(printf 'GLIBC_2.35\n%s\n' "$needed" | sort -V | tail -n 1)" != GLIBC_2.35 ]; then
    die "this build does not run on Ubuntu 22.04 (glibc 2.35); build the release on Debian 12"
  fi
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
  demo)
    prepare
    build dev --target vnetprobe
    exec build/dev/agent/vnetprobe demo "$@"
    ;;
  test)
    prepare "${test_packages[@]}"
    npm_peers
    build dev
    say "Testing"
    exec ctest --preset dev "$@"
    ;;
  release)
    prepare
    build release --target vnetprobe
    mkdir -p dist
    release_file
    ;;
  package)
    prepare "${package_packages[@]}"
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
    export SOURCE_DATE_EPOCH
    build release
    mkdir -p dist
    release_file
    package=dist/vnetprobe_$(build/release/agent/vnetprobe --version | cut -d' ' -f2)_$(dpkg --print-architecture).deb
    python3 tests/packaging/deb.py make build/release "$package"
    say "Checking"
    python3 tests/packaging/one_file.py "$install_path"
    python3 tests/packaging/deb.py check build/release "$package"
    with_digest "$package"
    say "$(stat -c '%n: %s bytes' "$package")"
    ;;
  fuzz)
    prepare "${fuzz_packages[@]}"
    build fuzz
    for target in build/fuzz/tests/fuzz/fuzz_*; do
      [ -f "$target" ] && [ -x "$target" ] || continue
      say "$(basename "$target")"
      "$target" -max_total_time="${1:-20}" -rss_limit_mb=2048 -print_final_stats=0 2>&1 | tail -n 3
    done
    ;;
  bench)
    prepare "${test_packages[@]}" "${bench_packages[@]}"
    build release --target vnetprobe
    exec tests/bench/run "$@"
    ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
