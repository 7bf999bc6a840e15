"""The first cause comes first, with all that follows from it; what differs there is told."""

import pytest

from engine.diagnosis import MOST, MOST_OF_A_SUBJECT, Cause, diagnose, explain, sound
from engine.outcome import Place, Verdict
from engine.report import next_step
from engine.suspects import Suspect
from reports.outcome import Outcome


def again(*options: str) -> str:
    return " ".join(["pytest runbook", "--lab", *options])


def verdict(check: str, node: str | None, outcome: Outcome, *follows: tuple[str, str | None]) -> Verdict:
    places = [Place(*follow) for follow in follows]
    return Verdict(check, 1, f"{check} holds", node, outcome, follows_from=places)


def failed(check: str, node: str | None, *follows: tuple[str, str | None]) -> Verdict:
    return verdict(check, node, Outcome.FAILED, *follows)


def blocked(check: str, node: str | None, *follows: tuple[str, str | None]) -> Verdict:
    return verdict(check, node, Outcome.BLOCKED, *follows)


def test_what_most_follow_from_comes_first_though_it_was_found_later() -> None:
    causes = diagnose([
        failed("net.private", "n1"),
        failed("net.mtu", "n2"),
        blocked("net.reached", "n2", ("net.mtu", "n2")),
        blocked("swarm.joined", "n2", ("net.reached", "n2")),
    ])  # fmt: skip
    assert [cause.id for cause in causes] == ["net.mtu", "net.private"]
    assert causes[0].explains == [Place("net.reached", "n2"), Place("swarm.joined", "n2")]


def test_a_failure_that_another_explains_is_folded_under_it() -> None:
    causes = diagnose([failed("net.mtu", "n1"), failed("fabric.fast", None, ("net.mtu", "n1"))])
    assert [(cause.id, cause.explains) for cause in causes] == [("net.mtu", [Place("fabric.fast", None)])]


def test_one_reason_on_several_nodes_is_one_cause() -> None:
    same = [failed("docker.running", "n1"), failed("docker.running", "n2")]
    other = failed("docker.running", "n3")
    other.cause = "it is masked"
    assert [cause.nodes for cause in diagnose([*same, other])] == [["n1", "n2"], ["n3"]]


def test_one_reason_that_names_its_node_is_one_cause_and_is_told_of_any_of_them() -> None:
    both = [failed("docker.running", node) for node in ("n1", "n2")]
    for one in both:
        one.cause, one.remedy = f"`systemctl is-active` on {one.node} failed", "start it"
    assert [(cause.nodes, cause.cause) for cause in diagnose(both)] == [
        (["n1", "n2"], "`systemctl is-active` on the node failed")
    ]
    assert [cause.cause for cause in diagnose(both[:1])] == ["`systemctl is-active` on n1 failed"]


def test_a_remedy_that_is_a_command_for_one_node_keeps_its_node() -> None:
    both = [failed("docker.running", node) for node in ("n1", "n2")]
    for one in both:
        one.remedy = f"run `ssh {one.node} sudo systemctl start docker`"
    assert [cause.remedy for cause in diagnose(both)] == [one.remedy for one in both]


def test_what_follows_from_two_causes_is_told_under_both() -> None:
    both = blocked("stack.deployed", None, ("swarm.joined", "n1"), ("swarm.joined", "n2"))
    first, second = failed("swarm.joined", "n1"), verdict("swarm.joined", "n2", Outcome.UNKNOWN)
    causes = diagnose([first, second, both])
    assert [(cause.outcome, cause.explains) for cause in causes] == [
        (Outcome.FAILED, [Place("stack.deployed", None)]),
        (Outcome.UNKNOWN, [Place("stack.deployed", None)]),
    ]


def test_a_node_is_sound_that_suffers_only_from_others() -> None:
    causes = diagnose([
        failed("net.cabled", "n2"),
        failed("net.reached", "n1", ("net.cabled", "n2")),
        blocked("train.finished", None, ("net.cabled", "n2")),
    ])  # fmt: skip
    assert sound(causes, ["n1", "n2", "n3"]) == ["n1", "n3"]


def test_no_node_is_sound_where_the_cluster_itself_is_not() -> None:
    causes = diagnose([failed("stack.same_image", None), failed("net.cabled", "n2")])
    assert sound(causes, ["n1", "n2"]) == []


def test_planned_changes_come_after_what_nobody_planned() -> None:
    planned = verdict("docker.running", "n1", Outcome.WOULD_FIX)
    after = [blocked(f"x.{number}", "n1", ("docker.running", "n1")) for number in range(5)]
    causes = diagnose([planned, *after, failed("net.cabled", "n1")])
    assert [cause.id for cause in causes] == ["net.cabled", "docker.running"]
    assert str(next_step(causes[1:], "plan", again)).startswith("Run `pytest runbook --lab --fix`")


