"""The training image's archive is the same, byte for byte, wherever it is packed."""

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import IO

from lab import image


def packed(directory: Path, content: bytes, machine: str = "x86_64") -> Path:
    directory.mkdir()
    layer = directory / "layer.tar"
    layer.write_bytes(content)
    archive = directory / "image.tar"
    image.pack(layer, archive, machine)
    return archive


def test_the_same_layer_gives_the_same_bytes(tmp_path: Path) -> None:
    first = packed(tmp_path / "a", b"layer")
    os.utime(first.parent / "layer.tar", (1, 1))
    assert first.read_bytes() == packed(tmp_path / "b", b"layer").read_bytes()


def test_another_layer_or_machine_gives_another_image(tmp_path: Path) -> None:
    archives = [
        packed(tmp_path / "a", b"layer"),
        packed(tmp_path / "b", b"other"),
        packed(tmp_path / "c", b"layer", "aarch64"),
    ]
    assert len({_config_name(archive) for archive in archives}) == 3


def test_docker_finds_the_layer_under_the_digest_that_the_configuration_names(tmp_path: Path) -> None:
    with tarfile.open(packed(tmp_path / "a", b"layer")) as archive:
        manifest = json.load(_member(archive, "manifest.json"))[0]
        config_bytes = _member(archive, manifest["Config"]).read()
        layer = _member(archive, manifest["Layers"][0]).read()
    assert manifest["RepoTags"] == ["spark-runbook/lab-training:1"]
    assert manifest["Config"] == f"{hashlib.sha256(config_bytes).hexdigest()}.json"
    config = json.loads(config_bytes)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["architecture"] == "amd64"
    assert "PYTHONUNBUFFERED=1" in config["config"]["Env"]


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.extractfile(name)
    assert member is not None
    return member


def _config_name(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        return str(json.load(_member(tar, "manifest.json"))[0]["Config"])
