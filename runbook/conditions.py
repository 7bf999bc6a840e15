"""Conditions of checks: each returns None where the check applies, else the reason why it is skipped."""

from engine.check import Context


def has_a_fabric(context: Context) -> str | None:
    """A fabric takes two nodes."""
    return None if context.cluster.size > 1 else "a cluster of one node has no fabric"


def has_peers(context: Context) -> str | None:
    """One node has nothing to be compared with."""
    return None if context.cluster.size > 1 else "there is one node, and none to compare with"


def trains(context: Context) -> str | None:
    """Step 10 launches work, so it wants to be asked."""
    return None if context.train != "none" else "training runs with --train smoke, --train full or --fix"


def trains_fully(context: Context) -> str | None:
    """The full run takes hours, and a recipe."""
    return None if context.train == "full" else "the full run starts with --train full, or --fix with --recipe"


def puts_under_load(context: Context) -> str | None:
    """A measurement uses what it measures, and may disturb who else uses it, so it wants to be asked."""
    return None if context.load else "measuring needs --load, or --fix without --train none"


def computes_on_gpus(context: Context) -> str | None:
    """A cluster whose inventory says `device: cpu` has no GPU to put under load."""
    on_cpus = "this cluster computes on CPUs" if context.cluster.inventory.device == "cpu" else None
    return on_cpus or puts_under_load(context)


def computes_on_several_nodes(context: Context) -> str | None:
    """One node's GPU has nothing to be compared with."""
    return computes_on_gpus(context) or has_peers(context)


def by_swarm(context: Context) -> str | None:
    """The launcher `docker` starts plain containers, which take no part in a swarm."""
    return None if context.cluster.inventory.uses_swarm else "the launcher docker uses no swarm"


def has_docker(context: Context) -> str | None:
    """Without an inventory a machine is asked for what it is; one that has no Docker offers nothing to a swarm."""
    cluster = context.cluster
    return "this machine has no Docker" if cluster.inventory.local and not cluster.manager.docker.program else None


def measures_the_fabric(context: Context) -> str | None:
    """Measuring a fabric takes one, and the wish."""
    return has_a_fabric(context) or puts_under_load(context)


def measures_through_rdma(context: Context) -> str | None:
    """Containers that the swarm starts get no RDMA devices, and gloo, which CPUs use, knows none."""
    inventory = context.cluster.inventory
    if inventory.uses_swarm:
        return measures_the_fabric(context) or "the swarm gives containers no RDMA devices"
    return measures_the_fabric(context) or ("CPUs use no RDMA" if inventory.device == "cpu" else None)


def offers_to_a_swarm(context: Context) -> str | None:
    """What makes a swarm hand out GPUs takes a Docker, and a swarm."""
    return has_docker(context) or by_swarm(context)


def cleans_up(context: Context) -> str | None:
    """Step 14 removes what the other steps built, so it wants to be asked."""
    return None if context.cleanup else "cleaning up runs with --cleanup"


def has_several_managers(context: Context) -> str | None:
    """Skip where the inventory asks for one manager, as the playbook does."""
    return None if context.cluster.inventory.managers > 1 else "one manager is all that the inventory asks for"
