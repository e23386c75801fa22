"""Graders give propositions their probabilities."""
