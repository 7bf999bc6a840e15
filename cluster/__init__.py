"""WHO the nodes are, how they are reached, and what they said."""
