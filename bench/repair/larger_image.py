"""The lab's training image made as large as one of a vendor, by bytes that no disk can make smaller."""

from __future__ import annotations

import io
import os
import platform
import shutil
import tarfile
from pathlib import Path

from lab import image

FILE = 2**24
"""Bytes of each file that is added."""


def enlarge(archive: Path, target: Path, gigabytes: float) -> None:
    """Write the lab's image with so many gigabytes more."""
    layer = target.with_name("layer.tar")
    with tarfile.open(archive) as tar, layer.open("wb") as file:
        packed = tar.extractfile(layer.name)
        assert packed is not None  # image.pack put it there
        shutil.copyfileobj(packed, file)
    with tarfile.open(layer, "a") as tar:
        for number in range(round(gigabytes * 1e9 / FILE)):
            entry = tarfile.TarInfo(f"opt/larger-{number}")
            entry.size = FILE
            tar.addfile(entry, io.BytesIO(os.urandom(FILE)))
    image.pack(layer, target, platform.machine())
    layer.unlink()
