"""The memory of a run: nearly all that it makes stays until its end, and what it reads many threads read."""

import ctypes
import gc
import platform

_ARENA_MAX = -8
"""glibc's M_ARENA_MAX, which its malloc.h declares and Python does not."""
_HEAPS = 2


def spare_the_collector() -> None:
    """Leave what is there to the end of the process: garbage collection was a tenth of the work."""
    gc.freeze()
    gc.set_threshold(20_000)


def share_heaps() -> None:
    """Let all threads take memory from the same heaps.

    glibc gives each thread one of its own, where what it frees is of use to no other: 13 of 170 MB at 32 nodes.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _HEAPS)
