"""HOW to make it true: one module a subject; a fixer compares with facts and yields changes, or yields nothing."""
