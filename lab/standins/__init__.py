"""What a DGX Spark's own tools would print, from a state file on the node."""
