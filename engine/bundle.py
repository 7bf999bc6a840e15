"""The bundle: one archive with all that a person needs who was not there, secrets taken out."""

import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.base import Fact
from cluster.facts.logs import LogFacts
from cluster.node import Node
from engine.journal import Journal
from engine.redact import redact, redact_all

REPORTS = ("report.json", "report.html", "junit.xml", "summary.md")
"""These are made from what was redacted already; to look for secrets in JSON's own quotes would break it."""

MOST = 4 * 2**20
"""Of one log at most so many characters go into the archive; the newest lines are at the end."""

_README = """\
What Spark Runbook found, for somebody who was not there. Begin with report.html, or summary.md in a terminal.

report.json    everything that was judged: expected, found, cause, evidence; what differs between the nodes
changes.txt    what this run changed, if it changed anything
NODE/*.txt     the last lines of each node's logs, its versions and its settings
NODE/state.json  settings, packages and checksums of files

What looks like a secret has been replaced by (redacted). That recognises the usual forms: have a look before you send
it on.
"""


def write_bundle(directory: Path, cluster: Cluster, journal: Journal) -> Path:
    """Ask the nodes for their logs and write the archive beside the reports, for its owner alone, in one step.

    Raises:
        OSError: It cannot be written.
    """
    cluster.gather(LogFacts)
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".bundle")
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for path, text in _files(directory, cluster, journal):
                _add(archive, f"{directory.name}/{path}", text if path in REPORTS else text[-MOST:])
        return Path(name).rename(directory / f"bundle-{directory.name}.tar.gz")
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _files(directory: Path, cluster: Cluster, journal: Journal) -> Iterator[tuple[str, str]]:
    yield "README.txt", _README
    for name in REPORTS:
        if (directory / name).exists():
            yield name, (directory / name).read_text(encoding="utf-8")
    if (errors := directory / "errors.txt").exists():
        yield errors.name, errors.read_text(encoding="utf-8")
    if journal.path.exists():
        told = "\n".join(f"{one.node} {one.state}: {one.describe}\n" for one in journal.records())
        yield "changes.txt", redact(told)
    for node in cluster.nodes:
        if node.trouble is not None:
            yield f"{node.name}/not-reached.txt", redact(node.trouble)
            continue
        yield from ((f"{node.name}/{name}.txt", redact(text)) for name, text in _logs(node))
        yield f"{node.name}/state.json", json.dumps(redact_all(node.state.known), indent=1)


def _logs(node: Node) -> Iterator[tuple[str, str]]:
    logs = node.facts(LogFacts)
    for name, fact in vars(LogFacts).items():
        if isinstance(fact, Fact):
            try:
                yield name, getattr(logs, name)
            except UnknownFact as error:
                yield name, f"not read: {error}"


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode("utf-8", "replace")
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
    archive.addfile(entry, io.BytesIO(data))
