"""What nodes say may hold secrets of others: passwords in settings, credentials in addresses, tokens, private keys."""

import re
from typing import Any

HIDDEN = "(redacted)"

# What stands before the telling word in a name is left to itself, and what may follow is bounded: a log of one endless
# word must not take forever.
_NAMED = re.compile(
    r"""(?ix)
    ( (?: password | passwd | passphrase | secret | token | psk | private[_-]?key | api[_-]?key )
      [\w.-]{0,200}+ ["']? \s{0,20}+ [:=] \s{0,20}+ )
    ( "(?:[^"\\]|\\.)*" | '[^']*' | [^\s,}\]"']+ )
    """
)
_IN_ADDRESS = re.compile(r"(://)[^\s/@\"']+@")
_TOKENS = re.compile(r"SWMTKN-[\w-]+|hf_[A-Za-z0-9]{16,}")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def redact(text: str) -> str:
    """Hide what looks like a secret."""
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _TOKENS.sub(HIDDEN, text)
    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
    return _NAMED.sub(rf"\1{HIDDEN}", text)


class Redaction:
    """Hides it in structures of plain data; the same text in many places is looked at once."""

    def __init__(self) -> None:
        """Begin; no text was looked at."""
        self._known: dict[str, str] = {}

    def of(self, value: Any) -> Any:
        """Return a structure with every text of it redacted."""
        if isinstance(value, str):
            if value not in self._known:
                self._known[value] = redact(value)
            return self._known[value]
        if isinstance(value, dict):
            return {key: self.of(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.of(each) for each in value]
        return value


def redact_all(value: Any) -> Any:
    """Hide it in every text of one structure."""
    return Redaction().of(value)
