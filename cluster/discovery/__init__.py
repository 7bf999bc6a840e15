"""`python -m cluster init`: from what is there to a first cluster.yaml."""
