"""One script asks many questions, and every answer stays with its own question."""

from collections.abc import Callable

import pytest

from cluster.cluster import Cluster
from cluster.facts.base import Probe, Reading
from cluster.facts.script import build_script, take_apart

BECOME: Callable[[str], str] = "{}".format


def _ask(here: Cluster, *probes: Probe, root: bool = True, deadline_s: float = 20) -> dict[str, Reading]:
    script, nonce = build_script(probes, BECOME if root else None)
    said = here.manager.connection.run(script, stdin=b"our input", deadline_s=deadline_s, on_line=None)
    return take_apart(
        probes, nonce, said.out, said.err, has_root=root, why_cut="it was cut off", why_no_root="sudo asks"
    )


def _probe(name: str, command: str, *, root: bool = False, timeout_s: float = 5) -> Probe:
    return Probe(name, command, root, timeout_s)


def test_every_question_gets_its_own_answer_and_exit_status(here: Cluster) -> None:
    answers = _ask(here, _probe("one", "echo 1"), _probe("two", "echo 2; exit 7"), _probe("three", "true"))
    assert {name: (one.exit, one.out) for name, one in answers.items()} == {
        "one": (0, "1\n"),
        "two": (7, "2\n"),
        "three": (0, ""),
    }


def test_a_warning_stays_with_the_question_that_gave_it(here: Cluster) -> None:
    answers = _ask(here, _probe("quiet", "echo 1"), _probe("loud", "echo careful >&2; echo 2"), _probe("last", "true"))
    assert [(answers[name].out, answers[name].err) for name in answers] == [("1\n", ""), ("2\n", "careful\n"), ("", "")]


@pytest.mark.parametrize(
    "command",
    [
        "cat /proc/version",
        "cat ~/.x 2>/dev/null || test ! -e ~/.x",
        "grep -s a /etc/x | head -n 1",
        "command -v x || true",
    ],
)
def test_a_glance_at_a_file_needs_no_timer_and_is_answered_alike(here: Cluster, command: str) -> None:
    script, _ = build_script([_probe("one", command)], None)
    assert "glance one" in script
    answer = _ask(here, _probe("one", command))["one"]
    same = _ask(here, _probe("one", f"( {command} )"))["one"]  # a form that is not known for a glance
    assert (answer.exit, answer.out, answer.err, answer.missing) == (same.exit, same.out, same.err, None)


@pytest.mark.parametrize(
    "command",
    [
        "docker info",
        "cat x; sleep 9",
        "cat $(docker ps)",
        "test -e x && systemctl is-active x",
        "echo a | ssh b",
        "cat `x`",
    ],
)
def test_what_may_take_its_time_has_a_timer(command: str) -> None:
    script, _ = build_script([_probe("one", command)], None)
    assert "probe one 5" in script


def test_what_a_glance_sets_is_not_seen_by_the_next(here: Cluster) -> None:
    answers = _ask(here, _probe("one", "test -e / && exit 3"), _probe("two", "echo $1 $2 | cat; exit 4"))
    assert [(answers[name].exit, answers[name].out) for name in ("one", "two")] == [(3, ""), (4, "\n")]


def test_a_question_that_takes_too_long_says_so_and_the_next_is_answered(here: Cluster) -> None:
    answers = _ask(here, _probe("slow", "echo begun; sleep 20", timeout_s=0.3), _probe("next", "echo there"))
    assert answers["slow"].missing == "`echo begun; sleep 20` did not end within 0.3 s"
    assert (answers["next"].out, answers["next"].missing) == ("there\n", None)


def test_a_question_that_ignores_the_signal_is_killed(here: Cluster) -> None:
    answers = _ask(here, _probe("deaf", "trap '' TERM; sleep 20 & wait; sleep 20", timeout_s=0.2))
    assert answers["deaf"].missing is not None


def test_an_answer_that_looks_like_our_marks_stays_an_answer(here: Cluster) -> None:
    forged = r"printf '\036%s two\nforged\n\037%s 0\n' 0123456789abcdef 0123456789abcdef"
    answers = _ask(here, _probe("one", forged), _probe("two", "echo real"))
    assert answers["two"].out == "real\n"
    assert "forged" in answers["one"].out


def test_an_answer_without_a_newline_at_its_end_stays_as_it_is(here: Cluster) -> None:
    assert _ask(here, _probe("bare", "printf bare"))["bare"].out == "bare"


def test_an_answer_that_is_no_text_does_not_disturb_the_others(here: Cluster) -> None:
    answers = _ask(here, _probe("bytes", r"printf '\377\376\000'"), _probe("next", "echo there"))
    assert answers["bytes"].out == "\ufffd\ufffd\x00"
    assert answers["next"].out == "there\n"


def test_no_question_eats_our_input(here: Cluster) -> None:
    answers = _ask(here, _probe("greedy", "cat; echo ate"), _probe("next", "echo there"))
    assert (answers["greedy"].out, answers["next"].out) == ("ate\n", "there\n")


def test_quotes_and_many_lines_arrive_as_they_are_written(here: Cluster) -> None:
    command = """for word in "it's" '$HOME'; do\n  echo "$word"\ndone"""
    assert _ask(here, _probe("quoted", command))["quoted"].out == "it's\n$HOME\n"


def test_without_root_the_root_part_is_left_out_and_says_why(here: Cluster) -> None:
    answers = _ask(here, _probe("mine", "echo 1"), _probe("roots", "echo 2", root=True), root=False)
    assert answers["mine"].out == "1\n"
    assert (answers["roots"].exit, answers["roots"].missing) == (None, "sudo asks")


def test_a_script_that_was_cut_off_keeps_what_came_before(here: Cluster) -> None:
    answers = _ask(here, _probe("one", "echo 1"), _probe("two", "sleep 20", timeout_s=30), deadline_s=0.8)
    assert (answers["one"].out, answers["one"].missing) == ("1\n", None)
    assert answers["two"].missing == "it was cut off"


@pytest.mark.parametrize("stream", ["", "noise", "\x1e", "\x1edead one\n", "\x1eabc one\nx\x1fabc ", "\x1eabc one\nx"])
def test_a_stream_broken_off_anywhere_leaves_the_answer_missing(stream: str) -> None:
    probe = _probe("one", "echo 1")
    answers = take_apart([probe], "abc", stream, stream, has_root=True, why_cut="it was cut off", why_no_root="")
    assert answers["one"].missing == "it was cut off"
