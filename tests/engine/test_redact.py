"""Secrets that stand in what a node says do not stand in what we tell."""

import time

import pytest

from engine.redact import HIDDEN, redact, redact_all

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
        f"+    password: correct horse {CANARY}\n",
        f"-  access-points: {{home: {{password: correct horse {CANARY}}}}}",
        f"wg0: {{key: {CANARY}0123}}",
        f"export AZURE_STORAGE_KEY={CANARY}==",
        f"AWS_ACCESS_KEY_ID={CANARY}",
        f"DB_PASS=a b {CANARY}",
        f'"Env": ["PATH=/bin", "POSTGRES_PASSWORD=pa,ss {CANARY}", "A=b"]',
        f'"settings": "{{\\"password\\": \\"{CANARY}\\", \\"a\\": 1}}"',
        f'"Args": ["redis-server", "--requirepass", "{CANARY}"]',
        f"mysql --password {CANARY} --user me",
        f"mysql --password={CANARY} --user me",
        f"Authorization: Basic {CANARY}",
        f'curl -H "Authorization: Bearer {CANARY}" https://x',
        f'"auths": {{"ghcr.io": {{"auth": "{CANARY}"}}}}',
        f"home:\n  password: |\n    {CANARY}\n    {CANARY}\n  next: 1",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{CANARY}\n-----END PGP PRIVATE KEY BLOCK-----",
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ==QWxh\nc4n4ryS3cretc4n4ryS3cret\n-----END RSA PRIVATE KEY-----",
        f"http-proxy: http://me:ab@{CANARY}@proxy:3128",
        f'{{"a": 1, "token": "{CANARY}',
        f'{{"a": 1, "http-proxy": "http://me:{CANARY}',
        f"level=info msg=started token={CANARY} port=1",
        f"2026-11-28T10:00:00.1Z node.1.abcd@spark-1    | wandb_api_key: {CANARY}",
        f"2026-11-28T10:00:00.1Z node.1.abcd@spark-1    |   password: {CANARY}",
        f"Nov 28 10:00:00 spark-1 app[9]: password: {CANARY}",
        f"DEBUG urllib3: Proxy-Authorization: Basic {CANARY}",
        f"403 for url: https://cdn.hf.co/x?Expires=1&Signature={CANARY}&Key-Pair-Id=2",
        f"https://x.blob.core.windows.net/c?sv=1&sig={CANARY}",
    ],
)
def test_secret_is_hidden(text: str) -> None:
    assert CANARY not in redact(text)
    assert "c4n4ryS3cret" not in redact(text)


@pytest.mark.parametrize(
    "text", [f"nvapi-{'Q1w2' * 8}", f"SWMKEY-1-{CANARY}", f"ghp_{'a1B2' * 9}", f"said {'hf_' + 'a1B2' * 5}"]
)
def test_a_token_is_known_by_its_form(text: str) -> None:
    assert redact(text).removeprefix("said ") == HIDDEN


def test_the_port_of_an_address_is_no_secret() -> None:
    assert redact("http-proxy: http://proxy.corp:3128") == "http-proxy: http://proxy.corp:3128"
    assert redact("listening on tcp://10.0.0.1:29500") == "listening on tcp://10.0.0.1:29500"


def test_a_value_is_hidden_by_the_name_that_it_stands_under() -> None:
    told = {"NVIDIA_API_KEY": f"{CANARY}-1234", "NCCL_DEBUG": "INFO", "tokens": ["a", "b"], "password": [CANARY, 7]}
    assert redact_all({"environment": told}) == {
        "environment": {"NVIDIA_API_KEY": HIDDEN, "NCCL_DEBUG": "INFO", "tokens": ["a", "b"], "password": [HIDDEN, 7]}
    }


@pytest.mark.parametrize(
    "text",
    [
        "NVIDIA_GPU=GPU-45cbf7b3-f919-7228-7a26-b06628ebefa1",
        '{"default-runtime": "nvidia", "debug": true}',
        "without a password or a question",
        "step 3 of 30  loss 4.2  2000 tokens/s",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 nvidia@spark-1",
        "the key /root/.ssh/id_ed25519 of spark-1 has a passphrase: load it into your agent with `ssh-add`.",
        "no example has 512 tokens: raise sequence_length",
        "tokens_per_s: 2000",
        "tokenizer: meta-llama/Llama-3.1-8B",
        "/run/secrets/token: permission denied",
        "passwd:         files systemd",
        "debug1: Server host key: ssh-ed25519 SHA256:AbCdEfGhIjKlMnOp",
        "key: /home/nvidia/.ssh/id_ed25519",
        "HF_TOKEN is not set: accept its licence on the model's page, and set HF_TOKEN to a token of that account",
        "--password-file /run/secrets/password",
        "registry.example/team/key:1.2",
        "pytest runbook --ask-become-pass --bundle -v",
        "--ask-become-pass asks on a terminal, and there is none here",
        "docker swarm join --token (the worker token of spark-1) 192.168.100.1:2377",
        '{"Network": ["overlay"], "Authorization":null,"Log":["awslogs"], "token": false}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_what_stands_beside_a_secret_stays() -> None:
    assert redact(f'"Env": ["A_PASSWORD=x{CANARY}", "B=c"], "User": "me"') == (
        f'"Env": ["A_PASSWORD={HIDDEN}", "B=c"], "User": "me"'
    )
    assert redact(f"a:\n  password: |\n    {CANARY}\n  next: 1") == f"a:\n  password: |\n{HIDDEN}  next: 1"
    assert redact(f"mysql --password {CANARY} --user me") == f"mysql --password {HIDDEN} --user me"


def test_an_endless_word_takes_no_endless_time() -> None:
    began = time.monotonic()
    redact("token" * 100_000 + "=" + "-" * 100_000)
    redact('"password' * 50_000)
    redact("{" * 100_000 + "secret: x")
    assert time.monotonic() - began < 10


def test_structures_are_searched() -> None:
    told = redact_all({"checks": [{"evidence": [{"output": f"token: {CANARY}", "exit": 0}]}]})
    assert CANARY not in str(told)
    assert told["checks"][0]["evidence"][0]["exit"] == 0
