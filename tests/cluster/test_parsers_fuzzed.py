"""Whatever a node says, a parser understands it or says that it does not; nothing else comes out of it."""

import json
from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cluster.facts.base import Fact, Facts, ParseError, Reading
from cluster.node import Node  # noqa: F401 - loads every subject

PARSERS = {
    f"{kind.__name__}.{name}": fact._parse
    for kind in Facts.__subclasses__()
    if kind.__module__.startswith("cluster.")
    for name, fact in vars(kind).items()
    if isinstance(fact, Fact)
}
KEYS = st.sampled_from([
    "ServerErrors", "ServerVersion", "Runtimes", "DefaultRuntime", "Swarm", "GenericResources", "NamedResourceSpec",
    "runtimes", "default-runtime", "node-generic-resources", "Config", "Env", "Id", "ID", "Description", "Status",
    "Spec", "CurrentState", "ifname", "addr_info", "family", "local", "prefixlen", "mtu", "network", "ethernets",
    "addresses",
])  # fmt: skip
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("inet"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=6),
    max_leaves=12,
)
SAMPLES = st.sampled_from([
    "GPU 0: GB10 (UUID: GPU-e6)\n<?xml version='1.0'?><nvidia_smi_log><gpu><uuid>GPU-e6</uuid></gpu></nvidia_smi_log>"
    "exit 0\n",
    "000f:01:00.0 0302: 10de:2e12 (rev a1)\n\tKernel driver in use: nvidia\n",
    "9000.5\n[ 8400.5] NVRM: Xid (PCI:0000:00:06): 79, GPU has fallen off the bus.\n",
    "/usr/lib/libcuda.so.580.159.04\n",
    "MemTotal: 131891160 kB\nMemAvailable: 129000000 kB\n",
    "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n",
    "enp1s0f1np1 \tSpeed: 200000Mb/s\n",
    "NVIDIA Container Toolkit CLI version 1.20.1\n",
    "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n",
    f"600 /etc/netplan/a.yaml {b64encode(b'network: {ethernets: {a: {addresses: [10.0.0.1/24]}}}').decode()}\n",
    'PRETTY_NAME="Debian"\n',
    "yes /srv\nno /home\n",
    "ab12  ./file\n",
    'swarm-resource = "X"\n[table]\nkey = 1979-05-27T07:32:00Z\n',
    "network:\n  ethernets:\n    a: {addresses: [10.0.0.1/24], optional: true}\n",
    "127.0.0.1 ssh-ed25519 AAA\n",
    "10.0.0.2 5 packets transmitted, 5 received, 0% packet loss rtt min/avg/max/mdev = 0.035/0.1/0.2/0.01 ms\n",
    "10.0.0.2 10.0.0.0/24 dev eth0 proto kernel\n",
    "10.0.0.2 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n",
    "eth0 4 32.0 GT/s PCIe 4 32.0 GT/s PCIe\n",
    "eth0 carrier_changes: 3\n",
    "tcp LISTEN 0 128 *:22 *:*\n",
    "10.0.0.2 7946/tcp refused\n",
    "/sys/class/infiniband/mlx5_0/ports/1/gids/3:0000:0000:0000:0000:0000:ffff:0a00:0001\n",
    "/sys/class/infiniband/mlx5_0/ports/1/gid_attrs/types/3:RoCE v2\n",
    "/sys/class/infiniband/mlx5_0/device/net/eth0:\n",
    "/etc/environment:NCCL_IB_GID_INDEX=3\n",
    "CmaTotal: 32768 kB\nCmaFree: 1024 kB\n",
])  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=80),
    VALUES.map(json.dumps),
    st.builds(
        lambda sample, noise, at: sample[:at] + noise + sample[at:], SAMPLES, st.text(max_size=6), st.integers(0, 90)
    ),
    st.builds(lambda sample, at: sample[:at], SAMPLES, st.integers(0, 90)),
)


def _outcome(name: str, reading: Reading) -> str:
    try:
        PARSERS[name](reading)
    except ParseError as error:
        return f"not understood: {error}"
    return "understood"


@pytest.mark.parametrize("name", PARSERS)
@example(out="!!bool x", err="", exit_status=0)
@example(out="!!int ''", err="", exit_status=0)
@example(out='{"ServerErrors": {"a": 1}}', err="", exit_status=0)
@example(out='{"ServerErrors": 5}', err="", exit_status=0)
@example(out="version \u0661.\u0662", err="", exit_status=0)
@example(out="version " + "9" * 5000 + ".1", err="", exit_status=0)
@example(out="LISTEN 0 128 0.0.0.0:" + "9" * 5000, err="", exit_status=0)
@example(out="x Speed: " + "9" * 5000 + "Mb/s", err="", exit_status=0)
@example(out="<?xml version='1.0'?>" + "<a>" * 5000 + "exit 0", err="", exit_status=0)
@example(out="<?xml version='1.0' encoding='nonsense'?><a/>exit 0", err="", exit_status=0)
@example(out="<?xml version='1.0' encoding='utf-16'?><a/>exit 0", err="", exit_status=0)
@example(out="9.5\n[ 9] NVRM: Xid (PCI:a): " + "9" * 5000, err="", exit_status=0)
@example(out='"' + "x" * 200_000, err="", exit_status=0)
@example(out="[" * 500, err="", exit_status=0)
@example(out="a = " + "[" * 500, err="", exit_status=0)
@example(out='["\\ud800"]', err="", exit_status=0)
@example(out="600", err="", exit_status=0)
@example(out="eth0 4 1.1.1 GT/s PCIe 4 32.0 GT/s PCIe", err="", exit_status=0)
@example(out="/sys/class/infiniband/a/ports/1/gids/\u0661:::1", err="", exit_status=0)
@given(out=TEXTS, err=st.text(max_size=20), exit_status=st.sampled_from([0, 0, 0, 1, 127]))
def test_no_answer_breaks_a_parser(name: str, out: str, err: str, exit_status: int) -> None:
    assert _outcome(name, Reading("command", exit_status, out, err)).startswith(("understood", "not understood: "))


@pytest.mark.parametrize("name", PARSERS)
def test_an_error_is_told_in_one_line(name: str) -> None:
    told = _outcome(name, Reading("command", 3, "", "first line\nsecond line\n"))
    assert "\n" not in told
