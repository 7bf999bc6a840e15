"""Faults that the lab can produce: one module a subject, each fault with the check that has to name it."""
