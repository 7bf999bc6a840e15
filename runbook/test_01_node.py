"""Step 1, what every node has to be for it: a machine of its own, with the right time, and room for the work."""

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import clock
from runbook.causes import node as why
from runbook.conditions import has_a_fabric, has_peers
from runbook.found import node as found
from workloads.recipe import Recipe

pytestmark = step(1, "Configure network connectivity")


@check(
    "machine.hostname",
    needs=("ssh.reachable",),
    remedy="give each node a name of its own: `sudo hostnamectl set-hostname NAME`",
)
def test_hostnames_are_distinct(cluster: Cluster) -> None:
    """No two nodes have the same hostname."""
    assert cluster.repeated(lambda node: [node.machine.hostname]) == (), "the swarm could not tell their tasks apart"


@check(
    "machine.identity",
    needs=("ssh.reachable",),
    warns=True,
    remedy="on the clone: remove /etc/machine-id, run systemd-machine-id-setup, and reboot",
)
def test_machine_ids_are_distinct(cluster: Cluster) -> None:
    """No two nodes have the same machine-id."""
    assert cluster.repeated(lambda node: [node.machine.machine_id]) == (), (
        "one disk was cloned: DHCP may give both one address"
    )


@check(
    "machine.same_kernel",
    needs=("ssh.reachable",),
    applies=has_peers,
    warns=True,
    remedy="update the node that is behind, and reboot it",
)
def test_kernels_are_the_same(cluster: Cluster) -> None:
    """All nodes run the same kernel."""
    assert cluster.drift(lambda node: node.machine.kernel) == SAME, "drivers and RDMA may behave in different ways"


@check(
    "machine.same_os", needs=("ssh.reachable",), applies=has_peers, warns=True, remedy="update the node that is behind"
)
def test_systems_are_the_same(cluster: Cluster) -> None:
    """All nodes have the same operating system."""
    assert cluster.drift(lambda node: node.machine.os) == SAME, "packages come from different releases"


@check(
    "ssh.prompt",
    needs=("ssh.reachable",),
    threshold="answer_s",
    remedy="look at what `~/.bashrc` and `~/.profile` wait for, and whether `sudo` waits for a name server",
)
def test_node_answers_at_once(node: Node) -> None:
    """The node answers a command at once."""
    assert node.answer_s <= node.cluster.thresholds.answer_s, "every question to it waits as long"


@check(
    "machine.clock",
    fix=clock.enable_time_sync,
    needs=("ssh.reachable",),
    explained_by=("ssh.prompt",),
    applies=has_a_fabric,
    threshold="clock_offset_s",
)
def test_clocks_agree(cluster: Cluster) -> None:
    """The nodes' clocks agree."""
    assert found.clocks_apart_s(cluster) <= cluster.thresholds.clock_offset_s, why.clocks_differ(cluster)


@check(
    "machine.own_workspace",
    needs=("ssh.sudo",),
    applies=has_peers,
    remedy="name a directory on a disk of each node's own as `workspace` in the inventory",
)
def test_workspaces_are_apart(cluster: Cluster) -> None:
    """Every node has a workspace of its own."""
    assert found.shared_workspaces(cluster) == (), "the file that tells a node its rank would be one file for all"


@check(
    "machine.disk_used",
    needs=("ssh.sudo",),
    threshold="disk_used_percent",
    remedy="make room: `docker system df` and the model cache are the places to look at first",
)
def test_disks_are_not_full(node: Node) -> None:
    """No disk that the work needs is full."""
    assert found.fullest_percent(node) <= node.cluster.thresholds.disk_used_percent, why.fullest(node)


@check(
    "machine.inodes_used",
    needs=("ssh.sudo",),
    threshold="inodes_used_percent",
    remedy="remove directories with very many small files",
)
def test_files_are_not_used_up(node: Node) -> None:
    """No disk that the work needs has run out of files."""
    assert found.inodes_percent(node) <= node.cluster.thresholds.inodes_used_percent, why.out_of_files(node)


@check(
    "machine.disk_room",
    needs=("ssh.sudo",),
    explained_by=("machine.disk_used", "machine.inodes_used"),
    remedy="make room in the model cache, or choose a smaller recipe",
)
def test_model_fits_on_the_disk(node: Node, recipe: Recipe) -> None:
    """The recipe's model fits on the disk."""
    assert found.room_gb(node, recipe) >= recipe.needs.disk_gb, why.no_room(node, recipe)


@check(
    "machine.output_room",
    needs=("ssh.sudo",),
    explained_by=("machine.disk_used", "machine.inodes_used"),
    remedy="make room in the workspace, or keep fewer checkpoints (`keep_checkpoints` of the recipe)",
)
def test_result_fits_on_the_disk(node: Node, recipe: Recipe) -> None:
    """The recipe's checkpoints and result fit on the disk."""
    assert found.output_room_gb(node, recipe) >= recipe.needs.output_gb, why.no_room_for_output(node)


@check("machine.memory", needs=("ssh.reachable",), remedy="end what holds the memory, or choose a smaller recipe")
def test_memory_is_free(node: Node, recipe: Recipe) -> None:
    """As much memory is free as the recipe needs."""
    assert found.memory_gb(node) >= recipe.needs.memory_gb, why.no_memory(node)


@check(
    "machine.sound",
    needs=("ssh.reachable",),
    warns=True,
    remedy="reboot the node; if the trouble comes back, look into `journalctl -k` and call support",
)
def test_kernel_is_sound(node: Node) -> None:
    """The kernel has met with no trouble since boot."""
    assert node.machine.taint == (), "what it met with may have left it unreliable"


@check(
    "machine.unstuck", needs=("ssh.reachable",), warns=True, remedy="reboot the node: such a process cannot be ended"
)
def test_no_process_is_stuck(node: Node) -> None:
    """No process is stuck in the kernel."""
    assert node.resources.stuck == (), "it waits for a disk, a file server or a GPU that does not answer"
