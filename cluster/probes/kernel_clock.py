"""Tell the time by which the kernel stamps its log: the seconds since boot, without those it was suspended."""

import time

print(f"{time.monotonic():.2f}")
