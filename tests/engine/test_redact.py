"""Secrets that stand in what a node says do not stand in what we tell."""

import pytest

from engine.redact import redact, redact_all

CANARY = "c4n4ry-S3cret"


@pytest.mark.parametrize(
    "text",
    [
        f'wifis: {{home: {{password: "{CANARY}"}}}}',
        f"password: {CANARY}",
        f'{{"registry-token": "{CANARY}", "debug": true}}',
        f"http-proxy: http://me:{CANARY}@proxy:3128",
        f"HF_TOKEN={CANARY}",
        f"psk='{CANARY}'",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"docker swarm join --token SWMTKN-1-{CANARY}-x 10.0.0.1:2377",
    ],
)
def test_secret_is_hidden(text: str) -> None:
    assert CANARY not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "NVIDIA_GPU=GPU-45cbf7b3-f919-7228-7a26-b06628ebefa1",
        '{"default-runtime": "nvidia", "debug": true}',
        "without a password or a question",
        "step 3 of 30  loss 4.2  2000 tokens/s",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 nvidia@spark-1",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_structures_are_searched() -> None:
    told = redact_all({"checks": [{"evidence": [{"output": f"token: {CANARY}", "exit": 0}]}]})
    assert CANARY not in str(told)
    assert told["checks"][0]["evidence"][0]["exit"] == 0
