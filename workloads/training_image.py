"""The training image: a base, NVIDIA's or another, and on it the packages that the fine-tune imports."""

import io
import tarfile

from workloads.requirements import pinned

FOLDER = "/opt/spark-runbook"

FOR_GPUS = {"bitsandbytes": "0.50.2"}
"""What only a GPU has use for: weights in four bits, for the method qlora."""

# In a folder of their own the packages leave the base's alone, some of which pip could not replace; and NVIDIA's images
# hold pip to the versions that they bring. Only torchao has to go: beside one that is too old for it peft adds no
# adapter. Where the base has a numpy, its torch was built for that one.
_DOCKERFILE = """\
FROM {base}
COPY requirements.txt {folder}/
RUN PIP_CONSTRAINT= python3 -m pip install --no-cache-dir --no-deps \\
      --target {folder}/packages --requirement {folder}/requirements.txt \\
    && PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip uninstall --yes torchao \\
    && if python3 -c "import numpy, pandas" 2>/dev/null; then cd {folder}/packages && rm -rf numpy* pandas*; fi
ENV PYTHONPATH={folder}/packages${{PYTHONPATH:+:$PYTHONPATH}}
"""


def dockerfile(base: str) -> str:
    """Return what `docker build` follows."""
    return _DOCKERFILE.format(base=base, folder=FOLDER)


def requirements() -> str:
    """Return what pip installs: every pinned package but torch, which a base brings."""
    wanted = {name: version for name, version in pinned().items() if name != "torch"} | FOR_GPUS
    return "".join(f"{name}=={version}\n" for name, version in wanted.items())


def context(base: str) -> bytes:
    """Return what `docker build` is given, as a tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in (("Dockerfile", dockerfile(base)), ("requirements.txt", requirements())):
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
