"""What real life does to a run: nodes that are off, runs that are killed, ranks that die, people who come second."""

import json
import signal
import subprocess
import time

import pytest

from tests.e2e.lab import Lab, told

pytestmark = pytest.mark.lab


def begun(lab: Lab, process: subprocess.Popen[str], changes: int) -> str:
    """Wait until a started run has begun so many changes and return its id."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        for journal in lab.reports.glob("*/journal.jsonl"):
            # `latest` is another name of an older run.
            new = not journal.parent.is_symlink() and journal.stat().st_mtime > lab.mark
            if new and journal.read_text().count('"begun"') >= changes:
                return journal.parent.name
        time.sleep(0.02)
    raise AssertionError("the run changed nothing")


def test_node_that_is_off_is_unknown_once_and_named(ready: Lab) -> None:
    ready.do("power", "spark-2", "off")
    started = time.monotonic()
    run = ready.runbook()
    took = time.monotonic() - started
    ready.do("power", "spark-2", "on")
    assert run.exit == 6, told(run)
    assert run.with_outcome("unknown") == ["ssh.reachable spark-2"]
    assert run.with_outcome("failed", "fix_failed") == []
    assert "spark-2" in run.report["next"]
    assert took < 60, "a node that is off must not be waited for again and again"


def test_fault_that_no_check_knows_is_located_by_what_changed(ready: Lab) -> None:
    assert ready.runbook().exit == 0
    ready.on("spark-2", "sysctl -w net.ipv4.icmp_echo_ignore_all=1")
    run = ready.runbook()
    ready.on("spark-2", "sysctl -w net.ipv4.icmp_echo_ignore_all=0")
    first = run.report["diagnosis"][0]
    assert (first["id"], first["nodes"]) == ("network.reachable", ["spark-1"])
    assert {place["id"] for place in first["explains"]} >= {"swarm.joined", "stack.deployed", "container.gpu"}
    changed = [(one["node"], one["name"], one["here"], one["there"]) for one in first["suspects"]]
    assert ("spark-2", "net.ipv4.icmp_echo_ignore_all", "1", "0") in changed


def test_second_run_is_told_who_is_first(bare: Lab) -> None:
    first = bare.start("--fix", "--train", "none")
    name = begun(bare, first, 1)
    second = bare.runbook("--fix")
    assert second.exit == 4
    assert f"is being changed by run {name}" in second.screen
    assert "Traceback" not in second.screen
    assert bare.finish(first).exit == 0


def test_interrupted_fix_leaves_a_whole_journal_and_is_carried_on(bare: Lab) -> None:
    process = bare.start("--fix", "--train", "none")
    name = begun(bare, process, 5)
    process.send_signal(signal.SIGINT)
    run = bare.finish(process)
    assert run.exit == 2
    assert "INTERRUPTED" in run.screen
    assert "Traceback" not in run.screen
    assert run.report["run"]["interrupted"] is True
    for line in (bare.reports / name / "journal.jsonl").read_text().splitlines():
        json.loads(line)
    assert bare.runbook("--fix", "--train", "none").exit == 0


def test_killed_fix_can_be_taken_back(bare: Lab) -> None:
    before = bare.states()
    process = bare.start("--fix", "--train", "none")
    name = begun(bare, process, 12)
    process.kill()
    process.communicate()
    undone = bare.runbook("--undo", name)
    assert undone.exit == 0, told(undone)
    assert bare.states() ^ before == set()


def test_rank_that_dies_is_named_and_the_others_are_ended(ready: Lab) -> None:
    process = ready.start("--train", "smoke")
    until = time.monotonic() + 120
    while time.monotonic() < until and not ready.on("spark-2", "pgrep -f '[m] finetune'", check=False).strip():
        time.sleep(0.2)
    ready.on("spark-2", "pkill -KILL -f '[m] finetune'", check=False)
    run = ready.finish(process)
    assert run.exit == 1, told(run)
    finished = next(one for one in run.report["checks"] if one["id"] == "train.finished")
    assert finished["outcome"] == "failed"
    assert "rank 1 on spark-2" in finished["cause"]
    for node in ("spark-1", "spark-2"):
        assert ready.on(node, "pgrep -f '[m] finetune'", check=False).strip() == ""


def test_without_sudo_the_node_says_what_to_do(ready: Lab) -> None:
    ready.on("spark-2", "rm -f /etc/sudoers.d/*")
    run = ready.runbook()
    assert run.exit == 1, told(run)
    sudo = next(one for one in run.report["checks"] if one["id"] == "ssh.sudo" and one["node"] == "spark-2")
    assert sudo["outcome"] == "failed"
    assert "--ask-become-pass" in sudo["remedy"]


def test_running_container_is_not_interrupted_without_consent(bare: Lab) -> None:
    bare.on("spark-1", 'mkdir -p /etc/docker && echo \'{"log-level": "warn"}\' >/etc/docker/daemon.json')
    bare.on("spark-1", "systemctl restart docker && tar -c -C / bin/true | docker import - mine >/dev/null")
    bare.on(
        "spark-1",
        "mkdir -p /tmp/i/bin && cp -L /bin/busybox /tmp/i/bin/sleep 2>/dev/null || cp -L /bin/sleep /tmp/i/bin/",
    )
    bare.on(
        "spark-1",
        "cd /tmp/i && for l in $(ldd bin/sleep | grep -o '/[^ ]*'); do mkdir -p .$(dirname $l); cp -L $l .$l; done;"
        " tar -c . | docker import - mine >/dev/null && docker run -d --name precious mine /bin/sleep 3000",
    )
    run = bare.runbook("--fix", "--train", "none")
    restart = next(one for one in run.report["checks"] if one["id"] == "gpu.in_force" and one["node"] == "spark-1")
    assert restart["outcome"] == "failed"
    assert "--allow restart-docker" in restart["remedy"]
    assert "precious" in restart["remedy"]
    assert bare.on("spark-1", "docker ps -q --filter name=precious").strip()
    assert json.loads(bare.on("spark-1", "cat /etc/docker/daemon.json"))["log-level"] == "warn"
    allowed = bare.runbook("--fix", "--train", "none", "--allow", "restart-docker")
    assert allowed.exit == 0, told(allowed)


def test_undo_does_not_interrupt_a_container_without_consent(bare: Lab) -> None:
    before = bare.states()
    fixed = bare.runbook("--fix", "--train", "none")
    name = fixed.report["run"]["id"]
    bare.on("spark-2", "docker run -d --name precious spark-runbook/lab-training:1 sleep 3000")
    refused = bare.runbook("--undo", name)
    assert refused.exit == 1, told(refused)
    assert "it would interrupt precious on spark-2" in refused.screen
    assert f"--undo {name} --allow restart-docker" in refused.screen
    assert bare.on("spark-2", "docker ps -q --filter name=precious").strip()
    allowed = bare.runbook("--undo", name, "--allow", "restart-docker")
    assert allowed.exit == 0, told(allowed)
    assert bare.states() ^ before == set()


def test_a_gate_can_be_content_with_some_of_the_nodes(ready: Lab) -> None:
    ready.do("fault", "inject", "gpu-lost", "--unsaved")
    assert ready.runbook().exit == 1
    run = ready.runbook("--min-ready", "1")
    assert (run.exit, run.report["run"]["ready"], run.report["run"]["nodes_ready"]) == (0, True, 1), told(run)
    assert "1 of 2 are ready; 1 is enough" in run.screen
    assert ready.runbook("--min-ready", "2").exit == 1


def test_cleanup_removes_the_stack_and_nothing_else(ready: Lab) -> None:
    ready.on("spark-1", "mkdir -p /home/nvidia/.cache/huggingface/hub/models--meta-llama--X")
    run = ready.runbook("--fix", "--cleanup")
    assert run.outcomes("cleanup.stack") == {"fixed"}
    kept = next(one for one in run.report["checks"] if one["id"] == "cleanup.models" and one["node"] == "spark-1")
    assert kept["outcome"] == "failed"
    assert "--allow remove-models" in kept["remedy"]
    assert ready.on("spark-1", "docker service ls -q").strip() == ""
    assert ready.on("spark-1", "docker info --format '{{.Swarm.LocalNodeState}}'").strip() == "active"
    assert ready.on("spark-1", "ls -d /home/nvidia/.cache/huggingface/hub/models--*").strip()
