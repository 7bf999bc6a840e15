"""What the nodes said, one module a subject; everything here only reads."""
