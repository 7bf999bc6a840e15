"""The index of symptoms says what the code says, and leads to checks that there are."""

from collections import Counter
from pathlib import Path

import yaml

from engine.catalogue import checks_of, modules
from engine.symptoms import SYMPTOMS, page

DOC = Path(__file__).parents[2] / "docs" / "troubleshooting.md"


def symptoms() -> list[tuple[str, str]]:
    told = yaml.safe_load(SYMPTOMS.read_text(encoding="utf-8"))
    return [(symptom, check) for lines in told.values() for symptom, check in lines]


def test_page_is_the_one_that_the_code_would_write_today() -> None:
    assert DOC.read_text(encoding="utf-8") == page(), "run: python -m engine.symptoms >docs/troubleshooting.md"


def test_every_symptom_leads_to_a_check_that_there_is() -> None:
    assert {check for _, check in symptoms()} <= {check.id for check in checks_of(modules())}
    assert len(symptoms()) > 50


def test_no_symptom_is_told_twice() -> None:
    assert [symptom for symptom, times in Counter(symptom for symptom, _ in symptoms()).items() if times > 1] == []


def test_every_step_that_repairs_has_its_symptoms() -> None:
    steps = {check.id: check.step for check in checks_of(modules())}
    # Under load and while it is cleaned up nothing is said that one would search for.
    assert {steps[check] for _, check in symptoms()} == set(steps.values()) - {8, 14}
