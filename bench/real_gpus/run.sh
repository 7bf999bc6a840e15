#!/usr/bin/env bash
# Run a command in the tree that pack.py packed, as if it were this machine's own system.
#
#   run.sh FOLDER COMMAND...        as root; FOLDER holds `root`, the unpacked tree
#
# A private mount namespace, in which the tree is the root and this machine's own root lies in /old. When its last process
# ends, every mount is gone by itself. The lab's cache gets this machine's PyTorch for its training packages.
set -euo pipefail
export root=$1/root
shift
packages=$(python3 -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parents[1])')
driver=$(dirname "$(dirname "$(readlink -f "$(command -v nvidia-smi)")")")
export packages driver tree=${root%/root}/tree
# Not a byte is copied; the nodes' overlays may not have the folder that holds them for their lower layer.
[ -d "$tree" ] || cp -al "$root" "$tree"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
mkdir -p "$root"/{old,runbook,usr/local/nvidia}
exec unshare --mount --propagation private bash -euc '
  mount --bind "$root" "$root"
  for folder in sys dev; do mount --rbind "/$folder" "$root/$folder"; done
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  [ ! -d "$driver/lib64" ] || mount --bind "$driver" "$root/usr/local/nvidia"
  mount --bind . "$root/runbook"
  cd "$root"
  pivot_root . old
  cd /runbook
  export PATH=/usr/local/nvidia/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/usr/local/nvidia/lib64
  export PYTHONPATH=/opt/runbook-packages PYTHONDONTWRITEBYTECODE=1 HOME=/root LC_ALL=C.UTF-8
  into() { mkdir -p "$2"; mount --bind "/old$1" "$2"; }
  into "$tree" "$(python3 -c "from lab import tree; print(tree.place())")"
  into "$packages" "$(python3 -c "from lab import training_packages; print(training_packages.place())")"
  exec "$@"' bash "$@"
