"""A user of this machine for the duration of the tests, whose sudo rules we set."""

import secrets
import subprocess
from pathlib import Path


class User:
    """A temporary user with a password; `remove` leaves nothing of it."""

    def __init__(self) -> None:
        """Make it."""
        self.name = f"runbook-test-{secrets.token_hex(3)}"
        self.password = f"canary-{secrets.token_hex(8)}"
        self._sudoers = Path("/etc/sudoers.d") / self.name
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", self.name], check=True)
        subprocess.run(["chpasswd"], input=f"{self.name}:{self.password}\n", text=True, check=True)
        self.home = f"/home/{self.name}"

    def may(self, rule: str | None) -> None:
        """Let sudo run commands by this rule, or none at all."""
        self._sudoers.unlink(missing_ok=True)
        if rule is not None:
            self._sudoers.touch(mode=0o440)
            self._sudoers.write_text(f"{self.name} ALL=(ALL) {rule}\n")

    def shell(self, path: str) -> None:
        """Change the login shell."""
        subprocess.run(["usermod", "--shell", path, self.name], check=True)

    def remove(self) -> None:
        """Remove it with its home, rules and processes."""
        self._sudoers.unlink(missing_ok=True)
        subprocess.run(["userdel", "--force", "--remove", self.name], check=False, capture_output=True)
