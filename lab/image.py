"""The training image: a small Debian 12 with Python 3.11, as a docker-archive that loads to the same id everywhere."""

import datetime
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Final

from lab import debian
from lab.build import EPOCH, once, recipe_key
from lab.gpus import IN_NODE
from lab.places import cache_dir
from lab.progress import Step

NAME: Final = "spark-runbook/lab-training:1"
SUITE: Final = "bookworm"
PACKAGES: Final = ("usr-is-merged", "python3", "bash", "iproute2", "procps", "tini", "ca-certificates")
ENVIRONMENT: Final = (
    # Where the driver of a real GPU is mounted, as in NVIDIA's own images.
    f"PATH={IN_NODE}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    f"LD_LIBRARY_PATH={IN_NODE}/lib64",
    "PYTHONUNBUFFERED=1",
)
CREATED: Final = datetime.datetime.fromtimestamp(EPOCH, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
PACKAGES_PATH: Final = "/usr/local/lib/python3.11/dist-packages"
"""Where containers mount the Python packages; Debian's Python looks there first."""

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def image_config(layer_digest: str, machine: str) -> bytes:
    """The image's configuration, whose SHA-256 is the image id.

    Args:
        layer_digest: hexadecimal SHA-256 of the uncompressed layer.
        machine: as `uname -m` prints it.
    """
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": CREATED,
        "config": {"Env": list(ENVIRONMENT), "Cmd": ["/bin/bash"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created": CREATED, "created_by": "spark-runbook lab"}],
    }
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode()


def pack(layer: Path, archive: Path, machine: str) -> None:
    """Pack one layer as a docker-archive; the same layer gives the same bytes.

    Args:
        layer: an uncompressed tar of the root file system.
        archive: the file to write.
        machine: as `uname -m` prints it.
    """
    with layer.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    config = image_config(digest, machine)
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in ((config_name, config), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        entry = tarfile.TarInfo("layer.tar")
        entry.size = layer.stat().st_size
        with layer.open("rb") as stream:
            tar.addfile(entry, stream)


# Merging /usr beforehand spares the usrmerge package, and with it Perl: a quarter of the image.
MERGED: Final = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"
RECIPE: Final = ("--skip=output/dev", MERGED, *debian.options(SUITE, PACKAGES, ()))


def archive() -> Path:
    """Where the image's archive is in the cache, or will be."""
    return cache_dir() / f"training-image-{recipe_key(*RECIPE, *ENVIRONMENT, CREATED, NAME)}.tar"


def training_image() -> Path:
    """The image's archive in the cache, built on first use (130 MB)."""

    def make(target: Path, work: Step) -> None:
        layer = target.with_name("layer.tar")
        debian.bootstrap(RECIPE, layer, work)
        work.say("packing")
        pack(layer, target, platform.machine())
        layer.unlink()

    return once(archive(), "Building the training image (Debian 12)", "about a minute, once", make)
