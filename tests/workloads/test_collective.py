"""The collective probe: two ranks of it on this machine, what NCCL says of its choices, and what is made of it."""

import subprocess
import sys

import pytest

from cluster.errors import CommandFailed
from tests.workloads.job import free_port
from workloads.collective.launch import PROGRAM, understand
from workloads.collective.transport import Transport, parse_transport

IB = """\
spark-1:77:77 [0] NCCL INFO Bootstrap: Using enp1s0f1np1:192.168.100.1<0>
spark-1:77:91 [0] NCCL INFO NET/IB : Using [0]rocep1s0f1:1/RoCE [1]roceP2p1s0f1:1/RoCE [RO]; OOB enp1s0f1np1
spark-1:77:91 [0] NCCL INFO Initialized NET plugin IB
spark-1:77:91 [0] NCCL INFO Using network IB
"""
SOCKET = """\
spark-1:77:91 [0] NCCL INFO NET/IB : No device found.
spark-1:77:91 [0] NCCL INFO NET/Socket : Using [0]enp1s0f1np1:192.168.100.1<0>
spark-1:77:91 [0] NCCL INFO Using network Socket
"""


def test_nccl_names_its_network_and_its_adapters() -> None:
    assert parse_transport(IB) == Transport("IB", ("rocep1s0f1", "roceP2p1s0f1"), no_device=False)
    assert parse_transport(SOCKET) == Transport("Socket", ("enp1s0f1np1",), no_device=True)
    assert str(parse_transport(SOCKET)) == "NET/Socket over enp1s0f1np1"
    assert parse_transport("[Gloo] Rank 0 is connected to 1 peer ranks\n") is None


def test_older_nccl_names_the_network_at_another_place() -> None:
    assert parse_transport(IB.rsplit("spark-1", 1)[0]) == Transport(
        "IB", ("rocep1s0f1", "roceP2p1s0f1"), no_device=False
    )


def test_what_nccl_says_after_the_figures_is_not_the_answer() -> None:
    figure = '{"name": "all_gather", "bytes": 4, "algorithm_gb_s": 2.0, "bus_gb_s": 1.0}'
    farewell = "spark-1:107:107 [0] NCCL INFO ENV/Plugin: Closing env plugin ncclEnvDefault"
    assert understand("spark-1", f'NCCL INFO Init\n\n{{"figures": [{figure}]}}\n{farewell}\n')[0].bus_gb_s == 1.0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "broke off; its last words: ''"),
        ("Killed\n", "broke off; its last words: 'Killed'"),
        ('{"failure": "MemoryError: 3 MiB"}', "the rank on spark-1 failed: MemoryError: 3 MiB"),
        ('{"figures": []}', "it measured nothing"),
        ('{"figures": [{"name": "all_gather"}]}', "broke off"),
    ],
)
def test_a_rank_that_measured_nothing_says_why(said: str, told: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        understand("spark-1", said)
    assert told in str(failed.value)


def test_two_ranks_measure_what_nccl_tests_would_tell(training_python: str) -> None:
    port = str(free_port())
    ranks = [
        subprocess.Popen(
            [training_python, "-c", PROGRAM, str(rank), "2", "127.0.0.1", port, "cpu"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    outputs = [rank.communicate(timeout=200)[0] for rank in ranks]
    gathered, reduced = understand("spark-1", outputs[0])
    assert (gathered.name, reduced.name) == ("all_gather", "all_reduce")
    assert gathered.bytes == reduced.bytes == 2**24
    assert gathered.bus_gb_s == pytest.approx(gathered.algorithm_gb_s / 2)
    assert reduced.bus_gb_s == pytest.approx(reduced.algorithm_gb_s)


def test_a_rank_without_torch_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, "0", "1", "127.0.0.1", "1", "cpu"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    with pytest.raises(CommandFailed, match="the rank on spark-1 failed: ModuleNotFoundError: No module named 'torch'"):
        understand("spark-1", done.stdout)
