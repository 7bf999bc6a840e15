"""What all of this project's own tests need."""

import signal


def pytest_configure() -> None:
    """Let runs that the tests start be interrupted: a shell starts its background jobs, us maybe, deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
