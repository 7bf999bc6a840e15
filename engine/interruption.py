"""Being told to end: by Ctrl-C, by a terminal that closes, by whoever cancels a job."""

import signal
import threading
from types import FrameType

_SIGNS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Makes the first such signal the interrupt that ends a run with its report, and lets no other break into that."""

    def __init__(self) -> None:
        """Nothing has come, and nothing is listened for yet."""
        self.came = False
        self._deaf = False

    def listen(self) -> None:
        """Take the signals from now on; one that is ignored, as by nohup, stays so."""
        if threading.current_thread() is not threading.main_thread():
            return
        for sign in _SIGNS:
            if signal.getsignal(sign) is not signal.SIG_IGN:
                signal.signal(sign, self._hear)

    def ignore(self) -> None:
        """Let none come through any more: what is written now has to be written whole."""
        self._deaf = True

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.came or self._deaf:
            return
        self.came = True
        raise KeyboardInterrupt
