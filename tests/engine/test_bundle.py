"""The bundle holds what somebody elsewhere needs, is its owner's alone, and gives no secret away."""

import json
import tarfile
from pathlib import Path

from cluster.facts.base import Reading
from cluster.facts.logs import LogFacts
from engine.bundle import MOST, write_bundle
from engine.change import RunCommand
from tests.engine.judging import Bench

TOKEN = "hf_" + "a1B2" * 6
JOIN = "SWMTKN-1-abcdef-ghijkl"


def bundle_of(bench: Bench, folder: Path, **logs: str) -> dict[str, str]:
    """Write a bundle whose nodes said this, and return its files by name."""
    for node in bench.cluster.nodes:
        missing = {probe.name: Reading("", None, "", "", "nobody answers") for probe in LogFacts.probes(node)}
        node.keep(LogFacts(node, missing | {name: Reading("", 0, text, "") for name, text in logs.items()}))
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps({"found": 'a "token": "(redacted)" of somebody'}))
    path = write_bundle(folder, bench.cluster, bench.journal)
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        names = archive.getnames()
        return {name.partition("/")[2]: archive.extractfile(name).read().decode() for name in names}  # type: ignore[union-attr]  # all of them are files


def test_it_has_the_reports_the_logs_and_the_state_of_each_node(tmp_path: Path) -> None:
    files = bundle_of(Bench(tmp_path, "check", nodes=2), tmp_path / "run", kernel="NVRM: Xid 79\n")
    assert json.loads(files["report.json"])
    for node in ("n0", "n1"):
        assert files[f"{node}/kernel.txt"] == "NVRM: Xid 79\n"
        assert files[f"{node}/docker.txt"] == "not read: nobody answers"
        assert json.loads(files[f"{node}/state.json"])["hardware"]["kernel"]
    assert "n1/state.json".rpartition("/")[2] in files["README.txt"]


def test_secrets_stay_out(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    change = RunCommand(bench.cluster.manager, f"echo {JOIN}", undo_command="true")
    bench.journal.begin("a.b", 1, change)
    files = bundle_of(bench, tmp_path / "run", tasks=f"401 for {TOKEN}\n", engine='{"password": "correct horse"}')
    everything = "".join(files.values())
    for secret in (TOKEN, JOIN, "correct horse"):
        assert secret not in everything
    assert "(redacted)" in files["changes.txt"]


def test_a_node_that_was_not_reached_says_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    bench.cluster.nodes[1].trouble = "n1 does not answer"
    assert bundle_of(bench, tmp_path / "run")["n1/not-reached.txt"] == "n1 does not answer"


def test_of_an_endless_log_the_end_is_kept(tmp_path: Path) -> None:
    files = bundle_of(Bench(tmp_path, "check"), tmp_path / "run", docker="old\n" + "x" * MOST + "\nnew\n")
    assert files["n0/docker.txt"].endswith("\nnew\n")
    assert len(files["n0/docker.txt"]) == MOST


def test_a_report_is_whole_however_large(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check")
    (folder := tmp_path / "run").mkdir()
    (folder / "report.json").write_text(json.dumps({"checks": ["x" * MOST]}))
    with tarfile.open(write_bundle(folder, bench.cluster, bench.journal)) as archive:
        file = archive.extractfile("run/report.json")
        assert file is not None
        assert len(json.load(file)["checks"][0]) == MOST
