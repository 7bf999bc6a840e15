"""What the command line says where it can do nothing."""

from pathlib import Path

import pytest

from lab.__main__ import main
from lab.inventory import inventory
from lab.places import RunDir
from lab.settings import Settings, read_settings, write_settings


@pytest.fixture(autouse=True)
def run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPARK_RUNBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPARK_RUNBOOK_LAB", str(tmp_path / "lab"))
    return tmp_path / "lab"


def test_an_inventory_needs_a_running_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory"]) == 2
    assert capsys.readouterr().err == "lab: No lab is running; start one: python -m lab up\n"


def test_without_root_one_sentence_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["up"]) == 2
    assert "needs root; run the command again with sudo" in capsys.readouterr().err


def test_missing_programs_are_named_by_their_packages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda tool: None if tool == "systemd-nspawn" else f"/usr/bin/{tool}")
    assert main(["up"]) == 2
    assert "apt-get install systemd-container" in capsys.readouterr().err


def test_a_directory_of_someone_else_is_never_taken_down(
    run_directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    run_directory.mkdir()
    (run_directory / "thesis.txt").write_text("years of work")
    assert main(["down"]) == 2
    assert "is not a lab's directory" in capsys.readouterr().err
    assert (run_directory / "thesis.txt").read_text() == "years of work"


def test_down_without_a_lab_is_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["down"]) == 0


def test_every_package_that_is_asked_for_is_in_the_list() -> None:
    from lab.host import BUILD_TOOLS, TOOLS  # noqa: PLC0415 -- read here alone

    listed = (Path(__file__).parents[2] / "lab" / "packages.txt").read_text().split()
    assert {*TOOLS.values(), *BUILD_TOOLS.values()} <= set(listed)


def test_settings_survive_their_file(tmp_path: Path) -> None:
    settings = Settings(2, light=False, network=4, tree="/t", archive="/a", packages="/p")
    write_settings(RunDir(tmp_path), settings)
    assert read_settings(RunDir(tmp_path)) == settings
    assert settings.address("spark-2") == "10.77.4.12"


def test_an_inventory_names_every_node_and_the_key() -> None:
    settings = Settings(2, light=False, network=0, tree="", archive="", packages="")
    text = inventory(RunDir(Path("/run-dir")), settings)
    assert text.startswith("name: lab\nnodes:\n- name: spark-1\n  address: 10.77.0.11\n- name: spark-2\n")
    assert "  key: /run-dir/key\n  known_hosts: /run-dir/known_hosts\n" in text
    assert "  target: /usr/local/lib/python3.11/dist-packages\n  read_only: true\n" in text
