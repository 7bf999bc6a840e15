"""The page tells everything in words, needs nothing else, and lets nothing act that is not its own."""

import base64
import hashlib
import re
from collections.abc import Callable

import pytest

from reports.html import TEMPLATES, coded, to_html
from reports.model import Report
from reports.outcome import Outcome
from tests.reports import pieces, samples
from tests.reports.page import Page
from tests.reports.pieces import Json
from tests.reports.samples import HOSTILE

Read = Callable[[Json], Report]
OUR_SCRIPT = (TEMPLATES / "report.js").read_text()


@pytest.mark.parametrize("sample", [samples.healthy, samples.broken, samples.hostile, samples.large])
def test_the_page_nests_and_has_each_id_once(read: Read, sample: Callable[[], Json]) -> None:
    page = Page(to_html(read(sample())))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    targets = {link[1:] for link in page.attributes("href") if link.startswith("#")}
    labels = {label for value in page.attributes("aria-labelledby") for label in value.split()}
    assert targets | labels <= set(ids)


@pytest.mark.parametrize(
    ("sample", "verdict"), [(samples.healthy, "READY"), (samples.broken, "NOT READY"), (pieces.a_report, "NOT SURE")]
)
def test_the_verdict_comes_first(read: Read, sample: Callable[..., Json], verdict: str) -> None:
    content = sample([]) if sample is pieces.a_report else sample()
    page = Page(to_html(read(content)))
    assert page.text_of["h1"] == [verdict]
    assert page.text_of["title"][0].startswith(verdict)


def test_a_part_is_headed_and_drawn_less_loud_than_the_whole(read: Read) -> None:
    content = samples.healthy()
    content["run"]["whole"] = False
    page = Page(to_html(read(content)))
    assert page.text_of["h1"] == ["READY, as far as asked"]
    assert "ready_in_part" in page.attributes("class")


def test_mode_time_and_what_the_training_reached_stand_at_the_top(read: Read) -> None:
    header = Page(to_html(read(samples.healthy()))).text_of["header"][0]
    assert "fix 1 min 13 s" in " ".join(header.split())
    assert "Training: tiny, 40 steps on 2 ranks, 900 tokens/s, 14 s, loss 5.250 to 2.130." in header


def test_what_was_simulated_and_what_to_do_next_stand_at_the_top(read: Read) -> None:
    header = Page(to_html(read(samples.broken()))).text_of["header"][0]
    assert "GPU: GB10 stand-in, no CUDA" in header
    assert "Let Docker restart on spark-2" in header


def test_every_outcome_is_told_by_word(read: Read) -> None:
    page = Page(to_html(read(samples.broken())))
    for outcome in Outcome:
        assert f"{outcome.word} ·" in " ".join(page.text_of["summary"])
        assert any(outcome.word in label for label in page.attributes("aria-label"))


def test_what_needs_attention_is_open_and_the_rest_is_folded(read: Read) -> None:
    page = Page(to_html(read(samples.broken())))
    groups = [attrs for tag, attrs in page.elements if tag == "details" and "group" in (attrs["class"] or "")]
    is_open = {(attrs["class"] or "").split()[1]: "open" in attrs for attrs in groups}
    assert is_open == {outcome.value: outcome.needs_attention for outcome in Outcome}


def test_a_failed_check_tells_expected_found_cause_remedy_change_and_evidence(read: Read) -> None:
    text = Page(to_html(read(samples.broken()))).text
    for told in [
        "Expected GPU-45cbf7b3-f919-7228-7a26-b06628ebefa1",
        "Found GPU-00000000-0000-0000-0000-000000000000",
        "Cause daemon.json on spark-2 still has the UUID",
        "Remedy pytest runbook --fix --allow restart-docker",
        "Would change disruptive",
        "spark-2 nvidia-smi -L exit 0",
        "cluster sudo -n ethtool enp1s0f0np0 did not end",
    ]:
        assert told in text


