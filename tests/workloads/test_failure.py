"""Failures that come up from below, put in one sentence."""

from __future__ import annotations

import pytest

from workloads.finetune.failure import explain


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            "[/src/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [10.0.0.2]:1843. "
            "This is typically caused by a remote worker crashing.",
            "lost another rank while in step 7: Connection closed by peer [10.0.0.2]:1843",
        ),
        (
            "[enforce fail at /src/gloo/transport/tcp/device.cc:84] ifa != nullptr. Unable to find address for: enp9",
            "the interface enp9 has no address here: correct GLOO_SOCKET_IFNAME for this node",
        ),
        ("no kernel image\nmore", "RuntimeError while in step 7: no kernel image"),
        ("", "RuntimeError while in step 7: no reason given"),
    ],
    ids=["peer", "interface", "other", "empty"],
)
def test_a_failure_is_told_in_one_sentence(raised: str, told: str) -> None:
    assert explain(RuntimeError(raised), "in step 7") == told
