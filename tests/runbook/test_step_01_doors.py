"""Step 1 on recorded output: which doors of its peers a node gets through to, and whose rules shut them."""

import pytest

from cluster.facts.doors import DoorFacts
from cluster.facts.network import NetworkFacts
from reports.outcome import Outcome
from runbook import test_01_network as step_01
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import (
    PORT,
    TWIN,
    failed,
    per_peer,
)


@pytest.mark.parametrize(
    ("rules", "told", "opening"),
    [
        ("-P INPUT DROP\n", "iptables turns packets away", f"iptables -w -I INPUT -i {TWIN} -s 192.168.100.0/24"),
        ("-N ufw-user-input\n", "ufw is active", f"ufw prepend allow in on {TWIN} from 192.168.100.0/24"),
        ("", "lets all in", "look at `nft list ruleset`"),
    ],
)
def test_a_firewall_is_named(spark: Recorded, rules: str, told: str, opening: str) -> None:
    spark.said(DoorFacts, "spark-1", doors=per_peer(1, "7946/tcp silence"))
    spark.said(DoorFacts, "spark-2", rules=rules)
    verdict = spark.judge(step_01.test_no_firewall_is_in_the_way, "spark-1")
    assert "a firewall silently drops what the swarm and the ranks send to spark-2" in failed(verdict)
    assert told in failed(verdict)
    assert any(opening in change.describe for change in verdict.changes)


def test_a_refusal_where_something_listens_is_a_firewalls(spark: Recorded) -> None:
    spark.said(NetworkFacts, "spark-2", listening="tcp LISTEN 0 128 *:7946 *:*\n")
    cause = failed(spark.judge(step_01.test_no_firewall_is_in_the_way, "spark-1"))
    assert cause.startswith("a firewall rejects")


def test_a_kernel_that_has_sent_its_refusals_is_known_by_the_rule(spark: Recorded) -> None:
    spark.said(DoorFacts, "spark-1", doors=per_peer(1, "7946/tcp silence"))
    spark.said(DoorFacts, "spark-2", rules="-A INPUT -i en+ -p tcp -m tcp --dport 7946 -j REJECT --reject-with x\n")
    assert failed(spark.judge(step_01.test_no_firewall_is_in_the_way, "spark-1")).startswith("a firewall rejects")


DROPS = "-p udp -m udp --dport 7946 -j DROP"


@pytest.mark.parametrize(
    ("rules", "shut"),
    [
        (["-p udp -m udp --dport 7946 -j DROP"], True),
        (["-p udp -m udp --dport 7947 -j DROP"], False),
        (["-j ACCEPT"], False),
        (["-i en+ -p udp -m udp --dport 7946 -j REJECT --reject-with icmp-port-unreachable"], True),
        (["-i wl+ -p udp -m udp --dport 7946 -j DROP"], False),
        ([f"-s 192.168.101.0/24 -i {PORT} -m comment --comment 'a b' -j ACCEPT", f"-i {PORT} {DROPS}"], False),
        ([f"-s 192.168.100.0/24 -i {TWIN} -j ACCEPT", f"-i {PORT} {DROPS}"], True),
        ([f"-s 10.0.0.0/8 -i {PORT} -j ACCEPT", f"-i {PORT} {DROPS}"], True),
        ([f"-i {PORT} {DROPS}", "-j ACCEPT"], True),
        (["-m conntrack --ctstate ESTABLISHED -j ACCEPT", f"-i {PORT} {DROPS}"], True),
        (["! -s 192.168.100.1 -p udp --dport 7946 -j DROP"], False),
        (["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-p tcp -j ACCEPT", "-j DROP"], True),
        (["-p udp -m multiport --dports 4789,7946 -j ACCEPT", "-j DROP"], False),
        (["-p udp -m multiport --dports 4789,7946 -j DROP"], True),
        (["-p udp -m multiport --dports 4789,7000:7900 -j DROP"], False),
        (["-p udp -m udp --dport 7000:8000 -j DROP"], True),
        (["-p udp -m udp --dport 7947:8000 -j DROP"], False),
        (["-p udp -m multiport --ports 4789 -j ACCEPT", "-j DROP"], False),
        (["-p tcp -m multiport --dports 2377,7946 -j ACCEPT", "-j DROP"], True),
        (["-p icmp -m icmp --icmp-type 8 -j ACCEPT", "-p udp -j DROP"], True),
        (["! -p tcp -j ACCEPT", "-j DROP"], False),
        (["-p udp -m udp ! --dport 53 -m set --match-set peers src -j ACCEPT", "-j DROP"], False),
        (['-p udp -m comment --comment "! not \\"-p tcp\\"" -j ACCEPT', DROPS], False),
        (["-j ufw-user-input", "-j DROP"], False),
    ],
)
def test_datagrams_to_a_swarm_that_runs_are_judged_by_the_peers_own_rules(
    spark: Recorded, rules: list[str], shut: bool
) -> None:
    spark.said(NetworkFacts, "spark-2", listening="udp UNCONN 0 0 *:7946 *:*\n")
    spark.said(DoorFacts, "spark-2", rules="".join(f"-A INPUT {rule}\n" for rule in rules))
    verdict = spark.judge(step_01.test_no_firewall_is_in_the_way, "spark-1")
    assert (verdict.outcome is Outcome.FAILED) == shut


@pytest.mark.parametrize(
    ("rule", "shut"),
    [
        ("-p tcp -j ACCEPT", True),
        ("-p udp -j ACCEPT", False),
        ("-p icmp -m icmp --icmp-type 8 -j ACCEPT", True),
        ("-p udp -m set --match-set peers src -j ACCEPT", False),
    ],
)
def test_a_policy_turns_away_what_no_rule_lets_in(spark: Recorded, rule: str, shut: bool) -> None:
    spark.said(NetworkFacts, "spark-2", listening="udp UNCONN 0 0 *:7946 *:*\n")
    spark.said(DoorFacts, "spark-2", rules=f"-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT {rule}\n")
    verdict = spark.judge(step_01.test_no_firewall_is_in_the_way, "spark-1")
    assert (verdict.outcome is Outcome.FAILED) == shut
