"""What nodes say may hold secrets of others: passwords in settings, credentials in addresses, tokens, private keys."""

import re
from typing import Any

HIDDEN = "(redacted)"

# What may follow a telling word is bounded, as is every look back: a log of one endless word must not take forever.
_NAMED = re.compile(
    r"""(?ix)
    (?P<told> password | passwd | passphrase | requirepass | secret | token(?!s|iz) | psk | credential | authorization
      | private[_-]?key | api[_-]?key | (?<=[_-])pass(?![a-z])
      | signature(?==) | (?<=[?&])sig(?==) | (?P<short> (?<![a-z])(?:key|auth)(?![a-z]) ) )
    (?P<rest> [\w.-]{0,200}+ )
    (?: (?P<quote> \\{0,8}["'] )? (?P<sign> [ \t]{0,20}+[:=][ \t]{0,20}+ )
      | (?P<gap> [ \t]{1,20}+ | \\{0,8}["'][ \t]{0,20}+,\s{0,20}+(?=\\{0,8}["']) ) )
    """
)
_LOOK_BACK = 300
# What stands in a log has the time, and who says it, before it.
_LINE_START = re.compile(r"(?:.{1,200}(?:\| |\]: ))?[ \t+\-#>|]*(?:export |set |Environment=)?")
_IN_A_SETTING = re.compile(r"[{\[(,\"'&?;]\s*\Z")
_OPENING = re.compile(r"\\{0,8}[\"']")
_BLOCK = re.compile(r"[|>][+-]?[ \t]*\n")
_UP_TO_A_SIGN = re.compile(r"[^\s,}\]\"'&;]*")
_IN_BRACES = re.compile(r"[^,}\]\"'\n]*")
_PLAIN = re.compile(r"(?i)true|false|null|none|yes|no|on|off|\d|files\b.*|compat\b.*|systemd\b.*|\(redacted\).*")
_PLACE = re.compile(r"(?i).*(file|path|dir)")

_IN_ADDRESS = re.compile(r"(://)[^\s/\"'<>]+@")
_CUT_OFF_ADDRESS = re.compile(r"(://[^\s/@\"':]+:)(?!\d{1,5}\Z)[^\s/@\"']+\Z")
_TOKENS = re.compile(
    r"\b(?:SWMTKN|SWMKEY)-[\w+/=-]+|\b(?:hf|gh[opsu]|github_pat)_\w{16,}|\b(?:nvapi|glpat|sk)-[\w-]{16,}"
    r"|(?i:\b(?:bearer|authorization: {0,4}(?:basic|digest|token))) [\w.~+/=-]{8,}"
)
_KEY = r"[A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = re.compile(rf"-----BEGIN {_KEY}.*?(?:-----END {_KEY}|\Z)", re.DOTALL)
_END_OF_A_KEY = re.compile(rf"(?:^[ \t]*[A-Za-z0-9+/=]{{16,}}[ \t]*\n)+[ \t]*-----END {_KEY}", re.MULTILINE)


def redact(text: str) -> str:
    """Hide what looks like a secret."""
    text = _END_OF_A_KEY.sub(HIDDEN, _PRIVATE_KEY.sub(HIDDEN, text))
    text = _TOKENS.sub(HIDDEN, text)
    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
    text = _CUT_OFF_ADDRESS.sub(rf"\1{HIDDEN}", text)
    return _without_named(text)


