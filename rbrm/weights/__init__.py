"""Trained numbers, each file with its card. Made by `training/`."""
