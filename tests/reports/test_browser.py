"""The page in a real browser: nothing breaks, nothing overflows, everybody can use it, and its controls work."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from reports import write_formats
from tests.reports import samples
from tests.reports.browser import Look, chromium
from tests.reports.pieces import Json

WIDTHS = (360, 820, 1440)

SAMPLES: dict[str, Callable[[], Json]] = {
    "ready": samples.healthy,
    "failed": samples.broken,
    "eight nodes": lambda: samples.large(nodes=8, checks=40),
    "planned": samples.planned,
    "undone": samples.undone,
    "hostile": lambda: samples.with_long_output(samples.hostile()),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def look(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Look]:
    """Return a function that opens the page of a sample; each is written and opened once."""
    opened: dict[str, Look] = {}

    def open_page(sample: str) -> Look:
        if sample not in opened:
            folder = tmp_path_factory.mktemp("run")
            (folder / "report.json").write_text(json.dumps(SAMPLES[sample]()))
            write_formats(folder)
            opened[sample] = Look(browser, folder / "report.html")
        return opened[sample]

    return open_page


@pytest.fixture
def failed(look: Callable[[str], Look]) -> Look:
    """The page of a failed run, as it is when it is opened."""
    page = look("failed")
    page.page.goto(page.page.url.partition("#")[0])
    page.turn(1440, "light")
    return page


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_page_runs_without_an_error_and_asks_for_nothing_but_itself(
    look: Callable[[str], Look], sample: str
) -> None:
    page = look(sample)
    assert page.errors == []
    assert {address.rpartition("/")[2] for address in page.requests} == {"report.html"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_page_is_never_wider_than_the_window(look: Callable[[str], Look], sample: str, width: int) -> None:
    page = look(sample)
    page.turn(width, "light")
    page.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.overflow == 0


@pytest.mark.parametrize(
    ("sample", "theme"),
    [
        ("ready", "light"),
        ("ready", "dark"),
        ("failed", "light"),
        ("failed", "dark"),
        ("planned", "light"),
        ("undone", "dark"),
        ("hostile", "dark"),
    ],
)
def test_axe_finds_no_serious_fault(look: Callable[[str], Look], sample: str, theme: str) -> None:
    page = look(sample)
    page.page.reload()
    page.turn(1440 if theme == "light" else 360, theme)
    if sample != "hostile":  # where all that can be unfolded is too much to be looked at
        page.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.faults == []


def test_on_a_phone_every_node_of_two_is_seen_in_the_matrix(look: Callable[[str], Look]) -> None:
    page = look("failed")
    page.turn(390, "light")
    assert (
        page.page.evaluate("(one => one.scrollWidth - one.clientWidth)(document.querySelector('#matrix .wide'))") == 0
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_names_of_nodes_are_not_broken_where_changes_are_told(look: Callable[[str], Look], width: int) -> None:
    page = look("failed")
    page.turn(width, "light")
    name = page.page.locator(".changes td:first-child").first
    assert name.evaluate("one => one.scrollWidth - one.clientWidth") == 0
    assert (
        name.evaluate(
            "one => { const all = document.createRange(); all.selectNodeContents(one);"
            " return all.getClientRects().length; }"
        )
        == 1
    )
    assert page.page.locator(".changes td:last-child").first.evaluate("one => one.clientWidth") >= 190


def test_a_search_leaves_only_what_has_all_its_words(failed: Look) -> None:
    failed.page.fill("input[type=search]", "daemon UUID")
    assert failed.page.locator(".group:visible .what").all_inner_texts()[0].startswith("The daemon offers")
    assert failed.page.locator(".group:visible").count() == 1
    expect(failed.page.locator("output")).to_have_text("1 of 13 results")
    failed.page.click("text=Show all")
    expect(failed.page.locator("output")).to_have_text("13 results")


def test_an_outcome_and_a_node_narrow_each_other(failed: Look) -> None:
    failed.page.check("input[value=passed]")
    expect(failed.page.locator("output")).to_have_text("5 of 13 results")
    failed.page.select_option("select", "spark-1")
    expect(failed.page.locator("output")).to_have_text("3 of 13 results")


def test_the_rows_of_a_step_fold_and_unfold_by_keyboard(failed: Look) -> None:
    calm = failed.page.locator(".check-row.calm").first
    assert calm.is_hidden()
    failed.page.locator(".fold:visible").first.focus()
    failed.page.keyboard.press("Enter")
    assert calm.is_visible()
    failed.page.keyboard.press("Space")
    assert calm.is_hidden()


def test_a_link_opens_the_folded_part_that_it_leads_to(failed: Look) -> None:
    assert failed.page.locator("#check-1").is_hidden()
    failed.page.evaluate("location.hash = '#check-1'")
    failed.page.wait_for_selector("#check-1", state="visible", timeout=5000)


def test_the_drawing_leads_to_the_check_that_fails(failed: Look) -> None:
    failed.page.locator("svg.cluster a:has(.marked.failed)").first.click()
    assert failed.page.evaluate("location.hash") == "#check-6"
    assert failed.page.locator("#check-6").is_visible()


def test_evidence_is_shown_where_it_is_opened(failed: Look) -> None:
    article = failed.page.locator("#check-6")
    article.locator("details.evidence > summary").click()
    assert "GPU 0: NVIDIA GB10" in article.locator("pre").nth(1).inner_text()


def test_the_command_of_a_remedy_can_be_copied(failed: Look) -> None:
    failed.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = failed.page.locator("#check-6 button.copy")
    button.click()
    expect(button).to_have_text("Copied")
    assert failed.page.evaluate("navigator.clipboard.readText()") == "pytest runbook --fix --allow restart-docker"


def test_without_scripts_nothing_is_hidden_for_good(browser: Browser, failed: Look) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(failed.page.url)
    assert page.locator(".check-row").count() == page.locator(".check-row:visible").count()
    assert page.locator(".filter").is_hidden()
    assert page.locator("button:visible").count() == 0


def test_in_print_the_controls_are_gone_and_what_failed_is_there(failed: Look) -> None:
    failed.page.emulate_media(media="print")
    assert failed.page.locator("button:visible").count() == 0
    assert failed.page.locator(".filter").is_hidden()
    assert failed.page.locator("#check-6").is_visible()
