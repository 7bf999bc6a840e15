"""Report files to tell: clusters in various states."""

from typing import Any

from tests.reports.pieces import DIFF, STEPS, Json, a_check, a_rank, a_report, a_threshold


def healthy() -> Json:
    checks = [a_check("docker.usable", step, f"spark-{node}") for step in list(STEPS)[:-1] for node in (1, 2)]
    training = {
        "recipe": "tiny",
        "settings": {"model": "tiny", "learning_rate": "0.01", "lora": "rank: 16, alpha: 32"},
        "world_size": 2,
        "steps": [{"step": n, "loss": 1.9 + 3.2 / n + 0.15 * (n % 3), "tokens_per_s": 812.0} for n in range(1, 41)],
        "tokens_per_s": 900.1,
        "seconds": 14.2,
        "adapter": "/workspace/out/tiny/adapter",
        "ranks": [a_rank(rank) for rank in (0, 1)],
    }
    return a_report(checks, training=training)


def broken() -> Json:
    """Return a report in which all eight outcomes occur, and one failure holds up two other checks."""
    checks = [
        a_check("network.ssh", 1, "spark-1", title="The node answers over SSH"),
        a_check("network.ssh", 1, "spark-2", title="The node answers over SSH"),
        a_check(
            "network.mtu",
            1,
            None,
            "unknown",
            title="Jumbo frames pass between all nodes",
            expected="9000 on every fabric interface",
            found=None,
            cause="sudo asked for a password on spark-2, so the interfaces could not be read.",
            remedy="pytest runbook --ask-become-pass",
            evidence=[{"command": "sudo -n ethtool enp1s0f0np0", "exit": None, "output": ""}],
        ),
        a_check(
            "fabric.collective",
            2,
            None,
            title="All ranks together move data at the speed of the port",
            expected="at least 21.875",
            found="18.2",
            warning="TCP was used, since no RDMA device is in the containers",
            remedy="set `launcher: docker` in the inventory",
            threshold=a_threshold("collective_gb_per_s", 21.875, "at least", "GB/s on the bus", -3.675),
        ),
        a_check("docker.usable", 2, "spark-1"),
        a_check(
            "docker.usable",
            2,
            "spark-2",
            "fixed",
            found="exit 1: permission denied on /var/run/docker.sock",
            cause="The user nvidia was not in the group docker.",
            changes=[{"describe": "gpasswd -a nvidia docker", "risk": "safe", "applied": True}],
        ),
        a_check(
            "gpu.advertised",
            4,
            "spark-2",
            "failed",
            title="The daemon offers this node's own GPU",
            expected="GPU-45cbf7b3-f919-7228-7a26-b06628ebefa1",
            found="GPU-00000000-0000-0000-0000-000000000000",
            cause="daemon.json on spark-2 still has the UUID of the playbook's sample text. Changing it restarts "
            "Docker, under which a container is running.",
            remedy="pytest runbook --fix --allow restart-docker",
            changes=[{"describe": DIFF, "risk": "disruptive", "applied": False}],
            evidence=[
                {"command": "nvidia-smi -L", "exit": 0, "output": "GPU 0: NVIDIA GB10 (UUID: GPU-45cbf7b3-f919)\n"},
                {"command": "cat /etc/docker/daemon.json", "exit": 0, "output": '{\n  "runtimes": {}\n}\n'},
            ],
        ),
        a_check("gpu.advertised", 4, "spark-1", title="The daemon offers this node's own GPU"),
        a_check(
            "gpu.swarm_resource",
            4,
            "spark-1",
            "would_fix",
            title="The runtime reads the resource that swarm sets",
            expected="DOCKER_RESOURCE_NVIDIA_GPU",
            found="DOCKER_RESOURCE_GPU",
            cause="The playbook's sed uncomments a name that does not match the kind that is advertised.",
            remedy="pytest runbook --fix --allow restart-docker",
            changes=[{"describe": DIFF, "risk": "disruptive", "applied": False}],
        ),
        a_check(
            "swarm.member",
            5,
            "spark-2",
            "fix_failed",
            title="The node is an active member of the swarm",
            expected="active",
            found="pending",
            cause="Port 2377 of spark-1 is not reached from spark-2: a firewall drops it.",
            remedy="On spark-1: sudo ufw allow from 10.77.0.0/24",
            changes=[
                {"describe": "docker swarm join --token (hidden) 10.77.0.11:2377", "risk": "safe", "applied": True}
            ],
            blocked_by=[],
        ),
        a_check(
            "stack.running",
            6,
            "spark-2",
            "blocked",
            title="The service has a running task",
            found=None,
            cause="swarm.member did not pass.",
            blocked_by=["swarm.member"],
            evidence=[],
        ),
        a_check(
            "container.gpu",
            7,
            "spark-2",
            "blocked",
            title="The container sees the GPU",
            found=None,
            cause="stack.running did not pass.",
            blocked_by=["stack.running"],
            evidence=[],
        ),
        a_check(
            "train.finished",
            10,
            None,
            "skipped",
            title="The fine-tune ends with an adapter",
            expected=None,
            found=None,
            cause="--train none: nothing is launched in a check.",
            evidence=[],
        ),
    ]
    report = a_report(
        checks,
        next="Let Docker restart on spark-2, so that it offers its own GPU: "
        "pytest runbook --fix --allow restart-docker",
        undo="pytest runbook --undo 20261123-184501-fix",
    )
    swarm = next(cause for cause in report["diagnosis"] if cause["id"] == "swarm.member")
    swarm["explains"] = [{"id": "stack.running", "node": "spark-2"}, {"id": "container.gpu", "node": "spark-2"}]
    swarm["suspects"] = [
        {
            "node": "spark-2",
            "subject": "firewall",
            "name": "-A INPUT -p tcp -m tcp --dport 2377 -j DROP",
            "here": "there",
            "there": None,
            "compared_with": "spark-1",
        }
    ]
    report["diagnosis"].sort(key=lambda cause: -len(cause["explains"]))
    report["run"] |= {"ready": False, "simulated": ["GPU: GB10 stand-in, no CUDA", "Fabric: a bridge of the host"]}
    report["nodes"][1]["kernel"] = "7.0.0-12-generic"
    report["nodes"][1]["docker"] = None
    report["drift"] = [
        {"subject": "packages", "name": "nvidia-container-toolkit", "values": {"spark-1": "1.19.0", "spark-2": None}}
    ]
    return report


