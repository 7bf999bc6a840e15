"""The lab's training image made as large as one of a vendor: one more layer, of bytes that no disk can make smaller."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

FILE = 2**24
"""Bytes of each file in the layer."""


def enlarge(archive: Path, target: Path, gigabytes: float) -> None:
    """Write a docker-archive with the layers of another one, and one that has so many gigabytes more."""
    layer = target.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        for number in range(round(gigabytes * 1e9 / FILE)):
            _add(tar, f"opt/larger/{number}", os.urandom(FILE))
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        (image,) = json.loads(_read(old, "manifest.json"))
        config = json.loads(_read(old, image["Config"]))
        for name in image["Layers"]:
            new.addfile(old.getmember(name), old.extractfile(name))
        with layer.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            new.addfile(new.gettarinfo(layer, "larger.tar"), stream)
        config["rootfs"]["diff_ids"].append(f"sha256:{digest}")
        config["history"].append(config["history"][-1])
        written = json.dumps(config).encode()
        name = f"{hashlib.sha256(written).hexdigest()}.json"
        _add(new, name, written)
        manifest = [{**image, "Config": name, "Layers": [*image["Layers"], "larger.tar"]}]
        _add(new, "manifest.json", json.dumps(manifest).encode())
    layer.unlink()


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name)
    assert stream is not None  # every archive of docker has it
    return stream.read()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
