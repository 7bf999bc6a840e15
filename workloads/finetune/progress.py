"""How far each rank is, where every rank can read it: so that one that waits can say for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch.distributed as dist

ANSWER_S = 3.0


class Progress:
    """Marks in the store that the launcher keeps on the first node, outside the ranks' processes."""

    def __init__(self, store: dist.Store, rank: int, hosts: list[str]) -> None:
        """Take the store of the job, this rank, and the hosts of all ranks."""
        self._store = store
        self._rank = rank
        self._hosts = hosts
        self.mark(0)

    def mark(self, step: int) -> None:
        """Say that this rank has done the part of a step that waits for nobody, its forward pass."""
        self._store.set(f"progress/{self._rank}", str(step))

    def explain_wait(self) -> str:
        """Say which ranks the others wait for; it may take ANSWER_S for every rank."""
        steps = [self._step_of(rank) for rank in range(len(self._hosts))]
        furthest = max(steps)
        late = [f"rank {rank} ({self._hosts[rank]})" for rank, step in enumerate(steps) if step < furthest]
        if not late:
            return "every rank ended its forward pass: one hangs in its backward pass, or the network between them does"
        return f"{' and '.join(late)} did not do its part: it is gone, hangs, or is far too slow"

    def _step_of(self, rank: int) -> int:
        self._store.wait([f"progress/{rank}"], timedelta(seconds=ANSWER_S))
        return int(self._store.get(f"progress/{rank}"))
