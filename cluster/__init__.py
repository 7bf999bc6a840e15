"""WHO the nodes are, how they are reached, and what they said."""

import sys

if "invoke" not in sys.modules:
    # Paramiko imports it for `Match exec`, which ssh reads for us, and half of paramiko's time to start is that.
    sys.modules["invoke"] = None  # type: ignore[assignment]  # importing it fails, which paramiko takes for not there
    import paramiko.config

    del sys.modules["invoke"], paramiko
