"""A training run on disk: its folder, its card, its curves, and the checkpoints that it resumes from."""