def test_the_first_cause_comes_with_what_follows_from_it_and_what_differs_there(read: Read) -> None:
    causes = next(text for text in Page(to_html(read(samples.broken()))).text_of["ol"] if "swarm" in text)
    first = causes.partition("The daemon offers")[0]
    for told in [
        "The node is an active member of the swarm",
        "Port 2377 of spark-1 is not reached",
        "2 checks follow from it",
        "The container sees the GPU",
        "-A INPUT -p tcp -m tcp --dport 2377 -j DROP",
    ]:
        assert told in first


def test_of_many_causes_the_first_stand_open_and_the_rest_is_folded(read: Read) -> None:
    page = Page(to_html(read(samples.large(nodes=2))))
    assert "and 24 more causes" in page.text
    assert [attrs.get("start") for tag, attrs in page.elements if tag == "ol"][:2] == [None, "9"]


def test_why_a_check_was_skipped_or_blocked_is_seen_without_opening_it(read: Read) -> None:
    summaries = " ".join(Page(to_html(read(samples.broken()))).text_of["summary"])
    assert "--train none: nothing is launched in a check." in summaries
    assert "swarm.member did not pass." in summaries


def test_the_training_is_told_in_words_beside_its_curve(read: Read) -> None:
    page = Page(to_html(read(samples.healthy())))
    assert "Loss by step: 5.250 at the first step, 2.130 at the last." in page.text
    assert "All ranks ended with the same weights." in page.text
    assert "GPU-seconds, ranks times seconds 28" in page.text
    assert "by each rank's own clock: rank 0 on spark-1 rank 1 on spark-2" in page.text


def test_an_interrupted_run_says_that_it_is_incomplete(read: Read) -> None:
    content = samples.healthy()
    content["run"]["interrupted"] = True
    assert "The run was interrupted; what follows is incomplete." in Page(to_html(read(content))).text


def test_a_node_of_which_nothing_is_known_is_told_as_not_known(read: Read) -> None:
    content = pieces.a_report([pieces.a_check("network.ssh", 1, "spark-1", "unknown")], nodes=1)
    content["nodes"] = [dict.fromkeys(content["nodes"][0]) | {"name": "spark-1"}]
    page = Page(to_html(read(content)))
    assert page.text.count("not known") >= 5
    assert "None" not in page.text


def test_a_node_without_a_gpu_is_not_told_as_not_known(read: Read) -> None:
    content = samples.healthy()
    content["nodes"][0]["gpus"] = []
    row = next(row for row in Page(to_html(read(content))).text_of["tr"] if "DGX OS" in row)
    assert "none" in row
    assert "not known" not in row


def test_a_report_without_nodes_and_checks_is_still_a_page(read: Read) -> None:
    text = Page(to_html(read(pieces.a_report([], nodes=0)))).text
    assert "No node is in this report." in text
    assert "No check was run." in text


def test_hostile_text_adds_no_element_and_no_attribute(read: Read) -> None:
    tame, hostile = (
        Page(to_html(read(samples.broken() | {"training": samples.healthy()["training"]}))),
        Page(to_html(read(samples.hostile()))),
    )
    assert hostile.tags() == tame.tags()
    assert hostile.attribute_names() == tame.attribute_names()
    assert hostile.text_of["script"] == [OUR_SCRIPT]
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in hostile.text


def test_hostile_text_keeps_no_control_character_and_no_override(read: Read) -> None:
    source = to_html(read(samples.hostile()))
    assert all(character.isprintable() or character in "\n\t" for character in source)
    assert "⟨U+202E⟩gnp.exe" in source
    assert HOSTILE not in source


def test_the_policy_allows_only_our_own_script_and_style(read: Read) -> None:
    page = Page(to_html(read(samples.hostile())))
    policy = next(content for content in page.attributes("content") if "default-src" in content)
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert allowed == {_policy_hash(page.text_of[tag][0]) for tag in ("script", "style")}
    assert "style" not in page.attribute_names()


