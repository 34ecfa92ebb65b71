#!/bin/bash
# One node's part of cluster-job.yaml: probe, write the report to the shared output, and on node 0 wait for the others and merge.
#   on-every-node.sh FOLDER
# RANK and WORLD_SIZE come from the job's distribution. Ends with 0 whatever the verdict is, so that no node stops the others'; set
# VNETPROBE_FAIL=1 for a job that fails when a node is unhealthy.
set -uo pipefail
shopt -s nullglob

folder=$1
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
rank=${RANK:-${NODE_RANK:-0}}
nodes=${WORLD_SIZE:-1}
patience=${VNETPROBE_PATIENCE:-600} # seconds that node 0 waits for the others
vnetprobe=$here/vnetprobe
[ -x "$vnetprobe" ] || { cp "$vnetprobe" "/tmp/vnetprobe.$$" && chmod 755 "/tmp/vnetprobe.$$" && vnetprobe=/tmp/vnetprobe.$$; } || exit 3

name=$(printf 'node-%04d' "$rank")
config=()
[ ! -e "$here/config.yaml" ] || config=(--config "$here/config.yaml")
local_report=$(mktemp)
"$vnetprobe" run --profile compute-cluster "${config[@]}" --no-color --format text --output "json=$local_report"
status=$?
echo "vnetprobe on $name ($(uname -n)): status $status"

# A mounted output whose storage is unreachable may hang for good. The name appears only when the whole report is there.
mkdir -p "$folder" 2>/dev/null
# shellcheck disable=SC2016
if ! timeout 120 sh -c 'cp "$1" "$2.part" && mv "$2.part" "$2"' sh "$local_report" "$folder/$name.json"; then
  echo "vnetprobe on $name: the output could not be written; the report follows"
  cat "$local_report"
fi

if [ "$rank" = 0 ]; then
  reports=()
  for ((waited = 0; waited <= patience; ++waited)); do
    reports=("$folder"/node-[0-9]*.json)
    [ "${#reports[@]}" -lt "$nodes" ] || break
    sleep 1
  done
  echo "vnetprobe: ${#reports[@]} of $nodes nodes reported"
  if "$vnetprobe" fleet --help >/dev/null 2>&1; then
    "$vnetprobe" fleet "$folder"
  fi
fi
[ "${VNETPROBE_FAIL:-0}" = 0 ] || exit "$status"
