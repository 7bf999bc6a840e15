"""Loads the engine."""

pytest_plugins = ["engine.plugin"]