def plain(text: str) -> str:
    """Take out what must not reach a terminal: what moves the cursor or changes colours, and secrets."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in redact(text))


def _redact_setting(name: str, value: str) -> str:
    if not name:
        return redact(value)
    begin = f"{name}="
    told = redact(f"{begin}{value}")
    return told.removeprefix(begin) if told.startswith(begin) else HIDDEN


def _without_named(text: str) -> str:
    """Hide the values of settings whose name tells that they are secret."""
    parts, at = [], 0
    for found in _NAMED.finditer(text):
        if found.start() < at:
            continue
        begin, end = _value(text, found)
        if begin < end:
            parts += [text[at:begin], HIDDEN]
            at = end
    return "".join([*parts, text[at:]])


def _value(text: str, found: re.Match[str]) -> tuple[int, int]:
    """Find where the value of a setting begins and ends; at one place where there is none to be hidden."""
    begin, word = found.end(), _word(text, found.start())
    name, before = text[word : found.end("rest")], text[max(0, word - _LOOK_BACK) : word].rpartition("\n")[2]
    alone = _LINE_START.fullmatch(before) is not None
    if found["gap"] is not None:
        is_setting = name.startswith("--") and not name.startswith("--ask")
    else:
        # A sentence has colons as well, and goes on behind them.
        is_setting = "=" in found["sign"] or alone or _IN_A_SETTING.search(before) is not None or name.startswith("--")
    if not is_setting or _PLACE.fullmatch(found["rest"]):
        return begin, begin
    alone = alone and found["gap"] is None
    begin, end = _extent(text, begin, before if found["quote"] is None else "", alone=alone, sign=found["sign"] or "")
    value = text[begin:end]
    if found["gap"] is not None and value.startswith(("-", "(", "<", "$")):
        return begin, begin  # the next option, or what stands for a value
    if _PLAIN.fullmatch(value) or (found["short"] and not re.fullmatch(r"(?![/~])\S{8,}", value)):
        return begin, begin
    return begin, end


def _extent(text: str, begin: int, before: str, *, alone: bool, sign: str) -> tuple[int, int]:
    if opening := _OPENING.match(text, begin):
        return opening.end(), _closed(text, opening.end(), opening[0])
    if alone and (block := _BLOCK.match(text, begin)):
        deeper = re.compile(rf"(?:{re.escape(before)}[ \t]+.*(?:\n|\Z)|[ \t]*\n)*")
        inside = deeper.match(text, block.end())
        return block.end(), inside.end() if inside else block.end()
    if before.endswith(('"', "'")):
        return begin, _closed(text, begin, _opening_of(before))
    if alone:
        end = text.find("\n", begin)
        return begin, len(text) if end < 0 else end
    found = (_IN_BRACES if ":" in sign else _UP_TO_A_SIGN).match(text, begin)
    return begin, found.end() if found else begin


def _closed(text: str, begin: int, quote: str) -> int:
    """Find the end of what a quote opened: its like, or the end of a text that was cut."""
    end = begin
    while (end := text.find(quote, end)) >= 0:
        escaped = end - len(text[begin:end].rstrip("\\")) - begin if quote == '"' else 0
        if escaped % 2 == 0:
            return end
        end += 1
    return len(text)


def _opening_of(before: str) -> str:
    return before[len(before[:-1].rstrip("\\")) :]


def _word(text: str, at: int) -> int:
    """Find where the word begins in which a name was found."""
    least = max(0, at - _LOOK_BACK)
    while at > least and (text[at - 1].isalnum() or text[at - 1] in "_.-"):
        at -= 1
    return at


class Redaction:
    """Hides it in structures of plain data; the same text in many places is looked at once."""

    def __init__(self) -> None:
        """Begin; no text was looked at."""
        self._known: dict[tuple[str, str], str] = {}
        self._telling: dict[str, str] = {}

    def of(self, value: Any, name: str = "") -> Any:
        """Return a structure with every text of it redacted; a text that has a name, as the setting of that name."""
        if isinstance(value, str):
            if name not in self._telling:
                self._telling[name] = name if _NAMED.search(f"{name}=") else ""
            told = self._telling[name], value
            if told not in self._known:
                self._known[told] = _redact_setting(*told)
            return self._known[told]
        if isinstance(value, dict):
            return {key: self.of(each, str(key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self.of(each, name) for each in value]
        return value


def redact_all(value: Any) -> Any:
    """Hide it in every text of one structure."""
    return Redaction().of(value)
