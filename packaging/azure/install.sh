#!/bin/sh
# Puts vnetprobe's package on a Debian or Ubuntu node and starts it. Used by cloud-init.yaml, by the VM extension and by the set-up
# script of a compute instance; works by hand as well, also without a network when the package lies beside it.
#
#   install.sh [--sha256 HEX] [--config FILE|URL] [--service|--timer|--no-start] PACKAGE
#
# PACKAGE and the configuration are files or URLs (https:, http:, file:). A configuration that vnetprobe does not accept is an error, and
# the one that was there stays.
set -eu

say() { echo "vnetprobe install: $*"; }
die() { say "$*" >&2; exit 1; }

# fetch FROM TO
fetch() {
  case $1 in
    file://*) cp "${1#file://}" "$2" ;;
    http://* | https://*)
      if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 5 --retry-connrefused --connect-timeout 20 --output "$2" "$1"
      elif command -v wget >/dev/null; then
        wget --quiet --tries=5 --timeout=20 --output-document="$2" "$1"
      else
        python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], sys.argv[2])' "$1" "$2"
      fi ;;
    *) cp "$1" "$2" ;;
  esac || die "cannot fetch ${1%%\?*}"
}

digest='' config='' start=service
while [ $# -gt 0 ]; do
  case $1 in
    --sha256) digest=$2; shift 2 ;;
    --config) config=$2; shift 2 ;;
    --service | --timer | --no-start) start=${1#--}; shift ;;
    -*) die "unknown flag $1" ;;
    *) break ;;
  esac
done
[ $# -eq 1 ] || die "exactly one package is wanted: a file or a URL"
[ "$(id -u)" = 0 ] || die "this needs root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
fetch "$1" "$work/vnetprobe.deb"
if [ -n "$digest" ]; then
  echo "$digest  $work/vnetprobe.deb" | sha256sum --check --quiet - || die "the package is not the one whose digest was given"
fi

# A node that has just booted often has apt busy; without a network the package installs from the file alone.
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
  install --yes --no-install-recommends --allow-downgrades "$work/vnetprobe.deb" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "the package could not be installed"; }

if [ -n "$config" ]; then
  fetch "$config" "$work/config.yaml"
  vnetprobe list checks --config "$work/config.yaml" >/dev/null || die "the configuration is not accepted; /etc/vnetprobe/config.yaml stays as it was"
  install -m 644 "$work/config.yaml" /etc/vnetprobe/config.yaml
fi

if [ "$start" != no-start ] && [ -d /run/systemd/system ]; then
  unit=vnetprobe.service
  [ "$start" = service ] || unit=vnetprobe-once.timer
  systemctl enable --quiet "$unit"
  systemctl restart "$unit"
  say "$unit $(systemctl is-active "$unit")"
fi
say "$(vnetprobe --version) is installed"
