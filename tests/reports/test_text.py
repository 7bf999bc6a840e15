"""Text from nodes is shown, and does nothing."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.text import clip, duration, fair_limit, figure, visible, when

# A busy machine may stall any one example; what is tested here is not speed.
unhurried = settings(deadline=None)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b]never ended", "⟨U+001B⟩]never ended"),
        ("10%\r100%\r\n", "10%\n100%\n"),
        ("bell\x07", "bell⟨U+0007⟩"),
        ("abc\u202egpj.exe", "abc⟨U+202E⟩gpj.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("no\u00a0break", "no⟨U+00A0⟩break"),
        ("half \ud800 pair", "half ⟨U+D800⟩ pair"),
        ("kept: é 漢 ✓\n\ttab", "kept: é 漢 ✓\n\ttab"),
    ],
)
def test_what_acts_or_hides_is_made_visible(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@unhurried
@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_can_be_written_and_put_into_xml(raw: str) -> None:
    shown = visible(raw)
    element = ET.Element("a")
    element.text = shown
    parsed = ET.fromstring(ET.tostring(element, encoding="utf-8"))  # noqa: S314 - made in this test
    assert (parsed.text or "") == shown


@unhurried
@given(st.text(st.characters(codec=None, categories=None)))
def test_visible_text_stays_as_it_is(raw: str) -> None:
    assert visible(visible(raw)) == visible(raw)


@unhurried
@given(st.lists(st.integers(0, 10_000)), st.integers(0, 50_000))
def test_a_fair_limit_keeps_to_the_budget(lengths: list[int], budget: int) -> None:
    limit = fair_limit(lengths, budget)
    assert sum(min(length, limit) for length in lengths) <= budget


def test_a_fair_limit_cuts_only_what_is_long() -> None:
    assert fair_limit([10, 20, 5000, 9000], 1030) == 500


def test_nothing_is_cut_within_the_budget() -> None:
    assert fair_limit([10, 20], 30) >= 20


def test_a_clipped_text_keeps_both_ends_and_says_what_it_lost() -> None:
    clipped = clip("a" * 500 + "b" * 500, 300)
    assert clipped.startswith("a" * 200 + "\n")
    assert clipped.endswith("\n" + "b" * 100)
    assert "700 characters left out; the whole is in report.json" in clipped


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0.0 s"),
        (0.04, "40 ms"),
        (7.26, "7.3 s"),
        (59.7, "1 min 0 s"),
        (73.2, "1 min 13 s"),
        (4330, "1 h 12 min"),
        (None, "time not known"),
    ],
)
def test_a_time_span_is_told_in_the_unit_that_suits_it(seconds: float | None, told: str) -> None:
    assert duration(seconds) == told


def test_an_unknown_figure_is_not_told_as_zero() -> None:
    assert figure(None) == "not known"
    assert figure(1234.5, 1) == "1,234.5"


def test_a_moment_is_told_in_utc() -> None:
    assert when("2026-11-23T19:45:01+01:00") == "23 November 2026, 18:45 UTC"


def test_what_is_no_moment_is_told_as_it_is() -> None:
    assert when("yesterday") == "yesterday"
