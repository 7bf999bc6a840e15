"""The page over all runs leads to each, and lets nothing act that is not its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from reports import render
from reports.history import gather
from reports.index import to_index, write_index
from tests.reports import samples
from tests.reports.browser import Look, chromium
from tests.reports.page import Page
from tests.reports.pieces import a_check, a_report
from tests.reports.runs import measured, write

WORSE = [95.0, 96.0, 94.5, 95.5, 95.2, 94.8, 60.0, 61.0, 60.5]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Runs in which the bandwidth fell, and two of another cluster, the last of them hostile."""
    measured(tmp_path, WORSE)
    write(tmp_path, "20261120-060000-check", samples.broken(), 20)
    write(tmp_path, "20261121-060000-check", samples.hostile(), 21)
    return tmp_path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def compared(look: Look) -> list[str]:
    return [" ".join(text.split()) for text in look.page.locator(".compared li").all_inner_texts()]


def test_every_run_is_linked_to_its_report(out: Path) -> None:
    page = Page(to_index(gather(out)))
    links = {link for link in page.attributes("href") if not link.startswith("#")}
    assert links == {f"{folder.name}/report.html" for folder in out.glob("2*")}


def test_a_figure_that_got_worse_is_told_with_what_it_used_to_be(out: Path) -> None:
    text = Page(to_index(gather(out))).text
    assert "TCP is fast (cluster): 60.5 Gb/s an interface, worse than expected: between 90.3 and 99.9" in text


def test_figures_that_never_moved_are_listed_and_not_drawn(tmp_path: Path) -> None:
    measured(tmp_path, [200.0] * 6)
    page = to_index(gather(tmp_path))
    assert "1 figure was the same in every run TCP is fast (cluster): 200 Gb/s an interface" in Page(page).text
    assert "<polyline" not in page


def test_what_ended_otherwise_than_before_is_told_run_by_run(tmp_path: Path) -> None:
    write(tmp_path, "20261101-060000-check", a_report([a_check("a.b", 1, "spark-1")]))
    write(tmp_path, "20261102-060000-check", a_report([a_check("a.b", 1, "spark-1", "failed")]))
    text = Page(to_index(gather(tmp_path))).text
    assert "1 check ended otherwise, 1 of them worse a.b spark-1: passed → failed" in text


def test_an_undo_is_no_step_in_the_history_and_told_where_nothing_was_judged_since(tmp_path: Path) -> None:
    write(tmp_path, "20261101-060000-check", samples.healthy())
    write(tmp_path, "20261102-060000-undo", samples.healthy(), mode="undo")
    undone = Page(to_index(gather(tmp_path)))
    assert "READY, and not judged since changes were taken back" in undone.text
    assert "1 run" in undone.text
    write(tmp_path, "20261103-060000-check", samples.healthy())
    assert "20261102" not in to_index(gather(tmp_path))


def test_a_cluster_is_headed_by_the_newest_run_of_all_checks(tmp_path: Path) -> None:
    write(tmp_path, "20261101-060000-check", samples.broken())
    write(tmp_path, "20261102-060000-check", samples.healthy(), 2, whole=False)
    page = Page(to_index(gather(tmp_path)))
    assert page.text_of["h2"] == ["desk: NOT READY"]
    assert "Since then a part of the checks was run, 2 November 2026, 06:00 UTC: READY, as far as asked." in page.text
    assert "20261102-060000-check" in page.text_of["table"][0]


def test_where_only_parts_were_run_the_newest_heads_the_cluster(tmp_path: Path) -> None:
    write(tmp_path, "20261102-060000-check", samples.healthy(), whole=False)
    assert Page(to_index(gather(tmp_path))).text_of["h2"] == ["desk: READY, as far as asked"]


def test_a_folder_without_runs_is_still_a_page(tmp_path: Path) -> None:
    assert "There is no run that could be read." in Page(to_index(gather(tmp_path))).text


def test_hostile_text_adds_no_element_and_ends_no_script(out: Path) -> None:
    hostile = Page(to_index(gather(out)))
    assert {"img", "iframe", "object"}.isdisjoint(hostile.tags())
    assert {"onerror", "onmouseover", "style"}.isdisjoint(hostile.attribute_names())
    assert len(hostile.text_of["script"]) == 2
    assert json.loads(hostile.text_of["script"][0])["checks"]


def test_a_run_that_ends_is_in_the_history(tmp_path: Path) -> None:
    render(write(tmp_path, "20261101-060000-check", samples.healthy()))
    render(write(tmp_path, "20261102-060000-check", samples.broken()))
    assert "2 runs" in Page((tmp_path / "index.html").read_text()).text


def test_two_hundred_runs_of_a_thousand_checks_make_less_than_a_megabyte_and_a_half(tmp_path: Path) -> None:
    write(tmp_path, "20261101-060000-check", samples.large(nodes=8, checks=130))
    (run,) = gather(tmp_path)
    runs = [run.model_copy(update={"id": f"20261101-{number:06}-check"}) for number in range(200)]
    assert len(to_index(runs).encode()) < 1_500_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_a_browser_nothing_breaks_overflows_or_keeps_anybody_out(browser: Browser, out: Path, theme: str) -> None:
    look = Look(browser, write_index(out))
    look.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    for width in (360, 820, 1440):
        look.turn(width, theme)
        assert look.overflow == 0
    assert look.faults == []
    assert look.errors == []


def test_any_two_runs_can_be_compared(browser: Browser, tmp_path: Path) -> None:
    for number, outcome in enumerate(["passed", "failed", "fixed"], 1):
        write(tmp_path, f"2026110{number}-060000-check", a_report([a_check("a.b", 1, "spark-1", outcome)]), number)
    look = Look(browser, write_index(tmp_path))
    assert compared(look) == ["a.b@spark-1: failed → fixed"]
    look.page.select_option("select[name=before]", "20261101-060000-check")
    assert compared(look) == ["a.b@spark-1: passed → fixed"]
    look.page.select_option("select[name=after]", "20261101-060000-check")
    assert look.page.locator(".compare output").inner_text() == "0 checks ended otherwise"