def test_checks_that_explain_each_other_end_at_the_one_that_was_found_first() -> None:
    causes = diagnose([blocked("a.a", None, ("a.b", None)), blocked("a.b", None, ("a.a", None))])
    assert [cause.id for cause in causes] == ["a.a"]


def test_nothing_is_wrong_where_all_passed_or_was_skipped() -> None:
    assert diagnose([verdict("a.a", None, Outcome.PASSED), verdict("a.b", None, Outcome.SKIPPED)]) == []
    assert next_step([], "check", again) is None


def test_the_next_step_names_the_nodes_the_remedy_the_reason_and_what_follows() -> None:
    one = failed("net.mtu", "n2")
    one.remedy, one.cause = "set one MTU", "n2 has 9000"
    told = next_step(diagnose([one, blocked("a.a", "n2", ("net.mtu", "n2"))]), "check", again)
    assert told == "n2: set one MTU (n2 has 9000). 1 other check follows from it."


@pytest.mark.parametrize(
    ("remedy", "told"),
    [
        ("see the cause", "n2: the GPU is lost: reboot."),
        ("do what the cause says; `pytest runbook -k gpu` then tells whether it helped",
         "n2: the GPU is lost: reboot; `pytest runbook -k gpu` then tells whether it helped."),
    ],
)  # fmt: skip
def test_a_cause_that_says_what_to_do_is_the_next_step(remedy: str, told: str) -> None:
    one = failed("gpu.answers", "n2")
    one.remedy, one.cause = remedy, "the GPU is lost: reboot"
    assert next_step(diagnose([one]), "check", again) == told


def test_what_a_fixer_can_mend_is_told_with_the_command_for_this_cluster() -> None:
    one = failed("net.mtu", "n2")
    one.remedy = "pytest runbook --lab --fix"
    told = next_step(diagnose([one]), "check", again)
    assert told == (
        "On n2 this does not hold: net.mtu holds. "
        "Run `pytest runbook --lab --plan` to see what would change, then `--fix`."
    )


def test_a_few_suspects_of_each_subject_are_kept_and_the_others_counted() -> None:
    cause = Cause("a.a", "it holds", Outcome.FAILED, ["n1"], None, None, [])
    subjects = ["links", *["packages"] * 100, "settings"]
    cause.suspect(Suspect("n1", subject, f"{number}", "1", "2", "n2") for number, subject in enumerate(subjects))
    assert [one.subject for one in cause.suspects] == ["links", *["packages"] * MOST_OF_A_SUBJECT, "settings"]
    assert cause.more_suspects == 100 - MOST_OF_A_SUBJECT
    assert len(cause.suspects) <= MOST


def test_what_hardly_bears_on_a_cause_is_told_where_nothing_else_differs() -> None:
    def told(subjects: list[str]) -> list[str]:
        cause = Cause("gpu.answers", "nvidia-smi works", Outcome.FAILED, ["n1"], None, None, [])
        cause.suspect(Suspect("n1", subject, "a", "1", "2", "n2") for subject in subjects)
        return [one.subject for one in cause.suspects]

    assert told(["links", "firewall", "modules"]) == ["modules"]
    assert told(["links", "firewall"]) == ["links", "firewall"]


def test_a_silent_node_is_not_explained_by_what_its_peers_lost_with_it() -> None:
    states = {"n1": {"links": {"eth1": "no carrier"}}}
    ready = ("run", {"n1": {"links": {"eth1": "up"}}, "n2": {"links": {"eth1": "up"}}})
    silent, heard = diagnose([failed("ssh.reachable", "n2"), failed("net.linked", "n1")])
    explain([silent, heard], states, states, ["n1", "n2"], ready)
    assert (silent.suspects, [one.node for one in heard.suspects]) == ([], ["n1"])


def test_what_changed_elsewhere_hides_nothing_of_the_node_and_what_is_left_out_is_counted() -> None:
    cause = Cause("gpu.answers", "nvidia-smi works", Outcome.FAILED, ["n1"], None, None, [])
    found = [("n1", "disks"), ("n2", "packages"), ("n2", "links")]
    cause.suspect(Suspect(node, subject, "a", "1", "2", "a run") for node, subject in found)
    assert [(one.node, one.subject) for one in cause.suspects] == [("n1", "disks"), ("n2", "packages")]
    assert cause.more_suspects == 1