def test_the_page_needs_nothing_from_elsewhere(read: Read) -> None:
    source = to_html(read(samples.broken()))
    page = Page(source)
    assert page.tags().isdisjoint({"link", "img", "iframe", "object", "embed"})
    assert "src" not in page.attribute_names()
    assert all(link.startswith("#") for link in page.attributes("href"))
    assert not re.search(r"https?://|@import|url\(", source)


def test_eight_nodes_with_all_checks_make_less_than_a_megabyte(read: Read) -> None:
    content = samples.large(nodes=8, checks=140)
    source = to_html(read(content))
    assert len(content["checks"]) == 1120
    assert len(source.encode()) < 1_000_000
    assert "characters left out; the whole is in report.json" in source


def test_however_large_the_page_what_to_do_is_told_whole_and_can_be_copied(read: Read) -> None:
    content = samples.large(nodes=8, checks=140) | {"next": "Do this. " * 40 + "Run `pytest runbook`."}
    content["checks"][0]["remedy"] = "Put the cable back. " * 20 + "`reboot`"
    page = Page(to_html(read(content)))
    assert ("Do this. " * 40).strip() in page.text
    assert ("Put the cable back. " * 20).strip() in page.text
    assert page.attributes("class").count("copy") >= 2


def test_a_remedy_that_names_no_command_offers_nothing_to_copy(read: Read) -> None:
    content = pieces.a_report([pieces.a_check("a.b", 1, None, "failed", remedy="Put the cable back.")])
    content["next"] = "Look at a.b."
    assert "copy" not in Page(to_html(read(content))).attributes("class")


def test_a_text_of_a_million_characters_is_cut_and_its_copy_button_withheld(read: Read) -> None:
    content = pieces.a_report([pieces.a_check("a.b", 1, None, "failed", remedy=f"`{'x' * 1_000_000}`")])
    page = Page(to_html(read(content)))
    assert len(page.text) < 500_000
    assert "copy" not in page.attributes("class")


def test_an_answer_that_many_checks_rest_on_is_on_the_page_once(read: Read) -> None:
    evidence = [{"command": "ip -j addr show", "exit": 0, "output": "the only answer"}]
    checks = [pieces.a_check(f"network.c{n}", 1, "spark-1", evidence=evidence) for n in range(5)]
    page = Page(to_html(read(pieces.a_report(checks))))
    assert page.text.count("the only answer") == 1
    assert page.attributes("href").count("#exhibit-0") == 5


def test_the_same_answer_of_two_nodes_is_told_of_both(read: Read) -> None:
    evidence = [{"command": "uname -r", "exit": 0, "output": "6.17"}]
    checks = [pieces.a_check("machine.kernel", 1, f"spark-{n}", evidence=evidence) for n in (1, 2)]
    text = Page(to_html(read(pieces.a_report(checks)))).text
    assert "spark-1 uname -r exit 0" in text
    assert "spark-2 uname -r exit 0" in text


def test_a_warning_is_told_beside_the_causes_with_threshold_source_and_margin(read: Read) -> None:
    text = Page(to_html(read(samples.broken()))).text
    assert "Warnings These do not stand in the way of READY. All ranks together move data" in text
    assert "Threshold at least 21.875 GB/s on the bus, 3.675 too little (NVIDIA)" in text


def test_what_the_nodes_share_is_not_in_the_table_of_what_they_do_not(read: Read) -> None:
    page = Page(to_html(read(samples.broken())))
    table = next(text for text in page.text_of["table"] if "nvidia-container-toolkit" in text)
    assert "kernel" in table
    assert "system" not in table


def _policy_hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def test_commands_in_sentences_are_code_and_nothing_in_them_acts() -> None:
    assert coded("Run `pytest runbook --plan`, <b>then</b> `--fix`.") == (
        "Run <code>pytest runbook --plan</code>, &lt;b&gt;then&lt;/b&gt; <code>--fix</code>."
    )
    assert coded("`<script>`") == "<code>&lt;script&gt;</code>"
    assert coded("pytest runbook --fix") == "<code>pytest runbook --fix</code>"
    assert coded("a ` that is not closed") == "a ` that is not closed"
