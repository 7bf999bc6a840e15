"""A virtual cluster on one Linux machine: real operating systems, simulated GPUs and cables."""
