#!/bin/bash
# Set-up script of an Azure Machine Learning compute instance: creation script, or startup script to repeat it at each start. Azure runs
# it as root; it may take 15 minutes, and a status other than 0 fails the instance's creation, which is the last thing that a node with
# a broken network needs. So it always ends with 0 and says what happened.
#
# Lay this file, install.sh and vnetprobe_*.deb into one folder of the workspace's file share (Notebooks > Files) and choose this one as
# the script: nothing is downloaded. A config.yaml beside it is used. The report of the first run is written beside it too, as
# vnetprobe-INSTANCE.html and .json, so that it can be read in the studio.
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
reports=${1:-$here}
instance=${CI_NAME:-$(sed -n 's/^instance=//p' /mnt/azmnt/.nbvm 2>/dev/null)}
instance=${instance:-$(uname -n)}

packages=("$here"/vnetprobe_*.deb)
if [ ! -e "${packages[-1]}" ]; then
  echo "vnetprobe set-up: no vnetprobe_*.deb in $here; nothing was done"
  exit 0
fi
flags=(--timer)
[ ! -e "$here/config.yaml" ] || flags+=(--config "$here/config.yaml")
if ! sh "$here/install.sh" "${flags[@]}" "${packages[-1]}"; then
  echo "vnetprobe set-up: not installed; the instance goes on without it"
  exit 0
fi

timeout 300 vnetprobe run --no-color --format text --output "html=$reports/vnetprobe-$instance.html" --output "json=$reports/vnetprobe-$instance.json"
echo "vnetprobe set-up: run ended with status $?"
exit 0
