"""Step 1: what NCCL is told in files of the node."""

import re
from collections.abc import Iterator

from cluster.node import Node
from engine.change import Change, WriteFile
from engine.files import read_file

_PIN = re.compile(rb"^([^#\n]*\bNCCL_IB_GID_INDEX\s*=\s*[\"']?)\d+", re.MULTILINE)


def unpin(node: Node) -> Iterator[Change]:
    """Set the pinned GID index to -1, NCCL's own default: it finds the right one by itself."""
    for path in node.rdma.pins:
        file = read_file(node, path, root=True)
        # The line may be all that an `if` of a login script has, or set something else as well: it stays.
        yield WriteFile(node, path, _PIN.sub(rb"\g<1>-1", file.content or b""), made_from=file)
