"""WHAT was found, as checks compare it; what cannot be asked here skips a check with the reason."""
