"""The pieces that report files are made of, as the engine would write them."""

from typing import Any

STEPS = {
    1: "Configure network connectivity",
    2: "Configure Docker permissions",
    3: "Install NVIDIA Container Toolkit",
    4: "Enable resource advertising",
    5: "Initialize Docker Swarm",
    6: "Join worker nodes and deploy",
    7: "Find the container",
    9: "Adapt the configuration files",
    10: "Run finetuning scripts",
    14: "Cleanup and rollback",
}

NOT_EXPLAINED = ("fix_failed", "failed", "would_fix", "unknown")

DIFF = """--- /etc/docker/daemon.json
+++ /etc/docker/daemon.json
@@ -6,4 +6,4 @@
   "default-runtime": "nvidia",
   "node-generic-resources": [
-    "NVIDIA_GPU=GPU-00000000-0000-0000-0000-000000000000"
+    "NVIDIA_GPU=GPU-45cbf7b3-f919-7228-7a26-b06628ebefa1"
   ]"""

Json = dict[str, Any]


def a_node(rank: int) -> Json:
    return {
        "name": f"spark-{rank + 1}",
        "address": f"10.77.0.{11 + rank}",
        "role": "worker" if rank else "manager",
        "rank": rank,
        "os": "DGX OS 7.3.1",
        "kernel": "6.17.0-1008-nvidia",
        "docker": "28.5.1",
        "swarm": "worker" if rank else "manager",
        "gpus": [
            {"name": "NVIDIA GB10", "uuid": f"GPU-45cbf7b3-f919-7228-7a26-b06628ebef{rank:02x}", "driver": "580.95.05"}
        ],
        "links": [
            a_link("enP7s7", "management", f"10.77.0.{11 + rank}/24", 10_000),
            a_link("enp1s0f0np0", "fabric", None, None),
            a_link("enp1s0f1np1", "fabric", f"192.168.100.{1 + rank}/24", 200_000),
            a_link("enP2p1s0f1np1", "fabric", f"192.168.101.{1 + rank}/24", 200_000),
        ],
    }


def a_link(name: str, network: str, address: str | None, speed: int | None) -> Json:
    addresses = [address] if address else []
    up = speed is not None
    return {"name": name, "network": network, "up": up, "speed_mbps": speed, "mtu": 9000, "addresses": addresses}


def a_check(number: str, step: int, node: str | None, outcome: str = "passed", **more: Any) -> Json:
    return {
        "id": number,
        "step": step,
        "title": "Docker answers without sudo",
        "node": node,
        "outcome": outcome,
        "expected": "exit 0",
        "found": "exit 0",
        "cause": None,
        "remedy": None,
        "blocked_by": [],
        "changes": [],
        "started": 2.0 * step,
        "seconds": 0.1,
        "evidence": [{"command": "docker ps -q", "exit": 0, "output": "3f2a9c1b7d10\n"}],
    } | more


def a_threshold(name: str, value: float, good: str, unit: str, margin: float | None) -> Json:
    return {"name": name, "value": value, "good": good, "unit": unit, "source": "NVIDIA", "margin": margin}


def a_cause(check: Json) -> Json:
    told = {name: check[name] for name in ("id", "title", "outcome", "cause", "remedy")}
    return told | {
        "nodes": [check["node"]] if check["node"] else [],
        "explains": [],
        "suspects": [],
        "more_suspects": 0,
    }


def a_report(checks: list[Json], nodes: int = 2, **more: Any) -> Json:
    return {
        "schema": 1,
        "run": {
            "id": "20261123-184501-fix",
            "mode": "fix",
            "started": "2026-11-23T18:45:01+00:00",
            "seconds": 73.2,
            "inventory": "cluster.yaml",
            "cluster": "desk",
            "command": "pytest runbook --fix",
            "simulated": [],
            "ready": True,
            "interrupted": False,
            "version": "0.1.0",
        },
        "nodes": [a_node(rank) for rank in range(nodes)],
        "steps": [{"number": number, "title": title} for number, title in STEPS.items()],
        "checks": checks,
        "diagnosis": [a_cause(check) for check in checks if check["outcome"] in NOT_EXPLAINED],
        "training": None,
        "next": None,
        "undo": None,
    } | more


def a_rank(rank: int) -> Json:
    steps = [{"step": n, "tokens_per_s": 900.0 + 40 * (n % 5) - 90 * rank} for n in range(1, 41)]
    return {"rank": rank, "node": f"spark-{rank + 1}", "weights_sha256": "9f86d081" * 8, "steps": steps}
