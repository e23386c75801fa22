"""The routes: each translates between the wire and one part, and nothing else."""
