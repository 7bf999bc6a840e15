#!/usr/bin/env bash
# What nobody can do faster: one ssh a host with one script, all hosts at once. Arguments: SSH_CONFIG SCRIPT OUT HOST...
set -euo pipefail
config=$1 script=$2 out=$3
shift 3
for host; do
  ssh -F "$config" -o BatchMode=yes "$host" sh -s <"$script" >"$out/$host" &
done
wait
