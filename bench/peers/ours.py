"""Ours: all questions as one subject, in one round trip a host, all hosts at once. Arguments: INVENTORY EXPECTED."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from probes import probes

from cluster.cluster import Cluster
from cluster.facts.base import Facts, fact
from cluster.facts.parse import text
from cluster.inventory_file import read_inventory

QUESTIONS = list(probes().items())


class Asked(Facts):
    """The sixty answers, by the number of the question."""

    for _number, (_, _command) in enumerate(QUESTIONS):
        vars()[f"answer_{_number}"] = fact(_command, text)


def main() -> None:
    """Ask, and compare with what was expected."""
    expected = json.loads(Path(sys.argv[2]).read_text())
    cluster = Cluster(read_inventory(Path(sys.argv[1])))
    cluster.connect()
    for node in cluster.nodes:
        facts = node.facts(Asked)
        for number, (name, _) in enumerate(QUESTIONS):
            answer = getattr(facts, f"answer_{number}")
            assert answer == expected[node.name][name], (node.name, name, answer)
    cluster.close()


if __name__ == "__main__":
    main()
