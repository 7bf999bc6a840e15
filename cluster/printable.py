"""What a machine says of itself, made fit to be shown."""


def printable(text: str) -> str:
    """Put text on one line, and a question mark for whatever would move a cursor or change colours."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
