"""Time `pytest runbook --fix` in a lab from bare nodes to a running stack beside a script by hand; needs root.

    PYTHONPATH=. python bench/repair/compare.py --turns 3
    PYTHONPATH=. python bench/repair/compare.py --turns 3 --image-gb 3

Both start from the same saved disks, booted anew for each turn, and take turns. The script checks nothing and remembers
nothing; afterwards the runbook is run read-only on what it left, and what it still lacks is told: the stack's own label
and the place of accelerate's configuration, and the checks that wait for these. The lab's training image has 0.13 GB,
NVIDIA's more than 20: with `--image-gb` it has so many more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import yaml
from larger_image import enlarge

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LONGEST_S = 300


class Bare:
    """A lab whose nodes can be made bare again."""

    def __init__(self, folder: Path, image_gb: float) -> None:
        """Boot two nodes and save their disks; their image is larger by so much."""
        self.folder = folder
        self._environment = {**os.environ, "SPARK_RUNBOOK_LAB": str(folder / "lab")}
        self.lab("up")
        self.lab("save", "bare")
        inventory = yaml.safe_load(self.lab("inventory"))
        if image_gb:
            enlarge(Path(inventory["image"]["archive"]), folder / "image.tar", image_gb)
            inventory["image"]["archive"] = str(folder / "image.tar")
        (folder / "cluster.yaml").write_text(yaml.safe_dump(inventory))
        self.image, self.archive = inventory["image"]["name"], inventory["image"]["archive"]
        self.hosts = {node["name"]: node["address"] for node in inventory["nodes"]}
        ssh = inventory["ssh"]
        each = "".join(f"Host {name}\n  HostName {address}\n" for name, address in self.hosts.items())
        (folder / "ssh_config").write_text(
            f"{each}Host *\n  User {ssh['user']}\n  IdentityFile {ssh['key']}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {ssh['known_hosts']}\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n"
        )

    def lab(self, *words: str) -> str:
        """Run `python -m lab`."""
        command = [sys.executable, "-m", "lab", *words]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def by_hand(self) -> float:
        """Let the script do it, and return its seconds."""
        told = (self.folder / "ssh_config", self.archive, self.image, ROOT / "workloads")
        return self._timed([str(HERE / "by_hand.sh"), *map(str, told), *self.hosts])

    def ours(self, *options: str) -> float:
        """Let the runbook do it, and return its seconds."""
        where = (f"--inventory={self.folder}/cluster.yaml", f"--report-dir={self.folder}/reports")
        return self._timed([sys.executable, "-m", "pytest", "runbook", *where, "--train=none", *options], allowed=1)

    def failing(self) -> list[str]:
        """Name what is wrong after the last run of the runbook."""
        report = json.loads((self.folder / "reports/latest/report.json").read_text())
        return [one["id"] for one in report["checks"] if one["outcome"] not in ("passed", "fixed", "skipped")]

    def _timed(self, command: list[str], allowed: int = 0) -> float:
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        seconds = time.monotonic() - began
        if done.returncode not in (0, allowed):
            raise SystemExit(f"exit {done.returncode}: {done.stdout[-1500:]} {done.stderr[-1500:]}")
        return seconds


def main() -> None:
    """Take turns, and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--image-gb", type=float, default=0)
    options = parser.parse_args()
    turns: int = options.turns
    hand: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory(prefix="repair") as folder:
        bare = Bare(Path(folder), options.image_gb)
        try:
            for turn in range(turns):
                hand.append(bare.by_hand())
                if turn == 0:
                    bare.ours()
                    print("what the script by hand left:", ", ".join(bare.failing()) or "all well")
                bare.lab("restore", "bare")
                ours.append(bare.ours("--fix"))
                if wrong := bare.failing():
                    raise SystemExit(f"ours did not get there: {', '.join(wrong)}")
                bare.lab("restore", "bare")
                print(f"by hand {hand[-1]:.1f} s, ours {ours[-1]:.1f} s", flush=True)
        finally:
            bare.lab("down")
    print(f"{turns} turns: by hand {median(hand):.1f} s, ours {median(ours):.1f} s, ", end="")
    print(f"{median(ours) / median(hand):.2f} times")


if __name__ == "__main__":
    main()
