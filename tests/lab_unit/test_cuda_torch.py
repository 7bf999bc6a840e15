"""Which build of torch pip chose decides what else it needs."""

from pathlib import Path

from lab.cuda_torch import cuda_libraries

METADATA = """\
Metadata-Version: 2.4
Name: torch
Version: 2.13.0
Requires-Dist: filelock
Requires-Dist: nvidia-cublas-cu13==13.1.0.3; platform_system == "Linux"
Requires-Dist: cuda-bindings==13.0.3; platform_system == "Windows"
Requires-Dist: triton==3.6.0; platform_system == "Linux"
Requires-Dist: opt-einsum>=3.3; extra == "opt-einsum"

A description.
"""


def install(packages: Path, cuda: str) -> None:
    (packages / "torch").mkdir()
    (packages / "torch" / "version.py").write_text(f"__version__ = '2.13.0'\ncuda: Optional[str] = {cuda}\n")
    (packages / "torch-2.13.0.dist-info").mkdir()
    (packages / "torch-2.13.0.dist-info" / "METADATA").write_text(METADATA)


def test_cuda_build_needs_its_libraries_on_this_system(tmp_path: Path) -> None:
    install(tmp_path, "'13.0'")
    assert cuda_libraries(tmp_path) == ["nvidia-cublas-cu13==13.1.0.3", "triton==3.6.0"]


def test_cpu_build_needs_none(tmp_path: Path) -> None:
    install(tmp_path, "None")
    assert cuda_libraries(tmp_path) == []


def test_no_torch_needs_none(tmp_path: Path) -> None:
    assert cuda_libraries(tmp_path) == []
