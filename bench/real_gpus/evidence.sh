#!/usr/bin/env bash
# The whole playbook in a lab on real GPUs: bare nodes, --fix, the smoke run, an 8B LoRA fine-tune; then all of it read
# again under load, which changes nothing.
#
#   evidence.sh FOLDER NODES SIZE REPORTS     as root; FOLDER/root is the unpacked pack, SIZE a model of bench/make_model.py
set -euo pipefail
folder=$1 nodes=$2 size=$3 reports=$(realpath "$4")
packages=$(python3 -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parents[1])')
model=models/$size
# Beside the packages, which every container sees anyway.
[ -e "$packages/$model/config.json" ] || python3 bench/make_model.py "$size" "$packages/$model"
exec bench/real_gpus/run.sh "$folder" bash -euc '
  python3 - "$1" <<"PYTHON"
import sys
from pathlib import Path
import yaml
from lab.image import PACKAGES_PATH
model = f"{PACKAGES_PATH}/{sys.argv[1]}"
recipe = yaml.safe_load(Path("workloads/recipes/llama3-8b-lora.yaml").read_text())
recipe |= {"model": model, "dataset": f"{model}/rows.json", "train_on_prompt": True}
Path("/tmp/on-real-gpus.yaml").write_text(yaml.safe_dump(recipe))
PYTHON
  trap "python3 -m lab down" EXIT
  python3 -m lab up --nodes "$2" --gpus real
  for number in $(seq "$2"); do python3 -m lab exec "spark-$number" -- sh -c "hostname; nvidia-smi -L; ls /dev | grep nvidia"; done
  status=0
  python3 -m pytest runbook --lab --fix --recipe /tmp/on-real-gpus.yaml --report-dir "/old$3" || status=$?
  python3 -m pytest runbook --lab --load -q --report-dir "/old$3" || status=$?
  exit $status' bash "$model" "$nodes" "$reports"