HOSTILE = (
    '</style></script><script>alert(1)</script><img src=x onerror=alert(2)> " onmouseover="alert(3)\' `code` '
    "| pipe | ]]> --> {{ 7*7 }} \x1b[31mred\x1b[0m \x1b]0;title\x07 \x00\x08 \u202egnp.exe \ud800 \ufffe "
    "[link](javascript:alert(4)) **bold**\n```\n# heading\r\n~~~\n"
)


def hostile() -> Json:
    """Return the broken report with hostile text in every place that may hold free text."""
    kept = {"mode", "outcome", "risk", "started", "network"}

    def poison(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: poison(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [poison(inner, key) for inner in value]
        return value + HOSTILE if isinstance(value, str) and key not in kept else value

    report: Json = poison(broken() | {"training": healthy()["training"]})
    report["run"]["started"] = HOSTILE
    return report


def large(nodes: int = 8, checks: int = 140) -> Json:
    """Return a run whose every check on every node quotes more than a page can hold."""
    output = 'Nov 23 18:45:01 spark-1 dockerd[812]: level=info msg="<API> listen on /run/docker.sock"\n' * 20
    steps = list(STEPS)
    told = [
        a_check(
            f"subject.check_{number}",
            steps[number % len(steps)],
            f"spark-{node + 1}",
            "failed" if number % 9 == 0 else "passed",
            title=f"Statement {number} holds",
            started=number + node / 10,
            evidence=[
                {"command": f"journalctl -u docker -n {number}", "exit": 0, "output": f"{node} {number} {output}"}
            ],
        )
        for number in range(checks)
        for node in range(nodes)
    ]
    return a_report(told, nodes=nodes)


def with_long_output(report: Json, lines: int = 10_000) -> Json:
    """Let a command have said more lines than anybody reads, each with a word that cannot be broken at a space."""
    said = "".join(f"{number:05} {'x' * 200}\n" for number in range(lines))
    report["checks"][5]["evidence"] = [{"command": "journalctl -u docker", "exit": 0, "output": said}]
    return report


def undone() -> Json:
    """Return an undo that took a change back on one node, and could not on the other."""
    back = {"title": "Taken back: spark-1:/etc/docker/daemon.json"}
    left = {"title": "Still in place: spark-2:/etc/docker/daemon.json", "cause": "it was edited since"}
    report = a_report(
        [
            a_check("docker.usable", 2, "spark-1", "fixed", **back),
            a_check("docker.usable", 2, "spark-2", "fix_failed", **left),
        ]
    )
    command = "pytest runbook --undo 20261123-184501-fix"
    report["run"] |= {"mode": "undo", "ready": False, "command": command}
    return report | {"diagnosis": []}


def planned() -> Json:
    """Return a plan with a change of each risk, whose causes have one remedy."""
    checks = [
        a_check(
            f"docker.{risk}", 2, "spark-1", "would_fix", changes=[{"describe": DIFF, "risk": risk, "applied": False}]
        )
        | {"remedy": "pytest runbook --fix", "title": f"A {risk} change is made"}
        for risk in ("safe", "safe", "disruptive", "human")
    ]
    for number, check in enumerate(checks):
        check["id"] += f"_{number}"
    report = a_report(checks)
    report["run"] |= {"mode": "plan", "ready": False}
    return report
