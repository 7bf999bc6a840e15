"""summary.md is what a CI job shows, and shows values as they are."""

from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt

from reports.markdown import escape, to_markdown
from reports.model import Report
from tests.reports import samples
from tests.reports.page import Page
from tests.reports.pieces import Json
from tests.reports.samples import HOSTILE

Read = Callable[[Json], Report]


def shown(report: Report) -> Page:
    rendered = MarkdownIt("commonmark").enable("table").render(to_markdown(report))
    return Page(f"<body>{rendered}</body>".replace("<br />", "<br>"))


def test_the_verdict_is_the_heading(read: Read) -> None:
    assert to_markdown(read(samples.broken())).startswith("# NOT READY\n")
    assert to_markdown(read(samples.healthy())).startswith("# READY\n")


def test_the_failures_are_a_table_with_found_expected_and_remedy(read: Read) -> None:
    page = shown(read(samples.broken()))
    rows = page.text_of["tr"]
    row = next(row for row in rows if "gpu.advertised" in row)
    for told in ["spark-2", "failed", "GPU-00000000", "GPU-45cbf7b3", "--allow restart-docker"]:
        assert told in row


def test_what_holds_up_others_is_the_first_row_and_says_so(read: Read) -> None:
    rows = shown(read(samples.broken())).text_of["tr"]
    assert "fix failed (2 follow)" in rows[1]


def test_what_follows_from_a_cause_on_two_nodes_is_counted_once(read: Read) -> None:
    told = samples.broken()
    told["diagnosis"][0]["nodes"] = ["spark-1", "spark-2"]
    cause = next(one for one in told["checks"] if one["id"] == told["diagnosis"][0]["id"])
    told["checks"] += [{**cause, "node": node} for node in ("spark-1", "spark-2")]
    text = to_markdown(read(told))
    assert text.count("(2 follow)") == 1


def test_what_differs_there_is_a_table_of_its_own(read: Read) -> None:
    text = to_markdown(read(samples.broken()))
    assert (
        "| swarm.member | spark-2 | firewall: -A INPUT -p tcp -m tcp --dport 2377 -j DROP | there | none (spark-1) |"
        in text
    )


def test_the_matrix_has_a_row_for_each_step_and_a_legend_in_words(read: Read) -> None:
    text = to_markdown(read(samples.broken()))
    assert "| Step | cluster | spark-1 | spark-2 |" in text
    assert "| 4. Enable resource advertising | · | △ 1/2 | ✗ |" in text
    assert "△ would fix" in text


def test_changes_come_with_the_way_back(read: Read) -> None:
    text = to_markdown(read(samples.broken()))
    assert "gpasswd -a nvidia docker" in text
    assert "pytest runbook --undo 20261123-184501-fix" in text
    changed = text.partition("## What was changed")[2]
    assert changed.startswith("\n\n2 changes were made.\n\nTo take all of it back:\n\n```sh\npytest runbook --undo ")
    assert changed.count("<details>") == changed.count("</details>") == 2
    assert "GPU-45cbf7b3" not in changed, "what was only planned is not told as changed"


def test_changes_without_a_way_back_are_told_as_that(read: Read) -> None:
    text = to_markdown(read(samples.broken() | {"undo": None}))
    assert "2 changes were made.\n\nThis cannot be undone." in text


def test_a_plan_tells_what_it_would_change_by_risk_with_every_diff(read: Read) -> None:
    text = to_markdown(read(samples.planned()))
    changed = text.partition("## What would be changed")[2]
    assert "4 changes would be made: 2 safe; 1 disruptive, made only with the `--allow`" in changed
    assert "1 for a person to make." in changed
    assert changed.count("<details>") == changed.count("```diff\n--- /etc/docker/daemon.json") == 4
    assert "undone" not in changed


def test_a_remedy_that_all_causes_have_is_told_once(read: Read) -> None:
    text = to_markdown(read(samples.planned()))
    assert text.count("pytest runbook --fix") == 1
    assert "The remedy of all of them: pytest runbook --fix" in text


def test_what_stands_between_backticks_is_code_and_nothing_in_it_acts(read: Read) -> None:
    content = samples.broken()
    content["checks"][6]["remedy"] = "Run `ls | wc` or `<b>`, then ` is not closed"
    page = shown(read(content))
    assert {"ls | wc", "<b>"} <= set(page.text_of["code"])
    assert "then ` is not closed" in page.text


def test_an_undo_tells_what_still_stands(read: Read) -> None:
    text = to_markdown(read(samples.undone()))
    assert "## What still stands\n\n" in text
    assert "| still stands |" in text
    assert "↻ taken back" in text
    assert "fix failed" not in text


def test_a_healthy_run_has_nothing_to_attend_to_and_nothing_changed(read: Read) -> None:
    text = to_markdown(read(samples.healthy()))
    assert "What needs attention" not in text
    assert "changed" not in text
    assert "\n\nTraining: tiny, 40 steps on 2 ranks, 900 tokens/s, 14 s, loss 5.250 to 2.130.\n\n" in text


def test_what_was_simulated_is_said(read: Read) -> None:
    assert "**Simulated in this run:** GPU: GB10 stand-in, no CUDA; " in to_markdown(read(samples.broken()))


@pytest.mark.parametrize("sample", [samples.healthy, samples.broken, samples.hostile, samples.large])
def test_every_row_of_a_table_has_as_many_cells_as_its_head(read: Read, sample: Callable[[], Json]) -> None:
    widths: list[int] = []
    for line in to_markdown(read(sample())).splitlines():
        if line.startswith("| "):
            widths.append(line.count(" | "))
            assert widths[-1] == widths[0]
        else:
            widths = []


def test_hostile_text_adds_no_element(read: Read) -> None:
    tame, hostile = shown(read(samples.broken())), shown(read(samples.hostile()))
    assert hostile.tags() == tame.tags()
    assert hostile.attribute_names() == tame.attribute_names()
    assert len(hostile.text_of["h1"]) == 1
    assert "<script>alert(1)</script>" in hostile.text


def test_hostile_text_is_shown_to_the_letter() -> None:
    hostile = HOSTILE.replace("\n", " ").replace("\r", " ").encode(errors="ignore").decode()
    printable = "".join(character for character in hostile if character.isprintable())
    page = Page("<body>" + MarkdownIt("commonmark").render(escape(printable)) + "</body>")
    assert page.text == " ".join(printable.split())
    assert page.tags() == {"body", "p"}


def test_a_large_run_fits_a_job_summary(read: Read) -> None:
    assert len(to_markdown(read(samples.large())).encode()) < 1024 * 1024


def test_without_a_diagnosis_what_needs_attention_is_listed_all_the_same(read: Read) -> None:
    content = samples.broken()
    del content["diagnosis"]
    rows = shown(read(content)).text_of["tr"]
    assert any("gpu.advertised" in row for row in rows)
    assert "## What needs attention" in to_markdown(read(content))
