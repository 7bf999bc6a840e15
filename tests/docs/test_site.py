"""The site is built without a warning, which checks every link and heading, and asks for nothing from elsewhere."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from engine.catalogue import checks_of, modules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet: what is not told is not counted either, and a broken link would pass.
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_of_docs_is_a_page_of_the_site(site: Path) -> None:
    pages = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").rglob("*.md")}
    made = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")}
    assert pages | {"index", "contributing", "changelog"} <= made


def test_every_step_has_a_page_with_each_of_its_checks(site: Path) -> None:
    every = [check for module in modules() for check in checks_of([module])]
    for check in every:
        page = (site / "steps" / f"step-{check.step:02}.html").read_text(encoding="utf-8")
        assert check.id in page
        assert html.escape(check.title, quote=False) in page
    assert len({check.step for check in every}) == len(list((site / "steps").glob("step-*.html")))


def test_the_examples_for_ci_can_be_copied_from_it(site: Path) -> None:
    assert (site / "ci" / "Jenkinsfile").is_file()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="?(https?:[^" >]+)', path.read_text())
        assert loaded == [], path.name


@pytest.mark.parametrize("name", ["wrong.yml", "missing.yml"])
def test_an_issue_template_is_one_that_github_takes(name: str) -> None:
    template = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    assert {"name", "description", "body"} == set(template)
    ids = [part["id"] for part in template["body"] if part["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 2
    assert all(part["type"] in {"markdown", "textarea", "input"} for part in template["body"])


def test_whoever_reports_something_wrong_is_told_the_command_for_the_bundle() -> None:
    assert "pytest runbook --bundle" in (ROOT / ".github" / "ISSUE_TEMPLATE" / "wrong.yml").read_text(encoding="utf-8")
