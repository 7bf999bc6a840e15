"""README's example of a check, its fact and its fixer is code that runs."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cluster.cluster import Cluster
from cluster.facts.base import fact
from cluster.facts.parse import yes
from cluster.inventory import this_machine
from cluster.node import Node
from engine.change import Change, RunCommand, WriteFile
from engine.check import check

README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_a_check_is_code_that_runs() -> None:
    adding = README.read_text(encoding="utf-8").partition("## Adding a check")[2]
    names: dict[str, Any] = {
        "check": check,
        "fact": fact,
        "journald": SimpleNamespace(keep_log=None),
        "yes": yes,
        **{one.__name__: one for one in (Change, Iterator, Node, RunCommand, WriteFile)},
    }
    for code in re.findall(r"```python\n(.+?)```", adding, re.DOTALL):
        exec(textwrap.dedent(code), names)  # noqa: S102 - our own page
    write, take_up = names["keep_log"](Cluster(this_machine()).manager)
    assert write.taken_up_by == take_up.command
    assert names["test_log_survives_a_reboot"].pytestmark[0].args == ("machine.keeps_log",)
