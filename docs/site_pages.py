"""Gives the site the pages that lie in the repository's root, with their links as they are within the site."""

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # mkdocs runs this file by itself

from engine.step_pages import step_pages  # noqa: E402 - only found from here on

# Made at once: mkdocs takes the path away again.
STEPS = step_pages()
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root, and one for every step of the playbook."""
    for name, place in PAGES.items():
        files.append(File.generated(config, place, content=_within_site((ROOT / name).read_text(encoding="utf-8"))))
    for name, text in STEPS.items():
        files.append(File.generated(config, f"steps/{name}", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs' call
    """Leave the words of a link that goes out of docs/, whose target is no page of the site."""
    up = "../" * (page.file.src_uri.count("/") + 1)
    for name, place in PAGES.items():
        markdown = markdown.replace(f"]({up}{name}", f"]({up[3:]}{place}")
    return re.sub(rf"\[([^\]]+)\]\({re.escape(up)}[^)]*\)", r"\1", markdown)


def _within_site(text: str) -> str:
    for name, place in PAGES.items():
        text = text.replace(f"]({name}", f"]({place}")
    text = text.replace("](docs/", "](")
    # What else lies in the root is no page.
    return re.sub(r"\[([^\]]+)\]\((?:LICENSE|\.github/[^)]*)\)", r"\1", text)
