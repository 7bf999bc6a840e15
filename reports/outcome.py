"""The eight outcomes of a check, and how each is told."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a check, worst first: the order of the members is the order of attention."""

    FIX_FAILED = "fix_failed"
    FAILED = "failed"
    WOULD_FIX = "would_fix"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    FIXED = "fixed"
    PASSED = "passed"
    SKIPPED = "skipped"

    @property
    def word(self) -> str:
        """The outcome as a reader sees it: "fix failed"."""
        return self.value.replace("_", " ")

    @property
    def glyph(self) -> str:
        """One character for formats without pictures; never shown without the word or a legend."""
        return _GLYPHS[self]

    @property
    def meaning(self) -> str:
        """The outcome in one sentence, for a legend."""
        return _MEANINGS[self]

    def word_in(self, mode: str) -> str:
        """The outcome as a reader sees it in a run of this mode: an undo judges no check."""
        if mode != "undo" or self not in _WORDS_OF_AN_UNDO:
            return self.word
        return _WORDS_OF_AN_UNDO[self]

    @property
    def meaning_of_an_undo(self) -> str:
        """The same where changes were taken back instead of checks judged."""
        return "The change still stands." if self.is_failure else "The change was taken back."

    @property
    def is_failure(self) -> bool:
        """Whether the check is known not to hold."""
        return self in {Outcome.FIX_FAILED, Outcome.FAILED, Outcome.WOULD_FIX}

    @property
    def needs_attention(self) -> bool:
        """Whether a person has something to do or to find out about it."""
        return self.is_failure or self is Outcome.UNKNOWN


_GLYPHS = {
    Outcome.FIX_FAILED: "‼",
    Outcome.FAILED: "✗",
    Outcome.WOULD_FIX: "△",
    Outcome.UNKNOWN: "?",
    Outcome.BLOCKED: "⊘",
    Outcome.FIXED: "↻",
    Outcome.PASSED: "✓",
    Outcome.SKIPPED: "○",
}

_WORDS_OF_AN_UNDO = {Outcome.FIXED: "taken back", Outcome.FIX_FAILED: "still stands"}

_MEANINGS = {
    Outcome.FIX_FAILED: "It was changed, and is still not true.",
    Outcome.FAILED: "It is not true.",
    Outcome.WOULD_FIX: "It is not true, and --fix would change it.",
    Outcome.UNKNOWN: "It could not be read, so it was not judged.",
    Outcome.BLOCKED: "A check that it needs did not pass, so it was not judged.",
    Outcome.FIXED: "It was not true, was changed, and is true now.",
    Outcome.PASSED: "It was true as found.",
    Outcome.SKIPPED: "It does not apply to this run; the reason is given.",
}
