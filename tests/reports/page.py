"""A page as a browser would take it apart, by the standard library's parser."""

from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input", "hr"}
# SVG shapes that our templates close themselves.
SVG_SHAPES = {"use", "path", "circle", "rect", "line", "polyline"}


class Page(HTMLParser):
    """Elements, their attributes and the text of a page; raises where tags do not nest."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text_of: dict[str, list[str]] = {}
        self._pieces: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text_of.setdefault(tag, []).append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_SHAPES, f"<{tag}/> closes itself"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._pieces.append(data)
        for tag in set(self._open):
            self.text_of[tag][-1] += data

    @property
    def text(self) -> str:
        """All text in one line, with a space where an element begins or ends."""
        return " ".join(" ".join(self._pieces).split())

    def tags(self) -> set[str]:
        """The names of all elements."""
        return {tag for tag, _ in self.elements}

    def attributes(self, name: str) -> list[str]:
        """The values of one attribute on all elements that have it."""
        return [value or "" for _, attrs in self.elements for key, value in attrs.items() if key == name]

    def attribute_names(self) -> set[str]:
        """The names of all attributes."""
        return {name for _, attrs in self.elements for name in attrs}
