"""Threads take memory from the same heaps, counted by glibc itself."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THREADS = 8
_COUNT = f"""
import ctypes, sys, threading
from engine.memory import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
here = threading.Barrier({THREADS})
def read():
    said = [bytearray(50_000) for _ in range(20)]
    here.wait()
threads = [threading.Thread(target=read) for _ in range({THREADS})]
for one in threads:
    one.start()
for one in threads:
    one.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc's malloc")
def test_threads_share_two_heaps() -> None:
    heaps = {}
    for how in ("shared", "as it is"):
        done = subprocess.run(
            [sys.executable, "-c", _COUNT, how], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        heaps[how] = done.stdout.count("<heap nr=")
    assert heaps["shared"] == 2
    assert heaps["as it is"] > 2
