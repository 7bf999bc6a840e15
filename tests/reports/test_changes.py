"""What was changed, would be or still stands is told on the page, with the way back where there is one."""

from collections.abc import Callable

from reports.changes import headline
from reports.html import PLANNED, diff_lines, to_html
from reports.markdown import to_markdown
from reports.model import Report
from tests.reports import samples
from tests.reports.page import Page
from tests.reports.pieces import DIFF, Json, a_check, a_report

Read = Callable[[Json], Report]


def test_what_was_changed_is_told_at_the_top_with_the_way_back(read: Read) -> None:
    page = Page(to_html(read(samples.broken())))
    assert "2 changes were made on spark-2: what was changed, and how to undo it." in page.text_of["header"][0]
    table = next(text for text in page.text_of["table"] if "gpasswd" in text)
    assert "docker swarm join --token (hidden)" in table
    assert "GPU-00000000" not in table, "what was only planned is not told as changed"
    assert "pytest runbook --undo 20261123-184501-fix" in page.text


def test_a_change_of_the_cluster_is_not_told_as_made_on_a_node(read: Read) -> None:
    content = samples.broken()
    content["checks"][3]["changes"] = [{"describe": "docker swarm init", "risk": "safe", "applied": True}]
    page = Page(to_html(read(content)))
    assert "3 changes were made on spark-2 and the cluster:" in page.text_of["header"][0]


def test_only_what_has_no_way_back_is_told_as_that(read: Read) -> None:
    assert "cannot be undone" not in Page(to_html(read(samples.broken()))).text
    page = Page(to_html(read(samples.broken() | {"undo": None})))
    assert "how to undo it" not in page.text
    assert "This cannot be undone." in page.text


def test_a_plan_tells_what_it_would_change_by_risk(read: Read) -> None:
    page = Page(to_html(read(samples.planned())))
    told = "4 changes would be made: 2 safe; 1 disruptive, made only with the --allow that the check names"
    assert f"{told}; 1 for a person to make. What would be changed" in " ".join(page.text_of["header"][0].split())
    assert "What would be changed" in page.text_of["h2"]
    assert "cannot be undone" not in page.text
    table = next(told for told in page.text_of["table"] if "Risk" in told)
    assert table.count("@@ -6,4 +6,4 @@") == 4


def test_a_plan_too_long_to_be_told_twice_leads_to_each_change(read: Read) -> None:
    content = samples.planned()
    content["checks"][0]["changes"][0]["describe"] += "+x\n" * PLANNED
    page = Page(to_html(read(content)))
    table = next(told for told in page.text_of["table"] if "Risk" in told)
    assert "@@" not in table
    assert "A safe change is made" in table


def test_a_remedy_that_all_causes_have_is_told_once_among_them(read: Read) -> None:
    causes = Page(to_html(read(samples.planned()))).text.partition("Why The remedy of all of them:")[2]
    assert causes.partition("Cluster")[0].count("pytest runbook --fix") == 1


def test_an_undo_tells_what_still_stands_first_and_in_words_of_its_own(read: Read) -> None:
    page = Page(to_html(read(samples.undone())))
    first = page.text.partition("What still stands")[2].partition("Cluster")[0]
    assert "Still in place: spark-2:/etc/docker/daemon.json docker.usable spark-2 it was edited since" in first
    assert "1 taken back" in page.text
    assert "still stands · spark-2" in page.text
    assert "fix failed" not in page.text
    assert not any("fix failed" in label for label in page.attributes("aria-label") + page.attributes("title"))


def test_what_is_changed_on_a_peer_is_told_of_the_peer(read: Read) -> None:
    rule = {"describe": "spark-2$ sudo iptables -I INPUT", "risk": "safe", "applied": True, "node": "spark-2"}
    report = read(a_report([a_check("network.doors", 1, "spark-1", "fixed", changes=[rule])]))
    assert "1 change was made on spark-2: what was changed" in Page(to_html(report)).text
    assert "<b>spark-2</b>" in to_markdown(report)


def test_a_change_is_named_by_its_file_or_by_the_first_line_of_its_command() -> None:
    assert headline(DIFF) == "/etc/docker/daemon.json"
    assert headline("set -e\nrm -r x") == "set -e…"


def test_a_diff_is_told_line_by_line() -> None:
    kinds = [kind for kind, _ in diff_lines(DIFF)]
    assert kinds == ["place", "place", "place", "same", "same", "remove", "add", "same"]


def test_a_command_is_no_diff_even_with_options_at_the_line_start() -> None:
    assert diff_lines("tee -a x\n--append") == [("command", "tee -a x"), ("command", "--append")]
