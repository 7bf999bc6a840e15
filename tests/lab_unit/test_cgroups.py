"""Cgroup hierarchies as /proc/self/mountinfo shows them."""

from pathlib import Path

from lab.cgroups import parse_hierarchies

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
HYBRID = """\
40 30 0:31 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,mode=755
41 40 0:32 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw
42 40 0:33 / /sys/fs/cgroup/systemd rw shared:10 - cgroup cgroup rw,xattr,name=systemd
43 40 0:34 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct
44 40 0:35 / /sys/fs/cgroup/cpuset rw shared:12 - cgroup cgroup rw,cpuset,clone_children
45 23 0:34 / /mnt/again rw shared:11 - cgroup cgroup rw,cpu,cpuacct
"""


def test_a_unified_host_has_one_hierarchy_without_controllers_of_its_own() -> None:
    (only,) = parse_hierarchies(V2)
    assert only.mount == Path("/sys/fs/cgroup")
    assert only.unified


def test_a_hybrid_host_has_one_hierarchy_a_controller_set_each_once() -> None:
    found = {hierarchy.mount.name: hierarchy.controllers for hierarchy in parse_hierarchies(HYBRID)}
    assert found == {
        "unified": frozenset(),
        "systemd": frozenset({"name=systemd"}),
        "cpu,cpuacct": frozenset({"cpu", "cpuacct"}),
        "cpuset": frozenset({"cpuset"}),
    }


def test_a_host_without_cgroups_has_none() -> None:
    assert parse_hierarchies("1 0 0:1 / /proc rw - proc proc rw\n") == []
