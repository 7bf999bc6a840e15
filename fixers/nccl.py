"""Step 1: what NCCL is told in files of the node."""

import re
from collections.abc import Iterator

from cluster.node import Node
from engine.change import Change, WriteFile
from engine.files import read_file

_PIN = re.compile(rb"^(?=[^#\n]*\bNCCL_IB_GID_INDEX\s*=)", re.MULTILINE)


def unpin(node: Node) -> Iterator[Change]:
    """Comment out the lines that pin NCCL's GID index: left alone, it finds the right one by itself."""
    for path in node.rdma.pins:
        file = read_file(node, path, root=True)
        yield WriteFile(node, path, _PIN.sub(b"# ", file.content or b""), made_from=file)
