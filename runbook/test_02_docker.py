"""Step 2: docker runs on every node, and the user may use it."""

from packaging.version import Version

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import docker
from runbook.causes import docker as why
from runbook.conditions import by_swarm, has_peers
from runbook.found import docker as found

pytestmark = step(2, "Configure Docker permissions")

# Generic resources and the options of stack files that are used here: docker's release notes.
OLDEST = Version("20.10")


@check("docker.installed", remedy="install Docker Engine: `sudo apt-get install docker-ce`, or docker.io")
def test_docker_is_installed(node: Node) -> None:
    """Docker is installed."""
    assert node.docker.program != "", "dockerd is not on the path: there is no docker engine on this machine"


@check("docker.version", needs=("docker.installed",), remedy="upgrade Docker Engine on this node")
def test_docker_is_new_enough(node: Node) -> None:
    """Docker is new enough for the stack."""
    assert node.daemon.version >= OLDEST, "it does not know all of what the stack file says"


@check(
    "docker.same_version",
    needs=("docker.version",),
    applies=has_peers,
    warns=True,
    remedy="upgrade Docker Engine on the node that is behind",
)
def test_docker_is_the_same(cluster: Cluster) -> None:
    """All nodes have the same version of docker."""
    assert cluster.drift(lambda node: node.daemon.version) == SAME, "a swarm of mixed versions is asking for trouble"


@check(
    "docker.settings_valid",
    needs=("ssh.sudo", "docker.installed"),
    remedy="correct /etc/docker/daemon.json there; the journal of the run that last wrote it has what was there before",
)
def test_settings_are_valid(node: Node) -> None:
    """daemon.json is one that docker accepts."""
    assert node.daemon.fault == "", why.bad_settings(node)


@check(
    "docker.settings_once",
    needs=("docker.settings_valid",),
    remedy="take them out of daemon.json, or out of the unit with `systemctl edit docker.service`",
)
def test_nothing_is_set_twice(node: Node) -> None:
    """Nothing is set both in daemon.json and on docker's command line."""
    assert node.daemon.twice == (), why.set_twice(node)


@check(
    "docker.swarm_addresses",
    needs=("ssh.sudo", "docker.installed", "network.addressed"),
    remedy="put the address back on its interface; never delete /var/lib/docker/swarm, which is the swarm itself",
)
def test_addresses_of_the_swarm_are_there(node: Node) -> None:
    """The node has the addresses that its swarm was begun or joined on."""
    assert found.missing_addresses(node) == (), "docker does not start when its swarm's address went away"


@check("docker.socket", fix=docker.unmask_socket, needs=("ssh.sudo", "docker.installed"), together="nodes")
def test_socket_is_not_masked(node: Node) -> None:
    """The socket that docker is reached by is not masked."""
    assert node.docker.units["docker.socket"] != "masked", (
        "docker.service needs docker.socket, which is masked: neither starts"
    )


@check("docker.enabled", fix=docker.enable, needs=("ssh.sudo", "docker.installed"), together="nodes")
def test_docker_starts_at_boot(node: Node) -> None:
    """Docker starts at boot."""
    assert node.docker.enabled == "enabled", why.not_at_boot(node)


@check(
    "docker.live_restore",
    fix=docker.end_live_restore,
    together="nodes",
    needs=("ssh.sudo", "docker.settings_valid"),
    applies=by_swarm,
)
def test_live_restore_is_off(node: Node) -> None:
    """Docker does not keep containers alive without its daemon, which a swarm forbids."""
    assert found.live_restore(node) == (), "live-restore is on: docker would refuse a swarm, or to start in one"


@check(
    "docker.running",
    fix=docker.start,
    together="nodes",
    needs=(
        "docker.enabled",
        "docker.socket",
        "docker.settings_valid",
        "docker.settings_once",
        "docker.swarm_addresses",
        "docker.live_restore",
    ),
)
def test_docker_runs(node: Node) -> None:
    """Docker runs."""
    assert node.docker.active == "active", why.not_running(node)


@check(
    "docker.usable",
    fix=docker.add_user_to_group,
    needs=("docker.running",),
    together="nodes",
    remedy="run `docker ps` there as that user: DOCKER_HOST, or a context in ~/.docker/config.json, may lead elsewhere",
)
def test_user_may_use_docker(node: Node) -> None:
    """The user may use docker without sudo, in a new session."""
    assert node.docker.usable == "yes", why.not_usable(node)


@check(
    "docker.storage",
    needs=("ssh.sudo", "docker.running"),
    warns=True,
    remedy="set the storage driver overlay2 in daemon.json; images have to be loaded again",
)
def test_storage_driver_is_sound(node: Node) -> None:
    """Docker stores images with a driver made for it."""
    assert found.unsound_driver(node) == (), "every layer is copied whole, or the driver is no longer kept up"
