"""What README.md and the pages of docs/ speak of is there: files, headings, options, commands."""

import re
from pathlib import Path

import pytest

from lab.__main__ import parser as lab_parser

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
OF_OTHER_PROGRAMS = {
    "--model",
    "--batches",
    "--lora",
    "--full",
    "--large",
    "--no-deps",
    "--nodes",
    "--gpus",
    "--light",
    "--user",
    "--validate",
    "--flush",
    "--force",
    "--rotate",
    "--keep",
    "--yes",
    "--undoable",
    "--strict",
    "--live-restore",
    "--unsaved",
    "--faults",
    "--repairs",
}
"""Options of pip, mkdocs, the benchmark, the lab, the reports, docker, dockerd and journalctl that the pages name."""


def ours() -> set[str]:
    source = (ROOT / "engine" / "options.py").read_text(encoding="utf-8")
    return set(re.findall(r'addoption\(\s*"(--[a-z-]+)"', source))


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(((?!https:)[^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text(encoding="utf-8")))
    assert named - ours() - OF_OTHER_PROGRAMS == set()


def test_readme_tells_every_option() -> None:
    assert len(ours()) > 10
    assert ours() - set(re.findall(r"--[a-z-]+", README.read_text(encoding="utf-8"))) == set()


def test_readme_tells_every_consent_that_a_fixer_asks_for() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "fixers").glob("*.py"))
    asked = set(re.findall(r'Consent\(\s*"([a-z-]+)"', sources))
    told = README.read_text(encoding="utf-8").partition("## What it asks before doing")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", told, re.MULTILINE)) == asked
    assert asked != set()


def test_every_folder_of_the_layout_is_there() -> None:
    layout = README.read_text(encoding="utf-8").partition("## Layout")[2].partition("\n## ")[0]
    folders = re.findall(r"`([a-z]+)/`", layout)
    assert len(folders) > 8
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_every_command_of_the_lab_that_is_named_exists() -> None:
    known = set(re.findall(r"^    ([a-z]+)\b", lab_parser().format_help(), re.MULTILINE))
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = {word for words in re.findall(r"python -m lab ([a-z|]+)", text) for word in words.split("|")}
    assert {"up", "down"} <= named
    assert named <= known
