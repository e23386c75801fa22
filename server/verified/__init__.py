"""Answers that people verified, served to whoever asks the same again, while their sources stay as they were."""
