"""A judge over this machine, with small checks of its own: is there a file, and can it be made."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cluster.cluster import Cluster
from cluster.inventory import Inventory, NodeEntry
from cluster.node import Node
from engine.apply import Applier
from engine.change import Change, RunCommand
from engine.check import Check, Fixer, Settles, Together
from engine.comparison import LastComparison, compared
from engine.journal import Journal
from engine.judge import Judge
from engine.outcome import Verdict


class Bench:
    """One judge in one mode, over as many nodes as asked for; each is this machine."""

    def __init__(self, folder: Path, mode: str, *, nodes: int = 1, allowed: frozenset[str] = frozenset()) -> None:
        """Connect the nodes."""
        entries = tuple(NodeEntry(name=f"n{number}", address="localhost") for number in range(nodes))
        self.cluster = Cluster(Inventory(nodes=entries, local=True))
        self.cluster.connect()
        self.folder = folder
        self.journal = Journal(folder / "journal.jsonl")
        self._compared = LastComparison()
        self.engine = Judge(self.cluster, Applier(self.journal, allowed), mode, self._compared)

    def judge(
        self,
        check: Check,
        assertion: Callable[[], object] | None = None,
        *,
        node: int | None = 0,
        skip: str | None = None,
    ) -> Verdict:
        """Judge a check on a node, or on the cluster where `node` is None; by default it asks for its own file."""
        place = None if node is None else self.cluster.nodes[node]
        return self.engine.judge(check, place, assertion or (lambda: self.assert_file(check.id)), skip)

    def compare(self, operator: str, found: object, expected: object) -> None:
        """Note a comparison, as pytest would."""
        self._compared.value = compared(operator, found, expected)

    def assert_file(self, name: str) -> None:
        """Hold where the file is there."""
        said = self.cluster.manager.read(f"test -e {self.folder}/{name} && echo there || echo missing").out.strip()
        self.compare("==", said, "there")
        assert said == "there", f"nobody made {name}"

    def make(self, name: str) -> Fixer:
        """Build a fixer that makes the file a check asks for."""

        def fix(place: Node | Cluster) -> Iterator[Change]:
            node = place if isinstance(place, Node) else place.manager
            yield RunCommand(node, f"touch {self.folder}/{name}", undo_command=f"rm -f {self.folder}/{name}")

        return fix


def check(  # noqa: PLR0913 - the same words as the real one's
    check_id: str,
    *,
    fix: Fixer | None = None,
    needs: tuple[str, ...] = (),
    needs_everywhere: tuple[str, ...] = (),
    explained_by: tuple[str, ...] = (),
    remedy: str | None = None,
    threshold: str | None = None,
    warns: bool = False,
    due_after: tuple[str, ...] = (),
    settles: Settles | None = None,
    together: Together | None = None,
) -> Check:
    """Declare a check whose title is its id."""
    return Check(
        id=check_id,
        step=1,
        title=f"The file {check_id} is there",
        per_node=True,
        fix=fix,
        needs=needs,
        needs_everywhere=needs_everywhere,
        explained_by=explained_by,
        applies=None,
        remedy=remedy,
        threshold=threshold,
        warns=warns,
        due_after=due_after,
        settles=settles,
        together=together,
    )
